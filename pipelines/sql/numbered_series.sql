-- Every series with a report, in the order in which they are solved and written.
select
  agency_id, system_id, metric,
  row_number() over (order by agency_id, system_id, metric) - 1 as series_no
from (select distinct agency_id, system_id, metric from reports)
order by series_no
