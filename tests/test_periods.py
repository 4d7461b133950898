"""Days, partial dates and SDMX periods."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import periods

DAYS = st.dates(date(1970, 1, 1), date(2199, 12, 31))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2020", "2020-01-01", "2020-12-31"),
        ("2020-02", "2020-02-01", "2020-02-29"),
        ("2021-02", "2021-02-01", "2021-02-28"),
        ("2020-02-28", "2020-02-28", "2020-02-28"),
        ("2020-01-01/2020-02-28", "2020-01-01", "2020-02-28"),
        ("2019/2020-02", "2019-01-01", "2020-02-29"),
    ],
)
def test_partial_dates_and_intervals(text: str, first: str, last: str) -> None:
    assert periods.interval_span(text) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "text", ["", "20", "2020-13", "2020-02-30", "28/02/2020", "2020-2-1", "begin"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        periods.interval_span(text)


@pytest.mark.parametrize(
    ("label", "first", "last"),
    [
        ("2019", "2019-01-01", "2019-12-31"),
        ("2019-Q4", "2019-10-01", "2019-12-31"),
        ("2020-Q1", "2020-01-01", "2020-03-31"),
        ("2019-12", "2019-12-01", "2019-12-31"),
    ],
)
def test_sdmx_labels(label: str, first: str, last: str) -> None:
    assert periods.period_span(label) == (date.fromisoformat(first), date.fromisoformat(last))


@given(DAYS, st.integers(0, 900))
def test_calendar_periods_cover_the_days_once_a_frequency(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    found = list(periods.calendar_periods(first, last))
    for frequency in "AQM":
        spans = [(start, end) for f, _, start, end in found if f == frequency]
        assert spans[0][0] <= first <= spans[0][1]
        assert spans[-1][0] <= last <= spans[-1][1]
        assert all(b[0] - a[1] == timedelta(days=1) for a, b in pairwise(spans))
    assert all(periods.period_span(label) == (start, end) for _, label, start, end in found)


@given(st.none() | DAYS, DAYS)
def test_window_labels_read_back(first: date | None, last: date) -> None:
    assert periods.window_span(periods.window_label(first, last)) == (first, last)


@given(DAYS)
def test_day_numbers_read_back(day: date) -> None:
    assert periods.day_of(periods.day_number(day)) == day
