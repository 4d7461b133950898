"""Disclosure gaps as readers see them: the list, trend and longest silences, and one opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from dashboards import phrases
from dashboards.charts.figure import Figure
from dashboards.charts.gap_matrix import Gap, graded
from dashboards.charts.gap_trend import gap_trend
from dashboards.explorer.evidence import Evidence, Statement, evidence, set_aside, statements
from dashboards.explorer.view import View
from dashboards.releases import Release


@dataclass(frozen=True)
class GapRow:
    """One gap in a list; ``days`` since it opened, on the day of knowledge; ``low`` its least size.

    ``closed`` is blank where it is open in the release.
    """

    gap_id: str
    agency: str
    system: str
    kind: str
    size: str
    period: str
    opened: str
    days: int
    low: int
    sentence: str
    closed: str


@dataclass(frozen=True)
class Rule:
    """A duty as readers see it; ``url`` and ``title`` lead to its text, blank where unknown."""

    instrument: str
    requires: str
    agency: str
    note: str
    publisher: str
    title: str
    url: str


@dataclass(frozen=True)
class OpenedGap:
    """One gap with all that shows it and what would close it.

    ``standing`` says how it stands on the day of knowledge. ``request`` is a records request, blank
    where the gap is closed; ``file`` its file name.
    """

    row: GapRow
    standing: str
    evidence: list[Evidence]
    statements: list[Statement]
    rule: Rule | None
    request: str
    file: str
    others: list[GapRow]


def gap_rows(release: Release, gaps: pl.DataFrame, day: date) -> list[GapRow]:
    """Rows for a list, gravest first; ``gaps`` as :func:`~dashboards.explorer.content.open_gaps`
    gives them."""
    names = _names(release, "agencies", "agency_id")
    systems = _names(release, "systems", "system_id")
    rows = {row["gap_id"]: row for row in gaps.iter_rows(named=True)}
    return [_row(gap, rows[gap.gap_id], systems, day) for gap in graded(gaps, names)]


def _row(gap: Gap, row: dict[str, Any], systems: dict[str, str], day: date) -> GapRow:
    return GapRow(
        gap_id=gap.gap_id,
        agency=gap.agency,
        system=systems.get(row["system_id"] or "", ""),
        kind=gap.kind,
        size=gap.words,
        period=gap.period,
        opened=phrases.day(gap.opened),
        days=(day - gap.opened).days,
        low=row["low"] or 0,
        sentence=row["sentence"] or "",
        closed=phrases.day(row["closed_on"]) if row["closed_on"] else "",
    )


def silences(rows: list[GapRow]) -> list[GapRow]:
    """The silent gaps, longest open first, then the largest."""
    silent = [row for row in rows if row.kind == "silent"]
    return sorted(silent, key=lambda row: (-row.days, -row.low, row.agency))


def trend_of_gaps(gaps: pl.DataFrame, day: date) -> Figure | None:
    """The gaps that were open on each day up to ``day``; None where there is no span to draw.

    ``gaps`` are rows of the table of that name.
    """
    known = gaps.filter(pl.col("opened_on") <= day)
    if known.is_empty() or known["opened_on"].min() == day:
        return None
    closed = pl.when(pl.col("closed_on") <= day).then(pl.col("closed_on"))
    return gap_trend(known.with_columns(closed_on=closed), day)


def opened_gap(release: Release, view: View, rows: list[GapRow]) -> OpenedGap:
    """The gap that the view opens, as it stood on the view's day; ``rows`` are those in view."""
    day = view.known or release.as_of
    latest = release.tables["gaps"].filter(pl.col("gap_id") == view.gap).row(0, named=True)
    stood = release.at("gap_history", view.known).filter(pl.col("gap_id") == view.gap)
    now = {**latest, **(stood.row(0, named=True) if stood.height else {})}
    names = _names(release, "agencies", "agency_id")
    systems = _names(release, "systems", "system_id")
    row = _row(Gap(now, names), now, systems, day)
    closed = latest["closed_on"]
    stands = bool(stood.height) and (closed is None or closed > day)
    aside = set_aside(release, release.at("conflicts", view.known))
    reports = release.tables["reports"].filter(pl.col("report_id").is_in(now["report_ids"] or []))
    said = release.tables["statements"]
    said = said.filter(pl.col("statement_id").is_in(now["statement_ids"] or []))
    return OpenedGap(
        row=row,
        standing=_standing(latest, day, stands),
        evidence=evidence(release, reports, aside),
        statements=statements(release, said, aside),
        rule=rule(release, latest["duty_id"]) if latest["duty_id"] else None,
        request=latest["request"] or "",
        file=f"records-request-{view.gap}.txt",
        others=[o for o in rows if o.agency == row.agency and o.gap_id != view.gap],
    )


def _standing(gap: dict[str, Any], day: date, stands: bool) -> str:
    opened, closed = gap["opened_on"], gap["closed_on"]
    if opened > day:
        return f"Not yet open on {phrases.day(day)}: it opened on {phrases.day(opened)}."
    days = phrases.number((day - opened).days)
    if stands:
        later = f" It closed on {phrases.day(closed)}." if closed else ""
        return f"Open since {phrases.day(opened)}, for {days} days on {phrases.day(day)}.{later}"
    if closed:
        return f"Opened on {phrases.day(opened)}, closed on {phrases.day(closed)}."
    return f"Opened on {phrases.day(opened)}."


def rule(release: Release, duty_id: str) -> Rule | None:
    """A duty by its id; None where the release has none."""
    found = release.tables["duties"].filter(pl.col("duty_id") == duty_id)
    if found.is_empty():
        return None
    duty = found.join(release.tables["sources"], on="source_id", how="left", suffix="_source")
    row = duty.row(0, named=True)
    names = _names(release, "agencies", "agency_id")
    return Rule(
        instrument=row["instrument"],
        requires=row["requires"] or "",
        agency=names.get(row["agency_id"], row["agency_id"]),
        note=row["note"] or "",
        publisher=row["publisher"] or "",
        title=row["title"] or row["source_id"] or "",
        url=row["url"] or "",
    )


def _names(release: Release, table: str, key: str) -> dict[str, str]:
    return dict(release.tables[table].select(key, "name").iter_rows())
