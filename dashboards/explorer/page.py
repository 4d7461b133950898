"""The explorer's HTML: the page as first sent, and the parts that change with the view."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from dashboards import phrases
from dashboards.charts import paint
from dashboards.embeds.addresses import build_address
from dashboards.embeds.catalogue import of_series, of_view
from dashboards.explorer.content import TRENDS, Content, content
from dashboards.explorer.duties import HINTS, opened_duty
from dashboards.explorer.gaps import GapRow, opened_gap
from dashboards.explorer.selection import matching
from dashboards.explorer.view import SeriesProblem, View, read, series_names
from dashboards.pages import render, template
from dashboards.releases import Release
from pipelines.fields import DUTY_STATUS, GAP_KINDS, METRICS

TREND_CHARTS = [f"trend-{index}" for index in range(TRENDS)]
CHARTS = [*TREND_CHARTS, "side-by-side", "gap-matrix", "gap-trend"]
_CARD, _NARROW, _WIDE = 460, 350, 900


def parts(release: Release, shown: Content, view: View, problems: list[str]) -> dict[str, str]:
    """The HTML of every part of the page that depends on the view, by the part's name.

    A part of a chart that is not drawn is blank, which hides its frame.
    """
    macros: Any = template("explorer_parts.html").make_module(_words())
    return {
        **_parts(release, shown),
        "share": str(macros.share(view, rows_address(release, view), _embed_address(shown))),
        "opened": str(_opened(macros, release, shown, view)),
        "notices": str(macros.notices([p for p in problems if not isinstance(p, SeriesProblem)])),
        "picked": str(macros.picked([p for p in problems if isinstance(p, SeriesProblem)])),
    }


_LONGEST_QUERY = 3_900


def rows_address(release: Release, view: View) -> str:
    """Where exactly the bounds of the view's filters are to be had as CSV; blank without any.

    From the queries, whose address others can vary, unless it would be too long or rates are shown.
    """
    rows = matching(release.at("bounds", view.known), release, view)
    if rows.is_empty():
        return ""
    named = bool(view.country or view.agency)
    agencies: list[str] = sorted(set(rows["agency_id"])) if named else []
    pairs = [("agency_id", agency) for agency in agencies]
    filters = {"system_id": view.system, "metric": view.metric}
    pairs += [(name, value) for name, value in filters.items() if value]
    known = view.known.isoformat() if view.known else "now"
    query = urlencode([*pairs, ("known_on", known), ("limit", "100000"), ("format", "csv")])
    if view.rates or len(query) > _LONGEST_QUERY:
        return f"/explore/rows.csv?{view.query()}"
    return f"/api/v1/bounds?{query}"


def _embed_address(shown: Content) -> str:
    """Where this view is made into an embed: its one series, else its gaps; blank: neither."""
    if len(shown.trends) == 1 and not shown.others:
        trend = shown.trends[0]
        if shown.view.estimates or (shown.view.rates and trend.rated):
            return build_address(*of_series((trend.key,), shown.view))
        return build_address(*of_view(shown.view, trend.key))
    return build_address(*of_view(shown.view)) if shown.matrix else ""


def _opened(macros: Any, release: Release, shown: Content, view: View) -> Any:
    """The evidence of the gap or of the calendar's cell that the view opens; blank: none."""
    rows = shown.matrix.rows if shown.matrix else []
    if view.gap:
        return macros.opened_gap(opened_gap(release, view, rows), shown.view)
    if view.duty:
        return macros.opened_duty(opened_duty(release, view, rows), shown.view)
    return ""


@lru_cache(maxsize=512)
def _parts(release: Release, shown: Content) -> dict[str, str]:
    macros: Any = template("explorer_parts.html").make_module(_words())
    made = {
        "selection": macros.selection(_selection(release, shown.view)),
        "numbers": macros.numbers(shown.numbers),
        "rates": macros.rates(shown.rated) if shown.view.rates else "",
        "replay": macros.replay(shown.replay, bool(shown.view.compare)),
        "compare": macros.compare(shown.comparison, shown.view),
        **_comparison(macros, shown),
        "empty": "" if shown.trends else macros.empty(_ways_out(release, shown.view)),
        "others": macros.others(shown.others, shown.view) if shown.others else "",
        "gap-matrix-head": macros.matrix_head(shown.matrix) if shown.matrix else "",
        "gap-matrix-foot": macros.matrix_foot(shown.matrix, shown.view) if shown.matrix else "",
        "gap-trend-head": macros.gap_trend_head(shown.gap_trend) if shown.gap_trend else "",
        "gap-trend-foot": macros.gap_trend_foot(shown.gap_trend, shown.view)
        if shown.gap_trend
        else "",
        "silences": macros.silences(_silences(shown), shown.view),
        "duties": macros.calendar(shown.calendar, shown.view),
        "gap-none": "" if shown.matrix else macros.no_gaps(shown.view),
    }
    single = len(shown.trends) == 1
    for index, name in enumerate(TREND_CHARTS):
        trend = shown.trends[index] if index < len(shown.trends) else None
        made[f"{name}-head"] = macros.trend_head(trend, shown.view) if trend else ""
        made[f"{name}-foot"] = macros.trend_foot(trend, single) if trend else ""
    return {name: str(html) for name, html in made.items()}


def _comparison(macros: Any, shown: Content) -> dict[str, Any]:
    compared = shown.comparison
    if not compared or not compared.figure:
        return {"side-by-side-head": "", "side-by-side-foot": ""}
    drawn = tuple(one.key for one in compared.chosen if not one.missing)
    embed = build_address(*of_series(drawn, shown.view))
    rows = f"/explore/compared.csv?{shown.view.query()}"
    return {
        "side-by-side-head": macros.compared_head(compared),
        "side-by-side-foot": macros.compared_foot(compared, rows, embed),
    }


def _silences(shown: Content) -> list[GapRow]:
    return shown.matrix.silences if shown.matrix else []


@lru_cache(maxsize=64)
def painted(shown: Content) -> dict[str, list[tuple[str, str]]]:
    """Each chart of the first view as (class, SVG), once for phones and once for more."""
    trends = dict(zip(TREND_CHARTS, shown.trends, strict=False))
    charts: dict[str, Any] = {
        **trends,
        "side-by-side": shown.comparison,
        "gap-matrix": shown.matrix,
        "gap-trend": shown.gap_trend,
    }
    return {
        name: [
            ("narrow", paint.svg(chart.figure, _NARROW)),
            ("wide", paint.svg(chart.figure, _CARD if name in trends else _WIDE)),
        ]
        for name, chart in charts.items()
        if chart and chart.figure
    }


def document(release: Release, query: str) -> str:
    """The whole page of a view: everything but the live charts."""
    view, problems = read(query, release)
    shown = content(release, view.unopened())
    return render(
        "explorer.html",
        release=release,
        view=shown.view,
        parts=parts(release, shown, view, problems),
        painted=painted(shown),
        trend_charts=TREND_CHARTS,
        **_choices(release),
    )


def _words() -> dict[str, Any]:
    return {
        "phrases": phrases,
        "gap_kinds": GAP_KINDS,
        "duty_status": DUTY_STATUS,
        "duty_hints": HINTS,
        "metrics": METRICS,
        "View": View,
        "opening": replace,
        "file_of": _file_of,
    }


def _file_of(text: str) -> str:
    """A text as the address of a download that needs no request."""
    return f"data:text/plain;charset=utf-8,{quote(text)}"


@lru_cache(maxsize=2)
def _choices(release: Release) -> dict[str, Any]:
    """What each filter offers: only what has reports."""
    series = release.tables["series"]
    agencies = release.tables["agencies"].join(series, on="agency_id", how="semi")
    systems = release.tables["systems"].join(series, on="system_id", how="semi").sort("name")
    by_country: dict[str, list[tuple[str, str]]] = {}
    for code, key, name in agencies.select("country", "agency_id", "name").iter_rows():
        by_country.setdefault(code, []).append((key, name))
    countries = sorted((phrases.country_name(code), code) for code in by_country)
    present = set(series["metric"])
    return {
        "countries": [(code, name) for name, code in countries],
        "agencies": [
            (code, name, sorted(by_country[code], key=lambda pair: pair[1].casefold()))
            for name, code in countries
        ],
        "systems": list(systems.select("system_id", "name").iter_rows()),
        "metrics": [m for m in METRICS if m in present],
        "metric_words": {m: phrases.METRIC_NOUNS[m][1] for m in METRICS},
        "series": list(series_names(release).values()),
        "earliest": release.tables["series"]["known_from"].min(),
    }


def first_choices(release: Release) -> list[View]:
    """The views one choice away from the first."""
    series = release.tables["series"]
    here = release.tables["agencies"].join(series, on="agency_id", how="semi")
    return [
        *(View(system=key) for key in series["system_id"].unique().sort()),
        *(View(agency=key) for key in here["agency_id"].sort()),
        *(View(country=code) for code in here["country"].unique().sort()),
        *(View(metric=metric) for metric in ["", *METRICS]),
    ]


def _selection(release: Release, view: View) -> str:
    """The view in words: ``Searches · United Kingdom · as known on 28 Feb 2020``."""
    words = [phrases.METRIC_NOUNS[view.metric][1].capitalize() if view.metric else "All counts"]
    for table, key, value in (
        ("agencies", "agency_id", view.agency),
        ("systems", "system_id", view.system),
    ):
        if value:
            rows = release.tables[table].filter(release.tables[table][key] == value)
            words.append(rows["name"][0])
    if view.country:
        words.append(phrases.country_name(view.country))
    if view.compare:
        words.append(f"comparing {len(view.compare)} series")
    if view.rates:
        words.append("per 100,000 people")
    if view.estimates:
        words.append("estimates")
    if view.known:
        words.append(f"as known on {phrases.day(view.known)}")
    return " · ".join(words)


def _ways_out(release: Release, view: View) -> list[tuple[str, View]]:
    """For an empty view: each filter whose removal alone shows something, as (words, view)."""
    looser = []
    view = view.unopened()
    if view.known:
        looser.append(("show what is known today", replace(view, known=None)))
    if view.metric:
        looser.append(("show all metrics", replace(view, metric="")))
    if view.system:
        looser.append(("show all systems", replace(view, system="")))
    if view.agency:
        looser.append(("show all agencies", replace(view, agency="")))
    if view.country:
        looser.append(("show all countries", replace(view, country="")))
    found = [(words, other) for words, other in looser if _shows(release, other)]
    return [*found, ("start over", View())]


def _shows(release: Release, view: View) -> bool:
    return not matching(release.at("bounds", view.known), release, view).is_empty()
