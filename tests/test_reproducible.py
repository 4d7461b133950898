"""The same ledger and day give the same bytes, wherever and by whomever a release is built."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_ledger import files_of, sound, write
from typer.testing import CliRunner

from facetally import app

REPOSITORY = Path(__file__).parent.parent
DAY = "2024-06-30"


def built(
    ledger: Path,
    out: Path,
    zone: str = "UTC",
    locale: str = "C",
    seed: str = "0",
    cores: str = "0,1",
    umask: int = 0o022,
) -> dict[str, bytes]:
    """The files of a release that a process with these surroundings builds."""
    on_cores = ("taskset", "--cpu-list", cores) if shutil.which("taskset") else ()
    run = subprocess.run(
        [
            *(*on_cores, sys.executable, str(REPOSITORY / "facetally.py")),
            *("build", "--ledger", str(ledger), "--out", str(out), "--as-of", DAY),
        ],
        env={**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed},
        umask=umask,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    home = (out / "latest").resolve()
    return {path.name: path.read_bytes() for path in home.iterdir()}


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(n for n in {*one, *other} if one.get(n) != other.get(n))


def elsewhere(ledger: Path, place: Path) -> Path:
    """The same ledger on another path, its files written in another order and another year."""
    place.mkdir(parents=True)
    names = sorted((path.name for path in ledger.iterdir()), reverse=True)
    for age, name in enumerate(names):
        (place / name).write_bytes((ledger / name).read_bytes())
        os.utime(place / name, (10**9 + age, 10**9 + age))
    return place


def test_a_release_is_the_same_in_other_surroundings(tmp_path: Path) -> None:
    ledger = write(files_of(sound()), tmp_path / "ledger")
    here = tmp_path / "out"
    arguments = ["build", "--ledger", str(ledger), "--out", str(here), "--as-of", DAY]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    first = {path.name: path.read_bytes() for path in (here / "latest").resolve().iterdir()}
    other = built(
        elsewhere(ledger, tmp_path / "ein anderer Ort’s" / "ledger"),
        tmp_path / "ein anderer Ort’s" / "a" / "b" / "out",
        zone="Pacific/Kiritimati",
        locale="C.utf8",
        seed="4242",
        cores="0",
        umask=0o077,
    )
    assert len(first) > 80
    assert differing(first, other) == []


@pytest.mark.torture
def test_the_real_release_is_the_same_in_all_surroundings(tmp_path: Path) -> None:
    ledger = REPOSITORY / "data" / "ledger"
    places = [ledger, elsewhere(ledger, tmp_path / "ein anderer Ort’s" / "ledger")]
    first = built(ledger, tmp_path / "first")
    surroundings = list(
        itertools.product(
            places,
            ("UTC", "Pacific/Kiritimati", "America/St_Johns"),
            ("C", "C.utf8"),
            ("0", "4242"),
            ("0", "0,1"),
            (0o022, 0o077),
        )
    )
    random.Random(1).shuffle(surroundings)
    for n, (place, *rest) in enumerate(surroundings):
        other = built(place, tmp_path / f"out {n}", *rest)
        assert differing(first, other) == [], (place, rest)
    print(
        f"\nSurroundings: {len(surroundings)} builds, {len(first)} files each, all the same bytes"
    )
