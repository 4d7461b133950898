"""What stood on a day: reading a release as the public knew it then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from pipelines.arithmetic import count, interval

_GAPS = """
with
history as (select * from read_parquet($history)),
gaps as (select * from read_parquet($gaps)),
agencies as (select * from read_parquet($agencies))

select
  gap_id, kind, agencies.name as agency, coalesce(system_id, 'any') as system,
  coalesce(metric, 'any') as metric,
  coalesce(history.period_start::text, '..') || '/' || history.period_end::text as period,
  history.low, history.high,
  -- Days overdue were counted up to the end of the row's time, or of the release.
  if(
    kind = 'overdue',
    history.days - greatest(coalesce(known_until, $as_of::date) - $day::date, 0),
    history.days
  ) as days,
  opened_on, history.sentence,
  history.report_ids || history.statement_ids || if(duty_id is null, [], [duty_id]) as evidence,
  request
from history
join gaps using (gap_id)
join agencies using (agency_id)
where known_from <= $day
  and (known_until is null or known_until > $day)
  and country = coalesce($country, country)
  and agency_id = coalesce($agency, agency_id)
  -- What came late is no longer missing: it is listed only where it is asked for.
  and kind = coalesce($kind, nullif(kind, 'late'))
order by kind, history.low desc nulls last, days desc nulls last, agency, system, metric, period
"""


@dataclass(frozen=True)
class StandingGap:
    """A gap as it stood on a day; ``request`` is None where it has closed since."""

    gap_id: str
    kind: str
    agency: str
    system: str
    metric: str
    period: str
    low: int | None
    high: int | None
    days: int | None
    opened_on: date
    sentence: str
    evidence: list[str]
    request: str | None

    @property
    def size(self) -> str:
        """The size in words: days, or an interval of counts."""
        return size_in_words(self.low, self.high, self.days)


def gaps_on(
    home: Path, day: date, country: str | None, agency: str | None, kind: str | None
) -> list[StandingGap]:
    """The gaps of a release that stood on a day, the largest first within a kind.

    Those that came late stand for ever and are told only where ``kind`` is `late`.
    """
    package = json.loads((home / "datapackage.json").read_text())
    parameters = {
        "history": str(home / "gap_history.parquet"),
        "gaps": str(home / "gaps.parquet"),
        "agencies": str(home / "agencies.parquet"),
        "as_of": package["facetally"]["as_of"],
        "day": day,
        "country": country,
        "agency": agency,
        "kind": kind,
    }
    rows = duckdb.connect(":memory:").execute(_GAPS, parameters).fetchall()
    return [StandingGap(*row) for row in rows]


def size_in_words(low: int | None, high: int | None, days: int | None) -> str:
    """The size of a gap: days, or an interval of counts."""
    if days is not None:
        return f"{count(days)} days"
    return interval(low or 0, high) if low or high is not None else "no upper bound"
