-- Each denial as it bears on a series, until the agency took it back: a confirmation or suspension
-- of use that may have been said later than the denial, about the same system. Doubt about the
-- days favours the agency.
with
said as (
  select
    series_no, statement_id, said_earliest, said_latest, denial.known_from,
    (
      select min(admission.known_from)
      from statements as admission
      where admission.agency_id = denial.agency_id
        and admission.stance in ('confirmed', 'suspended')
        and (
          admission.system_id is not distinct from denial.system_id
          or denial.system_id is null and admission.system_id = series.system_id
        )
        and admission.said_latest >= coalesce(denial.said_earliest, date '0001-01-01')
    ) as known_until
  from statements as denial
  join numbered_series as series
    on denial.agency_id = series.agency_id
    and coalesce(denial.system_id, series.system_id) = series.system_id
  where denial.stance = 'denied'
)

select series_no, statement_id, said_earliest, said_latest, known_from, known_until
from said
where known_until is null or known_until > known_from
order by series_no, statement_id
