"""Coverage, registers and corrections: what the ledger does not hold, and what it got wrong."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_ledger import report, source, statement, write_ledger
from typer.testing import CliRunner

from facetally import app
from pipelines import release
from pipelines.fields import CORRECTIONS

REPOSITORY = Path(__file__).parent.parent
REGISTERS = REPOSITORY / "data" / "registers"
AS_OF = date(2021, 12, 31)
MET = {
    "agency_id": "gb-metropolitan-police-service",
    "name": "Metropolitan Police Service",
    "country": "GB",
    "level": "local",
    "population": "8166566",
    "note": "Population: usual residents of the force area, census 2011.",
}


def rows(name: str) -> list[dict[str, str]]:
    with (REGISTERS / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def built(tmp_path: Path, **ledger: Any) -> Path:
    return release.build(write_ledger(tmp_path / "ledger", **ledger), tmp_path / "out", AS_OF)


def ask(home: Path, query: str) -> list[tuple[Any, ...]]:
    con = duckdb.connect(":memory:")
    for path in home.glob("*.parquet"):
        con.execute(f"create view {path.stem} as from read_parquet('{path}')")
    return con.execute(query).fetchall()


def test_a_year_in_a_note_is_no_population_year(tmp_path: Path) -> None:
    noted = {"agency_id": "fr-police", "name": "Police", "country": "FR", "level": "national",
             "note": "Founded in 1966."}  # fmt: skip
    counted = {**noted, "agency_id": "at-police", "country": "AT", "population": "9000",
               "note": "Population: census 2021."}  # fmt: skip
    home = built(tmp_path, agencies=[noted, counted])
    years = "select agency_id, population, population_year from coverage_agencies"
    assert {("at-police", 9000, 2021), ("fr-police", None, None)} <= set(ask(home, years))


def test_how_many_agencies_nothing_is_known_about(tmp_path: Path) -> None:
    met = MET["agency_id"]
    home = built(tmp_path, agencies=[MET], statements=[statement("s", "denied", agency_id=met)])
    found = ask(
        home,
        """
        select country, registered, registered_known, registered_unknown, known_population,
          population_year
        from coverage_countries where register is not null order by country
        """,
    )
    assert found == [("GB", 44, 1, 43, 8166566, 2011), ("US", 23159, 0, 23159, None, None)]
    link = "select code, population, population_year from register_links"
    assert ask(home, link) == [("E23000001", 8166566, 2011)]


def test_an_agency_that_is_only_named_is_not_known(tmp_path: Path) -> None:
    home = built(tmp_path, agencies=[MET])
    assert ask(home, "select registered_known from coverage_countries where country = 'GB'") == [
        (0,)
    ]


def test_countries_without_any_are_listed(tmp_path: Path) -> None:
    home = built(tmp_path)
    without = ask(home, "select country from coverage_countries where agencies = 0")
    assert len(without) == 248
    assert ("FR",) in without
    assert ("GB",) not in without


def test_what_is_weak_is_listed_row_by_row(tmp_path: Path) -> None:
    home = built(
        tmp_path,
        sources=[source("undated", "2021-12-01", note="Undated; counted as published when read.")],
        reports=[
            report("a", "5", "2020-01-01", "2020-12-31", locator="page 1"),
            report("b", "5", "2021-01-01", "2021-03-31", source_id="undated"),
            report("c", "1", metric="arrests", locator="page 2"),
        ],
        statements=[statement("s", "declined", agency_id="south-police")],
        agencies=[MET],
    )
    assert ask(home, "select weakness, table_name, row_id from coverage order by all") == [
        ("named_only", "agencies", MET["agency_id"]),
        ("no_locator", "reports", "b"),
        ("single_source", "series", "north-police/finder/arrests"),
        ("statements_only", "agencies", "south-police"),
        ("undated_source", "sources", "undated"),
    ]


def test_an_undated_document_does_not_make_knowledge_recent(tmp_path: Path) -> None:
    home = built(
        tmp_path,
        sources=[source("undated", "2021-12-01", note="Undated; counted as published when read.")],
        reports=[report("a", "5"), report("b", "6", source_id="undated")],
    )
    query = "select last_update, sources from coverage_agencies where agency_id = 'north-police'"
    assert ask(home, query) == [(date(2021, 6, 30), 2)]


def test_every_link_is_of_a_body_and_an_agency_that_exist() -> None:
    links = rows("links.csv")
    with (REPOSITORY / "data" / "ledger" / "agencies.csv").open(encoding="utf-8") as file:
        agencies = {row["agency_id"] for row in csv.DictReader(file)}
    codes = {("us-ori", r["ori"]) for r in rows("us_agency_register.csv")}
    codes |= {("gb-ons", r["ons_code"]) for r in rows("uk_force_register.csv")}
    assert {(r["register"], r["code"]) for r in links} <= codes
    assert {r["agency_id"] for r in links} <= agencies
    assert len({(r["register"], r["code"]) for r in links}) == len(links)
    single = [r["agency_id"] for r in links if r["match"] != "station"]
    assert len(set(single)) == len(single)


CORRECTION = {
    "correction_id": "c",
    "table_name": "reports",
    "row_id": "a",
    "column_name": "wording",
    "was": "50",
    "now": "5",
    "wrong_since": "2021-07-01-0123456789ab",
    "corrected_on": "2021-08-01",
    "why": "A slip of the pen.",
}
WRONG = {
    "unknown table": ({"table_name": "report"}, "table_name: 'report' is not one of"),
    "unknown row": ({"row_id": "z"}, "row_id: 'z' is not in reports.csv"),
    "unknown column": ({"column_name": "words"}, "column_name: 'words' is no column of reports"),
    "not what stands": ({"now": "6"}, "now: '6', but reports.csv has '5'"),
    "removed, yet there": ({"column_name": ""}, "column_name: is blank, which says that the row"),
    "no version": ({"wrong_since": "July"}, "wrong_since: 'July' is neither a release's version"),
    "too late": ({"wrong_since": "2021-09-01"}, "wrong_since: '2021-09-01' is after corrected_on"),
    "no reason": ({"why": ""}, "why: is blank; it is required"),
}


def with_corrections(tmp_path: Path, *corrections: dict[str, str]) -> Path:
    ledger = write_ledger(tmp_path / "ledger", reports=[report("a", "5")])
    with (ledger / "corrections.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, CORRECTIONS.columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(corrections)
    return ledger


@pytest.mark.parametrize("case", WRONG)
def test_a_correction_is_held_against_the_ledger(case: str, tmp_path: Path) -> None:
    cells, expected = WRONG[case]
    ledger = with_corrections(tmp_path, {**CORRECTION, **cells})
    result = CliRunner().invoke(app, ["check", "--ledger", str(ledger)])
    assert result.exit_code == 1
    assert f"corrections.csv:2: {expected}" in result.stdout


def test_a_cell_corrected_twice_agrees_with_the_newer(tmp_path: Path) -> None:
    newer = {**CORRECTION, "correction_id": "d", "corrected_on": "2021-09-01", "was": "7"}
    older = {**CORRECTION, "now": "7"}
    gone = {**CORRECTION, "correction_id": "e", "row_id": "z", "column_name": "", "now": ""}
    ledger = with_corrections(tmp_path, older, newer, gone)
    assert CliRunner().invoke(app, ["check", "--ledger", str(ledger)]).exit_code == 0
    home = release.build(ledger, tmp_path / "out", AS_OF)
    query = "select correction_id, was, now from corrections order by correction_id"
    assert ask(home, query) == [("c", "50", "7"), ("d", "7", "5"), ("e", "50", None)]


def test_a_ledger_without_corrections_keeps_its_version(tmp_path: Path) -> None:
    plain = built(tmp_path / "x", reports=[report("a", "5")])
    told = release.build(with_corrections(tmp_path, CORRECTION), tmp_path / "out", AS_OF)
    assert plain.name != told.name
