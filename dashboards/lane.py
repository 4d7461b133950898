"""The HTTP protocol of the door: what lies finished on the shelf is answered at once.

The parser (httptools) reads every request. One that asks for a finished answer and nothing else
gets its bytes straight onto the connection; everything else goes on to the application. What a
request means is decided by :func:`dashboards.shelf.reply` on both ways.

Clients that send or read too slowly, or send heads without end, are ended here too.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dashboards.shelf import Shelf, reply

HEAD_SECONDS = 10.0
"""The longest that a client may take for the head of a request."""
IDLE_SECONDS = 75.0
"""A connection without a request is kept that long; proxies keep theirs for 60."""
READ_SECONDS = 30.0
"""A client that takes nothing of its answer for that long is gone."""
MOST_CONNECTIONS = 8_000
"""Connections open at once, in each worker."""
LONGEST_HEAD = 64 << 10
"""Bytes of a request's address and headers; the explorer's token is one of them."""
_LINGER_SECONDS = 2.0
_MOST_WAITING = 100
# Requests remembered by their bytes, and the longest of them.
_MOST_REMEMBERED = 2_048
_REMEMBERED = 2_048
Simple = tuple[bytes, str, dict[bytes, bytes]]
# Below this size one write of a copy is quicker than a write of two pieces.
_COPIED = 64 << 10
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 37\r\n\r\n"
    b"The head of this request is too long."
)

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 10\r\n"
    b"content-length: 0\r\n\r\n"
)


class Lane(HttpToolsProtocol):
    """One connection. ``shelf`` is set on a subclass for each server."""

    shelf: Shelf
    answered: dict[int, int]
    """How many answers were given at once, by status."""
    known: dict[bytes, Simple]
    """What the parser read in requests that were answered at once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Since when, and up to how many seconds, the client is waited for; 0: it waits for us.
        self.since, self.patience = self.loop.time(), HEAD_SECONDS
        # Bytes of an unfinished head; of what came last, and how many requests began in it.
        self.head = self.came = self.begun = 0
        self.between = True
        self.refused = False
        self.simple: Simple | None = None
        self.unread = (0, 0.0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.write(_FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Reads what came; refuses a head that does not end.

        A request that was answered at once before need not be parsed again: the same bytes at the
        same place say the same thing. What they get is found out anew every time.
        """
        alone = self.between
        if alone and (known := self.known.get(data)) and self._answer_at_once(*known):
            self.since = self.loop.time()
            return
        if self.refused:
            return
        self.came, self.simple = len(data), None
        super().data_received(data)
        if self.head:
            self.head += len(data)
            if self.head > LONGEST_HEAD:
                self.refuse()
        elif alone and self.between and self.begun == 1 and self.simple and len(data) < _REMEMBERED:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known[data] = self.simple
        self.begun = 0

    def on_message_begin(self) -> None:
        """A request begins: from here on its head has limited time."""
        self.url = b""
        self.headers = []
        self.head = 1
        self.begun += 1
        self.between = False
        self.since, self.patience = self.loop.time(), HEAD_SECONDS

    def on_headers_complete(self) -> None:
        """Answers from the shelf, or hands the request to the application."""
        # What came is at least as long as the head in it, so most heads need not be measured.
        came, self.head = self.head + self.came, 0
        if came > LONGEST_HEAD and self._length_of_head() > LONGEST_HEAD:
            self.refuse()
        if self.refused or self.transport.is_closing():
            return
        self.simple = self._simple_request()
        if self.simple and self._answer_at_once(*self.simple):
            self.since, self.patience = self.loop.time(), IDLE_SECONDS
            return
        if len(self.pipeline) > _MOST_WAITING:
            self.transport.close()
            return
        self.since = 0.0
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keeps a header, its name in lower case."""
        self.headers.append((name.lower(), value))

    def _length_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _simple_request(self) -> Simple | None:
        """Method, address and headers of a request that may ask for no more than a finished
        answer and keeps its connection; None for any other."""
        url, parser = self.url, self.parser
        method = parser.get_method()
        if method not in {b"GET", b"HEAD"} or parser.get_http_version() != "1.1":
            return None
        if parser.should_upgrade() or not parser.should_keep_alive():
            return None
        # Escapes, fragments and whole addresses are for the application to read.
        if url[:1] != b"/" or not url.isascii() or b"%" in url or b"#" in url:
            return None
        asked = dict(self.headers)
        return (method, url.decode(), asked) if asked.keys().isdisjoint(_NOT_SIMPLE) else None

    def _answer_at_once(self, method: bytes, address: str, asked: dict[bytes, bytes]) -> bool:
        """Sends the finished answer, if there is one and nothing is to be sent before it."""
        if (self.cycle and not self.cycle.response_complete) or self.flow.write_paused:
            return False
        answer = self.shelf.find(address)
        if answer is None:
            return False
        head, body = reply(answer, asked)
        start = b"%bdate: %b\r\n\r\n" % (head.wire, self.server_state.default_headers[0][1])
        if method == b"HEAD" or not body:
            self.transport.write(start)
        elif len(body) < _COPIED:
            self.transport.write(start + body)
        else:
            self.transport.writelines((start, body))
        self.answered[head.status] = self.answered.get(head.status, 0) + 1
        return True

    def on_body(self, body: bytes) -> None:
        """A body has a request that the application got."""
        if self.cycle:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """What was answered at once is over already."""
        self.between = True
        if self.cycle:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The application is done; the connection waits for the next request."""
        if not self.pipeline:
            self.since, self.patience = self.loop.time(), IDLE_SECONDS
        super().on_response_complete()

    def refuse(self) -> None:
        """Says 431 and no more. What still comes is read and dropped for a moment: a connection
        that ends with unread bytes is reset, and its client never reads why."""
        if not self.refused and not self.transport.is_closing():
            self.refused = True
            self.transport.write(_TOO_LONG)
            self.transport.write_eof()
            self.since, self.patience = self.loop.time(), _LINGER_SECONDS

    def look(self, now: float) -> None:
        """Ends the connection if its client has been waited for too long."""
        if self.since and now - self.since > self.patience:
            self.transport.close()
        size = self.transport.get_write_buffer_size()
        if size != self.unread[0]:
            self.unread = size, now
        elif size and now - self.unread[1] > READ_SECONDS:
            self.transport.abort()


# A body, or more to say before one.
_NOT_SIMPLE = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})


async def watch(connections: set[Any]) -> None:
    """Looks at every connection once a second, until cancelled."""
    while True:
        await asyncio.sleep(1.0)
        now = asyncio.get_running_loop().time()
        for connection in list(connections):
            if isinstance(connection, Lane):
                with contextlib.suppress(RuntimeError, AttributeError):
                    connection.look(now)
