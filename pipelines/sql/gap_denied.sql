-- Others' evidence shows searches in a window that had begun when the agency denied use, and
-- arithmetic alone does not refute the denial. A denial is over once the agency took it back or
-- gave a number of its own that is not zero.
select
  agency_id, system_id, metric, 'denied' as kind, period_start, period_end,
  known_from, known_until,
  others_low as low,
  others_high as high,
  denials as statement_ids,
  []::varchar[] as report_ids,
  agency_low as own_low, agency_high as own_high, others_low, others_high
from window_states
where others_low > 0
  and len(denials) > 0
  and coalesce(agency_low, 0) = 0
  and not coalesce(agency_high < others_low, false)
