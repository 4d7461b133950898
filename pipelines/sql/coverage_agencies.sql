-- How much the ledger holds about each agency. An undated document says nothing about how recent
-- the knowledge is: it counts as published on the day it was read.
with
rows_about as (
  select agency_id, 'reports' as table_name, source_id from reports
  union all
  select agency_id, 'statements', source_id from statements
  union all
  select agency_id, 'duties', source_id from duties
),

counted as (
  select
    agency_id,
    count(*) filter (where table_name = 'reports') as reports,
    count(*) filter (where table_name = 'statements') as statements,
    count(*) filter (where table_name = 'duties') as duties,
    count(distinct source_id) as sources,
    max(latest_day(published_on)) filter (where not coalesce(note ilike 'undated%', false))
      as last_update
  from rows_about
  join sources using (source_id)
  group by all
),

-- An agency may be several bodies of a register (a state police with a code for each county);
-- only one that is a single body has that body's residents.
single as (
  select agency_id, any_value(population) as population, any_value(population_year) as year
  from register_links
  group by all
  having count(*) = 1
)

select
  agency_id,
  country,
  coalesce(reports, 0) as reports,
  coalesce(statements, 0) as statements,
  coalesce(duties, 0) as duties,
  coalesce(sources, 0) as sources,
  -- A partial date counts as its last day, which may be after the day of knowledge.
  least(last_update, $as_of) as last_update,
  coalesce(single.population, agencies.population) as population,
  case
    when single.population is not null then single.year
    when agencies.population is not null
      then try_cast(regexp_extract(note, '\b((19|20)\d\d)\b', 1) as bigint)
  end as population_year
from agencies
left join counted using (agency_id)
left join single using (agency_id)
order by agency_id
