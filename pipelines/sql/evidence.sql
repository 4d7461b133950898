-- All that bounds a series, in order of authority within it: reports, and denials (a "no" said
-- on a day is zero up to that day, for the system it names or for all where it names none).
with
authority as (
  select unnest(['compelled', 'published', 'on_request', 'leaked', 'vendor', 'third_party', 'denial'])
    as channel,
  generate_subscripts(
    ['compelled', 'published', 'on_request', 'leaked', 'vendor', 'third_party', 'denial'], 1
  ) as authority
),

reported as (
  select
    series_no, report_id as evidence_id, channel, voice, first_day, last_day, low, high,
    known_from, known_until, true as is_report
  from reports
  join numbered_series as series using (agency_id, system_id, metric)
),

-- Doubt favours the agency: an uncertain denial binds up to its earliest day only, and one that
-- was taken back no longer binds.
denied as (
  select
    series_no, statement_id as evidence_id, 'denial' as channel, 'agency' as voice,
    null::date as first_day, said_earliest as last_day, 0::bigint as low, 0::bigint as high,
    known_from, known_until, false as is_report
  from denials
  where said_earliest is not null
),

evidence as (
  select * from reported
  union all
  select * from denied
)

select
  evidence.*,
  row_number() over (order by series_no, authority, known_from desc, evidence_id) - 1 as item_no
from evidence
join authority using (channel)
order by item_no
