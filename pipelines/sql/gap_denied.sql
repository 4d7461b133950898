-- Others' evidence shows searches in a window that had begun when the agency denied use, and
-- arithmetic alone does not refute the denial.
select
  agency_id, system_id, metric, 'denied' as kind, period_start, period_end,
  known_from, known_until,
  others_low as low,
  others_high as high,
  denials as statement_ids,
  []::varchar[] as agency_report_ids
from window_states
where others_low > 0
  and len(denials) > 0
  and not coalesce(agency_high < others_low, false)
