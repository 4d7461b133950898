"""Clients that mean harm, or are merely broken: the door bounds what each can take, and everybody
else is served meanwhile.

The short form runs with all tests; `make torture` runs the long one and prints its counts.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import pytest
import schemathesis
from door import Door, open_door
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from own_loop import in_a_thread
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from synthetic_release import write_release
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

from dashboards import lane, openapi, pace
from dashboards.explorer.__main__ import MOST as MOST_SESSIONS
from dashboards.pace import Paced
from dashboards.server import MOST_STREAMS
from pipelines.fields import RELEASE

_INJECTIONS = [
    "' OR 1=1 --", "1; DROP TABLE bounds", "\" UNION SELECT * FROM read_csv('/etc/passwd')",
    "${jndi:ldap://x}", "../../../../etc/passwd", "<script>alert(1)</script>", "\x00", "%00",
    "'||(SELECT getenv('HOME'))||'", "9" * 190, "-1", "1e309", "NaN", "\u202e\u0000\U0001f600",
]  # fmt: skip


def _address(door: Door) -> tuple[str, int]:
    host, port = door.address.removeprefix("http://").split(":")
    return host, int(port)


def _memory(door: Door) -> float:
    """Of the server and its children, in megabytes."""
    server = psutil.Process(door.process.pid)
    return sum(p.memory_info().rss for p in [server, *server.children()]) / (1 << 20)


# --- what an address may hold


@pytest.mark.parametrize(
    "path",
    [
        "/data/latest/../../../../etc/passwd", "/data/latest/..%2f..%2f..%2fetc%2fpasswd",
        "/data/..%5c..%5cetc/passwd", "/data/latest/%2e%2e/%2e%2e/state.json",
        "/data/../state.json",
        "/data/.0/gaps.csv", "/data/latest/.", "/assets/../server.py", "/assets/..%2fserver.py",
        "/embed/../../etc/passwd.html", "/embed/trend/..%2f..%2fetc%2fpasswd.json",
        "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/agencies/..%2f..%2fetc/",
        "/data/latest/gaps.csv%00.html", "/\\..\\..\\etc\\passwd",
    ],
)  # fmt: skip
def test_no_path_leads_out(door: Door, path: str) -> None:
    """Sent as written: clients of good manners would shorten them."""
    with socket.create_connection(_address(door), timeout=30) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.match(rb"HTTP/1\.1 (400|404|308) ", answer), answer[:200]
    assert b"root:" not in answer
    assert b"import " not in answer


@pytest.mark.parametrize("table", ["bounds", "reports"])
def test_sql_in_every_parameter_stays_text(door: Door, table: str) -> None:
    described = openapi.describe()["paths"][f"/api/v1/{table}"]["get"]["parameters"]
    whole = len(door.get(f"/api/v1/{table}?known_on=always").json()["rows"])
    with httpx.Client(base_url=door.address, timeout=30) as client:
        for parameter in described:
            for text in _INJECTIONS:
                answer = client.get(f"/api/v1/{table}?{parameter['name']}={quote(text)}")
                assert answer.status_code in {200, 400}, (parameter["name"], text, answer.text)
                assert "Traceback" not in answer.text
                if answer.status_code == 200 and "json" in answer.headers["content-type"]:
                    assert len(answer.json()["rows"]) <= whole
                if answer.status_code == 400:
                    assert answer.json()["problems"]
    assert len(door.get(f"/api/v1/{table}?known_on=always").json()["rows"]) == whole


@given(text=st.text(max_size=300), path=st.sampled_from(["/explore", "/api/v1/gaps", "/oembed",
       "/embed/build", "/embed/gap-matrix/all.html"]))  # fmt: skip
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_query_is_answered_or_refused(door: Door, path: str, text: str) -> None:
    answer = door.get(f"{path}?agency={quote(text)}&{quote(text, safe='=&')}")
    assert answer.status_code < 500, (path, text)
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", ["/explore", "/api/v1/gaps", "/explore/session", "/oembed"])
def test_an_oversized_query_is_refused(door: Door, path: str) -> None:
    assert door.get(f"{path}?url={'x' * 9_000}").status_code in {400, 404, 414}


# --- the query interface against its own description


def _conforms(door: Door, examples: int) -> int:
    schema = schemathesis.openapi.from_url(f"{door.address}/api/v1/openapi.json")
    tried = 0
    for operation in schema.get_all_operations():

        @given(case=operation.ok().as_strategy())
        @settings(max_examples=examples, deadline=None, derandomize=True, database=None,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        def conforms(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            response = case.call(base_url=door.address)
            # Not every text that is one is an id of some row; the schema cannot say which are.
            case.validate_response(response, excluded_checks=[positive_data_acceptance])

        conforms()
    return tried


def test_answers_are_those_that_the_description_promises(door: Door) -> None:
    assert _conforms(door, 2) >= len(RELEASE)


@pytest.mark.torture
def test_answers_are_those_that_the_description_promises_at_length(door: Door) -> None:
    print(f"{_conforms(door, 100)} requests made from the OpenAPI description, all as described")


# --- who asks too much


def test_a_reader_who_asks_too_much_waits_and_nobody_else_does() -> None:
    """Only computed answers count, and only for the one that a proxy on this machine names."""

    def refuse(_request: Request) -> Response:
        return Response("too often", 429)

    app = ProxyHeadersMiddleware(Paced(PlainTextResponse("answer"), refuse))

    async def ask(client: str, path: str, named: str | None = None, times: int = 1) -> Counter[int]:
        transport = httpx.ASGITransport(app, client=(client, 1))
        headers = {"X-Forwarded-For": named} if named else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://a.example") as asking:
            got = [await asking.get(path, headers=headers) for _ in range(times)]
        return Counter(answer.status_code for answer in got)

    async def trial() -> None:
        # Addresses of documentation. What a reader adds itself stands left of what the proxy adds.
        reader, other = "198.51.100.1, 203.0.113.7", "203.0.113.7, 198.51.100.1"
        asked = await ask("127.0.0.1", "/api/v1/gaps", reader, pace.A_MINUTE + 5)
        assert asked == {200: pace.A_MINUTE, 429: 5}
        for path in ("/api/v1/gaps", "/embed/a/b.html", "/oembed", "/explore/session"):
            assert await ask("127.0.0.1", path, reader) == {429: 1}, path
        for path in ("/", "/gaps/", "/data/latest/gaps.csv", "/assets/0/site.css", "/healthz"):
            assert await ask("127.0.0.1", path, reader) == {200: 1}, path
        assert await ask("127.0.0.1", "/api/v1/gaps", other) == {200: 1}
        assert await ask("127.0.0.1", "/api/v1/gaps", times=pace.A_MINUTE + 5) == {
            200: pace.A_MINUTE + 5
        }
        # Who is no proxy of this machine cannot name another.
        assert await ask("203.0.113.7", "/api/v1/gaps", other) == {429: 1}
        network = await ask("2001:db8::1", "/api/v1/gaps", times=pace.A_MINUTE)
        assert network == {200: pace.A_MINUTE}
        assert await ask("2001:db8::2", "/api/v1/gaps") == {429: 1}
        assert await ask("2001:db8:0:1::1", "/api/v1/gaps") == {200: 1}

    in_a_thread(trial())


# --- slow clients


@contextlib.contextmanager
def _slow_clients(door: Door, number: int) -> Iterator[list[socket.socket]]:
    """Connections that have sent the beginning of a request, and go on a byte a second."""
    clients = []
    try:
        for _ in range(number):
            clients.append(socket.create_connection(_address(door), timeout=5))
            clients[-1].sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Slow: ")
        yield clients
    finally:
        for client in clients:
            client.close()


def _ended(client: socket.socket) -> bool:
    try:
        client.sendall(b"x")
        client.setblocking(False)
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _trickle(door: Door, number: int) -> tuple[float, float]:
    """How long until all were ended, in seconds, and the slowest page meanwhile."""
    slowest = 0.0
    with _slow_clients(door, number) as clients:
        begun = time.monotonic()
        while clients_left := [c for c in clients if not _ended(c)]:
            asked = time.monotonic()
            assert door.get("/").status_code == 200
            slowest = max(slowest, time.monotonic() - asked)
            taken = time.monotonic() - begun
            assert taken < lane.HEAD_SECONDS + 15, f"{len(clients_left)} are still open"
            time.sleep(1)
        return time.monotonic() - begun, slowest


def test_a_head_that_does_not_end_is_given_up(door: Door) -> None:
    taken, _ = _trickle(door, 50)
    assert taken > lane.HEAD_SECONDS - 2


@pytest.mark.torture
def test_many_heads_that_do_not_end(door: Door) -> None:
    before = _memory(door)
    taken, slowest = _trickle(door, 2_000)
    print(f"2,000 slow clients ended after {taken:.0f} s; slowest page {slowest:.2f} s; "
          f"memory {before:.0f} -> {_memory(door):.0f} MB")  # fmt: skip
    assert _memory(door) < before + 150


# --- the explorer's websockets and sessions


async def _open_streams(
    door: Door, number: int, token: str, stack: contextlib.AsyncExitStack
) -> int:
    """Opens idle websockets, a hundred at a time; returns how many the door let in."""
    turns = asyncio.Semaphore(100)

    async def one() -> bool:
        async with turns:
            try:
                await stack.enter_async_context(
                    connect(
                        door.address.replace("http", "ws", 1) + "/explore/ws",
                        subprotocols=[Subprotocol("bokeh"), Subprotocol(token)],
                        origin=Origin(door.address),
                        proxy=None,
                        open_timeout=60,
                        ping_interval=None,
                    )
                )
            except (OSError, WebSocketException, TimeoutError):
                return False
            return True

    return sum(await asyncio.gather(*(one() for _ in range(number))))


async def _idle(door: Door, number: int) -> tuple[int, int, float]:
    token = door.get("/explore/session").json()["item"]["token"]
    async with contextlib.AsyncExitStack() as stack:
        let_in = await _open_streams(door, number, token, stack)
        asked = time.monotonic()
        for path in ("/", "/data/latest/gaps.csv", "/api/v1/gaps?limit=3"):
            answer = await asyncio.to_thread(door.get, path)
            assert answer.status_code == 200
        taken = time.monotonic() - asked
        health = await asyncio.to_thread(door.explorer)
        return let_in, int(str(health["sessions"])), taken


def test_idle_websockets_hold_nobody_up(door: Door) -> None:
    door.wait_for(sessions=0)
    let_in, sessions, _ = in_a_thread(_idle(door, 60))
    assert (let_in, sessions) == (60, 1)
    door.wait_for(sessions=0, charts=0)


@pytest.mark.torture
def test_two_thousand_idle_websockets(synthetic: Path) -> None:
    with open_door(synthetic) as door:
        before = _memory(door)
        let_in, sessions, taken = in_a_thread(_idle(door, 2_000))
        print(f"2,000 websockets: {let_in} let in, {sessions} sessions; three answers in "
              f"{taken:.2f} s; memory {before:.0f} -> {_memory(door):.0f} MB")  # fmt: skip
        assert 0 < let_in <= MOST_STREAMS
        door.wait_for(sessions=0, charts=0)
        assert door.get("/explore/session").status_code == 200


def _storm(door: Door, seconds: float) -> Counter[int]:
    """Sixteen readers reload the explorer without a pause; a session is opened for each."""
    ends = time.monotonic() + seconds

    def reload(_: int) -> Counter[int]:
        answers: Counter[int] = Counter()
        with httpx.Client(base_url=door.address, timeout=90) as client:
            while time.monotonic() < ends:
                answer = client.get("/explore/session")
                answers[answer.status_code] += 1
                if answer.status_code == 503:
                    assert int(answer.headers["retry-after"]) > 0
                    assert "The explorer is busy" in answer.text
        return answers

    with concurrent.futures.ThreadPoolExecutor(16) as readers:
        stormed = [readers.submit(reload, n) for n in range(16)]
        while not all(done.done() for done in stormed):
            assert door.get("/").status_code == 200
            assert door.get("/explore").status_code == 200
            time.sleep(0.5)
        return sum((done.result() for done in stormed), Counter())


@pytest.fixture(scope="module")
def small(synthetic: Path) -> Iterator[Door]:
    """A server whose explorer has room for five sessions; the last test that takes it ends it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FACETALLY_EXPLORER_SESSIONS", "5")
        with open_door(synthetic) as opened:
            yield opened


def test_a_full_explorer_says_so_and_recovers(small: Door) -> None:
    answers = _storm(small, 2)
    assert answers[200] >= 5
    assert answers[503] > 0
    # Those that the sixteen readers asked for at the same moment may come on top.
    assert int(str(small.explorer()["sessions"])) <= 5 + 16
    small.wait_for(sessions=0, charts=0)
    assert small.get("/explore/session").status_code == 200


def test_an_address_is_written_nowhere(small: Door) -> None:
    """Neither after a storm, nor at the end."""
    reader = {"X-Forwarded-For": "203.0.113.7"}
    for path in ("/api/v1/gaps?low=secret", "/nowhere", "/", "/embed/no/no.html"):
        small.get(path, headers=reader)
    told = small.get("/metrics").text + small.get("/healthz").text + small.stop()
    assert "203.0.113" not in told
    assert "secret" not in told


@pytest.mark.torture
def test_a_reload_storm_is_bounded(synthetic: Path) -> None:
    with open_door(synthetic) as door:
        before = _memory(door)
        answers = _storm(door, 60)
        most = _memory(door)
        door.wait_for(sessions=0, charts=0, timeout=120)
        print(f"reload storm of 60 s: {dict(answers)}; memory {before:.0f} -> {most:.0f} MB, "
              f"{_memory(door):.0f} MB when the readers had left")  # fmt: skip
        assert set(answers) <= {200, 503}
        assert most < before + 4 * MOST_SESSIONS


def test_a_made_up_token_opens_nothing(door: Door) -> None:
    door.wait_for(sessions=0)

    async def knock(token: str) -> str:
        address = door.address.replace("http", "ws", 1) + "/explore/ws"
        try:
            async with connect(
                address,
                subprotocols=[Subprotocol("bokeh"), Subprotocol(token)],
                origin=Origin(door.address),
                proxy=None,
            ) as stream:
                return str(await asyncio.wait_for(stream.recv(), 10))
        except (WebSocketException, TimeoutError) as error:
            return type(error).__name__

    for token in ("x", "e30", "bm90IGpzb24", "eyJzZXNzaW9uX2lkIjogIngifQ"):
        said = in_a_thread(knock(token))
        assert said.startswith(("Connection", "Invalid")), said
    assert door.get("/explore/session").status_code == 200


def test_the_database_reaches_nothing_outside(tmp_path: Path) -> None:
    """Should a statement ever be smuggled in: no file, no network, no setting."""
    import duckdb

    from dashboards.api import _database

    home = write_release(tmp_path)
    con = _database(home, 0)
    for statement in (
        "select * from read_csv('/etc/passwd')",
        f"copy gaps to '{tmp_path}/out.csv'",
        "install httpfs",
        "set enable_external_access = true",
        f"attach '{tmp_path}/x.db' as x",
        "select getenv('HOME')",
    ):
        with pytest.raises(duckdb.Error):
            con.cursor().execute(statement)
    assert not (tmp_path / "out.csv").exists()


def test_headers_of_pages_embeds_and_the_explorer(door: Door) -> None:
    """Frames are for embeds alone, and no page lets a script stand within it."""
    charts = door.get("/embed/index.json").json()["charts"]
    for path in ("/", "/explore", "/api/", "/downloads/", "/nowhere", charts[0]["html"]):
        headers = door.get(path).headers
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in headers["content-security-policy"].split(";")
            if part.strip()
        )
        assert "unsafe-inline" not in policy.get("script-src", policy["default-src"]), path
        assert "unsafe-eval" not in headers["content-security-policy"], path
        framed = policy.get("frame-ancestors", "*")
        assert framed == ("*" if path.startswith("/embed/") else "'self'"), path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"]
