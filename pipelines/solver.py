"""Tightest bounds of counting series: difference constraints, solved incrementally.

Let S(t) be the count before day t. A report over [a, b) says ``low <= S(b) - S(a) <= high``, and
S never falls. These are difference constraints; the tightest bounds between two days are shortest
paths in their graph (Cormen et al., Introduction to Algorithms, "Difference constraints and
shortest paths"), exact for integers because the constraint matrix is totally unimodular.

The nodes are the days at which some report begins or ends, in order of time, node 0 lying before
all of them. A report is two edges, forward at cost ``high`` and back at cost ``-low``; from each
node a free edge leads back to the one before. As nodes lie on a line, shortest paths are found in
sweeps, up over the forward edges and down over the back edges, until nothing changes (Yen's
ordering of Bellman-Ford): a path takes as many sweeps as it has turns, and it has few.

Knowledge grows day by day. A report that agrees with what is admitted can only tighten: each
interval is compared with the path through the new edges. One that does not is weighed in order of
authority: every report is admitted unless it contradicts those admitted before it.

All kernels are compiled by Numba, release the interpreter lock and work on one series at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

NONE = 1 << 60
"""No bound, no path."""

BEGIN = -(1 << 31)
"""The day number of a start before all others."""

AGENCY, OTHERS, ALL = 0, 1, 2
VOICE_NAMES = ("agency", "others", "all")

STATUS_NAMES = ("A", "E", "U", "Q", "L")
_EXACT, _ESTIMATED, _CONTESTED, _WITHHELD, _UNCOUNTED = range(5)

FREQUENCY_NAMES = ("A", "Q", "M", "R")
_YEAR, _QUARTER, _MONTH, _WINDOW = range(4)

Array = np.ndarray[Any, np.dtype[Any]]
compiled = njit(cache=True, nogil=True)


# --- growing columns -------------------------------------------------------------------------


@compiled
def _grown(column: Array, size: int) -> Array:
    """The column with room for at least ``size`` entries."""
    if size <= column.shape[0]:
        return column
    larger = np.empty(max(size, 2 * column.shape[0]), dtype=column.dtype)
    larger[: column.shape[0]] = column
    return larger


@compiled
def _grown_rows(rows: Array, size: int) -> Array:
    if size <= rows.shape[0]:
        return rows
    larger = np.empty((max(size, 2 * rows.shape[0]), rows.shape[1]), dtype=rows.dtype)
    larger[: rows.shape[0]] = rows
    return larger


# --- the graph -------------------------------------------------------------------------------


@compiled
def _nodes(first: Array, end: Array) -> Array:
    """Days at which evidence begins or ends, ascending, BEGIN first."""
    days = np.empty(2 * first.shape[0] + 1, dtype=np.int64)
    days[0] = BEGIN
    days[1 : first.shape[0] + 1] = first
    days[first.shape[0] + 1 :] = end
    days.sort()
    count = 1
    for k in range(1, days.shape[0]):
        if days[k] != days[count - 1]:
            days[count] = days[k]
            count += 1
    return days[:count].copy()


@compiled
def _incidence(node_of: Array, nodes: int) -> tuple[Array, Array]:
    """Items by node, in order of authority: offsets and items."""
    offsets = np.zeros(nodes + 1, dtype=np.int64)
    for node in node_of:
        offsets[node + 1] += 1
    for k in range(nodes):
        offsets[k + 1] += offsets[k]
    fill = offsets[:-1].copy()
    items = np.empty(node_of.shape[0], dtype=np.int64)
    for i in range(node_of.shape[0]):
        items[fill[node_of[i]]] = i
        fill[node_of[i]] += 1
    return offsets, items


@compiled
def build_graph(first: Array, end: Array, low: Array, high: Array) -> Any:
    """The graph of one series' evidence: nodes, ends of each item, items at each node."""
    nodes = _nodes(first, end)
    tail = np.searchsorted(nodes, first)
    head = np.searchsorted(nodes, end)
    tail_at, tail_items = _incidence(tail, nodes.shape[0])
    head_at, head_items = _incidence(head, nodes.shape[0])
    return nodes, tail, head, low, high, tail_at, tail_items, head_at, head_items


@compiled
def _reach(graph: Any, admitted: Array, limit: int, start: int, distance: Array) -> None:
    """Shortest distances from a node, over admitted items of order below ``limit``."""
    nodes, tail, head, low, high, tail_at, tail_items, head_at, head_items = graph
    count = nodes.shape[0]
    distance[:] = NONE
    distance[start] = 0
    sweep = 0
    while True:
        changed = False
        if sweep % 2 == 0:
            for x in range(count):
                if distance[x] < NONE:
                    for k in range(tail_at[x], tail_at[x + 1]):
                        i = tail_items[k]
                        if i < limit and admitted[i] and high[i] < NONE:
                            there = distance[x] + high[i]
                            if there < distance[head[i]]:
                                distance[head[i]] = there
                                changed = True
        else:
            for x in range(count - 1, 0, -1):
                if distance[x] < NONE:
                    if distance[x] < distance[x - 1]:
                        distance[x - 1] = distance[x]
                        changed = True
                    for k in range(head_at[x], head_at[x + 1]):
                        i = head_items[k]
                        if i < limit and admitted[i]:
                            there = distance[x] - low[i]
                            if there < distance[tail[i]]:
                                distance[tail[i]] = there
                                changed = True
        if not changed and sweep > 0:
            return
        sweep += 1


@compiled
def _reach_back(graph: Any, admitted: Array, limit: int, goal: int, distance: Array) -> None:
    """Shortest distances to a node: :func:`_reach` against the direction of the edges."""
    nodes, tail, head, low, high, tail_at, tail_items, head_at, head_items = graph
    count = nodes.shape[0]
    distance[:] = NONE
    distance[goal] = 0
    sweep = 0
    while True:
        changed = False
        if sweep % 2 == 0:
            for y in range(count - 1, -1, -1):
                if distance[y] < NONE:
                    for k in range(head_at[y], head_at[y + 1]):
                        i = head_items[k]
                        if i < limit and admitted[i] and high[i] < NONE:
                            there = distance[y] + high[i]
                            if there < distance[tail[i]]:
                                distance[tail[i]] = there
                                changed = True
        else:
            for y in range(count):
                if distance[y] < NONE:
                    if y + 1 < count and distance[y] < distance[y + 1]:
                        distance[y + 1] = distance[y]
                        changed = True
                    for k in range(tail_at[y], tail_at[y + 1]):
                        i = tail_items[k]
                        if i < limit and admitted[i]:
                            there = distance[y] - low[i]
                            if there < distance[head[i]]:
                                distance[head[i]] = there
                                changed = True
        if not changed and sweep > 0:
            return
        sweep += 1


@compiled
def _reach_with_proof(
    graph: Any,
    admitted: Array,
    limit: int,
    start: int,
    distance: Array,
    steps: Array,
    via: Array,
) -> None:
    """As :func:`_reach`; of the shortest paths the one with the fewest reports.

    ``via`` is the item by which a node was reached, -1 for the free edge from the next node.
    """
    nodes, tail, head, low, high, tail_at, tail_items, head_at, head_items = graph
    count = nodes.shape[0]
    distance[:] = NONE
    steps[:] = 0
    via[:] = -1
    distance[start] = 0
    sweep = 0
    while True:
        changed = False
        if sweep % 2 == 0:
            for x in range(count):
                if distance[x] < NONE:
                    for k in range(tail_at[x], tail_at[x + 1]):
                        i = tail_items[k]
                        if i < limit and admitted[i] and high[i] < NONE:
                            y = head[i]
                            there = distance[x] + high[i]
                            if there < distance[y] or (
                                there == distance[y] and steps[x] + 1 < steps[y]
                            ):
                                distance[y] = there
                                steps[y] = steps[x] + 1
                                via[y] = i
                                changed = True
        else:
            for x in range(count - 1, 0, -1):
                if distance[x] < NONE:
                    y = x - 1
                    if distance[x] < distance[y] or (
                        distance[x] == distance[y] and steps[x] < steps[y]
                    ):
                        distance[y] = distance[x]
                        steps[y] = steps[x]
                        via[y] = -1
                        changed = True
                    for k in range(head_at[x], head_at[x + 1]):
                        i = head_items[k]
                        if i < limit and admitted[i]:
                            y = tail[i]
                            there = distance[x] - low[i]
                            if there < distance[y] or (
                                there == distance[y] and steps[x] + 1 < steps[y]
                            ):
                                distance[y] = there
                                steps[y] = steps[x] + 1
                                via[y] = i
                                changed = True
        if not changed and sweep > 0:
            return
        sweep += 1


@compiled
def _path(graph: Any, start: int, goal: int, via: Array, path: Array) -> int:
    """Write the items of the path to ``goal`` into ``path``, first step first; their number."""
    tail, head = graph[1], graph[2]
    count = 0
    x = goal
    while x != start:
        i = via[x]
        if i < 0:
            x += 1
        else:
            path[count] = i
            count += 1
            x = tail[i] if head[i] == x else head[i]
    for k in range(count // 2):
        path[k], path[count - 1 - k] = path[count - 1 - k], path[k]
    return count


@compiled
def _shortest_contradiction(
    graph: Any, admitted: Array, limit: int, start: int, goal: int, below: int, path: Array
) -> int:
    """The path with the fewest reports whose cost is below ``below``; its length (-1: none)."""
    nodes, tail, head, low, high, tail_at, tail_items, head_at, head_items = graph
    count = nodes.shape[0]
    distance = np.full(count, NONE, dtype=np.int64)
    distance[start] = 0
    for x in range(start, 0, -1):
        distance[x - 1] = 0
    room = 8
    via = np.full((room, count), -1, dtype=np.int64)
    step = 0
    while distance[goal] >= below:
        step += 1
        if step > count:
            return -1
        if step >= room:
            via = _grown_rows(via, 2 * room)
            room *= 2
        further = distance.copy()
        via[step, :] = -2
        for x in range(count):
            if distance[x] >= NONE:
                continue
            for k in range(tail_at[x], tail_at[x + 1]):
                i = tail_items[k]
                if i < limit and admitted[i] and high[i] < NONE:
                    if distance[x] + high[i] < further[head[i]]:
                        further[head[i]] = distance[x] + high[i]
                        via[step, head[i]] = i
            for k in range(head_at[x], head_at[x + 1]):
                i = head_items[k]
                if i < limit and admitted[i]:
                    if distance[x] - low[i] < further[tail[i]]:
                        further[tail[i]] = distance[x] - low[i]
                        via[step, tail[i]] = i
        for x in range(count - 1, 0, -1):
            if further[x] < further[x - 1]:
                further[x - 1] = further[x]
                via[step, x - 1] = -1
        distance = further
    length = 0
    x = goal
    while step > 0:
        i = via[step, x]
        if i == -2:
            step -= 1
        elif i == -1:
            x += 1
        else:
            path[length] = i
            length += 1
            x = tail[i] if head[i] == x else head[i]
            step -= 1
    for k in range(length // 2):
        path[k], path[length - 1 - k] = path[length - 1 - k], path[k]
    return length


@compiled
def prove(
    first: Array,
    end: Array,
    low: Array,
    high: Array,
    window_first: int,
    window_end: int,
) -> tuple[int, int, Array, Array]:
    """Bounds of [window_first, window_end) on evidence that agrees, with the two proofs.

    Returns low, high (NONE: no upper bound) and, for each, the items on its path in order.
    """
    graph = build_graph(first, end, low, high)
    nodes = graph[0]
    count = nodes.shape[0]
    admitted = np.ones(first.shape[0], dtype=np.bool_)
    limit = first.shape[0]
    distance = np.empty(count, dtype=np.int64)
    steps = np.empty(count, dtype=np.int64)
    via = np.empty(count, dtype=np.int64)
    path = np.empty(count + 1, dtype=np.int64)
    start_below = np.searchsorted(nodes, window_first, side="right") - 1
    start_above = np.searchsorted(nodes, window_first)
    end_below = np.searchsorted(nodes, window_end, side="right") - 1
    end_above = np.searchsorted(nodes, window_end)
    low_path = path[:0].copy()
    high_path = path[:0].copy()
    lowest = 0
    highest = NONE
    if start_above <= end_below:
        _reach_with_proof(graph, admitted, limit, end_below, distance, steps, via)
        lowest = -distance[start_above]
        low_path = path[: _path(graph, end_below, start_above, via, path)].copy()
    if end_above < count:
        _reach_with_proof(graph, admitted, limit, start_below, distance, steps, via)
        if distance[end_above] < NONE:
            highest = distance[end_above]
            high_path = path[: _path(graph, start_below, end_above, via, path)].copy()
    return lowest, highest, low_path, high_path


# --- admission by authority ------------------------------------------------------------------


@compiled
def _fits(
    graph: Any, admitted: Array, item: int, limit: int, from_tail: Array, from_head: Array
) -> bool:
    """Whether an item can be true together with the admitted ones of order below ``limit``.

    Leaves the distances from its two ends in ``from_tail`` and ``from_head``.
    """
    tail, head, low, high = graph[1][item], graph[2][item], graph[3][item], graph[4][item]
    _reach(graph, admitted, limit, tail, from_tail)
    _reach(graph, admitted, limit, head, from_head)
    return from_tail[head] >= low and from_head[tail] + high >= 0


@compiled
def _readmit(
    graph: Any, known: Array, admitted: Array, since: int, from_tail: Array, from_head: Array
) -> None:
    """Decide again on every known item from order ``since`` on."""
    for i in range(since, known.shape[0]):
        admitted[i] = False
    for i in range(since, known.shape[0]):
        if known[i]:
            admitted[i] = _fits(graph, admitted, i, i, from_tail, from_head)


@compiled
def admit(first: Array, end: Array, low: Array, high: Array) -> Array:
    """Which items of one series are admitted, where all are known; items in order of authority."""
    graph = build_graph(first, end, low, high)
    admitted = np.zeros(first.shape[0], dtype=np.bool_)
    known = np.ones(first.shape[0], dtype=np.bool_)
    from_tail = np.empty(graph[0].shape[0], dtype=np.int64)
    from_head = np.empty(graph[0].shape[0], dtype=np.int64)
    _readmit(graph, known, admitted, 0, from_tail, from_head)
    return admitted


# --- windows ---------------------------------------------------------------------------------


@compiled
def _civil(day: int) -> tuple[int, int, int]:
    """Year, month, day of a day number (Howard Hinnant, "chrono-compatible low-level date
    algorithms")."""
    z = day + 719468
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    return year, month, doy - (153 * mp + 2) // 5 + 1


@compiled
def _first_of_month(year: int, month: int) -> int:
    """Day number of the first day of a month; months beyond 12 run on into later years."""
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    y = year - 1 if month <= 2 else year
    era = y // 400
    yoe = y - era * 400
    doy = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5
    doe = yoe * 365 + yoe // 4 - yoe // 100 + doy
    return era * 146097 + doe - 719468


@compiled
def _calendar(first_day: int, end_day: int) -> tuple[Array, Array, Array]:
    """Years, quarters and months that touch [first_day, end_day): frequency, first, end."""
    year, _, _ = _civil(first_day)
    last_year, _, _ = _civil(end_day - 1)
    size = 17 * (last_year - year + 1)
    frequency = np.empty(size, dtype=np.int64)
    first = np.empty(size, dtype=np.int64)
    end = np.empty(size, dtype=np.int64)
    count = 0
    for y in range(year, last_year + 1):
        for month in range(1, 13):
            start = _first_of_month(y, month)
            for f, months in ((_YEAR, 12), (_QUARTER, 3), (_MONTH, 1)):
                if (month - 1) % months == 0:
                    stop = _first_of_month(y, month + months)
                    if start < end_day and stop > first_day:
                        frequency[count] = f
                        first[count] = start
                        end[count] = stop
                        count += 1
    return frequency[:count], first[:count], end[:count]


@compiled
def _merged_periods(
    by_first: Array, first: Array, end: Array, counted: Array, merged: Array
) -> int:
    """Merge the overlapping or adjacent periods of the counted items; their number.

    ``by_first`` lists the items by first day; ``merged`` takes first and end of each window.
    """
    count = 0
    for i in by_first:
        if counted[i]:
            if count > 0 and first[i] <= merged[count - 1, 1]:
                merged[count - 1, 1] = max(merged[count - 1, 1], end[i])
            else:
                merged[count, 0] = first[i]
                merged[count, 1] = end[i]
                count += 1
    return count


@compiled
def _first_ending_after(merged: Array, count: int, day: int) -> int:
    """The first of the disjoint merged windows that ends after a day; ``count`` if none does."""
    below, above = 0, count
    while below < above:
        middle = (below + above) // 2
        if merged[middle, 1] > day:
            above = middle
        else:
            below = middle + 1
    return below


# --- one series through time -----------------------------------------------------------------

# Columns of an answer, and of a written row behind its five columns of identity.
_LOW, _HIGH, _ESTIMATE, _STATUS = 0, 1, 6, 7
_ANSWERS = 8
_IDENTITY = 5
ROW_COLUMNS = _IDENTITY + _ANSWERS
CONFLICT_COLUMNS = 7


@compiled
def _tighten(
    windows: int,
    at: Array,
    active: Array,
    lows: Array,
    highs: Array,
    to_tail: Array,
    from_tail: Array,
    to_head: Array,
    from_head: Array,
    low: int,
    high: int,
) -> None:
    """Compare the bounds of every window with the paths through one new item."""
    for w in range(windows):
        if not active[w]:
            continue
        start_below, start_above, end_below, end_above = at[w, 0], at[w, 1], at[w, 2], at[w, 3]
        # A path takes the new item forward at cost `high` or back at cost `-low`, never both.
        if end_above >= 0:
            if high < NONE and to_tail[start_below] < NONE and from_head[end_above] < NONE:
                highs[w] = min(highs[w], to_tail[start_below] + high + from_head[end_above])
            if to_head[start_below] < NONE and from_tail[end_above] < NONE:
                highs[w] = min(highs[w], to_head[start_below] - low + from_tail[end_above])
        if start_above <= end_below:
            if high < NONE and to_tail[end_below] < NONE and from_head[start_above] < NONE:
                lows[w] = max(lows[w], -(to_tail[end_below] + high + from_head[start_above]))
            if to_head[end_below] < NONE and from_tail[start_above] < NONE:
                lows[w] = max(lows[w], -(to_head[end_below] - low + from_tail[start_above]))


@compiled
def _measure(
    graph: Any,
    admitted: Array,
    at: Array,
    w: int,
    lows: Array,
    highs: Array,
    start_of: int,
    from_start: Array,
    to_start: Array,
) -> int:
    """Bounds of one window from the graph itself. ``start_of`` is the start for which the two
    distance arrays hold; returns the one for which they hold now."""
    limit = admitted.shape[0]
    start_below, start_above, end_below, end_above = at[w, 0], at[w, 1], at[w, 2], at[w, 3]
    key = start_below * (graph[0].shape[0] + 1) + start_above
    if key != start_of:
        _reach(graph, admitted, limit, start_below, from_start)
        if start_above < graph[0].shape[0]:
            _reach_back(graph, admitted, limit, start_above, to_start)
    highs[w] = from_start[end_above] if end_above >= 0 else NONE
    lows[w] = -to_start[end_below] if start_above <= end_below else 0
    return key


@compiled
def solve_series(
    series: int,
    first: Array,
    end: Array,
    low: Array,
    high: Array,
    known_from: Array,
    known_until: Array,
    voice: Array,
    is_report: Array,
    refusal_known: Array,
    refusal_said: Array,
    rows: Array,
    row_count: int,
    proof_pool: Array,
    proof_used: int,
    proof_at: Array,
    conflicts: Array,
    conflict_count: int,
    cycle_pool: Array,
    cycle_used: int,
) -> Any:
    """Every answer of one series, from the first day of knowledge to the last.

    Items come in order of authority: first day (or BEGIN), end day (exclusive), low, high (or
    NONE), days of knowledge [known_from, known_until), voice and whether it is a report (else a
    denial). Appends to ``rows``: series, frequency, first, end, known_from, low, high, agency_low,
    agency_high, others_low, others_high, estimate, status, and to ``proof_at``: known_until and
    where the two proofs lie in ``proof_pool``. Appends to ``conflicts``: series, voice, item,
    known_from, known_until and where the other items of the cycle lie in ``cycle_pool``.
    Returns the grown columns and their lengths.
    """
    items = first.shape[0]
    graph = build_graph(first, end, low, high)
    nodes, tail, head = graph[0], graph[1], graph[2]
    count = nodes.shape[0]
    limit = items

    # Windows: the calendar that the dated evidence can touch, then a slot for each merged one.
    hull_first = NONE
    hull_end = BEGIN
    for i in range(items):
        if is_report[i]:
            hull_first = min(hull_first, first[i] if first[i] != BEGIN else end[i] - 1)
            hull_end = max(hull_end, end[i])
    calendar_frequency, calendar_first, calendar_end = _calendar(hull_first, hull_end)
    calendar = calendar_first.shape[0]
    windows = calendar + items
    frequency = np.full(windows, _WINDOW, dtype=np.int64)
    window_first = np.zeros(windows, dtype=np.int64)
    window_end = np.zeros(windows, dtype=np.int64)
    frequency[:calendar] = calendar_frequency
    window_first[:calendar] = calendar_first
    window_end[:calendar] = calendar_end
    at = np.zeros((windows, 4), dtype=np.int64)
    for w in range(calendar):
        at[w, 0] = np.searchsorted(nodes, window_first[w], side="right") - 1
        at[w, 1] = np.searchsorted(nodes, window_first[w])
        at[w, 2] = np.searchsorted(nodes, window_end[w], side="right") - 1
        above = np.searchsorted(nodes, window_end[w])
        at[w, 3] = above if above < count else -1
    active = np.zeros(windows, dtype=np.bool_)
    active[:calendar] = True
    touched = np.zeros(windows, dtype=np.bool_)
    by_end = np.argsort(window_end[:calendar], kind="mergesort")

    # State of the three voices.
    known = np.zeros((3, items), dtype=np.bool_)
    admitted = np.zeros((3, items), dtype=np.bool_)
    in_force = np.zeros(items, dtype=np.bool_)
    lows = np.zeros((3, windows), dtype=np.int64)
    highs = np.full((3, windows), NONE, dtype=np.int64)
    conflict_of = np.full((3, items), -1, dtype=np.int64)
    refused_until = BEGIN - 1
    any_denial = not is_report.all()

    # The row that stands for each window, and its proofs.
    standing = np.full(windows, -1, dtype=np.int64)
    answer = np.zeros(_ANSWERS, dtype=np.int64)
    low_changed = np.zeros(windows, dtype=np.bool_)
    high_changed = np.zeros(windows, dtype=np.bool_)
    speaks = np.zeros(windows, dtype=np.bool_)
    fresh = np.zeros((windows, 4), dtype=np.int64)
    answers = np.zeros((windows, _ANSWERS), dtype=np.int64)

    # Rates for the estimate, a segment between two nodes each.
    best_days = np.zeros(count, dtype=np.int64)
    best_item = np.full(count, -1, dtype=np.int64)
    sum_before = np.zeros(count, dtype=np.float64)
    days_before = np.zeros(count, dtype=np.int64)
    rate = np.zeros(count, dtype=np.float64)

    # Room to work in.
    from_tail = np.empty(count, dtype=np.int64)
    from_head = np.empty(count, dtype=np.int64)
    to_tail = np.empty(count, dtype=np.int64)
    to_head = np.empty(count, dtype=np.int64)
    steps = np.empty(count, dtype=np.int64)
    via = np.empty(count, dtype=np.int64)
    path = np.empty(count + items + 1, dtype=np.int64)
    by_first = np.argsort(first, kind="mergesort")
    merged = np.empty((items, 2), dtype=np.int64)
    has_slot = np.zeros(items, dtype=np.bool_)

    arrivals = np.argsort(known_from, kind="mergesort")
    departures = np.argsort(known_until, kind="mergesort")
    days = np.concatenate((known_from, known_until, refusal_known))
    days.sort()
    arrived = 0
    departed = 0
    heard = 0

    day = BEGIN
    for moment in days:
        if moment == day or moment >= NONE:
            continue
        day = moment

        # What is no longer, and what is newly known.
        restart = np.full(3, items, dtype=np.int64)
        while departed < items and known_until[departures[departed]] <= day:
            i = departures[departed]
            departed += 1
            in_force[i] = False
            for v in (voice[i], ALL):
                known[v, i] = False
                if admitted[v, i]:
                    admitted[v, i] = False
                    restart[v] = min(restart[v], i)
        while heard < refusal_known.shape[0] and refusal_known[heard] <= day:
            refused_until = max(refused_until, refusal_said[heard])
            heard += 1
        recount = False
        reestimate = False
        while arrived < items and known_from[arrivals[arrived]] <= day:
            i = arrivals[arrived]
            arrived += 1
            if known_until[i] <= day:
                continue
            in_force[i] = True
            for v in (voice[i], ALL):
                known[v, i] = True
                if restart[v] < items:
                    restart[v] = min(restart[v], i)
                elif _fits(graph, admitted[v], i, limit, from_tail, from_head):
                    _reach_back(graph, admitted[v], limit, tail[i], to_tail)
                    _reach_back(graph, admitted[v], limit, head[i], to_head)
                    _tighten(
                        windows, at, active, lows[v], highs[v],
                        to_tail, from_tail, to_head, from_head, low[i], high[i],
                    )  # fmt: skip
                    admitted[v, i] = True
                    if v == ALL and is_report[i] and high[i] < NONE and first[i] != BEGIN:
                        reestimate = True
                        for x in range(tail[i], head[i]):
                            length = end[i] - first[i]
                            if best_item[x] < 0 or (length, i) < (best_days[x], best_item[x]):
                                best_days[x] = length
                                best_item[x] = i
                elif _fits(graph, admitted[v], i, i, from_tail, from_head):
                    restart[v] = i
        for v in range(3):
            if restart[v] < items:
                _readmit(graph, known[v], admitted[v], restart[v], from_tail, from_head)
                start_of = -1
                for w in range(windows):
                    if active[w]:
                        start_of = _measure(
                            graph, admitted[v], at, w, lows[v], highs[v],
                            start_of, from_tail, to_tail,
                        )  # fmt: skip
                if v == ALL:
                    recount = True
                    reestimate = True
                    best_item[:] = -1
                    for i in range(items):
                        if admitted[v, i] and is_report[i] and high[i] < NONE and first[i] != BEGIN:
                            for x in range(tail[i], head[i]):
                                length = end[i] - first[i]
                                if best_item[x] < 0 or (length, i) < (best_days[x], best_item[x]):
                                    best_days[x] = length
                                    best_item[x] = i
        if reestimate:
            for x in range(count - 1):
                i = best_item[x]
                length = nodes[x + 1] - nodes[x] if i >= 0 else 0
                rate[x] = (low[i] + high[i]) / 2.0 / (end[i] - first[i]) if i >= 0 else 0.0
                sum_before[x + 1] = sum_before[x] + rate[x] * length
                days_before[x + 1] = days_before[x] + length

        # Conflicts that opened, closed, or need another proof.
        any_aside = False
        for v in range(3):
            for i in range(items):
                aside = known[v, i] and not admitted[v, i]
                any_aside = any_aside or aside
                c = conflict_of[v, i]
                if c >= 0:
                    holds = aside
                    if holds:
                        for k in range(conflicts[c, 5], conflicts[c, 6]):
                            holds = holds and admitted[v, cycle_pool[k]]
                    if not holds:
                        conflicts[c, 4] = day
                        conflict_of[v, i] = -1
                        c = -1
                if aside and c < 0:
                    length = _shortest_contradiction(
                        graph, admitted[v], i, tail[i], head[i], low[i], path
                    )
                    if high[i] < NONE:
                        other = np.empty(path.shape[0], dtype=np.int64)
                        other_length = _shortest_contradiction(
                            graph, admitted[v], i, head[i], tail[i], -high[i], other
                        )
                        if other_length >= 0 and (length < 0 or other_length < length):
                            length = other_length
                            path = other
                    conflicts = _grown_rows(conflicts, conflict_count + 1)
                    cycle_pool = _grown(cycle_pool, cycle_used + length)
                    cycle_pool[cycle_used : cycle_used + length] = path[:length]
                    conflicts[conflict_count, 0] = series
                    conflicts[conflict_count, 1] = v
                    conflicts[conflict_count, 2] = i
                    conflicts[conflict_count, 3] = day
                    conflicts[conflict_count, 4] = NONE
                    conflicts[conflict_count, 5] = cycle_used
                    cycle_used += length
                    conflicts[conflict_count, 6] = cycle_used
                    conflict_of[v, i] = conflict_count
                    conflict_count += 1

        # Which windows are asked about on this day.
        dated_from = NONE
        touched[:calendar] = False
        for i in range(items):
            if in_force[i] and is_report[i]:
                if first[i] == BEGIN:
                    dated_from = min(dated_from, end[i] - 1)
                else:
                    dated_from = min(dated_from, first[i])
        merged_count = _merged_periods(by_first, first, end, in_force & is_report, merged)
        for w in range(calendar):
            m = _first_ending_after(merged, merged_count, window_first[w])
            touched[w] = (
                m < merged_count and merged[m, 0] < window_end[w] and window_end[w] > dated_from
            )
        has_slot[:merged_count] = False
        for w in range(calendar, windows):
            if active[w]:
                m = _first_ending_after(merged, merged_count, window_first[w])
                if (
                    m < merged_count
                    and merged[m, 0] == window_first[w]
                    and merged[m, 1] == window_end[w]
                ):
                    has_slot[m] = True
                else:
                    active[w] = False
                    if standing[w] >= 0:
                        proof_at[standing[w], 0] = day
                        standing[w] = -1
        slot = calendar
        for m in range(merged_count):
            if not has_slot[m]:
                while active[slot]:
                    slot += 1
                active[slot] = True
                touched[slot] = True
                window_first[slot] = merged[m, 0]
                window_end[slot] = merged[m, 1]
                at[slot, 0] = np.searchsorted(nodes, merged[m, 0])
                at[slot, 1] = at[slot, 0]
                at[slot, 2] = np.searchsorted(nodes, merged[m, 1])
                at[slot, 3] = at[slot, 2]
                for v in range(3):
                    _measure(
                        graph, admitted[v], at, slot, lows[v], highs[v], -1, from_tail, to_tail
                    )

        # The answers, and where they differ from the rows that stand.
        for w in range(windows):
            low_changed[w] = False
            high_changed[w] = False
            speaks[w] = False
            if not active[w] or not touched[w]:
                continue
            for v in range(3):
                if lows[v, w] > 0 or highs[v, w] < NONE:
                    speaks[w] = True
            if not speaks[w]:
                continue
            lowest = lows[ALL, w]
            highest = highs[ALL, w]
            answer[_LOW] = lowest
            answer[_HIGH] = highest
            for v in (AGENCY, OTHERS):
                silent = lows[v, w] == 0 and highs[v, w] >= NONE
                answer[2 + 2 * v] = -1 if silent else lows[v, w]
                answer[3 + 2 * v] = NONE if silent else highs[v, w]
            estimate = -1
            if lowest == highest:
                estimate = lowest
            elif window_first[w] != BEGIN and window_end[w] <= nodes[count - 1]:
                x = at[w, 0]
                y = at[w, 2]
                covered = days_before[y] - days_before[x]
                total = sum_before[y] - sum_before[x]
                if best_item[x] >= 0 and x > 0:
                    covered -= window_first[w] - nodes[x]
                    total -= rate[x] * (window_first[w] - nodes[x])
                if y < count - 1 and best_item[y] >= 0:
                    covered += window_end[w] - nodes[y]
                    total += rate[y] * (window_end[w] - nodes[y])
                if covered == window_end[w] - window_first[w]:
                    estimate = min(max(int(np.floor(total * (1 + 1e-12) + 0.5)), lowest), highest)
            contested = lows[OTHERS, w] > highs[AGENCY, w] or lows[AGENCY, w] > highs[OTHERS, w]
            refused = refused_until >= window_first[w]
            denied = False
            others_count = False
            if any_aside or any_denial or refused:
                for i in range(items):
                    if in_force[i] and first[i] < window_end[w] and end[i] > window_first[w]:
                        contested = contested or not admitted[ALL, i]
                        refused = refused and not (is_report[i] and voice[i] == AGENCY)
                        denied = denied or (
                            not is_report[i] and admitted[ALL, i] and end[i] >= window_end[w]
                        )
                        others_count = others_count or (voice[i] == OTHERS and low[i] > 0)
            if denied and others_count and highest == 0:
                # A zero that rests on a denial which others' evidence puts in doubt.
                estimate = -1
                contested = True
            answer[_ESTIMATE] = estimate
            if estimate >= 0:
                answer[_STATUS] = _EXACT if lowest == highest else _ESTIMATED
            elif contested:
                answer[_STATUS] = _CONTESTED
            elif refused:
                answer[_STATUS] = _WITHHELD
            else:
                answer[_STATUS] = _UNCOUNTED
            answers[w, :] = answer
            row = standing[w]
            if row < 0:
                low_changed[w] = True
                high_changed[w] = True
                continue
            low_changed[w] = rows[row, _IDENTITY + _LOW] != lowest
            high_changed[w] = rows[row, _IDENTITY + _HIGH] != highest
            if recount:
                for k in range(proof_at[row, 1], proof_at[row, 2]):
                    low_changed[w] = low_changed[w] or not admitted[ALL, proof_pool[k]]
                for k in range(proof_at[row, 3], proof_at[row, 4]):
                    high_changed[w] = high_changed[w] or not admitted[ALL, proof_pool[k]]

        # Proofs for the bounds that moved; neighbours share a search.
        proven_from = -1
        for w in range(windows):
            if speaks[w] and high_changed[w]:
                fresh[w, 2] = proof_used
                if at[w, 3] >= 0 and highs[ALL, w] < NONE:
                    if at[w, 0] != proven_from:
                        proven_from = at[w, 0]
                        _reach_with_proof(
                            graph, admitted[ALL], limit, proven_from, from_tail, steps, via
                        )
                    length = _path(graph, proven_from, at[w, 3], via, path)
                    proof_pool = _grown(proof_pool, proof_used + length)
                    proof_pool[proof_used : proof_used + length] = path[:length]
                    proof_used += length
                fresh[w, 3] = proof_used
        proven_from = -1
        for k in range(windows):
            w = by_end[k] if k < calendar else k
            if speaks[w] and low_changed[w]:
                fresh[w, 0] = proof_used
                if lows[ALL, w] > 0:
                    if at[w, 2] != proven_from:
                        proven_from = at[w, 2]
                        _reach_with_proof(
                            graph, admitted[ALL], limit, proven_from, from_tail, steps, via
                        )
                    length = _path(graph, proven_from, at[w, 1], via, path)
                    proof_pool = _grown(proof_pool, proof_used + length)
                    proof_pool[proof_used : proof_used + length] = path[:length]
                    proof_used += length
                fresh[w, 1] = proof_used

        # Write a row where the answer changed.
        for w in range(windows):
            row = standing[w]
            if not speaks[w]:
                if row >= 0:
                    proof_at[row, 0] = day
                    standing[w] = -1
                continue
            same = row >= 0 and not low_changed[w] and not high_changed[w]
            if same:
                for k in range(_ANSWERS):
                    same = same and rows[row, _IDENTITY + k] == answers[w, k]
            if same:
                continue
            rows = _grown_rows(rows, row_count + 1)
            proof_at = _grown_rows(proof_at, row_count + 1)
            if row >= 0:
                proof_at[row, 0] = day
            rows[row_count, 0] = series
            rows[row_count, 1] = frequency[w]
            rows[row_count, 2] = window_first[w]
            rows[row_count, 3] = window_end[w]
            rows[row_count, 4] = day
            rows[row_count, _IDENTITY:] = answers[w]
            proof_at[row_count, 0] = NONE
            for k in (0, 2):
                moved = low_changed[w] if k == 0 else high_changed[w]
                proof_at[row_count, 1 + k] = fresh[w, k] if moved else proof_at[row, 1 + k]
                proof_at[row_count, 2 + k] = fresh[w, k + 1] if moved else proof_at[row, 2 + k]
            standing[w] = row_count
            row_count += 1

    return (
        rows, row_count, proof_pool, proof_used, proof_at,
        conflicts, conflict_count, cycle_pool, cycle_used,
    )  # fmt: skip


@compiled
def solve(
    first_series: int,
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
) -> Any:
    """:func:`solve_series` for consecutive series; ``offsets`` cut the items into series.

    Items in ``proof_pool`` and ``cycle_pool`` and of conflicts count from the start of the arrays.
    """
    size = max(16, 4 * first.shape[0])
    rows = np.empty((size, ROW_COLUMNS), dtype=np.int64)
    proof_at = np.empty((size, 5), dtype=np.int64)
    proof_pool = np.empty(size, dtype=np.int64)
    conflicts = np.empty((16, CONFLICT_COLUMNS), dtype=np.int64)
    cycle_pool = np.empty(16, dtype=np.int64)
    row_count = 0
    proof_used = 0
    conflict_count = 0
    cycle_used = 0
    for s in range(offsets.shape[0] - 1):
        a, b = offsets[s], offsets[s + 1]
        ra, rb = refusal_offsets[s], refusal_offsets[s + 1]
        proof_start, cycle_start, conflict_start = proof_used, cycle_used, conflict_count
        (
            rows, row_count, proof_pool, proof_used, proof_at,
            conflicts, conflict_count, cycle_pool, cycle_used,
        ) = solve_series(
            first_series + s,
            first[a:b], end[a:b], low[a:b], high[a:b],
            known_from[a:b], known_until[a:b], voice[a:b], is_report[a:b],
            refusal_known[ra:rb], refusal_said[ra:rb],
            rows, row_count, proof_pool, proof_used, proof_at,
            conflicts, conflict_count, cycle_pool, cycle_used,
        )  # fmt: skip
        for k in range(proof_start, proof_used):
            proof_pool[k] += a
        for k in range(cycle_start, cycle_used):
            cycle_pool[k] += a
        for k in range(conflict_start, conflict_count):
            conflicts[k, 2] += a
    return (
        rows[:row_count].copy(),
        proof_at[:row_count].copy(),
        proof_pool[:proof_used].copy(),
        conflicts[:conflict_count].copy(),
        cycle_pool[:cycle_used].copy(),
    )
