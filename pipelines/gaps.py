"""Disclosure gaps: what stood when, and which states are one gap through time.

One rule a kind: an SQL file that returns the states in which it held, :mod:`pipelines.duties` for
what was due, :mod:`pipelines.unaccounted` for groups. This module gives each state the reports
that prove it and links states into gaps: a state continues the gap of a state before it if both
are of one kind and series, adjoin in time and share a day of their windows. Where two gaps grow
into one the older goes on and the other closes, so that no gap is ever renamed by later evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.duties import Owed, runs
from pipelines.fields import GAP_HISTORY, GAP_KINDS, GAPS, Table, arrow_schema
from pipelines.proofs import Proofs
from pipelines.sentences import Told, Words
from pipelines.unaccounted import shortfalls

SQL = Path(__file__).parent / "sql"
WINDOW_RULES = ("contradicted", "denied", "silent", "vague")
_GRAVITY = {kind: rank for rank, kind in enumerate(GAP_KINDS)}


@dataclass(kw_only=True)
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
        return (*self.subject, self.known_from, self.period_start or date.min, self.period_end)

    def touches(self, other: State) -> bool:
        """Whether the periods of two states share a day."""
        begin = date.min
        return (self.period_start or begin) <= other.period_end and (
            other.period_start or begin
        ) <= self.period_end


@dataclass
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
    said = {row[0] for row in con.sql("select statement_id from statements").fetchall()}
    states = [
        *window_states(con, proofs, said),
        *overdue_states(owed, as_of),
        *late_states(con, owed),
        *unaccounted_states(con, proofs, said),
    ]
    words = Words(con, {report_id for state in states for report_id in state.report_ids})
    gaps = link_states(states)
    return _gap_table(gaps, words), _history_table(gaps, words)


# --- the rules -------------------------------------------------------------------------------


def window_states(
    con: duckdb.DuckDBPyConnection, proofs: Proofs, said: Set[str]
) -> Iterator[State]:
    """States of the kinds that are measured on evidence windows; ``said``: all statements."""
    for rule in WINDOW_RULES:
        query = (SQL / f"gap_{rule}.sql").read_text()
        for row in con.sql(query).to_arrow_table().to_pylist():
            state = State(**row)
            shown = set(_proof(state, proofs))
            state.report_ids = sorted({*state.report_ids, *(shown - said)})
            state.statement_ids = sorted({*state.statement_ids, *(shown & said)})
            yield state


def _proof(state: State, proofs: Proofs) -> Iterator[str]:
    """Evidence that proves the others' lower bound and, where that contradicts it, the agency's
    upper one."""
    if state.kind == "vague" or state.system_id is None or state.metric is None:
        return
    series = (state.agency_id, state.system_id, state.metric)
    window = (state.period_start, state.period_end)
    for said in proofs.prove(series, "others", *window, state.known_from).low_path:
        yield said.evidence_id
    if state.kind == "contradicted":
        for said in proofs.prove(series, "agency", *window, state.known_from).high_path:
            yield said.evidence_id


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
    for row in con.sql((SQL / "gap_late.sql").read_text()).to_arrow_table().to_pylist():
        yield State(**row, known_until=None, closed_on=row["known_from"], statement_ids=[])
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


def unaccounted_states(
    con: duckdb.DuckDBPyConnection, proofs: Proofs, said: Set[str]
) -> Iterator[State]:
    """Windows in which a group's total exceeds what its members' evidence can account for."""
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
    """Group states into gaps with their ids; in order of the gaps' first states.

    Nothing about a gap up to a day depends on states that are known from a later day.
    """
    gaps: list[Gap] = []
    for _, group in groupby(sorted(states, key=lambda s: s.order), lambda s: s.subject):
        gaps += _link_subject(list(group))
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
    when = {"known_from", "known_until", "days"}
    return all(
        getattr(one, f.name) == getattr(other, f.name) for f in fields(State) if f.name not in when
    )


def _name(gaps: list[Gap]) -> None:
    """Name a gap by its series, kind and the end of the window in which it first stood: none of
    these changes when the gap grows. Where two would share a name the later known is numbered."""
    used: dict[str, int] = {}
    for gap in sorted(gaps, key=lambda g: (g.first.known_from, g.first.order)):
        parts = [part.replace("_", "-") for part in gap.first.subject if part]
        name = "-".join([*parts, gap.first.period_end.isoformat()])
        used[name] = used.get(name, 0) + 1
        gap.gap_id = name if used[name] == 1 else f"{name}-{used[name]}"


def _follow(gaps: list[Gap]) -> None:
    """Say of each gap that closed which gap took its place, if one did: one into which it grew,
    one of another kind that opened on the same evidence that day, or what was overdue and is now
    late."""
    starting: dict[tuple[object, ...], list[tuple[State, Gap]]] = {}
    for gap in gaps:
        for state in gap.states:
            starting.setdefault((*_place(state), state.known_from), []).append((state, gap))
    for gap in gaps:
        if gap.closed_on is None or gap.last.kind == "late":
            continue
        after = [
            (state, other)
            for state, other in starting.get((*_place(gap.last), gap.closed_on), [])
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


def _gap_table(gaps: list[Gap], words: Words) -> pa.Table:
    rows = [
        {
            **vars(gap.last),
            "gap_id": gap.gap_id,
            "opened_on": gap.opened_on,
            "closed_on": gap.closed_on,
            "followed_by": gap.followed_by,
            "sentence": words.sentence(gap.last),
            "request": None if gap.closed_on else words.records_request(gap.last),
        }
        for gap in gaps
    ]
    return _table(rows, GAPS)


def _history_table(gaps: list[Gap], words: Words) -> pa.Table:
    rows = [
        {**vars(state), "gap_id": gap.gap_id, "sentence": words.sentence(state)}
        for gap in gaps
        for state in gap.states
    ]
    return _table(rows, GAP_HISTORY)


def _table(rows: list[dict[str, object]], table: Table) -> pa.Table:
    schema = arrow_schema(table)
    rows = sorted(rows, key=lambda r: tuple(str(r[c]) for c in table.key))
    return pa.Table.from_pylist([{n: r.get(n) for n in schema.names} for r in rows], schema=schema)
