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
from dashboards.explorer.compared import Comparison, compared, comparison
from dashboards.explorer.duties import Calendar, calendar
from dashboards.explorer.evidence import (
    Evidence,
    Statement,
    evidence,
    set_aside,
    statements,
)
from dashboards.explorer.gaps import GapRow, gap_rows, silences, trend_of_gaps
from dashboards.explorer.people import populations
from dashboards.explorer.replay import Replay, replay
from dashboards.explorer.selection import SERIES, matching, of_series
from dashboards.explorer.view import SeriesKey, View
from dashboards.releases import Release

TRENDS = 6


@dataclass(frozen=True)
class Trend:
    """The figure of one series with its evidence. ``spec`` is shared: never change it.

    ``people`` says what a rate is divided by, or why there is none; blank where none was asked for;
    ``rated`` whether the figure shows rates.
    """

    agency_id: str
    system_id: str
    agency: str
    system: str
    metric: str
    figure: Figure
    spec: dict[str, Any]
    evidence: list[Evidence]
    statements: list[Statement]
    people: str
    rated: bool

    @property
    def key(self) -> SeriesKey:
        return self.agency_id, self.system_id, self.metric


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

    ``rated`` are the numbers of matching series with a known population, and of all.
    One object a view, so that what is made from it can be kept by it.
    """

    view: View
    numbers: list[tuple[str, str]]
    trends: list[Trend]
    others: list[OtherSeries]
    matrix: Matrix | None
    gap_trend: GapTrend | None
    calendar: Calendar | None
    comparison: Comparison | None
    replay: Replay
    rated: tuple[int, int]


@lru_cache(maxsize=512)
def content(release: Release, view: View) -> Content:
    """What the view shows. Takes some 100 ms for a view not seen before, then nothing.

    Give it views with nothing opened: what is opened changes nothing here.
    """
    series = matching(release.at("series", view.known), release, view)
    # Searches first, for they are what the dashboard is about; then what has most evidence. Where
    # rates are asked for, series that have one go before the others.
    people = list(populations(release))
    rated = series["agency_id"].is_in(people)
    series = series.sort(
        *([pl.col("agency_id").is_in(people).not_()] if view.rates else []),
        pl.col("metric") != "searches",
        pl.col("reports").neg(),
        "agency_id",
        "system_id",
        "metric",
    )
    shown = list(series.head(TRENDS).select(SERIES).iter_rows())
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
    filters = view.filters()
    return Content(
        view=view,
        numbers=_numbers(release, filters),
        trends=[
            found
            for key in shown
            if (found := _trend(release, view.known, key, view.estimates, view.rates))
        ],
        others=sorted(others, key=lambda s: (s.agency, s.system, s.metric)),
        matrix=_matrix(release, filters),
        gap_trend=_gap_trend(release, filters),
        calendar=_calendar(release, filters),
        comparison=comparison(release, view),
        replay=replay(release, view),
        rated=(int(rated.sum()), series.height),
    )


@lru_cache(maxsize=1024)
def _trend(
    release: Release, known: date | None, key: SeriesKey, estimates: bool, rates: bool
) -> Trend | None:
    bounds = of_series(release.at("bounds", known), key)
    if bounds.is_empty():
        return None
    reports = of_series(release.at("reports", known), key)
    aside = set_aside(release, of_series(release.at("conflicts", known), key))
    agency_id, system_id, metric = key
    said = release.at("statements", known).filter(
        (pl.col("agency_id") == agency_id)
        & (pl.col("system_id").is_null() | (pl.col("system_id") == system_id))
    )
    agency = _name(release, "agencies", "agency_id", agency_id)
    system = _name(release, "systems", "system_id", system_id)
    struck = reports.filter(pl.col("report_id").is_in(list(aside)))
    population = populations(release).get(agency_id) if rates else None
    if estimates or population:
        figure = compared(release, (key,), known, estimates, bool(population))
    else:
        figure = trend(agency, system, metric, bounds, struck)
    people = f"Divided by {population.words}." if population else ""
    if rates and not population:
        people = "No population is on record here: these are counts, not rates."
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
        people,
        bool(population),
    )


def _name(release: Release, table: str, key: str, value: str) -> str:
    rows = release.tables[table].filter(pl.col(key) == value)
    return str(rows["name"][0]) if rows.height else value


@lru_cache(maxsize=512)
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


@lru_cache(maxsize=512)
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
