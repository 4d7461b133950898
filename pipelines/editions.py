"""An edition: the tables of a release or of a ledger, as one side of a comparison."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.fields import LEDGER_FILES, arrow_schema, released

TABLES = (*(table.name for table in LEDGER_FILES), "bounds", "gaps", "conflicts")


@dataclass(frozen=True, eq=False)
class Edition:
    """The tables of TABLES, each as it stands now: of `bounds`, `gaps` and `conflicts` only the
    rows that were not overtaken by the day of knowledge."""

    name: str
    as_of: date
    ledger_sha256: str
    method_sha256: str
    tables: dict[str, pa.Table] = field(repr=False)


def read_release(home: Path, name: str = "") -> Edition:
    """A release from its Parquet files, named after its directory unless another name is given. A
    table or column that it does not have is empty."""
    package = json.loads((home / "datapackage.json").read_text())
    about = package.get("facetally", {})
    tables = {}
    for table in TABLES:
        path = home / f"{table}.parquet"
        schema = arrow_schema(released(table))
        tables[table] = fit(pq.read_table(path), schema) if path.exists() else schema.empty_table()
    as_of = date.fromisoformat(about.get("as_of", (name or home.name)[:10]))
    return Edition(
        name or home.name,
        as_of,
        about.get("ledger_sha256", ""),
        about.get("method_sha256", ""),
        standing_tables(tables, as_of),
    )


def fit(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of a schema; those that the table lacks are null."""
    columns = [
        table[f.name].cast(f.type)
        if f.name in table.column_names
        else pa.nulls(table.num_rows, f.type)
        for f in schema
    ]
    return pa.table(columns, schema=schema)


def standing_tables(tables: dict[str, pa.Table], as_of: date) -> dict[str, pa.Table]:
    """The same tables, of `bounds`, `gaps` and `conflicts` only what was not overtaken."""
    con = duckdb.connect(":memory:")
    standing = dict(tables)
    for name, until in (
        ("bounds", "known_until"),
        ("gaps", "closed_on"),
        ("conflicts", "known_until"),
    ):
        con.register("given", tables[name])
        standing[name] = con.sql(
            f"from given where {until} is null or {until} > $as_of", params={"as_of": as_of}
        ).to_arrow_table()
        con.unregister("given")
    return standing
