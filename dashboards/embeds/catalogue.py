"""Every chart that can be embedded: its key, its name, its figure and the page that it is from.

A key names what the chart is about, and after an @ the day of knowledge: ``all``,
``met-police.clearview-ai.searches``, ``country=GB,system=clearview-ai@2020-02-28``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from threading import Lock
from typing import Any

import polars as pl
from altair.utils.schemapi import debug_mode

from dashboards import phrases
from dashboards.charts import coverage
from dashboards.charts.changes import release_changes
from dashboards.charts.channel_ladder import RUNGS, channel_ladder
from dashboards.charts.comparison import Compared, comparison
from dashboards.charts.countries import ranked_countries
from dashboards.charts.evidence_timeline import evidence_timeline
from dashboards.charts.figure import Figure
from dashboards.charts.gap_matrix import gap_matrix
from dashboards.charts.gap_trend import gap_trend
from dashboards.charts.side_by_side import MOST, PER
from dashboards.charts.trend import trend
from dashboards.embeds.addresses import chart_address
from dashboards.explorer.compared import compared
from dashboards.explorer.content import open_gaps
from dashboards.explorer.selection import of_series as rows_of
from dashboards.explorer.view import ESTIMATE, View, series_names
from dashboards.releases import Release
from dashboards.site import changes
from dashboards.site.record import Record, SeriesKey
from pipelines.fields import METRICS

ALL = "all"
_FILTERS = ("country", "agency", "system", "metric")
_VOICES = {
    "own": "disclosed by the agency",
    "others": "known only through others",
    "contested": "contested",
}
# What each chart of coverage is about, and what its colours mean.
_COVERAGE = {
    "bodies": ("Police bodies on public registers", {"own": "a count or a statement is on record"}),
    "countries": (
        "Agencies on record by country",
        {"own": "with a count", "vague": "statements only", "aside": "only named"},
    ),
    "age": ("Age of the newest documents", {}),
}
# Altair's check of every channel takes longer than the rest; it is a switch of the whole process.
_drawing = Lock()


@dataclass(frozen=True)
class Chart:
    """One embeddable chart. ``name`` says what it is about, ``page`` where it is from,
    ``explore`` the same in the explorer, and ``key_words`` what its colours mean, by token."""

    chart: str
    key: str
    name: str
    page: str
    explore: str
    key_words: dict[str, str]

    def address(self, kind: str = "html") -> str:
        """``/embed/CHART/KEY.html``."""
        return chart_address(self.chart, self.key, kind)


def charts(release: Release) -> Iterator[Chart]:
    """Every chart that stands on a page or in the explorer's plain views, in a stable order."""
    tables = release.tables
    for chart in ("gap-matrix", "gap-trend", "countries", "changes"):
        yield from _found(release, chart, [ALL])
    yield from _found(release, "coverage", list(_COVERAGE))
    for metric in METRICS:
        if (tables["reports"]["metric"] == metric).any():
            yield from _found(release, "channel-ladder", [metric])
    keys = [".".join(key) for key in tables["series"].select(
        "agency_id", "system_id", "metric").iter_rows()]  # fmt: skip
    yield from _found(release, "trend", keys)
    agencies = tables["reports"]["agency_id"].unique().sort().to_list()
    yield from _found(release, "evidence-timeline", agencies)
    systems = [f"system={key}" for key in tables["systems"]["system_id"]]
    countries = [f"country={code}" for code in tables["agencies"]["country"].unique().sort()]
    yield from _found(release, "comparison", [*systems, *countries])
    gaps = tables["gaps"].filter(pl.col("closed_on").is_null())
    about = gaps.join(tables["agencies"], on="agency_id")
    views = [f"country={code}" for code in about["country"].unique().sort()]
    views += [f"system={key}" for key in gaps["system_id"].drop_nulls().unique().sort()]
    views += [f"agency={key}" for key in gaps["agency_id"].unique().sort()]
    yield from _found(release, "gap-matrix", views)


def _found(release: Release, chart: str, keys: list[str]) -> Iterator[Chart]:
    for key in keys:
        found = find(release, chart, key)
        if found:
            yield found


def find(release: Release, chart: str, key: str) -> Chart | None:
    """The chart under a key, or None where there is none. Does not draw it."""
    if chart not in _FINDERS:
        return None
    plain, at, day = key.partition("@")
    known = _day(day) if at else None
    if at and (known is None or not _MAKERS[chart][1]):
        return None
    found = _FINDERS[chart](release, plain, known)
    return replace(found, key=key) if found else None


def figure(release: Release, chart: Chart) -> Figure | None:
    """The chart's figure; None where nothing is on record to draw. Takes some 50 ms."""
    return _figure(release, chart.chart, chart.key)


@lru_cache(maxsize=256)
def _figure(release: Release, chart: str, key: str) -> Figure | None:
    plain, _, day = key.partition("@")
    with _drawing, debug_mode(False):
        try:
            made = _MAKERS[chart][0](release, plain, _day(day))
            made.spec()
        except ValueError:
            return None
        return made


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@lru_cache(maxsize=3)
def record(release: Release) -> Record:
    """The release indexed; made once a release."""
    return Record(release)


def of_view(view: View, series: SeriesKey | None = None) -> tuple[str, str]:
    """The chart and key of what the explorer shows: one series, or the gaps of the view."""
    known = f"@{view.known.isoformat()}" if view.known else ""
    if series:
        return "trend", ".".join(series) + known
    return "gap-matrix", _key_of_view(view) + known


def of_series(keys: tuple[SeriesKey, ...], view: View) -> tuple[str, str]:
    """The chart and key of series side by side, drawn as the view draws them."""
    plain = ",".join(".".join(key) for key in keys)
    plain += f",show={ESTIMATE}" if view.estimates else ""
    plain += f",per={PER}" if view.rates else ""
    return "side-by-side", plain + (f"@{view.known.isoformat()}" if view.known else "")


def _key_of_view(view: View) -> str:
    pairs = [f"{name}={value}" for name in _FILTERS if (value := getattr(view, name))]
    return ",".join(pairs) or ALL


def _view(release: Release, key: str, known: date | None) -> View | None:
    """The view that a key names; None where it names what the release does not have."""
    if key == ALL:
        return View(metric="", known=known)
    given: dict[str, str] = {}
    for pair in key.split(","):
        name, _, value = pair.partition("=")
        if name not in _FILTERS or name in given or value not in _values(release, name):
            return None
        given[name] = value
    return replace(View(metric="", known=known), **given)  # type: ignore[arg-type]


@lru_cache(maxsize=16)
def _values(release: Release, name: str) -> frozenset[str]:
    tables = release.tables
    if name == "metric":
        return frozenset(METRICS)
    table, column = {
        "country": ("agencies", "country"),
        "agency": ("agencies", "agency_id"),
        "system": ("systems", "system_id"),
    }[name]
    return frozenset(tables[table][column].to_list())


# --- each chart: is there one, and how is it made ---------------------------------------------


def _find_trend(release: Release, key: str, known: date | None) -> Chart | None:
    parts = key.split(".")
    if len(parts) != 3 or tuple(parts) not in _bounded(release):
        return None
    agency, system, metric = parts
    view = View(agency=agency, system=system, metric=metric, known=known)
    words = record(release)
    noun = phrases.METRIC_NOUNS[metric][1].capitalize()
    return Chart(
        "trend",
        key,
        f"{noun}: {words.agency_name(agency)}, {words.system_name(system)}",
        f"/agencies/{agency}/#{system}-{metric.replace('_', '-')}",
        f"/explore?{view.query()}",
        {**_VOICES, "estimate": "estimate", "aside": "report set aside"},
    )


@lru_cache(maxsize=3)
def _bounded(release: Release) -> frozenset[tuple[str, ...]]:
    """The series with bounds to draw: what is wholly vague has none."""
    keys = release.tables["bounds"].select("agency_id", "system_id", "metric").unique()
    return frozenset(keys.iter_rows())


def _make_trend(release: Release, key: str, known: date | None) -> Figure:
    agency, system, metric = key.split(".")
    mine = (
        (pl.col("agency_id") == agency)
        & (pl.col("system_id") == system)
        & (pl.col("metric") == metric)
    )
    conflicts = release.at("conflicts", known).filter(mine & (pl.col("voice") == "all"))
    aside = release.at("reports", known).filter(
        mine & pl.col("report_id").is_in(conflicts["set_aside_id"].to_list())
    )
    words = record(release)
    names = words.agency_name(agency), words.system_name(system)
    return trend(*names, metric, release.at("bounds", known).filter(mine), aside)


def _find_gap_matrix(release: Release, key: str, known: date | None) -> Chart | None:
    view = _view(release, key, known)
    if view is None or open_gaps(release, view).is_empty():
        return None
    words = record(release)
    about = [
        *([words.agency_name(view.agency)] if view.agency else []),
        *([words.system_name(view.system)] if view.system else []),
        *([phrases.METRIC_NOUNS[view.metric][1]] if view.metric else []),
        *([phrases.country_name(view.country)] if view.country else []),
    ]
    page = f"/agencies/{view.agency}/" if view.agency else "/gaps/"
    return Chart(
        "gap-matrix",
        key,
        f"Disclosure gaps: {', '.join(about) or 'all agencies'}",
        page,
        f"/explore?{view.query()}",
        dict(phrases.GAP_WORDS),
    )


def _make_gap_matrix(release: Release, key: str, known: date | None) -> Figure:
    view = _view(release, key, known)
    assert view
    return gap_matrix(open_gaps(release, view), release.tables["agencies"])


def _find_gap_trend(release: Release, key: str, known: date | None) -> Chart | None:
    if key != ALL or release.tables["gaps"].is_empty():
        return None
    return Chart("gap-trend", key, "Disclosure gaps over time", "/gaps/", "/explore", {})


def _make_gap_trend(release: Release, key: str, known: date | None) -> Figure:
    return gap_trend(release.tables["gaps"], release.as_of)


def _find_countries(release: Release, key: str, known: date | None) -> Chart | None:
    if key != ALL or release.tables["agencies"].is_empty():
        return None
    words = {
        "own": "disclosed by the agency",
        "others": "only by others",
    }
    return Chart(
        "countries", key, "Agencies on record by country", "/countries/", "/explore", words
    )


def _make_countries(release: Release, key: str, known: date | None) -> Figure:
    return ranked_countries(release.tables["agencies"], release.tables["reports"])


def _find_coverage(release: Release, key: str, known: date | None) -> Chart | None:
    if key not in _COVERAGE or release.tables["coverage_countries"].is_empty():
        return None
    if not _drawn(release, "coverage", key):
        return None
    name, words = _COVERAGE[key]
    return Chart("coverage", key, name, "/coverage/", "/explore", dict(words))


def _make_coverage(release: Release, key: str, known: date | None) -> Figure:
    countries, agencies = (release.tables[f"coverage_{of}"] for of in ("countries", "agencies"))
    if key == "bodies":
        return coverage.registered_bodies(countries)
    if key == "countries":
        return coverage.agencies_by_country(agencies, countries)
    return coverage.newest_documents(agencies, release.as_of)


def _find_changes(release: Release, key: str, known: date | None) -> Chart | None:
    if key != ALL or not _drawn(release, "changes", key):
        return None
    words = {"aside": "before", "own": "after"}
    return Chart("changes", key, "Figures that moved", "/corrections/", "/explore", words)


def _make_changes(release: Release, key: str, known: date | None) -> Figure:
    moved = changes.read(release.path)
    if moved is None:
        raise ValueError("no release stood before")
    return release_changes(moved.told)


@lru_cache(maxsize=16)
def _drawn(release: Release, chart: str, key: str) -> bool:
    """Whether there is something to draw, of charts that tell only when they are made."""
    return _figure(release, chart, key) is not None


def _find_ladder(release: Release, key: str, known: date | None) -> Chart | None:
    if key not in METRICS or not (release.tables["reports"]["metric"] == key).any():
        return None
    name = f"How the public learned of {phrases.METRIC_NOUNS[key][1]}"
    view = View(metric=key)
    return Chart("channel-ladder", key, name, "/", f"/explore?{view.query()}", {})


def _make_ladder(release: Release, key: str, known: date | None) -> Figure:
    return channel_ladder(release.tables["reports"], release.tables["agencies"], key)


def _find_timeline(release: Release, key: str, known: date | None) -> Chart | None:
    words = record(release)
    if key not in words.agencies or not words.of("reports", "agency_id", key):
        return None
    return Chart(
        "evidence-timeline",
        key,
        f"Who said so, and when: {words.agency_name(key)}",
        f"/agencies/{key}/",
        f"/explore?{View(agency=key, metric='').query()}",
        {f"by-{rung}": told.lower() for rung, told in RUNGS.items()},
    )


def _make_timeline(release: Release, key: str, known: date | None) -> Figure:
    words = record(release)
    mine = pl.col("agency_id") == key
    reports, statements = (release.tables[t].filter(mine) for t in ("reports", "statements"))
    systems = {system: words.system_name(system) for system in words.systems}
    name = words.agency_name(key)
    return evidence_timeline(name, reports, statements, systems, set(words.set_aside))


def _find_comparison(release: Release, key: str, known: date | None) -> Chart | None:
    kind, _, value = key.partition("=")
    if kind not in {"system", "country"} or not _compared(release, key)[1]:
        return None
    words = record(release)
    name = words.system_name(value) if kind == "system" else phrases.country_name(value)
    page = f"/{'systems' if kind == 'system' else 'countries'}/{value}/"
    view = View(system=value, metric="") if kind == "system" else View(country=value, metric="")
    explore = f"/explore?{view.query()}"
    return Chart("comparison", key, f"Most on record: {name}", page, explore, dict(_VOICES))


def _make_comparison(release: Release, key: str, known: date | None) -> Figure:
    metric, rows = _compared(release, key)
    top = max(rows, key=lambda r: r.low)
    told = phrases.counted_interval(top.low, top.high, metric)
    return comparison(rows, metric, f"Most on record: {top.name}, {told}, {top.period}")


@lru_cache(maxsize=256)
def _compared(release: Release, key: str) -> tuple[str, list[Compared]]:
    """The metric with most series in a system or country, and the largest proven window of each;
    no rows where fewer than two can be compared."""
    kind, _, value = key.partition("=")
    words = record(release)
    single = {a for a, row in words.agencies.items() if row["level"] != "group"}
    keys = [
        series
        for series in words.series
        if series[0] in single
        and (series[1] == value if kind == "system"
             else words.agencies[series[0]]["country"] == value)
    ]  # fmt: skip
    counts = Counter(series[2] for series in keys)
    for metric in sorted(counts, key=lambda m: (-counts[m], list(METRICS).index(m))):
        rows = []
        for series in keys:
            claims = [c for c in words.claims(series) if c.row["low"] > 0]
            if series[2] != metric or not claims:
                continue
            claim = max(claims, key=lambda c: c.row["low"])
            name = words.agency_name(series[0])
            if kind == "country":
                name = f"{name}, {words.system_name(series[1])}"
            low, high = claim.row["low"], claim.row["high"]
            rows.append(Compared(name, claim.period, low, high, claim.voice))
        if len(rows) > 1:
            return metric, rows
    return "", []


def _side_by_side(release: Release, key: str, known: date | None) -> View | None:
    """The view that a key names; None where a part of it is not one, or there is no such series."""
    parts = key.split(",")
    show, per = f"show={ESTIMATE}", f"per={PER}"
    flags = [part for part in parts if part in {show, per}]
    keys = [tuple(part.split(".")) for part in parts if part not in flags]
    known_series = record(release).series
    if not keys or len(keys) > MOST or len(set(parts)) < len(parts):
        return None
    if any(key not in known_series for key in keys):
        return None
    compare = tuple((a, s, m) for a, s, m in keys)
    return View(
        metric="", known=known, compare=compare, estimates=show in flags, rates=per in flags
    )


def _find_side_by_side(release: Release, key: str, known: date | None) -> Chart | None:
    view = _side_by_side(release, key, known)
    if view is None:
        return None
    names = [series_names(release)[series] for series in view.compare]
    name = names[0] if len(names) == 1 else f"{len(names)} series side by side"
    name += ", per 100,000 people" if view.rates else ""
    name += ", estimates" if view.estimates else ""
    page = f"/agencies/{view.compare[0][0]}/"
    words = {**_VOICES, **({"estimate": "estimate"} if view.estimates else {})}
    return Chart("side-by-side", key, name, page, f"/explore?{view.query()}", words)


def _make_side_by_side(release: Release, key: str, known: date | None) -> Figure:
    view = _side_by_side(release, key, known)
    assert view
    return compared(release, view.compare, known, view.estimates, view.rates)


_Finder = Callable[[Release, str, date | None], Chart | None]
_Maker = Callable[[Release, str, date | None], Figure]
_FINDERS: dict[str, _Finder] = {
    "trend": _find_trend,
    "gap-matrix": _find_gap_matrix,
    "gap-trend": _find_gap_trend,
    "countries": _find_countries,
    "channel-ladder": _find_ladder,
    "evidence-timeline": _find_timeline,
    "comparison": _find_comparison,
    "side-by-side": _find_side_by_side,
    "coverage": _find_coverage,
    "changes": _find_changes,
}
# How each is made, and whether it can be drawn as known on an earlier day.
_MAKERS: dict[str, tuple[_Maker, bool]] = {
    "trend": (_make_trend, True),
    "gap-matrix": (_make_gap_matrix, True),
    "gap-trend": (_make_gap_trend, False),
    "countries": (_make_countries, False),
    "channel-ladder": (_make_ladder, False),
    "evidence-timeline": (_make_timeline, False),
    "comparison": (_make_comparison, False),
    "side-by-side": (_make_side_by_side, True),
    "coverage": (_make_coverage, False),
    "changes": (_make_changes, False),
}


def behind(release: Release, chart: Chart) -> str:
    """The source line: the publishers of the documents behind a chart, the first few by name."""
    names = _publishers(release, chart)
    if not names:
        return ""
    most = [name for name, _ in Counter(names).most_common(3)]
    rest = len(set(names)) - len(most)
    return phrases.listed([*most, f"{rest} more"] if rest else most)


def _publishers(release: Release, chart: Chart) -> list[str]:
    tables: dict[str, Any] = release.tables
    reports = tables["reports"]
    plain, _, _day_text = chart.key.partition("@")
    if chart.chart == "trend":
        agency, system, metric = plain.split(".")
        reports = reports.filter(
            (pl.col("agency_id") == agency)
            & (pl.col("system_id") == system)
            & (pl.col("metric") == metric)
        )
    elif chart.chart == "side-by-side":
        keys = [tuple(part.split(".")) for part in plain.split(",") if "=" not in part]
        reports = rows_of(reports, *((a, s, m) for a, s, m in keys))
    elif chart.chart == "evidence-timeline":
        reports = reports.filter(pl.col("agency_id") == plain)
    elif "=" in plain:
        for pair in plain.split(","):
            name, _, value = pair.partition("=")
            if name == "country":
                here = tables["agencies"].filter(pl.col("country") == value)["agency_id"].to_list()
                reports = reports.filter(pl.col("agency_id").is_in(here))
            else:
                column = name if name == "metric" else f"{name}_id"
                reports = reports.filter(pl.col(column) == value)
    else:
        return []
    said = reports.select("source_id").unique().join(tables["sources"], on="source_id")
    return [str(name) for name in said.sort("source_id")["publisher"]]
