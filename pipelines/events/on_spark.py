"""Counting on Spark: local, on a cluster, or behind Spark Connect."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from pipelines.events.engines import failure, watched
from pipelines.events.logs import LogFile, LogProblem, RefusedLogError, in_batches
from pipelines.events.times import FRACTION, TimeFormat

_BATCH = 100_000


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
_PORTS = {"sc": 15002, "spark": 7077}
_ON_ONE_MACHINE = {"spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "16"}


@contextlib.contextmanager
def spark_session(master: str) -> Iterator[Any]:
    try:
        warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
        from pyspark.sql import SparkSession
    except ImportError:
        raise _unavailable("PySpark is not installed; install facetally[spark]") from None
    local = master.startswith("local")
    if local and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise _unavailable("Spark needs Java 17 or later; install it, or set JAVA_HOME")
    _refuse_unreachable(master)
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


def _refuse_unreachable(master: str) -> None:
    """Refuse a server that does not answer: Spark itself would try for many minutes."""
    server = re.match(r"(sc|spark)://\[?([^/;,\]]+?)\]?(?::(\d+))?(?:[/;]|$)", master)
    if not server:
        return
    scheme, host, port = server.groups()
    try:
        socket.create_connection((host, int(port or _PORTS[scheme])), timeout=10).close()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _unavailable(f"no server answers at {master} ({reason})") from None


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
                if pa.types.is_timestamp(kind) and kind.tz
            ]
            return self._ibis.table(name).cast(dict.fromkeys(moments, dt.Timestamp("UTC")))
        except RefusedLogError:
            raise
        except Exception as error:
            raise failure("spark", error) from None

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
        single = text.re_replace(r"\s+", " ").strip()
        return ibis.ifelse(
            text.re_search(written.regex), _try_to_timestamp(single, written.java), ibis.null()
        )

    def without_fraction(self, text: ir.StringValue) -> ir.StringValue:
        return text.re_replace(FRACTION, "$1")

    def rows(self, question: ir.Table, share: Callable[[float], None]) -> list[tuple[Any, ...]]:
        sql = ibis.to_sql(question, dialect="pyspark")
        return watched(
            "spark",
            lambda: [tuple(row) for row in self._session.sql(sql).collect()],
            lambda: share(self._share_done()),
            self._session.interruptAll,
        )

    def _share_done(self) -> float:
        """The share of tasks done in the running stages; Spark Connect does not tell."""
        try:
            tracker = self._session.sparkContext.statusTracker()
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        except Exception:
            return 0.0
        tasks = sum(stage.numTasks for stage in stages if stage)
        return sum(stage.numCompletedTasks for stage in stages if stage) / max(1, tasks)

    def left_out(self) -> int:
        return 0


def _spark_path(path: str) -> str:
    if "://" in path:
        return path.replace("s3://", "s3a://", 1)
    return "file://" + re.sub(r"([\[\]{}*?\\])", r"\\\1", str(Path(path).resolve()))


def _ticked(name: str) -> str:
    return name.replace("`", "``")


def _from_nanoseconds(column: Any, kind: pa.DataType) -> Any:
    """Spark reads timestamps in nanoseconds as numbers only."""
    from pyspark.sql import functions as sf

    if not pa.types.is_timestamp(kind) or kind.unit != "ns":
        return column
    moment = sf.timestamp_micros((column / 1000).cast("bigint"))
    return moment if kind.tz else moment.cast("timestamp_ntz")
