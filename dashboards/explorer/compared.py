"""The series that a reader chose to set side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from dashboards import phrases
from dashboards.charts.figure import Figure
from dashboards.charts.side_by_side import MOST, Strip, side_by_side
from dashboards.explorer.people import populations
from dashboards.explorer.selection import of_series
from dashboards.explorer.view import SeriesKey, View, series_names
from dashboards.releases import Release


@dataclass(frozen=True)
class Chosen:
    """One chosen series: ``people`` it is divided by in words, and why it is not drawn; both blank
    where that does not apply."""

    key: SeriesKey
    name: str
    people: str
    missing: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """The chosen series and their chart; ``figure`` is None where none of them can be drawn."""

    chosen: list[Chosen]
    figure: Figure | None
    spec: dict[str, Any] | None
    full: bool


def comparison(release: Release, view: View) -> Comparison | None:
    """What the view sets side by side; None where nothing was chosen."""
    if not view.compare:
        return None
    chosen = [_chosen(release, key, view.known, view.rates) for key in view.compare]
    drawn = tuple(one.key for one in chosen if not one.missing)
    figure = compared(release, drawn, view.known, view.estimates, view.rates) if drawn else None
    full = len(view.compare) == MOST
    return Comparison(chosen, figure, figure.spec() if figure else None, full)


def _chosen(release: Release, key: SeriesKey, known: date | None, rates: bool) -> Chosen:
    people = populations(release).get(key[0])
    missing = ""
    if of_series(release.at("bounds", known), key).is_empty():
        missing = f"no count was known on {phrases.day(known or release.as_of)}"
        first = of_series(release.tables["bounds"], key)["known_from"].min()
        if isinstance(first, date) and known and first > known:
            missing += f"; the first came on {phrases.day(first)}"
    elif rates and not people:
        missing = "no population is on record, so there is no rate"
    told = people.words if rates and people else ""
    return Chosen(key, series_names(release)[key], told, missing)


@lru_cache(maxsize=512)
def compared(
    release: Release,
    keys: tuple[SeriesKey, ...],
    known: date | None,
    estimates: bool,
    rates: bool,
) -> Figure:
    """The chart of these series as known on a day.

    Raises ValueError where one has nothing to draw: no bounds, or with ``rates`` no population.
    """
    people = populations(release)
    if rates and any(key[0] not in people for key in keys):
        raise ValueError("a series without a population has no rate")
    bounds = release.at("bounds", known)
    strips = [
        Strip(name, key[2], of_series(bounds, key), people[key[0]].people if rates else None)
        for key, name in zip(keys, _short_names(release, keys), strict=True)
    ]
    return side_by_side(strips, estimates)


def _short_names(release: Release, keys: tuple[SeriesKey, ...]) -> list[str]:
    """Names without what all of them share, so that they fit above their strips."""
    parts = [series_names(release)[key].split(" · ") for key in keys]
    differ = [len({part[n] for part in parts}) > 1 for n in range(3)]
    if not any(differ):
        return [" · ".join(part[:2]) for part in parts]
    differ[0] = True
    return [" · ".join(p for p, keep in zip(part, differ, strict=True) if keep) for part in parts]
