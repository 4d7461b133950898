"""The HTTP protocol of the door, byte by byte: finished answers given at once are those that the
application gives, and clients that break the rules are ended."""

from __future__ import annotations

import re
import socket
from itertools import count

import pytest
from door import Door
from hypothesis import given, settings
from hypothesis import strategies as st

ADDRESS = "/data/latest/gaps.csv"
_fresh = count()


@pytest.fixture(scope="module")
def kept(door: Door) -> Door:
    """The door with the answers of this module on the shelf."""
    assert door.get(ADDRESS).status_code == 200
    return door


def _connect(door: Door) -> socket.socket:
    host, port = door.address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def _request(line: str, *headers: str) -> bytes:
    return "\r\n".join([line, "Host: facetally.example", *headers, "", ""]).encode("latin-1")


class _Reader:
    """Takes answers from a connection one by one, by their length."""

    def __init__(self, connection: socket.socket) -> None:
        self.stream = connection.makefile("rb")

    def answer(self, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        line = self.stream.readline().decode()
        found = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Z][A-Za-z ]+\r\n", line)
        assert found, line
        headers = {}
        while (line := self.stream.readline().decode("latin-1")) != "\r\n":
            name, _, value = line.partition(": ")
            assert name not in headers, f"{name} is said twice"
            headers[name] = value.removesuffix("\r\n")
        length = int(headers.get("content-length", 0))
        bodiless = method == "HEAD" or found[1] in {"304", "204"}
        return int(found[1]), headers, b"" if bodiless else self.stream.read(length)

    def ended(self) -> bool:
        return self.stream.read(1) == b""


def _ask(door: Door, *requests: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    with _connect(door) as connection:
        for request in requests:
            connection.sendall(request)
        return _Reader(connection).answer(method)


def _at_once(door: Door) -> float:
    """How many answers were given without the application."""
    counts = re.findall(
        r"^facetally_shelf_answers_total{.*} (\S+)$", door.get("/metrics").text, re.M
    )
    return sum(map(float, counts))


def test_a_finished_answer_never_reaches_the_application(kept: Door) -> None:
    before = _at_once(kept)
    for _ in range(5):
        status, headers, body = _ask(kept, _request(f"GET {ADDRESS} HTTP/1.1"))
        assert status == 200
        assert len(body) == int(headers["content-length"]) > 0
        assert headers["date"].endswith(" GMT")
    assert _at_once(kept) >= before + 5


_VALUES = {
    "Accept-Encoding": ["br", "gzip, br", "zstd", "identity", "gzip;q=0", "*", "", "x;q=y"],
    "Range": ["bytes=0-9", "bytes=-5", "bytes=7-", "bytes=99999999-", "lines=1", "bytes=0-1,4-5",
              "bytes=" + "9" * 30 + "-"],
    "If-None-Match": ['"other"', "*", "ETAG", 'W/ETAG, "b"'],
    "If-Range": ['"other"', "ETAG"],
    "If-Modified-Since": ["Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT",
                          "yesterday", "Sun, 31 Dec 9999 23:59:59 -0900"],
    "Referer": ["https://paper.example/"],
}  # fmt: skip
_headers = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in _VALUES.items()}
)


@settings(max_examples=60, deadline=None)
@given(method=st.sampled_from(["GET", "HEAD"]), asked=_headers)
def test_both_ways_give_the_same_answer(kept: Door, method: str, asked: dict[str, str]) -> None:
    """A request that ends its connection goes to the application; otherwise the two are equal."""
    etag = kept.get(ADDRESS, headers={"Accept-Encoding": "identity"}).headers["etag"]
    lines = [f"{name}: {value.replace('ETAG', etag)}" for name, value in asked.items()]
    line = f"{method} {ADDRESS} HTTP/1.1"
    fast = _ask(kept, _request(line, *lines), method=method)
    slow = _ask(kept, _request(line, *lines, "Connection: close"), method=method)
    assert slow[1].pop("connection") == "close"
    for _, headers, _ in (fast, slow):
        del headers["date"]
    assert fast == slow


def test_requests_sent_together_are_answered_in_order(kept: Door) -> None:
    """Finished and unfinished ones mixed: none overtakes another."""
    addresses = [ADDRESS, "/nowhere", ADDRESS, f"/api/v1/gaps?limit=1&low={next(_fresh)}..",
                 ADDRESS, "/healthz"] * 4  # fmt: skip
    with _connect(kept) as connection:
        connection.sendall(b"".join(_request(f"GET {a} HTTP/1.1") for a in addresses))
        reader = _Reader(connection)
        for address in addresses:
            status, headers, body = reader.answer()
            assert status == (404 if address == "/nowhere" else 200)
            kind = headers["content-type"]
            expected = {ADDRESS: "text/csv", "/nowhere": "text/html"}.get(address, "application/")
            assert kind.startswith(expected), address
            assert body


def test_many_large_answers_sent_together_wait_for_their_reader(kept: Door) -> None:
    """More than the buffers hold: the server waits, and every byte arrives."""
    requests = 60
    whole = kept.get("/data/latest/bounds.parquet").content
    with _connect(kept) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(_request("GET /data/latest/bounds.parquet HTTP/1.1") * requests)
        assert kept.get(ADDRESS).status_code == 200  # others are not held up
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        reader = _Reader(connection)
        for _ in range(requests):
            status, _, body = reader.answer()
            assert (status, body) == (200, whole)


def test_a_request_in_pieces_is_one_request(kept: Door) -> None:
    request = _request(f"GET {ADDRESS} HTTP/1.1", "Accept-Encoding: br")
    whole = _ask(kept, request)
    with _connect(kept) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = _Reader(connection)
        for _ in range(2):
            for index in range(len(request)):
                connection.sendall(request[index : index + 1])
            status, headers, body = reader.answer()
            assert (status, headers["etag"], body) == (200, whole[1]["etag"], whole[2])


def test_http_1_0_gets_its_answer_and_the_end(kept: Door) -> None:
    with _connect(kept) as connection:
        connection.sendall(f"GET {ADDRESS} HTTP/1.0\r\n\r\n".encode())
        reader = _Reader(connection)
        status, headers, body = reader.answer()
        assert status == 200
        assert headers["connection"] == "close"
        assert len(body) == int(headers["content-length"])
        assert reader.ended()


def test_a_request_with_a_body_does_not_disturb_the_next(kept: Door) -> None:
    with _connect(kept) as connection:
        connection.sendall(_request(f"GET {ADDRESS} HTTP/1.1", "Content-Length: 5") + b"GET /")
        connection.sendall(_request("GET /nowhere HTTP/1.1"))
        reader = _Reader(connection)
        assert reader.answer()[0] == 200
        assert reader.answer()[0] == 404


@pytest.mark.parametrize(
    "request_",
    [
        b"NONSENSE\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        _request(f"GET {ADDRESS} HTTP/1.1", "Bad Name: 1"),
        _request(f"GET {ADDRESS} HTTP/1.1", "Content-Length: 1", "Content-Length: 2"),
        _request(f"GET {ADDRESS} HTTP/1.1", "Content-Length: 3", "Transfer-Encoding: chunked"),
        _request(f"GET {ADDRESS} HTTP/9.9"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request_is_refused_and_ended(kept: Door, request_: bytes) -> None:
    with _connect(kept) as connection:
        connection.sendall(request_)
        reader = _Reader(connection)
        status, headers, _ = reader.answer()
        assert status == 400
        assert headers["connection"] == "close"
        assert reader.ended()


@pytest.mark.parametrize("where", ["address", "header", "many headers", "without end"])
def test_a_head_too_long_is_refused_and_ended(kept: Door, where: str) -> None:
    filling = "x" * 70_000
    request = {
        "address": _request(f"GET /{filling} HTTP/1.1"),
        "header": _request(f"GET {ADDRESS} HTTP/1.1", f"X-Long: {filling}"),
        "many headers": _request(f"GET {ADDRESS} HTTP/1.1", *["X-More: 1234567"] * 6_000),
        "without end": f"GET {ADDRESS} HTTP/1.1\r\nX-Long: {filling}".encode(),
    }[where]
    with _connect(kept) as connection:
        connection.sendall(request)
        reader = _Reader(connection)
        status, headers, _ = reader.answer()
        assert status == 431
        assert headers["connection"] == "close"
    assert kept.get(ADDRESS).status_code == 200


def test_the_address_is_read_as_the_application_reads_it(kept: Door) -> None:
    """Escaped, with an empty query, with the host before it: the same table."""
    plain = _ask(kept, _request(f"GET {ADDRESS} HTTP/1.1"))[2]
    for address in ("/data/latest/g%61ps.csv", f"{ADDRESS}?", f"http://facetally.example{ADDRESS}"):
        status, _, body = _ask(kept, _request(f"GET {address} HTTP/1.1"))
        assert (status, body) == (200, plain), address
