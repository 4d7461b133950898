"""Every answer of a series through time: what its evidence implied on each day of knowledge.

Let S(t) be the count before day t. A report over [a, b) says ``low <= S(b) - S(a) <= high``, and
S never falls. These are difference constraints; the tightest bounds between two days are shortest
paths in their graph (Cormen et al., Introduction to Algorithms, "Difference constraints and
shortest paths"), exact for integers because the constraint matrix is totally unimodular.

The nodes are the days at which some report begins or ends, in order of time, the first lying
before all of them. A report is two edges, forward at cost ``high`` and back at cost ``-low``; from
each node a free edge leads back to the one before. As nodes lie on a line, shortest paths are
found in sweeps, up over the forward edges and down over the back edges, until nothing changes
(Yen's ordering of Bellman-Ford): a path takes as many sweeps as it has turns, and it has few.

Knowledge grows day by day. A report that agrees with what is admitted can only tighten: each
interval is compared with the paths through the new edges. One that does not is weighed in order of
authority: every report is admitted unless it contradicts those admitted before it. An answer is
written when it differs from the one that stands.

The graphs of many series lie behind one another in the same arrays: ``lo`` and ``hi`` are the
first node of one and the first of the next. Which evidence counts is asked of ``admitted``, one
column for each voice, and of ``limit``: only evidence that comes before it in authority.

This module is compiled, all of it in one file: Numba's cache knows a function by the file it is
in, and would run old code that another file has changed. All arrays are contiguous and of 64-bit
integers, but for the rates: each function is compiled once. :mod:`pipelines.cases` lays them out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

NONE = 1 << 60
"""No bound, no path."""

BEGIN = -(1 << 31)
"""The day number of a start before all others."""

Array = np.ndarray[Any, np.dtype[Any]]
compiled = njit(cache=True, nogil=True, error_model="numpy")
inner = njit(  # called by compiled code only
    nogil=True,
    error_model="numpy",
    no_cpython_wrapper=True,  # type: ignore[call-overload]
    no_cfunc_wrapper=True,
)

# Columns of Graph.items.
TAIL, HEAD, LOW, HIGH, FIRST, END, VOICE, IS_REPORT, KNOWN_FROM, KNOWN_UNTIL = range(10)
ITEM_COLUMNS = 10

FREQUENCY_NAMES = ("A", "Q", "M", "R")
YEAR, QUARTER, MONTH, WINDOW = range(4)
# Columns of a window. Its bounds lie between nodes: the last node on or before its first day and
# the first on or after it, the same for its end; one that is the end of the series' nodes is none.
FREQUENCY, FIRST_DAY, END_DAY, START_BELOW, START_ABOVE, END_BELOW, END_ABOVE, ACTIVE = range(8)
WINDOW_COLUMNS = 8

AGENCY, OTHERS, ALL = 0, 1, 2
VOICE_NAMES = ("agency", "others", "all")

STATUS_NAMES = ("A", "E", "U", "Q", "L")
_EXACT, _ESTIMATED, _CONTESTED, _WITHHELD, _UNCOUNTED = range(5)

# Columns of an answer; each voice has its low and high, ALL first.
_A_LOW, _A_HIGH, _A_ESTIMATE, _A_STATUS = 0, 1, 6, 7
ANSWERS = 8

# Columns of a row: what it is about, when it stood, where its two proofs lie, and the answer.
(
    R_SERIES, R_FREQUENCY, R_FIRST, R_END, R_KNOWN_FROM, R_KNOWN_UNTIL,
    R_LOW_PROOF, R_LOW_PROOF_END, R_HIGH_PROOF, R_HIGH_PROOF_END, R_ANSWER,
) = range(11)  # fmt: skip
ROW_COLUMNS = R_ANSWER + ANSWERS

# Columns of a conflict; the other items of its cycle lie in the pool of cycles.
C_SERIES, C_VOICE, C_ITEM, C_KNOWN_FROM, C_KNOWN_UNTIL, C_CYCLE, C_CYCLE_END = range(7)
CONFLICT_COLUMNS = 7

# Where each series lies: columns of Case.span.
(
    _ITEMS, _ITEMS_END, _NODES, _NODES_END, _WINDOWS, _SLOTS, _WINDOWS_END,
    _DAYS, _DAYS_END, _REFUSALS, _REFUSALS_END,
) = range(11)  # fmt: skip


class Graph(NamedTuple):
    """The graphs of consecutive series.

    ``days``: the day of each node. ``items``: the evidence, series by series, each in order of
    authority. ``tail_items`` from ``tail_at[x]`` up to ``tail_at[x + 1]`` are those that begin at
    node x, in order of authority; ``head_items`` those that end there.
    """

    days: Array
    items: Array
    tail_at: Array
    tail_items: Array
    head_at: Array
    head_items: Array


class Case(NamedTuple):
    """Consecutive series, and the orders in which their evidence is gone through."""

    graph: Graph
    span: Array
    windows: Array
    by_end: Array
    days: Array
    arrivals: Array
    departures: Array
    by_first: Array
    refusals: Array


# State.item: whether each voice admits it (the first three columns), whether it is in force, and
# in each voice the conflict that explains why it is set aside (-1: none).
_IN_FORCE, _CONFLICT = 3, 4
# State.standing: the row that stands (-1: none), what moved on this day, and the fresh proofs.
_ROW, _SPEAKS, _LOW_MOVED, _HIGH_MOVED, _FRESH = range(5)
# State.merged: an evidence window, its two nodes, and whether it has its slot.
_M_FIRST, _M_END, _M_TAIL, _M_HEAD, _M_PLACED = range(5)
# State.rates: a day's rate from one node to the next, and the totals before the node.
_RATE, _SUM_BEFORE, _DAYS_BEFORE = range(3)
# State.marks: how far the evidence has been gone through, and what has to be done again.
(
    _ARRIVED, _DEPARTED, _HEARD, _REFUSED_UNTIL, _MERGED, _RECOUNTED, _RERATED, _RESTART,
) = range(8)  # fmt: skip


class Distances(NamedTuple):
    """Shortest distances from and to two nodes, and the proofs of those from the first."""

    from_tail: Array
    from_head: Array
    to_tail: Array
    to_head: Array
    steps: Array
    via: Array


class State(NamedTuple):
    """What holds on the day that the solver has come to."""

    item: Array
    bound: Array
    answer: Array
    standing: Array
    merged: Array
    distance: Distances
    best: Array
    rates: Array
    marks: Array


# Output.used.
_U_ROWS, _U_PROOFS, _U_CONFLICTS, _U_CYCLES = range(4)


class Output(NamedTuple):
    """Room for what is found, and how much of it is used."""

    rows: Array
    proofs: Array
    conflicts: Array
    cycles: Array
    used: Array


# --- shortest paths --------------------------------------------------------------------------


@inner
def reach(
    g: Graph, admitted: Array, voice: int, limit: int, lo: int, hi: int, start: int,
    distance: Array,
) -> None:  # fmt: skip
    """Shortest distances from a node to each."""
    for x in range(lo, hi):
        distance[x] = NONE
    distance[start] = 0
    sweep = 0
    changed = True
    while changed or sweep < 2:
        changed = False
        if sweep % 2 == 0:
            for x in range(lo, hi):
                here = distance[x]
                if here < NONE:
                    for k in range(g.tail_at[x], g.tail_at[x + 1]):
                        i = g.tail_items[k]
                        if i < limit and admitted[i, voice] and g.items[i, HIGH] < NONE:
                            y = g.items[i, HEAD]
                            if here + g.items[i, HIGH] < distance[y]:
                                distance[y] = here + g.items[i, HIGH]
                                changed = True
        else:
            for x in range(hi - 1, lo, -1):
                here = distance[x]
                if here < NONE:
                    if here < distance[x - 1]:
                        distance[x - 1] = here
                        changed = True
                    for k in range(g.head_at[x], g.head_at[x + 1]):
                        i = g.head_items[k]
                        if i < limit and admitted[i, voice]:
                            y = g.items[i, TAIL]
                            if here - g.items[i, LOW] < distance[y]:
                                distance[y] = here - g.items[i, LOW]
                                changed = True
        sweep += 1


@inner
def reach_back(
    g: Graph, admitted: Array, voice: int, limit: int, lo: int, hi: int, goal: int,
    distance: Array,
) -> None:  # fmt: skip
    """Shortest distances to a node: :func:`reach` against the direction of the edges."""
    for x in range(lo, hi):
        distance[x] = NONE
    distance[goal] = 0
    sweep = 0
    changed = True
    while changed or sweep < 2:
        changed = False
        if sweep % 2 == 0:
            for x in range(hi - 1, lo - 1, -1):
                here = distance[x]
                if here < NONE:
                    for k in range(g.head_at[x], g.head_at[x + 1]):
                        i = g.head_items[k]
                        if i < limit and admitted[i, voice] and g.items[i, HIGH] < NONE:
                            y = g.items[i, TAIL]
                            if here + g.items[i, HIGH] < distance[y]:
                                distance[y] = here + g.items[i, HIGH]
                                changed = True
        else:
            for x in range(lo, hi):
                here = distance[x]
                if here < NONE:
                    if x + 1 < hi and here < distance[x + 1]:
                        distance[x + 1] = here
                        changed = True
                    for k in range(g.tail_at[x], g.tail_at[x + 1]):
                        i = g.tail_items[k]
                        if i < limit and admitted[i, voice]:
                            y = g.items[i, HEAD]
                            if here - g.items[i, LOW] < distance[y]:
                                distance[y] = here - g.items[i, LOW]
                                changed = True
        sweep += 1


@compiled
def reach_with_proof(
    g: Graph, admitted: Array, voice: int, limit: int, lo: int, hi: int, start: int,
    distance: Array, steps: Array, via: Array,
) -> None:  # fmt: skip
    """As :func:`reach`; of the shortest paths the one with the fewest reports, their number in
    ``steps``. ``via`` is the item by which a node was reached, -1: the free edge from the next.
    """
    for x in range(lo, hi):
        distance[x] = NONE
        steps[x] = 0
        via[x] = -1
    distance[start] = 0
    sweep = 0
    changed = True
    while changed or sweep < 2:
        changed = False
        up = sweep % 2 == 0
        for n in range(hi - lo):
            x = lo + n if up else hi - 1 - n
            here = distance[x]
            if here >= NONE:
                continue
            if not up and x > lo:
                y = x - 1
                shorter = here < distance[y]
                as_short = here == distance[y] and steps[x] < steps[y]
                if shorter or as_short:
                    distance[y] = here
                    steps[y] = steps[x]
                    via[y] = -1
                    changed = True
            first = g.tail_at[x] if up else g.head_at[x]
            last = g.tail_at[x + 1] if up else g.head_at[x + 1]
            for k in range(first, last):
                i = g.tail_items[k] if up else g.head_items[k]
                if i < limit and admitted[i, voice] and (not up or g.items[i, HIGH] < NONE):
                    y = g.items[i, HEAD] if up else g.items[i, TAIL]
                    there = here + g.items[i, HIGH] if up else here - g.items[i, LOW]
                    more = steps[x] + 1
                    shorter = there < distance[y]
                    as_short = there == distance[y] and more < steps[y]
                    if shorter or as_short:
                        distance[y] = there
                        steps[y] = more
                        via[y] = i
                        changed = True
        sweep += 1


@compiled
def path_to(
    g: Graph, start: int, goal: int, steps: Array, via: Array, pool: Array, used: int
) -> int:
    """Append the items of the path that :func:`reach_with_proof` found from ``start`` to ``goal``
    to the pool, first step first; how much of the pool is used then, -1 where it has no room."""
    count = steps[goal]
    if used + count > pool.shape[0]:
        return -1
    x = goal
    n = count
    while x != start:
        i = via[x]
        if i < 0:
            x += 1
        else:
            n -= 1
            pool[used + n] = i
            x = g.items[i, TAIL] if g.items[i, HEAD] == x else g.items[i, HEAD]
    return used + count


@inner
def contradiction(
    g: Graph, admitted: Array, voice: int, limit: int, lo: int, hi: int, start: int, goal: int,
    below: int, most: int, pool: Array, used: int,
) -> int:  # fmt: skip
    """Append the path with the fewest reports whose cost is below ``below`` to the pool.

    Paths of ``most`` reports and more are not sought. Returns how much of the pool is used then,
    ``used`` where there is no such path, -1 where the pool has no room.
    """
    # Row n of `layers`: the shortest distances over at most n reports.
    count = hi - lo
    layers = np.empty((8, count), dtype=np.int64)
    for x in range(count):
        layers[0, x] = 0 if lo + x <= start else NONE
    step = 0
    while layers[step, goal - lo] >= below:
        if step + 1 >= most or step >= count:
            return used
        step += 1
        if step >= layers.shape[0]:
            larger = np.empty((2 * step, count), dtype=np.int64)
            for n in range(step):
                for x in range(count):
                    larger[n, x] = layers[n, x]
            layers = larger
        for x in range(count):
            layers[step, x] = layers[step - 1, x]
        for x in range(lo, hi):
            here = layers[step - 1, x - lo]
            if here < NONE:
                for k in range(g.tail_at[x], g.tail_at[x + 1]):
                    i = g.tail_items[k]
                    if i < limit and admitted[i, voice] and g.items[i, HIGH] < NONE:
                        y = g.items[i, HEAD] - lo
                        layers[step, y] = min(layers[step, y], here + g.items[i, HIGH])
                for k in range(g.head_at[x], g.head_at[x + 1]):
                    i = g.head_items[k]
                    if i < limit and admitted[i, voice]:
                        y = g.items[i, TAIL] - lo
                        layers[step, y] = min(layers[step, y], here - g.items[i, LOW])
        for x in range(count - 1, 0, -1):
            layers[step, x - 1] = min(layers[step, x - 1], layers[step, x])
    if used + step > pool.shape[0]:
        return -1
    # Back from the goal; a step leads to a cost that the layer before explains.
    end = used + step
    x = goal
    while step > 0:
        here = layers[step, x - lo]
        if x + 1 < hi and layers[step, x + 1 - lo] == here:
            x += 1
        else:
            step -= 1
            found = -1
            for k in range(g.head_at[x], g.head_at[x + 1]):
                i = g.head_items[k]
                if found < 0 and i < limit and admitted[i, voice] and g.items[i, HIGH] < NONE:
                    before = layers[step, g.items[i, TAIL] - lo]
                    if before < NONE and before + g.items[i, HIGH] == here:
                        found = i
            for k in range(g.tail_at[x], g.tail_at[x + 1]):
                i = g.tail_items[k]
                if found < 0 and i < limit and admitted[i, voice]:
                    before = layers[step, g.items[i, HEAD] - lo]
                    if before < NONE and before - g.items[i, LOW] == here:
                        found = i
            pool[used + step] = found
            x = g.items[found, TAIL] if g.items[found, HEAD] == x else g.items[found, HEAD]
    return end


@inner
def fits(
    g: Graph, admitted: Array, voice: int, limit: int, lo: int, hi: int, item: int,
    from_tail: Array, from_head: Array,
) -> bool:  # fmt: skip
    """Whether an item can be true together with the admitted ones before ``limit``.

    Where it can, the two arrays hold the distances from its two ends.
    """
    tail, head = g.items[item, TAIL], g.items[item, HEAD]
    reach(g, admitted, voice, limit, lo, hi, tail, from_tail)
    if from_tail[head] < g.items[item, LOW]:
        return False
    reach(g, admitted, voice, limit, lo, hi, head, from_head)
    return from_head[tail] + g.items[item, HIGH] >= 0


@compiled
def admit(
    g: Graph, known: Array, admitted: Array, voice: int, lo: int, hi: int, from_tail: Array,
    from_head: Array,
) -> None:  # fmt: skip
    """Decide in order of authority on every known item of a graph of one series."""
    for i in range(g.items.shape[0]):
        admitted[i, voice] = 0
    for i in range(g.items.shape[0]):
        if known[i] and fits(g, admitted, voice, i, lo, hi, i, from_tail, from_head):
            admitted[i, voice] = 1


# Columns of a question: the series, its window, and the day on which it is asked.
Q_SERIES, Q_FIRST, Q_END, Q_DAY = range(4)


@compiled
def prove_each(
    g: Graph, nodes: Array, items: Array, voice: int, upper: bool, questions: Array, start: int,
    admitted: Array, d: Distances, pool: Array, ends: Array,
) -> int:  # fmt: skip
    """Append the path to the bound that each question asks for to the pool; ``ends`` says how much
    of the pool is used after each.

    ``nodes`` and ``items`` cut both into series. Questions on one day of a series should follow one
    another: evidence is weighed once for them. Returns the first one that found no room.
    """
    series, day = -1, NONE
    for k in range(start, questions.shape[0]):
        s, first, end = questions[k, Q_SERIES], questions[k, Q_FIRST], questions[k, Q_END]
        lo, hi, stop = nodes[s], nodes[s + 1], items[s + 1]
        if s != series or questions[k, Q_DAY] != day:
            series, day = s, questions[k, Q_DAY]
            for i in range(items[s], stop):
                admitted[i, ALL] = 0
            for i in range(items[s], stop):
                known = g.items[i, KNOWN_FROM] <= day and g.items[i, KNOWN_UNTIL] > day
                heard = voice in (ALL, g.items[i, VOICE])
                if (
                    known
                    and heard
                    and fits(g, admitted, ALL, i, lo, hi, i, d.from_tail, d.from_head)
                ):
                    admitted[i, ALL] = 1
        days = g.days[lo:hi]
        if upper:
            source = lo + np.searchsorted(days, first, side="right") - 1
            goal = lo + np.searchsorted(days, end)
            bounded = goal < hi
        else:
            source = lo + np.searchsorted(days, end, side="right") - 1
            goal = lo + np.searchsorted(days, first)
            bounded = goal <= source
        used = ends[k - 1] if k > 0 else 0
        if bounded:
            reach_with_proof(g, admitted, ALL, stop, lo, hi, source, d.from_tail, d.steps, d.via)
            if d.from_tail[goal] < NONE:
                used = path_to(g, source, goal, d.steps, d.via, pool, used)
                if used < 0:
                    return k
        ends[k] = used
    return questions.shape[0]


# --- one series after another ----------------------------------------------------------------


@compiled
def solve_from(case: Case, state: State, out: Output, start: int) -> int:
    """Solve series from ``start`` on, each from its first day of knowledge to its last.

    Returns the first series that found no room in the output, with what it had written taken back,
    or their number.
    """
    for s in range(start, case.span.shape[0]):
        rows, proofs = out.used[_U_ROWS], out.used[_U_PROOFS]
        conflicts, cycles = out.used[_U_CONFLICTS], out.used[_U_CYCLES]
        _forget(case, state, s)
        for k in range(case.span[s, _DAYS], case.span[s, _DAYS_END]):
            day = case.days[k]
            _learn(case, state, s, day)
            room = _explain_conflicts(case, state, out, s, day)
            _place_windows(case, state, out, s, day)
            _answer_windows(case, state, out, s)
            room = room and _prove(case, state, out, s)
            room = room and _write_rows(case, state, out, s, day)
            if not room:
                out.used[_U_ROWS], out.used[_U_PROOFS] = rows, proofs
                out.used[_U_CONFLICTS], out.used[_U_CYCLES] = conflicts, cycles
                return s
    return case.span.shape[0]


@inner
def _forget(case: Case, state: State, s: int) -> None:
    """The state before anything is known."""
    span = case.span
    for i in range(span[s, _ITEMS], span[s, _ITEMS_END]):
        for column in range(7):
            state.item[i, column] = -1 if column >= _CONFLICT else 0
    for x in range(span[s, _NODES], span[s, _NODES_END]):
        state.best[x] = -1
        for column in range(3):
            state.rates[x, column] = 0.0
    for w in range(span[s, _WINDOWS], span[s, _WINDOWS_END]):
        state.standing[w, _ROW] = -1
        for voice in range(3):
            state.bound[w, 2 * voice] = 0
            state.bound[w, 2 * voice + 1] = NONE
        if w >= span[s, _SLOTS]:
            case.windows[w, ACTIVE] = 0
    state.marks[_ARRIVED] = span[s, _ITEMS]
    state.marks[_DEPARTED] = span[s, _ITEMS]
    state.marks[_HEARD] = span[s, _REFUSALS]
    state.marks[_REFUSED_UNTIL] = BEGIN - 1


# --- what is known, and admitted -------------------------------------------------------------


@inner
def _learn(case: Case, state: State, s: int, day: int) -> None:
    """Take out what was corrected by that day, take in what became known, admit, tighten."""
    g, marks, d = case.graph, state.marks, state.distance
    stop = case.span[s, _ITEMS_END]
    lo, hi = case.span[s, _NODES], case.span[s, _NODES_END]
    marks[_RECOUNTED] = 0
    marks[_RERATED] = 0
    for voice in range(3):
        marks[_RESTART + voice] = stop
    while marks[_DEPARTED] < stop:
        i = case.departures[marks[_DEPARTED]]
        if g.items[i, KNOWN_UNTIL] > day:
            break
        marks[_DEPARTED] += 1
        state.item[i, _IN_FORCE] = 0
        for voice in range(3):
            if state.item[i, voice]:
                state.item[i, voice] = 0
                marks[_RESTART + voice] = min(marks[_RESTART + voice], i)
    while marks[_HEARD] < case.span[s, _REFUSALS_END]:
        if case.refusals[marks[_HEARD], 0] > day:
            break
        said = case.refusals[marks[_HEARD], 1]
        marks[_REFUSED_UNTIL] = max(marks[_REFUSED_UNTIL], said)
        marks[_HEARD] += 1
    while marks[_ARRIVED] < stop:
        i = case.arrivals[marks[_ARRIVED]]
        if g.items[i, KNOWN_FROM] > day:
            break
        marks[_ARRIVED] += 1
        if g.items[i, KNOWN_UNTIL] <= day:
            continue
        state.item[i, _IN_FORCE] = 1
        for voice in range(3):
            if voice != ALL and voice != g.items[i, VOICE]:
                continue
            if marks[_RESTART + voice] < stop:
                marks[_RESTART + voice] = min(marks[_RESTART + voice], i)
            elif fits(g, state.item, voice, stop, lo, hi, i, d.from_tail, d.from_head):
                reach_back(g, state.item, voice, stop, lo, hi, g.items[i, TAIL], d.to_tail)
                reach_back(g, state.item, voice, stop, lo, hi, g.items[i, HEAD], d.to_head)
                _tighten(case, state, s, voice, g.items[i, LOW], g.items[i, HIGH])
                state.item[i, voice] = 1
                if voice == ALL:
                    _take_rate(case, state, i)
            elif fits(g, state.item, voice, i, lo, hi, i, d.from_tail, d.from_head):
                # It outranks what it contradicts.
                marks[_RESTART + voice] = i
    for voice in range(3):
        if marks[_RESTART + voice] < stop:
            _admit_again(case, state, s, voice)
            _measure(case, state, s, voice, case.span[s, _WINDOWS], case.span[s, _WINDOWS_END])
            if voice == ALL:
                marks[_RECOUNTED] = 1
                marks[_RERATED] = 1
                for x in range(lo, hi):
                    state.best[x] = -1
                for i in range(case.span[s, _ITEMS], stop):
                    if state.item[i, ALL]:
                        _take_rate(case, state, i)
    if marks[_RERATED]:
        _spread_rates(case, state, s)


@inner
def _admit_again(case: Case, state: State, s: int, voice: int) -> None:
    """Decide again on every item in force from the first in doubt on."""
    g, d = case.graph, state.distance
    lo, hi = case.span[s, _NODES], case.span[s, _NODES_END]
    since, stop = state.marks[_RESTART + voice], case.span[s, _ITEMS_END]
    for i in range(since, stop):
        state.item[i, voice] = 0
    for i in range(since, stop):
        heard = voice in (ALL, g.items[i, VOICE])
        known = heard and state.item[i, _IN_FORCE]
        if known and fits(g, state.item, voice, i, lo, hi, i, d.from_tail, d.from_head):
            state.item[i, voice] = 1


@inner
def _tighten(case: Case, state: State, s: int, voice: int, low: int, high: int) -> None:
    """Compare the bounds of every window with the paths through a new item, which take it forward
    at cost ``high`` or back at cost ``-low``, never both."""
    hi = case.span[s, _NODES_END]
    d = state.distance
    for w in range(case.span[s, _WINDOWS], case.span[s, _WINDOWS_END]):
        if not case.windows[w, ACTIVE]:
            continue
        p, q = case.windows[w, START_BELOW], case.windows[w, END_ABOVE]
        if q < hi:
            cost = _through(d.to_tail[p], high, d.from_head[q])
            cost = min(cost, _through(d.to_head[p], -low, d.from_tail[q]))
            state.bound[w, 2 * voice + 1] = min(state.bound[w, 2 * voice + 1], cost)
        p, q = case.windows[w, START_ABOVE], case.windows[w, END_BELOW]
        if p <= q:
            cost = _through(d.to_tail[q], high, d.from_head[p])
            cost = min(cost, _through(d.to_head[q], -low, d.from_tail[p]))
            state.bound[w, 2 * voice] = max(state.bound[w, 2 * voice], -cost)


@inner
def _through(before: int, cost: int, after: int) -> int:
    if before >= NONE or cost >= NONE or after >= NONE:
        return NONE
    return before + cost + after


@inner
def _measure(case: Case, state: State, s: int, voice: int, first: int, stop: int) -> None:
    """The bounds of active windows from the graph itself; neighbours share a search."""
    g, windows, d = case.graph, case.windows, state.distance
    lo, hi, limit = case.span[s, _NODES], case.span[s, _NODES_END], case.span[s, _ITEMS_END]
    below, above = -1, -1
    for w in range(first, stop):
        if not windows[w, ACTIVE]:
            continue
        if windows[w, START_BELOW] != below:
            below = windows[w, START_BELOW]
            reach(g, state.item, voice, limit, lo, hi, below, d.from_tail)
        if windows[w, START_ABOVE] != above:
            above = windows[w, START_ABOVE]
            if above < hi:
                reach_back(g, state.item, voice, limit, lo, hi, above, d.to_tail)
        start, end = windows[w, END_BELOW], windows[w, END_ABOVE]
        state.bound[w, 2 * voice] = -d.to_tail[start] if above <= start else 0
        state.bound[w, 2 * voice + 1] = d.from_tail[end] if end < hi else NONE


# --- the estimate ----------------------------------------------------------------------------


@inner
def _take_rate(case: Case, state: State, i: int) -> None:
    """Let an item give its rate to the days that no shorter one covers."""
    items = case.graph.items
    if not items[i, IS_REPORT] or items[i, HIGH] >= NONE or items[i, FIRST] == BEGIN:
        return
    state.marks[_RERATED] = 1
    length = items[i, END] - items[i, FIRST]
    for x in range(items[i, TAIL], items[i, HEAD]):
        best = state.best[x]
        if best < 0:
            state.best[x] = i
        else:
            other = items[best, END] - items[best, FIRST]
            if length < other or (length == other and i < best):
                state.best[x] = i


@inner
def _spread_rates(case: Case, state: State, s: int) -> None:
    items, days, rates = case.graph.items, case.graph.days, state.rates
    for x in range(case.span[s, _NODES], case.span[s, _NODES_END] - 1):
        i = state.best[x]
        rates[x, _RATE] = 0.0
        length = 0
        if i >= 0:
            length = days[x + 1] - days[x]
            middle = (items[i, LOW] + items[i, HIGH]) / 2.0
            rates[x, _RATE] = middle / (items[i, END] - items[i, FIRST])
        rates[x + 1, _SUM_BEFORE] = rates[x, _SUM_BEFORE] + rates[x, _RATE] * length
        rates[x + 1, _DAYS_BEFORE] = rates[x, _DAYS_BEFORE] + length


@inner
def _estimate(case: Case, state: State, s: int, w: int) -> int:
    """The days' rates added up, -1 unless every day of the window has one."""
    days, rates, windows = case.graph.days, state.rates, case.windows
    first, end = windows[w, FIRST_DAY], windows[w, END_DAY]
    last_node = case.span[s, _NODES_END] - 1
    if first == BEGIN or end > days[last_node]:
        return -1
    x, y = windows[w, START_BELOW], windows[w, END_BELOW]
    covered = rates[y, _DAYS_BEFORE] - rates[x, _DAYS_BEFORE]
    total = rates[y, _SUM_BEFORE] - rates[x, _SUM_BEFORE]
    if state.best[x] >= 0:
        covered -= first - days[x]
        total -= rates[x, _RATE] * (first - days[x])
    if y < last_node and state.best[y] >= 0:
        covered += end - days[y]
        total += rates[y, _RATE] * (end - days[y])
    if covered != end - first:
        return -1
    # Half up, however the sum was put together and rounded.
    slack = 1e-9 + 1e-13 * rates[y, _SUM_BEFORE]
    return int(np.floor(total + 0.5 + slack))


# --- conflicts -------------------------------------------------------------------------------


@inner
def _explain_conflicts(case: Case, state: State, out: Output, s: int, day: int) -> bool:
    """Close conflicts that no longer hold as proved, and prove what is set aside without one."""
    for i in range(case.span[s, _ITEMS], case.span[s, _ITEMS_END]):
        for voice in range(3):
            aside = (
                state.item[i, _IN_FORCE]
                and not state.item[i, voice]
                and voice in (ALL, case.graph.items[i, VOICE])
            )
            c = state.item[i, _CONFLICT + voice]
            if c >= 0:
                holds = aside
                for k in range(out.conflicts[c, C_CYCLE], out.conflicts[c, C_CYCLE_END]):
                    holds = holds and state.item[out.cycles[k], voice]
                if not holds:
                    out.conflicts[c, C_KNOWN_UNTIL] = day
                    state.item[i, _CONFLICT + voice] = -1
                    c = -1
            if aside and c < 0:
                end = _shortest_cycle(case, state, out, s, voice, i)
                c = out.used[_U_CONFLICTS]
                if end < 0 or c >= out.conflicts.shape[0]:
                    return False
                out.conflicts[c, C_SERIES] = s
                out.conflicts[c, C_VOICE] = voice
                out.conflicts[c, C_ITEM] = i
                out.conflicts[c, C_KNOWN_FROM] = day
                out.conflicts[c, C_KNOWN_UNTIL] = NONE
                out.conflicts[c, C_CYCLE] = out.used[_U_CYCLES]
                out.conflicts[c, C_CYCLE_END] = end
                out.used[_U_CYCLES] = end
                out.used[_U_CONFLICTS] = c + 1
                state.item[i, _CONFLICT + voice] = c
    return True


@inner
def _shortest_cycle(case: Case, state: State, out: Output, s: int, voice: int, i: int) -> int:
    """Append the fewest items before ``i`` that it cannot be true with; the end of the pool then,
    -1 where it has no room."""
    g, pool = case.graph, out.cycles
    lo, hi = case.span[s, _NODES], case.span[s, _NODES_END]
    tail, head = g.items[i, TAIL], g.items[i, HEAD]
    used = out.used[_U_CYCLES]
    most = i + 2
    end = contradiction(
        g, state.item, voice, i, lo, hi, tail, head, g.items[i, LOW], most, pool, used
    )
    if end < 0 or g.items[i, HIGH] >= NONE:
        return end
    if end > used:
        most = end - used
    other = contradiction(
        g, state.item, voice, i, lo, hi, head, tail, -g.items[i, HIGH], most, pool, end
    )
    if other <= end:
        return other
    for k in range(other - end):
        pool[used + k] = pool[end + k]
    return used + other - end


# --- windows and answers ---------------------------------------------------------------------


@inner
def _merge_periods(case: Case, state: State, s: int) -> None:
    """Merge the overlapping or adjacent periods of the reports in force."""
    items, merged = case.graph.items, state.merged
    base = case.span[s, _ITEMS]
    count = base
    for k in range(base, case.span[s, _ITEMS_END]):
        i = case.by_first[k]
        if not state.item[i, _IN_FORCE] or not items[i, IS_REPORT]:
            continue
        if count > base and items[i, FIRST] <= merged[count - 1, _M_END]:
            if items[i, END] > merged[count - 1, _M_END]:
                merged[count - 1, _M_END] = items[i, END]
                merged[count - 1, _M_HEAD] = items[i, HEAD]
        else:
            merged[count, _M_FIRST] = items[i, FIRST]
            merged[count, _M_END] = items[i, END]
            merged[count, _M_TAIL] = items[i, TAIL]
            merged[count, _M_HEAD] = items[i, HEAD]
            merged[count, _M_PLACED] = 0
            count += 1
    state.marks[_MERGED] = count


@inner
def _merged_around(case: Case, state: State, s: int, day: int) -> int:
    """The first merged period that ends after a day; the number of them if none does."""
    below, above = case.span[s, _ITEMS], state.marks[_MERGED]
    while below < above:
        middle = (below + above) // 2
        if state.merged[middle, _M_END] > day:
            above = middle
        else:
            below = middle + 1
    return below


@inner
def _place_windows(case: Case, state: State, out: Output, s: int, day: int) -> None:
    """Give each merged period its window: those that are no more end, new ones are measured."""
    _merge_periods(case, state, s)
    windows, merged = case.windows, state.merged
    slots, stop = case.span[s, _SLOTS], case.span[s, _WINDOWS_END]
    for w in range(slots, stop):
        if not windows[w, ACTIVE]:
            continue
        m = _merged_around(case, state, s, windows[w, FIRST_DAY])
        if (
            m < state.marks[_MERGED]
            and merged[m, _M_FIRST] == windows[w, FIRST_DAY]
            and merged[m, _M_END] == windows[w, END_DAY]
        ):
            merged[m, _M_PLACED] = 1
        else:
            windows[w, ACTIVE] = 0
            row = state.standing[w, _ROW]
            if row >= 0:
                out.rows[row, R_KNOWN_UNTIL] = day
                state.standing[w, _ROW] = -1
    w = slots
    for m in range(case.span[s, _ITEMS], state.marks[_MERGED]):
        if merged[m, _M_PLACED]:
            continue
        while windows[w, ACTIVE]:
            w += 1
        windows[w, ACTIVE] = 1
        windows[w, FIRST_DAY] = merged[m, _M_FIRST]
        windows[w, END_DAY] = merged[m, _M_END]
        windows[w, START_BELOW] = merged[m, _M_TAIL]
        windows[w, START_ABOVE] = merged[m, _M_TAIL]
        windows[w, END_BELOW] = merged[m, _M_HEAD]
        windows[w, END_ABOVE] = merged[m, _M_HEAD]
        for voice in range(3):
            _measure(case, state, s, voice, w, w + 1)


@inner
def _answer_windows(case: Case, state: State, out: Output, s: int) -> None:
    """The answer for each window that the evidence touches, and which bounds moved."""
    windows, bound, answer, standing = case.windows, state.bound, state.answer, state.standing
    items = case.graph.items
    dated_from = NONE
    for i in range(case.span[s, _ITEMS], case.span[s, _ITEMS_END]):
        if state.item[i, _IN_FORCE] and items[i, IS_REPORT]:
            opening = items[i, FIRST] if items[i, FIRST] != BEGIN else items[i, END] - 1
            dated_from = min(dated_from, opening)
    for w in range(case.span[s, _WINDOWS], case.span[s, _WINDOWS_END]):
        standing[w, _SPEAKS] = 0
        standing[w, _LOW_MOVED] = 0
        standing[w, _HIGH_MOVED] = 0
        if not windows[w, ACTIVE]:
            continue
        if windows[w, FREQUENCY] != WINDOW:
            m = _merged_around(case, state, s, windows[w, FIRST_DAY])
            if (
                m >= state.marks[_MERGED]
                or state.merged[m, _M_FIRST] >= windows[w, END_DAY]
                or windows[w, END_DAY] <= dated_from
            ):
                continue
        for voice in range(3):
            if bound[w, 2 * voice] > 0 or bound[w, 2 * voice + 1] < NONE:
                standing[w, _SPEAKS] = 1
        if not standing[w, _SPEAKS]:
            continue
        answer[w, _A_LOW] = bound[w, 2 * ALL]
        answer[w, _A_HIGH] = bound[w, 2 * ALL + 1]
        for voice in range(2):
            low, high = bound[w, 2 * voice], bound[w, 2 * voice + 1]
            answer[w, 2 + 2 * voice] = -1 if low == 0 and high >= NONE else low
            answer[w, 3 + 2 * voice] = high
        _state_figure(case, state, s, w)
        row = standing[w, _ROW]
        if row < 0:
            standing[w, _LOW_MOVED] = 1
            standing[w, _HIGH_MOVED] = 1
            continue
        standing[w, _LOW_MOVED] = out.rows[row, R_ANSWER + _A_LOW] != answer[w, _A_LOW]
        standing[w, _HIGH_MOVED] = out.rows[row, R_ANSWER + _A_HIGH] != answer[w, _A_HIGH]
        if state.marks[_RECOUNTED]:
            # A proof with a report that no longer counts is no proof.
            for k in range(out.rows[row, R_LOW_PROOF], out.rows[row, R_LOW_PROOF_END]):
                if not state.item[out.proofs[k], ALL]:
                    standing[w, _LOW_MOVED] = 1
            for k in range(out.rows[row, R_HIGH_PROOF], out.rows[row, R_HIGH_PROOF_END]):
                if not state.item[out.proofs[k], ALL]:
                    standing[w, _HIGH_MOVED] = 1


@inner
def _state_figure(case: Case, state: State, s: int, w: int) -> None:
    """The estimate of a window and its status."""
    answer, bound, items = state.answer, state.bound, case.graph.items
    low, high = answer[w, _A_LOW], answer[w, _A_HIGH]
    first, end = case.windows[w, FIRST_DAY], case.windows[w, END_DAY]
    estimate = low
    status = _EXACT
    if low != high:
        status = _ESTIMATED
        estimate = _estimate(case, state, s, w)
        if estimate >= 0:
            estimate = min(max(estimate, low), high)
    if high == 0 or estimate < 0:
        contested = (
            bound[w, 2 * OTHERS] > bound[w, 2 * AGENCY + 1]
            or bound[w, 2 * AGENCY] > bound[w, 2 * OTHERS + 1]
        )
        refused = state.marks[_REFUSED_UNTIL] >= first
        denied = False
        seen = False
        for i in range(case.span[s, _ITEMS], case.span[s, _ITEMS_END]):
            if state.item[i, _IN_FORCE] and items[i, FIRST] < end and items[i, END] > first:
                if not state.item[i, ALL]:
                    contested = True
                elif not items[i, IS_REPORT] and items[i, END] >= end:
                    denied = True
                if items[i, IS_REPORT] and items[i, VOICE] == AGENCY:
                    refused = False
                if items[i, VOICE] == OTHERS and items[i, LOW] > 0:
                    seen = True
        if high == 0 and denied and seen:
            # A zero that rests on a denial which others' evidence puts in doubt.
            estimate = -1
            contested = True
        if estimate < 0:
            status = _CONTESTED if contested else _WITHHELD if refused else _UNCOUNTED
    answer[w, _A_ESTIMATE] = estimate
    answer[w, _A_STATUS] = status


# --- proofs and rows -------------------------------------------------------------------------


@inner
def _prove(case: Case, state: State, out: Output, s: int) -> bool:
    """Prove the bounds that moved: upper ones by start, then lower ones by end, so that neighbours
    share a search."""
    g, windows, standing, d = case.graph, case.windows, state.standing, state.distance
    lo, hi, limit = case.span[s, _NODES], case.span[s, _NODES_END], case.span[s, _ITEMS_END]
    for lower in range(2):
        start = -1
        for k in range(case.span[s, _WINDOWS], case.span[s, _WINDOWS_END]):
            w = case.by_end[k] if lower else k
            moved = standing[w, _LOW_MOVED] if lower else standing[w, _HIGH_MOVED]
            if not standing[w, _SPEAKS] or not moved:
                continue
            bound = state.answer[w, _A_LOW] if lower else state.answer[w, _A_HIGH]
            end = out.used[_U_PROOFS]
            if 0 < bound < NONE or (bound == 0 and not lower):
                source = windows[w, END_BELOW] if lower else windows[w, START_BELOW]
                goal = windows[w, START_ABOVE] if lower else windows[w, END_ABOVE]
                if source != start:
                    start = source
                    reach_with_proof(
                        g, state.item, ALL, limit, lo, hi, start, d.from_tail, d.steps, d.via
                    )
                end = path_to(g, start, goal, d.steps, d.via, out.proofs, end)
                if end < 0:
                    return False
            standing[w, _FRESH + 2 * (1 - lower)] = out.used[_U_PROOFS]
            standing[w, _FRESH + 2 * (1 - lower) + 1] = end
            out.used[_U_PROOFS] = end
    return True


@inner
def _write_rows(case: Case, state: State, out: Output, s: int, day: int) -> bool:
    """Write a row where an answer or its proof changed, and end those that stand no longer."""
    rows, standing = out.rows, state.standing
    for w in range(case.span[s, _WINDOWS], case.span[s, _WINDOWS_END]):
        old = standing[w, _ROW]
        if standing[w, _SPEAKS] and old >= 0:
            same = not standing[w, _LOW_MOVED] and not standing[w, _HIGH_MOVED]
            for k in range(ANSWERS):
                same = same and rows[old, R_ANSWER + k] == state.answer[w, k]
            if same:
                continue
        if old >= 0:
            rows[old, R_KNOWN_UNTIL] = day
            standing[w, _ROW] = -1
        if not standing[w, _SPEAKS]:
            continue
        row = out.used[_U_ROWS]
        if row >= rows.shape[0]:
            return False
        out.used[_U_ROWS] = row + 1
        rows[row, R_SERIES] = s
        rows[row, R_FREQUENCY] = case.windows[w, FREQUENCY]
        rows[row, R_FIRST] = case.windows[w, FIRST_DAY]
        rows[row, R_END] = case.windows[w, END_DAY]
        rows[row, R_KNOWN_FROM] = day
        rows[row, R_KNOWN_UNTIL] = NONE
        for k in range(4):
            moved = standing[w, _LOW_MOVED] if k < 2 else standing[w, _HIGH_MOVED]
            fresh = standing[w, _FRESH + k]
            rows[row, R_LOW_PROOF + k] = fresh if moved else rows[old, R_LOW_PROOF + k]
        for k in range(ANSWERS):
            rows[row, R_ANSWER + k] = state.answer[w, k]
        standing[w, _ROW] = row
    return True
