"""A newsroom's article on another site, under a strict policy, in a real browser: three charts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import visit
from door import Door
from newsroom import check_article, open_newsroom, pasted
from synthetic_release import NORTH, SOUTH

from dashboards import releases
from dashboards.embeds import catalogue
from dashboards.embeds.pictures import USUAL, picture
from dashboards.embeds.shown import Shown

RELEASES = Path(__file__).parents[1] / "data" / "releases"
CHARTS = [("trend", ".".join(NORTH)), ("gap-matrix", "all"), ("trend", ".".join(SOUTH))]


@pytest.fixture(scope="module")
def newsroom(door: Door) -> Iterator[str]:
    """The address of another site with an article under three names."""

    def builder(chart: str, key: str) -> str:
        return door.get(f"/embed/build?chart={chart}&key={key}").text

    with open_newsroom(door.address, pasted(builder, CHARTS)) as address:
        yield address


@pytest.mark.parametrize(
    ("host", "width", "scheme"),
    [
        # Every pair of two of them.
        ("ours", 360, "light"),
        ("ours", 1280, "dark"),
        ("newsroom", 360, "dark"),
        ("newsroom", 1280, "light"),
        ("scripts", 360, "light"),
        ("scripts", 1280, "dark"),
    ],
)
def test_an_article_with_three_charts(
    browser: Any, door: Door, newsroom: str, host: str, width: int, scheme: str
) -> None:
    check_article(browser, door.address, newsroom, host, width, scheme)


def test_the_table_is_one_tap_away_and_the_frame_grows(browser: Any, newsroom: str) -> None:
    with visit(browser, f"{newsroom}/ours", viewport={"width": 360, "height": 800}) as opened:
        opened.page.wait_for_timeout(500)
        child = opened.page.frames[1]
        before = child.frame_element().bounding_box()["height"]
        child.click("summary")
        opened.page.wait_for_timeout(500)
        assert child.frame_element().bounding_box()["height"] > before
        assert child.locator("table").is_visible()
        child.click("summary")
        opened.page.wait_for_timeout(500)
        assert child.frame_element().bounding_box()["height"] == before
        assert opened.complaints == []


def test_the_live_chart_is_loaded_from_here_and_only_when_asked(
    browser: Any, door: Door, newsroom: str
) -> None:
    with visit(browser, f"{newsroom}/ours", viewport={"width": 700, "height": 800}) as opened:
        opened.page.wait_for_timeout(300)
        child = opened.page.frames[1]
        assert not [a for a in opened.requests if "vega" in a]
        child.click("text=Interactive")
        child.wait_for_selector(".drawing[hidden]", state="attached")
        asked = [a for a in opened.requests if "vega" in a]
        assert len(asked) == 3
        assert all(a.startswith(door.address) for a in asked)
        assert child.locator(".vega-embed svg").count() == 1
        assert opened.complaints == []


@pytest.mark.parametrize("width", [300, 480, 800, 1200])
def test_a_chart_reads_without_any_script(browser: Any, door: Door, width: int) -> None:
    context = {"viewport": {"width": width, "height": 600}, "java_script_enabled": False}
    with visit(browser, f"{door.address}/embed/trend/{'.'.join(NORTH)}.html", **context) as opened:
        drawings = [d for d in opened.page.locator(".drawing > div").all() if d.is_visible()]
        assert len(drawings) == 1
        assert "3,100" in drawings[0].inner_text()
        assert not opened.page.locator("#live").is_visible()
        opened.page.click("summary")
        assert opened.page.locator("td", has_text="3,100").first.is_visible()


@pytest.mark.parametrize("width", [300, 1200])
def test_an_embed_passes_automatic_checks_of_accessibility(
    browser: Any, door: Door, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = {"viewport": {"width": width, "height": 600}, "bypass_csp": True}
    for key in (f"trend/{'.'.join(NORTH)}", "gap-matrix/all"):
        with visit(browser, f"{door.address}/embed/{key}.html", **context) as opened:
            opened.page.click("summary")
            found = Axe().run(opened.page).response["violations"]
            assert [(rule["id"], rule["nodes"][0]["html"][:120]) for rule in found] == []


def test_a_chart_is_found_by_words(browser: Any, door: Door) -> None:
    with visit(browser, f"{door.address}/embed/build") as opened:
        page = opened.page
        assert page.locator(".example:visible").count() > 4
        page.fill("#find", "northtown trend-of-nothing")
        assert page.inner_text(".find [role=status]").startswith("No chart")
        page.fill("#find", "SÉARCHES northtown")
        found = page.locator(".offers li:visible a")
        assert found.count() >= 1
        assert all("northtown" in text.lower() for text in found.all_inner_texts())
        assert page.locator(".example:visible").count() == 0
        found.first.click()
        page.wait_for_selector("iframe")
        assert opened.complaints == []


def test_the_words_of_a_picture_stay_within_it(browser: Any, tmp_path: Path) -> None:
    """Whatever font the reader has: here one of the widest, and the real release's long titles."""
    release = releases.latest(RELEASES)
    listed = list(catalogue.charts(release))
    longest = sorted(listed, key=lambda chart: len(chart.name))[-3:]
    for chart in [*{chart.chart: chart for chart in listed}.values(), *longest]:
        figure = catalogue.figure(release, chart)
        assert figure
        file = tmp_path / "picture.svg"
        file.write_text(picture(Shown(release, chart, figure, ""), USUAL), encoding="utf-8")
        with visit(browser, file.as_uri()) as opened:
            beyond = opened.page.evaluate(
                "[...document.querySelectorAll('text')].filter(text =>"
                " text.getBoundingClientRect().right > document.documentElement.width.baseVal.value"
                ").map(text => text.textContent)"
            )
            assert beyond == [], chart
