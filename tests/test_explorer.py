"""The explorer in a real browser, and the view in its address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser import visit
from door import Door, open_door
from synthetic_release import EAST, LIVE, NORTH, SOUTH, VERSION, write_release

from dashboards import releases
from dashboards.explorer.duties import ORDER
from dashboards.explorer.page import rows_address
from dashboards.explorer.view import View, read
from pipelines.fields import DUTY_STATUS, arrow_schema, released

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
        View(metric="", gap="south-denied"),
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
        ("gap=nowhere", View(), "No gap “nowhere” is in this release"),
        ("duty=nobody.none.2020", View(), "No year of a duty “nobody.none.2020”"),
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
        assert page.locator(".card:visible .live svg.marks").count() == 5
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
        assert page.locator(".painted:visible svg").count() == 5
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


# --- what is not disclosed

_REQUEST = "To: Northtown Police (synthetic)\nSubject: Request for records: 40 & more\n\nPlease."


@pytest.fixture(scope="module")
def owed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Releases with duties, and with gaps that are silent, overdue and closed."""
    home = write_release(tmp_path_factory.mktemp("owed"))
    days = {"period_start": date(2023, 1, 1), "period_end": date(2023, 12, 31)}
    gaps: list[dict[str, Any]] = [
        {"gap_id": "north-silent", "agency_id": NORTH[0], "system_id": LIVE[1], **days,
         "metric": "alerts", "kind": "silent", "low": 40, "opened_on": date(2023, 3, 1),
         "report_ids": ["north-2022-other"], "statement_ids": [], "request": _REQUEST,
         "sentence": "No number of its own; others show at least 40 alerts."},
        {"gap_id": "east-silent", "agency_id": EAST[0], "system_id": EAST[1], **days,
         "metric": "searches", "kind": "silent", "low": 900, "opened_on": date(2024, 1, 1),
         "report_ids": ["east-range"], "statement_ids": [], "sentence": "Nothing said."},
        {"gap_id": "north-overdue", "agency_id": NORTH[0], **days, "metric": "searches",
         "kind": "overdue", "days": 91, "opened_on": date(2024, 4, 1), "duty_id": "north-yearly",
         "report_ids": [], "statement_ids": [], "sentence": "The report for 2023 is overdue."},
        {"gap_id": "north-late", "agency_id": NORTH[0], "system_id": NORTH[1], "kind": "late",
         "metric": "searches", "days": 20, "period_start": date(2021, 1, 1),
         "period_end": date(2021, 12, 31), "opened_on": date(2022, 4, 1),
         "closed_on": date(2022, 4, 21), "report_ids": ["north-2021"], "statement_ids": [],
         "sentence": "The report for 2021 came 20 days late."},
    ]  # fmt: skip
    columns = released("gap_history").columns
    _add(home, "gaps", gaps)
    _add(
        home,
        "gap_history",
        [
            {**{key: value for key, value in gap.items() if key in columns},
             "known_from": gap.get("closed_on") or gap["opened_on"]}
            for gap in gaps
        ],
    )  # fmt: skip
    yearly = {"duty_id": "north-yearly", "agency_id": NORTH[0]}
    _add(
        home,
        "duties",
        [
            {**yearly, "instrument": "Synthetic Act, section 7", "metric": "searches",
             "requires": "Publish searches a year", "cadence": "annual", "due_days": 90,
             "source_id": "synthetic-paper"},
            {"duty_id": "east-advice", "agency_id": EAST[0], "instrument": "Synthetic guidance",
             "requires": "Be open", "source_id": "synthetic-paper"},
        ],
    )  # fmt: skip
    _add(
        home,
        "duty_periods",
        [
            {**yearly, "period": str(year), "period_start": date(year, 1, 1),
             "period_end": date(year, 12, 31), "due_on": date(year + 1, 3, 31),
             "status": status, "met_on": met, "met_by": met and f"north-{year}",
             "days_late": late}
            for year, status, met, late in (
                (2021, "late", date(2022, 4, 20), 20),
                (2022, "met", date(2023, 2, 1), None),
                (2023, "overdue", None, None),
                (2024, "pending", None, None),
            )
        ],
    )  # fmt: skip
    return home.parent


def _add(home: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Adds rows to a table of a release."""
    schema = arrow_schema(released(name))
    old = pq.read_table(home / f"{name}.parquet").to_pylist()
    new = [{**dict.fromkeys(schema.names), **row} for row in rows]
    pq.write_table(pa.Table.from_pylist([*old, *new], schema=schema), home / f"{name}.parquet")


@pytest.fixture(scope="module")
def owing(owed: Path) -> Iterator[Door]:
    with open_door(owed) as door:
        yield door


def test_every_status_of_a_duty_has_its_place() -> None:
    assert set(ORDER) == set(DUTY_STATUS)


def test_the_calendar_knows_only_what_was_known(owing: Door) -> None:
    assert "1 report that a rule asks for is overdue" in owing.get("/explore").text
    before = owing.get("/explore?known=2023-01-15").text
    assert "No report is overdue" in before
    opened = f"/explore?agency={NORTH[0]}&duty=north-yearly.{NORTH[0]}.2022"
    assert "Synthetic Act, section 7, 2022: met" in owing.get(opened).text
    assert "section 7, 2022: pending" in owing.get(f"{opened}&known=2023-01-15").text
    assert "Nothing was due in this year" in owing.get(f"{opened}&known=2021-06-01").text
    assert "20 Apr 2022, 20 days late" in owing.get(opened.replace("2022", "2021")).text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("country=US", "No rule in this selection sets periods to report on"),
        (f"agency={SOUTH[0]}", "No rule on record obliges this agency to publish counts"),
    ],
)
def test_a_calendar_without_periods_says_so(owing: Door, query: str, words: str) -> None:
    assert words in owing.get(f"/explore?{query}").text


def test_silences_are_ranked_by_days_and_follow_the_filters(owing: Door) -> None:
    page = owing.get("/explore?metric=all").text
    # 1 March 2023 to 30 June 2024: 487 days; from 1 January 2024: 181.
    assert "Northtown Police (synthetic) has given no number for 487 days" in page
    assert page.index("<b>487 days</b>") < page.index("<b>181 days</b>")
    assert "has given no number for 181 days" in owing.get("/explore?country=US").text
    assert "given no number for" not in owing.get("/explore?metric=all&known=2022-06-01").text


def test_a_gap_that_closed_is_told_and_not_open(owing: Door) -> None:
    page = owing.get(f"/explore?agency={NORTH[0]}&gap=north-late").text
    assert "Opened on 1 Apr 2022, closed on 21 Apr 2022." in page
    assert "1 gap that closed" in page
    assert "The gap, with its evidence" in page
    assert "this gap is closed in the present release" in page


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
def test_a_mark_opens_its_evidence_and_the_request_downloads(
    owing: Door, browser: Any, width: int, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    query = f"metric=alerts&agency={NORTH[0]}"
    with visit(browser, f"{owing.address}/explore?{query}", **options) as opened:
        opened.wait_until_live()
        page = opened.page
        page.locator("[data-chart=gap-matrix] .live .mark-symbol path").first.click()
        page.wait_for_selector("#opened:focus")
        assert "gap=north-silent" in urlsplit(page.url).query
        told = page.inner_text("#opened")
        assert "No number of its own; others show at least 40 alerts." in told
        assert "Counts of nothing" in told
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        with page.expect_download() as saved:
            page.click("text=Download the request as text")
        assert saved.value.suggested_filename == "records-request-north-silent.txt"
        assert saved.value.path().read_text() == _REQUEST
        page.click("#opened .close")
        page.wait_for_selector("#opened", state="detached")
        page.go_back()
        page.wait_for_selector("#opened h3:has-text('Northtown')")
        # A filter closes what was open.
        page.select_option("[name=agency]", SOUTH[0])
        page.wait_for_selector("#opened", state="detached")
    assert opened.complaints == []


def test_gaps_and_duties_open_by_keyboard(owing: Door, browser: Any) -> None:
    with visit(browser, f"{owing.address}/explore?metric=all&agency={NORTH[0]}") as opened:
        opened.wait_until_live()
        page = opened.page
        page.focus(".listed a >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_selector("#opened:focus")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("#opened", state="detached")
        assert "Northtown" in page.evaluate("document.activeElement.textContent")
        page.focus(".duties a:has-text('overdue')")
        page.keyboard.press("Enter")
        page.wait_for_selector("#opened h3:has-text('2023: overdue')")
        page.click("#opened .listed a")
        page.wait_for_selector("text=The report for 2023 is overdue.")
        assert "Publish searches a year" in page.inner_text("#opened")
    assert opened.complaints == []


def test_evidence_opens_without_scripts(owing: Door, browser: Any) -> None:
    address = owing.address + "/explore?metric=all"
    with visit(browser, address, java_script_enabled=False) as opened:
        opened.page.click(".league a >> nth=0")
        assert "40 alerts" in opened.page.inner_text("#opened")
        assert "Please." in opened.page.inner_text("#opened .request")


# --- taking a view away


@pytest.mark.parametrize(
    ("view", "rows"),
    [
        (View("GB", metric="searches"), 6),
        (View(agency=LIVE[0], metric="deployments", known=date(2023, 3, 31)), 3),
        (View(agency=SOUTH[0], known=date(2022, 3, 4)), 0),
    ],
)
def test_exactly_the_filtered_rows_are_downloaded(
    view: View, rows: int, door: Door, release: releases.Release
) -> None:
    address = rows_address(release, view)
    assert bool(address) == bool(rows)
    if rows:
        assert escape(address) in door.get(f"/explore?{view.query()}").text
        assert len(door.get(address).text.splitlines()) == rows + 1


def test_the_link_and_the_embed_are_of_this_view(door: Door, browser: Any) -> None:
    with visit(browser, f"{door.address}/explore?agency={SOUTH[0]}") as opened:
        opened.wait_until_live()
        page = opened.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("text=Copy link")
        page.wait_for_selector("text=Link copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == f"{door.address}/explore?metric=searches&agency={SOUTH[0]}"
        page.click("text=Embed this chart")
        assert ".".join(SOUTH) in page.content()
    assert opened.complaints == []
