"""The duty calendar: what rules asked for, year by year, and whether it came.

A cell is the periods of one duty that end in one year. For an earlier day of knowledge, what came
later has not come yet.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

from dashboards import phrases
from dashboards.explorer.evidence import Evidence, evidence
from dashboards.explorer.gaps import GapRow, Rule, rule
from dashboards.explorer.view import View, duty_year
from dashboards.releases import Release

#: The order in which a cell's statuses are told, the gravest first.
ORDER = ("overdue", "late", "partly", "met", "pending", "undated", "unproven", "cut")
#: What the less plain statuses mean, in a legend.
HINTS = {
    "partly": "some days covered",
    "undated": "no due date, no report",
    "unproven": "not shown to apply",
    "cut": "in force for a part",
}


@dataclass(frozen=True)
class Cell:
    """The periods of a year by status; ``counts`` in the order of ``ORDER``."""

    key: str
    year: int
    counts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """How many periods there are."""
        return sum(count for _, count in self.counts)

    @property
    def words(self) -> str:
        """``overdue``, or ``9 met, 3 undated``."""
        if self.total == 1:
            return self.counts[0][0]
        return ", ".join(f"{phrases.number(count)} {status}" for status, count in self.counts)


@dataclass(frozen=True)
class Line:
    """One duty's years; a year without a period has no cell."""

    rule: Rule
    cells: dict[int, Cell]


@dataclass(frozen=True)
class Calendar:
    """The duties in view. ``context`` rules set no period. ``statuses`` are those that occur."""

    title: str
    years: list[int]
    lines: list[Line]
    statuses: list[str]
    dated: bool
    context: int


@dataclass(frozen=True)
class Due:
    """One period of a duty; ``report`` is the one that completed it."""

    period: str
    due: str
    status: str
    met: str
    report: Evidence | None


@dataclass(frozen=True)
class OpenedDuty:
    """The periods of one cell, the rule that asks for them, and the gaps that stand under it."""

    rule: Rule
    year: int
    words: str
    periods: list[Due]
    statuses: list[str]
    gaps: list[GapRow]


def calendar(release: Release, duties: pl.DataFrame, known: date | None) -> Calendar | None:
    """The calendar of some rows of the table ``duties``; None where there are none."""
    if duties.is_empty():
        return None
    periods = _on_the_day(release, duties, known)
    lines = []
    by_line = groupby(periods, key=lambda row: (row["duty_id"], row["agency_id"]))
    for (duty_id, _), rows in by_line:
        found = rule(release, duty_id)
        if found:
            lines.append(Line(found, {cell.year: cell for cell in _cells(list(rows))}))
    lines.sort(key=lambda line: (-_gravity(line), line.rule.agency, line.rule.instrument))
    counts = Counter(row["status"] for row in periods)
    years = [row["period_end"].year for row in periods]
    day = known or release.as_of
    with_periods = {row["duty_id"] for row in periods}
    return Calendar(
        title=_title(counts, sum(bool(r["due_on"] and r["due_on"] <= day) for r in periods)),
        years=list(range(min(years), max(years) + 1)) if years else [],
        lines=lines,
        statuses=[status for status in ORDER if counts[status]],
        dated=any(row["due_on"] for row in periods),
        context=duties.filter(~pl.col("duty_id").is_in(list(with_periods))).height,
    )


def opened_duty(release: Release, view: View, rows: list[GapRow]) -> OpenedDuty | None:
    """The cell that the view opens, on the view's day; None where nothing was due by then."""
    duty_id = view.duty.split(".")[0]
    duties = release.tables["duties"].filter(pl.col("duty_id") == duty_id)
    mine = [row for row in _on_the_day(release, duties, view.known) if _key(row) == view.duty]
    found = rule(release, duty_id)
    if not mine or not found:
        return None
    ids = [row["met_by"] for row in mine if row["met_by"]]
    reports = release.tables["reports"].filter(pl.col("report_id").is_in(ids))
    told = {
        name: evidence(release, reports.filter(pl.col("report_id") == name), {})[0]
        for name in reports["report_id"]
    }
    first, last = mine[0]["period_start"], mine[-1]["period_end"]
    about = (
        release.tables["gaps"]
        .filter(
            (pl.col("duty_id") == duty_id)
            & (pl.col("period_start") <= last)
            & (pl.col("period_end") >= first)
        )["gap_id"]
        .to_list()
    )
    (cell,) = _cells(mine)
    return OpenedDuty(
        rule=found,
        year=cell.year,
        words=cell.words,
        periods=[_due(row, told) for row in mine],
        statuses=[status for status, _ in cell.counts],
        gaps=[row for row in rows if row.gap_id in about],
    )


def _due(row: dict[str, Any], reports: dict[str, Evidence]) -> Due:
    late = row["days_late"]
    met = phrases.day(row["met_on"]) if row["met_on"] else ""
    return Due(
        period=phrases.days(row["period_start"], row["period_end"]),
        due=phrases.day(row["due_on"]) if row["due_on"] else "",
        status=row["status"],
        met=f"{met}, {phrases.number(late)} days late" if met and late else met,
        report=reports.get(row["met_by"] or ""),
    )


def _on_the_day(release: Release, duties: pl.DataFrame, known: date | None) -> list[dict[str, Any]]:
    """Rows of ``duty_periods`` as they stood on the day, in the order of the duties' periods."""
    periods = release.tables["duty_periods"].join(duties, on="duty_id", how="semi")
    rows = periods.sort("duty_id", "agency_id", "period_start").to_dicts()
    if known is None:
        return rows
    about = release.tables["gaps"].select("gap_id", "agency_id", "kind", "duty_id")
    stood = release.at("gap_history", known).join(about, on="gap_id")
    overdue = stood.filter(pl.col("kind") == "overdue")
    own = release.at("reports", known).filter(pl.col("voice") == "agency")
    return [_earlier(row, own, overdue, known) for row in rows if row["period_start"] <= known]


def _earlier(
    row: dict[str, Any], own: pl.DataFrame, overdue: pl.DataFrame, day: date
) -> dict[str, Any]:
    """The row without what came after the day."""
    if row["status"] in {"undated", "pending", "cut"}:
        return row
    if row["met_on"] is not None and row["met_on"] <= day:
        return row
    row = {**row, "met_on": None, "met_by": None, "days_late": None}
    if _within(own.rename({"first_day": "start", "last_day": "end"}), row):
        status = "partly"
    elif row["due_on"] is None:
        status = "undated"
    elif row["due_on"] >= day:
        status = "pending"
    else:
        missed = overdue.filter(pl.col("duty_id") == row["duty_id"])
        missed = missed.rename({"period_start": "start", "period_end": "end"})
        status = "overdue" if _within(missed, row) else "unproven"
    return {**row, "status": status}


def _within(table: pl.DataFrame, row: dict[str, Any]) -> bool:
    """Whether a row of the table, of the same agency, shares a day with the period."""
    return not table.filter(
        (pl.col("agency_id") == row["agency_id"])
        & (pl.col("start") <= row["period_end"])
        & (pl.col("end") >= row["period_start"])
    ).is_empty()


def _cells(rows: list[dict[str, Any]]) -> list[Cell]:
    cells = []
    for key, mine in groupby(rows, key=_key):
        periods = list(mine)
        counts = Counter(row["status"] for row in periods)
        told = tuple((status, counts[status]) for status in ORDER if counts[status])
        cells.append(Cell(key, periods[0]["period_end"].year, told))
    return cells


def _key(row: dict[str, Any]) -> str:
    return duty_year(row["duty_id"], row["agency_id"], row["period_end"])


def _gravity(line: Line) -> int:
    statuses = {status for cell in line.cells.values() for status, _ in cell.counts}
    return max(len(ORDER) - ORDER.index(status) for status in statuses)


def _title(counts: Counter[str], dated: int) -> str:
    """The finding in one sentence."""
    if not counts:
        return "No rule in this selection sets periods to report on"
    overdue, unmet = counts["overdue"], counts["undated"]
    if overdue:
        one = "report that a rule asks for is" if overdue == 1 else "reports that rules ask for are"
        more = "1 more period" if unmet == 1 else f"{phrases.number(unmet)} more periods"
        rest = f"; for {more} no report is on record and no due date is stated" if unmet else ""
        return f"{phrases.number(overdue)} {one} overdue{rest}"
    if unmet:
        asked = phrases.number(sum(counts.values()))
        return (
            f"For {phrases.number(unmet)} of {asked} periods no report is on record, and the rule "
            "states no due date"
        )
    return "No report is overdue" if dated else "Nothing was due so far"
