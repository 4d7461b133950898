"""Whether the files of a release hold one and the same tables, and the tables their keys."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.dataset import RUN_AS_FORMULA
from pipelines.fields import RELEASE, Field, Table, arrow_schema, released
from pipelines.sanity import violations
from pipelines.verify import Fault

MOST_ALIKE = 20
"""Faults of one sort that are listed; the rest is counted."""

_SQL_TYPES = {"integer": "bigint", "number": "double", "date": "date"}


def listed(file: str, found: Iterator[str]) -> list[Fault]:
    """Faults of one sort: the first are listed, the rest counted."""
    faults = [Fault(file, what) for what in islice(found, MOST_ALIKE)]
    rest = sum(1 for _ in found)
    return faults + ([Fault(file, f"{rest:,} more of the sort")] if rest else [])


def count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """The number of rows of a query."""
    return int(con.execute(f"select count(*) from ({query})").fetchall()[0][0])


# --- the tables ------------------------------------------------------------------------------


def read_tables(home: Path) -> tuple[dict[str, pa.Table], list[Fault]]:
    """The tables of a release, and what stands in the way of reading them as they are declared."""
    tables: dict[str, pa.Table] = {}
    faults = []
    for table in RELEASE:
        file = f"{table.name}.parquet"
        try:
            tables[table.name] = pq.read_table(home / file)
            tables[table.name].validate(full=True)
        except (OSError, ValueError, pa.ArrowException) as error:
            faults.append(Fault(file, f"cannot be read ({str(error).splitlines()[0]})"))
            continue
        actual, expected = tables[table.name].schema, arrow_schema(table)
        differing = [
            f"{_column(a)} where {_column(e)} belongs"
            for a, e in zip_longest(actual, expected)
            if a is None or e is None or not a.equals(e)
        ]
        if differing:
            faults.append(Fault(file, f"wrong columns: {'; '.join(differing)}"))
    return tables, faults


def _column(field: pa.Field | None) -> str:
    return f"{field.name} ({field.type})" if field is not None else "nothing"


# --- their other shapes ----------------------------------------------------------------------


def shape_faults(con: duckdb.DuckDBPyConnection, home: Path) -> list[Fault]:
    """Whether CSV, spreadsheet and JSON hold the rows of the tables, in the same order."""
    faults = []
    for table in RELEASE:
        for shape in ("csv", "excel.csv", "json"):
            file = f"{table.name}.{shape}"
            try:
                places = _differing_rows(con, table, shape, home / file)
            except duckdb.Error as error:
                faults.append(Fault(file, f"cannot be read ({str(error).splitlines()[0]})"))
                continue
            if places:
                what = f"{len(places):,} rows are not those of {table.name}.parquet; the first is"
                faults.append(Fault(file, f"{what} row {places[0]:,}"))
    return faults


def _differing_rows(
    con: duckdb.DuckDBPyConnection, table: Table, shape: str, path: Path
) -> list[int]:
    """Numbers of the rows, from 1, in which a file and its table differ."""
    cells = ", ".join(f"{_told(field, shape)} as {field.name}" for field in table.fields)
    written = _written_json(table) if shape == "json" else _written_csv(table, shape)
    rows = con.execute(
        f"""
        with
        told as (select row_number() over () as row_no, {cells} from {table.name}),

        written as (select row_number() over () as row_no, * from ({written})),

        differing as (
          (from told except all from written)
          union all
          (from written except all from told)
        )

        select distinct row_no from differing order by row_no
        """,
        {"path": str(path)},
    ).fetchall()
    return [row[0] for row in rows]


def _told(field: Field, shape: str) -> str:
    """A cell of the table as a file gives it."""
    if shape == "json" or field.type in _SQL_TYPES:
        return field.name
    text = f"array_to_string({field.name}, ' ')" if field.type == "slugs" else field.name
    text = f"coalesce({text}, '')"
    if shape == "excel.csv":
        return f"if(regexp_matches({text}, '{RUN_AS_FORMULA}'), chr(39) || {text}, {text})"
    return text


def _written_csv(table: Table, shape: str) -> str:
    types = {field.name: _SQL_TYPES.get(field.type, "varchar") for field in table.fields}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    cells = ", ".join(
        f"coalesce({name}, '') as {name}" if kind == "varchar" else name
        for name, kind in types.items()
    )
    newline = r"\r\n" if shape == "excel.csv" else r"\n"
    return f"""
        select {cells}
        from read_csv(
          $path, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
          new_line = '{newline}', parallel = false, columns = {{{columns}}}
        )
    """


def _written_json(table: Table) -> str:
    types = {**_SQL_TYPES, "slugs": "varchar[]"}
    columns = ", ".join(f"'{f.name}': '{types.get(f.type, 'varchar')}'" for f in table.fields)
    return f"from read_json($path, format = 'array', columns = {{{columns}}})"


# --- their keys ------------------------------------------------------------------------------


def key_faults(con: duckdb.DuckDBPyConnection) -> list[Fault]:
    """Keys that repeat, blanks where none may be, and rows that contradict themselves."""
    return [
        Fault("tables", f"{what}: {', '.join(map(str, rows[0]))}")
        for what, rows in violations(con)
        if rows
    ]


def vocabulary_faults(con: duckdb.DuckDBPyConnection) -> list[Fault]:
    """Words outside the closed vocabularies."""
    faults = []
    for table in RELEASE:
        for field in table.fields:
            if field.values:
                allowed = ", ".join(f"'{value}'" for value in field.values)
                query = f"from {table.name} where {field.name} not in ({allowed})"
                found = con.execute(f"select {field.name} {query}").fetchall()
                outside = (f"{field.name} {value!a} is not one of its words" for (value,) in found)
                faults += listed(f"{table.name}.parquet", outside)
    return faults


def references() -> list[tuple[Table, Field, tuple[str, ...]]]:
    """Every field that names rows, with the tables that may hold them."""
    evidence = {
        ("bounds", "low_report_ids"),
        ("bounds", "high_report_ids"),
        ("conflicts", "set_aside_id"),
        ("conflicts", "cycle_ids"),
    }
    return [
        (table, field, (field.refers,) if field.refers else ("reports", "statements"))
        for table in RELEASE
        for field in table.fields
        if field.refers or (table.name, field.name) in evidence
    ]


def reference_faults(con: duckdb.DuckDBPyConnection) -> list[Fault]:
    """References to rows that are not there."""
    faults = []
    for table, field, targets in references():
        named = f"unnest({field.name})" if field.type == "slugs" else field.name
        there = " union all ".join(f"select {released(t).key[0]} from {t}" for t in targets)
        found = con.execute(
            f"""
            select distinct named from (select {named} as named from {table.name})
            where named is not null and named not in ({there})
            order by named
            """
        ).fetchall()
        lost = (f"{field.name} {name!a} is not in {' or '.join(targets)}" for (name,) in found)
        faults += listed(f"{table.name}.parquet", lost)
    return faults
