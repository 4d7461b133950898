"""A reader's machine: other programs, in an environment of their own, ask the door by address.

``make .venv-reader/.ready`` makes that environment from ``tests/reader.lock``; it is made here
where it is missing, and nothing is skipped where it cannot be.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from door import Door
from synthetic_release import NORTH

ROOT = Path(__file__).parents[1]
READER = ROOT / ".venv-reader" / "bin" / "python"

_DUCKDB = """
import json, sys
from importlib.resources import files
import duckdb
con = duckdb.connect(config={"autoinstall_known_extensions": "false"})
held = files("duckdb_extension_httpfs") / "extensions" / f"v{duckdb.__version__}"
con.execute(f"load '{held / 'httpfs.duckdb_extension'}'")
print(json.dumps(con.sql(sys.argv[1]).fetchall(), default=str))
"""
_OEMBED = """
import functools, json, sys
import httpx
from oembedpy import consumer, discovery
httpx.get = functools.partial(httpx.get, timeout=60)
address, asked = discovery.find_from_content(sys.argv[1])
asked.max_width = 400
print(json.dumps(consumer.fetch_content(address, asked).to_dict()))
"""


@pytest.fixture(scope="module")
def reader() -> Path:
    """The Python of a reader's machine."""
    made = subprocess.run(
        ["make", "--silent", ".venv-reader/.ready", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert made.returncode == 0, f"the environment of tests/reader.lock: {made.stderr}"
    return READER


@pytest.fixture
def relay(door: Door) -> Iterator[tuple[str, list[tuple[str, str, str, int, int]]]]:
    """An address that hands everything on to the door, and what was asked: method, path, Range,
    status and bytes."""
    asked: list[tuple[str, str, str, int, int]] = []

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {n: v for n, v in self.headers.items() if n.lower() != "host"}
            answer = httpx.request(self.command, door.address + self.path, headers=headers)
            part = self.headers.get("Range", "")
            said = (self.command, self.path, part, answer.status_code, len(answer.content))
            asked.append(said)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in {"connection", "date", "server"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        do_HEAD = do_GET  # noqa: N815 (what the library calls it)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def _run(reader: Path, script: str, argument: str) -> Any:
    done = subprocess.run(
        [str(reader), "-I", "-c", script, argument], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_duckdb_queries_a_table_by_its_address(
    reader: Path, relay: tuple[str, list[Any]], synthetic: Path
) -> None:
    address, asked = relay
    query = (
        "SELECT period, low::BIGINT, high::BIGINT "
        f"FROM '{address}/data/latest/bounds.parquet' "
        f"WHERE agency_id = '{NORTH[0]}' AND frequency = 'A' AND known_until IS NULL ORDER BY ALL"
    )
    found = [tuple(row) for row in _run(reader, _DUCKDB, query)]
    here = pl.read_parquet(synthetic / "latest" / "bounds.parquet").filter(
        pl.col("agency_id") == NORTH[0],
        pl.col("frequency") == "A",
        pl.col("known_until").is_null(),
    )
    assert found
    assert found == here.select("period", "low", "high").sort("period").rows()
    parts = [row for row in asked if row[0] == "GET"]
    assert parts
    assert all(part.startswith("bytes=") and status == 206 for _, _, part, status, _ in parts)


def test_polars_scans_lazily_by_address(relay: tuple[str, list[Any]], synthetic: Path) -> None:
    address, asked = relay
    lazily = pl.scan_parquet(f"{address}/data/latest/bounds.parquet")
    found = lazily.filter(pl.col("frequency") == "A").select(pl.col("low").sum()).collect().item()
    here = pl.read_parquet(synthetic / "latest" / "bounds.parquet")
    assert found == here.filter(pl.col("frequency") == "A")["low"].sum()
    parts = [row for row in asked if row[0] == "GET"]
    assert parts
    assert all(part.startswith("bytes=") and status == 206 for _, _, part, status, _ in parts)


@pytest.mark.parametrize(
    ("path", "chart"),
    [
        (f"/agencies/{NORTH[0]}/", f"evidence-timeline/{NORTH[0]}"),
        (f"/embed/trend/{'.'.join(NORTH)}.html", f"trend/{'.'.join(NORTH)}"),
    ],
)
def test_an_oembed_consumer_finds_the_chart_of_an_address(
    reader: Path, door: Door, path: str, chart: str
) -> None:
    said = _run(reader, _OEMBED, door.address + path)
    assert (said["type"], said["version"], said["width"]) == ("rich", "1.0", 400)
    assert f'<iframe src="{door.address}/embed/{chart}.html"' in said["html"]
    # A picture wider than asked for is not offered.
    assert said["thumbnail_url"] is None
