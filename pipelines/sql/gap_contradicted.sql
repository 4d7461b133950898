-- The agency's own upper bound lies below the lower bound of the others: both cannot be true.
select
  agency_id, system_id, metric, 'contradicted' as kind, period_start, period_end,
  known_from, known_until,
  others_low - agency_high as low,
  others_high - coalesce(agency_low, 0) as high,
  denials as statement_ids,
  agency_report_ids
from window_states
where agency_high < others_low
