"""`facetally check` on broken ledgers: every problem at once, each with its place and remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_ledger import report, source, statement, write_ledger
from typer.testing import CliRunner

from facetally import app

REPOSITORY = Path(__file__).parent.parent


def run_check(ledger: Path, *more: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["check", "--ledger", str(ledger), *more])
    lines = [line.removeprefix(f"{ledger}/") for line in result.stdout.splitlines()]
    return result.exit_code, lines


def test_the_real_ledger_is_clean() -> None:
    code, lines = run_check(REPOSITORY / "data" / "ledger")
    assert (code, lines) == (0, [])


def test_a_small_sound_ledger_is_clean(tmp_path: Path) -> None:
    ledger = write_ledger(
        tmp_path, reports=[report("a", "more than 5", "2020-01-01", "2020-12-31")]
    )
    assert run_check(ledger) == (0, [])


BROKEN_REPORTS = {
    "unknown agency": (
        report("a", "5", agency_id="north-polcie"),
        "agency_id: 'north-polcie' is not in agencies.csv; did you mean 'north-police'?",
    ),
    "unknown system": (
        report("a", "5", system_id="seer"),
        "system_id: 'seer' is not in systems.csv",
    ),
    "unknown source": (
        report("a", "5", source_id="times"),
        "source_id: 'times' is not in sources.csv",
    ),
    "unknown metric": (
        report("a", "5", metric="search"),
        "metric: 'search' is not one of searches, requests,",
    ),
    "unknown channel": (
        report("a", "5", channel="leak"),
        "channel: 'leak' is not one of published, on_request, compelled, vendor, third_party, "
        "leaked; did you mean 'leaked'?",
    ),
    "reversed period": (
        report("a", "5", "2020-12-31", "2020-01-01"),
        "period_end: '2020-01-01' is before period_start; swap them",
    ),
    "unreadable wording": (report("a", "oodles"), "wording: "),
    "blank wording": (report("a", ""), "wording: is blank; it is required"),
    "no such day": (report("a", "5", "2020-02-30", "2020-12-31"), "period_start: '2020-02-30'"),
    "a month for a day": (
        report("a", "5", "2020-02", "2020-12-31"),
        "period_start: '2020-02' is not a day; write YYYY-MM-DD",
    ),
    "digits of another script": (
        report("a", "5", "2020-01-0\uff11", "2020-12-31"),
        "period_start: '2020-01-0\uff11' is not a date; write YYYY-MM-DD, YYYY-MM or YYYY",
    ),
    "published before it began": (
        report("a", "5", "2021-07-01"),
        "period_start: '2021-07-01' is after the source was published",
    ),
    "published before it ended": (
        report("a", "5", "2021-01-01", "2021-12-31"),
        "period_end: '2021-12-31' is after the source was published",
    ),
    "low above high": (
        report("a", "5", low="7", note="Read off a chart."),
        "low: low 7 is above high 5; the wording or an override is wrong",
    ),
    "override without reason": (
        report("a", "5", high="none"),
        "note: is blank; an override of low or high needs its reason",
    ),
    "override in words": (
        report("a", "5", low="five", note="Why."),
        "low: 'five' is not a count; write digits only",
    ),
    "rate without period": (
        report("a", "5", per="day"),
        "period_start: is blank; a rate needs the first and last day that it covers",
    ),
    "unknown rate": (
        report("a", "5", "2020-01-01", "2020-12-31", per="daily"),
        "per: 'daily' is not one of day, week, month, year; did you mean 'day'?",
    ),
    "discloser is the agency": (
        report("a", "5", disclosed_by="north-police"),
        "disclosed_by: 'north-police' is the agency itself; leave blank",
    ),
    "corrects itself": (
        report("a", "5", replaces="a"),
        "replaces: 'a' is this row: a report cannot replace itself; leave blank",
    ),
    "a capital in an id": (report("A1", "5"), "report_id: 'A1' is not an id"),
    "blanks around": (report("a", "5 "), "wording: '5 ' has blanks around it; remove them"),
    "invisible character": (report("a", "5\u202e"), "wording: '5\\u202e' has an invisible control"),
    "a period before computers": (
        report("a", "5", "0001-01-01", "2020-12-31"),
        "period_start: '0001-01-01' is before 1960-01-01, a slip of the pen",
    ),
    "a rate beyond belief": (
        report("a", "900000000000", "2020-01-01", "2020-12-31", per="day"),
        "per: a rate a day makes a total beyond 1000000000000 over its period",
    ),
    "a count beyond belief": (report("a", "9999999999999999"), "wording: "),
}


@pytest.mark.parametrize("case", BROKEN_REPORTS)
def test_a_broken_report_is_named_with_its_line(case: str, tmp_path: Path) -> None:
    row, expected = BROKEN_REPORTS[case]
    ledger = write_ledger(tmp_path, reports=[report("sound", "1", "2019-01-01", "2019-12-31"), row])
    code, lines = run_check(ledger)
    assert code == 1
    assert any(line.startswith(f"reports.csv:3: {expected}") for line in lines), lines


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    ledger = write_ledger(tmp_path, reports=[row for row, _ in BROKEN_REPORTS.values()])
    _, lines = run_check(ledger)
    for line, (_, expected) in enumerate(BROKEN_REPORTS.values(), start=2):
        assert any(text.startswith(f"reports.csv:{line}: {expected}") for text in lines), expected


def test_ids_and_facts_are_unique(tmp_path: Path) -> None:
    ledger = write_ledger(
        tmp_path,
        reports=[
            report("a", "5", "2020-01-01", "2020-12-31"),
            report("a", "6", "2020-01-01", "2020-12-31"),
            report("b", "5", "2020-01-01", "2020-12-31"),
        ],
    )
    assert run_check(ledger)[1] == [
        "reports.csv:3: report_id: 'a' is the id of another row, line 2; keep one",
        "reports.csv:4: report_id: 'b' states the same fact from the same source as another row, "
        "line 2; keep one",
    ]


def test_a_report_and_a_statement_do_not_share_an_id(tmp_path: Path) -> None:
    ledger = write_ledger(
        tmp_path, reports=[report("a", "5")], statements=[statement("a", "denied")]
    )
    assert run_check(ledger)[1] == [
        "reports.csv:2: report_id: 'a' is the id of a statement; evidence of both sorts shares its "
        "ids"
    ]


def test_a_correction_is_of_the_same_series_and_later(tmp_path: Path) -> None:
    ledger = write_ledger(
        tmp_path,
        sources=[source("older", "2020-01-01")],
        reports=[
            report("a", "5"),
            report("b", "6", agency_id="south-police", replaces="a"),
            report("c", "6", source_id="older", replaces="a"),
        ],
    )
    assert run_check(ledger)[1] == [
        "reports.csv:3: replaces: 'a' is of another agency, system or metric",
        "reports.csv:4: replaces: 'a' was published after the row that corrects it",
    ]


def test_statements_are_checked(tmp_path: Path) -> None:
    ledger = write_ledger(
        tmp_path,
        statements=[
            statement("a", "refused"),
            statement("b", "denied", "2020-02-28/2020-01-01"),
            statement("c", "denied", "2022-01-01"),
        ],
    )
    _, lines = run_check(ledger)
    assert lines[0].startswith(
        "statements.csv:2: stance: 'refused' is not one of confirmed, denied"
    )
    assert lines[1] == (
        "statements.csv:3: said_on: '2020-02-28/2020-01-01' ends before it starts; write the "
        "earlier day first"
    )
    assert lines[2] == (
        "statements.csv:4: said_on: 2022-01-01 is after its source was published (2021-06-30)"
    )


def test_groups_are_groups(tmp_path: Path) -> None:
    north = {"name": "X", "country": "GB", "level": "group"}
    ledger = write_ledger(
        tmp_path,
        agencies=[
            {"agency_id": "a", **north, "member_of": "north-police"},
            {"agency_id": "b", **north, "member_of": "c"},
            {"agency_id": "c", **north, "member_of": "b"},
            {"agency_id": "d", "name": "X", "country": "Britain", "level": "local"},
        ],
    )
    assert run_check(ledger)[1] == [
        "agencies.csv:4: member_of: 'north-police' is not of level group",
        "agencies.csv:5: member_of: 'b' is within itself",
        "agencies.csv:6: member_of: 'c' is within itself",
        "agencies.csv:7: country: 'Britain' is not an ISO 3166-1 code; write two capitals, ZZ for "
        "none",
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    ledger = write_ledger(tmp_path)
    (ledger / "duties.csv").unlink()
    code, lines = run_check(ledger)
    assert code == 1
    assert lines == [f"duties.csv:1: the file is missing; expected {ledger}/duties.csv"]


def test_a_missing_directory_names_every_file(tmp_path: Path) -> None:
    code, lines = run_check(tmp_path / "nowhere")
    assert (code, len(lines)) == (1, 6)


BROKEN_BYTES = {
    "wrong encoding": (
        lambda data: data.replace(b"Gazette", b"Gaz\xe9tte"),
        "sources.csv:2: byte 0xe9 is not UTF-8; save the file as UTF-8",
    ),
    "byte order mark": (
        lambda data: b"\xef\xbb\xbf" + data,
        "sources.csv:1: starts with a byte order mark; save as UTF-8 without BOM",
    ),
    "open quote": (
        lambda data: data.replace(b"Gazette", b'"Gazette'),
        "sources.csv:2: broken CSV (unexpected end of data)",
    ),
    "too few fields": (
        lambda data: data.replace(b",en,", b",en"),
        "sources.csv:2: the row has 7 fields, expected 8",
    ),
    "a column missing": (
        lambda data: data.replace(b",language,", b","),
        "sources.csv:1: wrong header (1 missing: language); expected source_id,",
    ),
    "thirty long columns too many": (
        lambda data: data.replace(b"\n", b"".join(b",%d" % n * 50 for n in range(30)) + b"\n", 1),
        f"sources.csv:1: wrong header (unknown: {', '.join(8 * [repr('0')])} and 1492 more); ",
    ),
    "a long column too many": (
        lambda data: data.replace(b"\n", b"," + b"x" * 500 + b"\n", 1),
        f"sources.csv:1: wrong header (unknown: '{'x' * 77}'...); expected source_id,",
    ),
    "columns swapped": (
        lambda data: data.replace(b"publisher,title", b"title,publisher"),
        "sources.csv:1: the columns are not in order; expected source_id,",
    ),
    "empty": (lambda _: b"", "sources.csv:1: the file is empty; it needs a header line"),
    "binary": (
        lambda data: data.replace(b"Gazette", b"Gaz\x00tte"),
        "sources.csv:2: a NUL character; save the file as plain text",
    ),
}


@pytest.mark.parametrize("case", BROKEN_BYTES)
def test_a_broken_file_is_named_with_its_line(case: str, tmp_path: Path) -> None:
    spoil, expected = BROKEN_BYTES[case]
    ledger = write_ledger(tmp_path)
    path = ledger / "sources.csv"
    path.write_bytes(spoil(path.read_bytes()))
    code, lines = run_check(ledger)
    assert code == 1
    assert any(line.startswith(expected) for line in lines), lines


def test_a_row_that_spans_lines_does_not_shift_the_count(tmp_path: Path) -> None:
    ledger = write_ledger(
        tmp_path, reports=[report("a", "5", note="one\ntwo"), report("b", "oodles")]
    )
    assert [line for line in run_check(ledger)[1] if line.startswith("reports.csv:4: wording")]


def test_json_is_for_machines(tmp_path: Path) -> None:
    ledger = write_ledger(tmp_path, reports=[report("a", "5", system_id="seer")])
    code, lines = run_check(ledger, "--format", "json")
    problem = json.loads("\n".join(lines))[0]
    assert code == 1
    assert problem == {
        "file": "reports.csv",
        "line": 2,
        "column": "system_id",
        "message": "'seer' is not in systems.csv; correct it, or add that row first",
    }
