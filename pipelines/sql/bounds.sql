-- The solved answers under the names and periods of their series.
select
  agency_id,
  system_id,
  metric,
  frequency,
  case frequency
    when 'A' then strftime(first_day, '%Y')
    when 'Q' then strftime(first_day, '%Y') || '-Q' || quarter(first_day)
    when 'M' then strftime(first_day, '%Y-%m')
    else coalesce(first_day::text, '..') || '/' || last_day::text
  end as period,
  first_day as period_start,
  last_day as period_end,
  known_from,
  known_until,
  low,
  high,
  agency_low,
  agency_high,
  others_low,
  others_high,
  estimate,
  obs_status,
  low_report_ids,
  high_report_ids,
  series_no
from answers
join numbered_series using (series_no)
order by series_no, frequency, first_day nulls first, last_day, known_from
