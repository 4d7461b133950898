"""How fast search logs are counted, against plain DuckDB SQL, polars, pandas and Spark.

    .venv/bin/python -m benchmarks.events --parquet 10 100 200 --csv 20 --home /var/tmp

makes synthetic logs of so many million rows (kept in --home for the next run) and counts them,
each time in a process of its own: wall time and processor time without the start of Python, and
the peak of resident memory with it. Runs take turns, the middle one of --times counts (on a shared
machine the best is a matter of luck), and every answer is compared with that of plain SQL. Prints a
Markdown table.

Questions: `days` (rows by day), `local` (the times are UTC, the days America/Chicago's), `keyed`
(rows with the same key once).
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

ZONE = "America/Chicago"
MEMORY = "3GB"
Answer = dict[str, int]
"""Searches by day."""


@dataclass(frozen=True)
class Run:
    seconds: float
    processor: float
    peak: int
    answer: Answer


def write_log(path: Path, millions: float) -> None:
    """A log of four years: an id (one row in a thousand repeats one), a time, an officer, a
    reason; all of them made up, in no order of time."""
    import duckdb

    rows = int(millions * 1_000_000)
    kind = "(FORMAT parquet)" if path.suffix == ".parquet" else "(FORMAT csv, HEADER)"
    part = path.with_suffix(".part")
    con = duckdb.connect(config={"memory_limit": MEMORY})
    con.execute("SET preserve_insertion_order = false")
    con.execute(
        f"""COPY (
            SELECT
                CASE WHEN i % 1000 = 999 THEN i - 1 ELSE i END AS event_id,
                TIMESTAMP '2021-01-01' + to_seconds(
                    hash(CASE WHEN i % 1000 = 999 THEN i - 1 ELSE i END) % (4 * 365 * 86400)
                ) AS searched_at,
                'officer ' || (hash(i * 7) % 5000) AS officer,
                'case ' || (hash(i * 13) % 1000000) || ', theft' AS reason
            FROM range({rows}) AS made(i)
        ) TO '{part}' {kind}"""
    )
    part.rename(path)


# --- the contestants: (file, question) -> searches by day -------------------------------------


def plain_sql(path: Path, question: str) -> Answer:
    import duckdb

    con = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": tempfile.mkdtemp()})
    con.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    day = {
        "days": "searched_at::DATE",
        "keyed": "searched_at::DATE",
        "local": f"timezone('{ZONE}', timezone('UTC', searched_at))::DATE",
    }[question]
    log, rows = f"'{path}'", "count(*)"
    if question == "keyed":
        # How many rows were repeats is part of the answer.
        first = "min(searched_at) AS searched_at, count(*) AS rows"
        log, rows = f"(SELECT {first} FROM {log} GROUP BY event_id)", "sum(rows)"
    question = f"SELECT {day} AS day, count(*), {rows} FROM {log} GROUP BY day"
    return {str(day): count for day, count, _ in con.execute(question).fetchall()}


def facetally(path: Path, question: str, engine: str = "duckdb") -> Answer:
    """The importer's counting: the Ibis expression and the turning of times into days."""
    from pipelines.events import count
    from pipelines.events.logs import LogFile
    from pipelines.release import Progress

    request = _request(path, question, engine)
    file = _opened(path, request.scanned)
    assert isinstance(file, LogFile)
    found = count(request, [file], Progress())
    return {str(day): searches for (_, day), searches in found.searches.items()}


def on_spark(path: Path, question: str) -> Answer:
    return facetally(path, question, "spark")


def whole_import(path: Path, question: str) -> Answer:
    """`import-log` from the log to the ledger: fingerprint, counting, checks, rename."""
    from pipelines.events import import_log
    from pipelines.release import Progress

    ledger = _small_ledger(Path(tempfile.mkdtemp()))
    import_log(ledger, _request(path, question, "duckdb"), Progress())
    rows = [line.split(",") for line in (ledger / "reports.csv").read_text().splitlines()[1:]]
    return {row[5]: int(row[7]) for row in rows}


def polars_streaming(path: Path, question: str) -> Answer:
    import polars as pl

    if path.suffix == ".parquet":
        log = pl.scan_parquet(path)
    else:
        log = pl.scan_csv(path, try_parse_dates=True)
    if question == "keyed":
        log = log.group_by("event_id").agg(pl.col("searched_at").min())
    when = pl.col("searched_at")
    if question == "local":
        when = when.dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE)
    counted = log.group_by(when.dt.date().alias("day")).len().collect(engine="streaming")
    return {str(day): count for day, count in counted.iter_rows()}


def pandas_in_memory(path: Path, question: str) -> Answer:
    import pandas as pd

    columns = ["event_id", "searched_at"] if question == "keyed" else ["searched_at"]
    if path.suffix == ".parquet":
        log = pd.read_parquet(path, columns=columns)
    else:
        log = pd.read_csv(path, usecols=columns, parse_dates=["searched_at"])
    when = log["searched_at"]
    if question == "keyed":
        when = log.groupby("event_id")["searched_at"].min()
    if question == "local":
        when = when.dt.tz_localize("UTC").dt.tz_convert(ZONE).dt.tz_localize(None)
    counted = when.dt.floor("D").value_counts()
    return {str(day)[:10]: int(n) for day, n in counted.items()}


CONTESTANTS: dict[str, Callable[[Path, str], Answer]] = {
    "plain SQL": plain_sql,
    "Facetally": facetally,
    "import-log": whole_import,
    "polars": polars_streaming,
    "pandas": pandas_in_memory,
    "Spark": on_spark,
}
MOST_MEMORY, MOST_SECONDS = 10 * 2**30, 600


def _request(path: Path, question: str, engine: str) -> object:
    from pipelines.events import Clock, LogImport

    keyed = ["key=event_id"] if question == "keyed" else []
    local = Clock(written_in="UTC", days_in=ZONE) if question == "local" else Clock()
    return LogImport(
        files=[str(path)],
        mapped=["searched_at=searched_at", *keyed],
        source_id="log",
        agency_id="agency",
        system_id="system",
        clock=local,
        engine=engine,
    )


def _opened(path: Path, columns: dict[str, str]) -> object:
    """The log opened without its fingerprint, which is no part of counting."""
    from pipelines.events import logs

    kind = logs._KINDS[path.suffix]
    plain = logs.LogFile(str(path), kind, "", path.stat().st_size)
    return logs._LOCATE[kind](plain, columns, "")


def _small_ledger(home: Path) -> Path:
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from small_ledger import source, write_ledger

    return write_ledger(
        home,
        sources=[source("log", "2026-01-01")],
        agencies=[{"agency_id": "agency", "name": "A", "country": "US", "level": "local"}],
        systems=[{"system_id": "system", "name": "S"}],
    )


# --- measuring -------------------------------------------------------------------------------


def _start(contestant: str) -> None:
    """What is not counted: the import of libraries."""
    if contestant in {"Facetally", "import-log", "Spark"}:
        import pipelines.events.on_duckdb
        import pipelines.release  # noqa: F401
    else:
        import_module("duckdb" if contestant == "plain SQL" else contestant)
    # Nor that the collector looks through what was imported while a contestant counts.
    gc.collect()
    gc.freeze()


def run_here(contestant: str, question: str, path: Path) -> None:
    """In a process of its own: count, and print what it took."""
    _start(contestant)
    start, used = time.perf_counter(), time.process_time()
    answer = CONTESTANTS[contestant](path, question)
    took = time.perf_counter() - start, time.process_time() - used
    print(json.dumps({"seconds": took[0], "processor": took[1], "answer": answer}))


def measure(contestant: str, question: str, path: Path) -> Run | str:
    """One run in a new process, its tree's resident memory watched; why not, if it failed."""
    child = psutil.Popen(
        [sys.executable, __file__, "--run", contestant, question, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    peak, start = 0, time.perf_counter()
    while child.poll() is None:
        if peak > MOST_MEMORY or time.perf_counter() - start > MOST_SECONDS:
            for process in [*child.children(recursive=True), child]:
                process.kill()
            child.wait()
            return "stopped at 10 GiB" if peak > MOST_MEMORY else "stopped after 10 minutes"
        try:
            tree = [child, *child.children(recursive=True)]
            peak = max(peak, sum(p.memory_info().rss for p in tree))
        except psutil.Error:
            pass
        time.sleep(0.05)
    lines = child.stdout.read().splitlines()
    if child.returncode:
        return f"failed ({child.returncode})"
    told = json.loads(lines[-1])
    return Run(told["seconds"], told["processor"], peak, told["answer"])


def compare(path: Path, question: str, times: int, who: list[str]) -> list[str]:
    """Table rows for one log and question: contestants taking turns, the middle run of each."""
    runs: dict[str, list[Run | str]] = {name: [] for name in who}
    for turn in range(times):
        for name in who:
            if turn and name in {"pandas", "Spark", "polars"}:
                continue
            run = measure(name, question, path)
            runs[name].append(run)
            print(f"  {path.name} {question} {name}: {_told(run)}", file=sys.stderr, flush=True)
    middle = {name: _middle(of) for name, of in runs.items()}
    sql = middle["plain SQL"]
    assert isinstance(sql, Run), sql
    lines = []
    for name in who:
        run = middle[name]
        if isinstance(run, str):
            lines.append(f"| {_short(path)} | {question} | {name} | {run} | | | | |")
            continue
        # Spark computes in a process of its own, whose time is not known here.
        processor = (
            "| "
            if name == "Spark"
            else f"{run.processor:.2f} | {run.processor / sql.processor:.2f}"
        )
        same = {d: n for d, n in run.answer.items() if n} == sql.answer
        lines.append(
            f"| {_short(path)} | {question} | {name} | {run.seconds:.2f} "
            f"| {run.seconds / sql.seconds:.2f} | {processor} | {run.peak / 2**30:.2f} GiB |"
            + ("" if same else " OTHER ANSWER |")
        )
    return lines


def _middle(runs: list[Run | str]) -> Run | str:
    """The middle wall and processor times and the highest peak; why not, if one run failed."""
    done = [run for run in runs if isinstance(run, Run)]
    if len(done) < len(runs):
        return next(run for run in runs if isinstance(run, str))
    return Run(
        median(run.seconds for run in done),
        median(run.processor for run in done),
        max(run.peak for run in done),
        done[-1].answer,
    )


def _short(path: Path) -> str:
    return path.name.removeprefix("facetally-events-").replace(".", " ")


def _told(run: Run | str) -> str:
    return run if isinstance(run, str) else f"{run.seconds:.2f} s, {run.peak / 2**30:.2f} GiB"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--parquet", type=float, nargs="*", default=[1], metavar="MILLIONS")
    options.add_argument("--csv", type=float, nargs="*", default=[1], metavar="MILLIONS")
    options.add_argument("--questions", nargs="*", default=["days", "local", "keyed"])
    options.add_argument("--who", nargs="*", default=list(CONTESTANTS), help="plain SQL first")
    options.add_argument("--times", type=int, default=3)
    options.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()))
    options.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.run:
        run_here(given.run[0], given.run[1], Path(given.run[2]))
        return
    memory = psutil.virtual_memory().total / 2**30
    print(f"{psutil.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}\n")
    print("| log | question | who | wall s | of SQL's | processor s | of SQL's | peak memory |")
    print("|---|---|---|---:|---:|---:|---:|---:|", flush=True)
    for kind, sizes in (("parquet", given.parquet), ("csv", given.csv)):
        for millions in sizes:
            path = given.home / f"facetally-events-{millions:g}M.{kind}"
            if not path.exists():
                write_log(path, millions)
            for question in given.questions:
                for line in compare(path, question, given.times, given.who):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
