"""What the ledger does not hold: bodies of the registers, agencies by country, age of documents."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import altair as alt
import polars as pl

from dashboards import phrases
from dashboards.charts.figure import Figure
from dashboards.charts.theme import HEADING, LIGHT, headings, named_rows, themed

_ROW = 30
_ROWS = 14
_REGISTER_ROW = 62
_OLD = 3
REGISTERS = {
    "us-ori": "bodies with an ORI of the FBI",
    "gb-ons": "territorial forces with an ONS code",
}


def registered_bodies(countries: pl.DataFrame) -> Figure:
    """The bodies of each public register, and about how many of them anything is on record.

    ``countries`` is ``coverage_countries``. Raises ValueError where no country has a register.
    """
    rows = [r for r in countries.iter_rows(named=True) if r["registered"]]
    if not rows:
        raise ValueError("no country has a register")
    rows.sort(key=lambda r: (-r["registered"], r["country"]))
    every, unknown = (sum(r[c] for r in rows) for c in ("registered", "registered_unknown"))
    told = [
        f"{phrases.country_name(r['country'])}: {phrases.number(r['registered_known'])} of "
        f"{phrases.number(r['registered'])} {REGISTERS.get(r['register'], 'bodies')}"
        for r in rows
    ]
    description = f"Bars of the police bodies about which anything is on record. {'; '.join(told)}."
    return Figure(
        name="registered-bodies",
        chart=themed(_register_layers(rows), description, _REGISTER_ROW * len(rows)),
        title=f"Nothing is on record about {phrases.number(unknown)} of {phrases.number(every)} "
        "registered police bodies",
        description=description,
        table=pl.DataFrame(
            {
                "Country": [phrases.country_name(r["country"]) for r in rows],
                "Register": [REGISTERS.get(r["register"], r["register"]) for r in rows],
                "Bodies": [r["registered"] for r in rows],
                "Something on record": [r["registered_known"] for r in rows],
                "Nothing known": [r["registered_unknown"] for r in rows],
                "Residents": [r["registered_population"] for r in rows],
                "Residents of those on record": [r["known_population"] for r in rows],
                "Residents counted in": [
                    str(r["population_year"]) if r["population_year"] else None for r in rows
                ],
            },
            schema_overrides={
                "Residents": pl.Int64,
                "Residents of those on record": pl.Int64,
                "Residents counted in": pl.String,
            },
        ),
    )


def _register_layers(rows: list[dict[str, Any]]) -> list[alt.Chart]:
    known, unknown, hatch, heads = [], [], [], []
    for n, row in enumerate(rows):
        share = row["registered_known"] / row["registered"]
        bar = {"y": n + 0.45, "y2": n + 0.78}
        known.append({**bar, "from": 0, "to": share})
        unknown.append({**bar, "from": share, "to": 1})
        # Strokes that lean to the right: a hatch, which no other mark of the house has.
        steps = [at / 60 for at in range(60) if share + 0.012 <= at / 60]
        hatch += [{**bar, "from": at, "to": min(at + 1 / 60, 1)} for at in steps]
        counts = f"{phrases.number(row['registered_known'])} of {phrases.number(row['registered'])}"
        name = phrases.country_name(row["country"])
        heads.append({"y": n + 0.2, "name": f"{name}: {counts} on record"})
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, len(rows)], reverse=True, nice=False), axis=None)
    x = alt.X("from:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=None)
    across: dict[str, Any] = {"x": x, "x2": alt.X2("to:Q"), "y": y, "y2": alt.Y2("y2:Q")}
    return [
        alt.Chart(alt.Data(values=hatch))
        .mark_rule(strokeWidth=1, stroke=LIGHT["aside"], aria=False)
        .encode(**across),
        alt.Chart(alt.Data(values=unknown))
        .mark_rect(fillOpacity=0, stroke=LIGHT["aside"], strokeWidth=1, aria=False)
        .encode(**across),
        alt.Chart(alt.Data(values=known))
        .mark_rect(fill=LIGHT["own"], stroke=LIGHT["own"], aria=False)
        .encode(**across),
        alt.Chart(alt.Data(values=headings(heads, 13)))
        .mark_text(align="left", fontSize=13, aria=False, text=HEADING)
        .encode(x=alt.value(0), y=y),
    ]


_PARTS = {
    "counts": ("own", "with a count"),
    "statements": ("vague", "statements only"),
    "named": ("aside", "only named"),
}


def agencies_by_country(agencies: pl.DataFrame, countries: pl.DataFrame) -> Figure:
    """The agencies and groups on record by country, and whether they have a count.

    ``agencies`` is ``coverage_agencies``, ``countries`` ``coverage_countries``. Raises ValueError
    where there are none.
    """
    found: dict[str, Counter[str]] = {}
    for row in agencies.iter_rows(named=True):
        part = "counts" if row["reports"] else "statements" if row["statements"] else "named"
        found.setdefault(row["country"], Counter())[part] += 1
    found.pop("ZZ", None)
    if not found:
        raise ValueError("no agency is on record")
    rows = sorted(found.items(), key=lambda item: (-item[1].total(), item[0]))
    without = countries.filter((pl.col("agencies") == 0) & (pl.col("country") != "ZZ")).height
    every = countries.filter(pl.col("country") != "ZZ").height
    first, most = rows[0]
    total = sum(parts.total() for _, parts in rows)
    verb = "has" if without == 1 else "have"
    title = f"{without} of {every} countries and territories {verb} no agency on record"
    if len(rows) > 1 and most.total() * 2 > total:
        title += f"; {_the(first)} alone has {most.total()} of {total}"
    description = "Bars of the agencies on record by country. " + "; ".join(
        f"{phrases.country_name(code)}: {parts.total()}, {parts['counts']} with a count"
        for code, parts in rows[:5]
    )
    drawn = rows[:_ROWS]
    return Figure(
        name="coverage-countries",
        chart=themed(_country_layers(drawn), f"{description}.", _ROW * len(drawn)),
        title=title,
        description=f"{description}.",
        table=pl.DataFrame(
            {
                "Country": [phrases.country_name(code) for code, _ in rows],
                "Agencies": [parts.total() for _, parts in rows],
                **{
                    words.capitalize(): [parts[part] for _, parts in rows]
                    for part, (_, words) in _PARTS.items()
                },
            }
        ),
        note=f"{len(rows) - len(drawn)} more countries are in the table."
        if len(rows) > len(drawn)
        else "",
    )


def _the(code: str) -> str:
    """A country inside a sentence."""
    name = phrases.country_name(code)
    return f"the {name}" if name.startswith("United") else name


def _country_layers(drawn: list[tuple[str, Counter[str]]]) -> list[alt.Chart]:
    most = max(parts.total() for _, parts in drawn)
    order = [phrases.country_name(code) for code, _ in drawn]
    bars, inside, totals = [], [], []
    for (_, parts), name in zip(drawn, order, strict=True):
        at = 0
        for part in _PARTS:
            count = parts[part]
            if not count:
                continue
            bars.append({"name": name, "from": at, "to": at + count, "part": part})
            if count >= 10:
                inside.append({"name": name, "middle": at + count / 2, "count": count})
            at += count
        totals.append({"name": name, "to": at, "label": str(at)})
    y = named_rows(order)

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:Q", scale=alt.Scale(domain=[0, most * 1.1], nice=False), axis=None)

    colours = alt.Scale(domain=list(_PARTS), range=[LIGHT[c] for c, _ in _PARTS.values()])
    return [
        alt.Chart(alt.Data(values=bars))
        .mark_bar(aria=False, stroke=LIGHT["paper"], strokeWidth=1)
        .encode(
            x=x("from"),
            x2=alt.X2("to:Q"),
            y=y,
            fill=alt.Fill("part:N", scale=colours, legend=None),
        ),
        alt.Chart(alt.Data(values=inside))
        .mark_text(aria=False, fill=LIGHT["paper"], fontWeight=700)
        .encode(
            x=x("middle"),
            y=y,
            text=alt.Text("count:Q"),
            opacity=alt.condition(
                f"datum.count * width / {most * 1.1} > 26", alt.value(1), alt.value(0)
            ),
        ),
        alt.Chart(alt.Data(values=totals))
        .mark_text(align="left", dx=6, aria=False)
        .encode(x=x("to"), y=y, text=alt.Text("label:N")),
    ]


def newest_documents(agencies: pl.DataFrame, as_of: date) -> Figure:
    """The agencies by the year of the newest dated document about them.

    ``agencies`` is ``coverage_agencies``. Raises ValueError where no agency has a document.
    """
    days: list[date] = agencies["last_update"].drop_nulls().to_list()
    if not days:
        raise ValueError("no agency has a dated document")
    undated = agencies.height - len(days)
    years = Counter(day.year for day in days)
    limit = date(as_of.year - _OLD, as_of.month, min(as_of.day, 28))
    old = sum(day < limit for day in days)
    rows = [(year, years[year]) for year in range(min(years), as_of.year + 1)]
    description = (
        f"Bars of {len(days)} agencies by the year of the newest dated document about them: "
        + ", ".join(f"{year}: {count}" for year, count in rows)
        + "."
    )
    return Figure(
        name="newest-documents",
        chart=themed(_year_layers(rows), description, 190),
        title=f"For {old} of {len(days)} agencies the newest document is over three years old",
        description=description,
        table=pl.DataFrame(
            {
                "Newest document of": [str(year) for year, _ in rows],
                "Agencies": [count for _, count in rows],
            }
        ),
        note="A document dated by its month or year alone counts as of the last day of it."
        + (f" {undated} more {_only(undated)} only undated documents." if undated else ""),
    )


def _only(count: int) -> str:
    return "agency has" if count == 1 else "agencies have"


def _year_layers(rows: list[tuple[int, int]]) -> list[alt.Chart]:
    values = [{"year": str(year), "count": count, "zero": 0} for year, count in rows]
    labels = [value for value in values if value["count"]]
    x = alt.X(
        "year:N",
        scale=alt.Scale(domain=[str(year) for year, _ in rows], paddingInner=0.2),
        axis=alt.Axis(title=None, labelAngle=0, labelOverlap=True, ticks=False),
    )
    most = max(count for _, count in rows)
    y = alt.Y("count:Q", scale=alt.Scale(domain=[0, most * 1.12], nice=False), axis=None)
    return [
        alt.Chart(alt.Data(values=values))
        .mark_bar(aria=False, fill=LIGHT["own"])
        .encode(x=x, y=y, y2=alt.Y2("zero:Q")),
        alt.Chart(alt.Data(values=labels))
        .mark_text(dy=-8, aria=False, fontWeight=700)
        .encode(x=x, y=y, text=alt.Text("count:Q")),
    ]
