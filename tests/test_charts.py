"""Charts: what they draw, say and list, from release tables alone."""

from __future__ import annotations

import json
import re
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import vl_convert
from PIL import Image, ImageChops
from synthetic_release import EAST, LIVE, NORTH, SOUTH

from dashboards import phrases, releases
from dashboards.charts import paint, theme
from dashboards.charts.channel_ladder import channel_ladder
from dashboards.charts.figure import Figure
from dashboards.charts.gap_matrix import gap_matrix
from dashboards.charts.trend import frequency_shown, trend

Series = tuple[str, str, str]


@pytest.fixture(scope="module")
def release(synthetic: Path) -> releases.Release:
    return releases.latest(synthetic)


def _of(table: pl.DataFrame, series: Series) -> pl.DataFrame:
    agency, system, metric = series
    return table.filter(
        (pl.col("agency_id") == agency)
        & (pl.col("system_id") == system)
        & (pl.col("metric") == metric)
    )


def _trend(release: releases.Release, series: Series, *struck: str) -> Figure:
    bounds = _of(release.at("bounds", None), series)
    reports = release.at("reports", None).filter(pl.col("report_id").is_in(list(struck)))
    return trend("An agency", "a system", series[2], bounds, reports)


def _gaps(release: releases.Release) -> pl.DataFrame:
    about = release.tables["gaps"].select(
        "gap_id", "agency_id", "system_id", "metric", "kind", "opened_on"
    )
    return release.at("gap_history", None).join(about, on="gap_id")


@pytest.fixture(
    params=["exact years", "open window", "months", "wide window", "set aside", "gaps", "ladder"]
)
def figure(request: pytest.FixtureRequest, release: releases.Release) -> Figure:
    return {
        "exact years": lambda: _trend(release, NORTH),
        "open window": lambda: _trend(release, SOUTH),
        "months": lambda: _trend(release, LIVE),
        "wide window": lambda: _trend(release, EAST),
        "set aside": lambda: _trend(release, NORTH, "north-2022-other"),
        "gaps": lambda: gap_matrix(_gaps(release), release.tables["agencies"]),
        "ladder": lambda: channel_ladder(
            release.tables["reports"], release.tables["agencies"], "searches"
        ),
    }[request.param]()


# --- what every figure has


def test_every_figure_has_a_title_a_text_alternative_and_a_table(figure: Figure) -> None:
    assert not figure.title[0].islower()
    assert not figure.title.endswith(".")
    assert len(figure.description) > len(figure.title) / 2
    assert figure.spec()["description"] == figure.description
    assert figure.table.height > 0


def test_no_figure_needs_eval_or_offers_an_outside_editor(figure: Figure) -> None:
    options = figure.spec()["usermeta"]["embedOptions"]
    assert options["ast"] is True
    assert options["actions"] is False


def test_every_colour_follows_the_colour_scheme(figure: Figure) -> None:
    drawn = paint.svg(figure, 460)
    colours = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]+)"', drawn))
    assert colours
    assert colours <= set(theme.LIGHT.values())


def test_a_painted_chart_is_one_labelled_image(figure: Figure) -> None:
    drawn = paint.svg(figure, 460)
    assert drawn.count("role=") == drawn.count('role="img"') + drawn.count('role="graphics-')
    assert drawn.startswith("<svg")
    assert 'viewBox="0 0 460' in drawn
    assert "http" not in drawn.replace("http://www.w3.org/", "")


def test_what_is_painted_is_what_the_renderer_drew(figure: Figure) -> None:
    """Pixel by pixel, but for the texts."""
    spec = json.dumps(figure.spec(460)).replace(json.dumps(theme.FONT), json.dumps(paint.MEASURED))
    whole = vl_convert.vegalite_to_svg(json.loads(spec))
    ours = paint.svg(figure, 460)
    assert ours.count("<path") <= whole.count("<path")
    pixels = []
    for drawn in (whole, ours):
        shapes = re.sub(r"<text.*?</text>", "", drawn)
        image = Image.open(BytesIO(vl_convert.svg_to_png(shapes, scale=2))).convert("RGBA")
        pixels.append(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image))
    assert pixels[0].size == pixels[1].size
    # Coordinates are rounded to a hundredth, which may change the shade of an edge; a mark that is
    # elsewhere, or missing, would differ by more.
    assert max(high for _, high in ImageChops.difference(*pixels).getextrema()) <= 64


def test_specifications_are_plain_json_with_the_rows_in_the_layers(figure: Figure) -> None:
    spec = figure.spec()
    assert json.loads(json.dumps(spec)) == spec
    assert "datasets" not in spec
    assert all("values" in layer["data"] for layer in spec["layer"])


def test_no_chart_reads_a_date_in_local_time(figure: Figure) -> None:
    written = json.dumps(figure.spec())
    assert "T00:00:00" not in written
    for layer in figure.spec()["layer"]:
        for channel in layer.get("encoding", {}).values():
            if isinstance(channel, dict) and channel.get("type") == "temporal":
                assert channel["scale"]["type"] == "utc"


def test_the_same_tables_give_the_same_chart(release: releases.Release) -> None:
    assert _trend(release, NORTH).spec() == _trend(release, NORTH).spec()


# --- trend


def _bounds(*rows: dict[str, Any]) -> pl.DataFrame:
    blank = {"agency_low": None, "agency_high": None, "others_low": None, "others_high": None}
    schema = {
        "frequency": pl.String,
        "period_start": pl.Date,
        "period_end": pl.Date,
        "low": pl.Int64,
        "high": pl.Int64,
        "estimate": pl.Int64,
        "obs_status": pl.String,
        **dict.fromkeys(blank, pl.Int64),
    }
    return pl.DataFrame([{**blank, **row} for row in rows], schema=schema)


def _year(year: int, low: int, high: int | None, **more: Any) -> dict[str, Any]:
    return {
        "frequency": "A",
        "period_start": date(year, 1, 1),
        "period_end": date(year, 12, 31),
        "low": low,
        "high": high,
        "estimate": None if high is None else (low + high) // 2,
        "obs_status": "E",
        **more,
    }


_NO_REPORTS = pl.DataFrame(
    schema={
        "report_id": pl.String,
        "low": pl.Int64,
        "high": pl.Int64,
        "first_day": pl.Date,
        "last_day": pl.Date,
        "wording": pl.String,
    }
)


def _draw(*rows: dict[str, Any]) -> Figure:
    return trend("An agency", "a system", "searches", _bounds(*rows), _NO_REPORTS)


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        ([_year(2019, 5, 5)], "5 searches in 2019"),
        ([_year(2019, 1, 1)], "1 search in 2019"),
        ([_year(2019, 171, None)], "At least 171 searches in 2019"),
        ([_year(2019, 0, 40)], "At most 40 searches in 2019"),
        ([_year(2019, 10, 20)], "10 to 20 searches in 2019"),
        (
            [_year(2019, 10, 20), _year(2020, 21, 30)],
            "21 to 30 searches in 2020, up from between 10 and 20 in 2019",
        ),
        ([_year(2019, 10, 20), _year(2020, 20, 30)], "20 to 30 searches in 2020"),
        ([_year(2019, 10, None), _year(2020, 50, 50)], "50 searches in 2020"),
        (
            [_year(2019, 90, None), _year(2020, 50, 50)],
            "50 searches in 2020, down from at least 90 in 2019",
        ),
        ([_year(2019, 7, 7), _year(2020, 0, 90)], "7 searches in 2019"),
    ],
)
def test_the_title_claims_no_more_than_the_bounds_prove(
    rows: list[dict[str, Any]], title: str
) -> None:
    assert _draw(*rows).title == title


def _rows(figure: Figure) -> list[dict[str, Any]]:
    """The rows of the labels: one a period."""
    return list(figure.spec()["layer"][-1]["data"]["values"])


def test_intervals_are_drawn_from_what_is_certain_to_what_is_possible() -> None:
    (drawn,) = _rows(_draw(_year(2019, 10, 20)))
    assert (drawn["low"], drawn["top"], drawn["beyond"]) == (10, 20, False)
    assert drawn["label"] == "10–20"
    (drawn,) = _rows(_draw(_year(2019, 171, None)))
    assert drawn["low"] == 171
    assert drawn["top"] > 171
    assert drawn["beyond"]


def test_one_loose_upper_bound_does_not_flatten_the_rest() -> None:
    figure = _draw(_year(2019, 100, 110), _year(2020, 0, 1_000_000, estimate=50))
    known, loose = _rows(figure)
    assert known["top"] == 110
    assert loose["top"] < 1000
    assert loose["beyond"]
    assert "its number is in the table" in figure.note
    assert figure.table["At most"].to_list() == [110, 1_000_000]


def test_bars_stand_on_their_days_in_utc() -> None:
    (drawn,) = _rows(_draw(_year(2020, 1, 1)))
    year = 366 * 86_400_000
    start = 1_577_836_800_000  # 2020-01-01T00:00Z
    assert start <= drawn["start"] < start + year * 0.05
    assert start + year * 0.95 < drawn["end"] <= start + year


@pytest.mark.parametrize(
    ("more", "voice"),
    [
        ({"agency_low": 5, "agency_high": 5}, "disclosed by the agency"),
        ({"others_low": 5, "others_high": 5}, "shown only by others"),
        ({"others_low": 5, "agency_low": 0, "agency_high": 3, "obs_status": "U"}, "contested"),
    ],
)
def test_whose_evidence_it_is_shows(more: dict[str, Any], voice: str) -> None:
    assert _draw(_year(2019, 5, 5, **more)).table["Evidence"].to_list() == [voice]


def test_the_finest_frequency_with_real_bounds_is_shown(release: releases.Release) -> None:
    shown = {s: frequency_shown(_of(release.at("bounds", None), s)) for s in (NORTH, LIVE, EAST)}
    assert shown == {NORTH: "A", LIVE: "M", EAST: "R"}


def test_a_series_without_bounds_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="without bounds"):
        _draw()


# --- gap matrix


def _gap(agency: str, kind: str, start: int, end: int, low: int | None = None, **more: Any):
    return {
        "gap_id": f"{agency}-{kind}-{end}",
        "agency_id": agency,
        "metric": "searches",
        "kind": kind,
        "period_start": date(start, 1, 1),
        "period_end": date(end, 12, 31),
        "low": low,
        "high": None,
        "days": None,
        "opened_on": date(end, 12, 31),
        **more,
    }


def _matrix(*gaps: dict[str, Any], rows: int = 24) -> Figure:
    agencies = sorted({gap["agency_id"] for gap in gaps})
    names = pl.DataFrame({"agency_id": agencies, "name": [a.title() for a in agencies]})
    schema = {"low": pl.Int64, "high": pl.Int64, "days": pl.Int64}
    return gap_matrix(pl.DataFrame(list(gaps), schema_overrides=schema), names, rows)


def test_a_cell_shows_its_gravest_gap_and_counts_the_rest() -> None:
    figure = _matrix(_gap("a", "vague", 2020, 2020, 5), _gap("a", "denied", 2020, 2020, 9), rows=5)
    (mark,) = figure.spec()["layer"][-2]["data"]["values"]
    assert (mark["kind"], mark["label"]) == ("denied", "+1")
    assert figure.table["Gap"].to_list() == ["denied", "vague"]


def test_a_gap_over_years_is_one_mark_with_a_tail() -> None:
    layers = _matrix(_gap("a", "silent", 2017, 2020, 5)).spec()["layer"]
    (tail,), (mark,) = layers[0]["data"]["values"], layers[1]["data"]["values"]
    assert (tail["from"], tail["to"], mark["year"]) == ("2017", "2020", "2020")


def test_the_gravest_agencies_are_drawn_and_the_table_has_all() -> None:
    gaps = [_gap(f"agency {n}", "silent", 2020, 2020, n + 1) for n in range(30)]
    figure = _matrix(*gaps, _gap("zz", "contradicted", 2020, 2020, 1), rows=10)
    drawn = {mark["agency"] for mark in figure.spec()["layer"][0]["data"]["values"]}
    assert len(drawn) == 10
    assert "Zz" in drawn
    assert "Agency 29" in drawn
    assert "Agency 0" not in drawn
    assert figure.table.height == 31
    assert "21 more are in the table" in figure.note


def test_the_title_counts_agencies_by_what_they_hid() -> None:
    figure = _matrix(
        _gap("a", "silent", 2020, 2020, 5),
        _gap("b", "denied", 2020, 2020, 5),
        _gap("c", "contradicted", 2020, 2020, 5),
    )
    assert figure.title == (
        "2 agencies have not disclosed use that others' evidence shows; 1 denied it; "
        "1 agency's figures are contradicted by the evidence"
    )
    assert _matrix(_gap("a", "denied", 2020, 2020, 5)).title.startswith("A denied use")


# --- words


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2019, 1, 1), date(2019, 12, 31), "2019"),
        (date(2019, 10, 1), date(2019, 12, 31), "Q4 2019"),
        (date(2019, 12, 1), date(2019, 12, 31), "Dec 2019"),
        (date(2019, 12, 1), date(2020, 2, 28), "1 Dec 2019 – 28 Feb 2020"),
        (date(2019, 12, 1), date(2020, 2, 29), "Dec 2019 – Feb 2020"),
        (date(2019, 4, 1), date(2020, 3, 31), "2019/20, from Apr"),
        (date(2021, 5, 3), date(2021, 5, 3), "3 May 2021"),
        (date(2021, 5, 3), date(2021, 5, 9), "3–9 May 2021"),
        (None, date(2021, 5, 3), "up to 3 May 2021"),
        (date(2018, 1, 1), date(2020, 12, 31), "2018–2020"),
    ],
)
def test_periods_read_as_people_write_them(first: date | None, last: date, words: str) -> None:
    assert phrases.days(first, last) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (999, "999"), (9_870, "9,870"), (12_345, "12.3k"), (1_750_000, "1.75M")],
)
def test_chart_numbers_are_short(value: int, words: str) -> None:
    assert phrases.short_number(value) == words
