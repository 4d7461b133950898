"""Many readers at once: explorer sessions beside Streamlit and Dash apps that show less.

    python -m benchmarks.load [--sessions 200] [--seconds 120] [--pause 30]

Each app by itself on the same machine: so many sessions open over the first third of the time, and
each changes its filter about every ``--pause`` seconds until the end. Sessions speak the protocol
of their framework (`sessions.py`), so that no browser takes the processor from the servers. The
explorer draws all its charts and tables from the release anew; the two others show one chart and
one table that were made ready for each agency. Servers are those that the frameworks bring. Memory
is what the server's processes hold beyond what they held before the first session.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psutil

from benchmarks.pages import _SERVE, BARE, _frameworks, _free_port, _wait_for
from dashboards import releases
from dashboards.charts.trend import trend

HERE = Path(__file__).parent
AGENCIES = 40


@dataclass
class Crowd:
    """What one app made of the crowd: seconds, errors, bytes of memory before and at most."""

    name: str
    opened: list[float]
    changed: list[float]
    errors: list[str]
    before: int
    most: int
    processor: float


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pause", type=float, default=30)
    parser.add_argument("--releases", type=Path, default=Path("data/releases"))
    asked = parser.parse_args()
    python = _frameworks()
    clients = [str(python), "-m", "pip", "install", "--quiet", "websockets", "httpx"]
    subprocess.run(clients, check=True)
    with tempfile.TemporaryDirectory() as scratch:
        views = _views(asked.releases)
        data, choices = Path(scratch) / "views.json", Path(scratch) / "choices.json"
        data.write_text(json.dumps(views))
        choices.write_text(json.dumps(list(views)))
        crowds = []
        for kind, name, command in _apps(asked.releases.resolve(), python):
            with _running(command, data) as (process, address):
                crowds.append(_meet(kind, name, process, address, python, choices, asked))
    _print(crowds, asked)


def _views(path: Path) -> dict[str, Any]:
    """A chart and a table for each of the agencies with most bounds."""
    release = releases.latest(path)
    bounds = release.tables["bounds"].filter(
        pl.col("known_until").is_null() & (pl.col("metric") == "searches")
    )
    most = bounds.group_by("agency_id").len().sort("len", "agency_id", descending=[True, False])
    views = {}
    for agency in most["agency_id"].head(AGENCIES):
        rows = bounds.filter(pl.col("agency_id") == agency)
        rows = rows.filter(pl.col("system_id") == rows["system_id"][0])
        figure = trend(agency, "system", "searches", rows, release.tables["reports"].head(0))
        views[agency] = {
            "spec": figure.spec(),
            "rows": figure.table.select("Period", "At least", "At most").to_dicts(),
        }
    return views


def _apps(home: Path, python: Path) -> list[tuple[str, str, list[str]]]:
    streamlit = [str(python), "-m", "streamlit", "run", str(BARE / "streamlit_view.py")]
    return [
        ("facetally", "Facetally's explorer", [sys.executable, "-c", _SERVE, str(home), "PORT"]),
        ("streamlit", "Streamlit", [*streamlit, "--server.port", "PORT", "--server.address",
         "127.0.0.1", "--server.headless", "true", "--browser.gatherUsageStats", "false"]),
        ("dash", "Dash", [str(python), str(BARE / "dash_view.py")]),
    ]  # fmt: skip


@contextmanager
def _running(command: list[str], data: Path) -> Iterator[tuple[psutil.Process, str]]:
    """A server on a free port; ends it at the end."""
    port = str(_free_port())
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as told:
        server = subprocess.Popen(
            [port if part == "PORT" else part for part in command],
            env={**os.environ, "VIEW_DATA": str(data), "VIEW_PORT": port},
            stdout=told,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(address)
            yield psutil.Process(server.pid), address
        finally:
            server.terminate()
            server.wait(30)


def _meet(
    kind: str,
    name: str,
    server: psutil.Process,
    address: str,
    python: Path,
    choices: Path,
    asked: argparse.Namespace,
) -> Crowd:
    # One session first: what is loaded once is no session's memory.
    _crowd(python, kind, address, 1, 5, 1, choices)
    time.sleep(10)
    before, used = _memory(server), _processor(server)
    most = [before]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(1):
            most.append(_memory(server))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        found = _crowd(python, kind, address, asked.sessions, asked.seconds, asked.pause, choices)
    finally:
        done.set()
        watching.join()
    return Crowd(
        name,
        found["opened"],
        found["changed"],
        found["errors"],
        before,
        max(most),
        _processor(server) - used,
    )


def _crowd(
    python: Path,
    kind: str,
    address: str,
    sessions: int,
    seconds: float,
    pause: float,
    choices: Path,
) -> dict[str, Any]:
    command = [str(python), str(HERE / "sessions.py"), kind, address, str(sessions)]
    run = subprocess.run(
        [*command, str(seconds), str(pause), str(choices)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=seconds + 300,
    )
    return dict(json.loads(run.stdout))


def _family(server: psutil.Process) -> list[psutil.Process]:
    return [server, *server.children(recursive=True)]


def _memory(server: psutil.Process) -> int:
    """Bytes that the server's processes have for themselves."""
    return sum(process.memory_full_info().uss for process in _family(server))


def _processor(server: psutil.Process) -> float:
    return sum(t.user + t.system for t in (process.cpu_times() for process in _family(server)))


def _print(crowds: list[Crowd], asked: argparse.Namespace) -> None:
    print(
        f"{asked.sessions} sessions over {asked.seconds:.0f} s on {os.cpu_count()} cores, a filter "
        f"changed about every {asked.pause:.0f} s in each."
    )
    print()
    print(
        "| app | opened p50 | p95 | filter changed p50 | p95 | changes | errors | "
        "memory a session | processor a change |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for crowd in crowds:
        changes = len(crowd.changed)
        memory = (crowd.most - crowd.before) / asked.sessions
        print(
            f"| {crowd.name} | {_percentiles(crowd.opened)} | {_percentiles(crowd.changed)} "
            f"| {changes:,} | {len(crowd.errors)} | {memory / 1e6:.2f} MB "
            f"| {crowd.processor / max(changes, 1) * 1000:,.0f} ms |"
        )
    for crowd in crowds:
        for error in sorted(set(crowd.errors))[:5]:
            print(f"\n{crowd.name}: {error}")
    ours, *others = crowds
    if ours.changed and all(other.changed for other in others):
        quickest = min(statistics.median(other.changed) for other in others)
        print(
            f"\nA changed filter: {statistics.median(ours.changed) / quickest:.2f} of the quicker."
        )


def _percentiles(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "- | -"
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return f"{cuts[9] * 1000:,.0f} ms | {cuts[18] * 1000:,.0f} ms"


if __name__ == "__main__":
    main()
