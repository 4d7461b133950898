"""The reports behind a figure, as rows for readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards import phrases
from dashboards.releases import Release


@dataclass(frozen=True)
class Evidence:
    """One report as a reader sees it. ``aside`` says why it was set aside; blank: it counts."""

    agency: str
    system: str
    period: str
    count: str
    wording: str
    channel: str
    publisher: str
    title: str
    published: str
    url: str
    locator: str
    aside: str


def evidence(release: Release, reports: pl.DataFrame, aside: dict[str, str]) -> list[Evidence]:
    """Rows of the table ``reports`` for readers, latest period first.

    ``aside`` gives the reason for each report_id that was set aside.
    """
    names = dict(release.tables["agencies"].select("agency_id", "name").iter_rows())
    systems = dict(release.tables["systems"].select("system_id", "name").iter_rows())
    told = reports.join(release.tables["sources"], on="source_id", how="left", suffix="_source")
    told = told.sort("last_day", "known_from", "report_id", descending=[True, True, False])
    return [_row(row, names, systems, aside) for row in told.iter_rows(named=True)]


@dataclass(frozen=True)
class Statement:
    """What an agency said without a number; ``aside`` as in :class:`Evidence`."""

    day: str
    stance: str
    summary: str
    publisher: str
    title: str
    url: str
    aside: str


def statements(release: Release, said: pl.DataFrame, aside: dict[str, str]) -> list[Statement]:
    """Rows of the table ``statements`` for readers, latest first."""
    told = said.join(release.tables["sources"], on="source_id", how="left", suffix="_source")
    told = told.sort("said_latest", "statement_id", descending=[True, False])
    return [
        Statement(
            day=phrases.days(row["said_earliest"] or row["said_latest"], row["said_latest"]),
            stance=row["stance"].replace("_", " "),
            summary=row["summary"],
            publisher=row["publisher"] or "",
            title=row["title"] or row["source_id"],
            url=row["url"] or "",
            aside=aside.get(row["statement_id"], ""),
        )
        for row in told.iter_rows(named=True)
    ]


def _row(
    row: dict[str, Any], names: dict[str, str], systems: dict[str, str], aside: dict[str, str]
) -> Evidence:
    channel = phrases.CHANNEL_WORDS[row["channel"]]
    if row["disclosed_by"]:
        channel += f", by {names.get(row['disclosed_by'], row['disclosed_by'])}"
    per = f" a {row['per']}" if row["per"] else ""
    return Evidence(
        agency=names.get(row["agency_id"], row["agency_id"]),
        system=systems.get(row["system_id"], row["system_id"]),
        period=phrases.days(row["first_day"], row["last_day"]),
        count=phrases.counted_interval(row["low"], row["high"], row["metric"]),
        wording=f"{row['wording']}{per}",
        channel=channel,
        publisher=row["publisher"] or "",
        title=row["title"] or row["source_id"],
        published=row["published_on"] or "",
        url=row["url"] or "",
        locator=row["locator"] or "",
        aside=aside.get(row["report_id"], ""),
    )


def set_aside(release: Release, known: pl.DataFrame) -> dict[str, str]:
    """report_id -> why, for the conflicts of the joint evidence in ``known``."""
    joint = known.filter(pl.col("voice") == "all")
    told = joint.select("set_aside_id", "arithmetic").iter_rows()
    return {name: _without_its_name(why, name) for name, why in told}


def _without_its_name(why: str, name: str) -> str:
    said = why.removeprefix(name).strip()
    return said[:1].upper() + said[1:]
