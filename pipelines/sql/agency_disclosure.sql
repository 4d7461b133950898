-- How openly each agency's numbers of a year became public, as known today.
with
-- Years that evidence touches. Where a total has no first day nothing is known of its years but
-- the last.
stated as (
  select
    reports.*, coalesce(first_day, last_day) as begins,
    shows_its_day(channel, kind, sources.note) and length(published_on) >= 7 as dated
  from reports
  join sources using (source_id)
  where known_until is null
),

reported as (
  select *, unnest(generate_series(year(begins), year(last_day))) as year from stated
),

windows as (
  select
    agency_id, system_id, metric, low, high,
    unnest(generate_series(year(coalesce(period_start, period_end)), year(period_end))) as year
  from bounds
  where frequency = 'R' and known_until is null
),

years as (
  select
    agency_id, year(period_start) as year, metric, low, high, agency_low, agency_high,
    high_report_ids
  from bounds
  where frequency = 'A' and known_until is null
),

-- An upper bound counts as a figure where a report proves it, not a denial alone.
figures as (
  select distinct agency_id, year, low = high as exact
  from (select agency_id, year, low, high, unnest(high_report_ids) as report_id from years)
  semi join reports using (report_id)
),

open_gaps as (
  select
    agency_id, kind, len(statement_ids) > 0 as heard, statement_ids,
    unnest(generate_series(year(coalesce(period_start, period_end)), year(period_end))) as year
  from gaps
  where closed_on is null
),

owed as (
  select agency_id, year(period_end) as year, status, due_on
  from duty_periods
),

-- Years of which the agency said that it did, or did not, use facial recognition.
said as (
  select agency_id, year(said_latest) as year, stance
  from statements
  where said_on is not null
),

within as (
  select agency_id, unnest(member_of) as group_id from agencies
),

-- What shows, for each agency and year: the gravest that holds is its status.
shown as (
  select agency_id, year, 'U' as obs_status, 0 as rank from open_gaps where kind = 'contradicted'
  union all
  select agency_id, year, 'A', 1 from figures where exact
  union all
  select agency_id, year, 'E', 2 from figures where not exact
  union all
  select agency_id, year, 'O', 3 from owed where status = 'overdue'
  union all
  select agency_id, year, 'Q', 4
  from open_gaps
  where kind = 'denied' or (kind = 'silent' and exists (
    from statements
    where list_contains(open_gaps.statement_ids, statement_id)
      and stance in ('declined', 'no_response')
  ))
  union all
  select agency_id, year, 'L', 5 from windows where low > 0
  union all
  select agency_id, year, 'L', 5 from said where stance in ('confirmed', 'suspended')
  union all
  select agency_id, year, 'M', 6 from said where stance = 'denied'
  union all
  select within.agency_id, year, 'K', 7
  from windows
  join within on group_id = windows.agency_id
  where low > 0
),

statuses as (
  select agency_id, year, arg_min(obs_status, rank) as obs_status
  from shown
  group by all
),

-- A voice without evidence has told nothing; a voice without an upper bound could have told all.
searches as (
  select
    agency_id, year,
    sum(low)::bigint as known_low,
    if(bool_and(high is not null), sum(high), null)::bigint as known_high,
    sum(coalesce(agency_low, 0))::bigint as told_low,
    if(
      bool_and(agency_high is not null or agency_low is null), sum(coalesce(agency_high, 0)), null
    )::bigint as told_high
  from years
  where metric = 'searches'
  group by all
),

channels as (
  select
    agency_id, year,
    count(*) filter (channel = 'published') as published,
    count(*) filter (channel = 'on_request') as on_request,
    count(*) filter (channel = 'compelled') as compelled,
    count(*) filter (channel = 'vendor') as vendor,
    count(*) filter (channel = 'third_party') as third_party,
    count(*) filter (channel = 'leaked') as leaked
  from reported
  group by all
),

-- A report counts in the year in which its period ended; a source of a year only tells no days.
delays as (
  select
    agency_id, year(last_day) as year,
    median(known_from - last_day)::double as days_to_disclosure
  from stated
  where dated and period_end is not null
  group by all
),

duties_due as (
  select
    agency_id, year,
    count(*) filter (status in ('met', 'late', 'overdue') and due_on < $as_of) as due,
    count(*) filter (status = 'met' and due_on < $as_of) as met
  from owed
  where due_on is not null
  group by all
)

select
  statuses.agency_id,
  statuses.year,
  obs_status,
  known_low,
  known_high,
  case
    when known_low is null or known_low = 0 then null
    when told_low = 0 then 0
    when known_high is not null then least(told_low / known_high, 1)
  end as share_low,
  case
    when known_low is null or known_low = 0 then null
    when told_high is null then 1
    else least(told_high / known_low, 1)
  end as share_high,
  case
    when known_low is null then 'No evidence bounds its searches of this year.'
    when known_low = 0 then 'The evidence does not show that it searched in this year.'
    when told_low > 0 and known_high is null
      then 'The searches known have no upper bound, so the least share is not known.'
  end as share_reason,
  coalesce(published, 0) as published,
  coalesce(on_request, 0) as on_request,
  coalesce(compelled, 0) as compelled,
  coalesce(vendor, 0) as vendor,
  coalesce(third_party, 0) as third_party,
  coalesce(leaked, 0) as leaked,
  days_to_disclosure,
  if(days_to_disclosure is null, 'No report on a dated period of this year has a dated source.', null)
    as days_reason,
  if(due > 0, due, null) as duties_due,
  if(due > 0, met, null) as duties_met,
  if(coalesce(due, 0) = 0, 'No duty with a due date is shown to have applied.', null)
    as duties_reason
from statuses
left join searches using (agency_id, year)
left join channels using (agency_id, year)
left join delays using (agency_id, year)
left join duties_due using (agency_id, year)
order by agency_id, year
