"""What a pinned chart said that the latest release says differently."""

from __future__ import annotations

import polars as pl

from dashboards.charts.figure import Figure
from dashboards.embeds.catalogue import Chart, figure
from dashboards.releases import Release

_SHOWN = 3


def revised(pinned: Release, latest: Release, chart: Chart) -> list[str]:
    """A phrase for each figure drawn that changed or went, at most three and how many more.

    What the latest release only adds is no revision.
    """
    before, after = figure(pinned, chart), figure(latest, chart)
    if before is None or pinned.version == latest.version:
        return []
    if after is None:
        return ["the chart is no longer in the latest release"]
    changed = _changed(before, after)
    more = len(changed) - _SHOWN
    return [*changed[:_SHOWN], *([f"{more} more"] if more > 0 else [])]


def _changed(before: Figure, after: Figure) -> list[str]:
    """Rows go by their words; what differs in numbers or is gone was revised."""
    old, new = _rows(before.table), _rows(after.table)
    told = []
    for name, values in old.items():
        if name not in new:
            told.append(f"{name}: no longer stated so")
        elif new[name] != values:
            told.append(f"{name}: was {_words(values)}, is {_words(new[name])}")
    return told


def _rows(table: pl.DataFrame) -> dict[str, tuple[object, ...]]:
    """Each row's numbers by the words in it. Words that tell of a state may change by themselves,
    so only the first column names the row, with the second where the first is not enough."""
    numbers = [name for name, kind in table.schema.items() if kind.is_numeric()]
    words = [name for name in table.columns if name not in numbers]
    for count in range(1, len(words) + 1):
        if table.select(words[:count]).is_unique().all():
            words = words[:count]
            break
    kept = numbers or [name for name in table.columns if name not in words]
    return {
        ", ".join(str(row[name]) for name in words): tuple(row[name] for name in kept)
        for row in table.iter_rows(named=True)
    }


def _words(values: tuple[object, ...]) -> str:
    said = [f"{value:,}" if isinstance(value, int) else str(value or "–") for value in values]
    return " / ".join(said)
