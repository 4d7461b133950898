"""Numbers, periods and vocabulary words as readers see them.

English only; every function takes plain values and gives text. Dates never pass through a time
zone: a period is its label or its two days.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from babel import Locale

from pipelines.arithmetic import NOUNS as METRIC_NOUNS

CHANNEL_WORDS = {
    "published": "published by the agency",
    "on_request": "given on request",
    "compelled": "compelled",
    "vendor": "said by the vendor",
    "third_party": "counted by a third party",
    "leaked": "leaked",
}
GAP_WORDS = {
    "contradicted": "contradicted",
    "denied": "denied",
    "silent": "silent",
    "overdue": "overdue",
    "late": "late",
    "vague": "vague",
    "unaccounted": "unaccounted for",
}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_TERRITORIES = Locale("en", "GB").territories
_OTHERWISE = {"ZZ": "International bodies", "HK": "Hong Kong", "MO": "Macao"}


def country_name(code: str) -> str:
    """The country's short English name; the code itself where the list lacks it."""
    return str(_OTHERWISE.get(code) or _TERRITORIES.get(code, code))


def number(value: int) -> str:
    """1234 -> ``1,234``."""
    return f"{value:,}"


def short_number(value: int) -> str:
    """At most three significant digits from 10,000 up: ``9,870``, ``12.3k``, ``1.75M``."""
    for unit, size in (("bn", 1_000_000_000), ("M", 1_000_000), ("k", 1_000)):
        if value >= max(size, 10_000):
            return f"{value / size:.3g}{unit}"
    return number(value)


def counted(value: int, metric: str) -> str:
    """``1 search``, ``171 searches``."""
    one, many = METRIC_NOUNS[metric]
    return f"{number(value)} {one if value == 1 else many}"


def interval(low: int, high: int | None) -> str:
    """``171``, ``at least 171``, ``at most 5``, ``10,652 to 11,000``."""
    if high is None:
        return f"at least {number(low)}" if low else "an unknown number"
    if low == high:
        return number(low)
    return f"{number(low)} to {number(high)}" if low else f"at most {number(high)}"


def between(low: int, high: int | None) -> str:
    """As :func:`interval`, safe after "from": ``between 10,652 and 11,000``."""
    if high is None or low == high or not low:
        return interval(low, high)
    return f"between {number(low)} and {number(high)}"


def short_interval(low: int, high: int | None) -> str:
    """For the inside of charts: ``171``, ``≥171``, ``≤5``, ``10.7k–11k``."""
    if high is None:
        return f"≥{short_number(low)}"
    if low == high:
        return short_number(low)
    return f"{short_number(low)}–{short_number(high)}" if low else f"≤{short_number(high)}"


def counted_interval(low: int, high: int | None, metric: str) -> str:
    """``at least 171 searches``, ``1 arrest``."""
    if high is None and not low:
        return f"an unknown number of {METRIC_NOUNS[metric][1]}"
    one, many = METRIC_NOUNS[metric]
    return f"{interval(low, high)} {one if (high or low) == 1 else many}"


def per_100_000(low: int, high: int | None, people: int) -> str:
    """An interval for each 100,000 of so many people, to two digits: ``at least 2.0``.

    Rounded outwards, so that it never says more than the interval; blank where that says nothing.
    """
    lower = _rounded(low * 100_000 / people, ROUND_FLOOR)
    if low == high:
        return f"about {_rounded(low * 100_000 / people, ROUND_HALF_EVEN)}"
    if high is None:
        return f"at least {lower}" if low else ""
    upper = _rounded(high * 100_000 / people, ROUND_CEILING)
    return f"{lower} to {upper}" if low else f"at most {upper}"


def _rounded(value: float, rounding: str) -> str:
    """Two significant digits, without an exponent: ``0.012``, ``2.1``, ``150``."""
    if not value:
        return "0"
    exact = Decimal(value)
    step = Decimal(1).scaleb(exact.adjusted() - 1)
    return (
        f"{exact.quantize(step, rounding):,f}"
        if step < 1
        else (f"{int((exact / step).to_integral_value(rounding) * step):,}")
    )


def day(value: date) -> str:
    """``28 Feb 2020``."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def days(first: date | None, last: date) -> str:
    """Two days as a reader writes them: ``1 Dec 2019 – 28 Feb 2020``, ``up to 3 May 2021``.

    Whole years, quarters and months get their short name: ``2019``, ``Q4 2019``, ``Dec 2019``.
    """
    if first is None:
        return f"up to {day(last)}"
    if first == last:
        return day(last)
    after = date.fromordinal(last.toordinal() + 1)
    if first.day == 1 and after.day == 1:
        months = (after.year - first.year) * 12 + after.month - first.month
        if months == 1:
            return f"{_MONTHS[first.month - 1]} {first.year}"
        if months == 3 and first.month % 3 == 1:
            return f"Q{(first.month + 2) // 3} {first.year}"
        if months == 12 and first.month == 1:
            return str(first.year)
        if months == 12:
            return f"{first.year}/{last.year % 100:02d}, from {_MONTHS[first.month - 1]}"
        if first.month == 1 and last.month == 12:
            return f"{first.year}–{last.year}"
        if first.year == last.year:
            return f"{_MONTHS[first.month - 1]}–{_MONTHS[last.month - 1]} {last.year}"
        return f"{_MONTHS[first.month - 1]} {first.year} – {_MONTHS[last.month - 1]} {last.year}"
    if first.year == last.year and first.month == last.month:
        return f"{first.day}–{day(last)}"
    if first.year == last.year:
        return f"{first.day} {_MONTHS[first.month - 1]} – {day(last)}"
    return f"{day(first)} – {day(last)}"


def during(first: date | None, last: date) -> str:
    """The same inside a sentence: ``in 2019``, ``on 3 May 2021``, ``from 1 Dec 2019 to …``."""
    text = days(first, last)
    if first is None:
        return text
    if first == last:
        return f"on {text}"
    return f"from {day(first)} to {day(last)}" if "–" in text and " " in text else f"in {text}"


def listed(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
