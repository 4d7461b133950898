-- Dates of the ledger are text and may be partial: 2020, 2020-02, 2020-02-28, or A/B.
create or replace macro earliest_day(partial) as
  case length(partial)
    when 4 then make_date(partial::integer, 1, 1)
    when 7 then (partial || '-01')::date
    else partial::date
  end;

create or replace macro latest_day(partial) as
  case length(partial)
    when 4 then make_date(partial::integer, 12, 31)
    when 7 then last_day((partial || '-01')::date)
    else partial::date
  end;

create or replace macro blank(cell) as nullif(cell, '');

-- Metrics that may be two names of one figure, or contain each other: where one is told, it is not
-- shown that the other is not.
create or replace macro family(metric) as
  case
    when metric in ('searches', 'requests') then 'searches'
    when metric in ('alerts', 'false_alerts', 'possible_matches', 'identifications') then 'matches'
    else metric
  end;

-- Whether a document shows on which day a number came: who retells what an agency published says
-- nothing about the day on which that was, and one counted as published on the day it was read has
-- no day.
create or replace macro shows_its_day(channel, kind, note) as
  coalesce(note, '') not like '%counted as published on%'
  and (
    channel <> 'published'
    or kind in (
      'foi_release', 'legislature', 'agency_statement', 'court', 'audit', 'official_statistics'
    )
  );
