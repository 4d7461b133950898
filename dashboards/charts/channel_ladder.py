"""How the public learned: one dot an agency, on the rung of the most open way it was disclosed."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.figure import Figure
from dashboards.charts.theme import CHANNEL_SHAPES, LIGHT, themed

_ACROSS = 32
_ROW = 17
RUNGS = {
    "published": "Published by the agency, unasked",
    "on_request": "Told by the agency when asked",
    "compelled": "Compelled by an audit, court or law",
    "other_body": "Given by another public body",
    "vendor": "Said by the vendor",
    "third_party": "Counted by somebody else",
    "leaked": "Leaked",
}


def rung(channel: str, voice: str) -> str:
    """The rung of a report: its channel, or ``other_body`` where a body other than the agency
    published the number or gave it on request."""
    if channel in {"published", "on_request"} and voice == "others":
        return "other_body"
    return channel


def channel_ladder(reports: pl.DataFrame, agencies: pl.DataFrame, metric: str) -> Figure:
    """The agencies with a count of ``metric`` on record, each once, groups left out.

    ``reports`` and ``agencies`` are those tables of a release. Raises ValueError where no agency
    has a count.
    """
    names = dict(
        agencies.filter(pl.col("level") != "group").select("agency_id", "name").iter_rows()
    )
    order = list(RUNGS)
    best: dict[str, str] = {}
    told = reports.filter(pl.col("metric") == metric)
    for agency, channel, voice in told.select("agency_id", "channel", "voice").iter_rows():
        if agency not in names:
            continue
        found = rung(channel, voice)
        known = best.get(agency)
        if known is None or order.index(found) < order.index(known):
            best[agency] = found
    if not best:
        raise ValueError(f"no agency has a count of {metric}")
    on = {name: sorted(names[a] for a, r in best.items() if r == name) for name in order}
    counts = {name: len(on[name]) for name in order if on[name]}
    own = counts.get("published", 0) + counts.get("on_request", 0)
    noun = phrases.METRIC_NOUNS[metric][1]
    description = _description(counts, len(best), noun)
    layers, height = _layers(counts)
    return Figure(
        name="channel-ladder",
        chart=themed(layers, description, height),
        title=_title(counts, len(best), own, noun),
        description=description,
        table=pl.DataFrame(
            {
                "How the public learned": [RUNGS[name] for name in counts],
                "Agencies": list(counts.values()),
                "Which": ["; ".join(on[name]) for name in counts],
            }
        ),
        note="An agency stands once, on the most open rung that any of its counts came by. "
        "Totals over several agencies are left out.",
    )


def _title(counts: dict[str, int], every: int, own: int, noun: str) -> str:
    published = counts.get("published", 0)
    agencies = f"{every} agencies" if every != 1 else "1 agency"
    sentence = f"Of {agencies} with a count of {noun} on record, {published} published it unasked"
    others = every - own
    if others:
        was = "was" if others == 1 else "were"
        sentence += f"; {others} {was} counted only through somebody else"
    return sentence


def _description(counts: dict[str, int], every: int, noun: str) -> str:
    rungs = "; ".join(f"{RUNGS[name]}: {count}" for name, count in counts.items())
    return (
        f"Ladder of dots, one for each of {every} agencies with a count of {noun} on record, by "
        f"the most open way in which the public learned of it. {rungs}."
    )


def _layers(counts: dict[str, int]) -> tuple[list[alt.Chart], int]:
    """The layers and the height in pixels."""
    heads: list[dict[str, Any]] = []
    dots: list[dict[str, Any]] = []
    row = 0.0
    for name, count in counts.items():
        heads.append({"row": row, "name": RUNGS[name], "count": str(count), "rung": name})
        for n in range(count):
            dots.append({"x": n % _ACROSS + 0.6, "row": row + 1.15 + n // _ACROSS, "rung": name})
        row += 2.6 + (count - 1) // _ACROSS
    y = alt.Y(
        "row:Q", scale=alt.Scale(domain=[-0.4, row - 0.6], reverse=True, nice=False), axis=None
    )
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, _ACROSS + 0.5], nice=False), axis=None)
    colour = alt.Fill(
        "rung:N",
        scale=alt.Scale(domain=list(RUNGS), range=[LIGHT[f"by-{name}"] for name in RUNGS]),
        legend=None,
    )
    shape = alt.Shape(
        "rung:N",
        scale=alt.Scale(domain=list(RUNGS), range=[CHANNEL_SHAPES[name] for name in RUNGS]),
        legend=None,
    )
    layers = [
        alt.Chart(alt.Data(values=dots))
        .mark_point(
            opacity=1,
            strokeWidth=0,
            size=alt.ExprRef(f"pow(min(width / {_ACROSS} * 0.8, 13), 2)"),
            aria=False,
        )
        .encode(x=x, y=y, fill=colour, shape=shape),
        alt.Chart(alt.Data(values=heads))
        .mark_text(align="left", fontSize=15, fontWeight=700, aria=False)
        .encode(x=alt.value(0), y=y, text="count:N"),
        alt.Chart(alt.Data(values=heads))
        .mark_text(align="left", dx=32, fontSize=13, aria=False)
        .encode(x=alt.value(0), y=y, text="name:N"),
    ]
    return layers, round(row * _ROW)
