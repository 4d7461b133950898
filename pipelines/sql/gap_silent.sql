-- Others' evidence shows searches; the agency gave no number for any day of the window and did
-- not deny.
select
  agency_id, system_id, metric, 'silent' as kind, period_start, period_end,
  known_from, known_until,
  others_low as low,
  others_high as high,
  refusals as statement_ids,
  []::varchar[] as agency_report_ids
from window_states
where others_low > 0
  and len(denials) = 0
  and len(agency_report_ids) = 0
