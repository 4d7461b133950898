"""The two engines that count: DuckDB here, Spark here or on a cluster.

An engine gives three things: the mapped columns of a group of files as an Ibis table, a function
that reads a text as a time, and the rows of a small result. No message of an engine is passed on,
for it may quote the log.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import ibis.expr.types as ir

from pipelines.events.logs import LogFile, LogProblem, RefusedLogError
from pipelines.events.times import TimeFormat


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
        from pipelines.events.on_spark import SparkEngine, spark_session

        with spark_session(master) as session:
            yield SparkEngine(session)
        return
    from pipelines.events.on_duckdb import DuckDBEngine

    # Named before it is there, so that no interrupt finds it without a name to remove it by.
    spill = Path(tempfile.gettempdir()) / f"facetally-{secrets.token_hex(8)}"
    try:
        spill.mkdir(mode=0o700)
        yield DuckDBEngine(spill)
    finally:
        shutil.rmtree(spill, ignore_errors=True)


WATCHED_EVERY = 0.1
"""Seconds between looks at how far an engine is; each costs it about a millisecond."""


def watched(
    engine: str,
    work: Callable[[], list[tuple[Any, ...]]],
    watch: Callable[[], None],
    stop: Callable[[], object],
) -> list[tuple[Any, ...]]:
    """Work in a thread of its own, watched from here, and stopped when this is interrupted.

    Raises RefusedLogError where the work fails.
    """
    found: list[tuple[Any, ...]] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            found.extend(work())
        except Exception as error:
            failed.append(error)
        finally:
            done.set()

    # An event, since an interrupted Thread.join may take the thread for ended.
    done = threading.Event()
    worker = threading.Thread(target=run, daemon=True)
    try:
        worker.start()
        while not done.wait(WATCHED_EVERY):
            watch()
    except BaseException:
        while worker.ident is not None and not done.is_set():
            stop()
            done.wait(0.1)
        raise
    if failed:
        raise failure(engine, failed[0]) from None
    return found


def failure(engine: str, error: Exception) -> RefusedLogError:
    """The engine's failure by the name of its kind only: its message may quote the log."""
    kind = type(error).__name__
    advice = {
        "OutOfMemoryException": "it needs more memory or disk space for temporary files",
        "IOException": "a file could not be read, or the disk is full",
    }
    message = advice.get(kind, "its message is kept back, for it may quote the log")
    return RefusedLogError([LogProblem("--engine", 0, engine, f"stopped ({kind}); {message}")])
