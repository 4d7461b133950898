"""Clients that mean harm, or are merely broken: the door bounds what each can take, and everybody
else is served meanwhile.

The short form runs with all tests; `make torture` runs the long one and prints its counts.
"""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest
import schemathesis
from bokeh.util.token import get_session_id
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

from dashboards import lane, openapi, pace, server
from dashboards.explorer.__main__ import MOST as MOST_SESSIONS
from dashboards.pace import Paced
from dashboards.server import MOST_STREAMS, MOST_STREAMS_OF_ONE
from pipelines.fields import RELEASE

ROOT = Path(__file__).parents[1]
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


@pytest.fixture(scope="module")
def opened_early(door: Door) -> tuple[float, dict[str, Any]]:
    """When a session was opened, and its token and roots."""
    opened = door.get("/explore/session").json()
    return time.monotonic(), opened


def test_a_head_that_does_not_end_is_given_up(door: Door, opened_early: object) -> None:
    taken, _ = _trickle(door, 50)
    assert taken > lane.HEAD_SECONDS - 2


# --- the explorer's websockets and sessions


def _stream_of(door: Door, token: str, named: str = "") -> connect:
    """A websocket as the explorer's page opens it; ``named`` is the reader that a proxy names."""
    return connect(
        door.address.replace("http", "ws", 1) + "/explore/ws",
        subprotocols=[Subprotocol("bokeh"), Subprotocol(token)],
        origin=Origin(door.address),
        additional_headers={"X-Forwarded-For": named} if named else None,
        proxy=None,
        open_timeout=60,
        ping_interval=None,
        max_size=None,
    )


async def _shown(door: Door, opened: dict[str, Any], query: str) -> None:
    """Asks the session for another view through the models that it was opened with."""
    roots = {place: model for model, place in opened["item"]["roots"].items()}
    model = {"id": roots[opened["places"]["synced"]]}
    event = {"kind": "ModelChanged", "model": model, "attr": "query", "new": query}
    async with _stream_of(door, opened["item"]["token"]) as stream, asyncio.timeout(30):
        await stream.recv()
        for part in ({"msgid": "1", "msgtype": "PATCH-DOC"}, {}, {"events": [event]}):
            await stream.send(json.dumps(part))
        while f'"attr":"shown","new":"{query}"' not in str(await stream.recv()):
            pass


def test_a_reader_whose_page_took_long_has_a_live_session(
    door: Door, opened_early: tuple[float, dict[str, Any]]
) -> None:
    """The very session that was opened, not another of its name: its models are in the page."""
    since, opened = opened_early
    time.sleep(max(0.0, since + 12 - time.monotonic()))
    in_a_thread(_shown(door, opened, "country=GB"))


@pytest.mark.torture
def test_many_heads_that_do_not_end(door: Door) -> None:
    before = _memory(door)
    taken, slowest = _trickle(door, 2_000)
    print(f"2,000 slow clients ended after {taken:.0f} s; slowest page {slowest:.2f} s; "
          f"memory {before:.0f} -> {_memory(door):.0f} MB")  # fmt: skip
    assert _memory(door) < before + 150


async def _open_streams(
    door: Door, number: int, token: str, stack: contextlib.AsyncExitStack, named: str = ""
) -> int:
    """Opens idle websockets, a hundred at a time; returns how many the door let in."""
    turns = asyncio.Semaphore(100)

    async def one() -> bool:
        async with turns:
            try:
                await stack.enter_async_context(_stream_of(door, token, named))
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
    assert int(str(small.explorer()["sessions"])) <= 5
    small.wait_for(sessions=0, charts=0)


def test_as_many_sessions_open_as_fit_and_not_one_more(small: Door) -> None:
    small.wait_for(sessions=0)

    async def all_at_once() -> Counter[int]:
        async with httpx.AsyncClient(base_url=small.address, timeout=60) as readers:
            asked = (readers.get(f"/explore/session?country={n}") for n in range(80))
            return Counter(answer.status_code for answer in await asyncio.gather(*asked))

    assert in_a_thread(all_at_once()) == {200: 5, 503: 75}
    assert small.explorer()["sessions"] == 5


def test_an_address_is_written_nowhere(small: Door) -> None:
    """Neither after a storm, nor at the end, nor by the explorer that is busy."""
    reader = {"X-Forwarded-For": "203.0.113.7"}
    asked = [small.get("/explore/session?agency=secret", headers=reader) for _ in range(6)]
    assert asked[-1].status_code == 503
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


def _made_up(**payload: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")


def test_a_made_up_token_opens_nothing(door: Door) -> None:
    before = door.wait_for(sessions=0)

    async def knock(token: str) -> str:
        try:
            async with _stream_of(door, token) as stream:
                return str(await asyncio.wait_for(stream.recv(), 10))
        except (WebSocketException, TimeoutError) as error:
            return type(error).__name__

    later = int(time.time()) + 200
    whole = _made_up(session_id="a" * 44, session_expiry=later)
    for token in ("x", "e30", "bm90IGpzb24", "eyJzZXNzaW9uX2lkIjogIngifQ", whole):
        said = in_a_thread(knock(token))
        assert said.startswith(("Connection", "Invalid")), said
    assert door.explorer() == before


def test_one_address_cannot_take_all_websockets(door: Door) -> None:
    token = door.get("/explore/session").json()["item"]["token"]

    async def trial() -> None:
        async with contextlib.AsyncExitStack() as stack:
            beyond = MOST_STREAMS_OF_ONE + 4
            assert await _open_streams(door, beyond, token, stack, "203.0.113.7") == beyond - 4
            assert await _open_streams(door, 2, token, stack, "203.0.113.8") == 2
        # Whoever closes some may open others.
        for _ in range(50):
            async with contextlib.AsyncExitStack() as stack:
                if await _open_streams(door, 1, token, stack, "203.0.113.7"):
                    return
            await asyncio.sleep(0.1)
        raise AssertionError("none was given back")

    in_a_thread(trial())


@pytest.mark.parametrize("said", ["nothing", "too much"])
def test_a_websocket_that_says_nothing_or_too_much_ends(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reader:
        closed = 0

        async def receive(self) -> dict[str, str]:
            if said == "nothing":
                await asyncio.sleep(60)
            return {"type": "websocket.receive", "text": "x" * 600}

        async def close(self, code: int) -> None:
            self.closed = code

    class Session:
        sent = 0

        async def send(self, text: str) -> None:
            self.sent += len(text)

        def __aiter__(self) -> Session:
            return self

        async def __anext__(self) -> str:
            await asyncio.sleep(60)
            raise StopAsyncIteration

    monkeypatch.setattr(server, "IDLE_STREAM_SECONDS", 0.05)
    reader, session = Reader(), Session()
    in_a_thread(asyncio.wait_for(server._relay(reader, session), 20))  # type: ignore[arg-type]
    assert reader.closed == 1001
    assert session.sent == 0 if said == "nothing" else session.sent <= server.MOST_ASKED + 600


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_cannot_make_its_readers_open_sessions(door: Door, site: str) -> None:
    """As its page would with an image of this address."""
    before = door.explorer()["sessions"]
    answer = door.get("/explore/session", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 403
    assert door.explorer()["sessions"] == before


def test_nobody_can_wait_in_a_session_for_the_reader_of_a_link(door: Door) -> None:
    """A session is shared by all who name it, and what one of them writes all others see."""
    door.wait_for(sessions=0)

    async def trial() -> None:
        async with contextlib.AsyncExitStack() as stack:
            chosen = "chosen-by-somebody-else"
            token = _made_up(session_id=chosen, session_expiry=int(time.time()) + 200)
            sessions = set()
            for name, value in (("bokeh-session-id", chosen), ("bokeh-token", token)):
                for _ in range(2):
                    asked = f"/explore/session?country=GB&{name}={value}"
                    opened = (await asyncio.to_thread(door.get, asked)).json()["item"]["token"]
                    assert await stack.enter_async_context(_stream_of(door, opened))
                    sessions.add(get_session_id(opened))
            assert len(sessions) == 4
            assert chosen not in sessions
            assert (await asyncio.to_thread(door.explorer))["sessions"] == 4

    in_a_thread(trial())


def test_a_session_that_cannot_be_opened_takes_no_place() -> None:
    """More fail than there are places; the next is answered by its fault, not as busy."""
    says = """
import asyncio, os, sys
os.environ["FACETALLY_EXPLORER_SESSIONS"] = "2"
from bokeh.application.handlers import FunctionHandler
from panel.io.application import Application
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.testing import bind_unused_port
from dashboards import journal
from dashboards.explorer.__main__ import PATH, Bounded

def fails(document):
    raise ValueError("no release")

async def trial():
    journal.configure("explorer")
    tornado = Bounded({PATH: Application(FunctionHandler(fails, trap_exceptions=False))})
    server = HTTPServer(tornado)
    listening, port = bind_unused_port()
    server.add_socket(listening)
    tornado.initialize(IOLoop.current())
    for _ in range(4):
        address = f"http://127.0.0.1:{port}{PATH}?agency=secret"
        answer = await AsyncHTTPClient().fetch(address, raise_error=False)
        print(answer.code, tornado.held)

asyncio.run(trial())
"""
    told = subprocess.run(
        [sys.executable, "-c", says], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert told.stdout.split() == ["500", "0"] * 4
    logged = [json.loads(line) for line in told.stderr.splitlines()]
    assert ["ValueError: no release" in line["exception"] for line in logged] == [True] * 4
    assert "secret" not in told.stderr


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
