"""Bounds in words: from the reports on a path to sentences that a reader can check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

NOUNS = {
    "searches": ("search", "searches"),
    "requests": ("request", "requests"),
    "deployments": ("deployment", "deployments"),
    "faces_scanned": ("face scanned", "faces scanned"),
    "alerts": ("alert", "alerts"),
    "false_alerts": ("false alert", "false alerts"),
    "possible_matches": ("possible match", "possible matches"),
    "identifications": ("identification", "identifications"),
    "arrests": ("arrest", "arrests"),
}
"""One and many of what each metric counts."""


@dataclass(frozen=True)
class Said:
    """One piece of evidence as a sentence needs it; ``high`` None: no upper bound, ``first_day``
    None: since the series began."""

    evidence_id: str
    low: int
    high: int | None
    first_day: date | None
    last_day: date


def count(number: int) -> str:
    return f"{number:,}"


def interval(low: int, high: int | None) -> str:
    """The interval in words: exactly 5; at least 171; at most 98; between 11 and 50."""
    if high is None:
        return f"at least {count(low)}"
    if low == high:
        return f"exactly {count(low)}"
    if low == 0:
        return f"at most {count(high)}"
    return f"between {count(low)} and {count(high)}"


@lru_cache(100_000)
def day(when: date) -> str:
    return f"{when.day} {when:%B %Y}"


@lru_cache(100_000)
def period(first: date | None, last: date) -> str:
    """A period in words: 2019; December 2019; up to 28 February 2020; 1 to 5 May 2019."""
    if first is None:
        return f"up to {day(last)}"
    if first == last:
        return f"on {day(first)}"
    ends_month = (date.fromordinal(last.toordinal() + 1)).day == 1
    if first.day == 1 and ends_month:
        if first.year == last.year:
            if (first.month, last.month) == (1, 12):
                return f"in {first.year}"
            if first.month == last.month:
                return f"in {first:%B %Y}"
            return f"from {first:%B} to {last:%B %Y}"
        return f"from {first:%B %Y} to {last:%B %Y}"
    return f"from {day(first)} to {day(last)}"


def forward(path: Sequence[Said], start: int) -> list[bool]:
    """For each report of a path from day ``start`` (an ordinal) whether it is followed forward in
    time, so that its high counts, or back, so that its low does.

    Free steps lead back only and cost nothing, so a shortest path goes back over every report
    that has ended by the day reached.
    """
    ways = []
    at = start
    for said in path:
        ended = said.last_day.toordinal() + 1 <= at
        ways.append(not ended)
        at = _begin(said) if ended else said.last_day.toordinal() + 1
    return ways


def _begin(said: Said) -> int:
    return said.first_day.toordinal() if said.first_day else 0


def total(path: Sequence[Said], ways: Sequence[bool]) -> int:
    """The cost of a path: highs of the reports followed forward less lows of the others."""
    return sum((said.high or 0) if way else -said.low for said, way in zip(path, ways, strict=True))


def terms(path: Sequence[Said], ways: Sequence[bool], upper: bool) -> list[str]:
    """The sum behind a bound, one clause a report: what is added before what is taken away."""
    adds = [way == upper for way in ways]
    clauses: list[str] = []
    for said, way in [
        *((s, w) for s, w, add in zip(path, ways, adds, strict=True) if add),
        *((s, w) for s, w, add in zip(path, ways, adds, strict=True) if not add),
    ]:
        number = (said.high or 0) if way else said.low
        words = "exactly" if said.low == said.high else "at most" if way else "at least"
        sign = "" if not clauses else "plus " if way == upper else "less "
        clauses.append(
            f"{sign}{words} {count(number)} {period(said.first_day, said.last_day)} "
            f"({said.evidence_id})"
        )
    return clauses


@dataclass(frozen=True)
class Ground:
    """Why one end of an interval stands, or both: ``words`` say which, ``path`` is the evidence
    that proves it in order of time, ``sums`` how it adds up (none where one piece alone says it).
    """

    words: str
    path: list[Said]
    sums: list[str]


def grounds(
    low: int,
    high: int | None,
    low_path: Sequence[Said],
    high_path: Sequence[Said],
    first: date | None,
    last: date,
) -> list[Ground]:
    """The proof of an interval over [first, last], in words: one ground where the same evidence
    gives both ends. Raises AssertionError where a path does not give its bound."""
    below = _sum_in_words(low, low_path, first, last, upper=False)
    above = _sum_in_words(high, high_path, first, last, upper=True)
    lower, upper = _in_order(low_path), _in_order(high_path)
    if high is not None and lower == upper:
        words = interval(low, high)
        return [Ground(f"{words[0].upper()}{words[1:]}", lower, [*filter(None, [below, above])])]
    found = []
    if low:
        found.append(Ground(f"At least {count(low)}", lower, [*filter(None, [below])]))
    if high is None:
        found.append(Ground("No upper bound: nothing says at most how many", [], []))
    else:
        found.append(Ground(f"At most {count(high)}", upper, [*filter(None, [above])]))
    return found


def _in_order(path: Sequence[Said]) -> list[Said]:
    return sorted(path, key=lambda s: (s.first_day or date.min, s.last_day))


def _sum_in_words(
    value: int | None, path: Sequence[Said], first: date | None, last: date, upper: bool
) -> str:
    """How a path adds up to a bound over [first, last]; blank where one piece says just that."""
    if not path:
        return ""
    begin = first.toordinal() if first else 0
    ways = forward(path, begin if upper else last.toordinal() + 1)
    worth = total(path, ways) if upper else -total(path, ways)
    if worth != value:
        raise AssertionError(f"the evidence {path} gives {worth}, not {value}")
    if len(path) > 1:
        words = "at most" if upper else "at least"
        return (
            f"Together: {', '.join(terms(path, ways, upper))}; that is {words} {count(worth)} "
            f"{period(first, last)}."
        )
    if (path[0].first_day, path[0].last_day) == (first, last):
        return ""
    if upper:
        return "The period lies within those days, so it cannot hold more."
    return "Those days lie within the period, so it holds at least as many."


Interval = tuple[int | None, int | None]
"""What one voice says: low and high; low None: it says nothing."""


def voices_in_words(agency: Interval, others: Interval) -> str:
    """Whose evidence it is, in a sentence; blank where neither voice says anything."""
    ours, theirs = (None if low is None else interval(low, high) for low, high in (agency, others))
    if ours and theirs:
        return f"The agency's own evidence alone says {ours}, that of others {theirs}."
    if ours:
        return "All of it is what the agency itself made public."
    return "None of it comes from the agency itself." if theirs else ""


_NO_ESTIMATE = {
    "U": "No estimate is given: the evidence is contested.",
    "Q": "No estimate is given: the agency has refused to say.",
    "L": "No estimate is given: no report with an upper bound covers every day.",
}


def estimate_in_words(low: int, high: int | None, estimate: int | None, status: str) -> str:
    """The estimate of an interval, or why there is none; blank for an exact number."""
    if estimate is not None and low != high:
        return (
            f"Spread evenly over its days, the evidence gives about {count(estimate)}: an "
            "estimate, not a count."
        )
    return _NO_ESTIMATE.get(status, "") if estimate is None else ""


def contradiction(aside: Said, others: Sequence[Said]) -> str:
    """Why a report cannot be true together with others that were admitted before it.

    ``others`` are the rest of the cycle in order. Raises ValueError where they do not contradict.
    """
    upper = forward(others, _begin(aside))
    most = total(others, upper)
    lower = forward(others, aside.last_day.toordinal() + 1)
    least = -total(others, lower)
    over = period(aside.first_day, aside.last_day)
    if (
        _ends_by(others, upper, aside.last_day.toordinal() + 1)
        and most < aside.low
        and all(said.high is not None for said, way in zip(others, upper, strict=True) if way)
    ):
        return (
            f"{aside.evidence_id} says {interval(aside.low, aside.high)} {over}, but the evidence "
            f"admitted before it leaves at most {count(max(most, 0))}: "
            f"{', '.join(terms(others, upper, True))}."
        )
    if aside.high is not None and least > aside.high:
        return (
            f"{aside.evidence_id} says {interval(aside.low, aside.high)} {over}, but the evidence "
            f"admitted before it gives at least {count(least)}: "
            f"{', '.join(terms(others, lower, False))}."
        )
    raise ValueError(f"{aside.evidence_id} does not contradict {[o.evidence_id for o in others]}")


def _ends_by(path: Sequence[Said], ways: Sequence[bool], day_number: int) -> bool:
    """Whether a path from the first day of a report reaches at least its end."""
    if not path:
        return False
    last, way = path[-1], ways[-1]
    return (last.last_day.toordinal() + 1 if way else _begin(last)) >= day_number
