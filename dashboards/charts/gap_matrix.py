"""What is not disclosed: agencies by year, one glyph a cell.

Shape and colour say which kind of gap, area how large; a thin line leads back over the earlier
years that the same gap covers. A cell with several gaps shows the gravest and counts the rest.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.figure import Figure
from dashboards.charts.theme import GAP_SHAPES, LIGHT, named_axis, themed
from pipelines.fields import GAP_KINDS

ROWS = 24
_ROW_HEIGHT = 28
# Pixels for an agency's name, in two lines, on a phone and elsewhere; and the type's size there.
_NARROW, _WIDE = (126, 11), (270, 12)
_PHONE = 560
_YEARS = 14
_GRAVITY = {kind: rank for rank, kind in enumerate(GAP_KINDS)}
_SIZES = {"small": 60, "middle": 120, "large": 220}


def gap_matrix(gaps: pl.DataFrame, agencies: pl.DataFrame, rows: int = ROWS) -> Figure:
    """The open gaps of one day of knowledge.

    ``gaps`` has agency_id, metric, kind, period_start, period_end, low, high, days and opened_on,
    one row a gap; ``agencies`` that table. Draws the ``rows`` agencies with the gravest gaps; the
    table lists all. Raises ValueError where there are no gaps.
    """
    if gaps.is_empty():
        raise ValueError("no gaps to draw")
    names = dict(agencies.select("agency_id", "name").iter_rows())
    told = graded(gaps, names)
    order = list(dict.fromkeys(g.agency for g in told))
    drawn = set(order[:rows])
    title = _title(told)
    left_out = len(order) - len(drawn)
    description = _description(told, order, left_out)
    last = max(g.years[1] for g in told if g.agency in drawn)
    first = max(min(g.years[0] for g in told if g.agency in drawn), last - _YEARS + 1)
    cells, tails = _cells([g for g in told if g.agency in drawn], first)
    layers = _layers(cells, tails, order[:rows], list(range(first, last + 1)))
    return Figure(
        name="gap-matrix",
        chart=themed(layers, description, _ROW_HEIGHT * len(drawn)),
        title=title,
        description=description,
        table=_table(told),
        note=(
            f"The {len(drawn)} agencies with the gravest gaps are drawn; {left_out} more are in "
            "the table."
            if left_out
            else ""
        ),
    )


def graded(gaps: pl.DataFrame, names: dict[str, str]) -> list[Gap]:
    """The gaps, gravest kind and largest first; ``names`` gives agencies' names by id."""
    told = [Gap(row, names) for row in gaps.iter_rows(named=True)]
    return sorted(told, key=lambda g: (g.gravity, -g.size, g.agency, g.years[1]))


class Gap:
    """One gap as the matrix needs it. ``size`` orders within a kind, ``words`` says it.

    ``gap_id`` is blank where the rows have none.
    """

    def __init__(self, row: dict[str, Any], names: dict[str, str]) -> None:
        self.gap_id: str = row.get("gap_id") or ""
        self.agency = names.get(row["agency_id"], row["agency_id"])
        self.kind: str = row["kind"]
        self.gravity = _GRAVITY[self.kind]
        start, end = row["period_start"], row["period_end"]
        self.years = ((start or end).year, end.year)
        self.period = phrases.days(start, end)
        self.opened = row["opened_on"]
        self.metric: str | None = row["metric"]
        low, high, days = row["low"], row["high"], row["days"]
        if self.kind in {"overdue", "late"} and days is not None:
            self.size, self.words = days, f"{phrases.number(days)} days"
            self.weight = _weight(days, 180, 730)
        elif self.kind == "vague":
            ratio = high / low if high and low else None
            self.size = int(ratio or 10_000)
            self.words = (
                _vague_words(low, high, self.metric) if low is not None else "only in words"
            )
            self.weight = _weight(self.size, 2, 10)
        else:
            self.size = low or 0
            self.words = _at_least(self.size, self.metric)
            self.weight = _weight(self.size, 100, 1000)


def _at_least(low: int, metric: str | None) -> str:
    return f"at least {phrases.counted(low, metric or 'searches')}" if low else ""


def _vague_words(low: int, high: int | None, metric: str | None) -> str:
    words = phrases.counted_interval(low, high, metric or "searches")
    return f"{words}, no upper bound" if high is None else words


def _weight(value: int, middle: int, large: int) -> str:
    return "large" if value >= large else "middle" if value >= middle else "small"


def _cells(told: list[Gap], first_year: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One mark a cell (the gravest gap there), and the lines back over earlier years."""
    cells: dict[tuple[str, int], dict[str, Any]] = {}
    tails = []
    for gap in told:
        year = max(gap.years[1], first_year)
        cell = cells.get((gap.agency, year))
        if cell:
            cell["more"] += 1
            cell["label"] = f"+{cell['more']}"
            continue
        cells[gap.agency, year] = {
            "agency": gap.agency,
            "year": str(year),
            "kind": gap.kind,
            "weight": gap.weight,
            "more": 0,
            "label": "",
            "gap": gap.gap_id,
            "Agency": gap.agency,
            "Gap": phrases.GAP_WORDS[gap.kind],
            "Size": gap.words,
            "Period": gap.period,
            "Opened": phrases.day(gap.opened),
        }
        if gap.years[0] < year:
            tails.append(
                {
                    "agency": gap.agency,
                    "from": str(max(gap.years[0], first_year)),
                    "to": str(year),
                    "kind": gap.kind,
                }
            )
    return list(cells.values()), tails


def _layers(
    cells: list[dict[str, Any]],
    tails: list[dict[str, Any]],
    order: list[str],
    years: list[int],
) -> list[alt.Chart]:
    kinds = [kind for kind in GAP_KINDS if any(c["kind"] == kind for c in cells)]
    colours = alt.Scale(domain=kinds, range=[LIGHT[kind] for kind in kinds])
    shapes = alt.Scale(domain=kinds, range=[GAP_SHAPES[kind] for kind in kinds])
    sizes = alt.Scale(
        domain=list(_SIZES),
        range=[
            alt.ExprRef(f"frame < {_PHONE} ? {size * 0.6} : {size}") for size in _SIZES.values()
        ],
    )
    columns = alt.Scale(domain=[str(year) for year in years])
    rows = alt.Y(
        "agency:N",
        sort=order,
        scale=alt.Scale(domain=order),
        axis=named_axis(order, narrow=_NARROW, wide=_WIDE, below=_PHONE, grid=True),
    )

    def x(name: str) -> alt.X:
        axis = alt.Axis(
            title=None, orient="top", labelAngle=0, labelOverlap=True, domain=False, ticks=False
        )
        return alt.X(f"{name}:N", scale=columns, axis=axis)

    told = [alt.Tooltip(f"{name}:N") for name in ("Agency", "Gap", "Size", "Period", "Opened")]
    layers = [
        alt.Chart(alt.Data(values=cells))
        .mark_point(strokeWidth=0, opacity=1, aria=False)
        .encode(
            x=x("year"),
            y=rows,
            fill=alt.Fill("kind:N", scale=colours, legend=None),
            shape=alt.Shape("kind:N", scale=shapes, legend=None),
            size=alt.Size("weight:O", scale=sizes, legend=None),
            tooltip=told,
        ),
        alt.Chart(alt.Data(values=[{**c, "room": _room(c, cells)} for c in cells if c["more"]]))
        .mark_text(dx=5, dy=-8, align="left", fontSize=10.5, fill=LIGHT["muted"], aria=False)
        .encode(
            x=x("year"),
            y=rows,
            text=alt.Text("label:N"),
            # Where the next mark is too near, the table alone tells how many more there are.
            opacity=alt.condition(
                f"datum.room * width > {17 * len(years)}", alt.value(1), alt.value(0)
            ),
        ),
    ]
    if tails:
        layers.insert(
            0,
            alt.Chart(alt.Data(values=tails))
            .mark_rule(strokeWidth=2, opacity=0.55, aria=False)
            .encode(
                x=x("from"),
                x2=alt.X2("to:N"),
                y=rows,
                stroke=alt.Stroke("kind:N", scale=colours, legend=None),
            ),
        )
    return layers


def _room(cell: dict[str, Any], cells: list[dict[str, Any]]) -> int:
    """Columns from a cell to the next mark of its row."""
    year = int(cell["year"])
    later = [int(c["year"]) for c in cells if c["agency"] == cell["agency"]]
    return min((other - year for other in later if other > year), default=_YEARS)


def _agencies_with(told: list[Gap], *kinds: str) -> int:
    return len({g.agency for g in told if g.kind in kinds})


_ALONE = {
    "contradicted": "{}: its own figures are contradicted by the evidence",
    "denied": "{} denied use that others' evidence shows",
    "silent": "{} has not disclosed use that others' evidence shows",
    "overdue": "{} is overdue with its counts",
    "late": "{} published its counts late",
    "vague": "{} disclosed its use only vaguely",
    "unaccounted": "{}: its members' figures do not account for the total",
}


def _title(told: list[Gap]) -> str:
    """The finding in one sentence, from the gravest kinds present."""
    agencies = {g.agency for g in told}
    if len(agencies) == 1:
        return _ALONE[told[0].kind].format(told[0].agency)
    hidden = _agencies_with(told, "denied", "silent")
    denied = _agencies_with(told, "denied")
    contradicted = _agencies_with(told, "contradicted")
    sentences = []
    if hidden:
        some = f"{hidden} {_plural(hidden, 'agency has', 'agencies have')} not disclosed use that "
        sentences.append(f"{some}others' evidence shows")
        if denied:
            sentences.append(f"{denied} denied it")
    if contradicted:
        whose = _plural(contradicted, "agency's figures are", "agencies' figures are")
        sentences.append(f"{contradicted} {whose} contradicted by the evidence")
    if not sentences:
        overdue = _agencies_with(told, "overdue")
        late = f"{overdue} {_plural(overdue, 'agency is', 'agencies are')} overdue with counts"
        vague = f"{len(agencies)} agencies disclosed late, vaguely or in part"
        return late if overdue else vague
    return "; ".join(sentences)


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _description(told: list[Gap], order: list[str], left_out: int) -> str:
    kinds = [
        f"{count} {phrases.GAP_WORDS[kind]}"
        for kind in GAP_KINDS
        if (count := sum(g.kind == kind for g in told))
    ]
    gravest = [
        f"{g.agency}, {phrases.GAP_WORDS[g.kind]}{f', {g.words}' if g.words else ''}, {g.period}"
        for g in told[:3]
    ]
    drawn = len(order) - left_out
    return (
        f"Matrix of {drawn} {_plural(drawn, 'agency', 'agencies')} by year with a mark for each "
        f"open disclosure gap. Gaps in all: {phrases.listed(kinds)}. Gravest: {'; '.join(gravest)}."
    )


def _table(told: list[Gap]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "Agency": [g.agency for g in told],
            "Gap": [phrases.GAP_WORDS[g.kind] for g in told],
            "Size": [g.words for g in told],
            "Period": [g.period for g in told],
            "Open since": [phrases.day(g.opened) for g in told],
        },
        schema=dict.fromkeys(("Agency", "Gap", "Size", "Period", "Open since"), pl.String),
    )
