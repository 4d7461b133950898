"""Days, partial dates and SDMX periods.

Days are proleptic Gregorian calendar days; where they are numbers they count from 1970-01-01,
as Arrow's ``date32`` does. Periods are written as SDMX writes them: 2019, 2019-Q4, 2019-12.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date

EPOCH = date(1970, 1, 1)
_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """The inverse of :func:`day_number`."""
    return date.fromordinal(EPOCH.toordinal() + number)


def span(text: str) -> tuple[date, date]:
    """First and last day of a day, month or year (`2020-02-28`, `2020-02`, `2020`).

    Raises ValueError, with what would be right, where the text is none of them.
    """
    match = _PARTIAL.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a date; write YYYY-MM-DD, YYYY-MM or YYYY")
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        if month is None:
            return date(year or 0, 1, 1), date(year or 0, 12, 31)
        if day is None:
            last = monthrange(year or 0, month)[1]
            return date(year or 0, month, 1), date(year or 0, month, last)
        return date(year or 0, month, day), date(year or 0, month, day)
    except ValueError as error:
        raise ValueError(f"{text!r} is not in the calendar ({error})") from None


def interval_span(text: str) -> tuple[date, date]:
    """As :func:`span`, and for an interval `A/B` of two such dates: first day of A, last of B."""
    first, slash, second = text.partition("/")
    if not slash:
        return span(text)
    start, end = span(first)[0], span(second)[1]
    if start > end:
        raise ValueError(f"{text!r} ends before it starts; write the earlier day first")
    return start, end


def year_label(day: date) -> str:
    return f"{day.year:04d}"


def quarter_label(day: date) -> str:
    return f"{day.year:04d}-Q{(day.month + 2) // 3}"


def month_label(day: date) -> str:
    return f"{day.year:04d}-{day.month:02d}"


def period_span(label: str) -> tuple[date, date]:
    """First and last day of an SDMX year, quarter or month; ValueError for anything else."""
    match = re.fullmatch(r"([0-9]{4})-Q([1-4])", label)
    if match:
        year, quarter = int(match[1]), int(match[2])
        return date(year, 3 * quarter - 2, 1), span(f"{year:04d}-{3 * quarter:02d}")[1]
    if re.fullmatch(r"[0-9]{4}(-[0-9]{2})?", label):
        return span(label)
    raise ValueError(f"{label!r} is not a period; write 2019, 2019-Q4 or 2019-12")


def calendar_periods(first: date, last: date) -> Iterator[tuple[str, str, date, date]]:
    """Every year, quarter and month that touches [first, last], as (frequency, label, first
    day, last day); years before quarters before months, each in order of time."""
    for frequency, months in (("A", 12), ("Q", 3), ("M", 1)):
        year, month = first.year, (first.month - 1) // months * months + 1
        while date(year, month, 1) <= last:
            start = date(year, month, 1)
            end_month = month + months - 1
            end = date(year, end_month, monthrange(year, end_month)[1])
            label = {"A": year_label, "Q": quarter_label, "M": month_label}[frequency](start)
            yield frequency, label, start, end
            month += months
            if month > 12:
                year, month = year + 1, 1


def window_label(first: date | None, last: date) -> str:
    """An evidence window as an ISO 8601 interval; `..` where it has no known start."""
    return f"{first.isoformat() if first else '..'}/{last.isoformat()}"


def window_span(label: str) -> tuple[date | None, date]:
    """The inverse of :func:`window_label`; the start is None where it is open."""
    first, _, last = label.partition("/")
    return (None if first == ".." else date.fromisoformat(first)), date.fromisoformat(last)
