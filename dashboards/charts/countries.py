"""Countries ranked by the agencies with a count on record, and by who disclosed it."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.figure import Figure
from dashboards.charts.theme import LIGHT, named_rows, themed

_ROW = 30
_ROWS = 16
_PARTS = {"own": "disclosed by the agency", "others": "only by others", "none": "no count"}


def ranked_countries(agencies: pl.DataFrame, reports: pl.DataFrame) -> Figure:
    """Bars of agencies by country; groups of agencies are left out.

    ``agencies`` and ``reports`` are those tables of a release. Raises ValueError where there are
    no agencies.
    """
    single = agencies.filter((pl.col("level") != "group") & (pl.col("country") != "ZZ"))
    if single.is_empty():
        raise ValueError("no agencies to rank")
    voices = reports.group_by("agency_id").agg(own=(pl.col("voice") == "agency").any())
    told = (
        single.join(voices, on="agency_id", how="left")
        .group_by("country")
        .agg(
            own=pl.col("own").fill_null(False).sum(),
            others=(~pl.col("own")).fill_null(False).sum(),
            none=pl.col("own").is_null().sum(),
            every=pl.len(),
        )
        .with_columns(counted=pl.col("own") + pl.col("others"))
        .sort("counted", "every", "country", descending=[True, True, False])
    )
    rows = list(told.iter_rows(named=True))
    counted = sum(row["counted"] for row in rows)
    silent = [row for row in rows if not row["own"]]
    title = (
        f"In {len(silent)} of {len(rows)} countries no agency on record has given a count itself"
        if silent
        else "In every country some agency has given a count itself"
    )
    description = (
        f"Bars of {counted} agencies with a count on record, by country. "
        + "; ".join(
            f"{phrases.country_name(r['country'])}: {r['counted']}, of which {r['own']} disclosed "
            "by the agency"
            for r in rows[:5]
        )
        + "."
    )
    drawn = [row for row in rows[:_ROWS] if row["counted"]]
    return Figure(
        name="countries",
        chart=themed(_layers(drawn), description, _ROW * len(drawn)),
        title=title,
        description=description,
        table=pl.DataFrame(
            {
                "Country": [phrases.country_name(r["country"]) for r in rows],
                "Agencies on record": [r["every"] for r in rows],
                "With a count": [r["counted"] for r in rows],
                "Disclosed by the agency": [r["own"] for r in rows],
                "Only by others": [r["others"] for r in rows],
            }
        ),
        note=f"{len(rows) - len(drawn)} more countries are in the table."
        if len(rows) > len(drawn)
        else "",
    )


def _layers(drawn: list[dict[str, Any]]) -> list[alt.Chart]:
    most = max((row["counted"] for row in drawn), default=1)
    order = [phrases.country_name(row["country"]) for row in drawn]
    bars, labels, inside = [], [], []
    for row, name in zip(drawn, order, strict=True):
        bars.append({"name": name, "from": 0, "to": row["own"], "part": "own"})
        bars.append({"name": name, "from": row["own"], "to": row["counted"], "part": "others"})
        labels.append({"name": name, "to": row["counted"], "label": str(row["counted"])})
        inside += [
            {"name": name, "middle": (b["from"] + b["to"]) / 2, "count": b["to"] - b["from"]}
            for b in bars[-2:]
        ]
    y = named_rows(order)
    x = alt.X("from:Q", scale=alt.Scale(domain=[0, most * 1.12], nice=False), axis=None)
    scale = alt.Scale(domain=["own", "others"], range=[LIGHT["own"], LIGHT["others"]])
    return [
        alt.Chart(alt.Data(values=[b for b in bars if b["to"] > b["from"]]))
        .mark_bar(aria=False, stroke=LIGHT["paper"], strokeWidth=1)
        .encode(x=x, x2=alt.X2("to:Q"), y=y, fill=alt.Fill("part:N", scale=scale, legend=None)),
        alt.Chart(alt.Data(values=inside))
        .mark_text(aria=False, fill=LIGHT["paper"], fontWeight=700)
        .encode(
            x=alt.X("middle:Q"),
            y=y,
            text=alt.Text("count:Q"),
            opacity=alt.condition(
                f"datum.count * width / {most * 1.12} > 20", alt.value(1), alt.value(0)
            ),
        ),
        alt.Chart(alt.Data(values=labels))
        .mark_text(align="left", dx=6, aria=False)
        .encode(x=alt.X("to:Q"), y=y, text=alt.Text("label:N")),
    ]
