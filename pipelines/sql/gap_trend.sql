-- Gaps by kind, country and month, from the month in which the first opened to that of the
-- release. A number that came late counts as missing from the day on which it was late.
with
placed as (
  select
    kind, country, opened_on, closed_on, followed_by,
    date_trunc('month', opened_on)::date as opened_in,
    date_trunc('month', closed_on)::date as closed_in
  from gaps
  join agencies using (agency_id)
),

months as (
  select kind, country, unnest(generate_series(starts, ends, interval 1 month))::date as month
  from (
    select
      kind, country, min(opened_in) as starts, date_trunc('month', $as_of::date)::date as ends
    from placed
    group by all
  )
),

changes as (
  select
    kind, country, month,
    count(*) filter (moved = 'opened') as opened,
    count(*) filter (moved = 'closed') as closed,
    count(*) filter (moved = 'closed' and followed_by is not null) as replaced
  from (
    select kind, country, opened_in as month, 'opened' as moved, followed_by from placed
    union all
    select kind, country, closed_in, 'closed', followed_by from placed where closed_in is not null
  )
  group by all
)

select
  kind, country, strftime(month, '%Y-%m') as month,
  (sum(coalesce(opened, 0) - coalesce(closed, 0)) over (
    partition by kind, country order by month
  ))::bigint as open,
  coalesce(opened, 0) as opened,
  coalesce(closed, 0) as closed,
  coalesce(replaced, 0) as replaced
from months
left join changes using (kind, country, month)
order by kind, country, month
