"""`facetally add`: rows in their sorted place, all or none, never a broken ledger."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pexpect
import pytest
from small_ledger import report, source, statement, write_ledger
from typer.testing import CliRunner

from facetally import app
from pipelines.adding import Draft, consider, insert_rows, write
from pipelines.changes import compare
from pipelines.fields import LEDGER_FILES, REPORTS
from pipelines.sides import read_ledger_edition

REPOSITORY = Path(__file__).parent.parent
AS_OF = date(2026, 11, 23)
NCA = "uk-nca-clearview-2019-20"
REAL = REPOSITORY / "data" / "ledger"


def run_add(ledger: Path, file: Path, kind: str = "report") -> tuple[int, str]:
    result = CliRunner().invoke(
        app, ["add", kind, "--from", str(file), "--ledger", str(ledger)], terminal_width=10_000
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def write_rows(path: Path, *rows: dict[str, str], columns: list[str] | None = None) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns or REPORTS.columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def content(ledger: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in ledger.iterdir()}


def small(tmp_path: Path, **rows: list[dict[str, str]]) -> Path:
    rows.setdefault("reports", [report("b", "5", "2020-01-01", "2020-12-31")])
    return write_ledger(tmp_path / "ledger", **rows)


def test_a_row_goes_to_its_sorted_place_and_no_other_byte_moves(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    shutil.copytree(REAL, ledger)
    before = (ledger / "reports.csv").read_bytes()
    line = next(x for x in before.splitlines(keepends=True) if x.startswith(NCA.encode()))
    (ledger / "reports.csv").write_bytes(before.replace(line, b""))
    row = dict(zip(REPORTS.columns, next(csv.reader([line.decode()])), strict=True))
    code, said = run_add(ledger, write_rows(tmp_path / "new.csv", row))
    assert code == 0
    assert "silent: National Crime Agency, Clearview AI, searches" in said
    assert "at least 501" in said
    assert (ledger / "reports.csv").read_bytes() == before


def test_windows_line_ends_and_a_missing_last_one_are_kept() -> None:
    table = next(t for t in LEDGER_FILES if t.name == "systems")
    old = b"system_id,name,vendor,first_used_on,note\r\nb,B,,,"
    new, lines = insert_rows(table, old, [{"system_id": "c", "name": 'C, "x"'}, {"system_id": "a"}])
    assert new == (
        b'system_id,name,vendor,first_used_on,note\r\na,,,,\r\nb,B,,,\r\nc,"C, ""x""",,,\r\n'
    )
    assert lines == [4, 2]


def test_every_kind_of_row_can_be_added(tmp_path: Path) -> None:
    ledger = small(tmp_path)
    rows = {
        "source": {"publisher": "Herald", "title": "News", "published_on": "2021", "kind": "press"},
        "agency": {"name": "East Police", "country": "GB", "level": "local"},
        "system": {"name": "Seer"},
        "report": {**report("", "dozens"), "agency_id": "gb-east-police", "system_id": "seer"},
        "statement": {**statement("", "denied", "2020"), "source_id": "herald-2021-news"},
        "duty": {
            "agency_id": "gb-east-police",
            "instrument": "The Act",
            "requires": "Counts",
            "source_id": "herald-2021-news",
        },
        "correction": {
            "table_name": "systems",
            "row_id": "seer",
            "column_name": "name",
            "was": "Sear",
            "now": "Seer",
            "corrected_on": "2021-07-01",
            "why": "A slip.",
        },
    }
    for kind, row in rows.items():
        file = tmp_path / f"{kind}.json"
        file.write_text(json.dumps([row]))
        code, said = run_add(ledger, file, kind)
        assert code == 0, said
    assert "gb-east-police-seer-searches" in (ledger / "reports.csv").read_text()
    assert "seer-name-2021-07-01" in (ledger / "corrections.csv").read_text()
    assert CliRunner().invoke(app, ["check", "--ledger", str(ledger)]).exit_code == 0


def test_spreadsheets_are_read_like_csv(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    row: dict[str, Any] = {**report("", "7"), "wording": 7, "period_start": datetime(2021, 1, 1)}
    book.active.append(list(row))
    book.active.append(list(row.values()))
    book.save(tmp_path / "new.xlsx")
    ledger = small(tmp_path)
    code, said = run_add(ledger, tmp_path / "new.xlsx")
    assert code == 0, said
    assert ",2021-01-01,,7," in (ledger / "reports.csv").read_text()


def test_the_same_number_from_another_source_is_pointed_out(tmp_path: Path) -> None:
    ledger = small(tmp_path, sources=[source("herald", "2021-07-01")])
    row = report("c", "five", "2020-06-01", "2021-05-31", source_id="herald")
    code, said = run_add(ledger, write_rows(tmp_path / "new.csv", row))
    assert code == 0
    assert "b gives the same number (exactly 5) for the same agency and an overlapping" in said


def test_a_contradiction_is_pointed_out_with_its_arithmetic(tmp_path: Path) -> None:
    ledger = small(tmp_path)
    row = report("c", "more than 90", "2020-03-01", "2020-03-31", channel="leaked")
    code, said = run_add(ledger, write_rows(tmp_path / "new.csv", row))
    assert code == 0
    assert "c would be set aside, for it contradicts other evidence: c says at least 91" in said
    assert re.search(r"opened contradicted: North Police, Finder, searches", said)


def test_what_is_shown_beforehand_is_what_comes(tmp_path: Path) -> None:
    """Only the agencies concerned are worked out, groups and members with them."""
    ledger = tmp_path / "ledger"
    shutil.copytree(REAL, ledger)
    whole = read_ledger_edition("before", ledger, AS_OF)
    row = report(
        "new-one",
        "exactly 900",
        "2012-01-01",
        "2012-12-31",
        agency_id="us-ca-carlsbad-police-department",
        system_id="tacids",
    )
    sources = {r["source_id"]: r for r in whole.tables["sources"].to_pylist()}
    row["source_id"] = next(s for s in sources if sources[s]["published_on"] >= "2013")
    shown = consider(ledger, [Draft("reports", row, "the row")], AS_OF)
    assert shown.problems == []
    assert shown.changes is not None
    write(ledger, [Draft("reports", row, "the row")])
    come = compare(whole, read_ledger_edition("after", ledger, AS_OF))
    assert come.rows
    assert (shown.changes.rows, shown.changes.bounds) == (come.rows, come.bounds)
    assert (shown.changes.gaps, shown.changes.conflicts) == (come.gaps, come.conflicts)


def test_a_crash_between_two_files_leaves_a_sound_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = small(tmp_path)
    drafts = [
        Draft("reports", report("c", "6", source_id="herald"), "the report"),
        Draft("sources", source("herald", "2021-01-01"), "the source"),
    ]
    replace = Path.replace

    def crash(self: Path, target: Path) -> Path:
        if target.name == "reports.csv":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write(ledger, drafts)
    monkeypatch.undo()
    assert "herald" in (ledger / "sources.csv").read_text()
    assert CliRunner().invoke(app, ["check", "--ledger", str(ledger)]).exit_code == 0


def test_all_rows_or_none(tmp_path: Path) -> None:
    ledger = small(tmp_path)
    before = content(ledger)
    rows = [report("c", "6", "2019-01-01", "2019-12-31"), report("d", "oodles")]
    code, said = run_add(ledger, write_rows(tmp_path / "new.csv", *rows))
    assert (code, content(ledger)) == (1, before)
    assert "row 3 of" in said


SERIES = {"start": "2019-01-01", "end": "2019-12-31"}
BROKEN_ROWS = {
    "agency misspelt": (
        {"agency_id": "north-polcie"},
        "agency_id: 'north-polcie' is not in agencies.csv; did you mean 'north-police'?",
    ),
    "no agency": ({"agency_id": ""}, "agency_id: is blank; it is required"),
    "unknown system": ({"system_id": "seer"}, "system_id: 'seer' is not in systems.csv"),
    "unknown source": ({"source_id": "times"}, "source_id: 'times' is not in sources.csv"),
    "unknown mode": ({"mode": "dead"}, "mode: 'dead' is not one of"),
    "unknown metric": ({"metric": "search"}, "metric: 'search' is not one of"),
    "unknown channel": ({"channel": "leak"}, "did you mean 'leaked'?"),
    "unknown discloser": ({"disclosed_by": "mayor"}, "disclosed_by: 'mayor' is not in"),
    "own discloser": ({"disclosed_by": "north-police"}, "is the agency itself; leave blank"),
    "no number": ({"wording": "oodles"}, "wording: "),
    "no wording": ({"wording": ""}, "wording: is blank; it is required"),
    "a negative number": ({"wording": "-5"}, "wording: "),
    "a fraction": ({"wording": "2.5"}, "wording: "),
    "a range that falls": ({"wording": "50-11"}, "wording: "),
    "a number beyond belief": ({"wording": "9" * 20}, "wording: "),
    "a formula": ({"wording": "=1+1"}, "wording: "),
    "no such day": ({"period_start": "2019-02-30"}, "period_start: '2019-02-30'"),
    "a day in another order": ({"period_start": "01.02.2019"}, "'01.02.2019' is not a date; write"),
    "a month for a day": ({"period_end": "2019-12"}, "is not a day; write YYYY-MM-DD"),
    "an end before the start": ({"period_end": "2018-12-31"}, "is before period_start"),
    "a period in the future": ({"period_end": "2031-12-31"}, "is after the source was published"),
    "a start after publication": (
        {"period_start": "2021-07-01", "period_end": ""},
        "period_start: '2021-07-01' is after the source was published",
    ),
    "an unknown rate": ({"per": "daily"}, "per: 'daily' is not one of"),
    "a rate without an end": ({"per": "day", "period_end": ""}, "a rate needs the first and last"),
    "an override without reason": ({"low": "3"}, "an override of low or high needs its reason"),
    "an override in words": ({"low": "three", "note": "x"}, "low: 'three' is not a count"),
    "low above high": ({"low": "9", "high": "8", "note": "x"}, "low 9 is above high 8"),
    "a taken id": ({"report_id": "b"}, "report_id: 'b' is the id of another row"),
    "an id with capitals": ({"report_id": "North 1"}, "report_id: 'North 1' is not an id"),
    "an endless id": ({"report_id": "x" * 200}, "is not an id; write at most 120"),
    "corrects nothing": ({"replaces": "z"}, "replaces: 'z' is not in reports.csv"),
    "corrects itself": ({"replaces": "new"}, "a report cannot replace itself"),
    "an invisible character": ({"note": "a\u202eb"}, "has an invisible control character"),
    "a NUL": ({"note": "a\x00b"}, "NUL character"),
    "an endless note": ({"note": "x" * 5_000}, "5000 characters; at most 4000 are allowed"),
    "the fact is there": (
        {"wording": "5", "period_start": "2020-01-01", "period_end": "2020-12-31"},
        "b states the same fact from the same source already",
    ),
}  # fmt: skip


SOURCE = {"publisher": "Herald", "title": "News", "published_on": "2021", "kind": "press"}
AGENCY = {"name": "East Police", "country": "GB", "level": "local"}
DUTY = {"agency_id": "north-police", "instrument": "The Act", "requires": "Counts"}
CORRECTION = {
    "table_name": "reports",
    "row_id": "b",
    "column_name": "wording",
    "was": "6",
    "now": "5",
    "corrected_on": "2021-07-01",
    "why": "A slip.",
}
BROKEN_OTHERS: dict[str, tuple[str, dict[str, str], str]] = {
    "a source without a day": ("source", {**SOURCE, "published_on": ""}, "published_on: is blank"),
    "a source in May 1st": (
        "source",
        {**SOURCE, "published_on": "1 May 2021"},
        "published_on: '1 May 2021' is not a date; write YYYY-MM-DD, YYYY-MM or YYYY",
    ),
    "an address without http": (
        "source",
        {**SOURCE, "url": "herald.example"},
        "url: 'herald.example' is not a web address; write http:// or https:// and the rest",
    ),
    "an unknown kind of source": ("source", {**SOURCE, "kind": "blog"}, "kind: 'blog' is not one"),
    "a country by its name": (
        "agency",
        {**AGENCY, "country": "Great Britain"},
        "country: 'Great Britain' is not an ISO 3166-1 code; write two capitals",
    ),
    "residents with separators": (
        "agency",
        {**AGENCY, "population": "1,200,000"},
        "population: '1,200,000' is not a whole number; write digits only, no separators",
    ),
    "a member of no group": (
        "agency",
        {**AGENCY, "member_of": "north-police"},
        "member_of: 'north-police' is not of level group",
    ),
    "a system without a name": ("system", {"name": ""}, "name: is blank; it is required"),
    "an unknown stance": (
        "statement",
        {**statement("", "refused", "2020"), "source_id": "gazette"},
        "stance: 'refused' is not one of confirmed, denied, declined,",
    ),
    "a denial made after its source": (
        "statement",
        {**statement("", "denied", "2022-01-01"), "source_id": "gazette"},
        "said_on: 2022-01-01 is after its source was published (2021-06-30)",
    ),
    "a duty that ends before it starts": (
        "duty",
        {
            **{**DUTY, "source_id": "gazette"},
            **{"effective_from": "2021-01-01", "effective_until": "2020-01-01"},
        },
        "effective_until: 2020-01-01 is before 2021-01-01",
    ),
    "due days without a cadence": (
        "duty",
        {**DUTY, "source_id": "gazette", "due_days": "30"},
        "due_days: needs a cadence; without one leave blank",
    ),
    "a correction of no row": (
        "correction",
        {**CORRECTION, "row_id": "c"},
        "row_id: 'c' is not in reports.csv",
    ),
    "a correction that is not made": (
        "correction",
        {**CORRECTION, "now": "7"},
        "now: '7', but reports.csv has '5'",
    ),
}  # fmt: skip


def _header(*columns: str) -> bytes:
    return ",".join(columns).encode() + b"\n"


WHOLE = _header(*REPORTS.columns)
BROKEN_FILES: dict[str, tuple[str, bytes | None, str]] = {
    "no such file": ("new.csv", None, "cannot be read (No such file or directory)"),
    "an empty file": ("new.csv", b"", "is empty"),
    "a header alone": ("new.csv", WHOLE, "has a header but no rows"),
    "an unknown column": (
        "new.csv",
        WHOLE.replace(b"wording", b"words") + b"x\n",
        "'words' is no column of reports; did you mean 'wording'?",
    ),
    "columns missing": ("new.csv", b"agency_id\nx\n", "the required columns system_id, mode,"),
    "a column twice": (
        "new.csv",
        WHOLE.replace(b"note", b"wording") + b"x\n",
        "'wording' is there twice",
    ),
    "too few cells": ("new.csv", WHOLE + b"a,b\n", "row 2 of"),
    "too many cells": ("new.csv", WHOLE + b"x," * 30 + b"\n", "row 2 of"),
    "another encoding": ("new.csv", WHOLE + b"Gaz\xe9tte\n", "byte 0xe9 is not UTF-8"),
    "an open quote": ("new.csv", WHOLE + b'"abc\n', "broken CSV"),
    "a NUL in CSV": ("new.csv", WHOLE + b"a\x00b\n", "has a NUL character"),
    "an unknown kind": ("new.docx", b"PK", "is of an unknown kind; use .csv, .json or"),
    "no spreadsheet": ("new.xlsx", b"PK\x03\x04 nothing", "cannot be read as a spreadsheet"),
    "no JSON": ("new.json", b"{", "is not JSON"),
    "JSON of another shape": ("new.json", b'{"rows": 1}', "must be a list of objects"),
    "JSON without objects": ("new.json", b"[1]", "is not an object of columns and values"),
    "JSON in JSON": ("new.json", b'[{"note": [1]}]', "the required columns"),
    "endless JSON": ("new.json", b"[" * 100_000, "nested too deeply"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN_ROWS)
def test_a_broken_row_is_refused_with_a_reason(case: str, tmp_path: Path) -> None:
    cells, expected = BROKEN_ROWS[case]
    ledger = small(tmp_path)
    before = content(ledger)
    row = {**report("new", "6", "2019-01-01", "2019-12-31"), **cells}
    file = tmp_path / "new.json"
    file.write_text(json.dumps([row]))
    code, said = run_add(ledger, file)
    assert code == 1
    assert f"row 1 of {file}: " in said
    assert expected in said
    assert content(ledger) == before


@pytest.mark.parametrize("case", BROKEN_OTHERS)
def test_a_broken_row_of_another_kind_is_refused_with_a_reason(case: str, tmp_path: Path) -> None:
    kind, row, expected = BROKEN_OTHERS[case]
    ledger = small(tmp_path)
    before = content(ledger)
    file = tmp_path / "new.json"
    file.write_text(json.dumps([row]))
    code, said = run_add(ledger, file, kind)
    assert code == 1
    assert f"row 1 of {file}: {expected}" in said
    assert content(ledger) == before


def test_fifty_broken_inputs_have_fifty_answers() -> None:
    """Each case below says what its answer must contain; no two share it."""
    answers = [
        expected
        for cases in (BROKEN_ROWS, BROKEN_FILES, BROKEN_OTHERS)
        for *_, expected in cases.values()
    ]
    # These say the same of different cells, or of cells that are cut short.
    unspecific = {"wording: ", "row 2 of", "is not one of", "NUL character", "broken CSV"}
    assert len({a for a in answers if a not in unspecific}) >= 50


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    ledger = small(tmp_path)
    file = tmp_path / "new.csv"
    file.write_text('agency_id,words,words\nx,"a\nb",c\ny\nz,1,2,3,4\n')
    code, said = run_add(ledger, file)
    assert code == 1
    assert said.splitlines() == [
        f"{file}: 'words' is no column of reports; did you mean 'wording'?; the columns are "
        + ", ".join(REPORTS.columns),
        f"{file}: the required columns system_id, mode, metric, wording, channel, source_id are "
        "missing",
        f"row 3 of {file} (line 4): 1 cells, but the header has 3; a cell with a comma needs "
        '"quotes"',
        f"row 4 of {file} (line 5): 5 cells, but the header has 3; a cell with a comma needs "
        '"quotes"',
    ]
    file = tmp_path / "new.json"
    file.write_text(json.dumps([1, {**report("c", "5"), "note": 2.5}]))
    code, said = run_add(ledger, file)
    assert [line.split(";")[0] for line in said.splitlines()] == [
        f"row 1 of {file} is not an object of columns and values but 1",
        f"row 2 of {file}: note: 2.5 is neither text nor a whole number",
    ]


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_a_broken_file_is_refused_with_a_reason(case: str, tmp_path: Path) -> None:
    name, data, expected = BROKEN_FILES[case]
    ledger = small(tmp_path)
    before = content(ledger)
    if data is not None:
        (tmp_path / name).write_bytes(data)
    code, said = run_add(ledger, tmp_path / name)
    assert code == 1
    assert name in said
    assert expected in said
    assert content(ledger) == before


def test_nothing_is_added_to_a_broken_ledger(tmp_path: Path) -> None:
    ledger = small(tmp_path, reports=[report("a", "oodles")])
    before = content(ledger)
    code, said = run_add(ledger, write_rows(tmp_path / "new.csv", report("c", "6")))
    assert (code, content(ledger)) == (1, before)
    assert "the ledger has 1 problems already" in said


# --- the prompt, in a terminal -----------------------------------------------------------------


class Terminal:
    """A curator at `facetally add`: waits for a question, answers it."""

    def __init__(self, ledger: Path, kind: str) -> None:
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "facetally", "add", kind, "--ledger", str(ledger)],
            cwd=REPOSITORY,
            env={**os.environ, "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm"},
            dimensions=(50, 200),
            encoding="utf-8",
            timeout=60,
        )

    def wait(self, text: str) -> str:
        self._child.expect_exact(text)
        return _plain(self._child.before or "")

    def answer(self, question: str, text: str) -> str:
        """Answer a question; returns what was said before it."""
        said = self.wait(question)
        self._child.send(f"{text}\r")
        return said

    def interrupt(self) -> None:
        self._child.sendcontrol("c")

    def finish(self) -> tuple[int, str]:
        self._child.expect(pexpect.EOF)
        said = _plain(self._child.before or "")
        self._child.close()
        return self._child.exitstatus, said


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def without_nca(tmp_path: Path) -> Path:
    ledger = tmp_path / "ledger"
    shutil.copytree(REAL, ledger)
    path = ledger / "reports.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(x for x in lines if not x.startswith(NCA.encode())))
    return ledger


def worked_example() -> tuple[list[tuple[str, str]], list[str]]:
    """CONTRIBUTING.md's conversation: questions with answers, and what is said in between."""
    guide = (REPOSITORY / "CONTRIBUTING.md").read_text()
    block = re.search(r"```console\n\$ facetally add report\n(.*?)```", guide, re.S)
    assert block, "CONTRIBUTING.md has no worked example"
    asked = [line for line in block[1].splitlines() if line.startswith("? ")]
    answers = [re.fullmatch(r"\? (.+?[:?])(?: (.*))?", line) for line in asked]
    said = [line.strip() for line in block[1].splitlines() if line and not line.startswith("? ")]
    return [(m[1], m[2] or "") for m in answers if m], said


def test_the_worked_example_of_the_guide_adds_the_row(tmp_path: Path) -> None:
    ledger = without_nca(tmp_path)
    before = (ledger / "reports.csv").read_bytes().splitlines()
    terminal = Terminal(ledger, "report")
    conversation, said = worked_example()
    heard = ""
    for question, answer in conversation:
        heard += terminal.answer(question, answer)
    code, rest = terminal.finish()
    assert code == 0, rest
    heard = " ".join((heard + rest).split())
    for line in said:
        assert " ".join(line.split()) in heard, line
    after = (ledger / "reports.csv").read_bytes().splitlines()
    (added,) = [x for x in after if x not in before]
    row = dict(zip(REPORTS.columns, next(csv.reader([added.decode()])), strict=True))
    real = next(
        r for r in csv.DictReader(REAL.joinpath("reports.csv").open()) if "uk-nca" in r["report_id"]
    )
    assert {c: v for c, v in row.items() if c not in ("report_id", "note")} == {
        c: v for c, v in real.items() if c not in ("report_id", "note")
    }
    assert [x for x in after if x != added] == before


def test_leaving_the_prompt_writes_nothing(tmp_path: Path) -> None:
    ledger = small(tmp_path)
    before = content(ledger)
    terminal = Terminal(ledger, "report")
    terminal.answer("Source:", "gazette")
    terminal.wait("Agency:")
    terminal.interrupt()
    code, said = terminal.finish()
    assert (code, content(ledger)) == (1, before)
    assert "Nothing was written" in said


def test_a_document_that_is_missing_is_asked_for_on_the_way(tmp_path: Path) -> None:
    ledger = small(tmp_path)
    terminal = Terminal(ledger, "statement")
    steps: list[tuple[str, str]] = [
        ("Source:", "new"),
        ("Publisher:", "Herald"),
        ("Title:", "No comment"),
        ("Published on:", "2021-05"),
        ("Url:", "https://example.org/herald"),
        ("Kind:", "press"),
        ("Language:", "en"),
        ("Note:", ""),
        ("Id:", ""),
        ("Agency:", "south"),
        ("System:", "finder"),
        ("Stance:", "declined"),
        ("Said on:", "2021-05"),
        ("Summary:", "Would not say."),
        ("Id:", ""),
        ("Write it?", ""),
    ]
    for question, answer in steps:
        terminal.answer(question, answer)
    code, said = terminal.finish()
    assert code == 0, said
    assert "herald-2021-05-no-comment,Herald" in (ledger / "sources.csv").read_text()
    assert "south-police-declined-2021" in (ledger / "statements.csv").read_text()


def test_without_a_terminal_a_file_is_asked_for(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["add", "report", "--ledger", str(small(tmp_path))])
    assert result.exit_code == 1
