"""Up to six series over one time axis and one scale: a strip each, its name above it.

The interval comes first: a solid bar up to what is certain, a pale one up to what is possible.
Estimates, where they are asked for, are dashed lines with ``≈`` and their number, over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import floor, log10
from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.figure import Figure
from dashboards.charts.theme import HEADING, LIGHT, headings, themed
from dashboards.charts.time_axis import named_days, time_axis
from dashboards.charts.trend import frequency_shown

MOST = 6
PER = 100_000
_NAME, _PLOT, _GAP = 30, 62, 14
_ALONE = 166
_APART = 50
_TICKS = 38
_STUB = 0.12
_RING = 5  # pixels from an estimate to the top of its ring
_DAY = 86_400_000
_VOICE_WORDS = {
    "own": "disclosed by the agency",
    "others": "shown only by others",
    "contested": "contested",
}


@dataclass(frozen=True)
class Strip:
    """One series: its name, its metric, and its rows of ``bounds`` at one day of knowledge.

    With ``people`` the strip shows rates: counts for each 100,000 of so many people.
    """

    name: str
    metric: str
    bounds: pl.DataFrame
    people: int | None = None


def side_by_side(strips: list[Strip], estimates: bool = False) -> Figure:
    """The strips in the order given, with intervals, or with ``estimates`` over them.

    Years where the series do not share a frequency, and evidence windows where one has no years.
    The scale is logarithmic where the largest series is over fifty times the smallest; the note
    says so. Raises ValueError without strips, with more than six, where one has nothing to draw,
    and where counts and rates are mixed.
    """
    if not 0 < len(strips) <= MOST:
        raise ValueError(f"between 1 and {MOST} series can be compared, not {len(strips)}")
    if any(strip.bounds.is_empty() for strip in strips):
        raise ValueError("a series without bounds cannot be drawn")
    if len({strip.people is None for strip in strips}) > 1:
        raise ValueError("counts and rates cannot share a scale")
    frequencies = _frequencies(strips)
    rows = [_periods(s, f) for s, f in zip(strips, frequencies, strict=True)]
    scale = _scale(rows)
    frame = _Frame(rows, set(frequencies))
    tall = _ALONE if len(strips) == 1 else _PLOT
    drawn = [
        _drawn(periods, scale, frame, top=n * (_NAME + tall + _GAP) + _NAME, tall=tall)
        for n, periods in enumerate(rows)
    ]
    height = len(strips) * (_NAME + tall + _GAP)
    unit = _unit(strips)
    description = _description(strips, rows, unit, estimates)
    names = [s.name for s in strips] if len(strips) > 1 else [_axis(unit, frequencies[0])]
    layers = _layers(names, drawn, scale, frame, tall, height, estimates)
    return Figure(
        name="side-by-side",
        chart=themed(layers, description, height),
        title=_title(strips, rows, unit, estimates),
        description=description,
        table=_table(strips, rows),
        note=_note(rows, scale, frequencies, unit if len(strips) > 1 else "", estimates),
    )


def _frequencies(strips: list[Strip]) -> list[str]:
    """One frequency for all where there is one, for a month's count is no match for a year's."""
    own = [frequency_shown(strip.bounds) for strip in strips]
    if len(set(own)) == 1:
        return own
    return ["A" if _says_something(s.bounds, "A") else "R" for s in strips]


def _says_something(bounds: pl.DataFrame, frequency: str) -> bool:
    rows = bounds.filter(pl.col("frequency") == frequency)
    return bool(rows.height and ((rows["low"] > 0) | rows["high"].is_not_null()).any())


class _Period:
    """One row of bounds in the strip's unit; ``words`` and ``short`` tell its interval."""

    def __init__(self, row: dict[str, Any], strip: Strip) -> None:
        people = strip.people
        self.first: date | None = row["period_start"]
        self.last: date = row["period_end"]
        self.counts: tuple[int, int | None] = row["low"], row["high"]
        self.estimated: int | None = row["estimate"] if row["low"] != row["high"] else None
        self.low = _value(row["low"], people)
        self.high = None if row["high"] is None else _value(row["high"], people)
        self.estimate = None if self.estimated is None else _value(self.estimated, people)
        self.status: str = row["obs_status"]
        self.name = phrases.days(self.first, self.last)
        self.words = _words(*self.counts, people)
        self.short = _shortened(self.words) if people else phrases.short_interval(*self.counts)
        self.about = ""
        if self.estimated is not None:
            told = _words(self.estimated, self.estimated, people).removeprefix("about ")
            self.about = f"≈{told if people else phrases.short_number(self.estimated)}"
        if self.status == "U":
            self.voice = "contested"
        elif row["agency_high"] is not None or row["agency_low"]:
            self.voice = "own"
        else:
            self.voice = "others"


def _value(count: int, people: int | None) -> float:
    return count * PER / people if people else count


def _words(low: int, high: int | None, people: int | None) -> str:
    if people:
        return phrases.per_100_000(low, high, people) or "an unknown rate"
    return phrases.interval(low, high)


def _shortened(words: str) -> str:
    """``at least 2.0 to 3.1`` as ``≥2.0–3.1``; what says nothing as a question mark."""
    if words.startswith("an unknown"):
        return "?"
    for long, brief in (("at least ", "≥"), ("at most ", "≤"), ("about ", ""), (" to ", "–")):
        words = words.replace(long, brief)
    return words


def _periods(strip: Strip, frequency: str) -> list[_Period]:
    rows = strip.bounds.filter(pl.col("frequency") == frequency)
    if rows.is_empty():
        rows = strip.bounds
    rows = rows.sort("period_end", "period_start")
    return [_Period(row, strip) for row in rows.iter_rows(named=True)]


@dataclass(frozen=True)
class _Scale:
    """From a value to the share of a strip's height, 0 at its floor and 1 at its ceiling."""

    floor: float
    ceiling: float
    log: bool

    def share(self, value: float) -> float:
        if not self.log:
            return min(value / self.ceiling, 1)
        if value <= self.floor:
            return 0
        return min(log10(value / self.floor) / log10(self.ceiling / self.floor), 1)

    def lines(self) -> list[float]:
        """The values at which a line helps to read the strips; 0 is each strip's foot."""
        if self.log:
            first, last = floor(log10(self.floor)) + 1, floor(log10(self.ceiling))
            apart = max(1, (last - first) // 2)
            return [0, *(10.0**n for n in range(first, last + 1, apart))]
        power = 10.0 ** floor(log10(self.ceiling * 0.9))
        return [0, max(power * n for n in (1, 2, 5) if power * n <= self.ceiling * 0.9)]


def _scale(rows: list[list[_Period]]) -> _Scale:
    """Its top. One loose upper bound must not flatten everything that is known."""
    most = [max(max(p.low, p.estimate or 0) for p in periods) for periods in rows]
    certain = max(most)
    possible = max((p.high for ps in rows for p in ps if p.high is not None), default=0.0)
    if certain == 0:
        return _Scale(0, possible or 1, False)
    ceiling = min(max(possible, certain * 1.25), certain * 4)
    some = [value for value in most if value > 0]
    if len(some) > 1 and max(some) > _APART * min(some):
        least = min(p.low for ps in rows for p in ps if p.low > 0)
        return _Scale(10.0 ** floor(log10(least)) / 2, ceiling, True)
    return _Scale(0, ceiling, False)


class _Frame:
    """The time axis that all strips share."""

    def __init__(self, rows: list[list[_Period]], frequencies: set[str]) -> None:
        periods = [p for ps in rows for p in ps]
        self.left = min(p.first or p.last - timedelta(days=365) for p in periods)
        right = max(p.last for p in periods)
        self.start, self.end = _epoch(self.left), _epoch(right) + _DAY
        longest = max(self.span(p)[1] - self.span(p)[0] for p in periods)
        # A few bars do not fill the frame: a bar as wide as the page looks like a statement.
        room = max(0, longest * 5 - (self.end - self.start)) // 2
        last = self.end
        self.start, self.end = self.start - room, self.end + room
        # Bars of years are named below their middles.
        self.ticks = frequencies != {"A"}
        if self.ticks:
            self.named, self.form = named_days(self.start, self.end, last)
        else:
            self.named, self.form = sorted({self.middle(p) for p in periods}), "%Y"

    def span(self, p: _Period) -> tuple[int, int]:
        return _epoch(p.first or self.left), _epoch(p.last) + _DAY

    def middle(self, p: _Period) -> int:
        first, last = self.span(p)
        return (first + last) // 2

    def x(self, name: str) -> alt.X:
        axis = time_axis(self.named, self.form, grid=False, ticks=self.ticks)
        # The lines' numbers stand to the right of the bars.
        room: list[Any] = [0, alt.ExprRef(f"width - {_TICKS}")]
        scale = alt.Scale(type="utc", nice=False, range=room)
        return alt.X(f"{name}:T", scale=scale, axis=axis)


def _epoch(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _drawn(
    periods: list[_Period], scale: _Scale, frame: _Frame, top: int, tall: int
) -> list[dict[str, Any]]:
    """The marks of one strip, in pixels from the top of the drawing."""
    bottom = top + tall

    def y(value: float) -> float:
        return round(bottom - scale.share(value) * tall, 2)

    middles = [frame.middle(p) for p in periods]
    across = frame.end - frame.start
    room = min((b - a for a, b in pairwise(middles)), default=across) / across
    marks = []
    for n, p in enumerate(periods):
        first, last = frame.span(p)
        inset = (last - first) * 3 // 100
        over = p.high is not None and p.high > scale.ceiling
        certain = y(p.low) if p.low else bottom
        # What has no end is a stub: a bar up to the frame would look like a bound.
        possible = max(certain - tall * _STUB, top) if p.high is None else y(p.high)
        marks.append(
            {
                "start": first + inset,
                "end": last - inset,
                "middle": frame.middle(p),
                "bottom": bottom,
                "low": certain,
                "high": possible,
                "floating": scale.log,
                "certain": p.low > 0,
                "beyond": p.high is None or over,
                "endless": p.high is None,
                "estimate": None if p.estimate is None else y(p.estimate),
                "voice": p.voice,
                "label": p.short,
                "about": p.about,
                "room": round(room, 4),
                "last": n == len(periods) - 1,
                "Period": p.name,
                "Count": p.words,
                "Estimate": p.about or "none",
                "Evidence": _VOICE_WORDS[p.voice],
            }
        )
    return marks


def _layers(
    names: list[str],
    drawn: list[list[dict[str, Any]]],
    scale: _Scale,
    frame: _Frame,
    tall: int,
    height: int,
    estimates: bool,
) -> list[alt.Chart]:
    marks = [mark for strip in drawn for mark in strip]
    told = [alt.Tooltip(f"{name}:N") for name in ("Period", "Count", "Estimate", "Evidence")]
    down = alt.Scale(domain=[0, height], reverse=True, nice=False)
    voices = alt.Scale(domain=list(_VOICE_WORDS), range=[LIGHT[v] for v in _VOICE_WORDS])
    fill = alt.Fill("voice:N", scale=voices, legend=None)

    def y(name: str) -> alt.Y:
        return alt.Y(f"{name}:Q", scale=down, axis=None)

    def of(rows: list[dict[str, Any]]) -> alt.Chart:
        return alt.Chart(alt.Data(values=rows))

    step = tall + _NAME + _GAP
    lines = [
        {"y": n * step + _NAME + tall - scale.share(v) * tall, "told": _tick(v) if v else ""}
        for n in range(len(drawn))
        for v in scale.lines()
    ]
    titles = [{"y": n * step, "name": name} for n, name in enumerate(names)]
    corners = [{"middle": frame.start, "y": 0}, {"middle": frame.end, "y": 0}]
    layers = [
        of(corners).mark_point(opacity=0, aria=False).encode(x=frame.x("middle"), y=y("y")),
        of(lines).mark_rule(stroke=LIGHT["rule"], aria=False).encode(y=y("y")),
        of([line for line in lines if line["told"]])
        .mark_text(align="right", dy=-6, fontSize=11, fill=LIGHT["muted"], aria=False)
        .encode(x=alt.XValue("width"), y=y("y"), text="told:N"),
        of(headings(titles, 12, bold=True))
        .mark_text(align="left", dy=8, fontSize=12, fontWeight=700, aria=False,
                   text=HEADING)
        .encode(x=alt.value(0), y=y("y")),
        of(_bars(marks, faint=estimates))
        .mark_rect(aria=False, strokeWidth=1)
        .encode(
            x=frame.x("start"),
            x2=alt.X2("end:T"),
            y=y("high"),
            y2=alt.Y2("low:Q"),
            fill=fill,
            fillOpacity=alt.FillOpacity("shade:Q", scale=None, legend=None),
            stroke=alt.Stroke("voice:N", scale=voices, legend=None),
            strokeOpacity=alt.StrokeOpacity("edge:Q", scale=None, legend=None),
            tooltip=told,
        ),
    ]  # fmt: skip
    beyond = [mark for mark in marks if mark["beyond"]]
    if beyond:
        layers.append(
            of(beyond)
            .mark_point(shape="triangle-up", size=44, yOffset=5, strokeWidth=0, opacity=1,
                        aria=False)
            .encode(x=frame.x("middle"), y=y("high"), fill=fill)
        )  # fmt: skip
    guessed = [mark for mark in marks if mark["estimate"] is not None]
    if estimates and guessed:
        layers += [
            of(guessed)
            .mark_rule(strokeDash=[4, 3], strokeWidth=2, stroke=LIGHT["estimate"], aria=False)
            .encode(x=frame.x("start"), x2=alt.X2("end:T"), y=y("estimate")),
            of(guessed)
            .mark_point(size=40, fill=LIGHT["paper"], stroke=LIGHT["estimate"], strokeWidth=1.8,
                        opacity=1, aria=False)
            .encode(x=frame.x("middle"), y=y("estimate"), tooltip=told),
        ]  # fmt: skip
    fits = f"datum.room * (width - {_TICKS}) >= datum.wants"
    labelled = [_label(strip, mark, estimates) for strip in drawn for mark in strip]
    layers.append(
        of(labelled)
        .mark_text(dy=-8, fontSize=12, fontWeight=700, fill=LIGHT["ink"], aria=False)
        .encode(
            x=frame.x("middle"),
            y=y("y"),
            text="text:N",
            opacity=alt.condition(fits, alt.value(1), alt.value(0)),
        )
    )
    return layers


def _bars(marks: list[dict[str, Any]], faint: bool) -> list[dict[str, Any]]:
    """The rectangles: what is possible, then what is certain over it."""
    bars = []
    for mark in marks:
        pale = 0.09 if mark["endless"] else 0.2
        guessed = faint and mark["estimate"] is not None
        edge = 0.0 if mark["endless"] else 0.45
        if mark["high"] < mark["low"]:
            bars.append({**mark, "shade": pale * (0.6 if guessed else 1), "edge": edge})
    for mark in marks:
        if mark["certain"]:
            # On a logarithmic scale a bar has no zero to stand on: its lower end is a line.
            down = mark["low"] + 3 if mark["floating"] else mark["bottom"]
            shade = 0.3 if faint and mark["estimate"] is not None else 1.0
            bars.append({**mark, "high": mark["low"], "low": down, "shade": shade, "edge": shade})
    return bars


def _label(strip: list[dict[str, Any]], mark: dict[str, Any], estimates: bool) -> dict[str, Any]:
    text = mark["about"] if estimates and mark["about"] else mark["label"]
    guessed = estimates and mark["estimate"] is not None
    at = mark["estimate"] - _RING if guessed else mark["high"]
    longest = max(len(m["about"] if estimates and m["about"] else m["label"]) for m in strip)
    wants = 0 if mark["last"] else 8 * longest + 4
    return {
        "text": text,
        "middle": mark["middle"],
        "y": at,
        "room": mark["room"],
        "wants": wants,
    }


def _tick(value: float) -> str:
    return phrases.short_number(round(value)) if value >= 1 else f"{value:g}"


def _unit(strips: list[Strip]) -> str:
    """What is counted, for a sentence: ``searches``, ``searches per 100,000 people``."""
    metrics = {s.metric for s in strips}
    noun = phrases.METRIC_NOUNS[metrics.pop()][1] if len(metrics) == 1 else "counts"
    return f"{noun} per 100,000 people" if strips[0].people else noun


_EVERY = {"A": "a year", "Q": "a quarter", "M": "a month", "R": "over each reported period"}


def _axis(unit: str, frequency: str) -> str:
    return f"{unit}, {_EVERY[frequency]}"


def _title(strips: list[Strip], rows: list[list[_Period]], unit: str, estimates: bool) -> str:
    """The finding; of several series the largest, where the evidence proves it."""
    told = [_latest(periods) for periods in rows]
    if len(strips) == 1:
        one = (told[0].counts[1] or told[0].counts[0]) == 1 and not strips[0].people
        noun = phrases.METRIC_NOUNS[strips[0].metric][0] if one else unit
        return _sentence(told[0], noun, estimates)
    same = len({(p.first, p.last) for p in told}) == 1
    order = sorted(range(len(told)), key=lambda n: -told[n].low)
    top, rest = order[0], order[1:]
    proven = same and all((high := told[n].high) is not None and high < told[top].low for n in rest)
    when = phrases.during(told[top].first, told[top].last)
    if proven and len({s.metric for s in strips}) == 1:
        return f"{strips[top].name} had the most: {told[top].words} {unit} {when}"
    why = "their intervals overlap or have no end" if same else "their latest periods differ"
    return f"{len(strips)} series beside each other; which is largest is not proven, for {why}"


def _latest(periods: list[_Period]) -> _Period:
    """The last period of which something is certain, else the last."""
    return next((p for p in reversed(periods) if p.low > 0), periods[-1])


def _sentence(p: _Period, unit: str, estimates: bool) -> str:
    when = phrases.during(p.first, p.last)
    if estimates and p.about:
        return f"Estimate: {p.about} {unit} {when}, where the evidence allows {p.words}"
    return f"{p.words[:1].upper()}{p.words[1:]} {unit} {when}"


def _description(strips: list[Strip], rows: list[list[_Period]], unit: str, estimates: bool) -> str:
    lines = []
    for strip, periods in zip(strips, rows, strict=True):
        last = _latest(periods)
        about = f", estimated {last.about.removeprefix('≈')}" if estimates and last.about else ""
        lines.append(f"{strip.name}: {last.words} in {last.name}{about}")
    first = f"Bars of {unit} over time, as the lowest and highest that the evidence allows"
    return f"{first}. Latest: {'; '.join(lines)}."


def _note(
    rows: list[list[_Period]], scale: _Scale, frequencies: list[str], unit: str, estimates: bool
) -> str:
    periods = [p for ps in rows for p in ps]
    notes = []
    if unit:
        every = _EVERY[frequencies[0]] if len(set(frequencies)) == 1 else "a year"
        notes.append(f"{unit[0].upper()}{unit[1:]}, {every}; one scale for all.")
    if len(set(frequencies)) > 1:
        notes.append("A bar of a series without years is its count over the whole reported period.")
    if scale.log:
        notes.append("Each line is ten times the one below or more; the scale is logarithmic.")
    if any(p.high is None for p in periods):
        notes.append("▲ no upper bound is known.")
    if any(p.high is not None and p.high > scale.ceiling for p in periods):
        notes.append("▲ the upper bound lies above the frame; its number is in the table.")
    if estimates:
        if any(p.about for p in periods):
            notes.append("≈ and dashed: an estimate (status E), each report spread evenly over "
                         "its days. It is no evidence.")  # fmt: skip
        else:
            notes.append("No period here has an estimate.")
    return " ".join(notes)


def _table(strips: list[Strip], rows: list[list[_Period]]) -> pl.DataFrame:
    """The numbers drawn, with the counts that rates are made of."""
    pairs = [(s, p) for s, periods in zip(strips, rows, strict=True) for p in periods]
    columns: dict[str, Any] = {}
    if len(strips) > 1:
        columns["Series"] = [s.name for s, _ in pairs]
    columns["Period"] = [p.name for _, p in pairs]
    if strips[0].people:
        columns["Per 100,000 people"] = [p.words for _, p in pairs]
    columns["At least"] = [p.counts[0] for _, p in pairs]
    columns["At most"] = [p.counts[1] for _, p in pairs]
    columns["Estimate"] = [p.estimated for _, p in pairs]
    columns["Evidence"] = [_VOICE_WORDS[p.voice] for _, p in pairs]
    columns["Status"] = [p.status for _, p in pairs]
    whole = dict.fromkeys(("At least", "At most", "Estimate"), pl.Int64)
    return pl.DataFrame(columns, schema_overrides=whole)
