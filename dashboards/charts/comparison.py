"""Several series side by side: one row each, from the least to the most that evidence allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.count_axis import named_counts
from dashboards.charts.figure import Figure
from dashboards.charts.theme import LIGHT, themed

ROWS = 20
_ROW = 38
# Pixels of a letter, as wide as names of capitals are in the widest of the house's fonts.
_WIDEST = 9


@dataclass(frozen=True)
class Compared:
    """One row: what it is called, its period in words, its interval and whose evidence it is
    (``own``, ``others`` or ``contested``)."""

    name: str
    period: str
    low: int
    high: int | None
    voice: str


_VOICES = {
    "own": "disclosed by the agency",
    "others": "shown only by others",
    "contested": "contested",
}


def comparison(rows: list[Compared], metric: str, title: str, limit: int = ROWS) -> Figure:
    """Rows in the order of their lower bounds, the largest ``limit`` drawn and all in the table.

    The scale is logarithmic where the largest is over fifty times the smallest; the axis says so.
    Raises ValueError where there are no rows.
    """
    if not rows:
        raise ValueError("nothing to compare")
    told = sorted(rows, key=lambda r: (-r.low, r.high is not None, -(r.high or 0), r.name))
    drawn = told[:limit]
    noun = phrases.METRIC_NOUNS[metric][1]
    description = (
        f"Intervals of {noun}, one row each, by the lowest number that the evidence allows. "
        + "; ".join(f"{r.name}: {phrases.interval(r.low, r.high)}, {r.period}" for r in told[:5])
        + (f"; and {len(told) - 5} more." if len(told) > 5 else ".")
    )
    notes = []
    if any(r.high is None for r in drawn):
        notes.append("An arrow means that no upper bound is known.")
    if len({r.period for r in drawn}) > 1:
        notes.append("Periods differ between rows.")
    if len(told) > len(drawn):
        notes.append(f"{len(told) - len(drawn)} smaller ones are in the table.")
    return Figure(
        name="comparison",
        chart=themed(_layers(drawn, noun), description, _ROW * len(drawn) + 6),
        title=title,
        description=description,
        table=pl.DataFrame(
            {
                "Series": [r.name for r in told],
                "Period": [r.period for r in told],
                "At least": [r.low for r in told],
                "At most": [r.high for r in told],
                "Evidence": [_VOICES[r.voice] for r in told],
            },
            schema_overrides={"At least": pl.Int64, "At most": pl.Int64},
        ),
        note=" ".join(notes),
    )


def _layers(drawn: list[Compared], noun: str) -> list[alt.Chart]:
    positive = [r.low for r in drawn if r.low > 0] + [r.high for r in drawn if r.high]
    least, most = min(positive, default=1), max(positive, default=1)
    log = most > 50 * least
    floor = 10 ** (len(str(least)) - 1) if log else 0
    room = most * 4 if log else most * 1.12
    marks: list[dict[str, Any]] = []
    for n, row in enumerate(drawn):
        low = max(row.low, floor)
        beyond = low * 1.6 if log else low + most * 0.07
        marks.append(
            {
                "y": n,
                "low": low,
                "top": row.high if row.high is not None else beyond,
                "certain": row.low > 0,
                "open": row.high is None,
                "voice": row.voice,
                "name": row.name,
                "count": phrases.short_interval(row.low, row.high),
                "told": f"{phrases.short_interval(row.low, row.high)}, {row.period}",
            }
        )
    powers = [10**n for n in range(13) if (floor or 1) <= 10**n <= room] if log else None
    scale = alt.Scale(
        type="log" if log else "linear", domain=[floor or 0, room], nice=False, clamp=True
    )

    def x(name: str) -> alt.X:
        axis = alt.Axis(
            title=f"{noun}{', each step ten times more' if log else ''}",
            titleAnchor="start",
            orient="top",
            domain=False,
            ticks=False,
            **{**named_counts(room), **({"values": powers} if powers else {})},
        )
        return alt.X(f"{name}:Q", scale=scale, axis=axis)

    y = alt.Y(
        "y:Q",
        scale=alt.Scale(domain=[-0.6, len(drawn) - 0.35], reverse=True, nice=False),
        axis=None,
    )
    voices = alt.Scale(domain=list(_VOICES), range=[LIGHT[v] for v in _VOICES])
    fill = alt.Fill("voice:N", scale=voices, legend=None)
    every = alt.Data(values=marks)
    layers = [
        alt.Chart(every)
        .mark_bar(height=9, fillOpacity=0.28, yOffset=6, aria=False)
        .encode(x=x("low"), x2="top:Q", y=y, fill=fill),
        alt.Chart(alt.Data(values=[m for m in marks if m["certain"]]))
        .mark_point(shape="circle", size=80, opacity=1, strokeWidth=0, yOffset=6, aria=False)
        .encode(x=x("low"), y=y, fill=fill),
    ]
    unbounded = [m for m in marks if m["open"]]
    if unbounded:
        layers.append(
            alt.Chart(alt.Data(values=unbounded))
            .mark_point(
                shape="triangle-right", size=90, opacity=1, strokeWidth=0, yOffset=6, aria=False
            )
            .encode(x=x("top"), y=y, fill=fill)
        )
    # On a phone there is room for a name and its count; the period is in the table.
    count = 8.5 * max(len(str(mark["count"])) for mark in marks) + 16
    space = f"(frame < 480 ? width - {count} : width * 0.56) * guess"
    # To cut a text the painter measures it a dozen times; a name that fits in any font has no
    # limit, which is 0 to Vega.
    limit = alt.ExprRef(f"length(datum.name) * {_WIDEST} < {space} ? 0 : {space}")
    told = alt.Text(
        "told:N", condition={"test": "frame < 480", "field": "count", "type": "nominal"}
    )
    layers += [
        alt.Chart(every)
        .mark_text(align="left", dy=-7, fontSize=12, aria=False, limit=limit)
        .encode(x=alt.value(0), y=y, text="name:N"),
        alt.Chart(every)
        .mark_text(align="right", dy=-7, fontSize=12, fontWeight=600, aria=False)
        .encode(x=alt.XValue("width"), y=y, text=told),
    ]
    return layers
