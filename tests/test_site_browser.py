"""The public pages in a real browser: accessible, quiet, whole on a phone, and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
import synthetic_release
from browser import violations, visit
from door import Door

KINDS = [
    "/",
    "/agencies/",
    f"/agencies/{synthetic_release.NORTH[0]}/",
    f"/agencies/{synthetic_release.SOUTH[0]}/",
    "/agencies/quiet-synthetic/",
    "/systems/",
    f"/systems/{synthetic_release.NORTH[1]}/",
    "/countries/",
    "/countries/GB/",
    "/sources/",
    "/sources/synthetic-leak/",
    "/gaps/",
    "/method/",
    "/downloads/",
    "/corrections/",
    "/coverage/",
    "/about/",
]


# Between them they have every colour that a theme changes.
COLOURED = ["/", f"/agencies/{synthetic_release.NORTH[0]}/", "/gaps/", "/method/", "/coverage/"]


@pytest.mark.parametrize(
    ("scheme", "addresses"), [("light", KINDS), ("dark", COLOURED)], ids=["light", "dark"]
)
def test_every_kind_of_page_is_accessible_and_quiet(
    browser: Any, door: Door, scheme: str, addresses: list[str]
) -> None:
    for address in addresses:
        with visit(browser, door.address + address, color_scheme=scheme) as opened:
            assert violations(opened.page) == [], address
            assert opened.complaints == [], address
            assert [r for r in opened.requests if not r.startswith(door.address)] == [], address


def test_nothing_is_wider_than_the_screen(browser: Any, door: Door) -> None:
    for address in KINDS:
        with visit(browser, door.address + address) as opened:
            for width in (2560, 768, 360):
                opened.page.set_viewport_size({"width": width, "height": 800})
                wide = opened.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (address, width)


def test_pages_are_read_without_scripts(browser: Any, door: Door) -> None:
    address = f"{door.address}/agencies/{synthetic_release.NORTH[0]}/"
    with visit(browser, address, java_script_enabled=False) as opened:
        page = opened.page
        assert page.locator("figure.trend .wide svg").first.is_visible()
        proof = page.locator("details", has=page.locator("summary", has_text="How do we know?"))
        assert not proof.first.get_by_text("Exactly 8,350").is_visible()
        proof.first.locator("summary").click()
        assert proof.first.get_by_text("Exactly 8,350").is_visible()
    with visit(browser, f"{door.address}/agencies/?q=south", java_script_enabled=False) as opened:
        assert opened.page.get_by_role("link", name="Southshire").first.is_visible()


@pytest.mark.parametrize(
    ("locale", "day", "count"),
    [
        ("en-GB", "1 Feb 2023", "1,200 searches"),
        ("en-US", "Feb 1, 2023", "1,200 searches"),
        # A dot would read as a decimal point in a page whose language is English.
        ("de-DE", "1 Feb 2023", "1\u202f200 searches"),
        ("fr-FR", "1 Feb 2023", "1\u202f200 searches"),
    ],
)
def test_days_and_numbers_are_in_the_readers_format(
    browser: Any, door: Door, locale: str, day: str, count: str
) -> None:
    address = f"{door.address}/agencies/{synthetic_release.NORTH[0]}/"
    with visit(browser, address, locale=locale) as opened:
        page = opened.page
        page.wait_for_load_state("load")
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        text = page.locator("main").inner_text()
        assert count in text
        assert day in text
        # What the source wrote stays as it is, and so does what machines read.
        values = page.eval_on_selector_all("data.claim", "all => all.map(d => d.value)")
        assert "1200/1200" in values
        assert page.locator("time[datetime='2023-02-01']").first.inner_text() == day
        assert opened.complaints == []


_PERIODS = {
    "28 Feb 2020": "Feb 28, 2020",
    "28 February 2020": "February 28, 2020",
    "24–25 Aug 2025": "Aug 24 – 25, 2025",
    "28 Nov – 6 Dec 2025": "Nov 28 – Dec 6, 2025",
    "1 Dec 2019 – 28 Feb 2020": "Dec 1, 2019 – Feb 28, 2020",
    "up to 3 May 2021": "up to May 3, 2021",
    "Jan–Sep 2023": "Jan–Sep 2023",
    "2023/24, from Apr": "2023/24, from Apr",
}


def test_every_way_of_writing_a_period_is_put_in_order(browser: Any, door: Door) -> None:
    with visit(browser, door.address + "/about/", locale="en-US") as opened:
        page = opened.page
        page.evaluate(
            """texts => {
              const items = texts.map(text => {
                const item = document.createElement('p');
                item.textContent = text;
                return item;
              });
              document.querySelector('main').replaceChildren(...items);
            }""",
            list(_PERIODS),
        )
        page.evaluate(
            """() => new Promise(done => {
              const again = document.createElement('script');
              again.src = document.querySelector('script[src$="site.js"]').src;
              again.onload = done;
              document.body.append(again);
            })"""
        )
        # Intl sets thin spaces around its dashes.
        told = [" ".join(text.split()) for text in page.locator("main p").all_inner_texts()]
        assert told == list(_PERIODS.values())


def test_the_first_paint_waits_for_nothing_but_the_page(browser: Any, door: Door) -> None:
    with visit(browser, door.address + "/") as opened:
        blocking = opened.page.eval_on_selector_all(
            "link[rel=stylesheet], script[src]:not([defer]):not([async])",
            "all => all.map(e => e.outerHTML)",
        )
        assert blocking == []
        chart = opened.page.locator("figure.drawn .wide svg").first
        assert chart.is_visible()
        opened.page.wait_for_selector("html.whole")
        hidden = (
            "all => all.filter(s => getComputedStyle(s).contentVisibility !== 'visible').length"
        )
        assert opened.page.eval_on_selector_all("section", hidden) == 0
        asked = [r for r in opened.requests if not r.endswith((".svg", ".js"))]
        assert asked == [f"{door.address}/"]


def test_an_agency_is_found_by_typing(browser: Any, door: Door) -> None:
    with visit(browser, door.address + "/") as opened:
        page = opened.page
        page.get_by_role("searchbox").fill("coverage")
        page.locator(".hits a[href='/coverage/']").wait_for()
        page.get_by_role("searchbox").fill("southsh")
        page.locator(".hits a[href='/coverage/']").wait_for(state="detached")
        page.locator(".hits a").first.wait_for()
        assert page.locator(".hits a").all_inner_texts() == ["Southshire Police (synthetic)"]
        page.get_by_role("searchbox").press("Enter")
        page.wait_for_url(f"**/agencies/{synthetic_release.SOUTH[0]}/")
        assert opened.complaints == []
    with visit(browser, door.address + "/agencies/?q=nobody-at-all") as opened:
        opened.page.get_by_text("Nothing on record under that name").wait_for()


def test_the_keyboard_reaches_the_content_and_opens_proofs(browser: Any, door: Door) -> None:
    with visit(browser, f"{door.address}/agencies/{synthetic_release.SOUTH[0]}/") as opened:
        page = opened.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("Enter")
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.tagName") == "SUMMARY":
                break
        is_open = "document.activeElement.parentElement.open"
        before = page.evaluate(is_open)
        for expected in (not before, before):
            page.keyboard.press("Enter")
            assert page.evaluate(is_open) is expected


def test_charts_follow_the_scheme_and_the_width(browser: Any, door: Door) -> None:
    address = f"{door.address}/agencies/{synthetic_release.NORTH[0]}/"
    colours = set()
    for scheme in ("light", "dark"):
        with visit(browser, address, color_scheme=scheme) as opened:
            text = opened.page.locator("figure.trend .wide svg text").first
            colours.add(text.evaluate("e => getComputedStyle(e).fill"))
    assert len(colours) == 2
    with visit(browser, address, viewport={"width": 360, "height": 800}) as opened:
        assert opened.page.locator("figure.trend .narrow svg").first.is_visible()
        assert not opened.page.locator("figure.trend .wide svg").first.is_visible()


def test_paper_gets_no_search_and_no_navigation(browser: Any, door: Door) -> None:
    with visit(browser, door.address + "/") as opened:
        opened.page.emulate_media(media="print")
        assert not opened.page.get_by_role("searchbox").is_visible()
        assert opened.page.get_by_role("heading", level=1).is_visible()
