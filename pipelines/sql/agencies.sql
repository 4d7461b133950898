select
  agency_id, name, country, blank(region) as region, level,
  list_filter(string_split(member_of, ' '), lambda g: g <> '') as member_of,
  blank(population)::bigint as population, blank(note) as note
from ledger_agencies
order by agency_id
