"""A running server for tests, on a port of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

Wanted = Literal["up", "starting", "none"]
"""Of the explorer."""

_SERVE = (
    "import sys; from pathlib import Path; from dashboards.server import serve; "
    "serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]), None, int(sys.argv[3]))"
)
# Its process takes seconds to start, and so do its scripts to compress, of a processor that other
# tests need.
_NO_EXPLORER = (
    "from dashboards import assets; "
    "from dashboards.explorer.process import Explorer, ExplorerProcess; "
    "ExplorerProcess.start = Explorer.start; assets.prepare = lambda ended: None; "
)


@dataclass
class Door:
    """A server in a process of its own."""

    address: str
    process: subprocess.Popen[str]

    def get(self, path: str, **options: object) -> httpx.Response:
        """GET, without following redirects."""
        # Without this, each call would read the machine's certificates, on loopback for nothing.
        options = {"timeout": 60, "verify": False, **options}
        return httpx.get(self.address + path, **options)  # type: ignore[arg-type]

    def explorer(self) -> dict[str, object]:
        """What /healthz says of the explorer."""
        return dict(self.get("/healthz").json()["explorer"])

    def wait_for(self, timeout: float = 180, **expected: object) -> dict[str, object]:
        """Until /healthz says these things of the explorer; fails after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            state = self.explorer()
            if all(state.get(name) == value for name, value in expected.items()):
                return state
            assert time.monotonic() < deadline, f"still {state}, expected {expected}"
            time.sleep(0.2)

    def wait_for_release(self, version: str, timeout: float = 90) -> None:
        """Until /healthz names that release, verified and served."""
        deadline = time.monotonic() + timeout
        while (health := self.get("/healthz").json())["release"] != version:
            assert time.monotonic() < deadline, f"still {health}, expected {version}"
            time.sleep(0.05)

    def stop(self) -> str:
        """Ends the server in order and returns what it wrote to standard error."""
        self.process.terminate()
        _, told = self.process.communicate(timeout=60)
        return told


@contextmanager
def open_door(releases: Path, explorer: Wanted = "up", workers: int = 1) -> Iterator[Door]:
    """Serves the releases on an ephemeral port until the block ends.

    ``explorer``: wait until it is ready, or while it is starting do not, or have none.
    """
    process = start(releases, 0, workers, explorer)
    try:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://\S+:\d+", line)
        assert found, f"the server did not start: {line}{process.stderr and process.stderr.read()}"
        door = Door(found[0], process)
        if explorer == "up":
            door.wait_for(state="up")
        yield door
    finally:
        process.terminate()
        process.wait(60)


def start(
    releases: Path, port: int, workers: int = 1, explorer: Wanted = "starting"
) -> subprocess.Popen[str]:
    """The server's process, as started by the command line."""
    program = _NO_EXPLORER + _SERVE if explorer == "none" else _SERVE
    return subprocess.Popen(
        [sys.executable, "-c", program, str(releases), str(port), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
