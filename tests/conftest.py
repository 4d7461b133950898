"""Fixtures that several test modules share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, open_browser
from door import Door, open_door
from synthetic_release import write_release


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of releases that holds the synthetic one."""
    releases = tmp_path_factory.mktemp("releases")
    write_release(releases)
    return releases


@pytest.fixture(scope="session")
def door(synthetic: Path) -> Iterator[Door]:
    """A server of the synthetic release, explorer included."""
    with open_door(synthetic) as opened:
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless; tests that need it are skipped where it is missing."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: no browser to test with")
    with open_browser() as opened:
        yield opened
