"""Moving to another release while readers read: nothing dropped, nothing mixed, nothing damaged."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import time
from collections import Counter
from pathlib import Path

import httpx
import polars as pl
import pytest
from door import Door, open_door
from own_loop import in_a_thread
from synthetic_release import NORTH, VERSION, write_release

NEWER = "2024-07-31-n3w"
_MARKS = {VERSION: 3_100, NEWER: 7_777}
_TREND = f"/embed/trend/{'.'.join(NORTH)}"


def _write_both(releases: Path) -> None:
    """Two synthetic releases that differ in one figure, and in the report that it rests on."""

    def marked(home: Path) -> None:
        north = pl.col("agency_id") == NORTH[0]
        for table, here in (
            ("bounds", north & (pl.col("period") == "2022")),
            ("reports", pl.col("report_id") == "north-2022"),
        ):
            file = home / f"{table}.parquet"
            pl.read_parquet(file).with_columns(
                pl.when(here).then(_MARKS[NEWER]).otherwise(pl.col(name)).alias(name)
                for name in ("low", "high")
            ).write_parquet(file)

    write_release(releases, NEWER, marked)
    write_release(releases)


def _point(releases: Path, version: str) -> None:
    """As a build does: in one step."""
    fresh = releases / ".latest-new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(version)
    fresh.replace(releases / "latest")


def _release_of(address: str, answer: httpx.Response, files: dict[tuple[str, str], bytes]) -> str:
    """The one release that an answer is of; fails where it is of none, or of two."""
    if address.startswith("/data/"):
        name = address.rpartition("/")[2]
        (version,) = (v for v in _MARKS if files[v, name] == answer.content)
        return version
    if address.startswith("/api/"):
        said = answer.json()
        assert {row["low"] for row in said["rows"]} == {_MARKS[said["release"]]}
        return str(said["release"])
    if address.endswith(".json"):
        about = answer.json()["usermeta"]["facetally"]
        figures = json.dumps(about["table"]).replace(",", "")
        shown = [v for v, mark in _MARKS.items() if str(mark) in figures]
        assert shown == [about["release"]]
        return str(about["release"])
    found = set(re.findall(r"2024-\d\d-\d\d-[a-z0-9]{3,}", answer.text)) & _MARKS.keys()
    assert len(found) == 1, (address, found)
    (version,) = found
    if "trend" in address:
        other = (_MARKS.keys() - found).pop()
        assert f"{_MARKS[version]:,}" in answer.text
        assert f"{_MARKS[other]:,}" not in answer.text
    return version


async def _read(
    door: Door, releases: Path, requests: int, every: float
) -> tuple[Counter[tuple[str, str]], int]:
    """Eight readers ask that often in all, while the latest release moves to and fro."""
    files = {
        (v, name): (releases / v / name).read_bytes()
        for v in _MARKS
        for name in ("bounds.json", "bounds.parquet", "datapackage.json")
    }
    fresh = iter(range(1, requests * 2))
    addresses = [
        "/", "/gaps/", f"/agencies/{NORTH[0]}/", "/explore", f"{_TREND}.html", f"{_TREND}.json",
        "/data/latest/bounds.json", "/data/latest/bounds.parquet", "/data/latest/datapackage.json",
        f"/api/v1/bounds?agency={NORTH[0]}&period=2022&frequency=A&columns=low&system_id={NORTH[1]}",
    ]  # fmt: skip
    seen: Counter[tuple[str, str]] = Counter()
    done = asyncio.Event()
    moves = 0

    async def reader(client: httpx.AsyncClient, number: int) -> None:
        for index in range(requests // 8):
            address = addresses[(number + index) % len(addresses)]
            asked = address
            if index % 5 == 0 and address.startswith(("/api", "/embed")):
                # One that is not kept, so it is computed.
                mark = "&limit=" if "?" in address else "?mark="
                asked = f"{address}{mark}{1_000 + next(fresh)}"
            answer = await client.get(asked)
            assert answer.status_code == 200, (asked, answer.status_code)
            seen[address, _release_of(address, answer, files)] += 1

    async def mover() -> None:
        nonlocal moves
        while not done.is_set():
            moves += 1
            _point(releases, (NEWER, VERSION)[moves % 2])
            await asyncio.sleep(every)

    async with httpx.AsyncClient(base_url=door.address, timeout=60) as client:
        moving = asyncio.create_task(mover())
        try:
            await asyncio.gather(*(reader(client, number) for number in range(8)))
        finally:
            done.set()
            await moving
    return seen, moves


def test_readers_see_one_release_or_the_other(tmp_path: Path) -> None:
    _write_both(tmp_path)
    with open_door(tmp_path) as door:
        seen, _ = in_a_thread(_read(door, tmp_path, 400, 0.4))
    for address in {address for address, _ in seen}:
        # Every address was read before and after a move, or the trial tried nothing.
        assert {version for a, version in seen if a == address} == set(_MARKS), (address, seen)


@pytest.mark.torture
@pytest.mark.parametrize("workers", [1, 2])
def test_thousands_of_readings_over_many_moves(tmp_path: Path, workers: int) -> None:
    _write_both(tmp_path)
    with open_door(tmp_path, workers=workers) as door:
        seen, moves = in_a_thread(_read(door, tmp_path, 12_000, 0.5))
    print(f"{workers} workers: {seen.total()} answers over {moves} moves, all of one release each")
    assert seen.total() == 12_000


_DAMAGES = {
    NEWER: ("a flipped bit", "bounds.parquet"),
    "2024-08-31-n3w": ("a missing file", "gaps.csv"),
    "2024-09-30-n3w": ("no description", "datapackage.json"),
}
"""What is wrong with each damaged release, and the file that the refusal names."""


def _damage(home: Path, how: str) -> None:
    if how == "a missing file":
        (home / "gaps.csv").unlink()
    elif how == "no description":
        (home / "datapackage.json").unlink()
    else:
        content = bytearray((home / "bounds.parquet").read_bytes())
        content[len(content) // 2] ^= 1
        (home / "bounds.parquet").write_bytes(content)


def test_a_damaged_release_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    """One damaged release after the other comes to one server, and each is mended."""
    served, built, whole = tmp_path / "served", tmp_path / "built", tmp_path / "whole"
    write_release(served)
    for version, (how, _) in _DAMAGES.items():
        _damage(Path(shutil.copytree(write_release(whole, version), built / version)), how)
    with open_door(served, explorer="none") as door:
        for (version, (how, file)), last in zip(
            _DAMAGES.items(), [VERSION, *_DAMAGES], strict=False
        ):
            before = door.get("/").text
            assert last in before
            (built / version).rename(served / version)
            _point(served, version)
            health = _until(door, lambda health, version=version: version in health["refused"])
            assert health["release"] == last
            assert file in health["refused"][version], how
            assert door.get("/").text == before
            assert door.get("/data/latest/gaps.csv").status_code == 200
            assert door.get(f"/data/{version}/gaps.csv").status_code == 404
            assert "facetally_refused_releases 1.0" in door.get("/metrics").text
            # Mended, it is served without a restart.
            shutil.rmtree(served / version)
            (whole / version).rename(served / version)
            door.wait_for_release(version)
            assert door.get("/healthz").json()["refused"] == {}
        told = [json.loads(line) for line in door.stop().splitlines()]
    events = [line["event"] for line in told]
    assert events == ["start", *["release refused", "release"] * 3, "stop"]
    assert [line["release"] for line in told[1:-1:2]] == list(_DAMAGES)


def _until(door: Door, holds) -> dict:  # type: ignore[no-untyped-def, type-arg]
    for _ in range(200):
        health = door.get("/healthz").json()
        if holds(health):
            return dict(health)
        time.sleep(0.05)
    raise AssertionError(health)


def test_a_server_that_starts_on_a_damaged_release_serves_the_last_sound_one(
    tmp_path: Path,
) -> None:
    write_release(tmp_path)
    _damage(write_release(tmp_path, NEWER), "a flipped bit")
    with open_door(tmp_path, explorer="none") as door:
        health = door.get("/healthz").json()
        assert health["release"] == VERSION
        assert "sha256" in health["refused"][NEWER]


def test_a_release_that_vanishes_stays_whole_for_its_readers(tmp_path: Path) -> None:
    """Deleted, then built anew under the same name: what is served never lacks a file."""
    write_release(tmp_path)
    with open_door(tmp_path, explorer="none") as door:
        shutil.rmtree(tmp_path / VERSION)
        os.sync()
        for table in ("bounds", "gaps", "reports"):
            assert door.get(f"/data/latest/{table}.csv").status_code == 200
        assert door.get("/").status_code == 200
        assert door.get("/healthz").json()["release"] == VERSION
