"""Who said so, and when the public learned it: every report over the period that it covers.

One lane a series. A bar is the period that a report covers, coloured by the channel through which
it became public; the glyph that it leads to stands on the day when it did. What was set aside is
struck. What the agency said without a number has a lane of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from math import ceil
from typing import Any, Literal

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.channel_ladder import RUNGS, rung
from dashboards.charts.figure import Figure
from dashboards.charts.names import breadth
from dashboards.charts.theme import CHANNEL_SHAPES, HEADING, LIGHT, headings, themed
from dashboards.charts.time_axis import named_days, time_axis

_LONGEST = 48
_ROW = 17
# The sizes of a lane's heading and of a mark's label, and the pixels between a mark and its label.
_HEADING, _LABEL, _OFF = 12, 11.5, 10
# The pixels of the time axis on the narrowest phone.
_PHONE = 304
_DENSE = 8
# On which side of a mark its label stands: where it starts, how it is aligned, how far off.
_Side = Literal["left", "right"]
_EDGES: tuple[tuple[str, str, _Side, int], ...] = (
    ("left", "start", "right", -8),
    ("right", "later", "left", 9),
)
STANCES = {
    "confirmed": "confirmed use",
    "denied": "denied use",
    "declined": "declined to say",
    "no_response": "did not answer",
    "disputed": "disputed a report",
    "suspended": "suspended use",
    "banned": "use forbidden",
}


def evidence_timeline(
    agency: str,
    reports: pl.DataFrame,
    statements: pl.DataFrame,
    systems: dict[str, str],
    set_aside: set[str],
) -> Figure:
    """All that is on record about one agency.

    ``reports`` and ``statements`` are its rows of those tables, ``systems`` gives names for
    readers, ``set_aside`` the ids of reports that were set aside. Raises ValueError where there
    is nothing to draw.
    """
    if reports.is_empty() and statements.is_empty():
        raise ValueError("an agency without reports and statements has no timeline")
    told = [_Report(row, systems, row["report_id"] in set_aside) for row in _rows(reports)]
    said = [_Said(row, systems) for row in _rows(statements)]
    days = [d for r in told for d in (r.first, r.last, r.known) if d] + [s.day for s in said]
    span = (max(days) - min(days)).days or 30
    left, right = min(days).toordinal() - span * 0.02, max(days).toordinal() + span * 0.02
    lanes, left_out, margins = _lanes(told, said, left, right)
    title = _title(agency, told, said)
    description = _description(agency, told, said)
    return Figure(
        name="evidence-timeline",
        chart=themed(
            _layers(lanes, left, right, margins),
            description,
            round(sum(lane.height for lane in lanes) * _ROW),
        ),
        title=title,
        description=description,
        table=_table(told, said),
        note=(f"{left_out} more series are in the table." if left_out else ""),
    )


def _rows(table: pl.DataFrame) -> list[dict[str, Any]]:
    return list(table.iter_rows(named=True))


class _Report:
    """One report as the timeline needs it."""

    def __init__(self, row: dict[str, Any], systems: dict[str, str], aside: bool) -> None:
        self.first: date | None = row["first_day"]
        self.last: date = row["last_day"]
        self.known: date = row["known_from"]
        self.aside = aside
        self.rung = rung(row["channel"], row["voice"])
        noun = phrases.METRIC_NOUNS[row["metric"]][1]
        self.series = f"{systems.get(row['system_id'], row['system_id'])}: {noun}"
        self.label = phrases.short_interval(row["low"], row["high"])
        self.count = phrases.counted_interval(row["low"], row["high"], row["metric"])
        self.period = phrases.days(self.first, self.last)


class _Said:
    """One statement."""

    def __init__(self, row: dict[str, Any], systems: dict[str, str]) -> None:
        self.day: date = row["said_latest"]
        self.stance = STANCES[row["stance"]]
        self.system = systems.get(row["system_id"] or "", "")
        self.denial = row["stance"] == "denied"


@dataclass
class _Lane:
    """A heading with rows of marks below it; ``height`` in rows."""

    heading: str
    marks: list[dict[str, Any]] = field(default_factory=list)
    dense: bool = False
    rows: int = 0

    @property
    def height(self) -> float:
        return self.rows + 1.35


class _Sides:
    """On which side of its mark a label stands, so that a phone has room for all of it.

    Where neither side has, the label stands in the margin: ``margins`` are the pixels that labels
    need there, left and right of the time axis, which is ``plot`` pixels long.
    """

    def __init__(self, margins: tuple[int, int] = (0, 0)) -> None:
        self.margins = margins
        self.plot = _PHONE - sum(margins)

    def place(self, label: str, begin: float, end: float) -> tuple[float, float, _Side]:
        """A mark between two shares of the axis: where it and its label begin and end."""
        pixels = ceil(breadth(label, _LABEL) + _OFF)
        needs = pixels / self.plot
        if end + needs > 1 and (begin >= needs or begin > 1 - end):
            if begin < needs:
                self.margins = max(self.margins[0], pixels), self.margins[1]
            return begin - needs, end, "left"
        if end + needs > 1:
            self.margins = self.margins[0], max(self.margins[1], pixels)
        return begin, end + needs, "right"


def _lanes(
    told: list[_Report], said: list[_Said], left: float, right: float
) -> tuple[list[_Lane], int, tuple[int, int]]:
    """The lanes that fit, how many series do not, and the margins that labels need."""
    sides = _Sides()
    _placed(told, said, left, right, sides)
    # Margins make the axis shorter, and labels the longer beside it.
    sides = _Sides(sides.margins)
    lanes, left_out = _placed(told, said, left, right, sides)
    return lanes, left_out, sides.margins


def _placed(
    told: list[_Report], said: list[_Said], left: float, right: float, sides: _Sides
) -> tuple[list[_Lane], int]:
    lanes = []
    if said:
        lane = _Lane("What the agency said")
        ends: list[float] = []
        for one in sorted(said, key=lambda s: s.day):
            at = (one.day.toordinal() - left) / (right - left)
            begin, end, side = sides.place(one.stance, at - 0.02, at + 0.02)
            row = _free(ends, begin, end)
            lane.marks.append(
                {
                    "row": row,
                    "known": _epoch(one.day),
                    "label": one.stance,
                    "side": side,
                    "denial": one.denial,
                }
            )
        lane.rows = len(ends)
        lanes.append(lane)
    series: dict[str, list[_Report]] = {}
    for report in told:
        series.setdefault(report.series, []).append(report)
    # What the agency did not disclose itself comes first, then what is told most often.
    ordered = sorted(
        series.items(), key=lambda item: (any(_own(r) for r in item[1]), -len(item[1]), item[0])
    )
    used = sum(lane.height for lane in lanes)
    left_out = 0
    for name, reports in ordered:
        lane = _lane(name, reports, left, right, sides)
        if used + lane.height > _LONGEST and lanes and used:
            left_out += 1
            continue
        used += lane.height
        lanes.append(lane)
    return lanes, left_out


def _own(report: _Report) -> bool:
    return report.rung in {"published", "on_request"}


def _lane(name: str, reports: list[_Report], left: float, right: float, sides: _Sides) -> _Lane:
    lane = _Lane(name, dense=len(reports) > _DENSE)
    ends: list[float] = []
    for report in sorted(reports, key=lambda r: (r.first or date.min, r.last, r.known)):
        start = (report.first.toordinal() if report.first else left) - left
        stop = report.last.toordinal() + 1 - left
        known = report.known.toordinal() - left
        begin, end = start / (right - left), max(stop, known) / (right - left)
        side = "none"
        if lane.dense:
            end = stop / (right - left) - 0.001
        else:
            begin, end, side = sides.place(report.label, begin, end)
        lane.marks.append(
            {
                "row": _free(ends, begin, end),
                "start": _epoch_at(left + start),
                "end": _epoch_at(left + stop),
                "known": _epoch(report.known),
                "rung": report.rung,
                "aside": report.aside,
                "open": report.first is None,
                "label": report.label,
                "side": side,
            }
        )
    lane.rows = len(ends)
    return lane


def _free(ends: list[float], begin: float, end: float) -> int:
    """The first row whose last mark ended before ``begin``; adds a row where none has."""
    for row, ended in enumerate(ends):
        if ended <= begin:
            ends[row] = end
            return row
    ends.append(end)
    return len(ends) - 1


def _layers(
    lanes: list[_Lane], left: float, right: float, margins: tuple[int, int]
) -> list[alt.Chart]:
    heads: list[dict[str, Any]] = []
    bars: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    top = 0.0
    for lane in lanes:
        heads.append({"y": top + 0.45, "name": lane.heading})
        for mark in lane.marks:
            placed = {**mark, "y": top + 1.35 + mark["row"]}
            (bars if "rung" in mark else said).append(placed)
        top += lane.height
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, top], reverse=True, nice=False), axis=None)
    begin, finish = _epoch_at(left), _epoch_at(right)

    axis = time_axis(*named_days(begin, finish), orient="top", grid=True, domain=False, ticks=False)

    def x(name: str) -> alt.X:
        room: list[Any] = [margins[0], alt.ExprRef(f"width - {margins[1]}")]
        return alt.X(f"{name}:T", scale=alt.Scale(type="utc", nice=False, range=room), axis=axis)

    names = list(RUNGS)
    scale = alt.Scale(domain=names, range=[LIGHT[f"by-{name}"] for name in names])
    fill = alt.Fill("rung:N", scale=scale, legend=None)
    stroke = alt.Stroke("rung:N", scale=scale, legend=None)
    shape = alt.Shape(
        "rung:N",
        scale=alt.Scale(domain=names, range=[CHANNEL_SHAPES[name] for name in names]),
        legend=None,
    )
    corners = alt.Data(values=[{"at": begin}, {"at": finish}])
    layers: list[alt.Chart] = [
        alt.Chart(corners).mark_point(opacity=0, aria=False).encode(x=x("at"))
    ]
    denials = [m for m in said if m["denial"]]
    if denials and bars:
        layers.append(
            alt.Chart(alt.Data(values=[{"known": m["known"]} for m in denials]))
            .mark_rule(strokeDash=[2, 3], stroke=LIGHT["denied"], aria=False)
            .encode(x=x("known"))
        )
    shown = [m for m in bars if m["side"] != "none"]
    if shown:
        layers += [
            alt.Chart(alt.Data(values=shown))
            .mark_rule(strokeWidth=1.2, aria=False)
            .encode(x=x("end"), x2="known:T", y=y, stroke=stroke),
            alt.Chart(alt.Data(values=shown))
            .mark_point(size=58, opacity=1, strokeWidth=0, aria=False)
            .encode(x=x("known"), y=y, fill=fill, shape=shape),
        ]
    if bars:
        layers.append(
            alt.Chart(alt.Data(values=bars))
            .mark_bar(height=7, stroke=LIGHT["paper"], strokeWidth=0.6, aria=False)
            .encode(x=x("start"), x2="end:T", y=y, fill=fill)
        )
        layers.append(
            alt.Chart(alt.Data(values=bars))
            .mark_rule(strokeWidth=3.5, strokeCap="round", aria=False)
            .encode(x=x("start"), x2="end:T", y=y, stroke=stroke)
        )
    asides = [m for m in bars if m["aside"]]
    if asides:
        layers.append(
            alt.Chart(
                alt.Data(values=[{**m, "middle": (m["start"] + m["end"]) / 2} for m in asides])
            )
            .mark_point(
                shape="M-0.8,-0.8L0.8,0.8M0.8,-0.8L-0.8,0.8",
                size=110,
                strokeWidth=2.2,
                stroke=LIGHT["ink"],
                opacity=1,
                aria=False,
            )
            .encode(x=x("middle"), y=y)
        )
    for side, where, align, dx in _EDGES:
        labels = [{**m, "later": max(m["end"], m["known"])} for m in shown if m["side"] == side]
        if labels:
            layers.append(
                alt.Chart(alt.Data(values=labels))
                .mark_text(align=align, dx=dx, fontSize=_LABEL, aria=False)
                .encode(x=x(where), y=y, text="label:N")
            )
    if said:
        layers.append(
            alt.Chart(alt.Data(values=said))
            .mark_point(
                shape="diamond",
                size=80,
                opacity=1,
                strokeWidth=1.6,
                stroke=LIGHT["denied"],
                fill=LIGHT["paper"],
                aria=False,
            )
            .encode(x=x("known"), y=y)
        )
        for side, _, align, dx in _EDGES:
            labels = [m for m in said if m["side"] == side]
            if labels:
                layers.append(
                    alt.Chart(alt.Data(values=labels))
                    .mark_text(align=align, dx=dx, fontSize=_LABEL, aria=False)
                    .encode(x=x("known"), y=y, text="label:N")
                )
    layers.append(
        alt.Chart(alt.Data(values=headings(heads, _HEADING, bold=True)))
        .mark_text(
            align="left",
            fontSize=_HEADING,
            fontWeight=700,
            aria=False,
            text=HEADING,
        )
        .encode(x=alt.value(0), y=y)
    )
    return layers


def _title(agency: str, told: list[_Report], said: list[_Said]) -> str:
    """The finding: how much of the record the agency made public itself."""
    if not told:
        return "The agency has spoken of face recognition, but no count is on record"
    own = sum(_own(r) for r in told)
    reports = f"{len(told)} counts on record" if len(told) > 1 else "One count on record"
    if own == len(told):
        return f"{reports}, {'all' if len(told) > 1 else 'and'} disclosed by the agency itself"
    if not own:
        return f"{reports}, {'none of them' if len(told) > 1 else 'not'} disclosed by the agency"
    return f"{reports}, {own} of them disclosed by the agency itself"


def _description(agency: str, told: list[_Report], said: list[_Said]) -> str:
    parts = [f"Timeline of what is on record about {agency}."]
    if told:
        by = [
            f"{words[0].lower()}{words[1:]}: {count}"
            for name, words in RUNGS.items()
            if (count := sum(r.rung == name for r in told))
        ]
        first = min(told, key=lambda r: r.known)
        parts.append(
            f"{len(told)} {'report' if len(told) == 1 else 'reports'} ({'; '.join(by)}), the "
            f"first public on {phrases.day(first.known)}: {first.count}, {first.period}."
        )
    if said:
        parts.append(
            "; ".join(
                f"{phrases.day(s.day)}: {s.stance}" for s in sorted(said, key=lambda s: s.day)[:6]
            )
            + "."
        )
    return " ".join(parts)


def _table(told: list[_Report], said: list[_Said]) -> pl.DataFrame:
    rows = [
        (r.known, r.series, r.period, r.count + (", set aside" if r.aside else ""), RUNGS[r.rung])
        for r in told
    ]
    rows += [
        (
            s.day,
            f"{s.system}: statement" if s.system else "Statement",
            "",
            s.stance,
            "Said by the agency",
        )
        for s in said
    ]
    rows.sort(key=lambda row: (row[0], row[1]))
    return pl.DataFrame(
        [(phrases.day(day), *rest) for day, *rest in rows],
        schema=dict.fromkeys(("Public on", "About", "Period", "What", "How"), pl.String),
        orient="row",
    )


def _epoch(day: date) -> int:
    """Milliseconds since 1970 in UTC: the one form that no time zone can shift."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _epoch_at(ordinal: float) -> int:
    return round((ordinal - date(1970, 1, 1).toordinal()) * 86_400_000)
