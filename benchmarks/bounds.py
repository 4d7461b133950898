"""How long a release takes, and what the intervals cost beside simpler ways.

    python -m benchmarks.bounds [--sizes 10000 100000 1000000] [--dir DIR]

For each size a synthetic ledger is written and built into a complete release by a process of its
own: time (and processor time, which other work on the machine disturbs less), peak memory, reports
a second, the growth exponent from one size to the next; then built again with one report changed.
Then, on the same evidence, what others would do: midpoints grouped by year, without intervals, as
a newsroom might; and one linear programme (HiGHS) for each bound, on a sample, multiplied up.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

AS_OF = date(2026, 1, 1)
SERIES = {10_000: 1_000, 100_000: 5_000, 1_000_000: 45_000, 5_000_000: 200_000}
MOST_AGAIN = 1_000_000
"""Reports of the largest ledger that is built again with one changed."""
SAMPLE = 300
"""Series on which linear programmes are tried."""

Result = TypeVar("Result")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dir", type=Path, default=Path("build/benchmark"))
    parser.add_argument("--part", choices=["release", "again", "baselines"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part == "release":
        print(json.dumps(measure_release(arguments.dir, arguments.sizes[0])))
    elif arguments.part == "again":
        print(json.dumps(measure_again(arguments.dir, arguments.sizes[0])))
    elif arguments.part == "baselines":
        print(json.dumps(measure_baselines(arguments.dir)))
    else:
        run(arguments.dir, arguments.sizes)


def run(directory: Path, sizes: list[int]) -> None:
    from benchmarks.synthetic_ledger import write_synthetic_ledger
    from pipelines.cases import warm

    warm()
    print(f"{machine()}; load {os.getloadavg()[0]:.1f} at the start\n")
    print(
        "| reports | series | bounds | time | processor | memory | reports/s | exponent "
        "| one report changed: time | processor |"
    )
    print("|---:|" + "---:|" * 9)
    before: tuple[int, float] | None = None
    stages = []
    for size in sizes:
        ledger = directory / str(size)
        if not (ledger / "reports.csv").exists():
            write_synthetic_ledger(ledger, size, SERIES.get(size, size // 20))
        r = part("release", ledger, size)
        again = "not tried |"
        if size <= MOST_AGAIN:
            a = part("again", ledger, size)
            again = f"{a['time']:.0f} s | {a['cpu']:.0f} s"
        exponent = ""
        if before:
            exponent = f"{math.log(r['cpu'] / before[1]) / math.log(size / before[0]):.2f}"
        before = (size, r["cpu"])
        print(
            f"| {size:,} | {r['series']:,} | {r['bounds']:,} | {r['time']:.0f} s "
            f"| {r['cpu']:.0f} s | {r['memory']:.1f} GB | {size / r['time']:,.0f} | {exponent} "
            f"| {again} |",
            flush=True,
        )
        stages.append(r)
    print("\n| stage | " + " | ".join(f"{size:,}" for size in sizes) + " |")
    print("|---|" + "---:|" * len(sizes))
    for stage in stages[0]["stages"]:
        print(f"| {stage} | " + " | ".join(f"{r['stages'][stage]:.1f} s" for r in stages) + " |")
    print()
    for size in sizes[:2]:
        print_baselines(size, part("baselines", directory / str(size), size))


def part(name: str, ledger: Path, size: int) -> dict:
    """Run one part in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bounds", "--part", name]
    command += ["--dir", str(ledger), "--sizes", str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def machine() -> str:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, Python {platform.python_version()}"


# --- a complete release ----------------------------------------------------------------------


def measure_release(ledger: Path, size: int) -> dict:
    """Build a release from the ledger's files; the last one there is not made use of."""
    import shutil

    import pyarrow.parquet as pq

    from pipelines.release import Progress, build

    out = ledger.parent / f"{size}-releases"
    shutil.rmtree(out, ignore_errors=True)
    steps: list[tuple[str, float]] = []
    start, processor = time.perf_counter(), time.process_time()
    progress = Progress(step=lambda what: steps.append((what, time.perf_counter())))
    home = build(ledger, out, AS_OF, progress)
    end, processed = time.perf_counter(), time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    ends = [at for _, at in steps[1:]] + [end]
    rows = {t: pq.read_metadata(home / f"{t}.parquet").num_rows for t in ("bounds", "series")}
    return {
        **rows,
        "time": end - start,
        "cpu": processed - processor,
        "memory": memory,
        "stages": {what: stop - at for (what, at), stop in zip(steps, ends, strict=True)},
    }


def measure_again(ledger: Path, size: int) -> dict:
    """Build the ledger with one report changed beside the release of the ledger as it was."""
    from pipelines.release import build

    changed = ledger.parent / f"{size}-changed"
    change_one_report(ledger, changed)
    start, processor = time.perf_counter(), time.process_time()
    build(changed, ledger.parent / f"{size}-releases", AS_OF)
    return {"time": time.perf_counter() - start, "cpu": time.process_time() - processor}


def change_one_report(ledger: Path, changed: Path) -> None:
    """The same ledger, but for the count of one report."""
    import shutil

    import polars as pl

    shutil.copytree(ledger, changed, dirs_exist_ok=True)
    reports = pl.read_csv(ledger / "reports.csv", infer_schema=False).fill_null("")
    reports.with_columns(
        wording=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("17")).otherwise("wording")
    ).write_csv(changed / "reports.csv", quote_style="never")


# --- simpler ways ----------------------------------------------------------------------------


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def measure_baselines(ledger: Path) -> dict:
    """The same evidence: solved, averaged, and given to a generic solver; processor seconds."""
    import polars as pl

    from pipelines.bounds import read_evidence, solve_evidence
    from pipelines.ledger import read_ledger
    from pipelines.release import _create, connect

    tables, _ = read_ledger(ledger)
    con = connect(tables)
    for name in ("reports", "statements", "numbered_series", "denials", "evidence", "refusals"):
        _create(con, name, AS_OF)
    evidence = read_evidence(con)
    reports = con.sql("from reports").pl()

    def solve() -> int:
        # A row holds three voices, each with a low and a high.
        return sum(6 * answers.num_rows for answers, _ in solve_evidence(evidence))

    def average() -> int:
        by_year = (
            reports.filter(pl.col("first_day").is_not_null())
            .with_columns(
                middle=(pl.col("low") + pl.col("high").fill_null(pl.col("low"))) / 2,
                year=pl.col("first_day").dt.year(),
            )
            .group_by("agency_id", "system_id", "metric", "year")
            .agg(pl.col("middle").sum())
        )
        return by_year.height

    bounds, solving = timed(solve)
    years, averaging = timed(average)
    programmes, programming = timed(lambda: linear_programmes(evidence))
    return {
        "bounds": bounds,
        "solving": solving,
        "years": years,
        "averaging": averaging,
        "programmes": programmes,
        "programming": programming,
    }


def linear_programmes(evidence: object) -> int:
    """One linear programme for each bound of each year of a sample of series, on all evidence that
    agrees: what is asked once here the solver answers for every day of knowledge."""
    import numpy as np
    from scipy.optimize import linprog

    from pipelines import cases
    from pipelines.bounds import Evidence
    from pipelines.periods import day_number
    from pipelines.solver import BEGIN, NONE

    assert isinstance(evidence, Evidence)
    solved = 0
    for s in range(0, evidence.series, max(1, evidence.series // SAMPLE)):
        items = slice(int(evidence.offsets[s]), int(evidence.offsets[s + 1]))
        first, end = evidence.first[items], evidence.end[items]
        low, high = evidence.low[items], evidence.high[items]
        holds = cases.Weighed(first, end, low, high).holds
        first, end, low, high = first[holds], end[holds], low[holds], high[holds]
        dated = first[first != BEGIN]
        if not len(dated):
            continue
        years = range(1970 + int(dated.min()) // 366, 1970 + int(end.max()) // 365 + 1)
        asked = [day_number(date(year, 1, 1)) for year in range(years.start, years.stop + 1)]
        days = np.unique(np.concatenate([first, end, asked]))
        rows = [(n, n + 1, 0) for n in range(len(days) - 1)]
        tail, head = np.searchsorted(days, first), np.searchsorted(days, end)
        rows += list(zip(tail, head, -low, strict=True))
        rows += [(b, a, h) for a, b, h in zip(tail, head, high, strict=True) if h < NONE]
        matrix = np.zeros((len(rows), len(days)))
        for n, (plus, minus, _) in enumerate(rows):
            matrix[n, plus], matrix[n, minus] = 1, -1
        limits = np.array([limit for *_, limit in rows], dtype=float)
        for start, stop in zip(
            asked, [*asked[1:], day_number(date(years.stop, 1, 1))], strict=True
        ):
            cost = np.zeros(len(days))
            cost[np.searchsorted(days, stop)] += 1
            cost[np.searchsorted(days, start)] -= 1
            for sign in (1, -1):
                linprog(sign * cost, A_ub=matrix, b_ub=limits, bounds=(0, 1e12), method="highs")
                solved += 1
    return solved


def print_baselines(size: int, r: dict) -> None:
    each = r["solving"] / r["bounds"]
    programme = r["programming"] / r["programmes"]
    print(
        f"{size:,} reports, processor time: {r['bounds']:,} bounds with proofs in "
        f"{r['solving']:.2f} s, {each * 1e6:.2f} µs each.\n"
        f"- midpoints by year in Polars: {r['years']:,} numbers in {r['averaging']:.3f} s; the "
        f"bounds take {r['solving'] / r['averaging']:,.0f} times as long and are "
        f"{r['bounds'] / r['years']:,.0f} times as many\n"
        f"- one HiGHS programme a bound: {r['programmes']:,} on a sample in {r['programming']:.1f} "
        f"s, {programme * 1e3:.2f} ms each: {programme / each:,.0f} times as long a bound\n"
    )


if __name__ == "__main__":
    main()
