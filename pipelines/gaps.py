"""Disclosure gaps: what stood when, and which states are one gap through time.

One rule a kind: an SQL file that returns the states in which it held, :mod:`pipelines.duties` for
what was due, :mod:`pipelines.unaccounted` for groups. This module gives each state the reports
that prove it and links states into gaps: a state continues the gap of a state before it if both
are of one kind and series, adjoin in time and share a day of their windows. Where two gaps grow
into one the older goes on and the other closes, so that no gap is ever renamed by later evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.duties import Owed, runs
from pipelines.fields import GAP_HISTORY, GAP_KINDS, GAPS, Table, arrow_schema
from pipelines.proofs import Proofs
from pipelines.sentences import Told, Words
from pipelines.solver import BEGIN
from pipelines.unaccounted import shortfalls

SQL = Path(__file__).parent / "sql"
WINDOW_RULES = ("contradicted", "denied", "silent", "vague")
_GRAVITY = {kind: rank for rank, kind in enumerate(GAP_KINDS)}


@dataclass(kw_only=True, slots=True)
class State(Told):
    """A gap as it stood between two days of knowledge.

    ``opened_on`` and ``closed_on`` are set where they are not the days of knowledge themselves.
    """

    known_until: date | None
    low: int | None = None
    high: int | None = None
    opened_on: date | None = None
    closed_on: date | None = None

    @property
    def subject(self) -> tuple[str, str, str, str, str]:
        return (
            self.agency_id,
            self.system_id or "",
            self.metric or "",
            self.kind,
            self.duty_id or "",
        )

    @property
    def order(self) -> tuple[object, ...]:
        return (*self.subject, *self.time)

    @property
    def time(self) -> tuple[date, date, date]:
        return self.known_from, self.period_start or date.min, self.period_end

    def touches(self, other: State) -> bool:
        """Whether the periods of two states share a day."""
        begin = date.min
        return (self.period_start or begin) <= other.period_end and (
            other.period_start or begin
        ) <= self.period_end


@dataclass(slots=True)
class Gap:
    """States that are one gap, in order of knowledge."""

    states: list[State] = field(default_factory=list)
    gap_id: str = ""
    followed_by: str | None = None

    @property
    def first(self) -> State:
        return self.states[0]

    @property
    def last(self) -> State:
        return self.states[-1]

    @property
    def opened_on(self) -> date:
        return self.first.opened_on or self.first.known_from

    @property
    def closed_on(self) -> date | None:
        return self.last.closed_on or self.last.known_until


def measure_gaps(
    con: duckdb.DuckDBPyConnection, proofs: Proofs, owed: Sequence[Owed], as_of: date
) -> tuple[pa.Table, pa.Table]:
    """The tables `gaps` and `gap_history` at the end of a day.

    Reads `window_states`, `disclosures`, `duty_periods` and the tables behind them; ``owed`` are
    the periods of all duties.
    """
    states = [
        *window_states(con, proofs),
        *overdue_states(owed, as_of),
        *late_states(con, owed),
        *unaccounted_states(con, proofs),
    ]
    words = Words(con, {report_id for state in states for report_id in state.report_ids})
    gaps = sorted(link_states(states), key=lambda gap: gap.gap_id)
    sentences = [[words.sentence(state) for state in gap.states] for gap in gaps]
    return _gap_table(gaps, sentences, words), _history_table(gaps, sentences)


# --- the rules -------------------------------------------------------------------------------


def window_states(con: duckdb.DuckDBPyConnection, proofs: Proofs) -> Iterator[State]:
    """States of the kinds that are measured on evidence windows, with the evidence that proves the
    others' lower bound and, where that contradicts it, the agency's upper one."""
    for rule in WINDOW_RULES:
        rows = con.sql((SQL / f"gap_{rule}.sql").read_text()).to_arrow_table()
        shown = []
        if rule != "vague":
            shown.append(_evidence_behind(proofs, rows, "others", "low"))
        if rule == "contradicted":
            shown.append(_evidence_behind(proofs, rows, "agency", "high"))
        for n, state in enumerate(_states(rows)):
            for proof in shown:
                reports, statements = proof[n]
                state.report_ids = sorted({*state.report_ids, *reports})
                state.statement_ids = sorted({*state.statement_ids, *statements})
            yield state


def _states(rows: pa.Table, **same: Any) -> Iterator[State]:
    """One state a row; ``same`` holds for all of them."""
    names = rows.column_names
    for values in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        yield State(**dict(zip(names, values, strict=True)), **same)


def _evidence_behind(
    proofs: Proofs, rows: pa.Table, voice: str, bound: str
) -> list[tuple[list[str], list[str]]]:
    """For each row the reports and the denials that prove one bound of its window."""
    series = list(
        zip(*(rows[c].to_pylist() for c in ("agency_id", "system_id", "metric")), strict=True)
    )
    first, last, known_on = (
        np.asarray(rows[c].cast(pa.int32()).fill_null(BEGIN).to_numpy(), dtype=np.int64)
        for c in ("period_start", "period_end", "known_from")
    )
    return proofs.evidence_behind(series, first, last, known_on, voice, bound)


def overdue_states(owed: Sequence[Owed], as_of: date) -> Iterator[State]:
    """Periods of duties whose due date passed while nothing in the ledger covered a day of them.

    Adjacent periods are one state, from the day on which the last of them fell due; its size is
    the days since the first did, up to the state's end or ``as_of``.
    """
    for _, group in groupby(owed, lambda o: (o.duty.duty_id, o.agency_id)):
        missing = [(o, between) for o in group if (between := o.overdue_between())]
        days = sorted(
            {d for _, between in missing for d in between if d is not None and d <= as_of}
        )
        for n, known_from in enumerate(days):
            known_until = days[n + 1] if n + 1 < len(days) else None
            standing = [
                o
                for o, (start, end) in missing
                if start <= known_from and (not end or end > known_from)
            ]
            for run in runs(standing):
                due_on = run[0].period.due_on
                assert due_on is not None
                yield State(
                    agency_id=run[0].agency_id,
                    system_id=None,
                    metric=run[0].duty.metric,
                    kind="overdue",
                    period_start=run[0].period.first_day,
                    period_end=run[-1].period.last_day,
                    known_from=known_from,
                    known_until=known_until,
                    days=((known_until or as_of) - due_on).days,
                    report_ids=[],
                    statement_ids=[],
                    duty_id=run[0].duty.duty_id,
                    due_on=due_on,
                    periods=len(run),
                )


def late_states(con: duckdb.DuckDBPyConnection, owed: Sequence[Owed]) -> Iterator[State]:
    """Numbers that came late: known, and over, on the day on which they came."""
    rows = con.sql((SQL / "gap_late.sql").read_text()).to_arrow_table()
    for state in _states(rows, known_until=None, statement_ids=[]):
        state.closed_on = state.known_from
        yield state
    late = [o for o in owed if o.late_from()]
    for _, group in groupby(late, lambda o: (o.duty.duty_id, o.agency_id, o.met_by, o.late_from())):
        for run in runs(list(group)):
            due_on, known_from = run[0].period.due_on, run[0].late_from()
            assert due_on is not None
            assert known_from is not None
            yield State(
                agency_id=run[0].agency_id,
                system_id=None,
                metric=run[0].duty.metric,
                kind="late",
                period_start=run[0].period.first_day,
                period_end=run[-1].period.last_day,
                known_from=known_from,
                known_until=None,
                opened_on=due_on + timedelta(days=1),
                closed_on=run[0].met_on,
                days=max(o.days_late or 0 for o in run),
                report_ids=sorted({o.met_by for o in run if o.met_by}),
                statement_ids=[],
                duty_id=run[0].duty.duty_id,
                due_on=due_on,
                periods=len(run),
            )


def unaccounted_states(con: duckdb.DuckDBPyConnection, proofs: Proofs) -> Iterator[State]:
    """Windows in which a group's total exceeds what its members' evidence can account for."""
    said = {row[0] for row in con.sql("select statement_id from statements").fetchall()}
    for found in shortfalls(con, proofs):
        agency_id, system_id, metric = found.series
        yield State(
            agency_id=agency_id,
            system_id=system_id,
            metric=metric,
            kind="unaccounted",
            period_start=found.window[0],
            period_end=found.window[1],
            known_from=found.known_from,
            known_until=found.known_until,
            low=found.total_low - found.accounted_high,
            high=None if found.total_high is None else found.total_high - found.accounted_low,
            share=found.accounted_high / found.total_low,
            report_ids=[i for i in found.evidence_ids if i not in said],
            statement_ids=[i for i in found.evidence_ids if i in said],
            own_low=found.accounted_low,
            own_high=found.accounted_high,
            others_low=found.total_low,
            others_high=found.total_high,
            periods=found.members,
        )


# --- from states to gaps ---------------------------------------------------------------------


def link_states(states: Iterable[State]) -> list[Gap]:
    """Group states into gaps with their ids.

    Nothing about a gap up to a day depends on states that are known from a later day.
    """
    subjects: dict[tuple[str, ...], list[State]] = {}
    for state in states:
        subjects.setdefault(state.subject, []).append(state)
    gaps: list[Gap] = []
    for about in subjects.values():
        gaps += _link_subject(sorted(about, key=lambda s: s.time))
    _name(gaps)
    _follow(gaps)
    return gaps


def _link_subject(states: list[State]) -> list[Gap]:
    """Link the states of one kind and series, which are in order of knowledge."""
    gaps: list[Gap] = []
    ending: dict[date, list[Gap]] = {}
    for state in states:
        before = [g for g in ending.get(state.known_from, []) if g.last.touches(state)]
        gap = min(before, key=lambda g: g.first.order, default=None)
        if gap is None:
            gap = Gap()
            gaps.append(gap)
        else:
            ending[state.known_from].remove(gap)
        if gap.states and _same(gap.last, state):
            gap.states[-1] = replace(state, known_from=gap.last.known_from)
        else:
            gap.states.append(state)
        if state.known_until is not None:
            ending.setdefault(state.known_until, []).append(gap)
    return gaps


def _same(one: State, other: State) -> bool:
    """Whether two states say the same but for when, so that there is nothing to write."""
    return bool(_what(one) == _what(other))


_what = attrgetter(
    *(f.name for f in fields(State) if f.name not in {"known_from", "known_until", "days"})
)


def _name(gaps: list[Gap]) -> None:
    """Name a gap by its series, kind and the end of the window in which it first stood: none of
    these changes when the gap grows. Where two would share a name the later known is numbered."""
    named: dict[str, list[Gap]] = {}
    for gap in gaps:
        parts = [part.replace("_", "-") for part in gap.first.subject if part]
        name = "-".join([*parts, gap.first.period_end.isoformat()])
        named.setdefault(name, []).append(gap)
    for name, alike in named.items():
        if len(alike) > 1:
            alike.sort(key=lambda g: (g.first.known_from, g.first.order))
        for n, gap in enumerate(alike, 1):
            gap.gap_id = name if n == 1 else f"{name}-{n}"


def _follow(gaps: list[Gap]) -> None:
    """Say of each gap that closed which gap took its place, if one did: one into which it grew,
    one of another kind that opened on the same evidence that day, or what was overdue and is now
    late."""
    closing = [gap for gap in gaps if gap.closed_on and gap.last.kind != "late"]
    starting: dict[tuple[object, ...], list[tuple[State, Gap]]] = {
        (*_place(gap.last), gap.closed_on): [] for gap in closing
    }
    for gap in gaps:
        for state in gap.states:
            if (begins := (*_place(state), state.known_from)) in starting:
                starting[begins].append((state, gap))
    for gap in closing:
        after = [
            (state, other)
            for state, other in starting[(*_place(gap.last), gap.closed_on)]
            if other is not gap
            and state.touches(gap.last)
            and (other.first is state or state.kind == gap.last.kind)
        ]
        chosen: Callable[[tuple[State, Gap]], tuple[object, ...]] = lambda pair: (  # noqa: E731
            _GRAVITY[pair[0].kind],
            pair[0].order,
        )
        if after:
            gap.followed_by = min(after, key=chosen)[1].gap_id


def _place(state: State) -> tuple[object, ...]:
    return (state.agency_id, state.system_id, state.metric, state.duty_id)


# --- tables ----------------------------------------------------------------------------------


def _gap_table(gaps: list[Gap], sentences: list[list[str]], words: Words) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "gap_id": [gap.gap_id for gap in gaps],
        "opened_on": [gap.opened_on for gap in gaps],
        "closed_on": [gap.closed_on for gap in gaps],
        "followed_by": [gap.followed_by for gap in gaps],
        "sentence": [told[-1] for told in sentences],
        "request": [
            None if gap.closed_on else words.records_request(gap.last, told[-1])
            for gap, told in zip(gaps, sentences, strict=True)
        ],
    }
    return _table(columns, [gap.last for gap in gaps], GAPS)


def _history_table(gaps: list[Gap], sentences: list[list[str]]) -> pa.Table:
    columns = {
        "gap_id": [gap.gap_id for gap in gaps for _ in gap.states],
        "sentence": [sentence for told in sentences for sentence in told],
    }
    return _table(columns, [state for gap in gaps for state in gap.states], GAP_HISTORY)


def _table(columns: dict[str, list[Any]], states: list[State], table: Table) -> pa.Table:
    """The columns given, the others from the states."""
    schema = arrow_schema(table)
    return pa.table(
        [
            pa.array(columns.get(name) or map(attrgetter(name), states), type_)
            for name, type_ in zip(schema.names, schema.types, strict=True)
        ],
        schema=schema,
    )
