-- The agency's own number about dated days came over a year after they ended, no duty set another
-- date, and nobody who answers for the number had told it before. One row a series and day of
-- disclosure. A group has no voice of its own.
with
came as (
  select
    *,
    (last_day + interval 1 year)::date as deadline
  from disclosures
  join (select agency_id, level from agencies) using (agency_id)
  where voice = 'agency'
    and level <> 'group'
    and shows_its_day
    and replaces is null
    and first_day is not null
),

candidates as (
  select *
  from came
  where came_earliest > deadline
    and not exists (
      from duty_periods
      join duties using (duty_id)
      where duty_periods.agency_id = came.agency_id
        and coalesce(duties.metric, came.metric) = came.metric
        and due_on is not null
        and duty_periods.period_start <= came.last_day
        and duty_periods.period_end >= came.first_day
    )
),

-- Days of the period that had been told by then, cut to the period.
told as (
  select
    candidates.report_id, candidates.first_day as begins, candidates.last_day as ends,
    greatest(coalesce(before.first_day, candidates.first_day), candidates.first_day) as first_day,
    least(before.last_day, candidates.last_day) as last_day
  from candidates
  join disclosures as before
    on before.agency_id = candidates.agency_id
    and before.system_id = candidates.system_id
    and family(before.metric) = family(candidates.metric)
    and not before.no_period_stated
    and coalesce(before.first_day, candidates.first_day) <= candidates.last_day
    and before.last_day >= candidates.first_day
    and (
      before.known_from < candidates.known_from
      or before.known_from = candidates.known_from
      and before.came_earliest <= candidates.deadline
    )
),

steps as (
  select
    *,
    first_day > coalesce(
      max(last_day) over (
        partition by report_id order by first_day, last_day
        rows between unbounded preceding and 1 preceding
      ) + 1,
      begins
    ) as leaves_a_hole
  from told
),

covered as (
  select report_id
  from steps
  group by report_id
  having not bool_or(leaves_a_hole) and max(last_day) = any_value(ends)
)

select
  agency_id, system_id, metric, 'late' as kind,
  min(first_day) as period_start,
  max(last_day) as period_end,
  known_from,
  min(deadline) + 1 as opened_on,
  max(came_earliest - deadline) as days,
  list(report_id order by report_id) as report_ids
from candidates
anti join covered using (report_id)
group by agency_id, system_id, metric, known_from
order by all
