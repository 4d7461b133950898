"""Counting on DuckDB, in this process."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.formats.pyarrow import PyArrowType

from pipelines.events.engines import watched
from pipelines.events.logs import LogFile, in_batches
from pipelines.events.times import FRACTION, TimeFormat

MEMORY_LIMIT = "3GB"
"""What DuckDB may hold; beyond it, grouping spills to a private directory that is removed."""

_BATCH = 100_000

_CACHED = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
"""A log of so many bytes is taken to lie in the system's cache still, read for its fingerprint:
threads that read ahead of the counting cost a tenth of its time there, and save a third elsewhere.
"""
_READING_AHEAD = 8


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.string), dt.timestamp))
def _try_strptime(text: str, written: str) -> None: ...


class DuckDBEngine:
    """DuckDB in this process, spilling to a private directory."""

    def __init__(self, spill: Path) -> None:
        # Opening takes as long as counting three million rows; the question is written meanwhile.
        pool = ThreadPoolExecutor(1)
        self._opening = pool.submit(_connected, spill)
        pool.shutdown(wait=False)
        self._scans: dict[str, str] = {}
        self._bytes = 0
        # Whether DuckDB's tables of rejected rows are wanted, and are there.
        self._keeps_rejects = self._has_rejects = False

    @property
    def _duckdb(self) -> duckdb.DuckDBPyConnection:
        return self._opening.result()

    def scan(self, files: Sequence[LogFile], columns: Mapping[str, str]) -> ir.Table:
        first, roles = files[0], list(columns)
        self._bytes += sum(f.size for f in files)
        if self._bytes > _CACHED or any("://" in f.path for f in files):
            self._duckdb.execute(f"SET async_threads = {_READING_AHEAD}")
        name = f"log_{len(self._scans)}"
        kinds = dict.fromkeys(roles, dt.string) | {"malformed": dt.boolean}
        if first.kind == "excel" or first.encoding not in {"utf-8", ""}:
            batches = [b for f in files for b in in_batches(f, columns, _BATCH)]
            self._duckdb.register(f"{name}_rows", pa.concat_tables(batches))
            self._scans[name] = f"FROM {name}_rows"
            return ibis.table(kinds, name)
        # An engine would take these for patterns; find_files has seen to those.
        paths = ", ".join(_quoted(re.sub(r"([\[*?])", r"[\1]", f.path)) for f in files)
        if first.kind == "csv":
            names = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(first.width))
            # Of the rejected rows nothing but their number is read.
            source = (
                f"read_csv([{paths}], auto_detect = false, header = false, skip = {first.lead}, "
                f"delim = {_quoted(first.delimiter)}, quote = '\"', escape = '\"', "
                f"strict_mode = true, columns = {{{names}}}, "
                "store_rejects = true, rejects_limit = 0)"
            )
            found = [f"c{p}" for p in first.positions]
            self._keeps_rejects = True
        elif first.kind == "jsonl":
            names = ", ".join(f"{_quoted(n)}: 'VARCHAR'" for n in dict.fromkeys(columns.values()))
            source = (
                f"read_json([{paths}], format = 'newline_delimited', ignore_errors = true, "
                f"columns = {{{names}}})"
            )
            found = list(columns.values())
        else:
            source = f"read_parquet([{paths}])"
            found = list(columns.values())
            kinds |= zip(roles, map(_kind, first.types), strict=True)
        cells = ", ".join(
            f"{_named(column)} AS {role}" for column, role in zip(found, roles, strict=True)
        )
        self._scans[name] = f"SELECT {cells}, false AS malformed FROM {source}"
        # Unbound: Ibis needs no connection of its own to write SQL, and is quicker without.
        return ibis.table(kinds, name)

    def read_time(self, text: ir.StringValue, written: TimeFormat) -> ir.TimestampValue:
        return _try_strptime(text, written.strptime)

    def without_fraction(self, text: ir.StringValue) -> ir.StringValue:
        return text.re_replace(FRACTION, r"\1")

    def rows(self, question: ir.Table, share: Callable[[float], None]) -> list[tuple[Any, ...]]:
        if self._has_rejects:
            self._duckdb.execute("TRUNCATE reject_scans; TRUNCATE reject_errors")
        found = self._run(
            self._with_scans(DuckDBCompiler().to_sqlglot(question).sql("duckdb")), share
        )
        self._has_rejects = self._keeps_rejects
        return found

    def _with_scans(self, sql: str) -> str:
        """With the scans as parts of the query: looked at once, where views would be thrice."""
        scans = ", ".join(f"{name} AS ({scan})" for name, scan in self._scans.items())
        return f"WITH {scans}" + (f", {sql[5:]}" if sql.startswith("WITH ") else f" {sql}")

    def left_out(self) -> int:
        if not self._has_rejects:
            return 0
        ((count,),) = self._duckdb.execute(
            "SELECT count(*) FROM (SELECT DISTINCT scan_id, file_id, line FROM reject_errors)"
        ).fetchall()
        return int(count)

    def _run(self, sql: str, share: Callable[[float], None]) -> list[tuple[Any, ...]]:
        return watched(
            "duckdb",
            lambda: self._duckdb.execute(sql).fetchall(),
            lambda: share(max(0.0, self._duckdb.query_progress() / 100)),
            self._duckdb.interrupt,
        )


def _connected(spill: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            # The order of the rows does not matter, and keeping it costs memory.
            "preserve_insertion_order": False,
            "async_threads": 0,  # see _CACHED
        }
    )
    connection.execute(
        "SET TimeZone = 'UTC'; SET enable_progress_bar = true; "
        "SET enable_progress_bar_print = false"
    )
    return connection


def _kind(arrow: pa.DataType) -> dt.DataType:
    """What Ibis calls it. Keys may be of kinds that it has no name for."""
    try:
        return PyArrowType.to_ibis(arrow)
    except KeyError:
        return dt.unknown


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
