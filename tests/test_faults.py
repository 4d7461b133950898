"""Crashes, full disks, read-only directories and rivals: what was whole stays whole.

A trial runs in a process of its own, forked from one that has loaded the program, and is killed
without warning: after a random time, or at its n-th operation on the file system.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from random_ledger import random_ledger
from small_ledger import report, source, write_ledger
from typer.testing import CliRunner

from facetally import app
from pipelines.adding import Draft, add_from_file, write
from pipelines.dataset import sha256
from pipelines.events import LogImport, import_log
from pipelines.ledger import read_ledger
from pipelines.release import Progress, build
from pipelines.verification import verify
from pipelines.verify import verify_files

REPOSITORY = Path(__file__).parent.parent
REAL = REPOSITORY / "data" / "ledger"
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["pipelines.release", "pipelines.events", "pipelines.adding"])
_TOUCHES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.chmod", "open"}


def _run_until(task: Callable[..., object], arguments: tuple[Any, ...], touches: int) -> None:
    """Run a task; kill this very process at its n-th touch of the file system, if n > 0."""
    seen = 0

    def count(event: str, details: tuple[Any, ...]) -> None:
        nonlocal seen
        reads = event == "open" and not (details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if event in _TOUCHES and not reads:
            seen += 1
            if seen == touches:
                os.kill(os.getpid(), signal.SIGKILL)

    if touches:
        sys.addaudithook(count)
    os.close(1)
    os.open(os.devnull, os.O_WRONLY)
    try:
        task(*arguments)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def killed(
    task: Callable[..., object], *arguments: Any, after: float = 0, touches: int = 0
) -> bool:
    """Run a task in a process and kill it ``after`` seconds or at its n-th touch; whether it was
    still running then."""
    process = FORKS.Process(target=_run_until, args=(task, arguments, touches))
    process.start()
    process.join(None if touches else after)
    process.kill()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}, process.exitcode
    return process.exitcode != 0


def time_of(task: Callable[..., object], *arguments: Any) -> float:
    """Seconds that the task takes in a process of its own."""
    started = time.monotonic()
    assert not killed(task, *arguments, after=300)
    return time.monotonic() - started


def bytes_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def sums_of(home: Path) -> bytes:
    return (home / "SHA256SUMS").read_bytes()


# --- builds ----------------------------------------------------------------------------------

DAY = date(2024, 6, 30)


class Builds:
    """Trials of builds: each begins with a served release and a ledger that is not built yet."""

    def __init__(self, ledger: Path, out: Path) -> None:
        self.ledger, self.out = ledger, out
        self.before = bytes_in(ledger)
        self.day = DAY
        build(ledger, out, self.day)
        self.seconds = time_of(build, ledger, out, DAY - timedelta(days=1))
        self.killed = self.trials = 0

    def trial(self, after: float = 0, touches: int = 0) -> bool:
        served = (self.out / "latest").resolve()
        self.day += timedelta(days=1)
        stopped = killed(build, self.ledger, self.out, self.day, after=after, touches=touches)
        self.trials += 1
        self.killed += stopped
        now = (self.out / "latest").resolve()
        assert verify_files(now) == []
        assert now == served or now.name.startswith(self.day.isoformat())
        assert bytes_in(self.ledger) == self.before
        home = build(self.ledger, self.out, self.day)
        assert (self.out / "latest").resolve() == home
        assert verify_files(home) == []
        left = [path.name for path in self.out.iterdir() if path.name.startswith(".building")]
        assert left == []
        for old in self.out.glob("20*"):
            if old not in {home, served}:
                shutil.rmtree(old)
        return stopped


def test_a_build_killed_at_any_instant_leaves_a_whole_release(tmp_path: Path) -> None:
    ledger = write_ledger(tmp_path / "ledger", reports=[report("one", "5", end="2021-01-31")])
    builds = Builds(ledger, tmp_path / "out")
    dice = random.Random(1)
    for _ in range(2):
        builds.trial(after=dice.uniform(0, builds.seconds))


@pytest.mark.torture
def test_builds_killed_at_random_instants(tmp_path: Path) -> None:
    ledger = random_ledger(5, agencies=40).write(tmp_path / "ledger")
    builds = Builds(ledger, tmp_path / "out")
    dice = random.Random(2)
    while builds.killed < 200:
        builds.trial(after=dice.uniform(0, builds.seconds))
        if builds.trials % 25 == 0:
            assert verify((builds.out / "latest").resolve()).faults == []
    print(f"\nBuilds: {builds.trials} trials, {builds.killed} killed; the served release was whole")
    touches = 1
    while builds.trial(touches=touches):
        touches += 1
    print(f"Builds killed at each of {touches - 1} changes to the file system: whole every time")


@pytest.mark.torture
def test_a_release_of_earlier_code_is_exchanged_at_once(tmp_path: Path) -> None:
    """The version stays the same, so the served directory itself is replaced."""
    ledger = write_ledger(tmp_path / "ledger", reports=[report("one", "5", end="2021-01-31")])
    out = tmp_path / "out"
    home = build(ledger, out, DAY)
    whole = bytes_in(home)
    touches = stopped = 0
    while stopped == touches:
        touches += 1
        old_code(home)
        stopped += killed(build, ledger, out, DAY, touches=touches)
        assert verify_files((out / "latest").resolve()) == []
        build(ledger, out, DAY)
        assert bytes_in(home) == whole
    print(f"\nRebuilds of the same version killed at each of {stopped} changes: whole every time")


def old_code(home: Path) -> None:
    """Make a release look as if earlier code had built it."""
    package = json.loads((home / "datapackage.json").read_text())
    package["facetally"]["method_sha256"] = "0" * 64
    old = sha256(home / "datapackage.json")
    (home / "datapackage.json").write_text(json.dumps(package))
    sums = (home / "SHA256SUMS").read_text()
    (home / "SHA256SUMS").write_text(sums.replace(old, sha256(home / "datapackage.json")))
    assert verify_files(home) == []


# --- writers of the ledger -------------------------------------------------------------------


class Writes:
    """Trials of a task that writes to a ledger: its files are as before, or as after it."""

    def __init__(self, ledger: Path, task: Callable[..., object], *arguments: Any) -> None:
        self.ledger, self.task, self.arguments = ledger, task, arguments
        self.before = bytes_in(ledger)
        self.seconds = time_of(task, *arguments)
        self.after = bytes_in(ledger)
        assert self.after != self.before
        self.trials = self.killed = self.written = 0
        self._restore()

    def _restore(self) -> None:
        for name, content in self.before.items():
            (self.ledger / name).write_bytes(content)

    def trial(self, after: float = 0, touches: int = 0) -> bool:
        stopped = killed(self.task, *self.arguments, after=after, touches=touches)
        now = bytes_in(self.ledger)
        self.trials += 1
        self.killed += stopped
        self.written += now == self.after
        for name in self.before:
            assert now[name] in (self.before[name], self.after[name]), name
        _, problems = read_ledger(self.ledger)
        assert problems == []
        self._restore()
        return stopped

    def finish(self) -> None:
        """The next try succeeds and leaves nothing behind."""
        self.task(*self.arguments)
        assert bytes_in(self.ledger) == self.after
        assert [path for path in self.ledger.iterdir() if path.is_dir()] == []


def log_import(ledger: Path, log: Path) -> object:
    request = LogImport(
        files=[str(log)],
        mapped=["searched_at=when"],
        source_id="gazette",
        agency_id="north-police",
        system_id="finder",
    )
    return import_log(ledger, request, Progress())


def add_file(ledger: Path, rows: Path) -> object:
    return add_from_file(ledger, "reports", rows, DAY, lambda _: None)


def add_two_tables(ledger: Path) -> object:
    new = source("bulletin", "2021-07-01")
    row = report("two", "9", end="2021-02-28", source_id="bulletin")
    return write(ledger, [Draft("reports", row, "two"), Draft("sources", new, "bulletin")])


def writers(place: Path) -> dict[str, tuple[Any, ...]]:
    """The tasks by name, each with a ledger of its own and what else it takes."""

    def ledger(name: str) -> Path:
        return write_ledger(place / name, reports=[report("one", "5", end="2021-01-31")])

    log = place / "log.csv"
    days = [date(2021, 1, 1) + timedelta(days=n % 150) for n in range(2_000)]
    log.write_text("when\n" + "".join(f"{day}\n" for day in days))
    rows = place / "rows.csv"
    rows.write_text(
        "agency_id,system_id,mode,metric,period_end,wording,channel,source_id\n"
        + "".join(
            f"north-police,finder,live,searches,2021-03-{n:02d},{n},published,gazette\n"
            for n in range(1, 32)
        )
    )
    return {
        "import-log": (ledger("imported"), log_import, log),
        "add --from": (ledger("added"), add_file, rows),
        "add to two tables": (ledger("both"), add_two_tables),
    }


@pytest.mark.parametrize("name", ["import-log", "add --from"])
def test_a_writer_killed_at_any_instant_leaves_a_sound_ledger(tmp_path: Path, name: str) -> None:
    ledger, task, *more = writers(tmp_path)[name]
    writes = Writes(ledger, task, ledger, *more)
    dice = random.Random(3)
    for _ in range(2):
        writes.trial(after=dice.uniform(0, writes.seconds))
    writes.finish()


@pytest.mark.torture
@pytest.mark.parametrize("name", ["import-log", "add --from", "add to two tables"])
def test_writers_killed_at_random_instants(tmp_path: Path, name: str) -> None:
    ledger, task, *more = writers(tmp_path)[name]
    writes = Writes(ledger, task, ledger, *more)
    dice = random.Random(4)
    while writes.killed < 200:
        writes.trial(after=dice.uniform(0, writes.seconds))
    print(
        f"\n{name}: {writes.trials} trials, {writes.killed} killed; the ledger was complete after "
        f"{writes.written}, unchanged after the others"
    )
    touches = 1
    while writes.trial(touches=touches):
        touches += 1
    writes.finish()
    print(f"{name} killed at each of {touches - 1} changes to the file system: sound every time")


# --- no room, no leave -----------------------------------------------------------------------


@contextmanager
def small_disk(place: Path, size: str, options: str = "") -> Iterator[Path]:
    """A file system of that size in memory; skips where one may not be mounted."""
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755{options}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, leave: int) -> None:
    """Fill a disk up to so many bytes."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    space = os.statvfs(disk)
    with filler.open("wb") as file:
        file.truncate(0)
        os.posix_fallocate(file.fileno(), 0, max(space.f_bavail * space.f_frsize - leave, 1))


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def refused(run: Result, *words: str) -> None:
    """The command said what was wrong, without a traceback, and failed."""
    assert run.exit_code == 1, run.output
    assert isinstance(run.exception, SystemExit), run.exception
    assert "Traceback" not in run.output
    assert any(word in run.output for word in words), run.output


def _disk_trials(tmp_path: Path, leaves: list[int], through_command: int) -> tuple[int, int]:
    """Builds into a disk with so many bytes left: how many were tried, how many found no room."""
    failed = 0
    ledger = write_ledger(tmp_path / "ledger", reports=[report("one", "5", end="2021-01-31")])
    with small_disk(tmp_path / "disk", "64m") as disk:
        served = build(ledger, disk / "out", DAY)
        sums = sums_of(served)
        for n, leave in enumerate(leaves):
            day = DAY + timedelta(days=n + 1)
            fill(disk, leave)
            if n < through_command:
                arguments = ("--ledger", str(ledger), "--out", str(disk / "out"))
                run = command("build", *arguments, "--as-of", day.isoformat())
                if run.exit_code:
                    refused(run, "No space left", "space")
                    failed += 1
            else:
                try:
                    build(ledger, disk / "out", day)
                except OSError:
                    failed += 1
            now = (disk / "out" / "latest").resolve()
            assert verify_files(now) == []
            if now == served:
                assert sums_of(served) == sums
            assert [p for p in (disk / "out").iterdir() if p.name.startswith(".building")] == []
            (disk / "filler").unlink()
            served = build(ledger, disk / "out", day)
            sums = sums_of(served)
            assert verify_files(served) == []
            for old in (disk / "out").glob("20*"):
                if old != served:
                    shutil.rmtree(old)
    return len(leaves), failed


def test_a_full_disk_leaves_the_last_release(tmp_path: Path) -> None:
    tried, failed = _disk_trials(tmp_path, [0, 300_000], through_command=1)
    assert failed == tried == 2


@pytest.mark.torture
def test_disks_that_fill_up_at_every_point(tmp_path: Path) -> None:
    leaves = [*range(0, 1_400_000, 12_288)]
    tried, failed = _disk_trials(tmp_path, leaves, through_command=12)
    print(f"\nBuilds on a filling disk: {tried} trials, {failed} without room; all left it whole")
    assert 20 < failed < tried


@pytest.mark.parametrize("name", ["import-log", "add --from", "add to two tables"])
def test_a_writer_without_room_leaves_the_ledger(tmp_path: Path, name: str) -> None:
    given, task, *more = writers(tmp_path)[name]
    with small_disk(tmp_path / "disk", "4m") as disk:
        ledger = disk / "ledger"
        shutil.copytree(given, ledger)
        before = bytes_in(ledger)
        for leave in (0, 4096, 8192):
            fill(disk, leave)
            with pytest.raises(OSError) as told:  # noqa: PT011 - the number is looked at below
                task(ledger, *more)
            assert told.value.errno == errno.ENOSPC
            assert bytes_in(ledger) == before
        (disk / "filler").unlink()
        task(ledger, *more)
        assert read_ledger(ledger)[1] == []
        assert bytes_in(ledger) != before


def test_read_only_directories_are_refused_in_words(tmp_path: Path) -> None:
    given, _, rows = writers(tmp_path)["add --from"]
    log = tmp_path / "log.csv"
    with small_disk(tmp_path / "disk", "64m") as disk:
        shutil.copytree(given, disk / "ledger")
        served = build(given, disk / "out", DAY)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ledger, out = str(disk / "ledger"), str(disk / "out")
        before = bytes_in(disk / "ledger")
        refused(command("build", "--ledger", ledger, "--out", out), "Read-only")
        refused(command("add", "report", "--from", str(rows), "--ledger", ledger), "Read-only")
        importing = ["--map", "searched_at=when", "--source", "gazette", "--agency", "north-police"]
        run = command("import-log", str(log), *importing, "--system", "finder", "--ledger", ledger)
        refused(run, "Read-only")
        assert bytes_in(disk / "ledger") == before
        assert (disk / "out" / "latest").resolve() == served
        assert verify_files(served) == []


# --- rivals ----------------------------------------------------------------------------------


def _together(*tasks: tuple[Any, ...]) -> None:
    """Run tasks at the same time, each in a process; all succeed."""
    processes = [FORKS.Process(target=_run_until, args=(task, more, 0)) for task, *more in tasks]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
        assert process.exitcode == 0


def _rival_builds(tmp_path: Path, rounds: int) -> None:
    one = write_ledger(tmp_path / "one", reports=[report("one", "5", end="2021-01-31")])
    two = write_ledger(tmp_path / "two", reports=[report("two", "7", end="2021-01-31")])
    out = tmp_path / "out"
    for n in range(rounds):
        day = DAY + timedelta(days=n)
        _together((build, one, out, day), (build, two, out, day), (build, one, out, day))
        homes = set(out.glob(f"{day}*"))
        assert len(homes) == 2
        assert (out / "latest").resolve() in homes
        for home in homes:
            assert verify_files(home) == []
            shutil.rmtree(home) if home != (out / "latest").resolve() else None


def _rival_writers(tmp_path: Path, rounds: int) -> None:
    for n in range(rounds):
        place = tmp_path / f"rivals-{n}"
        place.mkdir()
        tasks = writers(place)
        ledger = tasks["import-log"][0]
        _together(*((task, ledger, *more) for _, task, *more in tasks.values()))
        tables, problems = read_ledger(ledger)
        assert problems == []
        assert tables["reports"].height == 1 + 150 + 31 + 1


def _add_many(ledger: Path) -> None:
    for n in range(12):
        new = source(f"bulletin-{n}", "2021-07-01")
        row = report(f"two-{n}", "9", end=f"2021-03-{1 + n % 28:02d}", source_id=new["source_id"])
        row["locator"] = f"page {n}"
        write(ledger, [Draft("reports", row, "two"), Draft("sources", new, "bulletin")])


def test_a_ledger_read_while_rows_are_added_is_sound(tmp_path: Path) -> None:
    ledger = write_ledger(tmp_path / "ledger", reports=[report("one", "5", end="2021-01-31")])
    writer = FORKS.Process(target=_run_until, args=(_add_many, (ledger,), 0))
    writer.start()
    heights = set()
    while writer.is_alive():
        tables, problems = read_ledger(ledger)
        assert problems == []
        heights.add(tables["reports"].height)
    assert writer.exitcode == 0
    assert len(heights) > 3


def test_two_builds_and_two_writers_at_once(tmp_path: Path) -> None:
    _rival_builds(tmp_path, 1)
    _rival_writers(tmp_path, 1)


@pytest.mark.torture
def test_rivals_many_times(tmp_path: Path) -> None:
    _rival_builds(tmp_path, 30)
    _rival_writers(tmp_path, 30)
    print("\nThree builds at once 30 times, three writers of a ledger at once 30 times: all whole")
