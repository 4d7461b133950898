"""How disclosure has moved: the gaps open on each day, by kind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.count_axis import named_counts
from dashboards.charts.figure import Figure
from dashboards.charts.theme import LIGHT, themed
from dashboards.charts.time_axis import named_days, time_axis
from pipelines.fields import GAP_KINDS

_HEIGHT = 280
# Room for the labels at the right, in spans of the time drawn: on a wide page and on a phone.
_ROOM, _PHONE_ROOM = 0.3, 0.85


def gap_trend(gaps: pl.DataFrame, as_of: date) -> Figure:
    """The gaps of a release by the days on which they opened and closed.

    ``gaps`` has kind, opened_on and closed_on (null: open). Raises ValueError where there are none.
    """
    if gaps.is_empty():
        raise ValueError("no gaps to draw")
    steps = {kind: _steps(gaps.filter(pl.col("kind") == kind)) for kind in GAP_KINDS}
    steps = {kind: told for kind, told in steps.items() if told}
    now = {kind: told[-1][1] for kind, told in steps.items()}
    total = sum(now.values())
    first = min(told[0][0] for told in steps.values())
    years = list(range(first.year, as_of.year + 1))
    hidden = sum(now.get(kind, 0) for kind in ("contradicted", "denied", "silent"))
    counts = [f"{count} {phrases.GAP_WORDS[kind]}" for kind, count in now.items() if count]
    description = (
        f"Lines of the open disclosure gaps by kind from {first.year} to "
        f"{phrases.day(as_of)}. Open at the end: {phrases.listed(counts or ['none'])}."
    )
    return Figure(
        name="gap-trend",
        chart=themed(_layers(steps, first, as_of), description, _HEIGHT),
        title=_title(total, hidden),
        description=description,
        table=pl.DataFrame(
            {
                "End of": [
                    str(year) if year < as_of.year else phrases.day(as_of) for year in years
                ],
                **{
                    phrases.GAP_WORDS[kind].capitalize(): [
                        _at(told, min(date(year, 12, 31), as_of)) for year in years
                    ]
                    for kind, told in steps.items()
                },
            }
        ),
        note="A gap opens on the day when the evidence for it was public; it closes when the "
        "agency discloses."
        + (
            " Undated documents count from the day they were read, which makes the last step."
            if (gaps["opened_on"] == as_of).any()
            else ""
        ),
    )


def _title(total: int, hidden: int) -> str:
    if not total:
        return "No disclosure gap stands open; each that opened has closed"
    stand = "1 disclosure gap stands" if total == 1 else f"{total} disclosure gaps stand"
    if not hidden:
        return f"{stand} open"
    some = "it" if total == 1 else f"{hidden} of them"
    return f"{stand} open; in {some} the agency gave no figure that the evidence bears out"


def _steps(gaps: pl.DataFrame) -> list[tuple[date, int]]:
    """Each day on which the number of open gaps changed, with the number from then on."""
    change: dict[date, int] = {}
    for opened, closed in gaps.select("opened_on", "closed_on").iter_rows():
        change[opened] = change.get(opened, 0) + 1
        if closed:
            change[closed] = change.get(closed, 0) - 1
    told, open_now = [], 0
    for day in sorted(change):
        open_now += change[day]
        told.append((day, open_now))
    return told


def _at(told: list[tuple[date, int]], day: date) -> int:
    return next((count for since, count in reversed(told) if since <= day), 0)


def _layers(steps: dict[str, list[tuple[date, int]]], first: date, as_of: date) -> list[alt.Chart]:
    most = max(count for told in steps.values() for _, count in told)
    rows: list[dict[str, Any]] = []
    ends = []
    for kind, told in steps.items():
        points = [(first, 0), *told, (as_of, told[-1][1])]
        rows += [{"day": _epoch(day), "count": count, "kind": kind} for day, count in points]
        if told[-1][1]:
            ends.append({"kind": kind, "count": told[-1][1], "at": float(told[-1][1])})
    _spread(ends, most * 0.085)
    for end in ends:
        end["day"] = _epoch(as_of)
        end["label"] = f"{phrases.GAP_WORDS[str(end['kind'])]} {end['count']}"
    span = _epoch(as_of) - _epoch(first)
    scale = alt.Scale(domain=list(steps), range=[LIGHT[kind] for kind in steps])
    axis = time_axis(*named_days(_epoch(first), _epoch(as_of)), grid=False, ticks=False)

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:T", scale=alt.Scale(type="utc", nice=False), axis=axis)

    def y(name: str) -> alt.Y:
        return alt.Y(
            f"{name}:Q",
            scale=alt.Scale(domain=[0, most * 1.05], nice=False),
            axis=alt.Axis(
                title="open gaps",
                titleAngle=0,
                titleAlign="left",
                titleAnchor="start",
                titleX=0,
                titleY=-10,
                domain=False,
                ticks=False,
                **named_counts(most),
            ),
        )

    size = alt.ExprRef("frame < 480 ? 11 : 12.5")
    rooms = {
        "wide": _epoch(as_of) + int(span * _ROOM),
        "phone": _epoch(as_of) + int(span * _PHONE_ROOM),
    }
    return [
        alt.Chart(alt.Data(values=[rooms]))
        .transform_calculate(at="frame < 480 ? datum.phone : datum.wide")
        .mark_point(opacity=0, aria=False)
        .encode(x=x("at")),
        alt.Chart(alt.Data(values=rows))
        .mark_line(interpolate="step-after", strokeWidth=2.2, aria=False)
        .encode(x=x("day"), y=y("count"), stroke=alt.Stroke("kind:N", scale=scale, legend=None)),
        alt.Chart(alt.Data(values=ends))
        .mark_text(align="left", dx=6, fontSize=size, fontWeight=700, aria=False)
        .encode(
            x=x("day"),
            y=y("at"),
            text=alt.Text("label:N"),
            fill=alt.Fill("kind:N", scale=scale, legend=None),
        ),
    ]


def _spread(ends: list[dict[str, Any]], least: float) -> None:
    """Moves the labels apart so that none covers another or the axis."""
    ends.sort(key=lambda end: end["at"])
    if ends:
        ends[0]["at"] = max(ends[0]["at"], least * 0.7)
    for below, above in pairwise(ends):
        above["at"] = max(above["at"], below["at"] + least)


def _epoch(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
