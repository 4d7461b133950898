"""What the pages say about the ledger itself: coverage, corrections, changes, residents.

Two releases of a small made-up ledger are built by the real pipeline; the second corrects the
first.
"""

from __future__ import annotations

import csv
import re
import shutil
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from small_ledger import report, source, statement, write_ledger

from dashboards import phrases, releases
from dashboards.charts.coverage import agencies_by_country, newest_documents, registered_bodies
from dashboards.site import Site
from pipelines import release
from pipelines.fields import CORRECTIONS

ORIGIN = "https://facetally.example"
MET = {
    "agency_id": "gb-metropolitan-police-service",
    "name": "Metropolitan Police Service",
    "country": "GB",
    "level": "local",
    "population": "8166566",
    "note": "Population: usual residents of the force area, census 2011.",
}
YEAR = {"start": "2020-01-01", "end": "2020-12-31"}
CORRECTION = {
    "correction_id": "slip-of-the-pen",
    "table_name": "reports",
    "row_id": "wrong",
    "column_name": "wording",
    "was": "500",
    "now": "50",
    "wrong_since": "2021-07-01",
    "corrected_on": "2021-08-01",
    "why": "A nought too many, found by a reader.",
    "told": "The reader, and the press office of the force.",
}


class _Text(HTMLParser):
    """A page's words, and the links of its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def _rows(wording: str, *more: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    return {
        "agencies": [MET],
        "sources": [
            source("amended", "2021-09-30"),
            source("memo", "2021-11-01", note="Undated; counted from the day it was read."),
        ],
        "reports": [
            report("wrong", wording, *YEAR.values(), locator="page 3"),
            report("met", "more than 170", *YEAR.values(), agency_id=MET["agency_id"]),
            *more,
        ],
        "statements": [statement("no", "declined", "2021-01-02", agency_id="south-police")],
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Site]:
    """The site of the first release, and of the one that corrects it."""
    place = tmp_path_factory.mktemp("kept")
    first = write_ledger(place / "first", **_rows("500"))
    before = release.build(first, place / "out", date(2021, 12, 30))
    amended = report("amended", "60", *YEAR.values(), source_id="amended", replaces="wrong")
    second = write_ledger(place / "second", **_rows("50", amended))
    with (second / "corrections.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, CORRECTIONS.columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerow(CORRECTION)
    after = release.build(second, place / "out", date(2021, 12, 31))
    return Site(releases.read(before), ORIGIN), Site(releases.read(after), ORIGIN)


def _page(site: Site, address: str) -> _Text:
    page = site.page(address)
    assert page, address
    return _Text(page.body.decode())


# --- corrections and changes


def test_the_first_release_has_nothing_to_correct_and_says_so(built: tuple[Site, Site]) -> None:
    told = _page(built[0], "/corrections/")
    assert "No error has been corrected so far" in told.text
    assert "No source on record has replaced a count" in told.text
    assert "There is no earlier release to compare with" in told.text
    assert "#report" in told.links
    assert "Corrected." not in _page(built[0], "/agencies/north-police/").text


def test_a_correction_says_what_was_wrong_since_when_why_and_who_was_told(
    built: tuple[Site, Site],
) -> None:
    told = _page(built[1], "/corrections/")
    for words in ("500", "50", "1 July 2021", "A nought too many", "the press office of the force"):
        assert words in told.text
    assert "/agencies/north-police/#r-wrong" in told.links


def test_the_pages_of_a_corrected_row_say_so(built: tuple[Site, Site]) -> None:
    for address in ("/agencies/north-police/", "/systems/finder/", "/sources/gazette/"):
        told = _page(built[1], address)
        assert "Corrected." in told.text, address
        assert "wording was “500” and is “50”" in told.text, address
        assert "/corrections/#c-slip-of-the-pen" in told.links, address
    assert "Corrected." not in _page(built[1], "/agencies/south-police/").text


def test_a_count_that_its_source_replaced_is_struck_and_linked(built: tuple[Site, Site]) -> None:
    told = _page(built[1], "/corrections/")
    assert "60 searches, in place of 50 searches" in told.text
    assert {"/agencies/north-police/#r-amended", "/agencies/north-police/#r-wrong"} <= set(
        told.links
    )
    agency = built[1].page("/agencies/north-police/")
    assert agency
    assert "<s>50 searches</s> <small>replaced on" in agency.body.decode()


def test_what_changed_is_on_the_corrections_page_and_new_on_the_overview(
    built: tuple[Site, Site],
) -> None:
    told = _page(built[1], "/corrections/")
    assert built[0].release.version in told.text
    assert "1 revised figure" in told.text
    assert "North Police, Finder, searches, in 2020" in told.text.replace("year ", "")
    overview = _page(built[1], "/")
    assert "60 searches in 2020 (was 500)" in overview.text
    agency = _page(built[1], "/agencies/north-police/")
    assert "1 figure of this page moved since the release before" in agency.text
    assert "/corrections/#changes" in agency.links
    assert "moved since" not in _page(built[1], f"/agencies/{MET['agency_id']}/").text


def test_a_release_without_its_changes_still_has_its_pages(
    built: tuple[Site, Site], tmp_path: Path
) -> None:
    home = tmp_path / built[1].release.version
    shutil.copytree(built[1].release.path, home)
    (home / "changes.json").unlink()
    site = Site(releases.read(home), ORIGIN)
    assert "no earlier release" in _page(site, "/corrections/").text
    assert "What is new" in _page(site, "/").text


# --- coverage


def test_the_coverage_page_counts_what_is_missing(built: tuple[Site, Site]) -> None:
    told = _page(built[1], "/coverage/")
    # Of the 44 forces and 23,159 bodies of the registers, the ledger knows one force.
    assert "Nothing is on record about 23,202 of 23,203 registered police bodies" in told.text
    assert "248 of 249 countries and territories have no agency on record" in told.text
    # met and amended have no locator; wrong has one.
    assert "Counts without a place in their document: 2" in told.text
    assert "Agencies with statements and no count: 1" in told.text
    assert {
        f"/agencies/{MET['agency_id']}/#r-met",
        "/agencies/north-police/#r-amended",
        "/agencies/south-police/",
        "/sources/memo/",
        f"/agencies/{MET['agency_id']}/#finder-searches",
        "/countries/GB/",
    } <= set(told.links)


def test_every_weak_row_is_linked_once(built: tuple[Site, Site]) -> None:
    page = built[1].page("/coverage/")
    assert page
    weak = page.body.decode().partition('id="weak"')[2]
    rows = built[1].release.tables["coverage"].height
    assert len(re.findall(r"<li><a href=", weak)) == rows > 4


def test_coverage_is_found(built: tuple[Site, Site]) -> None:
    site = built[1]
    sitemap = site.page("/sitemap.xml")
    assert sitemap
    assert f"{ORIGIN}/coverage/" in sitemap.body.decode()
    assert "/coverage/" in _page(site, "/about/").links
    assert "/cards/coverage.png" in site.card_addresses()


def _countries(*rows: tuple[str, int, str | None, int | None, int | None]) -> pl.DataFrame:
    names = ("country", "agencies", "register", "registered", "registered_known")
    table = pl.DataFrame(
        rows, dict(zip(names, (pl.String, pl.Int64, pl.String, pl.Int64, pl.Int64), strict=True)),
        orient="row",
    )  # fmt: skip
    return table.with_columns(
        registered_unknown=pl.col("registered") - pl.col("registered_known"),
        registered_population=pl.lit(None, pl.Int64),
        known_population=pl.lit(None, pl.Int64),
        population_year=pl.lit(None, pl.Int64),
    )


def test_the_coverage_charts_state_their_findings() -> None:
    countries = _countries(
        ("GB", 3, "gb-ons", 10, 4), ("US", 9, "us-ori", 100, 1), ("FR", 0, None, None, None)
    )
    figure = registered_bodies(countries)
    assert figure.title == "Nothing is on record about 105 of 110 registered police bodies"
    assert figure.table["Nothing known"].to_list() == [99, 6]
    agencies = pl.DataFrame(
        {
            "country": ["US"] * 9 + ["GB"] * 3,
            "reports": [1] * 4 + [0] * 8,
            "statements": [0] * 4 + [1] * 6 + [0] * 2,
            "last_update": [date(2016, 5, 1)] * 2 + [date(2020, 5, 1)] * 9 + [None],
        }
    )
    figure = agencies_by_country(agencies, countries)
    assert figure.title == (
        "1 of 3 countries and territories has no agency on record; the United States alone has "
        "9 of 12"
    )
    assert figure.table.rows() == [("United States", 9, 4, 5, 0), ("United Kingdom", 3, 0, 1, 2)]
    figure = newest_documents(agencies, date(2021, 6, 30))
    assert figure.title == "For 2 of 11 agencies the newest document is over three years old"
    assert figure.table["Agencies"].to_list() == [2, 0, 0, 0, 9, 0]
    assert "1 more agency has only undated documents" in figure.note


# --- residents


@pytest.mark.parametrize(
    ("low", "high", "people", "words"),
    [
        # 171 of 8,166,566 are 2.0939 for each 100,000: at least 2.0 is proven, 2.1 is not.
        (171, None, 8_166_566, "at least 2.0"),
        (0, 171, 8_166_566, "at most 2.1"),
        (171, 175, 8_166_566, "2.0 to 2.2"),
        (171, 171, 8_166_566, "about 2.1"),
        (31_078, 66_078, 8_166_566, "380 to 810"),
        (0, 0, 100, "about 0"),
        (1, 1, 9_000_000, "about 0.011"),
        (0, None, 100, ""),
    ],
)
def test_per_100_000_never_says_more_than_the_interval(
    low: int, high: int | None, people: int, words: str
) -> None:
    assert phrases.per_100_000(low, high, people) == words


def test_a_figure_has_its_rate_with_the_year_of_the_residents(built: tuple[Site, Site]) -> None:
    told = _page(built[1], f"/agencies/{MET['agency_id']}/")
    assert "at least 2.0 per 100,000 of 8,166,566 residents (2011)" in told.text
    assert "per 100,000" not in _page(built[1], "/agencies/north-police/").text
    country = _page(built[1], "/countries/GB/")
    assert "at least 2.0 of 8,166,566 residents (2011)" in country.text
