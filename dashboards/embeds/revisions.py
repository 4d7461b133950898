"""What a pinned chart said that the latest release says differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.embeds.catalogue import Chart, figure
from dashboards.releases import Release

_SHOWN = 3


@dataclass(frozen=True)
class Told:
    """The table of a chart: its columns, those of them that hold numbers, and its rows."""

    columns: list[str]
    numbers: set[str]
    rows: list[tuple[Any, ...]]


def revised(pinned: Release, latest: Release, chart: Chart) -> list[str]:
    """A phrase for each figure drawn that changed or went, at most three and how many more.

    What the latest release only adds is no revision.
    """
    before, after = figure(pinned, chart), figure(latest, chart)
    if before is None or pinned.version == latest.version:
        return []
    return changed(_told(before.table), _told(after.table) if after else None)


def changed(before: Told, after: Told | None) -> list[str]:
    """The same for two tables of one chart; None: the latest release has none.

    Rows go by their words; what differs in numbers or is gone was revised.
    """
    if after is None:
        return ["the chart is no longer in the latest release"]
    old, new = _rows(before), _rows(after)
    said = []
    for name, values in old.items():
        if name not in new:
            said.append(f"{name}: no longer stated so")
        elif new[name] != values:
            said.append(f"{name}: was {_words(values)}, is {_words(new[name])}")
    more = len(said) - _SHOWN
    return [*said[:_SHOWN], *([f"{more} more"] if more > 0 else [])]


def _told(table: pl.DataFrame) -> Told:
    numbers = {name for name, kind in table.schema.items() if kind.is_numeric()}
    return Told(table.columns, numbers, table.rows())


def _rows(told: Told) -> dict[str, tuple[object, ...]]:
    """Each row's numbers by the words in it. Words that tell of a state may change by themselves,
    so only the first column names the row, with the second where the first is not enough."""
    numbers = [n for n, name in enumerate(told.columns) if name in told.numbers]
    words = [n for n in range(len(told.columns)) if n not in numbers]
    for count in range(1, len(words) + 1):
        if len({tuple(row[n] for n in words[:count]) for row in told.rows}) == len(told.rows):
            words = words[:count]
            break
    kept = numbers or [n for n in range(len(told.columns)) if n not in words]
    return {", ".join(str(row[n]) for n in words): tuple(row[n] for n in kept) for row in told.rows}


def _words(values: tuple[object, ...]) -> str:
    said = [f"{value:,}" if isinstance(value, int) else str(value or "–") for value in values]
    return " / ".join(said)
