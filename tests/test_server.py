"""The door over HTTP: what it answers, how it is kept, how it ends."""

from __future__ import annotations

import gzip
import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from html import unescape
from pathlib import Path

import httpx
import polars as pl
import psutil
import pytest
from door import Door, open_door, start
from synthetic_release import VERSION, write_release
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from dashboards.explorer.page import CHARTS
from pipelines.fields import RELEASE


def test_the_overview_says_what_it_is_and_links_every_table(door: Door) -> None:
    page = door.get("/")
    assert page.status_code == 200
    assert "facial-recognition" in page.text
    assert VERSION in page.text
    downloads = door.get("/downloads/").text
    for table in RELEASE:
        assert f'href="/data/latest/{table.name}.parquet"' in downloads


@pytest.mark.parametrize("address", ["/nowhere", "/explore/nowhere", "/assets/0/none.js", "/%00"])
def test_an_unknown_address_gets_a_page_that_helps(door: Door, address: str) -> None:
    page = door.get(address)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "There is no such page" in page.text
    assert 'href="/explore"' in page.text


def test_only_reading_is_answered(door: Door) -> None:
    assert httpx.post(door.address + "/").status_code == 405
    assert httpx.head(door.address + "/explore").status_code == 200
    assert httpx.head(door.address + "/data/latest/gaps.csv").status_code == 200


@pytest.mark.parametrize("address", ["/", "/explore", "/nowhere", "/data/latest/gaps.csv"])
def test_every_answer_carries_the_security_headers(door: Door, address: str) -> None:
    headers = door.get(address).headers
    policy = headers["content-security-policy"]
    scripts = re.search(r"script-src ([^;]*)", policy)
    assert scripts
    assert scripts[1] == "'self'"
    assert "default-src 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "referrer-policy" in headers
    assert "server" not in headers


def test_assets_are_compressed_typed_and_kept_for_a_year(door: Door) -> None:
    page = door.get("/explore").text
    assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert len(assets) > 8
    for address in assets:
        answer = door.get(address, headers={"Accept-Encoding": "br"})
        assert answer.headers["content-encoding"] == "br", address
        assert "immutable" in answer.headers["cache-control"]
        if address.endswith(".js"):
            assert answer.headers["content-type"].startswith("text/javascript")
    plain = door.get(assets[0], headers={"Accept-Encoding": "br;q=0, identity"})
    assert "content-encoding" not in plain.headers


def test_gzip_for_whoever_knows_no_brotli(door: Door) -> None:
    answer = door.get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(gzip.compress(answer.content)) == answer.content


def test_tables_are_served_whole_in_part_and_not_again(door: Door, synthetic: Path) -> None:
    file = (synthetic / "latest" / "bounds.parquet").read_bytes()
    whole = door.get("/data/latest/bounds.parquet")
    assert whole.content == file
    assert whole.headers["access-control-allow-origin"] == "*"
    part = door.get("/data/latest/bounds.parquet", headers={"Range": "bytes=4-11"})
    assert part.status_code == 206
    assert part.content == file[4:12]
    again = door.get(
        "/data/latest/bounds.parquet", headers={"If-None-Match": whole.headers["etag"]}
    )
    assert again.status_code == 304
    assert again.content == b""
    assert pl.read_parquet(io.BytesIO(whole.content)).height > 0


def test_a_version_never_changes_and_latest_is_asked_again(door: Door) -> None:
    versioned = door.get(f"/data/{VERSION}/gaps.csv").headers
    assert "immutable" in versioned["cache-control"]
    latest = door.get("/data/latest/gaps.csv").headers
    assert "immutable" not in latest["cache-control"]
    assert latest["content-type"].startswith("text/csv")
    assert versioned["etag"] == latest["etag"]


@pytest.mark.parametrize(
    "address",
    [
        "/data/latest/../../secret.csv",
        "/data/..%2f..%2fetc/passwd",
        "/data/latest/..%2f..%2fsecret.csv",
        "/data/./gaps.csv",
        "/data/2020-01-01-none/gaps.csv",
        "/data/latest/none.parquet",
    ],
)
def test_nothing_outside_a_release_is_served(door: Door, synthetic: Path, address: str) -> None:
    (synthetic.parent / "secret.csv").write_text("secret")
    (synthetic / "secret.csv").write_text("secret")
    answer = door.get(address)
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace(unescape(address), "")


def test_health_names_the_release(door: Door) -> None:
    health = door.get("/healthz")
    assert health.json()["release"] == VERSION
    assert health.json()["explorer"]["state"] == "up"
    assert health.headers["cache-control"] == "no-store"


def _children(door: Door) -> list[psutil.Process]:
    door.explorer()  # answered only once the server is up and has started its child
    return psutil.Process(door.process.pid).children()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Door, Path]]:
    """A server and its releases for tests that would disturb others, in the order they stand in:
    the last one ends it."""
    releases = tmp_path_factory.mktemp("own")
    write_release(releases)
    with open_door(releases) as opened:
        yield opened, releases


def test_a_new_release_is_served_without_a_restart(own: tuple[Door, Path]) -> None:
    door, releases = own
    assert VERSION in door.get("/").text
    newer = "2024-07-31-n3w"
    write_release(releases, newer)
    door.wait_for_release(newer)
    assert newer in door.get("/").text
    assert newer in door.get("/explore").text
    assert door.get("/healthz").json()["release"] == newer
    assert door.get(f"/data/{VERSION}/gaps.csv").status_code == 200


def test_a_dead_explorer_comes_back_and_harms_nothing_else(own: tuple[Door, Path]) -> None:
    door, _ = own
    (child,) = _children(door)
    child.kill()
    assert door.get("/").status_code == 200
    assert door.get("/data/latest/gaps.csv").status_code == 200
    door.wait_for(state="up", restarts=1)
    assert door.get("/explore").status_code == 200


def test_the_explorer_does_not_outlive_a_killed_server(own: tuple[Door, Path]) -> None:
    door, _ = own
    (child,) = _children(door)
    door.process.kill()
    _, alive = psutil.wait_procs([child], timeout=15)
    assert not alive


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_and_its_explorer(synthetic: Path, stop: int) -> None:
    with open_door(synthetic, explorer="starting") as door:
        (child,) = _children(door)
        os.kill(door.process.pid, stop)
        assert door.process.wait(15) == 0
        psutil.wait_procs([child], timeout=5)
        assert not child.is_running()
        assert door.process.stderr
        assert "Traceback" not in door.process.stderr.read()


def _refusal(releases: Path, *options: str, **environment: str) -> str:
    """What `facetally serve` says where it cannot; one line."""
    program = Path(sys.executable).with_name("facetally")
    done = subprocess.run(
        [program, "serve", "--releases", releases, *options],
        env={**os.environ, "COLUMNS": "400", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(said) == 1, said
    return said[0]


def test_a_busy_port_is_one_line(synthetic: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = _refusal(synthetic, "--port", port)
    assert said == f"port {port} on 127.0.0.1 is in use; choose another with --port"


def test_an_address_of_another_machine_is_one_line(synthetic: Path) -> None:
    said = _refusal(synthetic, "--port", "8123", "--host", "192.0.2.1")
    assert said.startswith("port 8123 on 192.0.2.1 cannot be listened on: ")


def test_a_place_too_deep_for_a_socket_is_one_line(synthetic: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 25)
    deep.mkdir()
    said = _refusal(synthetic, "--port", "0", TMPDIR=str(deep))
    assert said.startswith(f"the explorer's socket cannot be in {deep}/")
    assert said.endswith("; set TMPDIR elsewhere")
    assert list(deep.iterdir()) == []


def test_without_a_release_nothing_starts(tmp_path: Path) -> None:
    process = start(tmp_path, 0)
    _, told = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "facetally build" in told


def _stream(door: Door, origin: str | None) -> AbstractContextManager[ClientConnection]:
    """A websocket as the explorer's page opens it: the token of a new session goes along."""
    token = door.get("/explore/session").json()["item"]["token"]
    return connect(
        door.address.replace("http", "ws", 1) + "/explore/ws",
        subprotocols=[Subprotocol("bokeh"), Subprotocol(token)],
        origin=Origin(origin) if origin else None,
        proxy=None,
    )


def test_sessions_and_what_they_hold_are_freed_when_readers_leave(door: Door) -> None:
    number = 16
    door.wait_for(sessions=0, charts=0)
    with ExitStack() as leaving:
        readers = [leaving.enter_context(_stream(door, door.address)) for _ in range(number)]
        for reader in readers:
            reader.recv(timeout=30)
        state = door.explorer()
        assert state["connected"] == number
        assert state["charts"] == state["sessions"] * len(CHARTS)  # type: ignore[operator]
        for reader in readers[::2]:
            # As when a phone loses its network: no closing handshake.
            reader.socket.shutdown(socket.SHUT_RDWR)
    door.wait_for(sessions=0, connected=0, charts=0)


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", None])
def test_other_sites_cannot_open_a_session(door: Door, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused, _stream(door, origin):
        pass
    assert refused.value.response.status_code == 403
