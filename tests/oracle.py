"""An oracle for bounds: the method's description by generic linear programmes, written from the
description alone. Nothing here is shared with the pipeline; nothing here is fast.

Every admission is a feasibility programme, every bound a programme of its own over the counts
before each day (solved by HiGHS, many to a call as independent blocks), every estimate a sum day
by day, every period looked up in the calendar.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

AUTHORITY = (
    "compelled",
    "published",
    "on_request",
    "leaked",
    "vendor",
    "third_party",
    "denial",
)
LARGE = 10**6
"""More than any finite bound of the ledgers tested: what reaches half of it has no bound."""

Row = dict[str, str]
Series = tuple[str, str, str]
Window = tuple[str, int | None, int]
"""Frequency, first day as an ordinal (None: since the series began), end day, exclusive."""


@dataclass(frozen=True)
class Item:
    """One piece of evidence: days are ordinals, ``end`` is exclusive, ``first`` None: open."""

    name: str
    channel: str
    voice: str
    first: int | None
    end: int
    low: int
    high: int | None
    known: int
    until: int | None
    is_report: bool

    @property
    def rank(self) -> tuple[int, int, str]:
        return AUTHORITY.index(self.channel), -self.known, self.name

    def overlaps(self, window: Window) -> bool:
        _, first, end = window
        begins_before = self.first is None or self.first < end
        return begins_before and (first is None or self.end > first)


@dataclass
class Case:
    """The evidence about one series, and the refusals (day known, latest day said)."""

    items: list[Item]
    refusals: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Answer:
    """What a row of `bounds` says, but for the proofs."""

    low: int
    high: int | None
    agency_low: int | None
    agency_high: int | None
    others_low: int | None
    others_high: int | None
    estimate: int | None
    obs_status: str


# --- the ledger ------------------------------------------------------------------------------


def days_of(text: str) -> tuple[date, date]:
    """First and last day of a partial date or of an interval of two."""
    first, _, second = text.partition("/")
    parts = [int(p) for p in first.split("-")]
    begin = date(*[*parts, 1, 1][:3])
    parts = [int(p) for p in (second or first).split("-")]
    if len(parts) == 1:
        parts.append(12)
    if len(parts) == 2:
        parts.append(calendar.monthrange(parts[0], parts[1])[1])
    return begin, date(*parts)


def read_cases(
    sources: Sequence[Row], reports: Sequence[Row], statements: Sequence[Row], as_of: date
) -> dict[Series, Case]:
    """The series of a ledger as known on a day. Reports carry numbers in ``low`` and ``high``."""
    public = {s["source_id"]: days_of(s["published_on"])[1] for s in sources}
    known = [r for r in reports if public[r["source_id"]] <= as_of]
    corrected: dict[str, date] = {}
    for row in known:
        if old := row["replaces"]:
            day = public[row["source_id"]]
            corrected[old] = min(corrected.get(old, day), day)
    cases: dict[Series, Case] = {}
    for row in known:
        key = (row["agency_id"], row["system_id"], row["metric"])
        day = public[row["source_id"]]
        cases.setdefault(key, Case([])).items.append(
            _report_item(row, day, corrected.get(row["report_id"]))
        )
    for row in statements:
        day = public[row["source_id"]]
        if day > as_of:
            continue
        about = [
            case
            for (agency, system, _), case in cases.items()
            if agency == row["agency_id"] and row["system_id"] in ("", system)
        ]
        if row["stance"] == "denied" and row["said_on"]:
            for (agency, system, _), case in cases.items():
                if agency != row["agency_id"] or row["system_id"] not in ("", system):
                    continue
                until = _taken_back(row, system, statements, public, as_of)
                if until is not None and until <= day:
                    continue
                case.items.append(
                    Item(
                        name=row["statement_id"],
                        channel="denial",
                        voice="agency",
                        first=None,
                        end=days_of(row["said_on"])[0].toordinal() + 1,
                        low=0,
                        high=0,
                        known=day.toordinal(),
                        until=until and until.toordinal(),
                        is_report=False,
                    )
                )
        if row["stance"] in ("declined", "no_response"):
            said = min(days_of(row["said_on"])[1], day) if row["said_on"] else day
            for case in about:
                case.refusals.append((day.toordinal(), said.toordinal()))
    for case in cases.values():
        case.items.sort(key=lambda item: item.rank)
    return cases


def _taken_back(
    denial: Row, system: str, statements: list[Row], public: dict[str, date], as_of: date
) -> date | None:
    """When it was first public that the agency had, perhaps later, admitted what it had denied."""
    admitted = []
    for row in statements:
        day = public[row["source_id"]]
        said = min(days_of(row["said_on"])[1], day) if row["said_on"] else day
        if (
            day <= as_of
            and row["agency_id"] == denial["agency_id"]
            and row["stance"] in ("confirmed", "suspended")
            and row["system_id"]
            in (denial["system_id"], system if not denial["system_id"] else "?")
            and said >= days_of(denial["said_on"])[0]
        ):
            admitted.append(day)
    return min(admitted, default=None)


def _report_item(row: Row, public: date, corrected: date | None) -> Item:
    start, end = row["period_start"], row["period_end"]
    first = None if start in ("", "begin") else date.fromisoformat(start)
    last = date.fromisoformat(end) if end else public
    low = int(row["low"])
    high = int(row["high"]) if row["high"] != "none" else None
    if row["per"]:
        assert first is not None
        times = _times(row["per"], first, last)
        low = (low * times).__floor__()
        high = None if high is None else (high * times).__ceil__()
    if not start and not end:
        high = None
    own = row["channel"] in ("published", "on_request") and not row["disclosed_by"]
    return Item(
        name=row["report_id"],
        channel=row["channel"],
        voice="agency" if own else "others",
        first=first.toordinal() if first else None,
        end=last.toordinal() + 1,
        low=low,
        high=high,
        known=public.toordinal(),
        until=corrected.toordinal() if corrected else None,
        is_report=True,
    )


def _times(per: str, first: date, last: date) -> Fraction:
    """How many of its units a rate covers: whole months and years exactly, else average ones."""
    days = (last - first).days + 1
    if per == "day":
        return Fraction(days)
    if per == "week":
        return Fraction(days, 7)
    after = last + timedelta(1)
    months = (after.year - first.year) * 12 + after.month - first.month
    if after.day == first.day:
        return Fraction(months) if per == "month" else Fraction(months, 12)
    year = Fraction(days * 10_000, 3_652_425)
    return 12 * year if per == "month" else year


# --- what can be true together, and what it implies ------------------------------------------


class Programmes:
    """Linear programmes over S(t), the count before day t; counts the bounds it has proved."""

    def __init__(self) -> None:
        self.intervals = 0
        self.admissions = 0
        self._admitted: dict[tuple[Item, ...], list[Item]] = {}
        self._bounds: dict[tuple[tuple[Item, ...], Window], tuple[int, int | None]] = {}

    def admitted(self, items: Sequence[Item]) -> list[Item]:
        """Those admitted one by one in order of authority."""
        key = tuple(items)
        if key not in self._admitted:
            chosen = list(items)
            if not self._feasible(chosen):
                chosen = []
                for item in items:
                    if self._feasible([*chosen, item]):
                        chosen.append(item)
            self._admitted[key] = chosen
        return self._admitted[key]

    def _feasible(self, items: Sequence[Item]) -> bool:
        self.admissions += 1
        days, matrix, limits = _constraints(items, [])
        result = linprog(
            np.zeros(len(days)), A_ub=matrix, b_ub=limits, bounds=(0, LARGE), method="highs"
        )
        assert result.status in (0, 2), result.message
        return bool(result.status == 0)

    def bounds(
        self, items: Sequence[Item], windows: Sequence[Window]
    ) -> dict[Window, tuple[int, int | None]]:
        """Lowest and highest S(end) - S(first) of each window under consistent evidence."""
        evidence = tuple(items)
        missing = [w for w in windows if (evidence, w) not in self._bounds]
        if missing:
            for window, interval in zip(missing, self._solve(items, missing), strict=True):
                self._bounds[evidence, window] = interval
            self.intervals += len(missing)
        return {w: self._bounds[evidence, w] for w in windows}

    def _solve(
        self, items: Sequence[Item], windows: Sequence[Window]
    ) -> list[tuple[int, int | None]]:
        days, matrix, limits = _constraints(items, windows)
        at = {day: n for n, day in enumerate(days)}
        blocks = 2 * len(windows)
        cost = np.zeros(blocks * len(days))
        for n, (_, first, end) in enumerate(windows):
            for block, sign in ((2 * n, 1), (2 * n + 1, -1)):
                cost[block * len(days) + at[end]] += sign
                cost[block * len(days) + at[_since(first)]] -= sign
        result = linprog(
            cost,
            A_ub=sparse.kron(sparse.eye(blocks), matrix, format="csr"),
            b_ub=np.tile(limits, blocks),
            bounds=(0, LARGE),
            method="highs",
        )
        assert result.status == 0, result.message
        found = (result.x * cost).reshape(blocks, len(days)).sum(axis=1)
        whole = np.rint(found).astype(int)
        assert np.abs(found - whole).max() < 1e-4
        return [
            (int(low), None if -minus_high > LARGE // 2 else int(-minus_high))
            for low, minus_high in whole.reshape(-1, 2)
        ]


def _since(first: int | None) -> int:
    return -1 if first is None else first


def _constraints(
    items: Iterable[Item], windows: Iterable[Window]
) -> tuple[list[int], sparse.csr_matrix, np.ndarray]:
    """Days (-1: before all), and A x <= b: S never falls, low <= S(end) - S(first) <= high."""
    items = list(items)
    ends = {day for item in items for day in (_since(item.first), item.end)}
    ends |= {day for _, first, end in windows for day in (_since(first), end)}
    days = sorted(ends | {-1})
    at = {day: n for n, day in enumerate(days)}
    rows = [(n, n + 1, 0) for n in range(len(days) - 1)]
    for item in items:
        a, b = at[_since(item.first)], at[item.end]
        rows.append((a, b, -item.low))
        if item.high is not None:
            rows.append((b, a, item.high))
    matrix = np.zeros((len(rows), len(days)))
    for n, (plus, minus, _) in enumerate(rows):
        matrix[n, plus] += 1
        matrix[n, minus] -= 1
    return days, sparse.csr_matrix(matrix), np.array([limit for *_, limit in rows], dtype=float)


# --- the answers of a day --------------------------------------------------------------------


def days_of_change(case: Case) -> list[int]:
    """Every day on which something about the series becomes known, or is corrected."""
    days = {item.known for item in case.items}
    days |= {item.until for item in case.items if item.until is not None}
    days |= {known for known, _ in case.refusals}
    return sorted(days)


def answers(case: Case, day: int, programmes: Programmes) -> dict[Window, Answer]:
    """The rows that stand at the end of a day."""
    known = [i for i in case.items if i.known <= day and (i.until is None or i.until > day)]
    reports = [i for i in known if i.is_report]
    if not reports:
        return {}
    windows = _windows(reports)
    admitted = {
        voice: programmes.admitted([i for i in known if voice in ("all", i.voice)])
        for voice in ("all", "agency", "others")
    }
    found = {voice: programmes.bounds(items, windows) for voice, items in admitted.items()}
    said = [said for public, said in case.refusals if public <= day]
    rates = _rates(admitted["all"])
    rows = {}
    for window in windows:
        low, high = found["all"][window]
        agency, others = found["agency"][window], found["others"][window]
        if all(interval == (0, None) for interval in ((low, high), agency, others)):
            continue
        doubtful = _is_zero_in_doubt(window, (low, high), known, admitted["all"])
        estimate = low if low == high else _estimate(window, low, high, rates)
        if doubtful:
            estimate = None
        if estimate is not None:
            status = "A" if low == high else "E"
        elif doubtful or _is_contested(window, agency, others, known, admitted["all"]):
            status = "U"
        elif _is_refused(window, said, reports):
            status = "Q"
        else:
            status = "L"
        told = [
            (None, None) if interval == (0, None) else interval for interval in (agency, others)
        ]
        rows[window] = Answer(low, high, *told[0], *told[1], estimate, status)
    return rows


def _windows(reports: Sequence[Item]) -> list[Window]:
    """The merged reported periods, and the years, quarters and months that they touch."""
    merged: list[tuple[int | None, int]] = []
    for item in sorted(reports, key=lambda i: _since(i.first)):
        if merged and _since(item.first) <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], item.end))
        else:
            merged.append((item.first, item.end))
    earliest = min(i.end - 1 if i.first is None else i.first for i in reports)
    windows: set[Window] = {("R", first, end) for first, end in merged}
    for first, end in merged:
        for ordinal in range(earliest if first is None else first, end):
            when = date.fromordinal(ordinal)
            windows.add(_calendar_window("A", when.year, 1, 12))
            windows.add(_calendar_window("Q", when.year, (when.month - 1) // 3 * 3 + 1, 3))
            windows.add(_calendar_window("M", when.year, when.month, 1))
    return sorted(windows, key=lambda w: (w[0], _since(w[1]), w[2]))


def _calendar_window(frequency: str, year: int, month: int, months: int) -> Window:
    last = month + months - 1
    end = date(year, last, calendar.monthrange(year, last)[1]).toordinal() + 1
    return frequency, date(year, month, 1).toordinal(), end


def _rates(admitted: Sequence[Item]) -> dict[int, Fraction]:
    """For each day the rate of the shortest report with an upper bound that covers it."""
    rates: dict[int, tuple[int, Fraction]] = {}
    for item in admitted:
        if item.is_report and item.first is not None and item.high is not None:
            length = item.end - item.first
            rate = Fraction(item.low + item.high, 2 * length)
            for day in range(item.first, item.end):
                if day not in rates or length < rates[day][0]:
                    rates[day] = (length, rate)
    return {day: rate for day, (_, rate) in rates.items()}


def _estimate(window: Window, low: int, high: int | None, rates: dict[int, Fraction]) -> int | None:
    _, first, end = window
    if first is None or any(day not in rates for day in range(first, end)):
        return None
    total = sum((rates[day] for day in range(first, end)), Fraction(0))
    nearest = (total + Fraction(1, 2)).__floor__()
    return max(low, nearest if high is None else min(high, nearest))


def _is_zero_in_doubt(
    window: Window, interval: tuple[int, int | None], known: list[Item], admitted: list[Item]
) -> bool:
    """A zero under a denial, while others report searches in an overlapping period."""
    denied = any(not i.is_report and i.end >= window[2] for i in admitted)
    seen = any(i.voice == "others" and i.low > 0 and i.overlaps(window) for i in known)
    return interval == (0, 0) and denied and seen


def _is_contested(
    window: Window,
    agency: tuple[int, int | None],
    others: tuple[int, int | None],
    known: list[Item],
    admitted: list[Item],
) -> bool:
    apart = any(
        high is not None and low > high
        for low, high in ((agency[0], others[1]), (others[0], agency[1]))
    )
    return apart or any(i not in admitted and i.overlaps(window) for i in known)


def _is_refused(window: Window, said: list[int], reports: list[Item]) -> bool:
    _, first, _ = window
    refused = any(first is None or day >= first for day in said)
    return refused and not any(i.voice == "agency" and i.overlaps(window) for i in reports)
