-- When the public learned that an agency had refused to say, or not answered, about a series.
select series_no, known_from, said_latest
from statements
join numbered_series as series
  on statements.agency_id = series.agency_id
  and coalesce(statements.system_id, series.system_id) = series.system_id
where stance in ('declined', 'no_response')
order by series_no, known_from, said_latest
