"""Finished answers, kept in memory in every encoding and sent without being made again.

A handler that made something lasting puts it here; from then on the shelf answers that address
before the application sees the request: conditional, partial, compressed. What belongs to a
release leaves the shelf when the release does, and the oldest leave when the room is full.
:func:`reply` is the one place that decides what a request for a finished answer gets; the HTTP
protocol (:mod:`dashboards.lane`) and the application ask it alike.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import zstandard
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboards.headers import ALWAYS, STRICT
from dashboards.releases import latest_path, one_release

ROOM = 96 << 20
"""Bytes of answers kept at most, all encodings together."""
LARGEST = 8 << 20
"""A larger file is read from disk for each reader, and sent as it is."""
OPEN_TO_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Content-Range, Content-Length, Accept-Ranges, Link",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
# The order in which equally welcome encodings are taken.
_ENCODINGS = ("br", "zstd", "gzip")
_LOOK_AGAIN = 0.02
"""Seconds for which a look at the disk counts: a replaced release is noticed after that."""
_Headers = list[tuple[bytes, bytes]]
_Token = tuple[int, int]


@dataclass(frozen=True)
class Head:
    """Status and headers; ``wire`` is both as sent, without the date and the blank line."""

    status: int
    headers: _Headers
    wire: bytes


@dataclass(frozen=True)
class Answer:
    """One finished answer: for each encoding its body and head, and for 304 the latter alone."""

    standing: Path
    token: _Token
    modified: float
    bodies: dict[str, bytes]
    whole: dict[str, Head]
    unchanged: dict[str, Head]
    etags: dict[str, bytes]
    size: int


def finish(
    body: bytes,
    media_type: str,
    standing: Path,
    headers: dict[str, str],
    compress: bool = True,
    modified: float | None = None,
    quickly: bool = False,
) -> Answer:
    """An answer ready to be kept. Compressing takes some 50 ms a megabyte.

    ``standing`` is the directory whose replacement ends it, ``modified`` seconds since 1970.
    ``quickly`` compresses ten times as fast and a tenth worse, for what few will ask for again.
    """
    bodies = {"identity": body}
    if compress and len(body) > 512:
        best = 3 if quickly else 9 if len(body) < 1 << 18 else 6
        bodies["br"] = brotli.compress(body, quality=best)
        bodies["zstd"] = zstandard.compress(body, 3 if quickly else 10)
        bodies["gzip"] = gzip.compress(body, 2 if quickly else 6, mtime=0)
    digest = hashlib.sha256(body).hexdigest()[:24]
    # The release that the answer was made from, though `latest` may have moved meanwhile.
    made_from = latest_path(standing.parent) if standing.name == "latest" else standing
    when = modified if modified is not None else made_from.stat().st_mtime
    shared = {
        "Content-Security-Policy": STRICT,
        **ALWAYS,
        "Last-Modified": formatdate(when, usegmt=True),
        **headers,
    }
    if len(bodies) > 1:
        shared["Vary"] = "Accept-Encoding"
    etags, whole, unchanged = {}, {}, {}
    for encoding, content in bodies.items():
        suffix = "" if encoding == "identity" else f"-{encoding}"
        etags[encoding] = f'"{digest}{suffix}"'.encode()
        mine = {**shared, "ETag": etags[encoding].decode()}
        unchanged[encoding] = _head(304, _raw(mine))
        mine |= {"Content-Type": media_type, "Content-Length": str(len(content))}
        mine |= (
            {"Accept-Ranges": "bytes"} if encoding == "identity" else {"Content-Encoding": encoding}
        )
        whole[encoding] = _head(200, _raw(mine))
    size = sum(len(content) for content in bodies.values())
    return Answer(standing, _token(made_from), when, bodies, whole, unchanged, etags, size)


def _raw(headers: dict[str, str]) -> _Headers:
    return [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]


def _head(status: int, headers: _Headers) -> Head:
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    return Head(status, headers, line + b"".join(b"%b: %b\r\n" % pair for pair in headers))


def _token(standing: Path) -> _Token:
    """What changes when the directory is replaced or a link to it moves."""
    found = os.stat(standing)  # noqa: PTH116 (half the time, on every answer)
    return found.st_ino, found.st_mtime_ns


@dataclass
class Shelf:
    """Answers by path and query, the least recently asked for first out; safe between threads."""

    room: int = ROOM
    _kept: OrderedDict[str, Answer] = field(default_factory=OrderedDict)
    _taken: int = 0
    # By directory: when it was last looked at, and what was seen.
    _seen: dict[Path, tuple[float, _Token | None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # By address: two that share a lock take turns, which harms neither.
    _making: list[threading.Lock] = field(
        default_factory=lambda: [threading.Lock() for _ in range(64)]
    )

    def put(self, address: str, answer: Answer) -> None:
        """Keep an answer under its path, with ``?query`` where there is one."""
        with self._lock:
            self._drop(address)
            self._kept[address] = answer
            self._taken += answer.size
            while self._taken > self.room:
                self._drop(next(iter(self._kept)))

    def once(self, address: str, make: Callable[[], Answer], room: int = LARGEST) -> Answer:
        """The answer, made and kept where it is not; whoever asks meanwhile waits for that one.

        An answer larger than ``room`` is not kept.
        """
        with self._making[hash(address) % len(self._making)]:
            answer = self.find(address)
            if answer is None:
                answer = make()
                if answer.size <= room:
                    self.put(address, answer)
            return answer

    def find(self, address: str) -> Answer | None:
        """The answer, if what it belongs to still stands."""
        answer = self._kept.get(address)
        if answer is None:
            return None
        stands = self._look(answer.standing) == answer.token
        with self._lock:
            if not stands:
                self._drop(address)
                return None
            if address in self._kept:
                self._kept.move_to_end(address)
        return answer

    @property
    def taken(self) -> int:
        """Bytes of all answers kept."""
        return self._taken

    def _look(self, standing: Path) -> _Token | None:
        now = time.monotonic()
        then, token = self._seen.get(standing, (-1.0, None))
        if now - then > _LOOK_AGAIN:
            try:
                token = _token(standing)
            except OSError:
                token = None
            self._seen[standing] = now, token
        return token

    def _drop(self, address: str) -> None:
        gone = self._kept.pop(address, None)
        if gone:
            self._taken -= gone.size


_READ_BY_OTHERS = ("/data/", "/api/", "/embed/", "/oembed")


class FromShelf:
    """ASGI middleware: answers what is on the shelf, hands the rest on.

    It also answers what a browser asks before a script of another site may read. What it hands on
    is answered from one release.
    """

    def __init__(self, app: ASGIApp, shelf: Shelf) -> None:
        self.app = app
        self.shelf = shelf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is not HTTP, not read-only, or not kept."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and scope["path"].startswith(_READ_BY_OTHERS):
            await _preflight()(scope, receive, send)
            return
        if scope["method"] in {"GET", "HEAD"}:
            query = scope["query_string"]
            address = f"{scope['path']}?{query.decode('latin-1')}" if query else scope["path"]
            answer = self.shelf.find(address)
            if answer is not None:
                await send_answer(answer, scope, send)
                return
        with one_release():
            await self.app(scope, receive, send)


class Kept(Response):
    """A response for handlers: sends an answer as the shelf would."""

    def __init__(self, answer: Answer, status: int = 200) -> None:
        super().__init__(status_code=status)
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers GET and HEAD."""
        await send_answer(self.answer, scope, send, self.status_code)


async def send_answer(answer: Answer, scope: Scope, send: Send, status: int = 200) -> None:
    """Whole, in part or 304, as the request asks; another status is always whole."""
    head, body = reply(answer, dict(scope["headers"])) if status == 200 else _said(answer, status)
    await send({"type": "http.response.start", "status": head.status, "headers": head.headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def reply(answer: Answer, asked: dict[bytes, bytes]) -> tuple[Head, bytes]:
    """What a GET with these headers (names in lower case) gets: all of it, one range of the plain
    bytes, or 304. For HEAD the body is left away."""
    part = asked.get(b"range")
    encoding = "identity" if part else _encoding(asked.get(b"accept-encoding", b""), answer)
    if _unchanged(answer, encoding, asked):
        return answer.unchanged[encoding], b""
    head, body = answer.whole[encoding], answer.bodies[encoding]
    if part and asked.get(b"if-range", answer.etags["identity"]) == answer.etags["identity"]:
        return _part(part, head, body)
    return head, body


def _said(answer: Answer, status: int) -> tuple[Head, bytes]:
    return _head(status, answer.whole["identity"].headers), answer.bodies["identity"]


def _unchanged(answer: Answer, encoding: str, asked: dict[bytes, bytes]) -> bool:
    known = asked.get(b"if-none-match")
    if known is not None:
        # Weak comparison: a proxy may have marked the tag.
        etag = answer.etags[encoding]
        return any(t.strip().removeprefix(b"W/") in {etag, b"*"} for t in known.split(b","))
    since = asked.get(b"if-modified-since")
    if since is None:
        return False
    try:
        return int(answer.modified) <= parsedate_to_datetime(since.decode("latin-1")).timestamp()
    except (ValueError, OverflowError):
        return False


def _part(asked: bytes, whole: Head, body: bytes) -> tuple[Head, bytes]:
    """The one range asked for. Several ranges, or what is no range, get everything."""
    found = _RANGE.fullmatch(asked.decode("latin-1").strip())
    if not found or not (found[1] or found[2]):
        return whole, body
    size = len(body)
    if found[1]:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
    else:
        first, last = max(0, size - int(found[2])), size - 1
    if found[1] and found[2] and int(found[2]) < first:
        return whole, body
    others = [pair for pair in whole.headers if pair[0] != b"content-length"]
    if first >= size or last < first:
        told = (b"content-range", f"bytes */{size}".encode())
        return _head(416, [*others, told, (b"content-length", b"0")]), b""
    piece = body[first : last + 1]
    told = (b"content-range", f"bytes {first}-{last}/{size}".encode())
    length = (b"content-length", str(len(piece)).encode())
    return _head(206, [*others, told, length]), piece


def _encoding(accepted: bytes, answer: Answer) -> str:
    if len(answer.bodies) == 1 or not accepted:
        return "identity"
    return preferred(accepted.decode("latin-1"))


@lru_cache(maxsize=512)
def preferred(accepted: str) -> str:
    """The encoding that an Accept-Encoding header welcomes most: br, zstd, gzip or identity."""
    welcome: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, parameter = part.strip().partition(";")
        weight = parameter.strip().removeprefix("q=")
        try:
            welcome[name.strip()] = float(weight) if weight else 1.0
        except ValueError:
            welcome[name.strip()] = 0.0
    weights = {name: welcome.get(name, welcome.get("*", 0.0)) for name in _ENCODINGS}
    best = max(_ENCODINGS, key=lambda name: weights[name])
    return best if weights[best] > 0 else "identity"


def _preflight() -> Response:
    return Response(
        status_code=204,
        headers={
            **OPEN_TO_ALL,
            "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
            "Access-Control-Allow-Headers": "Range, If-None-Match, If-Modified-Since",
            "Access-Control-Max-Age": "86400",
        },
    )
