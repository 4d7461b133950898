-- Every evidence window as it stood between two days of knowledge, cut also where the agency was
-- heard about the series, with what it had said and reported by then.
with
windows as (
  select bounds.*, series_no, coalesce(known_until, date '9999-12-31') as ends
  from bounds
  join numbered_series using (agency_id, system_id, metric)
  where frequency = 'R'
),

-- What the agency said without a number, and until when it let that stand.
heard as (
  select
    series_no, statement_id, 'denial' as sort, said_latest, known_from as heard_from,
    coalesce(known_until, date '9999-12-31') as heard_until
  from denials
  union all
  select
    series_no, statement_id,
    if(stance in ('declined', 'no_response'), 'refusal', 'admission'),
    said_latest, known_from, date '9999-12-31'
  from statements
  join numbered_series as series
    on statements.agency_id = series.agency_id
    and coalesce(statements.system_id, series.system_id) = series.system_id
  where stance in ('declined', 'no_response', 'confirmed', 'suspended')
  union all
  -- A denial that was taken back is still something that it said.
  select
    series_no, statement_id, 'admission', statements.said_latest,
    coalesce(denials.known_until, statements.known_from), date '9999-12-31'
  from statements
  join numbered_series as series
    on statements.agency_id = series.agency_id
    and coalesce(statements.system_id, series.system_id) = series.system_id
  left join denials using (series_no, statement_id)
  where stance = 'denied'
    and (denials.statement_id is null or denials.known_until is not null)
),

said as (
  select
    windows.series_no, period, windows.known_from, statement_id, sort, heard_from, heard_until
  from windows
  join heard
    on heard.series_no = windows.series_no
    and heard_from < ends
    and heard_until > windows.known_from
    -- A statement speaks of a window that had begun when it was made.
    and coalesce(period_start, date '0001-01-01') <= said_latest
),

-- Reports of the agency itself about days of the window. One is exact if its words are, even
-- where no period is stated or the number is a rate.
spoken as (
  select
    windows.series_no, period, windows.known_from, report_id, stated_low = stated_high as exact,
    reports.known_from as heard_from,
    coalesce(reports.known_until, date '9999-12-31') as heard_until
  from windows
  join reports
    on reports.agency_id = windows.agency_id
    and reports.system_id = windows.system_id
    and reports.metric = windows.metric
    and voice = 'agency'
    and reports.known_from < ends
    and coalesce(reports.known_until, date '9999-12-31') > windows.known_from
    and coalesce(first_day, date '0001-01-01') <= windows.period_end
    and last_day >= coalesce(windows.period_start, date '0001-01-01')
  join (select report_id, stated_low, stated_high from ledger_reports) using (report_id)
),

changes as (
  select series_no, period, known_from, heard_from as cut from said
  union
  select series_no, period, known_from, heard_until from said
  union
  select series_no, period, known_from, heard_from from spoken
  union
  select series_no, period, known_from, heard_until from spoken
),

cuts as (
  select series_no, period, known_from, known_from as cut from windows
  union
  select series_no, period, known_from, cut
  from changes
  join windows using (series_no, period, known_from)
  where cut > known_from and cut < ends
),

spans as (
  select
    *,
    lead(cut) over (partition by series_no, period, known_from order by cut) as next_cut
  from cuts
),

said_by as (
  select
    series_no, period, known_from, cut,
    list(statement_id order by statement_id) filter (sort = 'denial') as denials,
    list(statement_id order by statement_id) filter (sort <> 'denial') as statements
  from spans
  join said using (series_no, period, known_from)
  where heard_from <= cut and heard_until > cut
  group by all
),

spoken_by as (
  select
    series_no, period, known_from, cut,
    list(report_id order by report_id) as agency_report_ids,
    count(*) filter (exact) as agency_exact
  from spans
  join spoken using (series_no, period, known_from)
  where heard_from <= cut and heard_until > cut
  group by all
)

select
  agency_id,
  system_id,
  metric,
  period_start,
  period_end,
  spans.cut as known_from,
  coalesce(spans.next_cut, windows.known_until) as known_until,
  agency_low,
  agency_high,
  others_low,
  others_high,
  coalesce(denials, []) as denials,
  coalesce(statements, []) as statements,
  coalesce(agency_report_ids, []) as agency_report_ids,
  coalesce(agency_exact, 0) as agency_exact
from windows
join spans using (series_no, period, known_from)
left join said_by using (series_no, period, known_from, cut)
left join spoken_by using (series_no, period, known_from, cut)
order by agency_id, system_id, metric, period_start nulls first, period_end, spans.cut
