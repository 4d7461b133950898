select
  correction_id, table_name, row_id, blank(column_name) as column_name, blank(was) as was,
  blank(now) as now, blank(wrong_since) as wrong_since, corrected_on::date as corrected_on, why,
  blank(told) as told
from ledger_corrections
where corrected_on::date <= $as_of
order by correction_id
