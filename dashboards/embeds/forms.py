"""The forms of charts that are plain data: the list of all and the specification of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dashboards.embeds import catalogue
from dashboards.embeds.addresses import KINDS, build_address
from dashboards.embeds.shown import Shown
from dashboards.releases import Release

LOADER_FILE = Path(__file__).parents[1] / "assets" / "embed.js"


def index(release: Release) -> bytes:
    """``/embed/index.json``: every chart with its addresses."""
    rows = [
        {
            "chart": chart.chart,
            "key": chart.key,
            "name": chart.name,
            "page": chart.page,
            **{kind: chart.address(kind) for kind in KINDS},
            "build": build_address(chart.chart, chart.key),
        }
        for chart in catalogue.charts(release)
    ]
    return as_json({"release": release.version, "charts": rows})


def specification(shown: Shown) -> bytes:
    """The Vega-Lite specification with its data, and where it is from."""
    spec, table = shown.figure.spec(), shown.figure.table
    about = {
        "name": shown.chart.name,
        "title": shown.figure.title,
        "note": shown.figure.note,
        "source": catalogue.behind(shown.release, shown.chart),
        "release": shown.release.version,
        "as_of": shown.release.as_of.isoformat(),
        "license": "CC-BY-4.0",
        "page": shown.chart.page,
        "columns": table.columns,
        "numbers": [name for name, kind in table.schema.items() if kind.is_numeric()],
        "table": table.rows(),
    }
    spec = {**spec, "usermeta": {**spec.get("usermeta", {}), "facetally": about}}
    return as_json(spec)


def as_json(said: dict[str, Any]) -> bytes:
    """JSON as it is served."""
    return json.dumps(said, ensure_ascii=False).encode()
