select
  duty_id, agency_id, instrument, requires, blank(metric) as metric, blank(cadence) as cadence,
  blank(effective_from) as effective_from, blank(effective_until) as effective_until,
  blank(due_days)::bigint as due_days, source_id, blank(note) as note
from ledger_duties
order by duty_id
