"""Texts of drawings have room on phones, whatever the reader's font, and names differ."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from dashboards import releases
from dashboards.charts import paint
from dashboards.charts.comparison import Compared, comparison
from dashboards.charts.evidence_timeline import evidence_timeline
from dashboards.charts.figure import Figure
from dashboards.charts.gap_matrix import gap_matrix
from dashboards.charts.names import breadth, in_room
from dashboards.embeds import catalogue

# Bodies of the ledger whose names differ at one end only.
_ALIKE = [
    "Secretaria da Segurança Pública da Bahia",
    "Secretaria da Segurança Pública de São Paulo",
    "U.S. federal agencies requesting searches from the Colorado Division of Motor Vehicles",
    "Out-of-state agencies requesting searches from the Colorado Division of Motor Vehicles",
    "Agencies requesting searches from the Washington State Department of Licensing",
]


def _matrix() -> Figure:
    gap = {
        "metric": "searches",
        "kind": "silent",
        "period_start": date(2012, 1, 1),
        "period_end": date(2024, 12, 31),
        "low": 5,
        "high": None,
        "days": None,
        "opened_on": date(2024, 12, 31),
    }
    gaps = [{**gap, "agency_id": f"a{n}"} for n in range(len(_ALIKE))]
    names = {"agency_id": [g["agency_id"] for g in gaps], "name": _ALIKE}
    whole = dict.fromkeys(("low", "high", "days"), pl.Int64)
    return gap_matrix(pl.DataFrame(gaps, schema_overrides=whole), pl.DataFrame(names))


def _comparison() -> Figure:
    rows = [
        Compared(f"{name}, Hamilton County facial recognition", "1 Oct 2019 – 28 Feb 2020",
                 10_652 + n, 11_000 + n, "own")
        for n, name in enumerate(_ALIKE)
    ]  # fmt: skip
    return comparison(rows, "searches", "They are much alike")


def _timeline() -> Figure:
    """Series with long names, reports from the first day to the last with long labels."""
    report = {
        "metric": "possible_matches",
        "first_day": date(2011, 1, 1),
        "last_day": date(2024, 12, 31),
        "known_from": date(2025, 1, 1),
        "channel": "published",
        "voice": "agency",
    }
    reports = [
        {**report, "report_id": "all", "system_id": "one", "low": 1_001, "high": 5_000},
        {**report, "report_id": "since", "system_id": "one", "low": 10_652, "high": 11_000,
         "first_day": date(2019, 1, 1)},
        {**report, "report_id": "until", "system_id": "other", "low": 2_000_000, "high": 3_456_789,
         "last_day": date(2020, 1, 1), "known_from": date(2020, 1, 1)},
    ]  # fmt: skip
    said = {"system_id": "one", "said_latest": date(2018, 1, 1), "stance": "disputed"}
    systems = {"one": "Hamilton County Sheriff's Office Gateway", "other": _ALIKE[0]}
    return evidence_timeline(
        "Northtown", pl.DataFrame(reports), pl.DataFrame([said]), systems, {"since"}
    )


def _texts(drawn: str) -> list[str]:
    """The texts of a drawing, the lines of each with spaces between them."""
    found = re.findall(r"<text [^>]*>(.*?)</text>", drawn)
    return [unescape(re.sub(r"<[^>]+>", " ", text)).strip() for text in found]


@pytest.mark.parametrize("width", [320, 340, 600, 900])
@pytest.mark.parametrize("make", [_matrix, _comparison])
def test_names_that_begin_or_end_alike_are_told_apart(make: Any, width: int) -> None:
    texts = _texts(paint.svg(make(), width))
    named = [text for text in texts if re.match(r"(?:…|Sec|U\.S|Out|Age)", text)]
    assert len(named) == len(_ALIKE), texts
    assert len({*named}) == len(_ALIKE), named
    assert any("Bahia" in name for name in named)
    assert any("Paulo" in name for name in named)


_WORDS = st.lists(
    st.sampled_from(["Police", "Department", "of", "Bahia", "West", "é", "III"]), min_size=1
)


@given(
    st.lists(_WORDS.map(" ".join), min_size=1, unique=True), st.integers(90, 300), st.integers(1, 3)
)
def test_names_fit_and_stay_apart(names: list[str], room: int, lines: int) -> None:
    told = in_room(names, room, 12, lines)
    assert list(told) == names
    if room >= 200:
        assert len({*told.values()}) == len(names)
    for name, text in told.items():
        assert text.count("\n") < lines
        assert all(breadth(line, 12) <= room for line in text.split("\n"))
        if breadth(name, 12) <= room:
            assert text == name


@given(st.text(), st.integers(40, 300), st.integers(1, 3))
def test_any_text_fits(name: str, room: int, lines: int) -> None:
    assert all(
        breadth(line, 12) <= room for line in in_room([name], room, 12, lines)[name].split("\n")
    )


def test_the_room_that_letters_take_is_that_of_the_widest_font() -> None:
    try:
        plain, bold = (
            ImageFont.truetype(f"{name}.ttf", 1_000) for name in ("DejaVuSans", "DejaVuSans-Bold")
        )
    except OSError:
        pytest.skip("DejaVu Sans is not installed")
    for text in (
        *_ALIKE,
        "≥10.7k–11k, 1 Oct 2019 – 28 Feb 2020",
        "Metropolitan Police Service",
        "1,001–5,000",
    ):
        for font, heavy in ((plain, False), (bold, True)):
            measured = font.getlength(text) / 1_000
            assert measured <= breadth(text, 1, heavy) <= measured * 1.15, text


# What runs out of the frame, and what stands on another text, in the reader's own font.
_MISPLACED = """drawn => {
  document.body.innerHTML = drawn;
  const svg = document.querySelector('svg'), frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll('text')]
    .filter(text => text.getAttribute('opacity') !== '0' && text.textContent.trim())
    .map(text => ({words: text.textContent, box: text.getBoundingClientRect()}));
  const out = texts.filter(({box}) => box.left < frame.left - .5 || box.right > frame.right + .5);
  const over = [];
  texts.forEach((one, n) => texts.slice(0, n).forEach(other => {
    const a = one.box, b = other.box;
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 1 && down > 4) over.push(`${one.words} / ${other.words}`);
  }));
  return [...out.map(({words}) => words), ...over];
}"""


def test_texts_stay_in_the_frame_and_off_each_other(synthetic: Path, browser: Any) -> None:
    release = releases.latest(synthetic)
    found = [catalogue.figure(release, chart) for chart in catalogue.charts(release)]
    figures = [_matrix(), _comparison(), _timeline(), *(figure for figure in found if figure)]
    page = browser.new_page()
    page.set_content('<style>body{margin:0;font-family:"DejaVu Sans"}</style><body></body>')
    for figure in figures:
        for width in (340, 600):
            drawn = re.sub(r' font-family="[^"]*"', "", paint.svg(figure, width), count=1)
            assert page.evaluate(_MISPLACED, drawn) == [], (figure.title, width)
    page.close()
