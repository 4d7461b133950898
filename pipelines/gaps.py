"""Disclosure gaps: what stood when, and which states are one gap through time.

One rule a kind, each an SQL file that returns the states in which it held. This module gives each
state the reports that prove it and links states into gaps: a state continues the gap of the state
before it if both are of one kind, adjoin in time and overlap in their windows. A gap whose window
grew or merged with another is one gap; one that no longer stands is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.fields import GAP_HISTORY, GAPS, arrow_schema
from pipelines.proofs import Proofs

SQL = Path(__file__).parent / "sql"
WINDOW_RULES = ("contradicted", "denied", "silent", "vague")


@dataclass
class State:
    """A gap as it stood between two days of knowledge."""

    agency_id: str
    system_id: str | None
    metric: str | None
    kind: str
    period_start: date | None
    period_end: date
    known_from: date
    known_until: date | None
    low: int | None
    high: int | None
    days: int | None
    report_ids: list[str]
    statement_ids: list[str]
    duty_id: str | None = None
    gap_id: str = field(default="", compare=False)

    def touches(self, other: State) -> bool:
        """Whether the periods of two states share a day."""
        begin = date.min
        return (self.period_start or begin) <= other.period_end and (
            other.period_start or begin
        ) <= self.period_end


def measure_gaps(con: duckdb.DuckDBPyConnection, proofs: Proofs) -> tuple[pa.Table, pa.Table]:
    """The tables `gaps` and `gap_history`, from the tables `bounds`, `reports`, `statements`."""
    states = window_gaps(con, proofs)
    gaps = link_states(states)
    return _gap_table(gaps), _history_table(gaps)


def window_gaps(con: duckdb.DuckDBPyConnection, proofs: Proofs) -> list[State]:
    """States of the kinds that are measured on evidence windows."""
    states = []
    for rule in WINDOW_RULES:
        query = (SQL / f"gap_{rule}.sql").read_text()
        for row in con.sql(query).to_arrow_table().to_pylist():
            reports = row.pop("agency_report_ids")
            state = State(**row, days=None, report_ids=[])
            state.report_ids = sorted({*reports, *_shown_by_others(state, proofs)})
            states.append(state)
    return states


def _shown_by_others(state: State, proofs: Proofs) -> Iterable[str]:
    """The reports of others that prove the lower bound of a gap on others' evidence."""
    if state.kind == "vague" or state.system_id is None or state.metric is None:
        return []
    proof = proofs.prove(
        (state.agency_id, state.system_id, state.metric),
        "others",
        state.period_start,
        state.period_end,
        state.known_from,
    )
    return [said.evidence_id for said in proof.low_path]


def link_states(states: Sequence[State]) -> list[list[State]]:
    """Group states into gaps, each in order of knowledge, and give every state its `gap_id`."""
    ordered = sorted(states, key=_order)
    starting: dict[tuple[object, ...], list[State]] = {}
    for state in ordered:
        starting.setdefault((*_subject(state), state.known_from), []).append(state)
    gap_of: dict[int, list[State]] = {}
    gaps: list[list[State]] = []
    for state in ordered:
        gap = gap_of.get(id(state))
        if gap is None:
            gap = [state]
            gap_of[id(state)] = gap
            gaps.append(gap)
        if state.known_until is None:
            continue
        later = starting.get((*_subject(state), state.known_until), [])
        successor = next((s for s in later if s.touches(state)), None)
        if successor is None:
            continue
        joined = gap_of.get(id(successor))
        if joined is None:
            gap.append(successor)
            gap_of[id(successor)] = gap
        elif joined is not gap:
            joined.extend(gap)
            for s in gap:
                gap_of[id(s)] = joined
            gaps.remove(gap)
    for gap in gaps:
        gap.sort(key=_order)
    _name(gaps)
    return gaps


def _subject(state: State) -> tuple[object, ...]:
    return (state.agency_id, state.system_id, state.metric, state.kind, state.duty_id)


def _order(state: State) -> tuple[object, ...]:
    return (
        state.agency_id,
        state.system_id or "",
        state.metric or "",
        state.kind,
        state.duty_id or "",
        state.known_from,
        state.period_start or date.min,
        state.period_end,
    )


def _name(gaps: list[list[State]]) -> None:
    """Name a gap by its series, kind and the end of the window in which it first stood: none of
    these changes when the gap grows."""
    used: dict[str, int] = {}
    for gap in sorted(gaps, key=lambda g: _order(g[0])):
        first = gap[0]
        subject = [first.agency_id, first.system_id, first.metric, first.kind, first.duty_id]
        name = "-".join(
            [*(s.replace("_", "-") for s in subject if s), first.period_end.isoformat()]
        )
        used[name] = used.get(name, 0) + 1
        if used[name] > 1:
            name = f"{name}-{used[name]}"
        for state in gap:
            state.gap_id = name


def _gap_table(gaps: list[list[State]]) -> pa.Table:
    rows = []
    for gap in gaps:
        last = gap[-1]
        rows.append(
            {
                **vars(last),
                "opened_on": min(s.known_from for s in gap),
                "closed_on": last.known_until,
            }
        )
    return _table(rows, GAPS)


def _history_table(gaps: list[list[State]]) -> pa.Table:
    return _table([vars(state) for gap in gaps for state in gap], GAP_HISTORY)


def _table(rows: list[dict[str, object]], table: object) -> pa.Table:
    assert table in (GAPS, GAP_HISTORY)
    schema = arrow_schema(table)  # type: ignore[arg-type]
    rows = sorted(
        rows, key=lambda r: tuple(str(r[c]) for c in ("gap_id", "known_from", "period_end"))
    )
    return pa.Table.from_pylist([{n: r.get(n) for n in schema.names} for r in rows], schema=schema)
