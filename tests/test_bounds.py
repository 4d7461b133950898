"""Bounds of built releases against an oracle of linear programmes, and by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import oracle
import pytest
from random_ledger import AS_OF, RandomLedger, random_ledger

from pipelines.release import build

COLUMNS = (
    "low",
    "high",
    "agency_low",
    "agency_high",
    "others_low",
    "others_high",
    "estimate",
    "obs_status",
)
Standing = dict[tuple[oracle.Series, oracle.Window], list[tuple[int, int | None, oracle.Answer]]]


def released_bounds(home: Path) -> Standing:
    """The rows of `bounds` by series and window: known from, known until, answer."""
    rows: Standing = {}
    for agency, system, metric, frequency, start, end, since, until, *answer in duckdb.sql(
        f"""
        select agency_id, system_id, metric, frequency, period_start, period_end,
          known_from, known_until, {", ".join(COLUMNS)}
        from read_parquet('{home / "bounds.parquet"}')
        order by all
        """
    ).fetchall():
        window = (frequency, start and start.toordinal(), end.toordinal() + 1)
        rows.setdefault(((agency, system, metric), window), []).append(
            (since.toordinal(), until and until.toordinal(), oracle.Answer(*answer))
        )
    return rows


def differences(
    ledger: RandomLedger, home: Path, as_of: date, programmes: oracle.Programmes
) -> list[str]:
    """Where a release and the oracle differ, on any day of knowledge."""
    cases = oracle.read_cases(
        ledger.sources, ledger.numbered_reports(), ledger.all_statements(), as_of
    )
    standing = released_bounds(home)
    by_series: dict[oracle.Series, dict[oracle.Window, list]] = {}
    for (series, window), rows in standing.items():
        by_series.setdefault(series, {})[window] = rows
    wrong = []
    for series, case in cases.items():
        released = by_series.pop(series, {})
        for day in oracle.days_of_change(case):
            expected = oracle.answers(case, day, programmes)
            found = {
                window: answer
                for window, rows in released.items()
                for since, until, answer in rows
                if since <= day and (until is None or until > day)
            }
            for window in expected.keys() | found.keys():
                if expected.get(window) != found.get(window):
                    wrong.append(
                        f"{series} {window} on {date.fromordinal(day)}: "
                        f"expected {expected.get(window)}, found {found.get(window)}"
                    )
    return wrong + [f"unknown series {series}" for series in by_series]


@pytest.mark.parametrize("seed", range(4))
def test_every_answer_is_the_oracles(seed: int, tmp_path: Path) -> None:
    """At least 5,000 intervals a seed, each confirmed by two linear programmes of its own."""
    ledger = random_ledger(seed, agencies=45)
    home = build(ledger.write(tmp_path / "ledger"), tmp_path / "releases", AS_OF)
    programmes = oracle.Programmes()
    wrong = differences(ledger, home, AS_OF, programmes)
    print(f"{programmes.intervals} intervals confirmed by linear programmes, {len(wrong)} differ")
    assert not wrong, "\n".join(wrong[:10])
    assert programmes.intervals >= 5_000
