"""Laying out evidence for the solver: graphs, windows, room for the answers.

Series are laid behind one another in arrays, many at a time; NumPy sorts, the solver walks.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from pipelines import solver
from pipelines.solver import (
    ACTIVE,
    ALL,
    ANSWERS,
    BEGIN,
    CONFLICT_COLUMNS,
    END,
    END_ABOVE,
    END_BELOW,
    END_DAY,
    FIRST,
    FIRST_DAY,
    FREQUENCY,
    HEAD,
    HIGH,
    IS_REPORT,
    ITEM_COLUMNS,
    KNOWN_FROM,
    KNOWN_UNTIL,
    LOW,
    MONTH,
    NONE,
    QUARTER,
    ROW_COLUMNS,
    START_ABOVE,
    START_BELOW,
    TAIL,
    VOICE,
    WINDOW,
    WINDOW_COLUMNS,
    YEAR,
    Array,
    Case,
    Distances,
    Graph,
    Output,
    State,
    path_to,
    reach_with_proof,
    solve_from,
)


@dataclass(frozen=True)
class Solution:
    """Answers and conflicts of consecutive series: columns R_* and C_*; items in ``proofs`` and
    ``cycles`` count from the first item given."""

    rows: Array
    proofs: Array
    conflicts: Array
    cycles: Array


def solve(
    offsets: Array,
    first: Array,
    end: Array,
    low: Array,
    high: Array,
    known_from: Array,
    known_until: Array,
    voice: Array,
    is_report: Array,
    refusal_offsets: Array,
    refusal_known: Array,
    refusal_said: Array,
) -> Solution:
    """Every answer of consecutive series, from the first day of knowledge to the last.

    ``offsets`` cut the items into series, each with at least one report, its items in order of
    authority: first day (or BEGIN), end day (exclusive), low, high (or NONE), days of knowledge
    [known_from, known_until), voice and whether it is a report (else a denial). ``refusal_offsets``
    cut the refusals: the day each was known and the day it was said.
    """
    case = _case(
        offsets,
        {
            FIRST: first, END: end, LOW: low, HIGH: high, KNOWN_FROM: known_from,
            KNOWN_UNTIL: known_until, VOICE: voice, IS_REPORT: is_report,
        },
        refusal_offsets,
        np.stack([refusal_known, refusal_said], axis=1).astype(np.int64),
    )  # fmt: skip
    state = _state(case)
    out = _output(4 * len(first) + 64)
    done = 0
    while done < len(case.span):
        done = solve_from(case, state, out, done)
        if done < len(case.span):
            out = _with_more_room(out)
    rows, proofs, conflicts, cycles = (
        column[:used] for column, used in zip(out[:4], out.used, strict=True)
    )
    return Solution(rows, proofs, conflicts, cycles)


def _case(
    offsets: Array, columns: dict[int, Array], refusal_offsets: Array, refusals: Array
) -> Case:
    count = len(offsets) - 1
    series = np.repeat(np.arange(count), np.diff(offsets))
    graph, nodes = build_graph(count, series, columns)
    windows, window_at, by_end = build_windows(count, series, graph)
    known_from, known_until = columns[KNOWN_FROM], columns[KNOWN_UNTIL]
    events = np.unique(
        np.concatenate(
            [
                node_keys(series, known_from),
                node_keys(series, np.minimum(known_until, -BEGIN - 1)),
                node_keys(np.repeat(np.arange(count), np.diff(refusal_offsets)), refusals[:, 0]),
            ]
        )
    )
    days = (events & (2**32 - 1)) + BEGIN
    events, days = events[days < -BEGIN - 1], days[days < -BEGIN - 1]
    day_at = np.searchsorted(events, np.arange(count + 1) << 32)
    span = np.stack(
        [
            offsets[:-1], offsets[1:], nodes[:-1], nodes[1:],
            window_at[:-1:2], window_at[1::2], window_at[2::2],
            day_at[:-1], day_at[1:], refusal_offsets[:-1], refusal_offsets[1:],
        ],
        axis=1,
    ).astype(np.int64)  # fmt: skip
    return Case(
        graph=graph,
        span=np.ascontiguousarray(span),
        windows=windows,
        by_end=by_end,
        days=days,
        arrivals=np.lexsort((known_from, series)),
        departures=np.lexsort((known_until, series)),
        by_first=np.lexsort((columns[FIRST], series)),
        refusals=np.ascontiguousarray(refusals),
    )


def _state(case: Case) -> State:
    items, nodes, windows = len(case.graph.items), len(case.graph.days), len(case.windows)
    return State(
        item=np.zeros((items, 7), dtype=np.int64),
        bound=np.zeros((windows, 6), dtype=np.int64),
        answer=np.zeros((windows, ANSWERS), dtype=np.int64),
        standing=np.zeros((windows, 8), dtype=np.int64),
        merged=np.zeros((items, 5), dtype=np.int64),
        distance=_distances(nodes),
        best=np.zeros(nodes, dtype=np.int64),
        rates=np.zeros((nodes, 3), dtype=np.float64),
        marks=np.zeros(10, dtype=np.int64),
    )


def _distances(nodes: int) -> Distances:
    return Distances(*(np.empty(nodes, dtype=np.int64) for _ in Distances._fields))


def _output(size: int) -> Output:
    return Output(
        rows=np.empty((size, ROW_COLUMNS), dtype=np.int64),
        proofs=np.empty(2 * size, dtype=np.int64),
        conflicts=np.empty((size, CONFLICT_COLUMNS), dtype=np.int64),
        cycles=np.empty(size, dtype=np.int64),
        used=np.zeros(4, dtype=np.int64),
    )


def _with_more_room(out: Output) -> Output:
    larger = _output(2 * len(out.rows))
    for old, new, used in zip(out[:4], larger[:4], out.used, strict=True):
        new[:used] = old[:used]
    larger.used[:] = out.used
    return larger


# --- graphs and windows ----------------------------------------------------------------------


def build_graph(count: int, series: Array, columns: dict[int, Array]) -> tuple[Graph, Array]:
    """The graphs of so many series, and the first node of each, their number last.

    ``series`` is the number of each item's series, from 0, ascending.

    ``columns`` holds FIRST (or BEGIN), END (exclusive), LOW, HIGH (or NONE) and any of the others.
    """
    items = np.zeros((len(series), ITEM_COLUMNS), dtype=np.int64)
    for column, values in columns.items():
        items[:, column] = values
    keys = np.concatenate(
        [
            node_keys(np.arange(count), np.full(count, BEGIN)),
            node_keys(series, items[:, FIRST]),
            node_keys(series, items[:, END]),
        ]
    )
    nodes, at = np.unique(keys, return_inverse=True)
    items[:, TAIL] = at[count : count + len(series)]
    items[:, HEAD] = at[count + len(series) :]
    every = np.arange(len(nodes) + 1)
    tail_items = np.argsort(items[:, TAIL], kind="stable")
    head_items = np.argsort(items[:, HEAD], kind="stable")
    graph = Graph(
        days=(nodes & (2**32 - 1)) + BEGIN,
        items=items,
        tail_at=np.searchsorted(items[tail_items, TAIL], every),
        tail_items=tail_items,
        head_at=np.searchsorted(items[head_items, HEAD], every),
        head_items=head_items,
    )
    return graph, np.append(at[:count], len(nodes))


def node_keys(series: Array, days: Array) -> Array:
    """Sort keys of nodes: by series, then by day."""
    return np.asarray((series.astype(np.int64) << 32) + (days - BEGIN))


_MONTHS = {YEAR: 12, QUARTER: 3, MONTH: 1}


def build_windows(count: int, series: Array, graph: Graph) -> tuple[Array, Array, Array]:
    """The windows of each series: years, quarters and months that its reports can touch, by
    start, then one free slot a report.

    ``series`` numbers the series of each item. Returns the windows, for each series its first
    window and its first slot (interleaved: 2 n and 2 n + 1, with the number of windows last), and
    the windows with those of the calendar in order of their end.
    """
    items = graph.items
    is_report = items[:, IS_REPORT] == 1
    opening = np.where(items[:, FIRST] == BEGIN, items[:, END] - 1, items[:, FIRST])
    first = np.full(count, 2**31)
    last = np.full(count, -(2**31))
    np.minimum.at(first, series[is_report], opening[is_report])
    np.maximum.at(last, series[is_report], items[is_report, END] - 1)
    found = [_calendar(first, last, frequency) for frequency in _MONTHS]
    of, frequency, start, end = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((frequency, start, of))
    of, frequency, start, end = of[order], frequency[order], start[order], end[order]

    calendar = np.bincount(of, minlength=count)
    slots = np.bincount(series, weights=is_report, minlength=count).astype(np.int64)
    at = np.zeros(2 * count + 1, dtype=np.int64)
    np.cumsum(np.stack([calendar, slots], axis=1).ravel(), out=at[1:])
    place = np.arange(len(of)) + (np.cumsum(slots) - slots)[of]

    windows = np.zeros((int(at[-1]), WINDOW_COLUMNS), dtype=np.int64)
    windows[:, FREQUENCY] = WINDOW
    windows[place, FREQUENCY] = frequency
    windows[place, FIRST_DAY] = start
    windows[place, END_DAY] = end
    windows[place, ACTIVE] = 1
    node = _node_search(graph, count)
    for day, below, above in ((start, START_BELOW, START_ABOVE), (end, END_BELOW, END_ABOVE)):
        keys = node_keys(of, day)
        windows[place, below] = np.searchsorted(node, keys, side="right") - 1
        windows[place, above] = np.searchsorted(node, keys)
    by_end = np.arange(len(windows))
    by_end[place] = place[np.lexsort((end, of))]
    return windows, at, by_end


def _calendar(first: Array, last: Array, frequency: int) -> tuple[Array, Array, Array, Array]:
    """The periods of one frequency that touch [first, last] of each series: series, frequency,
    first day, end day."""
    months = _MONTHS[frequency]
    begin, stop = (_month_of(days) // months for days in (first, last))
    counts = stop - begin + 1
    of = np.repeat(np.arange(len(first)), counts)
    period = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts) + begin[of]
    return (
        of,
        np.full(len(of), frequency),
        _first_day(period * months),
        _first_day((period + 1) * months),
    )


def _month_of(days: Array) -> Array:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _first_day(months: Array) -> Array:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _node_search(graph: Graph, count: int) -> Array:
    """The sort key of every node."""
    opens = np.cumsum(graph.days == BEGIN) - 1
    return node_keys(opens, graph.days)


# --- answers that are asked for --------------------------------------------------------------


def prove_each(
    offsets: Array, columns: dict[int, Array], voice: int, upper: bool, questions: Array
) -> tuple[Array, Array]:
    """The paths to one bound, the lower or the upper, of many windows on one voice.

    ``offsets`` and ``columns`` are the evidence of consecutive series as in :func:`build_graph`;
    ``questions`` has the columns Q_*. Returns where each path ends, and the items on all of them.
    """
    series = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    graph, nodes = build_graph(len(offsets) - 1, series, columns)
    admitted = np.zeros((len(series), 3), dtype=np.int64)
    distances = _distances(len(graph.days))
    pool = np.empty(4 * len(questions) + 64, dtype=np.int64)
    ends = np.zeros(len(questions), dtype=np.int64)
    done = 0
    while True:
        done = solver.prove_each(
            graph, nodes, offsets, voice, upper, questions, done, admitted, distances, pool, ends
        )
        if done == len(questions):
            return ends, pool[: ends[-1] if done else 0]
        pool = np.concatenate([pool, np.empty_like(pool)])


class Weighed:
    """The items of one series in order of authority, weighed as one asks: first those known on a
    day, then the bounds of windows on what is admitted of them."""

    def __init__(self, first: Array, end: Array, low: Array, high: Array) -> None:
        series = np.zeros(len(first), dtype=np.int64)
        columns = {FIRST: first, END: end, LOW: low, HIGH: high}
        self._graph, nodes = build_graph(1, series, columns)
        self._nodes = int(nodes[1])
        self._days: list[int] = self._graph.days.tolist()
        self._distance = _distances(self._nodes)
        self._admitted = np.zeros((len(first), 3), dtype=np.int64)
        self.weigh(np.ones(len(first), dtype=np.bool_))

    def weigh(self, known: Array) -> None:
        """Decide on the items that are known."""
        d = self._distance
        solver.admit(
            self._graph, known, self._admitted, ALL, 0, self._nodes, d.from_tail, d.from_head
        )

    @property
    def holds(self) -> Array:
        """Which items are admitted."""
        return np.asarray(self._admitted[:, ALL] == 1)

    def prove(self, first: int, end: int) -> tuple[int, int, list[int], list[int]]:
        """Bounds of [first, end) on what is admitted, with the two proofs.

        Returns low, high (NONE: no upper bound) and, for each, the items on its path in order.
        """
        low, high = 0, NONE
        low_path: list[int] = []
        high_path: list[int] = []
        start, stop = bisect_left(self._days, first), bisect_right(self._days, end) - 1
        if start <= stop:
            cost, low_path = self._shortest(stop, start)
            low = -cost
        start, stop = bisect_right(self._days, first) - 1, bisect_left(self._days, end)
        if stop < self._nodes:
            high, high_path = self._shortest(start, stop)
        return low, high, low_path, high_path

    def _shortest(self, start: int, goal: int) -> tuple[int, list[int]]:
        g, d, items = self._graph, self._distance, len(self._admitted)
        reach_with_proof(
            g, self._admitted, ALL, items, 0, self._nodes, start, d.from_tail, d.steps, d.via
        )
        cost = int(d.from_tail[goal])
        path = np.empty(items, dtype=np.int64)
        length = path_to(g, start, goal, d.steps, d.via, path, 0) if cost < NONE else 0
        return cost, path[:length].tolist()


def warm() -> None:
    """Compile the solver, which takes seconds once; afterwards it is read from the cache."""
    one = np.ones(1, dtype=np.int64)
    none = np.zeros(0, dtype=np.int64)
    cuts = np.array([0, 1])
    solve(cuts, one, one + 1, one, one, one, one + 1, one, one, np.array([0, 0]), none, none)
    Weighed(one, one + 1, one, one).prove(1, 2)
    columns = {FIRST: one, END: one + 1, LOW: one, HIGH: one}
    prove_each(cuts, columns, ALL, False, np.zeros((1, 4), dtype=np.int64))


if __name__ == "__main__":
    warm()
