"""Whether the certificates of a release prove what they are said to prove.

The reports that `bounds` names for a bound must give that very bound alone, and those of a conflict
must not hold together. Both are worked out here afresh from the tables `reports` and `statements`,
by the plainest method there is and by none of the code that found them: with S(t) the count before
day t, each report is ``low <= S(end) - S(first) <= high``, S never falls, and distances between the
few days involved are relaxed until nothing changes (Bellman and Ford).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import duckdb

NO_PATH = float("inf")
_BEGIN = 0
"""The day of a start before all others: ordinals of days begin at 1."""


@dataclass(frozen=True)
class Piece:
    """A report, or a denial (0 up to the day before it can have been said): ``low`` to ``high``
    (None: no upper bound) from ``first`` up to before ``end``, both ordinals."""

    first: int
    end: int
    low: int
    high: int | None


@dataclass(frozen=True)
class Evidence:
    """A piece with the series it speaks of (blank: any of the agency) and when it was known."""

    piece: Piece
    agency_id: str
    system_id: str | None
    metric: str | None
    known_from: date
    known_until: date | None

    def speaks_of(self, agency_id: str, system_id: str, metric: str) -> bool:
        return (
            self.agency_id == agency_id
            and self.system_id in {None, system_id}
            and self.metric in {None, metric}
        )

    def known_throughout(self, known_from: date, known_until: date | None) -> bool:
        if self.known_from > known_from:
            return False
        return self.known_until is None or (
            known_until is not None and known_until <= self.known_until
        )


def read_evidence(con: duckdb.DuckDBPyConnection) -> dict[str, Evidence]:
    """Reports and denials by id, from the tables of a release."""
    rows = con.sql(
        """
        select
          report_id, first_day, last_day, low, high, agency_id, system_id, metric,
          known_from, known_until
        from reports
        union all
        select
          statement_id, null, said_earliest, 0, 0, agency_id, system_id, null, known_from, null
        from statements
        where stance = 'denied' and said_earliest is not null
        """
    ).fetchall()
    return {
        name: Evidence(
            Piece(first.toordinal() if first else _BEGIN, last.toordinal() + 1, low, high), *rest
        )
        for name, first, last, low, high, *rest in rows
    }


# --- what pieces imply -----------------------------------------------------------------------


def distances(pieces: Sequence[Piece], days: Sequence[int], start: int) -> dict[int, float] | None:
    """The most that S can grow from day ``start`` to each of the days; None: the pieces cannot all
    be true."""
    nodes = sorted({*days, start, _BEGIN, *(p.first for p in pieces), *(p.end for p in pieces)})
    edges = [(later, earlier, 0) for earlier, later in itertools.pairwise(nodes)]
    for piece in pieces:
        edges.append((piece.end, piece.first, -piece.low))
        if piece.high is not None:
            edges.append((piece.first, piece.end, piece.high))
    found: dict[int, float] = dict.fromkeys(nodes, NO_PATH)
    found[start] = 0
    for _ in nodes:
        changed = False
        for tail, head, cost in edges:
            if found[tail] + cost < found[head]:
                found[head] = found[tail] + cost
                changed = True
        if not changed:
            return found
    return None


def can_hold(pieces: Sequence[Piece]) -> bool:
    """Whether pieces can all be true. Every node reaches the first, and so every cycle is seen
    from the last."""
    last = max((p.end for p in pieces), default=_BEGIN)
    return distances(pieces, (), last) is not None


@lru_cache(maxsize=100_000)
def implied(pieces: tuple[Piece, ...], first: int, end: int) -> tuple[int, int | None] | None:
    """The interval of [first, end) that pieces imply; high None: no upper bound; None: the pieces
    cannot all be true."""
    forward = distances(pieces, (first, end), first)
    back = distances(pieces, (first, end), end)
    if forward is None or back is None:
        return None
    high = forward[end]
    return -int(back[first]), None if high == NO_PATH else int(high)


# --- bounds and conflicts --------------------------------------------------------------------


def bounds_faults(con: duckdb.DuckDBPyConnection, evidence: dict[str, Evidence]) -> Iterator[str]:
    """What is wrong with the certificates of the table `bounds`."""
    rows = con.execute(
        """
        select
          agency_id, system_id, metric,
          concat_ws(' ', concat_ws('/', agency_id, system_id, metric), frequency, period,
            'known from', known_from),
          period_start, period_end, known_from, known_until,
          low, high, low_report_ids, high_report_ids
        from bounds
        """
    )
    while batch := rows.fetchmany(10_000):
        for agency_id, system_id, metric, row, first, last, *known, low, high, lows, highs in batch:
            series = agency_id, system_id, metric
            days = first.toordinal() if first else _BEGIN, last.toordinal() + 1
            for bound in (("low", low, lows), ("high", high, highs)):
                for wrong in _proof_faults(*bound, evidence, series, days, known):
                    yield f"{row}: {wrong}"


def _proof_faults(
    which: str,
    value: int | None,
    ids: list[str],
    evidence: dict[str, Evidence],
    series: tuple[str, str, str],
    days: tuple[int, int],
    known: Sequence[Any],
) -> Iterator[str]:
    named = [evidence.get(name) for name in ids]
    for name, found in zip(ids, named, strict=True):
        if found is None:
            yield f"{which}_report_ids names {name!r}, which is neither a report nor a dated denial"
        elif not found.speaks_of(*series):
            yield f"{which}_report_ids names {name}, which is about another series"
        elif not found.known_throughout(*known):
            yield f"{which}_report_ids names {name}, which was not known all that time"
    pieces = tuple(found.piece for found in named if found)
    if len(pieces) < len(ids):
        return
    proved = implied(pieces, *days)
    if proved is None:
        yield f"{which}_report_ids {', '.join(ids)} cannot all be true"
        return
    proves = proved[0] if which == "low" else proved[1]
    if proves != value:
        given = ", ".join(ids) or "no report"
        yield f"{which} is {_shown(value)}, but {given} gives {_shown(proves)}"


def conflict_faults(con: duckdb.DuckDBPyConnection, evidence: dict[str, Evidence]) -> Iterator[str]:
    """What is wrong with the cycles of the table `conflicts`: all of a cycle cannot hold together,
    all but any one can."""
    rows = con.sql(
        """
        select
          conflict_id, agency_id, system_id, metric, known_from, known_until,
          list_prepend(set_aside_id, cycle_ids)
        from conflicts
        """
    ).fetchall()
    for conflict_id, *series, known_from, known_until, ids in rows:
        named = [evidence.get(name) for name in ids]
        if None in named:
            missing = ids[named.index(None)]
            yield f"{conflict_id}: {missing!r} is neither a report nor a dated denial"
            continue
        there = [found for found in named if found]
        for name, found in zip(ids, there, strict=True):
            if not found.speaks_of(*series):
                yield f"{conflict_id}: {name} is about another series"
            elif not found.known_throughout(known_from, known_until):
                yield f"{conflict_id}: {name} was not known all that time"
        pieces = [found.piece for found in there]
        if can_hold(pieces):
            yield f"{conflict_id}: {', '.join(ids)} can all be true"
        for n, name in enumerate(ids):
            if not can_hold(pieces[:n] + pieces[n + 1 :]):
                yield f"{conflict_id}: the others cannot all be true without {name} either"


def _shown(value: int | None) -> str:
    return "no bound" if value is None else str(value)
