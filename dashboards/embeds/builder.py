"""The builder: a preview of one chart with everything that an editor pastes."""

from __future__ import annotations

from collections import Counter

from dashboards.embeds import catalogue
from dashboards.embeds.addresses import KINDS, build_address, chart_address
from dashboards.embeds.page import THEMES, Embed
from dashboards.embeds.shown import Shown
from dashboards.embeds.snippets import LOADER, query, snippets
from dashboards.headers import STRICT
from dashboards.pages import render
from dashboards.releases import Release

POLICY = f"{STRICT}; frame-src 'self'"
WIDTHS = (320, 480, 600, 720, 960, 1200)


def builder(
    latest: Release,
    shown: Shown,
    made: Embed,
    explorer: bool,
    theme: str = "auto",
    width: int = 600,
    size: int | None = None,
) -> str:
    """The page for one chart: ``width`` of the preview, ``size`` the fixed width of the chart in
    pixels, None to fill its column."""
    chart = shown.chart
    return render(
        "embed_build.html",
        release=latest,
        explorer=explorer,
        problem="",
        chosen={
            "chart": chart,
            "title": shown.title,
            "src": f"{shown.address()}{query(theme)}",
            "width": size or width,
            "size": size,
            "theme": theme,
            "version": shown.version,
            "addresses": {kind: shown.address(kind) for kind in KINDS},
            "latest": f"{shown.base_url}{chart.address()}",
            "pinned": shown.base_url
            + chart_address(chart.chart, chart.key, "html", latest.version),
            "heights": " ".join(f"{at}:{tall}" for at, tall in made.heights),
            "snippets": snippets(shown, made.heights, theme, size),
            "cite": shown.citation(),
        },
        themes=THEMES,
        widths=WIDTHS,
        versions=["latest", latest.version],
        loader=LOADER,
    )


_OFFERED = {
    "trend": "How many: one series",
    "gap-matrix": "What is not disclosed",
    "evidence-timeline": "Who said so, and when",
    "comparison": "Agencies compared",
    "channel-ladder": "How the public learned",
    "gap-trend": "Gaps over time",
    "countries": "Countries",
    "coverage": "What the ledger does not hold",
    "changes": "What moved between releases",
}


def chooser(latest: Release, explorer: bool, problem: str = "") -> str:
    """The page that offers every chart, one of each kind drawn, with what was wrong with the one
    asked for."""
    reports = latest.tables["reports"]
    told = Counter(reports["agency_id"])
    told += Counter(map(".".join, reports.select("agency_id", "system_id", "metric").iter_rows()))
    kinds: dict[str, list[catalogue.Chart]] = {kind: [] for kind in _OFFERED}
    for chart in catalogue.charts(latest):
        kinds[chart.chart].append(chart)
    offers = [
        {
            "words": _OFFERED[kind],
            "charts": alike,
            # The one with most to see.
            "example": max(alike, key=lambda chart: told[chart.key]),
        }
        for kind, alike in kinds.items()
        if alike
    ]
    return render(
        "embed_build.html",
        release=latest,
        explorer=explorer,
        problem=problem,
        chosen=None,
        offers=offers,
        build_address=build_address,
    )
