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
from functools import partial
from pathlib import Path
from typing import Any

from altair.utils.schemapi import debug_mode
from bokeh.application.handlers import FunctionHandler
from bokeh.protocol.exceptions import ProtocolError
from bokeh.server.contexts import ApplicationContext
from bokeh.server.tornado import BokehTornado
from bokeh.util.token import get_session_id
from panel.io.application import Application
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.web import RequestHandler

from dashboards import journal, releases
from dashboards.explorer import page, rows
from dashboards.explorer.app import PATH, Chart, open_session, query_of
from dashboards.explorer.content import content
from dashboards.explorer.view import View, read

ORIGIN = "explorer.invalid"
MOST = int(os.environ.get("FACETALLY_EXPLORER_SESSIONS", "500"))
"""Sessions open at once."""
_UNUSED_SECONDS = 8
_IDLE_SECONDS, _PAUSE_SECONDS = 5.0, 0.03


class Bounded(BokehTornado):
    """Opens no session beyond ``MOST``: each holds charts and tables of its own."""

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        """The handler of a request; of one more session, the one that says busy."""
        if request.path in {PATH, f"{PATH}/ws"}:
            context = self._applications[PATH]
            held = len(context._sessions) + len(context._pending_sessions)
            if held >= MOST and not _known(request, context):
                return self.get_handler_delegate(request, Busy)
        return super().find_handler(request, **options)


def _known(request: HTTPServerRequest, context: ApplicationContext) -> bool:
    """Whether a websocket comes for a session that is open."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    try:
        context.get_session(get_session_id(offered[1].strip()))
    except (LookupError, ValueError, TypeError, RecursionError, ProtocolError):
        return False
    return True


class Busy(RequestHandler):
    """503: as many sessions are open as fit."""

    def prepare(self) -> None:
        self.send_error(503)


class Sessions(RequestHandler):
    """``GET /sessions``: how many sessions are open, how many of them have a connection, and how
    many charts are held in all (0 without sessions, or something keeps what should be freed)."""

    def get(self) -> None:
        application: BokehTornado = self.application  # type: ignore[assignment]
        sessions = application.get_sessions(PATH)
        connected = sum(session.connection_count > 0 for session in sessions)
        charts = len(Chart.held)
        self.write({"sessions": len(sessions), "connected": connected, "charts": charts})


class Page(RequestHandler):
    """``GET /page?QUERY``: the page of a view. It opens no session: the page's script does."""

    def initialize(self, path: Path) -> None:
        self._path = path

    def get(self) -> None:
        release = releases.latest(self._path)
        self.set_header("Release", release.version)
        self.write(page.document(release, query_of(self.request.arguments)))


class Rows(RequestHandler):
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
        unused_session_lifetime_milliseconds=_UNUSED_SECONDS * 1_000,
        websocket_max_message_size_bytes=1 << 20,
    )
    server = HTTPServer(tornado)
    server.add_socket(_listening(descriptor))
    tornado.initialize(loop)
    tornado.start()
    loop.call_later(_IDLE_SECONDS, _make_ahead, loop, path, {})
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: loop.add_callback_from_signal(loop.stop))
    threading.Thread(target=_stop_with_parent, args=(loop,), daemon=True).start()
    # Altair's check of every channel takes longer than the rest; tests draw with it.
    with debug_mode(False):
        loop.start()
    tornado.stop()


def _make_ahead(loop: IOLoop, path: Path, left: dict[Path, list[View]]) -> None:
    """Makes one view of those that readers choose first, then waits: a reader never waits for more.

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
            loop.call_later(_PAUSE_SECONDS, _make_ahead, loop, path, left)
            return
    loop.call_later(_IDLE_SECONDS, _make_ahead, loop, path, left)


def _listening(descriptor: int) -> socket.socket:
    listening = socket.socket(fileno=descriptor)
    listening.setblocking(False)
    return listening


def _stop_with_parent(loop: IOLoop) -> None:
    os.read(0, 1)
    loop.add_callback(loop.stop)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
