-- Each statement with the days on which it can have been said, and when the public knew.
with
known as (
  select statements.*, latest_day(sources.published_on) as known_from
  from ledger_statements as statements
  join ledger_sources as sources using (source_id)
  where latest_day(sources.published_on) <= $as_of
)

select
  statement_id,
  agency_id,
  blank(system_id) as system_id,
  blank(said_on) as said_on,
  stance,
  summary,
  source_id,
  earliest_day(blank(split_part(said_on, '/', 1))) as said_earliest,
  -- Said at the latest on the day on which it was public.
  least(
    coalesce(latest_day(blank(list_last(string_split(said_on, '/')))), known_from), known_from
  ) as said_latest,
  known_from
from known
order by statement_id
