-- The agency gave numbers for the window, but none that is exact: only ranges or words.
select
  agency_id, system_id, metric, 'vague' as kind, period_start, period_end,
  known_from, known_until,
  coalesce(agency_low, 0) as low,
  agency_high as high,
  []::varchar[] as statement_ids,
  agency_report_ids
from window_states
where len(agency_report_ids) > 0
  and agency_exact = 0
