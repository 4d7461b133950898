"""The two engines that count: DuckDB here, Spark here or on a cluster.

An engine gives three things: the mapped columns of a group of files as an Ibis table, a function
that reads a text as a time, and the rows of a small result. No message of an engine is passed on,
for it may quote the log.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from pipelines.events.logs import LogFile, LogProblem, RefusedLogError, in_batches
from pipelines.events.times import FRACTION, TimeFormat

MEMORY_LIMIT = "3GB"
"""What DuckDB may hold; beyond it, grouping spills to a private directory that is removed."""

_BATCH = 100_000
_LONGEST_LINE = 16 * 1024 * 1024


class Engine(Protocol):
    """What counting needs of an engine."""

    def scan(self, files: Sequence[LogFile], columns: Mapping[str, str]) -> ir.Table:
        """The mapped columns of files of one shape, one a role, and `malformed` (boolean)."""

    def read_time(self, text: ir.StringValue, written: TimeFormat) -> ir.TimestampValue:
        """A text of that format as a time, to the second; null for any other text."""

    def without_fraction(self, text: ir.StringValue) -> ir.StringValue:
        """The text without a fraction of its seconds."""

    def rows(self, question: ir.Table, share: Callable[[float], None]) -> list[tuple[Any, ...]]:
        """The rows of a small result. Raises RefusedLogError where the engine fails."""

    def left_out(self) -> int:
        """How many malformed rows the scans of the last question left out."""


@contextlib.contextmanager
def open_engine(name: str, master: str) -> Iterator[Engine]:
    """`duckdb`, or `spark` at a master: `local[2]`, `spark://HOST:PORT`, `yarn`, `k8s://...`, or
    `sc://HOST:PORT` for a Spark Connect server. Raises RefusedLogError where it cannot start."""
    if name == "spark":
        with _spark_session(master) as session:
            yield SparkEngine(session)
        return
    spill = Path(tempfile.mkdtemp(prefix="facetally-"))
    try:
        yield DuckDBEngine(spill)
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _failure(engine: str, error: Exception) -> RefusedLogError:
    """The engine's failure by the name of its kind only: its message may quote the log."""
    kind = type(error).__name__
    advice = {
        "OutOfMemoryException": "it needs more memory or disk space for temporary files",
        "IOException": "a file could not be read, or the disk is full",
    }
    message = advice.get(kind, "its message is kept back, for it may quote the log")
    return RefusedLogError([LogProblem("--engine", 0, engine, f"stopped ({kind}); {message}")])


# --- DuckDB ----------------------------------------------------------------------------------


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.string), dt.timestamp))
def _try_strptime(text: str, written: str) -> None: ...


class DuckDBEngine:
    """DuckDB in this process, spilling to a private directory."""

    def __init__(self, spill: Path) -> None:
        self._ibis = ibis.duckdb.connect(
            memory_limit=MEMORY_LIMIT,
            temp_directory=str(spill),
            autoinstall_known_extensions=False,
        )
        self._duckdb = self._ibis.con
        self._duckdb.execute(
            "SET TimeZone = 'UTC'; SET enable_progress_bar = true; "
            "SET enable_progress_bar_print = false"
        )
        # The order of the rows does not matter, and keeping it costs memory.
        self._duckdb.execute("SET preserve_insertion_order = false")
        self._tables = 0

    def scan(self, files: Sequence[LogFile], columns: Mapping[str, str]) -> ir.Table:
        first, roles = files[0], list(columns)
        if first.kind == "excel" or first.encoding not in {"utf-8", ""}:
            batches = [b for f in files for b in in_batches(f, columns, _BATCH)]
            name = self._new_name()
            self._duckdb.register(name, pa.concat_tables(batches))
            return self._ibis.table(name)
        # An engine would take these for patterns; find_files has seen to those.
        paths = ", ".join(_quoted(re.sub(r"([\[*?])", r"[\1]", f.path)) for f in files)
        if first.kind == "csv":
            names = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(first.width))
            # The rejected rows' table holds only their number here; it is never read further.
            source = (
                f"read_csv([{paths}], auto_detect = false, header = false, skip = {first.lead}, "
                f"delim = {_quoted(first.delimiter)}, quote = '\"', escape = '\"', "
                f"strict_mode = true, columns = {{{names}}}, "
                f"max_line_size = {_LONGEST_LINE}, store_rejects = true, rejects_limit = 0)"
            )
            found = [f"c{p}" for p in first.positions]
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
        cells = ", ".join(
            f"{_named(column)} AS {role}" for column, role in zip(found, roles, strict=True)
        )
        name = self._new_name()
        self._run(f"CREATE TEMP VIEW {name} AS SELECT {cells}, false AS malformed FROM {source}")
        return self._ibis.table(name)

    def read_time(self, text: ir.StringValue, written: TimeFormat) -> ir.TimestampValue:
        return _try_strptime(text, written.strptime)

    def without_fraction(self, text: ir.StringValue) -> ir.StringValue:
        return text.re_replace(FRACTION, r"\1")

    def rows(self, question: ir.Table, share: Callable[[float], None]) -> list[tuple[Any, ...]]:
        with contextlib.suppress(duckdb.CatalogException):
            self._duckdb.execute("TRUNCATE reject_scans; TRUNCATE reject_errors")
        return self._run(ibis.to_sql(question, dialect="duckdb"), share)

    def left_out(self) -> int:
        try:
            ((count,),) = self._duckdb.execute(
                "SELECT count(*) FROM (SELECT DISTINCT scan_id, file_id, line FROM reject_errors)"
            ).fetchall()
        except duckdb.CatalogException:
            return 0
        return int(count)

    def _new_name(self) -> str:
        self._tables += 1
        return f"log_{self._tables}"

    def _run(
        self, sql: str, share: Callable[[float], None] = lambda _: None
    ) -> list[tuple[Any, ...]]:
        """Run a query in a thread of its own, so that it can be watched and interrupted."""
        found: list[tuple[Any, ...]] = []
        failed: list[Exception] = []

        def work() -> None:
            try:
                found.extend(self._duckdb.execute(sql).fetchall())
            except Exception as error:
                failed.append(error)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            while worker.is_alive():
                worker.join(0.02)
                share(max(0.0, self._duckdb.query_progress() / 100))
        except BaseException:
            while worker.is_alive():
                self._duckdb.interrupt()
                worker.join(0.1)
            raise
        if failed:
            raise _failure("duckdb", failed[0]) from None
        return found


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


# --- Spark -----------------------------------------------------------------------------------


@ibis.udf.scalar.builtin(name="try_to_timestamp", signature=((dt.string, dt.string), dt.timestamp))
def _try_to_timestamp(text: str, written: str) -> None: ...


_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
}
_QUIET = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
}
_ON_ONE_MACHINE = {"spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "16"}


@contextlib.contextmanager
def _spark_session(master: str) -> Iterator[Any]:
    try:
        warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
        from pyspark.sql import SparkSession
    except ImportError:
        raise _unavailable("PySpark is not installed; install facetally[spark]") from None
    local = master.startswith("local")
    if local and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise _unavailable("Spark needs Java 17 or later; install it, or set JAVA_HOME")
    builder = SparkSession.builder.appName("facetally import-log")
    if master.startswith("sc://"):
        builder = builder.remote(master)
    else:
        builder = builder.master(master)
        for name, value in {**_QUIET, **(_ON_ONE_MACHINE if local else {})}.items():
            builder = builder.config(name, value)
    running = SparkSession.getActiveSession()
    try:
        session = running or builder.getOrCreate()
        for name, value in _SETTINGS.items():
            session.conf.set(name, value)
    except Exception as error:
        raise _unavailable(f"cannot start at {master} ({type(error).__name__})") from None
    try:
        yield session
    finally:
        if running is None:
            session.stop()


def _unavailable(message: str) -> RefusedLogError:
    return RefusedLogError([LogProblem("--engine", 0, "spark", message)])


class SparkEngine:
    """A Spark session: local, on a cluster, or behind Spark Connect."""

    def __init__(self, session: Any) -> None:
        self._session = session
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            self._ibis = ibis.pyspark.connect(session)
        self._tables = 0

    def scan(self, files: Sequence[LogFile], columns: Mapping[str, str]) -> ir.Table:
        try:
            frame = self._frame(files, columns)
            self._tables += 1
            name = f"facetally_log_{self._tables}"
            frame.createOrReplaceTempView(name)
            # Ibis does not tell Spark's moments from its local times; the file's schema does.
            moments = [
                role
                for role, kind in zip(columns, files[0].types, strict=False)
                if kind.startswith("timestamp") and "tz=" in kind
            ]
            return self._ibis.table(name).cast(dict.fromkeys(moments, dt.Timestamp("UTC")))
        except RefusedLogError:
            raise
        except Exception as error:
            raise _failure("spark", error) from None

    def _frame(self, files: Sequence[LogFile], columns: Mapping[str, str]) -> Any:
        from pyspark.sql import functions as sf

        first = files[0]
        paths = [_spark_path(f.path) for f in files]
        # Spark cannot skip lines, so a header that is not the first line is read here.
        if first.kind == "excel" or first.encoding not in {"utf-8", ""} or first.lead > 1:
            batches = [b for f in files for b in in_batches(f, columns, _BATCH)]
            return self._session.createDataFrame(pa.concat_tables(batches))
        if first.kind == "csv":
            names = ", ".join(f"c{i} STRING" for i in range(first.width))
            frame = self._session.read.csv(
                paths,
                schema=f"{names}, broken STRING",
                sep=first.delimiter,
                header=True,
                quote='"',
                escape='"',
                multiLine=True,
                mode="PERMISSIVE",
                columnNameOfCorruptRecord="broken",
                maxCharsPerColumn=-1,
            )
            found = [frame[f"c{p}"] for p in first.positions]
            malformed = frame["broken"].isNotNull()
        elif first.kind == "jsonl":
            names = ", ".join(f"`{_ticked(n)}` STRING" for n in dict.fromkeys(columns.values()))
            frame = self._session.read.schema(names).json(paths, mode="PERMISSIVE")
            found = [frame[f"`{_ticked(n)}`"] for n in columns.values()]
            malformed = sf.lit(False)
        else:
            frame = self._session.read.parquet(*paths)
            found = [
                _from_nanoseconds(frame[f"`{_ticked(n)}`"], kind)
                for n, kind in zip(columns.values(), first.types, strict=True)
            ]
            malformed = sf.lit(False)
        cells = [c.alias(role) for c, role in zip(found, columns, strict=True)]
        return frame.select(*cells, malformed.alias("malformed"))

    def read_time(self, text: ir.StringValue, written: TimeFormat) -> ir.TimestampValue:
        single = text.re_replace(" +", " ")
        return ibis.ifelse(
            text.re_search(written.regex), _try_to_timestamp(single, written.java), ibis.null()
        )

    def without_fraction(self, text: ir.StringValue) -> ir.StringValue:
        return text.re_replace(FRACTION, "$1")

    def rows(self, question: ir.Table, share: Callable[[float], None]) -> list[tuple[Any, ...]]:
        sql = ibis.to_sql(question, dialect="pyspark")
        try:
            return [tuple(row) for row in self._session.sql(sql).collect()]
        except Exception as error:
            raise _failure("spark", error) from None

    def left_out(self) -> int:
        return 0


def _spark_path(path: str) -> str:
    if "://" in path:
        return path.replace("s3://", "s3a://", 1)
    return "file://" + re.sub(r"([\[\]{}*?\\])", r"\\\1", str(Path(path).resolve()))


def _ticked(name: str) -> str:
    return name.replace("`", "``")


def _from_nanoseconds(column: Any, kind: str) -> Any:
    """Spark reads timestamps in nanoseconds as numbers only."""
    from pyspark.sql import functions as sf

    if not kind.startswith("timestamp[ns"):
        return column
    moment = sf.timestamp_micros((column / 1000).cast("bigint"))
    return moment if "tz=" in kind else moment.cast("timestamp_ntz")
