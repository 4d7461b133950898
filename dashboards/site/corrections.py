"""Errors that were put right, and which pages they stand on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import polars as pl

from dashboards import phrases
from dashboards.site.record import Record, Row

_KEYS = {
    "sources": "source_id",
    "agencies": "agency_id",
    "systems": "system_id",
    "reports": "report_id",
    "statements": "statement_id",
    "duties": "duty_id",
}
_ROWS = {
    "sources": "document",
    "agencies": "agency",
    "systems": "system",
    "reports": "count",
    "statements": "statement",
    "duties": "duty",
}


@dataclass(frozen=True)
class Correction:
    """One row of ``corrections``; ``address`` is where the row that was wrong is shown (blank
    where it is gone), ``what`` names it, ``pages`` are the pages that have to say so."""

    row: Row
    what: str
    address: str
    pages: tuple[str, ...]

    @property
    def removed(self) -> bool:
        """Whether the whole row was withdrawn."""
        return not self.row["column_name"]


def corrections(record: Record, table: pl.DataFrame) -> list[Correction]:
    """All of them, the latest first."""
    found = [_correction(record, row) for row in table.iter_rows(named=True)]
    return sorted(
        found, key=lambda c: (c.row["corrected_on"], c.row["correction_id"]), reverse=True
    )


def by_page(found: list[Correction]) -> dict[str, list[Correction]]:
    """The corrections that a page has to tell, by its address."""
    pages: dict[str, list[Correction]] = defaultdict(list)
    for one in found:
        for page in one.pages:
            pages[page].append(one)
    return dict(pages)


def _correction(record: Record, row: Row) -> Correction:
    table, name = row["table_name"], row["row_id"]
    what = f"{_ROWS[table]} {name}"
    held: dict[str, Row] = getattr(record, table)
    subject = held.get(name)
    if subject is None:
        return Correction(row, what, "", ())
    if table in {"sources", "agencies", "systems"}:
        page = f"/{table}/{name}/"
        return Correction(row, f"{_ROWS[table]}: {_name(record, table, subject)}", page, (page,))
    agency = f"/agencies/{subject['agency_id']}/"
    what = f"{_ROWS[table]}: {record.agency_name(subject['agency_id'])}"
    pages = [agency, f"/sources/{subject['source_id']}/"]
    anchor = {"reports": f"#r-{name}", "statements": f"#s-{name}", "duties": "#duties"}[table]
    if table == "reports":
        when = phrases.days(subject["first_day"], subject["last_day"])
        series = record.series_name(subject["system_id"], subject["metric"])
        what = f"{what}, {series}, {when}"
        pages.append(f"/systems/{subject['system_id']}/")
    return Correction(row, what, agency + anchor, tuple(pages))


def _name(record: Record, table: str, subject: Row) -> str:
    if table == "sources":
        return str(subject["title"])
    key = str(subject[_KEYS[table]])
    return record.agency_name(key) if table == "agencies" else record.system_name(key)


def replacements(record: Record) -> list[tuple[Row, Row]]:
    """The reports by which a source corrected an earlier one, each with what it replaces, the
    latest first."""
    found = [
        (row, record.reports[row["replaces"]])
        for row in record.reports.values()
        if row["replaces"] in record.reports
    ]
    return sorted(found, key=lambda p: (p[0]["known_from"], p[0]["report_id"]), reverse=True)
