"""Disclosure gaps: one worked example a kind from the real ledger, counted by hand; what was known
when, against releases of that day; and each rule on small ledgers."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_ledger import FIRST, random_ledger
from small_ledger import report, source, statement, write_ledger

from pipelines.fields import GAP_KINDS
from pipelines.release import build
from pipelines.standing import gaps_on

LEDGER = Path(__file__).parents[1] / "data" / "ledger"
TODAY = date(2026, 11, 23)
Rows = list[dict[str, Any]]


def read(home: Path, query: str) -> Rows:
    con = duckdb.connect()
    for path in home.glob("*.parquet"):
        con.execute(f"create view {path.stem} as from '{path}'")
    return con.sql(query).to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("releases")


@pytest.fixture(scope="module")
def home(releases: Path) -> Path:
    """The release of the real ledger."""
    return build(LEDGER, releases, TODAY)


@pytest.fixture(scope="module")
def real(home: Path) -> dict[str, dict[str, Any]]:
    """The gaps of the real ledger by id."""
    return {row["gap_id"]: row for row in read(home, "from gaps")}


def facts(gap: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(gap[name] for name in names)


# --- one worked example a kind ---------------------------------------------------------------


def test_every_kind_occurs_on_the_real_ledger(real: dict[str, dict[str, Any]]) -> None:
    assert {gap["kind"] for gap in real.values()} == set(GAP_KINDS)


def test_denied(real: dict[str, dict[str, Any]]) -> None:
    """More than 170 searches since December, leaked on 28 February 2020, after a "no" of an
    unknown day since January: 171 at least, and both can be true."""
    gap = real["gb-metropolitan-police-service-clearview-ai-searches-denied-2020-02-28"]
    assert facts(gap, "low", "high", "opened_on", "closed_on") == (
        171,
        None,
        date(2020, 2, 28),
        None,
    )
    assert gap["statement_ids"] == ["gb-metropolitan-police-service-denied-2020"]
    assert gap["report_ids"] == ["uk-met-clearview-2019-20"]
    assert gap["sentence"] == (
        "Between 1 January 2020 and 28 February 2020 it said that it did not use Clearview AI; "
        "leaked records show at least 171 searches from 1 December 2019 to 28 February 2020. "
        "Both can be true only if all of them came after it said so."
    )


def test_silent(real: dict[str, dict[str, Any]]) -> None:
    """More than 500 searches since October; the agency would not comment."""
    gap = real["gb-national-crime-agency-clearview-ai-searches-silent-2020-02-28"]
    assert facts(gap, "low", "high", "opened_on", "closed_on") == (
        501,
        None,
        date(2020, 2, 28),
        None,
    )
    assert gap["statement_ids"] == ["gb-national-crime-agency-declined-2020"]
    assert gap["sentence"] == (
        "On 28 February 2020, asked about Clearview AI, it declined to answer; leaked records "
        "show at least 501 searches from 1 October 2019 to 28 February 2020."
    )


def test_the_case_the_project_grew_from_opens_on_its_day(home: Path) -> None:
    def opened(day: date) -> set[tuple[str, str, str]]:
        gaps = gaps_on(home, day, "GB", None, None)
        return {(g.agency, g.kind, g.size) for g in gaps if g.system == "clearview-ai"}

    assert opened(date(2020, 2, 27)) == set()
    assert opened(date(2020, 2, 28)) == {
        ("Metropolitan Police Service", "denied", "at least 171"),
        ("National Crime Agency", "silent", "at least 501"),
    }


def test_contradicted(real: dict[str, dict[str, Any]]) -> None:
    """11 to 50 searches from 2018 to February 2020, leaked; in April 2021 the agency said none:
    at least 11 - 0 and at most 50 - 0 searches apart, from the day the "no" was public."""
    gap = real["us-ca-vallejo-police-department-clearview-ai-searches-contradicted-2020-02-29"]
    assert facts(gap, "low", "high", "period_start") == (11, 50, date(2018, 1, 1))
    assert facts(gap, "opened_on", "closed_on") == (date(2021, 4, 30), None)
    assert len(gap["statement_ids"]) == 1
    assert gap["sentence"].startswith("On 7 April 2021 it said that it did not use Clearview AI;")


def test_a_denial_that_was_taken_back_leaves_silence_and_then_a_vague_number(
    real: dict[str, dict[str, Any]],
) -> None:
    """The Australian Federal Police: leaked on 27 February 2020, denied by the 29th, admitted on
    14 April; "over 100" in July."""
    prefix = "au-australian-federal-police-clearview-ai-searches"
    chain = [
        f"{prefix}-silent-2020-01-31",
        f"{prefix}-contradicted-2020-01-31",
        f"{prefix}-silent-2020-01-31-2",
        f"{prefix}-vague-2020-01-31",
    ]
    days = [date(2020, 2, 27), date(2020, 2, 29), date(2020, 4, 14), date(2020, 7, 15)]
    assert [real[name]["opened_on"] for name in chain] == days
    assert [real[name]["closed_on"] for name in chain] == [*days[1:], None]
    assert [real[name]["followed_by"] for name in chain] == [*chain[1:], None]


def test_vague(real: dict[str, dict[str, Any]]) -> None:
    """ "About 500" searches from 2017 to 2019: half a hundred either way."""
    gap = real["us-mi-detroit-police-department-dataworks-plus-searches-vague-2019-12-31"]
    assert facts(gap, "low", "high", "closed_on") == (450, 550, None)
    assert gap["sentence"] == (
        "Its own figures are known only as a range or in words: between 450 and 550 searches "
        "from January 2017 to December 2019."
    )


def test_late(real: dict[str, dict[str, Any]]) -> None:
    """The period ended on 5 February 2020; the number came in December 2021, on the 1st at the
    earliest: 299 days after 5 February 2021."""
    gap = real["ca-toronto-police-service-clearview-ai-searches-late-2020-02-05"]
    assert (date(2021, 12, 1) - date(2021, 2, 5)).days == 299
    assert facts(gap, "days", "opened_on", "closed_on") == (
        299,
        date(2021, 2, 6),
        date(2021, 12, 31),
    )
    assert gap["request"] is None
    assert gap["sentence"] == (
        "Its own first known figure for searches from 1 October 2019 to 5 February 2020 came in "
        "December 2021, over a year after the period ended."
    )


def test_overdue(real: dict[str, dict[str, Any]]) -> None:
    """Counts of 2024 and 2025, due on 1 September of the years after: 448 days since the first."""
    gap = real["us-mt-montana-department-of-justice-searches-overdue-mt-44-15-111-3-2024-12-31"]
    assert (TODAY - date(2025, 9, 1)).days == 448
    assert facts(gap, "days", "opened_on", "closed_on") == (448, date(2025, 9, 2), None)
    assert facts(gap, "period_start", "period_end") == (date(2024, 1, 1), date(2025, 12, 31))
    assert gap["sentence"] == (
        "Under Montana Code 44-15-111(3) (SB 397, 2023) it owed 2 counts for January 2024 to "
        "December 2025, the first by 1 September 2025; no source in the ledger holds them."
    )


def test_unaccounted(real: dict[str, dict[str, Any]]) -> None:
    """3,360 searches of the national database in 2014; of the forces named as members only
    Police Scotland is counted there, with 494 at most: 2,866 or more are nobody's."""
    gap = real["gb-uk-police-forces-police-national-database-searches-unaccounted-2014-12-31"]
    assert facts(gap, "low", "high", "share") == (3360 - 494, 3360, 494 / 3360)
    assert "exactly 3,360 searches with Police National Database in 2014" in gap["sentence"]
    assert "account for at most 494 of them (15%)" in gap["sentence"]


def test_each_open_gap_says_what_would_close_it(
    home: Path, real: dict[str, dict[str, Any]]
) -> None:
    for gap in real.values():
        assert (gap["request"] is None) == (gap["closed_on"] is not None)
        assert gap["sentence"].endswith(".")
        assert "None" not in gap["sentence"] + (gap["request"] or "")
    met = real["gb-metropolitan-police-service-clearview-ai-searches-denied-2020-02-28"]["request"]
    assert met.startswith(
        "To: Metropolitan Police Service\n"
        "Subject: Request for records: searches with Clearview AI, 1 December 2019 to 28 February "
        "2020\n"
    )
    montana = next(g["request"] for g in real.values() if g["kind"] == "overdue")
    assert "Montana Code 44-15-111(3) (SB 397, 2023) asks for this:" in montana
    assert len(gaps_on(home, TODAY, "GB", "gb-metropolitan-police-service", "denied")) == 1


# --- what was known when ---------------------------------------------------------------------


def known_on(home: Path, as_of: date, day: date) -> set[tuple[Any, ...]]:
    """All that a release says about gaps up to a day of knowledge."""
    gaps = {row["gap_id"]: row for row in read(home, "from gaps")}
    found = set()
    for row in read(home, "from gap_history"):
        if row["known_from"] > day:
            continue
        gap = gaps[row["gap_id"]]
        until = row["known_until"]
        shown = until if until and until <= day else None
        days = row["days"]
        if gap["kind"] == "overdue":
            days -= ((until or as_of) - (shown or day)).days
        closed = gap["closed_on"] if gap["closed_on"] and gap["closed_on"] <= day else None
        found.add(
            (
                *(row["gap_id"], row["known_from"], shown, row["period_start"], row["period_end"]),
                *(row["low"], row["high"], row["share"], days, row["sentence"]),
                *(tuple(row["report_ids"]), tuple(row["statement_ids"])),
                *(gap["opened_on"], closed, gap["followed_by"] if closed else None),
            )
        )
    return found


@pytest.mark.parametrize(
    "day", ["2013-12-31", "2019-08-14", "2020-02-28", "2021-04-30", "2023-11-07", "2025-09-02"]
)
def test_the_release_knows_what_the_release_of_that_day_said(
    home: Path, releases: Path, day: str
) -> None:
    then = date.fromisoformat(day)
    assert known_on(home, TODAY, then) == known_on(build(LEDGER, releases, then), then, then)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), back=st.integers(0, 900))
def test_so_does_that_of_any_ledger(
    tmp_path_factory: pytest.TempPathFactory, seed: int, back: int
) -> None:
    """With merging windows, corrections, denials taken back, a group and its members, a duty."""
    dice = random.Random(seed)
    ledger = random_ledger(seed, agencies=5)
    group, *members = ledger.agencies
    group["level"] = "group"
    for member in members[: dice.randint(0, 4)]:
        member["member_of"] = group["agency_id"]
    path = tmp_path_factory.mktemp("ledger")
    write_ledger(
        path / "ledger",
        sources=ledger.sources,
        agencies=ledger.agencies,
        systems=ledger.systems,
        reports=ledger.reports,
        statements=ledger.statements,
        duties=[
            {
                "duty_id": f"duty-{n}",
                "agency_id": agency,
                "instrument": "An act",
                "requires": "Counts",
                "metric": dice.choice(["", "searches"]),
                "cadence": dice.choice(["monthly", "quarterly", "annual"]),
                "effective_from": (FIRST + timedelta(dice.randint(0, 200))).isoformat(),
                "due_days": str(dice.randint(0, 90)),
                "source_id": "gazette",
            }
            for n, agency in enumerate([group["agency_id"], members[0]["agency_id"]])
        ],
    )
    last = date(2022, 12, 31)
    then = last - timedelta(back)
    full = build(path / "ledger", path / "releases", last)
    of_that_day = build(path / "ledger", path / "releases", then)
    assert known_on(full, last, then) == known_on(of_that_day, then, then)


@pytest.mark.torture
def test_the_same_ledger_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    """Python shuffles sets from process to process; no order of theirs may reach a file."""
    told = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        command = f"""
from datetime import date
from pathlib import Path
from pipelines.release import build
build(Path({str(LEDGER)!r}), Path({str(out)!r}), date(2026, 11, 23))
"""
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", command], check=True, env=environment)
        files = sorted((out / "latest").resolve().glob("*.csv"))
        told.append({path.name: path.read_bytes() for path in files})
    assert [n for n in told[0] if told[0][n] != told[1][n]] == []


# --- the rules on small ledgers --------------------------------------------------------------


def gaps_of(tmp_path: Path, **rows: Rows) -> Rows:
    home = build(write_ledger(tmp_path / "ledger", **rows), tmp_path / "releases", TODAY)
    return read(home, "from gaps order by opened_on, gap_id")


def leaked(name: str, words: str, start: str, end: str, source_id: str, **more: str) -> Any:
    return report(name, words, start, end, channel="leaked", source_id=source_id, **more)


def test_a_gap_keeps_its_name_when_it_grows_into_another(tmp_path: Path) -> None:
    """Two windows, and a third that joins them: the older gap goes on, the other closes."""
    gaps = gaps_of(
        tmp_path,
        sources=[source("a", "2020-06-01"), source("b", "2020-07-01"), source("c", "2020-08-01")],
        reports=[
            leaked("march", "10", "2020-03-01", "2020-03-31", "a"),
            leaked("january", "5", "2020-01-01", "2020-01-31", "b"),
            leaked("february", "7", "2020-02-01", "2020-02-29", "c"),
        ],
    )
    older = "north-police-finder-searches-silent-2020-03-31"
    younger = "north-police-finder-searches-silent-2020-01-31"
    assert [facts(g, "gap_id", "low", "closed_on", "followed_by") for g in gaps] == [
        (older, 22, None, None),
        (younger, 5, date(2020, 8, 1), older),
    ]


def test_silence_ends_when_the_agency_gives_a_number(tmp_path: Path) -> None:
    gaps = gaps_of(
        tmp_path,
        sources=[source("leak", "2020-06-01"), source("answer", "2020-12-01")],
        reports=[
            leaked("r1", "at least 10", "2020-01-01", "2020-03-31", "leak"),
            report("r2", "12", "2020-01-01", "2020-03-31", source_id="answer"),
        ],
    )
    assert [facts(g, "kind", "opened_on", "closed_on", "followed_by") for g in gaps] == [
        ("silent", date(2020, 6, 1), date(2020, 12, 1), None)
    ]


def test_a_range_given_after_silence_is_vague_until_an_exact_number_comes(tmp_path: Path) -> None:
    gaps = gaps_of(
        tmp_path,
        sources=[
            source("leak", "2020-06-01"),
            source("a", "2020-12-01"),
            source("b", "2021-02-01"),
        ],
        reports=[
            leaked("r1", "at least 10", "2020-01-01", "2020-03-31", "leak"),
            report("r2", "10-20", "2020-01-01", "2020-03-31", source_id="a"),
            report("r3", "3", "2020-01-01", "2020-01-31", source_id="b"),
        ],
    )
    assert [facts(g, "kind", "low", "high", "closed_on") for g in gaps] == [
        ("silent", 10, None, date(2020, 12, 1)),
        ("vague", 10, 20, date(2021, 2, 1)),
    ]
    assert gaps[0]["followed_by"] == gaps[1]["gap_id"]


def test_a_denial_before_the_window_or_for_another_system_denies_nothing_in_it(
    tmp_path: Path,
) -> None:
    gaps = gaps_of(
        tmp_path,
        systems=[{"system_id": "seer", "name": "Seer"}],
        sources=[source("leak", "2020-06-01")],
        reports=[leaked("r1", "at least 10", "2020-01-01", "2020-03-31", "leak")],
        statements=[
            statement("before", "denied", "2019-12-31"),
            statement("other", "denied", "2020-02-01", system_id="seer"),
        ],
    )
    assert [g["kind"] for g in gaps] == ["silent"]


def test_a_denial_that_may_have_come_before_the_admission_no_longer_stands(tmp_path: Path) -> None:
    gaps = gaps_of(
        tmp_path,
        sources=[source("leak", "2020-06-01"), source("press", "2020-07-01")],
        reports=[leaked("r1", "at least 10", "2020-01-01", "2020-03-31", "leak")],
        statements=[
            statement("no", "denied", "2020-02", source_id="leak"),
            statement("yes", "confirmed", "2020-02", source_id="press"),
        ],
    )
    assert [facts(g, "kind", "opened_on", "closed_on") for g in gaps] == [
        ("denied", date(2020, 6, 1), date(2020, 7, 1)),
        ("silent", date(2020, 7, 1), None),
    ]
    assert gaps[0]["followed_by"] == gaps[1]["gap_id"]


def test_a_denial_after_the_admission_stands(tmp_path: Path) -> None:
    gaps = gaps_of(
        tmp_path,
        sources=[source("leak", "2020-06-01")],
        reports=[leaked("r1", "at least 10", "2020-01-01", "2020-03-31", "leak")],
        statements=[
            statement("yes", "confirmed", "2020-01", source_id="leak"),
            statement("no", "denied", "2020-02", source_id="leak"),
        ],
    )
    assert [g["kind"] for g in gaps] == ["denied"]


def test_a_group_has_no_voice_that_could_be_silent_late_or_vague(tmp_path: Path) -> None:
    group = {"agency_id": "all", "name": "All", "country": "GB", "level": "group"}
    gaps = gaps_of(
        tmp_path,
        agencies=[group],
        sources=[source("leak", "2022-06-01")],
        reports=[
            leaked("r1", "at least 10", "2020-01-01", "2020-03-31", "leak", agency_id="all"),
            report("r2", "5-9", "2019-01-01", "2019-03-31", agency_id="all", channel="on_request"),
        ],
    )
    assert gaps == []


def late_of(tmp_path: Path, source_row: dict[str, str], **report_row: str) -> Rows:
    return gaps_of(
        tmp_path,
        sources=[source_row],
        reports=[
            report(f"r{year}", "12", f"{year}-01-01", f"{year}-12-31", source_id="s", **report_row)
            for year in range(2010, 2020)
        ],
    )


def test_ten_years_of_counts_in_one_document_are_one_gap_as_long_as_the_oldest(
    tmp_path: Path,
) -> None:
    """On 1 June 2020: 2019 is in time, 2018 is 152 days past 31 December 2019, 2010 is 3,075
    days past 31 December 2011."""
    gaps = late_of(tmp_path, source("s", "2020-06-01", kind="foi_release"), channel="on_request")
    assert (date(2020, 6, 1) - date(2011, 12, 31)).days == 3075
    assert [facts(g, "kind", "days", "period_start", "period_end") for g in gaps] == [
        ("late", 3075, date(2010, 1, 1), date(2018, 12, 31))
    ]
    assert facts(gaps[0], "opened_on", "closed_on") == (date(2012, 1, 1), date(2020, 6, 1))
    assert len(gaps[0]["report_ids"]) == 9
    assert "Its own first 9 known figures" in gaps[0]["sentence"]


def test_neither_a_retelling_nor_an_undated_source_shows_that_a_number_came_late(
    tmp_path: Path,
) -> None:
    assert late_of(tmp_path / "retold", source("s", "2020-06-01", kind="press")) == []
    undated = source(
        "s",
        "2026-11-23",
        kind="agency_statement",
        note="Undated; counted as published on 2026-11-23, the day it was read.",
    )
    assert late_of(tmp_path / "undated", undated) == []


def test_a_number_that_had_been_told_in_parts_is_not_late_again(tmp_path: Path) -> None:
    half = {"source_id": "then", "channel": "on_request"}
    parts = [
        report("h1", "5", "2015-01-01", "2015-06-30", **half),
        report("h2", "6", "2015-07-01", "2015-12-31", **half),
    ]
    whole = report("year", "11", "2015-01-01", "2015-12-31", source_id="now", channel="on_request")
    sources = [source("then", "2016-03-01"), source("now", "2019-03-01")]
    told = gaps_of(tmp_path / "whole", sources=sources, reports=[*parts, whole])
    assert told == []
    holed = gaps_of(tmp_path / "holed", sources=sources, reports=[parts[0], whole])
    assert [facts(g, "kind", "days") for g in holed] == [("late", 790)]


def part(agency: str, words: str, **more: str) -> Any:
    name = f"{agency}-part"
    row = report(name, words, "2020-03-01", "2020-12-31", agency_id=f"{agency}-police")
    return {**row, **more}


@pytest.mark.parametrize(
    ("members", "parts", "expected"),
    [
        ("all", [part("east", "10-30"), part("west", "20")], [(50, 70, 0.5)]),
        ("all", [], [(100, 100, 0.0)]),
        ("", [], []),
        ("all", [part("east", "at least 10")], []),
        ("all", [part("east", "10", metric="requests")], []),
        ("all", [part("east", "10", system_id="unspecified")], [(90, 90, 0.1)]),
        ("all", [part("east", "10", system_id="seer")], [(100, 100, 0.0)]),
        ("all", [part("east", "100")], []),
    ],
    ids=[
        "both",
        "none",
        "no-members",
        "no-bound",
        "requests",
        "unspecified",
        "other-system",
        "all",
    ],
)
def test_what_the_members_evidence_cannot_account_for(
    tmp_path: Path, members: str, parts: Rows, expected: list[Any]
) -> None:
    systems = [{"system_id": s, "name": s} for s in ("seer", "unspecified")]
    group = {"agency_id": "all", "name": "All", "country": "GB", "level": "group"}
    member = {"agency_id": "east-police", "name": "East", "country": "GB", "level": "local"}
    total = report("total", "100", "2020-01-01", "2020-12-31", agency_id="all")
    found = gaps_of(
        tmp_path,
        systems=systems,
        agencies=[
            group,
            {**member, "member_of": members},
            {**member, "agency_id": "west-police", "member_of": members},
        ],
        reports=[total, *parts],
    )
    shown = [facts(g, "low", "high", "share") for g in found if g["kind"] == "unaccounted"]
    assert shown == expected


# --- the statistics --------------------------------------------------------------------------


def test_the_trend_ends_with_the_gaps_that_are_open(home: Path) -> None:
    ending = read(
        home,
        "select kind, country, open from gap_trend where month = '2026-11' order by all",
    )
    counted = read(
        home,
        """
        select kind, country, count(*) filter (closed_on is null) as open
        from gaps join agencies using (agency_id)
        group by all order by all
        """,
    )
    assert ending == counted
    moved = "select sum(opened) as o, sum(closed) as c, sum(replaced) as r from gap_trend"
    gaps = "select count(*) as o, count(closed_on) as c, count(followed_by) as r from gaps"
    assert read(home, moved) == read(home, gaps)


def test_the_month_in_which_the_met_gap_opened(home: Path) -> None:
    row = read(home, "from gap_trend where kind='denied' and country='GB' and month='2020-02'")
    assert [facts(r, "open", "opened", "closed") for r in row] == [(1, 1, 0)]


def test_what_cannot_be_known_of_an_agency_is_blank_with_a_reason(home: Path) -> None:
    broken = read(
        home,
        """
        from agency_disclosure
        where ((share_low is null or share_high is null) and share_reason is null)
          or share_low > share_high
          or (days_to_disclosure is null) <> (days_reason is not null)
          or (duties_due is null) <> (duties_reason is not null)
        """,
    )
    assert broken == []


@pytest.mark.parametrize(
    ("agency", "year", "status", "share"),
    [
        # 27,677 searches, told by the Home Office alone.
        ("gb-metropolitan-police-service", 2022, "A", (0, 0)),
        # 27,523 searches, told by the agency on request.
        ("de-bundeskriminalamt", 2019, "A", (1, 1)),
        # Within the totals of all users of the German system.
        ("de-bundeskriminalamt", 2016, "K", (None, None)),
        ("us-mt-montana-department-of-justice", 2025, "O", (None, None)),
        # The leak's window begins in 2019; the agency would not comment.
        ("gb-national-crime-agency", 2019, "Q", (None, None)),
        ("us-ca-vallejo-police-department", 2019, "U", (None, None)),
    ],
)
def test_the_year_of_an_agency(
    home: Path, agency: str, year: int, status: str, share: tuple[Any, Any]
) -> None:
    (row,) = read(home, f"from agency_disclosure where agency_id = '{agency}' and year = {year}")
    assert facts(row, "obs_status", "share_low", "share_high") == (status, *share)
