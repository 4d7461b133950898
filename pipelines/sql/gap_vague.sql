-- The agency gave numbers for the window, but none is exact, nor are they together: only ranges
-- or words. A group has no voice of its own.
select
  agency_id, system_id, metric, 'vague' as kind, period_start, period_end,
  known_from, known_until,
  coalesce(agency_low, 0) as low,
  agency_high as high,
  []::varchar[] as statement_ids,
  agency_report_ids as report_ids,
  agency_low as own_low, agency_high as own_high, others_low, others_high
from window_states
join agencies using (agency_id)
where len(agency_report_ids) > 0
  and agency_exact = 0
  and agency_low is distinct from agency_high
  and level <> 'group'
