-- What is weak or missing in the ledger itself.
with
weak as (
  select 'no_locator' as weakness, 'reports' as table_name, report_id as row_id, agency_id
  from reports
  where locator is null

  union all
  select 'undated_source', 'sources', source_id, null
  from sources
  where note ilike 'undated%'

  union all
  select 'single_source', 'series', concat_ws('/', agency_id, system_id, metric), agency_id
  from series
  where sources = 1

  union all
  select 'statements_only', 'agencies', agency_id, agency_id
  from coverage_agencies
  where reports = 0 and statements > 0

  union all
  select 'named_only', 'agencies', agency_id, agency_id
  from coverage_agencies
  where reports = 0 and statements = 0
)

select weakness, table_name, row_id, agency_id, country
from weak
left join agencies using (agency_id)
order by weakness, table_name, row_id
