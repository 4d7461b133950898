"""A small synthetic ledger for tests: two agencies, one system, rows added as a test needs."""

from __future__ import annotations

import csv
from pathlib import Path

from pipelines.fields import LEDGER

ROWS: dict[str, list[dict[str, str]]] = {
    "sources": [
        {
            "source_id": "gazette",
            "publisher": "Gazette",
            "title": "A report",
            "published_on": "2021-06-30",
            "url": "https://example.org/report",
            "kind": "press",
            "language": "en",
        }
    ],
    "agencies": [
        {"agency_id": "north-police", "name": "North Police", "country": "GB", "level": "local"},
        {"agency_id": "south-police", "name": "South Police", "country": "GB", "level": "local"},
    ],
    "systems": [{"system_id": "finder", "name": "Finder"}],
    "reports": [],
    "statements": [],
    "duties": [],
}


def source(source_id: str, published_on: str, **more: str) -> dict[str, str]:
    return {**ROWS["sources"][0], "source_id": source_id, "published_on": published_on, **more}


def report(
    report_id: str, wording: str, start: str = "", end: str = "", **more: str
) -> dict[str, str]:
    return {
        "report_id": report_id,
        "agency_id": "north-police",
        "system_id": "finder",
        "mode": "retrospective",
        "metric": "searches",
        "period_start": start,
        "period_end": end,
        "wording": wording,
        "channel": "published",
        "source_id": "gazette",
        **more,
    }


def statement(statement_id: str, stance: str, said_on: str = "", **more: str) -> dict[str, str]:
    return {
        "statement_id": statement_id,
        "agency_id": "north-police",
        "system_id": "finder",
        "said_on": said_on,
        "stance": stance,
        "summary": "What was said.",
        "source_id": "gazette",
        **more,
    }


def write_ledger(directory: Path, **rows: list[dict[str, str]]) -> Path:
    """Write the six files: the rows above, and behind them those given by table."""
    directory.mkdir(parents=True, exist_ok=True)
    for table in LEDGER:
        with (directory / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, table.columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows([*ROWS[table.name], *rows.get(table.name, [])])
    return directory
