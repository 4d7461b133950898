"""A view's contents: numbers, figures and evidence, from the release's tables.

Pure apart from its caches. Releases are immutable, so whatever was made for a view stays right for
as long as the release is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

import polars as pl

from dashboards import phrases
from dashboards.charts.figure import Figure
from dashboards.charts.gap_matrix import gap_matrix
from dashboards.charts.trend import trend
from dashboards.explorer.duties import Calendar, calendar
from dashboards.explorer.evidence import (
    Evidence,
    Statement,
    evidence,
    set_aside,
    statements,
)
from dashboards.explorer.gaps import GapRow, gap_rows, silences, trend_of_gaps
from dashboards.explorer.view import View
from dashboards.releases import Release

TRENDS = 6


@dataclass(frozen=True)
class Trend:
    """The figure of one series with its evidence. ``spec`` is shared: never change it."""

    agency_id: str
    system_id: str
    agency: str
    system: str
    metric: str
    figure: Figure
    spec: dict[str, Any]
    evidence: list[Evidence]
    statements: list[Statement]


@dataclass(frozen=True)
class Matrix:
    """The gap matrix with every gap in it, gravest first, and the longest silences among them."""

    figure: Figure
    spec: dict[str, Any]
    kinds: list[tuple[str, int]]
    rows: list[GapRow]
    silences: list[GapRow]


@dataclass(frozen=True)
class GapTrend:
    """How many gaps were open on each day up to the view's day, and those that closed by then."""

    figure: Figure
    spec: dict[str, Any]
    closed: list[GapRow]


@dataclass(frozen=True)
class OtherSeries:
    """A series that matches but is not drawn."""

    agency_id: str
    system_id: str
    agency: str
    system: str
    metric: str
    reports: int


@dataclass(frozen=True, eq=False)
class Content:
    """Everything that a view shows except what it opens; ``matrix`` is None where no gap is open,
    ``gap_trend`` where none ever was, ``calendar`` where no duty applies.

    One object a view, so that what is made from it can be kept by it.
    """

    view: View
    numbers: list[tuple[str, str]]
    trends: list[Trend]
    others: list[OtherSeries]
    matrix: Matrix | None
    gap_trend: GapTrend | None
    calendar: Calendar | None


@lru_cache(maxsize=256)
def content(release: Release, view: View) -> Content:
    """What the view shows. Takes some 100 ms for a view not seen before, then nothing.

    Give it views with nothing opened: what is opened changes nothing here.
    """
    series = matching(release.at("series", view.known), release, view)
    # Searches first, for they are what the dashboard is about; then what has most evidence.
    series = series.sort(
        pl.col("metric") != "searches",
        pl.col("reports").neg(),
        "agency_id",
        "system_id",
        "metric",
    )
    shown = [_series_key(row) for row in series.head(TRENDS).iter_rows(named=True)]
    names = dict(release.tables["agencies"].select("agency_id", "name").iter_rows())
    systems = dict(release.tables["systems"].select("system_id", "name").iter_rows())
    others = [
        OtherSeries(
            row["agency_id"],
            row["system_id"],
            names[row["agency_id"]],
            systems[row["system_id"]],
            row["metric"],
            row["reports"],
        )
        for row in series.slice(TRENDS).iter_rows(named=True)
    ]
    return Content(
        view=view,
        numbers=_numbers(release, view),
        trends=[found for key in shown if (found := _trend(release, view.known, key))],
        others=sorted(others, key=lambda s: (s.agency, s.system, s.metric)),
        matrix=_matrix(release, view),
        gap_trend=_gap_trend(release, view),
        calendar=_calendar(release, view),
    )


def matching(table: pl.DataFrame, release: Release, view: View) -> pl.DataFrame:
    """The rows that pass the view's filters; rows without a system or metric are about any."""
    if view.country:
        here = release.tables["agencies"].filter(pl.col("country") == view.country)
        table = table.filter(pl.col("agency_id").is_in(here["agency_id"].to_list()))
    if view.agency:
        table = table.filter(pl.col("agency_id") == view.agency)
    for column, value in (("system_id", view.system), ("metric", view.metric)):
        if value:
            table = table.filter((pl.col(column) == value) | pl.col(column).is_null())
    return table


_SeriesKey = tuple[str, str, str]


def _series_key(row: dict[str, Any]) -> _SeriesKey:
    return row["agency_id"], row["system_id"], row["metric"]


def _of_series(table: pl.DataFrame, key: _SeriesKey) -> pl.DataFrame:
    agency, system, metric = key
    return table.filter(
        (pl.col("agency_id") == agency)
        & (pl.col("system_id") == system)
        & (pl.col("metric") == metric)
    )


@lru_cache(maxsize=1024)
def _trend(release: Release, known: Any, key: _SeriesKey) -> Trend | None:
    bounds = _of_series(release.at("bounds", known), key)
    if bounds.is_empty():
        return None
    reports = _of_series(release.at("reports", known), key)
    aside = set_aside(release, _of_series(release.at("conflicts", known), key))
    agency_id, system_id, metric = key
    said = release.at("statements", known).filter(
        (pl.col("agency_id") == agency_id)
        & (pl.col("system_id").is_null() | (pl.col("system_id") == system_id))
    )
    agency = _name(release, "agencies", "agency_id", agency_id)
    system = _name(release, "systems", "system_id", system_id)
    struck = reports.filter(pl.col("report_id").is_in(list(aside)))
    figure = trend(agency, system, metric, bounds, struck)
    return Trend(
        agency_id,
        system_id,
        agency,
        system,
        metric,
        figure,
        figure.spec(),
        evidence(release, reports, aside),
        statements(release, said, aside),
    )


def _name(release: Release, table: str, key: str, value: str) -> str:
    rows = release.tables[table].filter(pl.col(key) == value)
    return str(rows["name"][0]) if rows.height else value


def _matrix(release: Release, view: View) -> Matrix | None:
    gaps = open_gaps(release, view)
    if gaps.is_empty():
        return None
    figure = gap_matrix(gaps, release.tables["agencies"])
    counts = dict(gaps["kind"].value_counts().iter_rows())
    rows = gap_rows(release, gaps, _day(release, view))
    return Matrix(
        figure,
        figure.spec(),
        [(kind, counts[kind]) for kind in phrases.GAP_WORDS if kind in counts],
        rows,
        silences(rows),
    )


def _gap_trend(release: Release, view: View) -> GapTrend | None:
    gaps = matching(release.tables["gaps"], release, view)
    day = _day(release, view)
    figure = trend_of_gaps(gaps, day)
    closed = gaps.filter(pl.col("closed_on") <= day).sort("closed_on", descending=True)
    return GapTrend(figure, figure.spec(), gap_rows(release, closed, day)) if figure else None


def _day(release: Release, view: View) -> date:
    return view.known or release.as_of


def _calendar(release: Release, view: View) -> Calendar | None:
    """Duties name no system, so they are about any."""
    duties = matching(release.tables["duties"], release, replace(view, system=""))
    return calendar(release, duties, view.known)


def open_gaps(release: Release, view: View) -> pl.DataFrame:
    """The gaps open on the view's day, at their extent on that day."""
    about = release.tables["gaps"].select(
        "gap_id", "agency_id", "system_id", "metric", "kind", "opened_on", "closed_on"
    )
    stood = release.at("gap_history", view.known).join(about, on="gap_id")
    # That a number came late stays true, but the gap closed when the number came.
    stood = stood.filter(
        pl.col("closed_on").is_null() | (pl.col("closed_on") > _day(release, view))
    )
    return matching(stood, release, view)


def _numbers(release: Release, view: View) -> list[tuple[str, str]]:
    """Overview numbers as (number, what it counts)."""
    reports = matching(release.at("reports", view.known), release, view)
    agencies = reports["agency_id"].n_unique()
    countries = (
        release.tables["agencies"]
        .filter(pl.col("agency_id").is_in(reports["agency_id"].unique().to_list()))["country"]
        .n_unique()
    )
    gaps = open_gaps(release, view)
    numbers = [
        (reports.height, "report", "reports"),
        (reports["source_id"].n_unique(), "source", "sources"),
        (agencies, "agency", "agencies"),
        (countries, "country", "countries"),
        (gaps.height, "open disclosure gap", "open disclosure gaps"),
    ]
    told = [(phrases.number(n), one if n == 1 else many) for n, one, many in numbers]
    if reports.height:
        own = round(100 * reports.filter(pl.col("voice") == "agency").height / reports.height)
        told.insert(2, (f"{own}%", "of reports disclosed by the agency itself"))
    return told
