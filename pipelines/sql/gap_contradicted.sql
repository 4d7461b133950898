-- The agency's own upper bound lies below the lower bound of the others: both cannot be true.
select
  agency_id, system_id, metric, 'contradicted' as kind, period_start, period_end,
  known_from, known_until,
  others_low - agency_high as low,
  others_high - coalesce(agency_low, 0) as high,
  -- Named from the proof of the agency's upper bound.
  []::varchar[] as statement_ids,
  []::varchar[] as report_ids,
  agency_low as own_low, agency_high as own_high, others_low, others_high
from window_states
where agency_high < others_low
