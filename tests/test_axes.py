"""What axes name in what readers see, and that no chart gives a reader's console cause to warn."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import vl_convert
from browser import visit
from hypothesis import given
from hypothesis import strategies as st

from dashboards import releases
from dashboards.charts import paint
from dashboards.charts.comparison import Compared, comparison
from dashboards.charts.evidence_timeline import evidence_timeline
from dashboards.charts.figure import Figure
from dashboards.charts.gap_trend import gap_trend
from dashboards.charts.side_by_side import Strip, side_by_side
from dashboards.charts.time_axis import named_days
from dashboards.charts.trend import trend
from dashboards.embeds import catalogue

_DAY = 86_400_000
_NAMED = re.compile(r"<text ([^>]*)>((?:\d{1,2} )?(?:[A-Z][a-z]{2} )?[12]\d{3})</text>")


def _windows(first: date, last: date) -> pl.DataFrame:
    """Two evidence windows that overlap and so are no calendar periods."""
    later = first + (last - first) // 3
    blank = ("agency_low", "agency_high", "others_low", "others_high", "estimate")
    return pl.DataFrame(
        {
            "frequency": "R",
            "period_start": [first, later],
            "period_end": [last - (last - first) // 4, last],
            "low": [5, 9],
            "high": [5, None],
            "obs_status": "A",
        },
        schema_overrides={"low": pl.Int64, "high": pl.Int64},
    ).with_columns(pl.lit(None, pl.Int64).alias(name) for name in blank)


def _trend(first: date, last: date) -> Figure:
    return trend("Northtown", "Finder", "arrests", _windows(first, last), pl.DataFrame())


def _side_by_side(first: date, last: date) -> Figure:
    return side_by_side([Strip("Northtown", "arrests", _windows(first, last))])


def _gap_trend(first: date, last: date) -> Figure:
    gaps = {"kind": ["denied", "silent"], "opened_on": first, "closed_on": [last, None]}
    return gap_trend(pl.DataFrame(gaps), last)


def _timeline(first: date, last: date) -> Figure:
    report = {
        "report_id": "one",
        "system_id": "finder",
        "metric": "arrests",
        "first_day": first,
        "last_day": first + (last - first) // 2,
        "known_from": last,
        "channel": "published",
        "voice": "agency",
        "low": 5,
        "high": 5,
    }
    return evidence_timeline("Northtown", pl.DataFrame([report]), pl.DataFrame(), {}, set())


@pytest.mark.parametrize("days", [4, 75, 1_300, 1_700, 9_000])
@pytest.mark.parametrize("make", [_trend, _side_by_side, _gap_trend, _timeline])
def test_no_two_labels_of_an_axis_are_the_same(
    make: Callable[[date, date], Figure], days: int
) -> None:
    figure = make(date(2001, 3, 30), date(2001, 3, 30) + timedelta(days=days))
    for width in (340, 1100):
        labels = [
            text
            for attributes, text in _NAMED.findall(paint.svg(figure, width))
            if 'opacity="0"' not in attributes
        ]
        assert len(labels) >= 2, labels
        assert len(set(labels)) == len(labels), labels


_INSTANTS = st.dates().map(lambda day: (day.toordinal() - date(1970, 1, 1).toordinal()) * _DAY)


@given(_INSTANTS, st.integers(0, 4_000_000 * _DAY) | st.integers(0, 4_000 * _DAY))
def test_what_is_named_is_in_order_within_the_axis_and_named_once(start: int, span: int) -> None:
    named, form = named_days(start, start + span)
    assert named == sorted(named)
    assert all(start <= instant <= start + span and instant % _DAY == 0 for instant in named)
    assert len(named) <= 13
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at) for at in named]
    labels = [moment.strftime(form) for moment in moments]
    assert len(set(labels)) == len(labels)
    assert len(named) >= (1 if span < 2 * _DAY else 2) or moments[-1].year > 8_000


@pytest.mark.parametrize("make", [_trend, _side_by_side])
def test_no_day_after_the_data_is_named(make: Callable[[date, date], Figure]) -> None:
    """Two windows have room beside them, which may lie in the future."""
    for first in (date(2025, 1, 1), date(2025, 5, 1), date(2026, 2, 1)):
        figure = make(first, date(2026, 10, 31))
        named = [text for _, text in _NAMED.findall(paint.svg(figure, 1100))]
        assert len(named) >= 2, first
        assert max(int(text[-4:]) for text in named) <= 2026, first


# --- axes of counts


def _small_trend(most: int) -> Figure:
    bounds = _windows(date(2020, 1, 1), date(2020, 12, 31))
    some = bounds.with_columns(low=pl.lit(most, pl.Int64), high=pl.lit(most, pl.Int64))
    return trend("Northtown", "Finder", "arrests", some, pl.DataFrame())


def _small_gap_trend(most: int) -> Figure:
    day = date(2020, 1, 1)
    gaps = {"kind": ["denied"] * most, "opened_on": day, "closed_on": None}
    closed = pl.DataFrame(gaps).with_columns(pl.col("closed_on").cast(pl.Date))
    return gap_trend(closed, date(2022, 1, 1))


def _small_comparison(most: int) -> Figure:
    rows = [Compared(name, "2020", most, most, "own") for name in ("Northtown", "Easttown")]
    return comparison(rows, "arrests", "Northtown had the most")


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("make", [_small_trend, _small_gap_trend, _small_comparison])
def test_counts_are_whole_and_named_once(make: Callable[[int], Figure], most: int) -> None:
    drawn = paint.svg(make(most), 700)
    # The axis stands before all marks.
    axis = re.findall(r"<text [^>]*>([\d.]+)</text>|(?:open gaps|arrests)[^<]*</text>", drawn)
    counts = axis[: axis.index("")]
    assert counts[0] == "0"
    assert len(counts) >= 2
    assert len(set(counts)) == len(counts)
    assert all(count.isdecimal() for count in counts), counts


@pytest.mark.parametrize("make", [_small_trend, _small_comparison])
def test_an_axis_of_billions_names_a_few_counts(make: Callable[[int], Figure]) -> None:
    """Once every count up to the largest was listed before all but a few were dropped."""
    assert len(paint.svg(make(60_000_000_000), 700)) < 60_000


# --- layers over no rows


def _gaps_all_closed() -> Figure:
    gaps = {"kind": ["denied"], "opened_on": date(2020, 1, 1), "closed_on": date(2021, 1, 1)}
    return gap_trend(pl.DataFrame(gaps), date(2022, 1, 1))


def _nothing_certain() -> Figure:
    return comparison([Compared("Northtown", "2020", 0, 9, "own")], "searches", "None certain")


def _all(synthetic: Path) -> list[Figure]:
    release = releases.latest(synthetic)
    made = [catalogue.figure(release, chart) for chart in catalogue.charts(release)]
    return [
        *(figure for figure in made if figure),
        _gaps_all_closed(),
        _nothing_certain(),
        *(make(date(2020, 1, 1), date(2021, 1, 1)) for make in (_trend, _side_by_side, _timeline)),
    ]


def test_no_layer_is_drawn_over_no_rows(synthetic: Path) -> None:
    for figure in _all(synthetic):
        assert all(layer["data"]["values"] for layer in figure.spec()["layer"]), figure.title


_EMBED = """async (spec) => {
  document.body.innerHTML = '<div id="here" style="width:700px"></div>';
  const drawn = await window.embed('#here', spec, {actions: false, renderer: 'svg'});
  await drawn.view.runAsync();
  drawn.finalize();
}"""


def test_no_chart_gives_a_console_cause_to_warn(synthetic: Path, browser: Any) -> None:
    specs: list[dict[str, Any]] = [figure.spec() for figure in _all(synthetic)]
    renderer = vl_convert.javascript_bundle("window.embed = vegaEmbed;")
    with visit(browser, "about:blank") as opened:
        opened.page.add_script_tag(content=renderer)
        for spec in specs:
            opened.page.evaluate(_EMBED, spec)
        assert opened.complaints == []
