"""`facetally diff` and CHANGES.md: what changed between two editions, and because of which row."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from small_ledger import report, source, statement, write_ledger
from typer.testing import CliRunner

from facetally import app
from pipelines import release

AS_OF = date(2021, 12, 31)
YEAR = ("2020-01-01", "2020-12-31")


def diff(before: Path | str, after: Path | str, *more: str) -> dict[str, Any]:
    options = ["--format", "json", "--as-of", AS_OF.isoformat(), *more]
    result = CliRunner().invoke(app, ["diff", str(before), str(after), *options])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def ledgers(tmp_path: Path, before: dict[str, Any], after: dict[str, Any]) -> tuple[Path, Path]:
    return write_ledger(tmp_path / "a", **before), write_ledger(tmp_path / "b", **after)


def test_the_same_ledger_twice_has_no_changes(tmp_path: Path) -> None:
    rows = {"reports": [report("a", "5", *YEAR)]}
    found = diff(*ledgers(tmp_path, rows, rows))
    assert [found[k] for k in ("rows", "bounds", "gaps", "conflicts")] == [[], [], [], []]


def test_a_corrected_wording_names_the_cells_and_moves_its_bounds(tmp_path: Path) -> None:
    found = diff(
        *ledgers(
            tmp_path,
            {"reports": [report("a", "5", *YEAR), report("z", "1", agency_id="south-police")]},
            {"reports": [report("a", "7", *YEAR), report("z", "1", agency_id="south-police")]},
        )
    )
    (row,) = found["rows"]
    assert (row["table"], row["row_id"], row["change"]) == ("reports", "a", "corrected")
    assert {c["column"]: (c["was"], c["now"]) for c in row["cells"]} == {
        "wording": ("5", "7"),
        "low": ("5", "7"),
        "high": ("5", "7"),
    }
    yearly = [b for b in found["bounds"] if b["period"] == "2020"]
    assert [(b["was"], b["now"], b["because"]) for b in yearly] == [([5, 5], [7, 7], ["a"])]
    assert {b["agency_id"] for b in found["bounds"]} == {"north-police"}


def test_a_source_dated_anew_says_since_when_its_bounds_are_known(tmp_path: Path) -> None:
    """5 searches in 2020, first believed published on 1 March 2021, in truth on 1 May."""
    row = report("a", "5", *YEAR, source_id="herald")
    a, b = ledgers(
        tmp_path,
        {"reports": [row], "sources": [source("herald", "2021-03-01", note="Undated.")]},
        {"reports": [row], "sources": [source("herald", "2021-05-01")]},
    )
    found = diff(a, b)
    assert found["bounds"] == []
    assert {
        (d["period"], d["was"], d["now"], tuple(d["because"]))
        for d in found["dates"]
        if d["frequency"] in ("R", "A")
    } == {
        ("2020", "2021-03-01", "2021-05-01", ("a",)),
        ("2020-01-01/2020-12-31", "2021-03-01", "2021-05-01", ("a",)),
    }
    options = ["--as-of", AS_OF.isoformat()]
    text = CliRunner().invoke(app, ["diff", str(a), str(b), *options]).stdout
    assert text.splitlines()[1:] == [
        f"1 source corrected; {len(found['dates'])} bounds known since another day.",
        "",
        "Rows",
        "  ~ source herald: Gazette, A report, 2021-05-01",
        '      published_on: "2021-03-01" → "2021-05-01"',
        '      note: "Undated." → blank',
        "",
        "Known since another day",
        "  ~ North Police, Finder, searches, in 2020: 1 March 2021 → 1 May 2021 (because of a)",
    ]
    text = (
        CliRunner().invoke(app, ["diff", str(a), str(b), *options, "--format", "markdown"]).stdout
    )
    assert (
        "- **corrected** source herald: Gazette, A report, 2021-05-01\n"
        '  - published\\_on: "2021-03-01" → "2021-05-01"\n'
    ) in text


def test_rows_that_move_nothing_say_so(tmp_path: Path) -> None:
    a, b = ledgers(tmp_path, {}, {"sources": [source("herald", "2021-03-01")]})
    text = CliRunner().invoke(app, ["diff", str(a), str(b)]).stdout
    assert text.splitlines()[1] == "1 source added; no bound and no gap moved."


def test_years_that_moved_alike_share_a_line(tmp_path: Path) -> None:
    a, b = ledgers(tmp_path, {}, {"reports": [report("a", "5", "2017-01-01", "2020-12-31")]})
    text = CliRunner().invoke(app, ["diff", str(a), str(b)]).stdout
    assert "searches, in each of 2017 to 2020: at most 5 (because of a" in text


def test_a_bound_names_the_row_that_moved_it_and_no_other(tmp_path: Path) -> None:
    wide, half = (
        report("wide", "100", *YEAR),
        report("half", "at least 10", "2020-01-01", "2020-06-30"),
    )
    tight, elsewhere = (
        report("tight", "40", "2020-07-01", "2020-12-31"),
        report("later", "9", "2021-01-01", "2021-03-31"),
    )
    found = diff(
        *ledgers(
            tmp_path,
            {"reports": [wide, half]},
            {"reports": [wide, half, tight, elsewhere]},
        )
    )
    first_half = next(b for b in found["bounds"] if b["period"] == "2020-Q1")
    assert first_half["because"] == ["tight"]
    assert first_half["now"][1] == 60
    grown = next(b for b in found["bounds"] if b["frequency"] == "R")
    assert (grown["period_was"], grown["period"]) == (
        "2020-01-01/2020-12-31",
        "2020-01-01/2021-03-31",
    )
    assert grown["because"] == ["later"]


def test_gaps_open_change_and_close(tmp_path: Path) -> None:
    leak = report("leak", "more than 50", *YEAR, channel="leaked")
    more = report("more", "more than 70", *YEAR, channel="leaked", source_id="later")
    own = report("own", "90", *YEAR)
    no = statement("no", "denied", "2020-06-30")
    later = source("later", "2021-08-01")
    states = [
        {},
        {"reports": [leak]},
        {"reports": [leak, more]},
        {"reports": [leak, more, own]},
        {"reports": [leak], "statements": [no]},
    ]
    paths = [
        write_ledger(tmp_path / str(n), sources=[later], **rows) for n, rows in enumerate(states)
    ]

    def gaps(a: int, b: int) -> list[tuple[str, str, list[str]]]:
        return [(g["change"], g["kind"], g["because"]) for g in diff(paths[a], paths[b])["gaps"]]

    assert gaps(0, 1) == [("opened", "silent", ["leak"])]
    assert gaps(1, 2) == [("resized", "silent", ["more"])]
    assert gaps(2, 3) == [("closed", "silent", ["own"])]
    assert gaps(1, 4) == [("opened", "denied", ["no"]), ("closed", "silent", ["no"])]


def test_a_members_report_is_the_cause_of_what_its_group_lacks(tmp_path: Path) -> None:
    group = {"agency_id": "all", "name": "All", "country": "GB", "level": "group"}
    east = {**group, "agency_id": "east", "name": "East", "level": "local", "member_of": "all"}
    total = report("total", "100", *YEAR, agency_id="all", channel="vendor")
    part = report("part", "30", *YEAR, agency_id="east")
    agencies = [group, east]
    found = diff(
        *ledgers(
            tmp_path,
            {"agencies": agencies, "reports": [total]},
            {"agencies": agencies, "reports": [total, part]},
        )
    )
    lacks = [g for g in found["gaps"] if g["kind"] == "unaccounted"]
    assert lacks
    assert all(g["because"] == ["part"] for g in lacks)


def test_what_is_set_aside_is_told_with_its_arithmetic(tmp_path: Path) -> None:
    own = report("own", "5", *YEAR)
    leak = report("leak", "more than 90", "2020-03-01", "2020-03-31", channel="leaked")
    found = diff(*ledgers(tmp_path, {"reports": [own]}, {"reports": [own, leak]}))
    (conflict,) = found["conflicts"]
    assert (conflict["set_aside_id"], conflict["change"]) == ("leak", "set_aside")
    assert "at least 91" in conflict["arithmetic"]
    back = diff(tmp_path / "b", tmp_path / "a")["conflicts"]
    assert [c["change"] for c in back] == ["admitted"]


def test_a_release_says_what_changed_since_the_one_before(tmp_path: Path) -> None:
    out = tmp_path / "releases"
    first, second = ledgers(
        tmp_path,
        {"reports": [report("a", "5", *YEAR)]},
        {"reports": [report("a", "5", *YEAR), report("b", "3", "2021-01-01", "2021-03-31")]},
    )
    one = release.build(first, out, AS_OF)
    assert "is the first release here" in (one / "CHANGES.md").read_text()
    two = release.build(second, out, AS_OF)
    text = (two / "CHANGES.md").read_text()
    assert f"From {one.name} to {two.name}." in text
    assert "1 report added" in text
    news = json.loads((two / "changes.json").read_text())
    assert news["before"]["name"] == one.name
    assert news["headline"].startswith("1 report added")
    assert {"section", "change", "subject", "was", "now", "because"} == set(news["lines"][0])
    assert diff(one.name, "latest", "--releases", str(out))["rows"] == news["rows"]


def test_news_without_end_are_cut_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "MOST_NEWS", 3)
    years = [report(f"r{y}", "5", f"{y}-01-01", f"{y}-12-31") for y in range(2010, 2020)]
    first, second = ledgers(tmp_path, {}, {"reports": years})
    release.build(first, tmp_path / "out", AS_OF)
    home = release.build(second, tmp_path / "out", AS_OF)
    news = json.loads((home / "changes.json").read_text())
    assert (len(news["rows"]), len(news["bounds"])) == (3, 3)
    assert "more than can be listed here" in news["headline"]


def test_what_is_hashed_does_not_depend_on_the_release_before(tmp_path: Path) -> None:
    first, second = ledgers(tmp_path, {"reports": [report("a", "5", *YEAR)]}, {})
    release.build(first, tmp_path / "x", AS_OF)
    homes = [release.build(second, tmp_path / out, AS_OF) for out in ("x", "y")]
    told = {"CHANGES.md", "changes.json"}
    alone, after = ({p.name: p.read_bytes() for p in home.iterdir()} for home in homes)
    assert alone.keys() == after.keys()
    assert {name for name in alone if alone[name] != after[name]} == told
    assert not told & set(alone["datapackage.json"].decode().split('"'))
    # From the same release before, the same news.
    release.build(first, tmp_path / "z", AS_OF)
    again = release.build(second, tmp_path / "z", AS_OF)
    assert {name: (again / name).read_bytes() for name in told} == {n: alone[n] for n in told}


def test_markdown_shows_the_words_of_the_ledger_as_words(tmp_path: Path) -> None:
    nasty = statement("no", "declined", "2021-01-01", summary="<b>*Bold*</b> [x](javascript:1) |")
    a, b = ledgers(tmp_path, {}, {"statements": [nasty]})
    options = ["--format", "markdown", "--as-of", AS_OF.isoformat()]
    text = CliRunner().invoke(app, ["diff", str(a), str(b), *options]).stdout
    assert r"\<b\>\*Bold\*\</b\> \[x\](javascript:1) \|" in text


@pytest.mark.parametrize("form", ["text", "table", "markdown"])
def test_every_form_names_the_row(form: str, tmp_path: Path) -> None:
    a, b = ledgers(tmp_path, {}, {"reports": [report("new-one", "5", *YEAR)]})
    result = CliRunner().invoke(app, ["diff", str(a), str(b), "--format", form])
    assert result.exit_code == 0
    assert "new-one" in result.stdout


def commit(directory: Path) -> None:
    git = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-C", str(directory)]
    for command in (["init", "-q"], ["add", "data"], ["commit", "-qm", "One"]):
        subprocess.run([*git, *command], check=True)


def test_a_review_shows_what_a_changed_ledger_moves(tmp_path: Path) -> None:
    repository = Path(__file__).parent.parent
    if not (repository / ".venv" / "bin" / "facetally").exists():
        pytest.skip("no .venv here: `make setup` makes it")
    ledger = write_ledger(tmp_path / "data" / "ledger")
    (tmp_path / ".venv").symlink_to(repository / ".venv")
    (tmp_path / ".ci").mkdir()
    shutil.copy(repository / ".ci" / "review", tmp_path / ".ci")

    def review() -> str:
        # A directory above may be a repository: it is none of ours.
        hidden = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
        done = subprocess.run([tmp_path / ".ci" / "review"], capture_output=True, env=hidden)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    assert "there is no landed ledger to compare with" in review()
    commit(tmp_path)
    assert "the ledger is as it was in" in review()
    write_ledger(ledger, reports=[report("a", "5", *YEAR, channel="leaked")])
    said = review()
    assert "1 report added" in said
    assert "opened silent: North Police, Finder, searches, in 2020: exactly 5" in said


def test_a_ledger_as_git_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = write_ledger(tmp_path / "data" / "ledger")
    commit(tmp_path)
    write_ledger(ledger, reports=[report("a", "5", *YEAR)])
    monkeypatch.chdir(tmp_path)
    assert [r["row_id"] for r in diff("HEAD:data/ledger", "data/ledger")["rows"]] == ["a"]


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    sound = write_ledger(tmp_path / "a")
    broken = write_ledger(tmp_path / "b", reports=[report("a", "oodles")])
    for other in (broken, tmp_path / "nowhere", "HEAD:no/ledger", "latest"):
        result = CliRunner().invoke(
            app, ["diff", str(sound), str(other), "--releases", str(tmp_path)]
        )
        assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
