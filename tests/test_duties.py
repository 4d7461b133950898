"""Duties: the calendar by hand and by property, and what a release makes of them."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_ledger import report, source, statement, write_ledger

from pipelines.duties import Disclosure, DuePeriod, Duty, due_date, due_periods, settle
from pipelines.release import build

DAY = timedelta(days=1)


def duty(cadence: str, first: str, last: str | None = None, due_days: int | None = 30) -> Duty:
    until = date.fromisoformat(last) if last else None
    return Duty(
        "duty", "north-police", "searches", cadence, date.fromisoformat(first), until, due_days
    )


def periods(of: Duty, until: str) -> list[tuple[str, str, str, str | None, bool]]:
    return [
        (
            p.label,
            p.first_day.isoformat(),
            p.last_day.isoformat(),
            p.due_on.isoformat() if p.due_on else None,
            p.binding,
        )
        for p in due_periods(of, date.fromisoformat(until))
    ]


# --- the calendar ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_day", "days", "due"),
    [
        ("2022-12-31", 60, "2023-03-01"),
        ("2023-12-31", 60, "2024-03-01"),  # 29 February is not counted
        ("2023-12-31", 59, "2024-02-28"),
        ("2023-12-31", 32, "2024-02-01"),
        ("2023-12-31", 244, "2024-09-01"),
        ("2024-12-31", 244, "2025-09-01"),
        ("2024-01-31", 28, "2024-02-28"),
        ("2024-01-31", 29, "2024-03-01"),
        ("2024-02-29", 1, "2024-03-01"),
        ("2023-12-31", 365 * 4 + 60, "2028-03-01"),
        ("2023-12-31", 0, "2023-12-31"),
        ("2099-12-31", 60, "2100-03-01"),  # 2100 is no leap year
    ],
)
def test_due_dates_are_the_same_calendar_day_in_every_year(
    last_day: str, days: int, due: str
) -> None:
    assert due_date(date.fromisoformat(last_day), days) == date.fromisoformat(due)


def test_an_annual_duty_that_begins_within_a_year_binds_from_the_next() -> None:
    assert periods(duty("annual", "2024-10-01", due_days=32), "2026-02-01") == [
        ("2024", "2024-10-01", "2024-12-31", "2025-02-01", False),
        ("2025", "2025-01-01", "2025-12-31", "2026-02-01", True),
        ("2026", "2026-01-01", "2026-12-31", "2027-02-01", True),
    ]


def test_a_duty_that_ends_binds_only_while_it_is_in_force_on_the_due_date() -> None:
    assert periods(duty("quarterly", "2020-01-01", "2020-08-15", due_days=45), "2021-12-31") == [
        ("2020-Q1", "2020-01-01", "2020-03-31", "2020-05-15", True),
        ("2020-Q2", "2020-04-01", "2020-06-30", "2020-08-14", True),
        ("2020-Q3", "2020-07-01", "2020-08-15", "2020-11-14", False),
    ]
    lapsed = periods(duty("quarterly", "2020-01-01", "2020-08-13", due_days=45), "2021-12-31")
    assert [binding for *_, binding in lapsed] == [True, False, False]


def test_weeks_are_iso_weeks_across_the_year() -> None:
    assert periods(duty("weekly", "2020-12-24", due_days=3), "2021-01-10") == [
        ("2020-W52", "2020-12-24", "2020-12-27", "2020-12-30", False),
        ("2020-W53", "2020-12-28", "2021-01-03", "2021-01-06", True),
        ("2021-W01", "2021-01-04", "2021-01-10", "2021-01-13", True),
    ]


def test_months_without_a_due_rule_have_no_due_date() -> None:
    assert periods(duty("monthly", "2024-01-31", due_days=None), "2024-03-01") == [
        ("2024-01", "2024-01-31", "2024-01-31", None, False),
        ("2024-02", "2024-02-01", "2024-02-29", None, True),
        ("2024-03", "2024-03-01", "2024-03-31", None, True),
    ]


def test_a_single_report_is_due_after_the_day_of_effect() -> None:
    assert periods(duty("once", "2020-09-09", due_days=90), "2024-01-01") == [
        ("2020-09-09", "2020-09-09", "2020-09-09", "2020-12-08", True)
    ]
    assert periods(duty("once", "2020-09-09"), "2020-09-08") == []


@settings(max_examples=200, deadline=None)
@given(
    cadence=st.sampled_from(["weekly", "monthly", "quarterly", "annual"]),
    first=st.dates(date(1999, 1, 1), date(2030, 1, 1)),
    length=st.none() | st.integers(0, 900),
    horizon=st.integers(0, 900),
    due_days=st.integers(0, 800),
)
def test_periods_follow_each_other_without_a_hole(
    cadence: str, first: date, length: int | None, horizon: int, due_days: int
) -> None:
    last = None if length is None else first + length * DAY
    until = first + horizon * DAY
    found = list(due_periods(Duty("d", "a", None, cadence, first, last, due_days), until))
    assert found[0].first_day == first
    for before, after in pairwise(found):
        assert after.first_day == before.last_day + DAY
        assert after.label > before.label
    assert found[-1].first_day <= min(until, last or until)
    assert found[-1].last_day >= min(until, last or until)
    for period in found:
        assert period.due_on is not None
        waited = (period.due_on - period.last_day).days
        assert not period.binding or due_days <= waited <= due_days + 3
        assert not (period.due_on.month == 2 and period.due_on.day == 29 and due_days)


# --- what came -------------------------------------------------------------------------------

YEAR = DuePeriod("2021", date(2021, 1, 1), date(2021, 12, 31), date(2022, 3, 1), True)


def told(name: str, first: str, last: str, known: str, came: str | None = None) -> Disclosure:
    days = [date.fromisoformat(text) for text in (first, last, known)]
    return Disclosure(name, *days, date.fromisoformat(came or known))


def settled(*disclosures: Disclosure) -> Any:
    return settle(duty("annual", "2021-01-01"), "north-police", YEAR, date.min, disclosures)


def test_halves_that_came_in_turn_meet_a_duty_together() -> None:
    owed = settled(
        told("first-half", "2021-01-01", "2021-06-30", "2021-08-01"),
        told("second-half", "2021-07-01", "2021-12-31", "2022-03-01"),
    )
    assert (owed.met_by, owed.met_on, owed.days_late) == ("second-half", date(2022, 3, 1), None)
    assert owed.status(date(2022, 6, 1)) == "met"
    assert owed.overdue_between() is None


def test_a_late_report_ends_what_was_overdue() -> None:
    owed = settled(told("report", "2021-01-01", "2021-12-31", "2022-03-11"))
    assert owed.overdue_between() == (date(2022, 3, 2), date(2022, 3, 11))
    assert (owed.days_late, owed.status(date(2023, 1, 1))) == (10, "late")


def test_doubt_about_the_day_of_publication_favours_the_agency() -> None:
    in_month = told("report", "2021-01-01", "2021-12-31", "2022-03-31", came="2022-03-01")
    assert settled(in_month).days_late is None
    undated = Disclosure("report", date(2021, 1, 1), date(2021, 12, 31), date(2026, 11, 23), None)
    assert settled(undated).status(date(2026, 11, 23)) == "met"


def test_a_period_told_in_part_is_not_overdue() -> None:
    owed = settled(told("one-day", "2021-05-01", "2021-05-01", "2021-05-02"))
    assert owed.overdue_between() is None
    assert owed.status(date(2023, 1, 1)) == "partly"


def test_nothing_is_overdue_before_the_due_date_has_passed() -> None:
    assert settled().status(date(2022, 3, 1)) == "pending"
    assert settled().status(date(2022, 3, 2)) == "overdue"


# --- in a release ----------------------------------------------------------------------------


def duty_row(**more: str) -> dict[str, str]:
    return {
        "duty_id": "act",
        "agency_id": "north-police",
        "instrument": "Counting Act, section 1",
        "requires": "Publish the number of searches",
        "metric": "searches",
        "cadence": "annual",
        "effective_from": "2020-01-01",
        "due_days": "60",
        "source_id": "gazette",
        **more,
    }


def read(home: Path, query: str) -> list[tuple[Any, ...]]:
    con = duckdb.connect()
    for table in ("gaps", "gap_history", "duty_periods"):
        con.execute(f"create view {table} as from '{home / table}.parquet'")
    return con.execute(query).fetchall()


def built(tmp_path: Path, as_of: str, **rows: list[dict[str, str]]) -> Path:
    ledger = write_ledger(tmp_path / "ledger", **rows)
    return build(ledger, tmp_path / "releases", date.fromisoformat(as_of))


def test_missing_years_are_one_gap_that_grows(tmp_path: Path) -> None:
    home = built(tmp_path, "2022-06-30", duties=[duty_row()])
    assert read(home, "select period, due_on, status from duty_periods order by period") == [
        ("2020", date(2021, 3, 1), "overdue"),
        ("2021", date(2022, 3, 1), "overdue"),
        ("2022", date(2023, 3, 1), "pending"),
    ]
    history = read(
        home, "select period_end, known_from, known_until, days from gap_history order by 2"
    )
    assert history == [
        (date(2020, 12, 31), date(2021, 3, 2), date(2022, 3, 2), 366),
        (date(2021, 12, 31), date(2022, 3, 2), None, 486),
    ]
    gap_id = "north-police-searches-overdue-act-2020-12-31"
    assert read(home, "select gap_id, opened_on, closed_on, days from gaps") == [
        (gap_id, date(2021, 3, 2), None, 486)
    ]


def test_an_overdue_gap_becomes_late_when_the_report_comes(tmp_path: Path) -> None:
    home = built(
        tmp_path,
        "2022-06-30",
        duties=[duty_row(effective_until="2021-06-30")],
        sources=[source("page", "2021-05-10", kind="agency_statement")],
        reports=[report("r", "12", "2020-01-01", "2020-12-31", source_id="page")],
    )
    rows = read(
        home, "select kind, opened_on, closed_on, days, report_ids from gaps order by kind desc"
    )
    assert rows == [
        ("overdue", date(2021, 3, 2), date(2021, 5, 10), 70, []),
        ("late", date(2021, 3, 2), date(2021, 5, 10), 70, ["r"]),
    ]
    late = "north-police-searches-late-act-2020-12-31"
    assert read(home, "select followed_by from gaps where kind = 'overdue'") == [(late,)]


@pytest.mark.parametrize(
    "change",
    [{"cadence": "", "due_days": ""}, {"due_days": ""}, {"cadence": "once", "due_days": ""}],
)
def test_a_duty_without_a_rule_is_never_overdue(tmp_path: Path, change: dict[str, str]) -> None:
    home = built(tmp_path, "2026-01-01", duties=[duty_row(**change)])
    assert read(home, "from gaps") == []


def test_a_group_obliges_the_members_of_which_use_is_known_and_in_those_periods(
    tmp_path: Path,
) -> None:
    county = {"agency_id": "county", "name": "County", "country": "GB", "level": "group"}
    members = [
        {"agency_id": name, "name": name, "country": "GB", "level": "local", "member_of": "county"}
        for name in ("user", "former-user", "no-user")
    ]
    home = built(
        tmp_path,
        "2022-06-30",
        duties=[duty_row(agency_id="county")],
        agencies=[county, *members],
        sources=[source("leak", "2021-09-01")],
        statements=[
            statement("now", "confirmed", "2020-07-01", agency_id="user"),
            statement("then", "confirmed", "2019-07-01", agency_id="former-user"),
        ],
        reports=[
            report(
                "r",
                "at least 5",
                "2021-02-01",
                "2021-02-28",
                agency_id="user",
                channel="leaked",
                source_id="leak",
            )
        ],
    )
    found = read(
        home,
        "select agency_id, period, status from duty_periods where period < '2022' order by all",
    )
    assert found == [
        ("former-user", "2020", "unproven"),
        ("former-user", "2021", "unproven"),
        ("user", "2020", "overdue"),
        ("user", "2021", "overdue"),
    ]
    # The confirmation of 2020 became public with its source in June 2021: not overdue before.
    overdue = "select opened_on from gaps where kind = 'overdue'"
    assert read(home, overdue) == [(date(2021, 6, 30),)]


def test_a_group_without_members_is_not_overdue_where_nobody_is_known_to_search(
    tmp_path: Path,
) -> None:
    county = {"agency_id": "county", "name": "County", "country": "GB", "level": "group"}
    home = built(tmp_path, "2022-06-30", duties=[duty_row(agency_id="county")], agencies=[county])
    assert read(home, "from gaps") == []
    assert read(home, "select distinct agency_id, status from duty_periods order by all") == [
        ("county", "pending"),
        ("county", "unproven"),
    ]


def test_a_compelled_report_meets_the_duty_that_compelled_it(tmp_path: Path) -> None:
    home = built(
        tmp_path,
        "2021-12-31",
        duties=[duty_row()],
        sources=[source("page", "2021-02-10")],
        reports=[
            report("r", "12", "2020-01-01", "2020-12-31", source_id="page", channel="compelled")
        ],
    )
    found = read(home, "select met_on, met_by, status from duty_periods where period = '2020'")
    assert found == [(date(2021, 2, 10), "r", "met")]
