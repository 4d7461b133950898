-- Each report with the bounds it puts on the total of its period, whose voice it is,
-- and between which days the public knew it.
with
stated as (
  select reports.*, latest_day(sources.published_on) as published_by
  from ledger_reports as reports
  join ledger_sources as sources using (source_id)
),

known as (
  select * from stated where published_by <= $as_of
),

corrected as (
  select replaces as report_id, min(published_by) as corrected_on
  from known
  where replaces <> ''
  group by all
),

dated as (
  select
    known.*,
    corrected_on,
    period_start = '' and period_end = '' as no_period_stated,
    try_cast(period_start as date) as first_day,
    coalesce(blank(period_end)::date, published_by) as last_day
  from known
  left join corrected using (report_id)
),

-- A rate covers `times / out_of` of its units; whole months and years are counted exactly.
rated as (
  select
    *,
    (last_day - first_day + 1)::hugeint as days,
    datediff('month', first_day, last_day + 1) as months,
    last_day + 1 = first_day + to_months(months::integer) as whole_months,
    case per
      when 'day' then days
      when 'week' then days
      when 'month' then if(whole_months, months, days * 120000)
      when 'year' then if(whole_months, months, days * 10000)
      else 1
    end::hugeint as times,
    case per
      when 'week' then 7
      when 'month' then if(whole_months, 1, 3652425)
      when 'year' then if(whole_months, 12, 3652425)
      else 1
    end::hugeint as out_of
  from dated
)

select
  report_id,
  agency_id,
  system_id,
  mode,
  metric,
  blank(period_start) as period_start,
  blank(period_end)::date as period_end,
  wording,
  blank(per) as per,
  channel,
  blank(disclosed_by) as disclosed_by,
  source_id,
  blank(locator) as locator,
  blank(replaces) as replaces,
  (stated_low * times // out_of)::bigint as low,
  -- Where no period is stated nothing shows that the number is the total: no upper bound.
  if(no_period_stated, null, (stated_high * times + out_of - 1) // out_of)::bigint as high,
  if(channel in ('published', 'on_request') and disclosed_by = '', 'agency', 'others') as voice,
  first_day,
  last_day,
  published_by as known_from,
  corrected_on as known_until,
  blank(note) as note
from rated
order by report_id
