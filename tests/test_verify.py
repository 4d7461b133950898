"""A release that was tampered with is found out."""

from __future__ import annotations

import random
import shutil
from datetime import date
from pathlib import Path

import pytest
from random_ledger import random_ledger

from pipelines.release import build
from pipelines.verify import verify_files

AS_OF = date(2024, 6, 30)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second release of a made-up ledger: it has news about the first."""
    place = tmp_path_factory.mktemp("whole")
    ledger = random_ledger(3, agencies=12)
    for day in (date(2021, 1, 1), AS_OF):
        home = build(ledger.write(place / "ledger"), place / "releases", day)
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    """A copy to tamper with, the release before it beside it."""
    shutil.copytree(whole.parent, tmp_path / "releases", symlinks=True)
    return tmp_path / "releases" / whole.name


def test_a_whole_release_has_no_fault(home: Path) -> None:
    assert verify_files(home) == []


def test_every_flipped_byte_is_found(home: Path) -> None:
    dice = random.Random(1)
    for path in sorted(home.iterdir()):
        if path.name in {"CHANGES.md", "changes.json"}:
            continue
        content = path.read_bytes()
        for _ in range(3):
            place = dice.randrange(len(content))
            flipped = bytes([content[place] ^ 1 << dice.randrange(8)])
            path.write_bytes(content[:place] + flipped + content[place + 1 :])
            assert verify_files(home), (path.name, place)
        path.write_bytes(content)
    assert verify_files(home) == []


@pytest.mark.parametrize("harm", ["missing", "empty", "cut", "longer"])
def test_every_file_that_is_not_whole_is_named(home: Path, harm: str) -> None:
    for path in sorted(home.iterdir()):
        content = path.read_bytes()
        if path.name in {"CHANGES.md", "changes.json"} and harm != "missing":
            continue
        match harm:
            case "missing":
                path.unlink()
            case "empty":
                path.write_bytes(b"")
            case "cut":
                path.write_bytes(content[: len(content) // 2])
            case "longer":
                path.write_bytes(content + b"\n")
        assert path.name in {fault.file for fault in verify_files(home)}, path.name
        path.write_bytes(content)
