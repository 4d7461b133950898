-- Others' evidence shows searches; the agency gave no number for any day of the window and no
-- denial of it stands. A group has no voice of its own that could be silent.
select
  agency_id, system_id, metric, 'silent' as kind, period_start, period_end,
  known_from, known_until,
  others_low as low,
  others_high as high,
  statements as statement_ids,
  []::varchar[] as report_ids,
  agency_low as own_low, agency_high as own_high, others_low, others_high
from window_states
join agencies using (agency_id)
where others_low > 0
  and len(denials) = 0
  and len(agency_report_ids) = 0
  and level <> 'group'
