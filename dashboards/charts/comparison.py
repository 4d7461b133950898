"""Several series side by side: one row each, from the least to the most that evidence allows."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.count_axis import named_counts
from dashboards.charts.figure import Figure
from dashboards.charts.names import breadth, in_room
from dashboards.charts.theme import LIGHT, themed

ROWS = 20
_ROW, _TWO_LINES = 38, 46
_SIZE, _LINE = 12, 14
# The drawing on a phone, where a row shows its count alone, and the narrowest that also tells the
# period; what its frame takes of both.
_PHONE, _COLUMN, _FRAME = 320, 480, 16
_APART = 14


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
    names = _names(drawn)
    row = _TWO_LINES if any("\n" in on_phones for on_phones, _, _ in names) else _ROW
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
        chart=themed(_layers(drawn, noun, names), description, row * len(drawn) + 6),
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


def _names(drawn: list[Compared]) -> list[tuple[str, str, int]]:
    """Each row's name as it fits beside its count on a phone, and beside count and period in the
    narrowest column, in up to two lines; and the width from which it fits in one, in pixels."""
    counts = [phrases.short_interval(row.low, row.high) for row in drawn]
    told = [f"{count}, {row.period}" for count, row in zip(counts, drawn, strict=True)]
    names = [row.name for row in drawn]

    def fitted(frame: int, beside: list[str]) -> dict[str, str]:
        longest = max(breadth(text, _SIZE, bold=True) for text in beside)
        return in_room(names, frame - _FRAME - longest - _APART, _SIZE, lines=2)

    on_phones, in_columns = fitted(_PHONE, counts), fitted(_COLUMN, told)
    return [
        (
            on_phones[name],
            in_columns[name],
            ceil(breadth(name, _SIZE) + breadth(text, _SIZE, bold=True) + _APART + _FRAME),
        )
        for name, text in zip(names, told, strict=True)
    ]


def _layers(drawn: list[Compared], noun: str, names: list[tuple[str, str, int]]) -> list[alt.Chart]:
    positive = [r.low for r in drawn if r.low > 0] + [r.high for r in drawn if r.high]
    least, most = min(positive, default=1), max(positive, default=1)
    log = most > 50 * least
    floor = 10 ** (len(str(least)) - 1) if log else 0
    room = most * 4 if log else most * 1.12
    marks: list[dict[str, Any]] = []
    for n, (row, (on_phones, in_columns, whole)) in enumerate(zip(drawn, names, strict=True)):
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
                "onPhones": on_phones,
                "inColumns": in_columns,
                "whole": whole,
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
    lines = (
        f"split(frame < {_COLUMN} ? datum.onPhones : frame < datum.whole ? datum.inColumns "
        ": datum.name, '\\n')"
    )
    told = alt.Text(
        "told:N", condition={"test": f"frame < {_COLUMN}", "field": "count", "type": "nominal"}
    )
    layers += [
        alt.Chart(every)
        .mark_text(
            align="left",
            baseline="line-bottom",
            text=alt.ExprRef(lines),
            # Lines follow downwards from the first: the last of them stands on the count's.
            dy=alt.ExprRef(f"{_LINE} * (1 - length({lines}))"),
            lineHeight=_LINE,
            fontSize=_SIZE,
            aria=False,
        )
        .encode(x=alt.value(0), y=y),
        alt.Chart(every)
        .mark_text(
            align="right",
            baseline="line-bottom",
            lineHeight=_LINE,
            fontSize=_SIZE,
            fontWeight=700,
            aria=False,
        )
        .encode(x=alt.XValue("width"), y=y, text=told),
    ]
    return layers
