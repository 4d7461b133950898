"""What a group's total holds beyond what the evidence on its members can account for.

A member accounts for at most its upper bound over the days of the group's window that its evidence
covers. Where it names no system, or the total does not, figures on any system count. Evidence that
has no upper bound could account for anything, and so could a member's requests where searches are
counted: then nothing is shown. A member without evidence about the window accounts for nothing, and
a group whose members the ledger does not name is left out: nobody could say whose are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import duckdb
import pyarrow as pa

from pipelines.proofs import Proofs, Series

FOREVER = date.max
Window = tuple[date | None, date]


@dataclass(frozen=True)
class Shortfall:
    """A group's total between two days of knowledge, and what its members account for of it."""

    series: Series
    window: Window
    known_from: date
    known_until: date | None
    total_low: int
    total_high: int | None
    accounted_low: int
    accounted_high: int
    members: int
    evidence_ids: tuple[str, ...]


@dataclass(frozen=True)
class _Row:
    """A window of a series as it stood between two days of knowledge."""

    window: Window
    known_from: date
    known_until: date
    low: int
    high: int | None


def shortfalls(con: duckdb.DuckDBPyConnection, proofs: Proofs) -> Iterator[Shortfall]:
    """Every window in which the lower bound of a group's total exceeds what its members account
    for, from the tables `agencies`, `bounds` and `evidence`; in order of series and window."""
    members = _members_by_series(con)
    involved = sorted({s for total, within in members.items() for s in (total, *within)})
    names = ("agency_id", "system_id", "metric")
    columns = zip(*involved, strict=True) if involved else ((), (), ())
    con.register(
        "series_in_groups",
        pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)}),
    )
    rows = _window_rows(con)
    changes = _evidence_changes(con)
    con.unregister("series_in_groups")
    named = _named_members(con)
    for series in sorted(members):
        for row in rows.get(series, ()):
            within = [m for m in members[series] if m in rows]
            days = {row.known_from}
            for member in within:
                days |= {d for d in changes[member] if row.known_from < d < row.known_until}
            cuts = [*sorted(days), row.known_until]
            for known_from, known_until in pairwise(cuts):
                found = _accounted(series, row, within, rows, known_from, proofs)
                if found is None or found[1] >= row.low:
                    continue
                low, high, ids = found
                yield Shortfall(
                    series,
                    row.window,
                    known_from,
                    None if known_until == FOREVER else known_until,
                    row.low,
                    row.high,
                    low,
                    high,
                    named[series[0]],
                    tuple(ids),
                )


def _accounted(
    series: Series,
    row: _Row,
    within: list[Series],
    rows: Mapping[Series, list[_Row]],
    known_on: date,
    proofs: Proofs,
) -> tuple[int, int, list[str]] | None:
    """What members account for on a day, at least and at most, with the ids that prove it and the
    total; None where a member's evidence has no upper bound or is in another unit only."""
    proof = proofs.prove(series, "all", *row.window, known_on)
    ids = {said.evidence_id for said in proof.low_path}
    low = high = 0
    counted, counted_otherwise = set(), set()
    for member in within:
        for theirs in rows[member]:
            shared = _shared(row.window, theirs.window)
            if shared is None or not theirs.known_from <= known_on < theirs.known_until:
                continue
            if member[2] != series[2]:
                counted_otherwise.add(member[0])
                continue
            counted.add(member[0])
            proof = proofs.prove(member, "all", *shared, known_on)
            if proof.high is None:
                return None
            low += proof.low
            high += proof.high
            ids |= {said.evidence_id for said in proof.high_path}
    return None if counted_otherwise - counted else (low, high, sorted(ids))


def _shared(one: Window, other: Window) -> Window | None:
    """The days that two windows share, if any."""
    starts = [start for start in (one[0], other[0]) if start is not None]
    start = max(starts, default=None)
    end = min(one[1], other[1])
    return None if start is not None and start > end else (start, end)


def _members_by_series(con: duckdb.DuckDBPyConnection) -> dict[Series, list[Series]]:
    """For each series of a group with named members: the series of those within it, however deep,
    that may count the same."""
    rows = con.sql(
        """
        with recursive
        within as (
          select agency_id as member, unnest(member_of) as group_id from agencies
          union
          select member, unnest(member_of)
          from within
          join agencies on agencies.agency_id = within.group_id
        )

        select
          total.agency_id, total.system_id, total.metric,
          part.agency_id, part.system_id, part.metric
        from numbered_series as total
        join within on group_id = total.agency_id
        left join numbered_series as part
          on part.agency_id = member
          and (
            part.system_id = total.system_id
            or 'unspecified' in (part.system_id, total.system_id)
          )
          and family(part.metric) = family(total.metric)
        order by all
        """
    ).fetchall()
    found: dict[Series, list[Series]] = {}
    for *total, agency, system, metric in rows:
        within = found.setdefault(tuple(total), [])
        if agency is not None:
            within.append((agency, system, metric))
    return found


def _named_members(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    rows = con.sql(
        """
        select group_id, count(*)
        from (select unnest(member_of) as group_id from agencies)
        group by group_id
        """
    ).fetchall()
    return dict(rows)


def _window_rows(con: duckdb.DuckDBPyConnection) -> dict[Series, list[_Row]]:
    rows = con.sql(
        """
        select
          agency_id, system_id, metric,
          period_start, period_end, known_from, coalesce(known_until, date '9999-12-31'), low, high
        from bounds
        semi join series_in_groups using (agency_id, system_id, metric)
        where frequency = 'R'
        order by all
        """
    ).fetchall()
    found: dict[Series, list[_Row]] = {}
    for agency, system, metric, start, end, *rest in rows:
        found.setdefault((agency, system, metric), []).append(_Row((start, end), *rest))
    return found


def _evidence_changes(con: duckdb.DuckDBPyConnection) -> dict[Series, set[date]]:
    """Days on which evidence about a series came or went."""
    rows = con.sql(
        """
        select agency_id, system_id, metric, unnest([known_from, known_until]) as day
        from evidence
        join numbered_series using (series_no)
        semi join series_in_groups using (agency_id, system_id, metric)
        """
    ).fetchall()
    found: dict[Series, set[date]] = {}
    for agency, system, metric, day in rows:
        if day is not None:
            found.setdefault((agency, system, metric), set()).add(day)
    return found
