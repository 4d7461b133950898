-- What the ledger holds about each country, and how much of its register that leaves out. A body
-- of a register is known if an agency linked to it has a count or a statement.
with
held as (
  select
    country,
    count(*) as agencies,
    count(*) filter (where reports > 0) as with_counts,
    count(*) filter (where reports = 0 and statements > 0) as statements_only,
    sum(reports)::bigint as reports,
    max(last_update) as last_update
  from coverage_agencies
  group by all
),

documents as (
  select country, count(distinct source_id) as sources
  from (
    select agency_id, source_id from reports
    union all
    select agency_id, source_id from statements
    union all
    select agency_id, source_id from duties
  )
  join agencies using (agency_id)
  group by all
),

bodies as (
  select
    registered.country, registered.register, registered.code, registered.population,
    registered.population_year,
    coalesce(bool_or(reports > 0 or statements > 0), false) as known
  from registered
  left join register_links using (register, code)
  left join coverage_agencies using (agency_id)
  group by all
),

unknown as (
  select
    country,
    any_value(register) as register,
    count(*) as registered,
    count(*) filter (where known) as registered_known,
    count(*) filter (where not known) as registered_unknown,
    sum(population)::bigint as registered_population,
    if(count(population) = 0, null, coalesce(sum(population) filter (where known), 0))::bigint
      as known_population,
    max(population_year) as population_year
  from bodies
  group by all
),

every as (
  select country from known_countries
  union
  select country from held
)

select
  country,
  known_countries.name,
  coalesce(agencies, 0) as agencies,
  coalesce(with_counts, 0) as with_counts,
  coalesce(statements_only, 0) as statements_only,
  coalesce(reports, 0) as reports,
  coalesce(sources, 0) as sources,
  last_update,
  register, registered, registered_known, registered_unknown, registered_population,
  known_population, population_year
from every
left join known_countries using (country)
left join held using (country)
left join documents using (country)
left join unknown using (country)
order by country
