"""The explorer in a real browser, and the view in its address."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from browser import visit
from door import Door, open_door
from synthetic_release import EAST, LIVE, NORTH, SOUTH, VERSION

from dashboards import releases
from dashboards.explorer.view import View, read

# --- the view in the address


@pytest.fixture(scope="module")
def release(synthetic: Path) -> releases.Release:
    return releases.latest(synthetic)


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(metric=""),
        View("GB", "lookup-synthetic", "searches", NORTH[0], date(2022, 3, 5)),
        View(agency=SOUTH[0], known=date(2020, 1, 1)),
    ],
)
def test_an_address_gives_back_its_view(view: View, release: releases.Release) -> None:
    assert read(view.query(), release) == (view, [])


def test_every_link_writes_its_metric() -> None:
    assert "metric=searches" in View().query()
    assert "metric=all" in View(metric="").query()


@pytest.mark.parametrize(
    ("query", "view", "problem"),
    [
        ("country=XX", View(), "No country “XX” is in this release"),
        ("agency=<script>", View(), "No agency “<script>”"),
        ("metric=crimes", View(), "“crimes” is not a metric"),
        ("known=2020-02-31", View(), "“2020-02-31” is not a date"),
        ("known=2031-01-01", View(), "Knowledge ends on 2024-06-30"),
        ("contry=GB", View(), "“contry” is not a filter"),
        ("country=GB&country=US", View(country="GB"), "Only one country"),
    ],
)
def test_what_is_not_understood_is_said(
    query: str, view: View, problem: str, release: releases.Release
) -> None:
    found, told = read(query, release)
    assert found == view
    assert len(told) == 1
    assert problem in told[0]


@pytest.mark.parametrize("query", ["", "?", "country=", "known=2024-06-30", "metric="])
def test_blanks_and_today_are_the_defaults(query: str, release: releases.Release) -> None:
    view, told = read(query, release)
    assert view in (View(), View(metric=""))
    assert told == []


# --- without a browser: the page as sent


def test_the_page_is_whole_before_any_script_runs(door: Door) -> None:
    page = door.get("/explore?metric=searches&country=GB").text
    assert "3,100 searches in 2022, up from 1,200 in 2019" in page
    assert "<svg" in page
    assert "The Synthetic Times" in page
    assert 'value="GB" selected' in page
    assert page.count('role="img"') >= 3


def test_set_aside_reports_stay_visible_with_the_reason(door: Door) -> None:
    page = door.get(f"/explore?agency={NORTH[0]}").text
    assert "<s>2,000 searches</s>" in page
    assert "2,000 and 3,100 cannot both be the count of 2022." in page


def test_knowledge_is_as_of_the_chosen_day(door: Door) -> None:
    before = door.get(f"/explore?agency={SOUTH[0]}&known=2022-03-04").text
    assert "No count is on record for this selection" in before
    assert "Show what is known today" in before
    after = door.get(f"/explore?agency={SOUTH[0]}&known=2022-03-05").text
    assert "At least 171 searches" in after
    assert "Southshire Police (synthetic) denied use" in after


def test_hostile_addresses_are_quoted(door: Door) -> None:
    page = door.get("/explore?agency=<script>alert(1)</script>&x=%22onload=%22").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_overlong_address_is_refused(door: Door) -> None:
    assert door.get("/explore?agency=" + "x" * 3000).status_code == 414


# --- in the browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_loads_without_complaint_or_third_party(
    door: Door, browser: Any, width: int, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with visit(browser, door.address + "/explore", **options) as opened:
        opened.wait_until_live()
        page = opened.page
        assert page.locator(".card:visible .live svg.marks").count() == 4
        assert page.locator(".painted:visible").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        shade = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (shade == "rgb(254, 254, 254)") == (scheme == "light")
        bar = page.locator(".live svg.marks [fill='#1d5fa6']").first
        fill = bar.evaluate("mark => getComputedStyle(mark).fill")
        assert fill == ("rgb(29, 95, 166)" if scheme == "light" else "rgb(108, 171, 242)")
    assert opened.complaints == []
    hosts = {urlsplit(address).netloc for address in opened.requests}
    assert hosts == {urlsplit(door.address).netloc}


@pytest.mark.parametrize("address", ["/", "/nowhere"])
def test_static_pages_load_without_complaint_or_third_party(
    door: Door, browser: Any, address: str
) -> None:
    with visit(browser, door.address + address, viewport={"width": 360, "height": 800}) as opened:
        page = opened.page
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expected = 1 if address == "/nowhere" else 0  # the browser itself reports the 404
    assert len(opened.complaints) == expected, opened.complaints
    assert {urlsplit(asked).netloc for asked in opened.requests} == {urlsplit(door.address).netloc}


def test_a_filter_redraws_and_is_in_the_address_and_back_undoes_it(
    door: Door, browser: Any
) -> None:
    with visit(browser, door.address + "/explore") as opened:
        opened.wait_until_live()
        page = opened.page
        page.select_option("[name=country]", "US")
        opened.wait_until_shown("country=US&metric=searches")
        assert urlsplit(page.url).query == "country=US&metric=searches"
        assert page.locator("article.card h3").all_inner_texts()[0].startswith("4,000 to 9,000")
        assert page.locator(".cards .card:visible").count() == 1
        label = page.locator("[data-card=trend-0] .live svg.marks").get_attribute("aria-label")
        description = page.locator("[data-card=trend-0] .live [role=graphics-document]")
        assert "Eastland" in (label or description.first.get_attribute("aria-label"))
        page.select_option("[name=metric]", "deployments")
        page.wait_for_selector("text=No count is on record")
        page.go_back()
        opened.wait_until_shown("country=US&metric=searches")
        assert page.input_value("[name=metric]") == "searches"
        page.go_back()
        page.wait_for_selector("text=3,100 searches in 2022")
        assert page.input_value("[name=country]") == ""
    assert opened.complaints == []


def test_a_link_restores_the_view(door: Door, browser: Any) -> None:
    query = f"country=GB&metric=searches&agency={SOUTH[0]}&known=2022-03-05"
    with visit(browser, f"{door.address}/explore?{query}") as opened:
        opened.wait_until_live()
        page = opened.page
        assert page.input_value("[name=agency]") == SOUTH[0]
        assert page.input_value("[name=known]") == "2022-03-05"
        assert "as known on 5 Mar 2022" in page.inner_text(".selection")
        assert page.inner_text("[data-part=trend-0-head] h3").startswith("At least 171 searches")
        page.click("text=Reset")
        page.wait_for_selector("text=3,100 searches in 2022")
        assert page.input_value("[name=known]") == "2024-06-30"
    assert opened.complaints == []


def test_rejected_parts_of_an_address_are_told(door: Door, browser: Any) -> None:
    with visit(browser, door.address + "/explore?country=XX") as opened:
        opened.wait_until_live()
        assert "No country “XX”" in opened.page.inner_text(".notice")


def test_an_empty_view_offers_ways_out(door: Door, browser: Any) -> None:
    query = f"agency={SOUTH[0]}&metric=arrests"
    with visit(browser, f"{door.address}/explore?{query}") as opened:
        opened.wait_until_live()
        opened.page.click("text=Show all metrics")
        opened.page.wait_for_selector("text=At least 171 searches")
    assert opened.complaints == []


def test_only_the_chosen_countrys_agencies_are_offered(door: Door, browser: Any) -> None:
    with visit(browser, f"{door.address}/explore?agency={EAST[0]}") as opened:
        opened.wait_until_live()
        page = opened.page
        page.select_option("[name=country]", "GB")
        assert page.input_value("[name=agency]") == ""
        opened.wait_until_shown("country=GB&metric=searches")
        offered = page.locator("[name=agency] optgroup:not([hidden]) option").all_inner_texts()
        assert all("shire" in name or "town" in name for name in offered)


def test_it_can_be_worked_by_keyboard(door: Door, browser: Any) -> None:
    with visit(browser, door.address + "/explore") as opened:
        opened.wait_until_live()
        page = opened.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.focus("[name=metric]")
        page.keyboard.type("dep")
        page.keyboard.press("Tab")
        page.wait_for_selector("text=6 to 9 deployments")
        summary = page.locator("[data-card=trend-0] summary").first
        summary.focus()
        was_open = page.locator("[data-card=trend-0] details").first.get_attribute("open")
        page.keyboard.press("Enter")
        now_open = page.locator("[data-card=trend-0] details").first.get_attribute("open")
        assert (was_open is None) != (now_open is None)
    assert opened.complaints == []


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "Pacific/Kiritimati"])
def test_no_time_zone_shifts_a_month(door: Door, browser: Any, zone: str) -> None:
    query = f"agency={LIVE[0]}&metric=deployments"
    with visit(browser, f"{door.address}/explore?{query}", timezone_id=zone) as opened:
        opened.wait_until_live()
        labels = opened.page.locator("[data-card=trend-0] .live svg.marks text").all_text_contents()
    months = [text for text in labels if text.endswith(" 2023")]
    assert months == [f"{month} 2023" for month in ("Jan", "Feb", "Mar", "Apr", "May", "Jun")]


def test_it_is_readable_without_scripts(door: Door, browser: Any) -> None:
    with visit(browser, door.address + "/explore", java_script_enabled=False) as opened:
        page = opened.page
        assert page.locator(".painted:visible svg").count() == 4
        page.select_option("[name=country]", "US")
        page.click("text=Apply")
        assert "4,000 to 9,000 searches" in page.inner_text("main")
        # One series on show: its evidence is open without a click.
        assert page.locator("td:has-text('Given on request')").first.is_visible()


def test_a_lost_session_still_lets_the_reader_go_on(synthetic: Path, browser: Any) -> None:
    with open_door(synthetic) as door, visit(browser, door.address + "/explore") as opened:
        opened.wait_until_live()
        (child,) = psutil.Process(door.process.pid).children()
        child.kill()
        opened.page.wait_for_selector("html:not(.running)")
        opened.page.select_option("[name=country]", "US")
        opened.page.click("text=Apply")
        opened.page.wait_for_selector("text=4,000 to 9,000 searches")
        opened.wait_until_live()


def test_the_page_names_its_release(door: Door, browser: Any) -> None:
    with visit(browser, door.address + "/explore") as opened:
        assert VERSION in opened.page.inner_text("footer")
