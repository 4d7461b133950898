"""What the ledger does not hold: the `coverage` tables, and how agencies meet the registers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines.registers import load_registers

SQL = Path(__file__).parent / "sql"
TABLES = ("register_links", "coverage_agencies", "coverage_countries", "coverage")


def measure_coverage(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Create the tables of TABLES from those of the release, as known on a day."""
    load_registers(con)
    for name in TABLES:
        query = (SQL / f"{name}.sql").read_text()
        con.execute(
            f"create table {name} as {query}", {"as_of": as_of} if "$as_of" in query else {}
        )
