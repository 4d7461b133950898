"""Which days a time axis names, and how: round days, no two of them under the same label."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt

_DAY = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
# Steps in days, then in months; the format names what no two steps share; the most labels that a
# page's width has room for. Where the screen is narrower, Vega drops every other label.
_Steps = tuple[str, int, tuple[int, ...]]
_DAYS: _Steps = ("%-d %b %Y", 8, (1, 2, 4, 7, 14))
_MONTHS: _Steps = ("%b %Y", 8, (1, 2, 3, 6))
_YEARS: _Steps = ("%Y", 12, (12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12_000))


def named_days(start: int, end: int, last: int | None = None) -> tuple[list[int], str]:
    """The instants that an axis from ``start`` to ``end`` names, and their format.

    All are milliseconds since 1970 in UTC. What is named are first days of years or months, or
    days, in the finest steps that a page has room for. The format is one of Vega's ``utcFormat``.
    ``last`` is the last instant that data tell of: what comes after, room beside a few bars, is
    not named, for it may lie in the future.
    """
    named, form = _steps(start, end)
    return _within(named, start, end if last is None else last), form


def _steps(start: int, end: int) -> tuple[list[int], str]:
    first, last = _ordinal(start), _ordinal(end)
    form, most, steps = _DAYS
    for step in steps:
        days = range(first, last + 1, step)
        if len(days) <= most:
            return [_instant(day) for day in days], form
    months = _month(first), _month(last)
    for form, most, steps in (_MONTHS, _YEARS):
        for step in steps:
            firsts = range(months[0] // step * step, months[1] + 1, step)
            if len(firsts) <= most + 1:
                named = [
                    _instant(date(month // 12, month % 12 + 1, 1).toordinal())
                    for month in firsts
                    if month >= 12
                ]
                return named, form
    raise AssertionError("a thousand years are a step that fits all of the calendar")


def time_axis(named: list[int], form: str, **more: Any) -> alt.Axis:
    """An axis that names those instants in that format; ``more`` as Altair's ``Axis`` takes it."""
    return alt.Axis(
        title=None,
        # As an expression: dates given as plain values reach Vega as local dates.
        values=alt.ExprRef(str(named)),
        labelExpr=f"utcFormat(datum.value, '{form}')",
        labelOverlap=True,
        labelSeparation=6,
        **more,
    )


def _within(instants: list[int], start: int, end: int) -> list[int]:
    return [instant for instant in instants if start <= instant <= end]


def _ordinal(instant: int) -> int:
    """The day of an instant, as Python numbers days; the calendar's ends for what is beyond."""
    return min(max(instant // _DAY + _EPOCH, 1), date.max.toordinal())


def _instant(ordinal: int) -> int:
    return (ordinal - _EPOCH) * _DAY


def _month(ordinal: int) -> int:
    """Months since the year 0."""
    day = date.fromordinal(ordinal)
    return day.year * 12 + day.month - 1
