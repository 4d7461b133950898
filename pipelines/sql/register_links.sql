-- Links whose agency and body both exist.
select register, code, registered.name, agency_id, registered.population, population_year
from links
join registered using (register, code)
join agencies using (agency_id)
order by register, code
