"""What those who run it rely on: several workers, numbers, a log, and the examples as printed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from door import Door, Wanted, open_door
from prometheus_client.parser import text_string_to_metric_families
from synthetic_release import VERSION, write_release
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from dashboards import assets

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "production"


def _numbers(door: Door) -> dict[str, float]:
    """Every sample by name and labels."""
    found = {}
    for family in text_string_to_metric_families(door.get("/metrics").text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            assert (sample.name, labels) not in found
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def _live(address: str) -> dict[str, object]:
    """Opens a session and its websocket as the explorer's page does; the first message of it."""
    token = httpx.get(f"{address}/explore/session", timeout=30).json()["item"]["token"]
    with connect(
        address.replace("http", "ws", 1) + "/explore/ws",
        subprotocols=[Subprotocol("bokeh"), Subprotocol(token)],
        origin=Origin(address),
        proxy=None,
    ) as stream:
        return dict(json.loads(stream.recv(timeout=30)))


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_workers_share_readers_releases_explorer_and_numbers(tmp_path: Path) -> None:
    write_release(tmp_path)
    with open_door(tmp_path, workers=2) as door:
        children = psutil.Process(door.process.pid).children()
        workers = [c for c in children if "dashboards.workers" in c.cmdline()]
        assert len(workers) == 2
        assert len(children) == 3  # and one explorer
        for _ in range(4):
            # Page, session and websocket may each come to another worker.
            assert _live(door.address)["msgtype"] == "ACK"
        before = _numbers(door)
        for _ in range(30):
            assert door.get("/healthz").status_code == 200
        after = _numbers(door)
        counted = "facetally_requests_total{route=healthz,status=200}"
        assert after[counted] == before[counted] + 30
        workers[0].kill()
        workers[0].wait(10)
        for _ in range(10):
            assert door.get("/").status_code == 200
        deadline = time.monotonic() + 30
        while len(psutil.Process(door.process.pid).children()) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        write_release(tmp_path, "2024-07-31-n3w")
        door.wait_for_release("2024-07-31-n3w")
        time.sleep(0.1)
        for _ in range(10):
            assert "2024-07-31-n3w" in httpx.get(door.address + "/").text
        children = psutil.Process(door.process.pid).children()
        told = [json.loads(line)["event"] for line in door.stop().splitlines()]
        assert door.process.returncode == 0
        _, alive = psutil.wait_procs(children, timeout=5)
        assert not alive
    # It may have been looked at while it was being written.
    told = [event for event in told if event != "release refused"]
    assert told == ["start", "worker ended", "release", "stop"]


def test_every_line_of_the_explorer_is_json() -> None:
    """Its libraries' as well, which else write plain lines; what any reader can cause is left."""
    says = (
        "import logging, dashboards.explorer.__main__; from dashboards import journal\n"
        "journal.configure('explorer')\n"
        "for name in ('bokeh.server.views.ws', 'panel.main'):\n"
        "    logging.getLogger(name).warning('a fault')\n"
        "    logging.getLogger(name).info('a session')\n"
        "    logging.getLogger(name).warning('Failed sending message as connection was closed')\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", says], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == ""
    assert [json.loads(line)["event"] for line in told.stderr.splitlines()] == ["a fault"] * 2


def test_workers_do_not_outlive_a_killed_parent(synthetic: Path) -> None:
    with open_door(synthetic, explorer="starting", workers=2) as door:
        assert door.get("/").status_code == 200
        children = psutil.Process(door.process.pid).children()
        door.process.kill()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive


def test_numbers_tell_of_the_server_and_of_no_reader(door: Door) -> None:
    asked = "/api/v1/gaps?agency=secret-of-a-reader"
    before = _numbers(door)
    for _ in range(3):
        assert door.get(asked).status_code == 400
        assert door.get("/nowhere/secret-of-a-reader").status_code == 404
        assert door.get("/explore").status_code == 200
    after = _numbers(door)
    refused = "facetally_requests_total{route=api,status=400}"
    assert after[refused] - before.get(refused, 0) == 3
    lost = "facetally_requests_total{route=page,status=404}"
    assert after[lost] - before.get(lost, 0) == 3
    timed = "facetally_request_seconds_count{route=api}"
    assert after[timed] - before.get(timed, 0) == 3
    assert after[f"facetally_release_info{{version={VERSION}}}"] == 1
    assert after["facetally_refused_releases{}"] == 0
    assert after["facetally_explorer_up{}"] == 1
    assert 0 < after["facetally_shelf_bytes{}"] < 96 << 20
    assert "secret-of-a-reader" not in door.get("/metrics").text


def test_an_answer_under_way_is_finished_before_the_end(synthetic: Path) -> None:
    """Stopped while a reader takes a large answer slowly: it comes whole."""
    with open_door(synthetic, explorer="none") as door:
        large = assets.address("bokeh.js")
        whole = door.get(large, headers={"Accept-Encoding": "identity"}).content
        host, port = door.address.removeprefix("http://").split(":")
        with socket.socket() as connection:
            connection.settimeout(30)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((host, int(port)))
            connection.sendall(f"GET {large} HTTP/1.1\r\nHost: a.example\r\n\r\n".encode())
            answer = connection.recv(1)
            door.process.send_signal(signal.SIGTERM)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
            answer += b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert body == whole
        told = [json.loads(line) for line in door.stop().splitlines()]
        assert [line["event"] for line in told] == ["start", "stop"]
        assert door.process.returncode == 0


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where programs put temporary files. Not as deep as pytest's own: a socket must fit."""
    with tempfile.TemporaryDirectory() as place:
        monkeypatch.setenv("TMPDIR", place)
        yield Path(place)


def test_stopped_while_it_starts_it_ends_in_order(synthetic: Path, temporary: Path) -> None:
    """Whatever it is preparing just then, what it says is JSON and nothing is left behind."""
    moments: list[tuple[Wanted, float]] = [
        ("none", 0.0),
        ("none", 0.3),
        ("none", 0.4),
        ("starting", 0.6),
    ]
    for explorer, moment in moments:
        with open_door(synthetic, explorer) as door:
            time.sleep(moment)
            said = door.stop()
        assert door.process.returncode == 0, said
        assert {json.loads(line)["event"] for line in said.splitlines()} <= {"start", "stop"}
        assert list(temporary.iterdir()) == []


def test_stopped_as_it_makes_its_directory_it_leaves_none(synthetic: Path, temporary: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from dashboards.server import serve\n"
        "make = os.mkdir\n"
        "def make_and_be_stopped(path, mode=0o777, **more):\n"
        "    make(path, mode, **more)\n"
        "    if Path(path).parent == Path(os.environ['TMPDIR']):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.mkdir = make_and_be_stopped\n"
        "serve(Path(sys.argv[1]), port=0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, synthetic],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert told in ([], ["start", "stop"])
    assert list(temporary.iterdir()) == []


@contextmanager
def _nginx(home: Path, upstream: str) -> Iterator[str]:
    """Debian's nginx with the example site, the ports alone changed."""
    if not shutil.which("nginx"):
        pytest.skip("nginx is missing: apt-get install nginx-light")
    port = _free_port()
    site = (EXAMPLES / "nginx.conf").read_text()
    assert "127.0.0.1:8000" in site
    site = site.replace("127.0.0.1:8000", upstream).replace("127.0.0.1:8470", f"127.0.0.1:{port}")
    (home / "nginx.conf").write_text(
        f"daemon off; pid {home}/pid; error_log {home}/error.log warn; worker_processes 1;\n"
        "events { worker_connections 256; }\nhttp {\naccess_log off;\n"
        + "".join(
            f"{kind}_temp_path {home}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + site
        + "}\n"
    )
    home.chmod(0o755)
    process = subprocess.Popen(["nginx", "-c", str(home / "nginx.conf"), "-p", str(home)])
    try:
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{port}/", timeout=10)
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
    assert not re.search(r"\[(error|crit|alert|emerg)\]", (home / "error.log").read_text())


def test_the_nginx_example_carries_everything(
    door: Door, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("nginx")
    with _nginx(home, door.address.removeprefix("http://")) as address:
        for path in ("/", "/explore", "/data/latest/gaps.csv", "/api/v1/gaps?limit=2"):
            direct, through = door.get(path), httpx.get(address + path, timeout=30)
            assert through.status_code == 200
            assert through.content == direct.content
            assert through.headers["etag"] == direct.headers["etag"]
        part = httpx.get(address + "/data/latest/gaps.csv", headers={"Range": "bytes=0-9"})
        assert (part.status_code, len(part.content)) == (206, 10)
        assert _live(address)["msgtype"] == "ACK"
        assert httpx.get(address + "/metrics").status_code == 404


def test_the_systemd_example_starts_the_program(synthetic: Path) -> None:
    """Its command as written, but for the place of the program, the port and the releases."""
    unit = (EXAMPLES / "facetally.service").read_text()
    found = re.search(r"^ExecStart=(.*)$", unit, re.M)
    assert found
    program, *arguments = shlex.split(found[1])
    assert program == "/srv/facetally/.venv/bin/facetally"
    ours = [sys.executable, str(ROOT / "facetally.py")]
    process = subprocess.Popen(
        [*ours, *arguments, "--port", "0", "--releases", str(synthetic)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        address = re.search(r"http://\S+:\d+", process.stdout.readline())
        assert address
        page = httpx.get(address[0] + "/", timeout=60)
        assert "https://facetally.example/" in page.text
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()


def test_the_image_takes_nothing_that_was_made_on_the_machine() -> None:
    """An environment from here would pass for ready there, and does not run."""
    left_out = (ROOT / ".dockerignore").read_text().split()
    for made in (".venv", ".venv-reader", "data/releases", ".git"):
        assert made in left_out


def test_the_container_file_uses_the_two_commands_that_there_are() -> None:
    """It cannot be built here: its targets exist, and the command that it runs is understood."""
    text = (EXAMPLES / "Containerfile").read_text()
    targets = set(re.findall(r"^RUN make (\w+)$", text, re.M))
    assert targets == {"build"}
    assert "\nbuild: setup" in (ROOT / "Makefile").read_text()
    command = re.search(r"^CMD (\[.*\])$", text, re.M)
    assert command
    program, *arguments = json.loads(command[1])
    assert program == ".venv/bin/facetally"
    told = subprocess.run(
        [sys.executable, str(ROOT / "facetally.py"), *arguments, "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "--workers" in told.stdout
