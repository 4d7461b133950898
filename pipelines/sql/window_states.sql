-- Every evidence window as it stood between two days of knowledge, cut also where a statement
-- of the agency about the series became public, with what the agency had said by then.
with
windows as (
  select * from bounds where frequency = 'R'
),

about as (
  select
    windows.agency_id, windows.system_id, windows.metric, period, windows.known_from,
    statement_id, stance, said_latest, statements.known_from as heard_from
  from windows
  join statements
    on statements.agency_id = windows.agency_id
    and coalesce(statements.system_id, windows.system_id) = windows.system_id
  where statements.known_from < coalesce(windows.known_until, date '9999-12-31')
    -- A statement speaks of a window that had begun when it was made.
    and coalesce(period_start, date '0001-01-01') <= said_latest
),

cuts as (
  select agency_id, system_id, metric, period, known_from, known_from as cut from windows
  union
  select agency_id, system_id, metric, period, known_from, greatest(known_from, heard_from)
  from about
),

spans as (
  select
    *,
    lead(cut) over (
      partition by agency_id, system_id, metric, period, known_from order by cut
    ) as next_cut
  from cuts
),

heard as (
  select
    spans.agency_id, spans.system_id, spans.metric, spans.period, spans.known_from, cut,
    list(statement_id order by statement_id) filter (where stance = 'denied') as denials,
    list(statement_id order by statement_id)
      filter (where stance in ('declined', 'no_response')) as refusals
  from spans
  join about
    on about.agency_id = spans.agency_id
    and about.system_id = spans.system_id
    and about.metric = spans.metric
    and about.period = spans.period
    and about.known_from = spans.known_from
    and heard_from <= cut
  group by all
),

-- Reports of the agency itself about days of the window, and how many of them are exact.
spoken as (
  select
    spans.agency_id, spans.system_id, spans.metric, spans.period, spans.known_from, cut,
    list(report_id order by report_id) as agency_report_ids,
    count(*) filter (where reports.low = reports.high) as agency_exact
  from spans
  join windows using (agency_id, system_id, metric, period, known_from)
  join reports
    on reports.agency_id = spans.agency_id
    and reports.system_id = spans.system_id
    and reports.metric = spans.metric
    and voice = 'agency'
    and reports.known_from <= cut
    and coalesce(reports.known_until, date '9999-12-31') > cut
    and coalesce(first_day, date '0001-01-01') <= windows.period_end
    and last_day >= coalesce(windows.period_start, date '0001-01-01')
  group by all
)

select
  windows.agency_id,
  windows.system_id,
  windows.metric,
  windows.period,
  windows.period_start,
  windows.period_end,
  spans.cut as known_from,
  coalesce(spans.next_cut, windows.known_until) as known_until,
  agency_low,
  agency_high,
  others_low,
  others_high,
  coalesce(denials, []) as denials,
  coalesce(refusals, []) as refusals,
  coalesce(agency_report_ids, []) as agency_report_ids,
  coalesce(agency_exact, 0) as agency_exact
from windows
join spans using (agency_id, system_id, metric, period, known_from)
left join heard using (agency_id, system_id, metric, period, known_from, cut)
left join spoken using (agency_id, system_id, metric, period, known_from, cut)
order by agency_id, system_id, metric, windows.period_start nulls first, windows.period_end, spans.cut
