"""How many: the bounds of one series over time.

The interval comes first: a solid bar up to what is certain, a pale bar up to what is possible.
The estimate is a dashed line across its period; reports that were set aside are struck.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.count_axis import named_counts
from dashboards.charts.figure import Figure
from dashboards.charts.theme import LIGHT, themed
from dashboards.charts.time_axis import named_days, time_axis

HEIGHT = 210
_STUB = 0.12
_FINEST_FIRST = ("M", "Q", "A", "R")
_EVERY = {"A": "a year", "Q": "a quarter", "M": "a month", "R": "over each reported period"}


def frequency_shown(bounds: pl.DataFrame) -> str:
    """The frequency (A, Q, M or R) that says most about a series.

    The finest calendar frequency in which at least half of the periods have a finite upper
    bound, at least two of them; else years with a lower bound; else the evidence windows.
    """
    for frequency in _FINEST_FIRST[:3]:
        rows = bounds.filter(pl.col("frequency") == frequency)
        finite = rows["high"].is_not_null() & (rows["low"] > 0)
        if rows.height > 1 and finite.sum() >= max(2, rows.height / 2):
            return frequency
    years = bounds.filter((pl.col("frequency") == "A") & (pl.col("low") > 0))
    windows = bounds.filter(pl.col("frequency") == "R")
    return "A" if years.height > windows.height or not windows.height else "R"


def trend(
    agency: str,
    system: str,
    metric: str,
    bounds: pl.DataFrame,
    set_aside: pl.DataFrame,
) -> Figure:
    """The chart of one series.

    ``bounds`` are the series' rows of that table at one day of knowledge, all frequencies;
    ``set_aside`` its rows of ``reports`` that were set aside. ``agency`` and ``system`` are
    names for readers. Raises ValueError where there are no bounds to draw.
    """
    if bounds.is_empty():
        raise ValueError("a series without bounds cannot be drawn")
    frequency = frequency_shown(bounds)
    rows = bounds.filter(pl.col("frequency") == frequency).sort("period_end", "period_start")
    periods = [_Period(row) for row in rows.iter_rows(named=True)]
    left = min(p.first or p.last - timedelta(days=365) for p in periods)
    ceiling = _ceiling(periods)
    marks = [_mark(p, metric, left, ceiling) for p in periods]
    struck = _struck(set_aside, metric, left, periods[-1].last, ceiling)
    description = _description(agency, system, metric, frequency, periods, len(struck))
    layers = _layers(marks, struck, ceiling, metric, frequency)
    return Figure(
        name="trend",
        chart=themed(layers, description, HEIGHT),
        title=_title(metric, periods),
        description=description,
        table=_table(periods),
        note=_note(periods, ceiling, set_aside.height - len(struck)),
    )


class _Period:
    """One row of bounds, with what the chart derives from it."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.first: date | None = row["period_start"]
        self.last: date = row["period_end"]
        self.low: int = row["low"]
        self.high: int | None = row["high"]
        self.estimate: int | None = row["estimate"] if self.low != self.high else None
        self.status: str = row["obs_status"]
        self.name = phrases.days(self.first, self.last)
        if self.status == "U":
            self.voice = "contested"
        elif row["agency_high"] is not None or row["agency_low"]:
            self.voice = "own"
        else:
            self.voice = "others"


_VOICE_WORDS = {
    "own": "disclosed by the agency",
    "others": "shown only by others",
    "contested": "contested",
}


def _ceiling(periods: list[_Period]) -> float:
    """The top of the scale. One loose upper bound must not flatten everything that is known."""
    certain = max(max(p.low, p.estimate or 0) for p in periods)
    possible = max((p.high for p in periods if p.high is not None), default=0)
    if certain == 0:
        return float(possible or 1)
    return min(float(max(possible, certain * 1.25)), certain * 4.0)


def _mark(p: _Period, metric: str, left: date, ceiling: float) -> dict[str, Any]:
    first = p.first or left
    days = (p.last - first).days + 1
    inset = timedelta(days=days) * 0.03
    start, end = _instant(first) + inset, _instant(p.last) + timedelta(days=1) - inset
    beyond = p.high is None or p.high > ceiling
    # What has no end is a stub: a column up to the frame would look like a bound.
    top = min(p.low + ceiling * _STUB, ceiling) if p.high is None else min(p.high, ceiling)
    ringed = p.estimate is not None and abs(p.estimate - top) < ceiling * 0.04
    return {
        "start": _epoch(start),
        "end": _epoch(end),
        "middle": _epoch(start + (end - start) / 2),
        "low": p.low,
        "top": top,
        "beyond": beyond,
        "open": p.high is None,
        "estimate": p.estimate,
        # Above the ring of an estimate that stands where the bar ends.
        "told_at": top + ceiling * 0.03 if ringed else top,
        "voice": p.voice,
        "label": phrases.short_interval(p.low, p.high),
        "Period": p.name,
        "Count": phrases.counted_interval(p.low, p.high, metric),
        "Estimate": "none" if p.estimate is None else f"about {phrases.number(p.estimate)}",
        "Evidence": _VOICE_WORDS[p.voice],
    }


def _struck(
    set_aside: pl.DataFrame, metric: str, left: date, right: date, ceiling: float
) -> list[dict[str, Any]]:
    """The set-aside reports that fit into the frame."""
    marks = []
    for row in set_aside.iter_rows(named=True):
        value = row["high"] if row["high"] is not None else row["low"]
        first = row["first_day"] or left
        if value > ceiling or row["last_day"] < left or first > right:
            continue
        start = _instant(max(first, left))
        end = _instant(min(row["last_day"], right)) + timedelta(days=1)
        marks.append(
            {
                "start": _epoch(start),
                "end": _epoch(end),
                "middle": _epoch(start + (end - start) / 2),
                "value": value,
                "Set aside": phrases.counted_interval(row["low"], row["high"], metric),
                "Period": phrases.days(row["first_day"], row["last_day"]),
                "Wording": row["wording"],
            }
        )
    return marks


@dataclass(frozen=True)
class _Frame:
    """The time axis: its first and last instant, the instants labelled, and how."""

    start: int
    end: int
    named: list[int]
    form: str
    ticks: bool

    def x(self, name: str) -> alt.X:
        axis = time_axis(self.named, self.form, grid=False, ticks=self.ticks)
        return alt.X(f"{name}:T", scale=alt.Scale(type="utc", nice=False), axis=axis)

    def corners(self) -> alt.Chart:
        """Invisible marks that stretch the time axis to the frame; a domain written out would be
        read as local dates."""
        ends = alt.Data(values=[{"at": self.start}, {"at": self.end}])
        return alt.Chart(ends).mark_point(opacity=0, aria=False).encode(x=self.x("at"))


_FORMS = {"A": "%Y", "Q": "Q%q %Y", "M": "%b %Y"}
_SLOTS = 5


def _frame(frequency: str, marks: list[dict[str, Any]]) -> _Frame:
    """Calendar periods are labelled under their bars, windows by a plain time axis.

    A few bars do not fill the frame: a bar as wide as the page looks like a statement.
    """
    start, end = min(m["start"] for m in marks), max(m["end"] for m in marks)
    widest = max(m["end"] - m["start"] for m in marks)
    room = max(0, widest * _SLOTS - (end - start)) // 2 if len(marks) < _SLOTS else 0
    left, right = start - room, end + room
    if frequency != "R":
        return _Frame(left, right, [m["middle"] for m in marks], _FORMS[frequency], ticks=False)
    named, form = named_days(left, right, end)
    return _Frame(left, right, named, form, ticks=True)


def _y(name: str, metric: str, frequency: str, ceiling: float) -> alt.Y:
    axis = alt.Axis(
        title=f"{phrases.METRIC_NOUNS[metric][1]}, {_EVERY[frequency]}",
        titleAnchor="start",
        titleAngle=0,
        titleAlign="left",
        titleX=0,
        titleY=-10,
        domain=False,
        ticks=False,
        **named_counts(ceiling * 1.12),
    )
    scale = alt.Scale(domain=[0, ceiling * 1.12], nice=False)
    return alt.Y(f"{name}:Q", axis=axis, scale=scale)


def _layers(
    marks: list[dict[str, Any]],
    struck: list[dict[str, Any]],
    ceiling: float,
    metric: str,
    frequency: str,
) -> list[alt.Chart]:
    def layer(rows: list[dict[str, Any]], told: tuple[str, ...]) -> alt.Chart:
        tooltip = [alt.Tooltip(f"{name}:N") for name in told]
        return alt.Chart(alt.Data(values=rows)).encode(tooltip=tooltip)

    frame = _frame(frequency, marks)

    def y(name: str) -> alt.Y:
        return _y(name, metric, frequency, ceiling)

    voices = alt.Scale(domain=list(_VOICE_WORDS), range=[LIGHT[v] for v in _VOICE_WORDS])
    fill = alt.Fill("voice:N", scale=voices, legend=None)
    stroke = alt.Stroke("voice:N", scale=voices, legend=None)
    told = ("Period", "Count", "Estimate", "Evidence")
    # Vega writes a label for each mark that screen readers read out: the description and the
    # table say it once, so the marks stay silent.
    across = {"x": frame.x("start"), "x2": alt.X2("end:T")}

    possible = [m for m in marks if m["top"] > m["low"]]
    bounded = [m for m in possible if not m["open"]]
    endless = [m for m in possible if m["open"]]
    certain = [m for m in marks if m["low"] > 0]
    beyond = [m for m in marks if m["beyond"]]
    estimated = [m for m in marks if m["estimate"] is not None]
    layers: list[alt.Chart] = [frame.corners()]
    if endless:
        layers.append(
            layer(endless, told)
            .mark_rect(fillOpacity=0.09, strokeWidth=0, aria=False)
            .encode(**across, y=y("low"), y2=alt.Y2("top:Q"), fill=fill)
        )
    if bounded:
        layers.append(
            layer(bounded, told)
            .mark_rect(fillOpacity=0.2, strokeOpacity=0.45, strokeWidth=1, aria=False)
            .encode(**across, y=y("low"), y2=alt.Y2("top:Q"), fill=fill, stroke=stroke)
        )
    if certain:
        # The stroke keeps a window of a single day visible.
        layers.append(
            layer(certain, told)
            .mark_rect(strokeWidth=1.5, aria=False)
            .encode(**across, y=y("low"), y2=alt.Y2Datum(0), fill=fill, stroke=stroke)
        )
    if beyond:
        layers.append(
            layer(beyond, told)
            .mark_point(shape="triangle-up", size=50, yOffset=6, strokeWidth=0, aria=False)
            .encode(x=frame.x("middle"), y=y("top"), fill=fill)
        )
    if estimated:
        layers += [
            layer(estimated, told)
            .mark_rule(strokeDash=[4, 3], strokeWidth=1.6, stroke=LIGHT["estimate"], aria=False)
            .encode(**across, y=y("estimate")),
            layer(estimated, told)
            .mark_point(
                size=34,
                fill=LIGHT["paper"],
                stroke=LIGHT["estimate"],
                strokeWidth=1.6,
                opacity=1,
                aria=False,
            )
            .encode(x=frame.x("middle"), y=y("estimate")),
        ]
    if struck:
        about = ("Set aside", "Wording", "Period")
        layers += [
            layer(struck, about)
            .mark_rule(strokeWidth=1.2, stroke=LIGHT["aside"], aria=False)
            .encode(**across, y=y("value")),
            layer(struck, about)
            .mark_point(
                shape="M-0.7,-0.7L0.7,0.7M0.7,-0.7L-0.7,0.7",
                size=110,
                strokeWidth=2,
                stroke=LIGHT["aside"],
                opacity=1,
                aria=False,
            )
            .encode(x=frame.x("middle"), y=y("value")),
        ]
    fits = "datum.room * width >= datum.wants"
    layers.append(
        layer(_with_room(marks, frame), told)
        .mark_text(dy=-10, fontWeight=700, fill=LIGHT["ink"], aria=False)
        .encode(
            x=frame.x("middle"),
            y=y("told_at"),
            text=alt.Text("label:N"),
            opacity=alt.condition(fits, alt.value(1), alt.value(0)),
        )
    )
    return layers


def _with_room(marks: list[dict[str, Any]], frame: _Frame) -> list[dict[str, Any]]:
    """The marks with the share of the frame that each label may take, and the pixels that it
    wants. A reader's screen shows all labels or, where they do not all fit, the latest."""
    middles = [m["middle"] for m in marks]
    across = frame.end - frame.start
    room = min((b - a for a, b in pairwise(middles)), default=across) / across
    wants = 8 * max(len(m["label"]) for m in marks) + 4
    labelled = [{**m, "room": round(room, 4), "wants": wants} for m in marks]
    labelled[-1]["wants"] = 0
    return labelled


def _title(metric: str, periods: list[_Period]) -> str:
    """The finding: the latest count, and the change since the first where it is proven."""
    last = periods[-1]
    told = [p for p in periods if p.low > 0]
    if not told:
        return f"{phrases.counted_interval(last.low, last.high, metric).capitalize()} {_when(last)}"
    last = told[-1]
    count = phrases.counted_interval(last.low, last.high, metric)
    sentence = f"{count[0].upper()}{count[1:]} {_when(last)}"
    first = told[0]
    if first is not last and _alike(first, last):
        before = phrases.between(first.low, first.high)
        if first.high is not None and last.low > first.high:
            return f"{sentence}, up from {before} {_when(first)}"
        if last.high is not None and last.high < first.low:
            return f"{sentence}, down from {before} {_when(first)}"
    return sentence


def _alike(one: _Period, other: _Period) -> bool:
    """Whether two periods are about equally long, so that their counts can be compared."""
    if one.first is None or other.first is None:
        return False
    lengths = sorted([(one.last - one.first).days + 1, (other.last - other.first).days + 1])
    return lengths[1] <= lengths[0] * 1.15


def _when(p: _Period) -> str:
    return phrases.during(p.first, p.last)


def _description(
    agency: str, system: str, metric: str, frequency: str, periods: list[_Period], struck: int
) -> str:
    noun = phrases.METRIC_NOUNS[metric][1]
    told = [f"{p.name}: {phrases.interval(p.low, p.high)}" for p in periods]
    if len(told) > 8:
        told = [*told[:2], f"{len(told) - 5} periods between", *told[-3:]]
    text = (
        f"Bar chart of {noun} by {agency} with {system}, {_EVERY[frequency]}, as the lowest and "
        f"highest number that the evidence allows. {'; '.join(told)}."
    )
    if struck:
        text += f" {struck} set-aside report{'s are' if struck > 1 else ' is'} struck."
    return text


def _note(periods: list[_Period], ceiling: float, outside: int) -> str:
    notes = []
    if any(p.high is None for p in periods):
        notes.append("▲ no upper bound is known.")
    if any(p.high is not None and p.high > ceiling for p in periods):
        notes.append("▲ the upper bound lies above the frame; its number is in the table.")
    if outside > 0:
        notes.append(
            f"{outside} set-aside report{'s lie' if outside > 1 else ' lies'} outside the frame."
        )
    return " ".join(notes)


def _table(periods: list[_Period]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "Period": [p.name for p in periods],
            "At least": [p.low for p in periods],
            "At most": [p.high for p in periods],
            "Estimate": [p.estimate for p in periods],
            "Evidence": [_VOICE_WORDS[p.voice] for p in periods],
            "Status": [p.status for p in periods],
        },
        schema_overrides={"At least": pl.Int64, "At most": pl.Int64, "Estimate": pl.Int64},
    )


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _epoch(instant: datetime) -> int:
    """Milliseconds since 1970 in UTC: the one form that no time zone can shift."""
    return int(instant.timestamp() * 1000)
