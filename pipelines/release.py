"""Building a release: ledger -> tables -> bounds -> gaps -> files, whole or not at all.

A release is written beside the live ones, synced and renamed into place, and only then does
`latest` point to it: whatever goes wrong before leaves the last release served.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import registers
from pipelines.bounds import Evidence, numbered, read_evidence, solve_evidence
from pipelines.carried import carried_rows, find_last_release, in_order, unchanged_series
from pipelines.changes import compare
from pipelines.changes_text import write_changes
from pipelines.conflicts import describe_conflicts
from pipelines.coverage import measure_coverage
from pipelines.datapackage import describe_files
from pipelines.dataset import write_other_shapes
from pipelines.duties import duty_table, owed_periods
from pipelines.editions import read_release
from pipelines.fields import BOUNDS, CONFLICTS, LEDGER_FILES, RELEASE, Table, arrow_schema, released
from pipelines.gaps import measure_gaps
from pipelines.ledger import Ledger, Problem, read_ledger
from pipelines.proofs import Proofs, Series
from pipelines.sanity import check_tables
from pipelines.verify import verify_files

SQL = Path(__file__).parent / "sql"
FIRST = tuple(
    released(name) for name in ("bounds", *(t.name for t in LEDGER_FILES), "series", "conflicts")
)
"""Tables that do not depend on gaps."""
ROW_GROUP = 122_880
MOST_NEWS = 20_000
"""Rows of a table, and bounds, that the news of a release lists at most."""


class BrokenLedgerError(Exception):
    """The ledger has problems; ``problems`` lists them all."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems in the ledger")
        self.problems = problems


@dataclass(frozen=True)
class Progress:
    """Told what a build is doing: ``step`` when one begins, ``share`` of it from 0 to 1."""

    step: Callable[[str], None] = lambda _: None
    share: Callable[[float], None] = lambda _: None


def build(ledger_dir: Path, out: Path, as_of: date, progress: Progress | None = None) -> Path:
    """Build the release of a ledger as known on a day; returns its directory.

    The same ledger and day give the same bytes. Where that release is there already, whole, only
    ``out/latest`` is set. Raises BrokenLedgerError, before anything is written, and OSError.
    """
    progress = progress or Progress()
    progress.step("Reading the ledger")
    ledger, problems = read_ledger(ledger_dir)
    if problems:
        raise BrokenLedgerError(problems)
    ledger_sha256 = ledger.sha256
    version = f"{as_of.isoformat()}-{ledger_sha256[:12]}"
    out.mkdir(parents=True, exist_ok=True)
    with _only_build_in(out):
        home = out / version
        if not is_release_of_this_method(home) or verify_files(home):
            with _staged(out, home) as stage:
                last = find_last_release(out, method_fingerprint())
                con = connect(ledger)
                del ledger  # a million reports twice in memory would be half a gigabyte
                _write_tables(con, as_of, stage, progress, last)
                progress.step("Describing the release")
                describe_files(stage, version, as_of, ledger_sha256, method_fingerprint())
                progress.step("Comparing with the release before")
                _tell_changes(stage, out, version)
        _point_latest(out, version)
    return home


def _tell_changes(stage: Path, out: Path, version: str) -> None:
    """Write what changed since the release before.

    These two files depend on what was released before, not on the ledger and the day alone. They
    are news about the release, so `datapackage.json` does not list them and no hash covers them.
    """
    before = _release_before(out, version)
    changes = before and compare(read_release(before), read_release(stage, version), MOST_NEWS)
    write_changes(stage, changes or None, version)


def _release_before(out: Path, version: str) -> Path | None:
    """The release that was the latest when this version was first built."""
    try:
        name = json.loads((out / version / "changes.json").read_text())["before"]["name"]
    except (OSError, ValueError, LookupError, TypeError):
        latest = (out / "latest").resolve()
        name = latest.name if latest.parent == out.resolve() else ""
    known = name and name != version and not verify_files(out / name)
    return out / name if known else None


@cache
def method_fingerprint() -> str:
    """A fingerprint of the code that turns a ledger into a release, as it was when first asked:
    what runs is what was loaded, whatever has become of the files since."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in {".py", ".sql"}:
            digest.update(path.name.encode() + path.read_bytes())
    digest.update(registers.fingerprint_bytes())
    return digest.hexdigest()


def is_release_of_this_method(home: Path) -> bool:
    """Whether a complete release is there that today's code built."""
    try:
        package = json.loads((home / "datapackage.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(package.get("facetally", {}).get("method_sha256") == method_fingerprint())


# --- the tables ------------------------------------------------------------------------------


def _write_tables(
    con: duckdb.DuckDBPyConnection, as_of: date, stage: Path, progress: Progress, last: Path | None
) -> None:
    """Write every table; what is finished is written while gaps are measured."""
    evidence, series = _derive_bounds(con, as_of, stage, progress, last)
    writer = ThreadPoolExecutor(1)
    try:
        finished = {table: writer.submit(_write, con.cursor(), table, stage) for table in FIRST}
        _measure_gaps(con, evidence, series, as_of, progress)
        progress.step("Measuring coverage")
        measure_coverage(con, as_of)
        for table in RELEASE:
            if table not in finished:
                finished[table] = writer.submit(_write, con.cursor(), table, stage)
        progress.step("Checking the tables")
        check_tables(con)
        progress.step("Writing the tables")
        for written in finished.values():
            written.result()
    finally:
        writer.shutdown(cancel_futures=True)
    con.close()


def derive_tables(ledger: Ledger, as_of: date, stage: Path) -> duckdb.DuckDBPyConnection:
    """All tables of a release but those of coverage, in a database; `bounds` reads
    ``stage``/bounds.parquet, which is written there."""
    con, progress = connect(ledger), Progress()
    evidence, series = _derive_bounds(con, as_of, stage, progress, None)
    _measure_gaps(con, evidence, series, as_of, progress)
    return con


def _derive_bounds(
    con: duckdb.DuckDBPyConnection, as_of: date, stage: Path, progress: Progress, last: Path | None
) -> tuple[Evidence, list[Series]]:
    """Create the tables FIRST from the ledger's; returns the evidence and the series it is about.
    Answers of unchanged series are taken from the ``last`` release."""
    progress.step("Reading reports and statements")
    for table in LEDGER_FILES:
        _create(con, table.name, as_of)
    for name in ("numbered_series", "denials", "evidence", "refusals", "series"):
        _create(con, name, as_of)
    evidence = read_evidence(con)
    series = con.execute(
        "select agency_id, system_id, metric from numbered_series order by series_no"
    ).fetchall()
    progress.step("Solving bounds")
    found, standing = _write_bounds(con, evidence, last, stage, progress)
    progress.step("Explaining conflicts")
    _register(con, "conflicts", describe_conflicts(con, found, standing, series))
    return evidence, series


def read_reports(ledger: Ledger, as_of: date) -> pl.DataFrame:
    """The intervals of the reports known on a day: report_id, low and high (null: no bound)."""
    con = connect(ledger)
    _create(con, "reports", as_of)
    return con.sql("select report_id, low, high from reports").pl()


def connect(ledger: Ledger) -> duckdb.DuckDBPyConnection:
    """An in-memory database that holds the ledger as tables `ledger_NAME`, and the macros."""
    con = duckdb.connect(":memory:")
    con.execute("set timezone = 'UTC'")
    con.execute((SQL / "macros.sql").read_text())
    for table in LEDGER_FILES:
        con.register(f"given_{table.name}", ledger[table.name].to_arrow())
        con.execute(f"create table ledger_{table.name} as from given_{table.name}")
        con.unregister(f"given_{table.name}")
    return con


def _create(con: duckdb.DuckDBPyConnection, name: str, as_of: date) -> None:
    """Create the table that sql/NAME.sql selects."""
    query = (SQL / f"{name}.sql").read_text()
    parameters = {"as_of": as_of} if "$as_of" in query else {}
    con.execute(f"create table {name} as {query}", parameters)


def _register(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    con.register("given", table)
    con.execute(f"create table {name} as from given")
    con.unregister("given")


def _write_bounds(
    con: duckdb.DuckDBPyConnection,
    evidence: Evidence,
    last: Path | None,
    stage: Path,
    progress: Progress,
) -> tuple[pa.Table, pa.Table]:
    """Write `bounds`: changed series are solved, the others' rows taken from the ``last`` release.

    Returns the conflicts that solving found, and those of the last release that still stand.
    """
    query = (SQL / "bounds.sql").read_text()
    schema = arrow_schema(BOUNDS)
    path = stage / "bounds.parquet"
    changed = np.arange(evidence.series)
    conflicts: list[pa.Table] = []
    carried: list[Iterator[pa.Table]] = []
    standing = arrow_schema(CONFLICTS).empty_table()
    if last:
        unchanged = unchanged_series(con, last)
        changed = np.setdiff1d(changed, unchanged["series_no"].to_numpy())
        carried = [carried_rows(last, "bounds", unchanged)]
        standing = pa.concat_tables(
            [
                standing,
                *(
                    rows.select(standing.column_names)
                    for rows in carried_rows(last, "conflicts", unchanged)
                ),
            ]
        )

    def solved() -> Iterator[pa.Table]:
        asked = evidence if len(changed) == evidence.series else evidence.of(changed)
        for answers, found in solve_evidence(asked, progress.share):
            con.register("answers", numbered(answers, changed))
            yield con.sql(query).to_arrow_table()
            con.unregister("answers")
            conflicts.append(numbered(found, changed))

    with _parquet_writer(path, schema) as write:
        for rows in in_order(solved(), *carried):
            write(rows)
    con.execute(f"create view bounds as from read_parquet('{_quoted(path)}')")
    return pa.concat_tables(conflicts) if conflicts else _no_conflicts(), standing


def _no_conflicts() -> pa.Table:
    return pa.table(
        {
            "set_aside_id": pa.array([], pa.string()),
            "cycle_ids": pa.array([], pa.list_(pa.string())),
        }
    )


def _measure_gaps(
    con: duckdb.DuckDBPyConnection,
    evidence: Evidence,
    series: list[Series],
    as_of: date,
    progress: Progress,
) -> None:
    progress.step("Measuring gaps")
    _create(con, "window_states", as_of)
    _create(con, "disclosures", as_of)
    owed = owed_periods(con, as_of)
    _register(con, "duty_periods", duty_table(owed, as_of))
    gaps, history = measure_gaps(con, Proofs(evidence, series), owed, as_of)
    _register(con, "gaps", gaps)
    _register(con, "gap_history", history)
    for name in ("gap_trend", "agency_disclosure"):
        _create(con, name, as_of)


# --- the files -------------------------------------------------------------------------------


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@contextmanager
def _parquet_writer(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Write tables as row groups of ROW_GROUP rows, whatever the size of the tables."""
    waiting: list[pa.Table] = []
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def write(table: pa.Table) -> None:
            nonlocal rows, waiting
            waiting.append(table.select(schema.names).cast(schema))
            rows += table.num_rows
            if rows >= ROW_GROUP:
                joined = pa.concat_tables(waiting)
                full = rows // ROW_GROUP * ROW_GROUP
                writer.write_table(joined.slice(0, full).combine_chunks(), row_group_size=ROW_GROUP)
                waiting = [joined.slice(full)]
                rows -= full

        yield write
        rest = pa.concat_tables(waiting) if waiting else schema.empty_table()
        if rows or not waiting:
            writer.write_table(rest.combine_chunks())


def _write(con: duckdb.DuckDBPyConnection, table: Table, stage: Path) -> None:
    """Write every shape of a table; `bounds` is in Parquet already."""
    if table is not BOUNDS:
        _write_parquet(con, table, stage)
    write_csv(con, table, stage)
    con.close()
    write_other_shapes(stage, table)


def _write_parquet(con: duckdb.DuckDBPyConnection, table: Table, stage: Path) -> None:
    order = ", ".join(table.key)
    schema = arrow_schema(table)
    with _parquet_writer(stage / f"{table.name}.parquet", schema) as write:
        reader = con.sql(f"from {table.name} order by {order}").to_arrow_reader(ROW_GROUP)
        for batch in reader:
            write(pa.Table.from_batches([batch]))


def write_csv(con: duckdb.DuckDBPyConnection, table: Table, stage: Path) -> None:
    """The same rows for spreadsheets; a list is its items with spaces between."""
    columns = ", ".join(
        f"array_to_string({f.name}, ' ') as {f.name}" if f.type == "slugs" else f.name
        for f in table.fields
    )
    source, target = (_quoted(stage / f"{table.name}.{kind}") for kind in ("parquet", "csv"))
    con.execute(
        f"copy (select {columns} from read_parquet('{source}')) to '{target}' "
        "(format csv, header true)"
    )


@contextmanager
def _only_build_in(out: Path) -> Iterator[None]:
    """Hold the directory's lock, so that two builds at once take turns."""
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in out.glob(".building-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextmanager
def _staged(out: Path, home: Path) -> Iterator[Path]:
    """A directory that becomes ``home`` when all went well and vanishes otherwise."""
    stage = Path(tempfile.mkdtemp(prefix=".building-", dir=out))
    try:
        stage.chmod(0o755)
        yield stage
        for path in stage.iterdir():
            _sync(path)
        _sync(stage)
        _put_in_place(stage, home)
        _sync(out)
    except BaseException as error:
        shutil.rmtree(stage, ignore_errors=True)
        if isinstance(error, (duckdb.IOException, pl.exceptions.ComputeError, pa.ArrowIOError)):
            raise OSError(str(error)) from error  # a full disk, as each library says it
        raise


def _put_in_place(stage: Path, home: Path) -> None:
    """Give the new directory its name. Where one of that name was built by earlier code they are
    exchanged in one step, so that whoever serves it finds the one or the other."""
    old = stage.with_name(f"{stage.name}-old")
    if home.exists():
        if _exchange(stage, home):
            stage.rename(old)
        else:
            home.rename(old)
            stage.rename(home)
        shutil.rmtree(old, ignore_errors=True)
    else:
        stage.rename(home)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names (renameat2, Linux); False where system or file system cannot."""
    at_fdcwd, rename_exchange = -100, 2
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(renameat2(at_fdcwd, names[0], at_fdcwd, names[1], rename_exchange) == 0)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _point_latest(out: Path, version: str) -> None:
    latest = out / "latest"
    if latest.is_symlink() and latest.readlink() == Path(version):
        return
    fresh = out / ".latest-new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(version)
    fresh.replace(latest)
    _sync(out)
