select
  system_id, name, blank(vendor) as vendor, blank(first_used_on) as first_used_on,
  blank(note) as note
from ledger_systems
order by system_id
