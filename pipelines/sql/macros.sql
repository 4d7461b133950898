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
