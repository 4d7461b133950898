"""A release that was tampered with is found out."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from random_ledger import random_ledger
from typer.testing import CliRunner

from facetally import app
from pipelines.datapackage import describe_files, describe_release
from pipelines.dataset import sha256
from pipelines.fields import RELEASE, arrow_schema, released
from pipelines.release import build, write_csv
from pipelines.verification import Verification, compare_with_ledger, verify
from pipelines.verify import NEWS, verify_files

AS_OF = date(2024, 6, 30)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second release of a made-up ledger: it has news about the first."""
    place = tmp_path_factory.mktemp("whole")
    ledger = random_ledger(3, agencies=12)
    for day in (date(2021, 1, 1), AS_OF):
        home = build(ledger.write(place / "ledger"), place / "releases", day)
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    """A copy to tamper with, the release before it beside it."""
    shutil.copytree(whole.parent, tmp_path / "releases", symlinks=True)
    return tmp_path / "releases" / whole.name


def test_a_whole_release_has_no_fault(home: Path) -> None:
    assert verify_files(home) == []


def test_every_flipped_byte_is_found(home: Path) -> None:
    dice = random.Random(1)
    for path in sorted(home.iterdir()):
        if path.name in {"CHANGES.md", "changes.json"}:
            continue
        content = path.read_bytes()
        for _ in range(3):
            place = dice.randrange(len(content))
            flipped = bytes([content[place] ^ 1 << dice.randrange(8)])
            path.write_bytes(content[:place] + flipped + content[place + 1 :])
            assert verify_files(home), (path.name, place)
        path.write_bytes(content)
    assert verify_files(home) == []


@pytest.mark.parametrize("harm", ["missing", "empty", "cut", "longer"])
def test_every_file_that_is_not_whole_is_named(home: Path, harm: str) -> None:
    for path in sorted(home.iterdir()):
        content = path.read_bytes()
        if path.name in {"CHANGES.md", "changes.json"} and harm != "missing":
            continue
        match harm:
            case "missing":
                path.unlink()
            case "empty":
                path.write_bytes(b"")
            case "cut":
                path.write_bytes(content[: len(content) // 2])
            case "longer":
                path.write_bytes(content + b"\n")
        assert path.name in {fault.file for fault in verify_files(home)}, path.name
        path.write_bytes(content)


# --- what is in the files --------------------------------------------------------------------


def rewritten(home: Path, table: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change rows of a table and describe the release anew, as a forger would."""
    schema = arrow_schema(released(table))
    rows = pq.read_table(home / f"{table}.parquet").to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), home / f"{table}.parquet")
    describe(home, table)


def describe(home: Path, *tables: str, files_only: bool = False) -> None:
    """Write the CSV of tables, and all descriptions, with digests that fit; unless ``files_only``
    the other shapes too."""
    with duckdb.connect() as con:
        for name in tables:
            write_csv(con, released(name), home)
    about = json.loads((home / "datapackage.json").read_text())["facetally"]
    news = {name: (home / name).read_bytes() for name in NEWS}
    for name in NEWS:
        (home / name).unlink()
    as_of = date.fromisoformat(about["as_of"])
    write = describe_files if files_only else describe_release
    write(home, about["release"], as_of, about["ledger_sha256"], about["method_sha256"])
    for name, content in news.items():
        (home / name).write_bytes(content)
    assert verify_files(home) == []


def write_sums(home: Path) -> None:
    """Digests that fit the files as they are now."""
    files = sorted(p for p in home.iterdir() if p.name not in {"SHA256SUMS", *NEWS})
    lines = (f"{sha256(path)}  {path.name}\n" for path in files)
    (home / "SHA256SUMS").write_text("".join(lines))


def by_other_code(home: Path) -> None:
    """Make a release look as if other code had built it: only its own certificates speak for it."""
    package = json.loads((home / "datapackage.json").read_text())
    package["facetally"]["method_sha256"] = "0" * 64
    (home / "datapackage.json").write_text(json.dumps(package))
    describe(home, files_only=True)


def faults_of(home: Path) -> str:
    return "\n".join(map(str, verify(home).faults))


def test_a_whole_release_passes_every_check(home: Path) -> None:
    found = verify(home)
    assert found.faults == []
    assert found.unchecked == []
    counts = dict(found.checked)
    assert counts["bounds are proved by their certificates alone"] > 200
    assert counts["contradictions are proved by their cycles"] >= 3
    assert counts["states of gaps have their sizes"] > 5
    assert counts["news files tell what changed"] == 2


@pytest.mark.torture
def test_a_release_described_anew_without_change_is_whole(home: Path) -> None:
    rewritten(home, "bounds", lambda rows: None)
    # Row groups and compression are those of the build: only the bytes of one file may differ.
    assert faults_of(home) == ""


def shift(table: str, column: str) -> Callable[[Path], None]:
    """Move one number or day in the middle of a table by one."""

    def change(rows: list[dict[str, Any]]) -> None:
        filled = [row for row in rows if row[column] is not None]
        row = filled[len(filled) // 2]
        row[column] += timedelta(days=1) if isinstance(row[column], date) else 1

    return lambda home: rewritten(home, table, change)


def drop(table: str) -> Callable[[Path], None]:
    """Remove one row in the middle of a table."""
    return lambda home: rewritten(home, table, lambda rows: rows.pop(len(rows) // 2))


def shorten(table: str, column: str) -> Callable[[Path], None]:
    """Drop one id of the longest list in a column."""
    return lambda home: rewritten(
        home, table, lambda rows: max((row[column] for row in rows), key=len).pop()
    )


FORGERIES = {
    "an upper bound": (shift("bounds", "high"), "high is "),
    "the agency's own bound": (shift("bounds", "agency_low"), "not what follows"),
    "a report's number": (shift("reports", "low"), "its words mean another interval"),
    "an id of a certificate": (shorten("bounds", "high_report_ids"), "high is "),
    "an id of a contradiction": (shorten("conflicts", "cycle_ids"), "can all be true"),
    "the size of a gap": (shift("gap_history", "low"), "its size is not that of its window"),
    "a row of bounds": (drop("bounds"), "not what follows"),
    "a report": (drop("reports"), "is not in reports or statements"),
    "a source": (drop("sources"), "is not in sources"),
    "a state of a gap": (drop("gap_history"), "history"),
}


# Found without deriving anything again.
CERTIFIED = ("an upper bound", "an id of a certificate", "an id of a contradiction")
SHORT = ("an upper bound", "a report's number", "an id of a contradiction", "a state of a gap")


@pytest.mark.parametrize(
    "forgery", [pytest.param(f, marks=() if f in SHORT else pytest.mark.torture) for f in FORGERIES]
)
def test_a_forgery_with_fitting_digests_is_found(home: Path, forgery: str) -> None:
    harm, expected = FORGERIES[forgery]
    harm(home)
    if forgery in CERTIFIED:
        by_other_code(home)
    assert expected in faults_of(home)


OTHERWISE = ("the agency's own bound", "a report's number", "a row of bounds", "a state of a gap")


@pytest.mark.parametrize(
    "forgery",
    [pytest.param(f, marks=() if f == OTHERWISE[0] else pytest.mark.torture) for f in OTHERWISE],
)
def test_a_forgery_that_names_other_code_as_its_maker_does_not_pass(
    home: Path, forgery: str
) -> None:
    """What no certificate tells may be right by that code; it is not called whole."""
    harm, expected = FORGERIES[forgery]
    harm(home)
    by_other_code(home)
    run = CliRunner().invoke(app, ["verify", str(home)])
    assert run.exit_code in {1, 2}, run.output
    assert expected in run.output
    assert "is whole" not in run.output


def test_a_release_by_other_code_is_proved_as_far_as_this_code_agrees(
    whole: Path, home: Path
) -> None:
    by_other_code(home)
    ledger = whole.parent.parent / "ledger"
    run = CliRunner().invoke(app, ["verify", str(home), "--ledger", str(ledger)])
    assert run.exit_code == 2, run.output
    for proved in (
        "bounds are proved by their certificates alone",
        "tables follow from the reports and statements",
        "descriptions are those of these tables",
        "files are what the ledger gives, byte by byte",
    ):
        assert re.search(rf"^ *\d[\d,]* {proved}", run.output, re.M), run.output
    assert "Not checked: whether the code that it names built it: '000000" in run.output
    # They would tell that the method changed.
    assert "Not checked: whether news files tell what changed" in run.output
    assert "no fault found" in run.output


def test_news_that_nothing_at_hand_confirms_are_not_called_whole(home: Path) -> None:
    """The news may name a release before it that nobody ever had."""
    text = json.loads((home / "changes.json").read_text(encoding="utf-8"))
    text["before"]["name"] = "2020-01-01-000000000000"
    (home / "changes.json").write_text(json.dumps(text), encoding="utf-8")
    run = CliRunner().invoke(app, ["verify", str(home)])
    assert run.exit_code == 2, run.output
    assert "Not checked: what changed since '2020-01-01-000000000000'" in run.output


def test_a_cell_that_only_one_shape_tells_otherwise_is_found(home: Path) -> None:
    for file, told, other in (
        ("bounds.csv", ",searches,", ",alerts,"),
        ("bounds.excel.csv", ",searches,", ",alerts,"),
        ("bounds.json", '"metric":"searches"', '"metric":"alerts"'),
    ):
        path = home / file
        text = path.read_bytes().decode()
        assert told in text
        path.write_bytes(text.replace(told, other, 1).encode())
    describe(home, files_only=True)
    found = faults_of(home)
    for file in ("bounds.csv", "bounds.excel.csv", "bounds.json"):
        assert f"{file}: 1 rows are not those of bounds.parquet" in found


def test_words_and_days_of_the_descriptions_are_those_of_the_tables(home: Path) -> None:
    for file, told, other in (
        ("README.txt", "bounds: ", "bounds: 1"),
        ("dataset.jsonld", '"name": "bounds.csv"', '"name": "bound.csv"'),
        ("changes.json", '"headline": "', '"headline": "9 '),
    ):
        text = (home / file).read_text(encoding="utf-8")
        assert told in text
        (home / file).write_text(text.replace(told, other, 1), encoding="utf-8")
    write_sums(home)
    found = faults_of(home)
    assert "README.txt: does not describe these tables" in found
    assert "dataset.jsonld: does not describe these tables" in found
    assert "changes.json: does not tell what changed" in found


def test_the_command_says_what_it_checked(whole: Path, home: Path) -> None:
    ledger = whole.parent.parent / "ledger"
    run = CliRunner().invoke(app, ["verify", str(home), "--ledger", str(ledger)])
    assert run.exit_code == 0, run.output
    assert "files are what the ledger gives, byte by byte" in run.output
    assert re.search(r"\d+ bounds are proved by their certificates alone", run.output)
    (home / "stray.txt").write_text("")
    run = CliRunner().invoke(app, ["verify", home.name, "--releases", str(home.parent)])
    assert run.exit_code == 1
    assert "stray.txt: is no file of a release" in run.output
    assert CliRunner().invoke(app, ["verify", "nowhere"]).exit_code == 1


def test_a_release_is_compared_with_its_ledger(whole: Path, home: Path) -> None:
    """A forgery that holds together is told by the ledger alone."""
    ledger = whole.parent.parent / "ledger"

    def rename(rows: list[dict[str, Any]]) -> None:
        rows[0]["publisher"] = "Somebody Else"

    rewritten(home, "sources", rename)
    found = Verification()
    compare_with_ledger(home, ledger, found)
    assert "sources.csv: is not what " in "\n".join(map(str, found.faults))


# --- every number of the real release --------------------------------------------------------

RELEASES = Path(__file__).parent.parent / "data" / "releases"
LEDGER = Path(__file__).parent.parent / "data" / "ledger"
NUMBERS = [
    (table.name, field.name)
    for table in RELEASE
    for field in table.fields
    if field.type in {"integer", "number", "date"}
]


@pytest.mark.torture
def test_every_number_of_the_real_release_is_guarded(tmp_path: Path) -> None:
    """Move a number or day in every column of every table, with digests that fit. From a
    population nothing in a release follows: the ledger alone tells that it was moved."""
    by_ledger = ["agencies.population"]
    unfound = []
    tried = 0
    for table, column in NUMBERS:
        values = pq.read_table(RELEASES / "latest" / f"{table}.parquet", columns=[column])[column]
        if values.null_count == len(values):
            continue
        copy = tmp_path / f"{table}-{column}"
        shutil.copytree(RELEASES / "latest", copy)
        shift(table, column)(copy)
        tried += 1
        found = verify(copy)
        if not found.faults and f"{table}.{column}" in by_ledger:
            compare_with_ledger(copy, LEDGER, found)
        if not found.faults:
            unfound.append(f"{table}.{column}")
        shutil.rmtree(copy)
    print(f"\nNumbers changed with fitting digests: {tried}, found {tried - len(unfound)}")
    assert unfound == []
