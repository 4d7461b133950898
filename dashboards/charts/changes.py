"""What moved between two releases: figures before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.figure import Figure
from dashboards.charts.theme import HEADING, LIGHT, headings, themed
from pipelines.periods import window_span

_ROWS = 16
_ROW = 52


@dataclass(frozen=True)
class _Change:
    name: str
    period: str
    metric: str
    before: tuple[int, int | None] | None
    after: tuple[int, int | None] | None

    @property
    def words(self) -> tuple[str, str]:
        return _told(self.before, self.metric), _told(self.after, self.metric)

    @property
    def size(self) -> float:
        """How far the lower bound moved, relative to its size; new and gone ones come last."""
        if self.before is None or self.after is None:
            return 0.0
        return abs(self.after[0] - self.before[0]) / max(1, self.before[0], self.after[0])


def release_changes(told: dict[str, Any]) -> Figure:
    """The evidence windows and years whose bounds moved, from the fields of changes.json.

    ``told`` has ``bounds`` (agency_id, system_id, metric, frequency, period, was and now, each
    [low, high] or None) and ``names`` by id. Raises ValueError where nothing moved.
    """
    names = told["names"]
    changes = [
        _Change(
            f"{names.get(row['agency_id'], row['agency_id'])}, "
            f"{names.get(row['system_id'], row['system_id'])}",
            _period(row["frequency"], row["period"]),
            row["metric"],
            tuple(row["was"]) if row["was"] else None,
            tuple(row["now"]) if row["now"] else None,
        )
        for row in moved(told["bounds"])
    ]
    if not changes:
        raise ValueError("no figure differs between the two releases")
    changes.sort(key=lambda c: (-c.size, c.name, c.period))
    revised = sum(c.before is not None and c.after is not None for c in changes)
    added = sum(c.before is None for c in changes)
    gone = len(changes) - revised - added
    parts = [
        f"{count} {words}"
        for count, words in ((revised, "revised"), (added, "new"), (gone, "withdrawn"))
        if count
    ]
    title = f"{phrases.listed(parts)} {'figure' if len(changes) == 1 else 'figures'}".capitalize()
    first = changes[0]
    description = (
        f"Bars of {len(changes)} figures before and after. Largest revision: {first.name}, "
        f"{first.period}: from {first.words[0]} to {first.words[1]}."
    )
    drawn = [c for c in changes if c.before and c.after][:_ROWS] or changes[:_ROWS]
    return Figure(
        name="release-changes",
        chart=themed(_layers(drawn), description, _ROW * len(drawn)),
        title=title,
        description=description,
        table=pl.DataFrame(
            {
                "Series": [c.name for c in changes],
                "Period": [c.period for c in changes],
                "Before": [c.words[0] for c in changes],
                "After": [c.words[1] for c in changes],
            }
        ),
        note=f"{len(changes) - len(drawn)} more are in the table."
        if len(changes) > len(drawn)
        else "",
    )


def moved(bounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The evidence windows and years among bounds that moved; a year that is also a window of its
    series stands once."""
    windows = {_series(b) for b in bounds if b["frequency"] == "R"}
    return [
        b
        for b in bounds
        if b["frequency"] == "R"
        or (b["frequency"] == "A" and _series({**b, "period": _as_window(b)}) not in windows)
    ]


def _series(bound: dict[str, Any]) -> tuple[str, ...]:
    return bound["agency_id"], bound["system_id"], bound["metric"], bound["period"]


def _as_window(year: dict[str, Any]) -> str:
    return f"{year['period']}-01-01/{year['period']}-12-31"


def _period(frequency: str, period: str) -> str:
    return period if frequency == "A" else phrases.days(*window_span(period))


def _told(interval: tuple[int, int | None] | None, metric: str) -> str:
    return "no figure" if interval is None else phrases.counted_interval(*interval, metric)


def _layers(drawn: list[_Change]) -> list[alt.Chart]:
    bars, heads = [], []
    for n, change in enumerate(drawn):
        heads.append({"y": n, "name": f"{change.name}, {change.period}"})
        ends = [i for i in (change.before, change.after) if i]
        most = max(max(low, high or 0) for low, high in ends) or 1
        for which, interval, dy in (("before", change.before, 0.34), ("after", change.after, 0.6)):
            if interval is None:
                continue
            low, high = interval
            top = high if high is not None else low * 1.08
            bars.append(
                {
                    "y": n + dy,
                    "from": 0,
                    "low": low / most * 0.6,
                    "top": min(top / most * 0.6, 0.66),
                    "which": which,
                    "label": f"{which}: {phrases.short_interval(low, high)}",
                }
            )
    y = alt.Y(
        "y:Q", scale=alt.Scale(domain=[-0.3, len(drawn) - 0.1], reverse=True, nice=False), axis=None
    )

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=None)

    colours = alt.Scale(domain=["before", "after"], range=[LIGHT["aside"], LIGHT["own"]])
    fill = alt.Fill("which:N", scale=colours, legend=None)
    every = alt.Data(values=bars)
    return [
        alt.Chart(every)
        .mark_bar(height=8, fillOpacity=0.3, aria=False)
        .encode(x=x("low"), x2=alt.X2("top:Q"), y=y, fill=fill),
        alt.Chart(every)
        .mark_bar(height=8, aria=False)
        .encode(x=x("from"), x2=alt.X2("low:Q"), y=y, fill=fill),
        alt.Chart(every)
        .mark_text(align="left", dx=6, fontSize=11.5, aria=False)
        .encode(x=x("top"), y=y, text=alt.Text("label:N")),
        alt.Chart(alt.Data(values=headings(heads, 12)))
        .mark_text(align="left", fontSize=12, aria=False, text=HEADING)
        .encode(x=alt.value(0), y=y),
    ]
