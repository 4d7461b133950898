-- One row a series: how much evidence there is, of what sort, over which days.
with
counted as (
  select
    agency_id, system_id, metric,
    count(*) as reports,
    count(distinct source_id) as sources,
    min(coalesce(first_day, last_day)) as first_day,
    max(last_day) as last_day,
    min(known_from) as known_from,
    list_sort(list(distinct channel)) as channels,
    list_sort(list(distinct mode)) as modes
  from reports
  group by all
),

-- Whatever can change an answer is in the fingerprint.
heard as (
  select series_no, string_agg(concat_ws(',', known_from, said_latest), ';' order by known_from, said_latest) as refused
  from refusals
  group by all
),

fingerprints as (
  select
    series_no,
    sha256(string_agg(
      concat_ws(',', evidence_id, channel, voice, coalesce(first_day::text, '..'), last_day, low,
        coalesce(high::text, '..'), known_from, coalesce(known_until::text, '..')),
      ';' order by item_no
    ) || '|' || coalesce(any_value(refused), '')) as evidence_sha256
  from evidence
  left join heard using (series_no)
  group by all
)

select
  agency_id, system_id, metric, reports, sources, first_day, last_day, known_from, channels, modes,
  evidence_sha256
from counted
join numbered_series using (agency_id, system_id, metric)
join fingerprints using (series_no)
order by agency_id, system_id, metric
