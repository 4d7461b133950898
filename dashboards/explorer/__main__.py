"""The explorer's own process: Panel's Tornado server on a socket inherited from the door.

Panel under another web framework keeps every session for ever; its own server frees them. Runs
until its standard input ends, so that it never outlives the door that started it.

``/page`` makes pages without a session, ``/explore`` opens one for a page that runs scripts.

    python -m dashboards.explorer RELEASES SOCKET_DESCRIPTOR
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from altair.utils.schemapi import debug_mode
from bokeh.application.handlers import FunctionHandler
from bokeh.protocol.exceptions import ProtocolError
from bokeh.server.connection import ServerConnection
from bokeh.server.contexts import ApplicationContext
from bokeh.server.session import ServerSession
from bokeh.server.tornado import BokehTornado
from bokeh.util.token import get_session_id
from panel.io.application import Application
from panel.io.server import DocHandler
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.web import HTTPError, RequestHandler

from dashboards import journal, releases
from dashboards.explorer import page, rows
from dashboards.explorer.app import PATH, Chart, open_session, query_of
from dashboards.explorer.content import content
from dashboards.explorer.view import View, read

log = structlog.get_logger()
ORIGIN = "explorer.invalid"
MOST = int(os.environ.get("FACETALLY_EXPLORER_SESSIONS", "500"))
"""Sessions open at once."""
# A session whose websocket has not come yet is kept so long: while there is room, and when three
# quarters of it are taken.
_WAITS_SECONDS, _HURRIED_SECONDS = 30, 8
_IDLE_SECONDS, _PAUSE_SECONDS, _READERS_SECONDS = 5.0, 0.03, 1.0


class Bounded(BokehTornado):
    """Holds at most ``MOST`` sessions, for each has charts and tables of its own.

    Only :class:`Opening` opens one; a websocket finds the session that was opened for it.
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.context: ApplicationContext = self._applications[PATH]
        self.turn = asyncio.Lock()
        self._asked = -_IDLE_SECONDS

    @property
    def held(self) -> int:
        """Sessions that are open or being opened."""
        return len(self.context._sessions) + len(self.context._pending_sessions)

    @property
    def has_readers(self) -> bool:
        """Whether somebody is there, or has just asked for something."""
        return self.held > 0 or time.monotonic() - self._asked < _READERS_SECONDS

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        """The handler of a request."""
        self._asked = time.monotonic()
        if request.path == PATH:
            made_with = {"application_context": self.context, "bokeh_websocket_path": f"{PATH}/ws"}
            return self.get_handler_delegate(request, Opening, made_with)
        if request.path == f"{PATH}/ws" and not _known(request, self.context):
            return self.get_handler_delegate(request, Gone)
        return super().find_handler(request, **options)

    def client_lost(self, connection: ServerConnection) -> None:
        """A reader who left does not come back to the session: pages ask for a new one."""
        session = connection.session
        super().client_lost(connection)
        session.request_expiration()

    def log_request(self, handler: RequestHandler) -> None:
        """Tornado would write down what failing requests asked for; the door counts them."""

    async def _cleanup_sessions(self) -> None:
        seconds = _HURRIED_SECONDS if self.held >= 0.75 * MOST else _WAITS_SECONDS
        await self.context._cleanup_sessions(seconds * 1_000)


def _known(request: HTTPServerRequest, context: ApplicationContext) -> bool:
    """Whether a websocket comes for a session that is open."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    try:
        context.get_session(get_session_id(offered[1].strip()))
    except (LookupError, ValueError, TypeError, RecursionError, ProtocolError):
        return False
    return True


class Discreet(RequestHandler):
    """Writes down its faults without what the reader asked for."""

    def log_exception(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind and value and not isinstance(value, HTTPError):
            log.error("request failed", exc_info=(kind, value, traceback))


class Opening(Discreet, DocHandler):
    """``GET /explore?QUERY``: opens a session; 503 where as many are open as fit.

    One at a time, so that none is counted twice or not at all, and so that websockets and changed
    filters get their turn in between.
    """

    async def get_session(self) -> ServerSession:  # type: ignore[override]
        tornado: Bounded = self.application  # type: ignore[assignment]
        # Whoever could choose a session's name could wait in it for the reader of a link.
        for name in ("bokeh-session-id", "bokeh-token"):
            self.request.arguments.pop(name, None)
        async with tornado.turn:
            if tornado.held >= MOST or self._has_left():
                raise HTTPError(503)
            try:
                return await super().get_session()  # type: ignore[misc]
            finally:
                # Left there, one that failed would count for ever.
                tornado.context._pending_sessions.clear()

    def _has_left(self) -> bool:
        connection: Any = self.request.connection
        return bool(connection.stream.closed())


class Gone(RequestHandler):
    """410: the session that the websocket comes for is not open (any more)."""

    def prepare(self) -> None:
        self.send_error(410)


class Sessions(RequestHandler):
    """``GET /sessions``: how many sessions are open, how many of them have a connection, and how
    many charts are held in all (0 without sessions, or something keeps what should be freed)."""

    def get(self) -> None:
        application: BokehTornado = self.application  # type: ignore[assignment]
        sessions = application.get_sessions(PATH)
        connected = sum(session.connection_count > 0 for session in sessions)
        charts = len(Chart.held)
        self.write({"sessions": len(sessions), "connected": connected, "charts": charts})


class Page(Discreet):
    """``GET /page?QUERY``: the page of a view. It opens no session: the page's script does."""

    def initialize(self, path: Path) -> None:
        self._path = path

    def get(self) -> None:
        release = releases.latest(self._path)
        self.set_header("Release", release.version)
        self.write(page.document(release, query_of(self.request.arguments)))


class Rows(Discreet):
    """``GET /rows.csv?QUERY`` and ``GET /compared.csv?QUERY``: the rows behind a view."""

    def initialize(self, path: Path) -> None:
        self._path = path

    def get(self, which: str) -> None:
        release = releases.latest(self._path)
        view, _ = read(query_of(self.request.arguments), release)
        made = rows.compared if which == "compared" else rows.filtered
        self.set_header("Release", release.version)
        self.write(made(release, view))


def main(path: Path, descriptor: int) -> None:
    """Serves the explorer on the inherited listening socket; returns when told to stop."""
    journal.configure("explorer")
    asyncio.set_event_loop(asyncio.new_event_loop())
    loop = IOLoop.current()
    application = Application(
        FunctionHandler(partial(open_session, path=path), trap_exceptions=False)
    )
    tornado = Bounded(
        {PATH: application},
        extra_patterns=[
            ("/sessions", Sessions),
            ("/page", Page, {"path": path}),
            ("/(rows|compared).csv", Rows, {"path": path}),
        ],
        # The door checks readers' origins and speaks to this process under one fixed name.
        extra_websocket_origins=[ORIGIN],
        use_index=False,
        ico_path="none",
        include_headers=[],
        include_cookies=[],
        check_unused_sessions_milliseconds=2_000,
        websocket_max_message_size_bytes=1 << 20,
    )
    server = HTTPServer(tornado)
    server.add_socket(_listening(descriptor))
    tornado.initialize(loop)
    tornado.start()
    loop.call_later(_IDLE_SECONDS, _make_ahead, loop, tornado, path, {})
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: loop.add_callback_from_signal(loop.stop))
    threading.Thread(target=_stop_with_parent, args=(loop,), daemon=True).start()
    # Altair's check of every channel takes longer than the rest; tests draw with it.
    with debug_mode(False):
        loop.start()
    tornado.stop()


def _make_ahead(loop: IOLoop, tornado: Bounded, path: Path, left: dict[Path, list[View]]) -> None:
    """Makes one view of those that readers choose first, then waits; where there are readers, so
    long that all they ask for fits in between.

    Each country, agency and system once; a new release begins anew.
    """
    with contextlib.suppress(releases.NoReleaseError):
        home = releases.latest_path(path)
        if home not in left:
            left.clear()
            left[home] = page.first_choices(releases.latest(path))
        if left[home]:
            view = left[home].pop()
            page.parts(releases.latest(path), content(releases.latest(path), view), view, [])
            pause = _READERS_SECONDS if tornado.has_readers else _PAUSE_SECONDS
            loop.call_later(pause, _make_ahead, loop, tornado, path, left)
            return
    loop.call_later(_IDLE_SECONDS, _make_ahead, loop, tornado, path, left)


def _listening(descriptor: int) -> socket.socket:
    listening = socket.socket(fileno=descriptor)
    listening.setblocking(False)
    return listening


def _stop_with_parent(loop: IOLoop) -> None:
    os.read(0, 1)
    loop.add_callback(loop.stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
