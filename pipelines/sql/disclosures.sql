-- Reports given out by a body that answers for the number, with the days on which that can have
-- been, for rules that ask whether it came in time.
select
  report_id, agency_id, system_id, metric, channel, voice,
  coalesce(disclosed_by, agency_id) as told_by,
  first_day, last_day, low, high, replaces,
  period_start is null and period_end is null as no_period_stated,
  reports.known_from,
  coalesce(sources.note, '') not like '%counted as published on%' as dated,
  shows_its_day(channel, kind, sources.note) as shows_its_day,
  earliest_day(published_on) as came_earliest
from reports
join sources using (source_id)
where channel in ('published', 'on_request', 'compelled')
