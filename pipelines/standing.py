"""What stood on a day: reading a release as the public knew it then."""

from __future__ import annotations

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
  kind, agencies.name as agency, coalesce(system_id, 'any') as system,
  coalesce(metric, 'any') as metric,
  coalesce(history.period_start::text, '..') || '/' || history.period_end::text as period,
  history.low, history.high, history.days, opened_on,
  history.report_ids || history.statement_ids || if(duty_id is null, [], [duty_id]) as evidence
from history
join gaps using (gap_id)
join agencies using (agency_id)
where known_from <= $day
  and (known_until is null or known_until > $day)
  and country = coalesce($country, country)
  and agency_id = coalesce($agency, agency_id)
  and kind = coalesce($kind, kind)
order by kind, history.low desc nulls last, history.days desc nulls last, agency, system, metric,
  period
"""


def gaps_on(
    home: Path, day: date, country: str | None, agency: str | None, kind: str | None
) -> list[tuple[str, ...]]:
    """The gaps of a release that stood on a day, as text: kind, agency, system, metric, period,
    size, day opened and ids of the evidence; the largest first within a kind."""
    parameters = {
        "history": str(home / "gap_history.parquet"),
        "gaps": str(home / "gaps.parquet"),
        "agencies": str(home / "agencies.parquet"),
        "day": day,
        "country": country,
        "agency": agency,
        "kind": kind,
    }
    rows = duckdb.connect(":memory:").execute(_GAPS, parameters).fetchall()
    return [
        (*row[:5], size_in_words(*row[5:8]), row[8].isoformat(), ", ".join(row[9])) for row in rows
    ]


def size_in_words(low: int | None, high: int | None, days: int | None) -> str:
    """The size of a gap: days, or an interval of counts."""
    if days is not None:
        return f"{count(days)} days"
    return interval(low or 0, high) if low or high is not None else "no upper bound"
