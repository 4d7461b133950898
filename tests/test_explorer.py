"""The explorer in a real browser, and the view in its address."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import date
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import polars as pl
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser import violations, visit
from door import Door, open_door
from synthetic_release import EAST, LIVE, NORTH, SOUTH, VERSION, describe_again, write_release

from dashboards import releases
from dashboards.charts.side_by_side import Strip, side_by_side
from dashboards.explorer.duties import ORDER
from dashboards.explorer.page import rows_address
from dashboards.explorer.replay import replay
from dashboards.explorer.selection import SERIES, of_series
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


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
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


def test_a_lost_session_still_lets_the_reader_go_on(owing: Door, browser: Any) -> None:
    with visit(browser, owing.address + "/explore") as opened:
        opened.wait_until_live()
        (child,) = psutil.Process(owing.process.pid).children()
        child.kill()
        opened.page.wait_for_selector("html:not(.running)")
        opened.page.select_option("[name=country]", "US")
        opened.page.click("text=Apply")
        opened.page.wait_for_selector("text=4,000 to 9,000 searches")
        opened.wait_until_live()


def test_a_reader_who_came_too_late_for_a_session_gets_another(door: Door, browser: Any) -> None:
    """The first session is gone when the page's websocket comes for it."""
    opened_for = []

    def gone_at_first(route: Any) -> None:
        answer = route.fetch()
        opened = answer.json()
        if not opened_for:
            payload = {"session_id": "gone", "session_expiry": 2**31}
            token = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
            opened["item"]["token"] = token
        opened_for.append(opened["item"]["token"])
        route.fulfill(response=answer, json=opened)

    with visit(browser, door.address + "/about/") as opened:
        opened.page.route("**/explore/session*", gone_at_first)
        opened.page.goto(door.address + "/explore?country=US")
        opened.wait_until_live()
        assert len(opened_for) == 2
        opened.page.select_option("[name=country]", "GB")
        opened.page.wait_for_selector("text=3,100 searches in 2022")
        assert opened.page.locator(".card:visible .live svg.marks").count() >= 3


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
    describe_again(home)
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


# --- series side by side, rates and estimates

_NORTH, _SOUTH, _LIVE, _EAST = (".".join(key) for key in (NORTH, SOUTH, LIVE, EAST))


@pytest.mark.parametrize(
    "view",
    [
        View(compare=(NORTH, SOUTH)),
        View("GB", compare=(LIVE,), known=date(2023, 3, 5), estimates=True, rates=True),
    ],
)
def test_what_is_compared_is_in_the_address(view: View, release: releases.Release) -> None:
    assert read(view.query(), release) == (view, [])


@pytest.mark.parametrize(
    ("query", "compare"),
    [
        # As a form sends it: what was chosen, and what was typed.
        ("compare=&compare=Southshire", (SOUTH,)),
        (f"compare={_NORTH}&compare=livecam", (NORTH, LIVE)),
        (f"compare={_NORTH},{_NORTH}", (NORTH,)),
        ("compare=Northtown Police (synthetic) · Lookup (synthetic) · searches", (NORTH,)),
    ],
)
def test_a_series_is_found_by_its_name(
    query: str, compare: tuple[Any, ...], release: releases.Release
) -> None:
    view, told = read(query, release)
    assert (view.compare, told) == (compare, [])


@pytest.mark.parametrize(
    ("query", "compare", "problem"),
    [
        ("compare=northtown", (), "2 series match “northtown”; choose one"),
        ("compare=Nowhere Police", (), "No series “Nowhere Police” is in this release"),
        (f"compare={_NORTH},a.b.c", (NORTH,), "No series “a.b.c”"),
        ("show=guess", (), "“guess” cannot be shown; intervals are."),
        ("per=7", (), "“7” is not a rate (write 100000); counts are shown."),
    ],
)
def test_what_cannot_be_compared_is_told(
    query: str, compare: tuple[Any, ...], problem: str, release: releases.Release
) -> None:
    view, told = read(query, release)
    assert view.compare == compare
    assert len(told) == 1
    assert problem in told[0]


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> releases.Release:
    """A release with seven series."""
    home = write_release(tmp_path_factory.mktemp("seven"))
    old = pq.read_table(home / "series.parquet").to_pylist()
    more = ("alerts", "arrests", "requests")
    _add(home, "series", [{**old[0], "metric": metric} for metric in more])
    return releases.read(home)


def test_a_seventh_series_is_left_out_and_told(seven: releases.Release) -> None:
    keys = [".".join(key) for key in seven.tables["series"].select(SERIES).iter_rows()]
    assert len(keys) == 7
    view, told = read(f"compare={','.join(keys)}", seven)
    assert len(view.compare) == 6
    assert len(told) == 1
    assert told[0].startswith("6 series can be compared at most; “Northtown Police (synthetic)")


def _strip(
    release: releases.Release, key: tuple[str, str, str], people: int | None = None
) -> Strip:
    return Strip(key[0], key[2], of_series(release.at("bounds", None), key), people)


def test_series_are_drawn_in_one_frequency_and_the_most_is_named_if_proven(
    release: releases.Release,
) -> None:
    north, east = _strip(release, NORTH), _strip(release, EAST)
    figure = side_by_side([north, east])
    assert figure.table["Series"].to_list() == [NORTH[0]] * 4 + [EAST[0]] * 2
    assert figure.table["At most"].to_list() == [1200, 1650, 2400, 3100, 9000, 9000]
    assert "which is largest is not proven" in figure.title
    twice = Strip("twice", north.metric, north.bounds.with_columns(pl.col("low", "high") * 2))
    assert side_by_side([north, twice]).title == "twice had the most: 6,200 searches in 2022"
    far = Strip("far", north.metric, north.bounds.with_columns(pl.col("low", "high") * 1000))
    assert "logarithmic" in side_by_side([north, far]).note
    assert "logarithmic" not in side_by_side([north, twice]).note


def test_estimates_are_flagged_and_rates_rounded_outwards(release: releases.Release) -> None:
    figure = side_by_side([_strip(release, LIVE)], estimates=True)
    # June: 6 to 9, so 7 in the synthetic release.
    assert figure.title == "Estimate: ≈7 deployments in Jun 2023, where the evidence allows 6 to 9"
    assert "an estimate (status E)" in figure.note
    rates = side_by_side([_strip(release, NORTH, 900_000)])
    # 3,100 of 900,000 people are 344.4 of 100,000, and two digits are shown.
    assert rates.title == "About 340 searches per 100,000 people in 2022"
    assert rates.table["At least"].to_list()[-1] == 3100
    east = side_by_side([_strip(release, EAST, 1_300_000)])
    # 4,000 to 9,000 are 307.7 to 692.3: down to 300, up to 700.
    assert "300 to 700 searches per 100,000 people" in east.title


def test_what_shares_no_scale_is_not_drawn(release: releases.Release) -> None:
    north, south = _strip(release, NORTH), _strip(release, SOUTH)
    with pytest.raises(ValueError, match="counts and rates"):
        side_by_side([north, _strip(release, NORTH, 900_000)])
    with pytest.raises(ValueError, match="not 0"):
        side_by_side([])
    with pytest.raises(ValueError, match="not 7"):
        side_by_side([north] * 7)
    with pytest.raises(ValueError, match="without bounds"):
        side_by_side([Strip("none", "searches", south.bounds.clear())])


def test_rates_name_their_population_and_its_absence(door: Door) -> None:
    page = door.get("/explore?metric=searches&per=100000").text
    assert "About 340 searches per 100,000 people in 2022" in page
    assert "Divided by 900,000 residents (year not stated)." in page
    assert page.count("No population is on record here: these are counts, not rates.") == 2
    assert "a population is on record for 1 of the 3 series that match" in page
    chosen = door.get(f"/explore?compare={_NORTH},{_EAST}&per=100000").text
    assert "Not drawn: no population is on record, so there is no rate." in chosen


def test_a_chosen_series_without_data_is_told(door: Door) -> None:
    page = door.get(f"/explore?compare={_EAST}&known=2022-01-01").text
    told = "Not drawn: no count was known on 1 Jan 2022; the first came on 1 May 2023."
    assert told in page
    assert "None of these can be drawn." in page
    assert "Show what is known today" in page


def test_compared_rows_and_rates_are_downloaded(door: Door) -> None:
    query = f"metric=deployments&compare={_EAST},{_SOUTH}"
    page = door.get(f"/explore?{query}").text
    assert "/explore/compared.csv?metric=deployments" in page
    answer = door.get(f"/explore/compared.csv?{query}")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = pl.read_csv(answer.content)
    assert rows["agency_id"].to_list() == [EAST[0]] * 3 + [SOUTH[0]]
    assert rows.columns == released("bounds").columns
    rates = pl.read_csv(door.get("/explore/rows.csv?metric=searches&per=100000").content)
    latest = rates.filter((pl.col("agency_id") == NORTH[0]) & (pl.col("period") == "2022"))
    assert latest["low_per_100000"].item() == pytest.approx(3100 / 9)
    assert rates.filter(pl.col("agency_id") == EAST[0])["high_per_100000"].is_null().all()
    assert (
        "/explore/rows.csv?metric=searches&amp;per=100000"
        in door.get("/explore?metric=searches&per=100000").text
    )


@pytest.mark.parametrize("more", ["", "&show=estimate", "&per=100000&known=2023-06-01"])
def test_a_comparison_is_embedded_as_it_is_shown(door: Door, more: str) -> None:
    page = unescape(door.get(f"/explore?compare={_NORTH},{_LIVE}{more}").text)
    address = re.search(r'href="([^"]+)">Embed this comparison', page)
    assert address
    assert "side-by-side" in address[1]
    assert door.get(address[1]).status_code == 200
    key = f"{_NORTH},{_LIVE}"
    key += ",show=estimate" if "show" in more else ""
    key += ",per=100000@2023-06-01" if "per" in more else ""
    drawn = door.get(f"/embed/side-by-side/{key}.html").text
    title = re.search(r"<h3>(2 series[^<]+|[^<]+the most[^<]+)</h3>", page)
    assert title
    assert title[1] in unescape(drawn)
    assert door.get(f"/embed/side-by-side/{_NORTH},a.b.c.html").status_code == 404


def test_series_are_compared_by_name_and_keyboard(door: Door, browser: Any) -> None:
    with visit(browser, door.address + "/explore") as opened:
        opened.wait_until_live()
        page = opened.page
        page.focus("#pick")
        page.keyboard.type("Northtown Police (synthetic) · Lookup")
        page.keyboard.press("Enter")
        page.wait_for_selector(".chosen li:has-text('Northtown')")
        page.wait_for_selector("[data-card=side-by-side] .chart.drawn")
        assert urlsplit(page.url).query == f"metric=searches&compare={_NORTH}"
        page.click("[data-card=trend-1] a.to-compare")
        page.wait_for_selector(".chosen li >> nth=1")
        page.select_option("[name=country]", "US")
        page.wait_for_selector("text=4,000 to 9,000 searches")
        assert page.locator(".chosen li").count() == 2
        page.click(".chosen a >> nth=0")
        page.wait_for_selector(".chosen li >> nth=1", state="detached")
        page.fill("#pick", "Nowhere")
        page.click("text=Add")
        page.wait_for_selector("text=No series “Nowhere” is in this release")
        page.go_back()
        page.go_back()
        page.wait_for_selector(".chosen li >> nth=1")
    assert opened.complaints == []


# --- how knowledge grew


def test_the_days_of_a_replay_are_those_on_which_the_answer_changed(
    release: releases.Release,
) -> None:
    known = replay(release, View(agency=NORTH[0], known=date(2022, 12, 31)))
    assert known.days == [date(year, 2, 1) for year in (2020, 2021, 2022, 2023)]
    assert known.at == 2
    assert known.news == [
        "Northtown Police (synthetic): 2,400 searches in 2021, published by the agency"
    ]
    assert replay(release, View(agency=NORTH[0], known=date(2019, 1, 1))).at == -1
    both = replay(release, View(compare=(SOUTH, EAST)))
    assert both.days == [date(2022, 3, 5), date(2023, 5, 1)]
    assert both.reports == [1, 1]


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_a_replay_steps_through_the_days_into_the_address(
    door: Door, browser: Any, motion: str
) -> None:
    query = f"metric=searches&agency={NORTH[0]}"
    with visit(browser, f"{door.address}/explore?{query}", reduced_motion=motion) as opened:
        opened.wait_until_live()
        page = opened.page
        page.click("text=Play")
        seen = []
        for day in ("1 Feb 2020", "1 Feb 2021", "1 Feb 2022", "1 Feb 2023"):
            page.wait_for_selector(f".replay-told b:text('{day}')")
            seen.append(dict(parse_qsl(urlsplit(page.url).query)).get("known"))
            assert page.inner_text("[data-replay=play]") == "Pause"
            if motion == "reduce":
                news = page.locator(".news li").first
                assert news.evaluate("one => getComputedStyle(one).animationName") == "none"
        assert seen == ["2020-02-01", "2021-02-01", "2022-02-01", None]
        page.wait_for_selector("[data-replay=play]:text('Play')")
        # The whole replay is one step of the history.
        page.go_back()
        opened.wait_until_shown(query)
    assert opened.complaints == []


def test_the_slider_is_worked_by_keyboard(door: Door, browser: Any) -> None:
    with visit(browser, f"{door.address}/explore?agency={NORTH[0]}") as opened:
        opened.wait_until_live()
        page = opened.page
        slider = page.locator("#replay-at")
        assert slider.get_attribute("aria-valuetext") == "1 Feb 2023, 4 of 4"
        slider.focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector(".replay-told b:text('1 Feb 2022')")
        assert "known=2022-02-01" in page.url
        assert page.input_value("[name=known]") == "2022-02-01"
        assert page.evaluate("document.activeElement.id") == "replay-at"
        page.keyboard.press("Home")
        page.wait_for_selector("text=1,200 searches in 2019")
        page.keyboard.press("End")
        page.wait_for_selector(".replay-told b:text('1 Feb 2023')")
        assert "known" not in page.url
        page.click("[aria-label='Day of knowledge before']")
        page.wait_for_selector(".replay-told b:text('1 Feb 2022')")
    assert opened.complaints == []


# --- every state is accessible


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_accessible_and_fits(door: Door, browser: Any, scheme: str) -> None:
    states = [
        "",
        f"?compare={_NORTH},{_SOUTH},{_LIVE},{_EAST}&show=estimate",
        f"?per=100000&compare={_NORTH},{_EAST}&known=2022-06-01",
        f"?agency={SOUTH[0]}&metric=arrests&country=XX&compare=nowhere",
    ]
    options = {"viewport": {"width": 360, "height": 900}, "color_scheme": scheme}
    # Every colour is in the first two.
    for state in states if scheme == "light" else states[:2]:
        with visit(browser, f"{door.address}/explore{state}", **options) as opened:
            opened.wait_until_live()
            for width in (360, 2560):
                opened.page.set_viewport_size({"width": width, "height": 900})
                assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
            assert violations(opened.page) == [], state
        assert opened.complaints == [], state


@pytest.mark.torture
def test_five_hundred_sessions_leave_nothing_behind(synthetic: Path, browser: Any) -> None:
    with open_door(synthetic) as door:
        (child,) = psutil.Process(door.process.pid).children()
        held = []
        for _ in range(5):
            for _ in range(100):
                with visit(browser, f"{door.address}/explore") as opened:
                    opened.page.wait_for_selector("html.running")
            door.wait_for(sessions=0, connected=0, charts=0)
            held.append(child.memory_info().rss / 2**20)
        # The first hundred fill what is kept on purpose; the next four hundred must not add.
        assert held[-1] < held[0] + 40, held
