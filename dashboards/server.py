"""The one door: pages, downloads and the explorer on a single port.

Static answers are made here and never wait for an explorer session, which lives in a process of
its own behind this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import re
import resource
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]
import structlog
import uvicorn
from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse, Response
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from dashboards import assets, journal, metrics, releases
from dashboards.api import add_api
from dashboards.downloads import add_downloads
from dashboards.embeds.routes import add_embeds
from dashboards.explorer.process import ANSWER_SECONDS, Explorer, ExplorerProcess
from dashboards.headers import EXPLORER, SecurityHeaders
from dashboards.held import Held, state
from dashboards.lane import IDLE_SECONDS, Lane, watch
from dashboards.metrics import Measured
from dashboards.pace import A_MINUTE, Paced, reader_of
from dashboards.pages import render
from dashboards.shelf import FromShelf, Kept, Shelf, finish
from dashboards.site.serving import Pages
from dashboards.stop import Stop
from dashboards.workers import supervise

_LONGEST_QUERY = 2_000
_LONGEST_MESSAGE = 1 << 16
MOST_STREAMS, MOST_STREAMS_OF_ONE = 1_000, 60
"""Websockets of the explorer open at once, of all readers and of one address, in each worker."""
MOST_ASKED, IDLE_STREAM_SECONDS = 1 << 20, 1_800.0
"""Bytes that a reader may send through one websocket (a changed filter is some 300), and how long
it may say nothing. Beyond, it ends; the page goes on without."""
log = structlog.get_logger()
_YEAR = "public, max-age=31536000, immutable"


class CannotServeError(Exception):
    """The machine does not let it listen; the message is one line for the reader."""


def serve(
    releases_path: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    base_url: str | None = None,
    workers: int = 1,
) -> None:
    """Serves the latest sound release until SIGINT or SIGTERM; returns after a clean shutdown.

    Port 0 takes any free one; the address is printed either way. ``base_url`` is the origin under
    which readers see it (``https://example.org``), where that is another. With several ``workers``
    each is a process of its own; the explorer stays one. Told to stop at any moment, it leaves
    nothing behind. Raises :class:`CannotServeError`, and where there is nothing to serve
    :class:`dashboards.releases.NoReleaseError`.
    """
    journal.configure("door")
    stop = Stop()
    _allow_many_files()
    held = Held(releases_path)
    try:
        with _listen(host, port) as listening:
            shown = f"[{host}]" if ":" in host else host
            origin = f"http://{shown}:{listening.getsockname()[1]}"
            print(f"Facetally, release {held.version}: {origin}/", flush=True)
            log.info("start", release=held.version, workers=workers)
            explorer = _explorer(held)
            if workers == 1:
                answer(listening, held.folder, base_url or origin, explorer, stop)
            else:
                with asyncio.Runner() as runner:
                    runner.run(
                        supervise(
                            listening, held.folder, base_url or origin, explorer, workers, stop
                        )
                    )
    finally:
        held.close()
    log.info("stop")


def answer(
    listening: socket.socket, folder: Path, base_url: str, explorer: Explorer, stop: Stop
) -> None:
    """Answers readers in this process until told to stop; ``folder`` is the view of the releases.

    What is under way then is finished first.
    """
    shelf = Shelf()
    answered: dict[int, int] = {}
    connection = type("Connection", (Lane,), {"shelf": shelf, "answered": answered, "known": {}})
    config = uvicorn.Config(
        create_app(folder, base_url, shelf, explorer, answered),
        http=connection,
        loop="uvloop",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_max_size=_LONGEST_MESSAGE,
        timeout_keep_alive=int(IDLE_SECONDS),
        timeout_graceful_shutdown=3,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_Door(config, stop).serve([listening]))


def _allow_many_files() -> None:
    """As many open connections as the system lets this user have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Door(uvicorn.Server):
    """Uvicorn, but a signal ends it without being raised again, for stopping is not a failure, and
    so does one that came before it ran. Watches its connections while it runs."""

    def __init__(self, config: uvicorn.Config, stop: Stop) -> None:
        super().__init__(config)
        self._stop = stop

    async def main_loop(self) -> None:
        watching = asyncio.create_task(watch(self.server_state.connections))
        try:
            await super().main_loop()
        finally:
            watching.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with self._stop.handled_by(self.handle_exit):
            yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # From here on readers wait in the queue instead of being refused.
        listening.listen(2048)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            why = "is in use; choose another with --port"
        else:
            why = f"cannot be listened on: {error.strerror}"
        raise CannotServeError(f"port {port} on {host} {why}") from None
    return listening


def _explorer(held: Held) -> ExplorerProcess:
    try:
        return ExplorerProcess(held.folder, lambda known: held.tell(explorer=known))
    except OSError as error:
        raise CannotServeError(
            f"the explorer's socket cannot be in {held.folder}: {error}; set TMPDIR elsewhere"
        ) from None


def create_app(
    releases_path: Path,
    base_url: str,
    shelf: Shelf,
    explorer: Explorer,
    answered: dict[int, int],
) -> FastAPI:
    """The web application; starts and stops the explorer with its lifespan.

    ``base_url`` is the origin that readers use: pages name themselves by it. What is put on the
    ``shelf`` is answered from it; ``answered`` counts what was answered before the application.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await explorer.start()
        ended = threading.Event()
        preparing = [
            asyncio.create_task(asyncio.to_thread(prepare, ended))
            for prepare in (assets.prepare, pages.prepare)
        ]
        counting = asyncio.create_task(_count(answered, shelf))
        try:
            yield
        finally:
            ended.set()
            counting.cancel()
            await explorer.stop()
            # They read what is taken away next.
            await asyncio.wait(preparing)

    app = FastAPI(
        title="Facetally", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    pages = Pages(releases_path, shelf, base_url)
    # The last is asked first.
    app.add_middleware(Paced, refuse=_too_often)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(FromShelf, shelf=shelf)
    app.add_middleware(Measured)
    app.add_exception_handler(404, _not_found)
    app.add_exception_handler(405, _not_allowed)
    app.add_exception_handler(500, _failed)
    app.add_exception_handler(releases.NoReleaseError, _no_release)
    app.include_router(add_downloads(releases_path, shelf))
    app.include_router(add_api(releases_path, shelf))
    app.include_router(add_embeds(releases_path, shelf, base_url))
    _add_assets(app)
    _add_health(app, releases_path, explorer, answered, shelf)
    _add_explorer(app, explorer, releases_path, shelf)
    # Last, for the pages take every address that is left.
    app.include_router(pages.router())
    return app


_READ = ["GET", "HEAD"]


def _add_assets(app: FastAPI) -> None:
    @app.api_route("/assets/{rest:path}", methods=_READ)
    def asset(request: Request, rest: str) -> Response:
        found = assets.served(f"{assets.PREFIX}/{rest}")
        if found is None:
            raise HTTPException(404)
        encoding = _encoding(request)
        headers = {"Cache-Control": _YEAR, "Vary": "Accept-Encoding"}
        if encoding != "identity":
            headers["Content-Encoding"] = encoding
        return Response(found.encoded[encoding], media_type=found.media_type, headers=headers)

    @app.api_route("/favicon.ico", methods=_READ)
    def icon() -> Response:
        found = assets.served(assets.address("icon.svg"))
        assert found
        return Response(found.encoded["identity"], media_type=found.media_type)


async def _count(answered: dict[int, int], shelf: Shelf) -> None:
    while True:
        await asyncio.sleep(1.0)
        metrics.count_at_once(answered)
        metrics.shelf_bytes.set(shelf.taken)


def _add_health(
    app: FastAPI, path: Path, explorer: Explorer, answered: dict[int, int], shelf: Shelf
) -> None:
    @app.api_route("/healthz", methods=_READ)
    async def healthz() -> Response:
        known = state(path)
        unknown = dict.fromkeys(("sessions", "connected", "charts"))
        sessions = await explorer.sessions() or unknown
        known["explorer"] = {**known.get("explorer", {}), **sessions}
        return JSONResponse(known, headers={"Cache-Control": "no-store"})

    @app.api_route("/metrics", methods=_READ)
    async def numbers() -> Response:
        metrics.count_at_once(answered)
        metrics.shelf_bytes.set(shelf.taken)
        text = metrics.text(state(path), await explorer.sessions())
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(text, media_type=kind, headers={"Cache-Control": "no-store"})


def _add_explorer(app: FastAPI, explorer: Explorer, path: Path, shelf: Shelf) -> None:
    @app.api_route("/explore", methods=_READ)
    async def document(request: Request) -> Response:
        query = request.url.query
        if len(query) > _LONGEST_QUERY:
            return _too_long(request)
        if explorer.state == "down":
            return _explorer_down(request)
        made = await explorer.get(f"/page?{query}")
        if made is None or made.status_code != 200:
            return _explorer_down(request)
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": EXPLORER}
        kind = "text/html; charset=utf-8"
        answer = await asyncio.to_thread(
            finish, made.content, kind, path / "latest", headers, quickly=bool(query)
        )
        # Kept only if no release came meanwhile.
        if made.headers["release"] == releases.latest_path(path).name:
            shelf.put(f"/explore?{query}" if query else "/explore", answer)
        return Kept(answer)

    @app.get("/explore/session")
    async def session(request: Request) -> Response:
        """Opens a session for the page that asks, and says how to reach it."""
        query = request.url.query
        if len(query) > _LONGEST_QUERY:
            return _too_long(request)
        if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            return _from_elsewhere(request)
        if explorer.state == "down":
            return _explorer_down(request)
        opened = await explorer.get(f"/explore?{query}")
        if opened is not None and opened.status_code == 503:
            return _explorer_busy(request)
        if opened is None or opened.status_code != 200:
            return _explorer_down(request)
        headers = {"Cache-Control": "no-store"}
        return Response(opened.content, headers=headers, media_type="application/json")

    @app.get("/explore/{which}.csv")
    async def rows(request: Request, which: str) -> Response:
        """The rows of a view as a file."""
        query = request.url.query
        if which not in {"rows", "compared"}:
            raise HTTPException(404)
        if len(query) > _LONGEST_QUERY:
            return _too_long(request)
        made = await explorer.get(f"/{which}.csv?{query}") if explorer.state != "down" else None
        if made is None or made.status_code != 200:
            return _explorer_down(request)
        name = f"facetally-{which}-{made.headers['release']}.csv"
        headers = {
            "Cache-Control": "no-cache",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        return Response(made.content, headers=headers, media_type="text/csv; charset=utf-8")

    streams: Counter[str] = Counter()

    @app.websocket("/explore/ws")
    async def stream(reader: WebSocket) -> None:
        if not _same_origin(reader):
            await reader.close(1008)
            return
        who = reader_of(reader.scope)
        if streams.total() >= MOST_STREAMS or (who and streams[who] >= MOST_STREAMS_OF_ONE):
            await reader.close(1013)
            return
        streams[who] += 1
        # The session's token travels as the second subprotocol, as Bokeh's client sends it.
        offered = [Subprotocol(name) for name in reader.scope["subprotocols"]]
        try:
            async with unix_connect(
                explorer.socket_path,
                "ws://explorer.invalid/explore/ws",
                origin=Origin("http://explorer.invalid"),
                subprotocols=offered,
                compression=None,
                open_timeout=ANSWER_SECONDS,
                max_size=1 << 24,
                proxy=None,
            ) as session:
                await reader.accept(session.subprotocol)
                await _relay(reader, session)
        except (OSError, InvalidHandshake, TimeoutError):
            with contextlib.suppress(RuntimeError):
                await reader.close(1013)
        finally:
            streams[who] -= 1
            if not streams[who]:
                del streams[who]


def _same_origin(reader: WebSocket) -> bool:
    """Whether the page that opens the socket came from the host that it opens it to."""
    origin = reader.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == reader.headers.get("host")


async def _relay(reader: WebSocket, session: Any) -> None:
    """Carries messages both ways until either side ends, or the reader says nothing or too much;
    then ends the other."""

    async def inward() -> None:
        asked = 0
        while asked <= MOST_ASKED:
            try:
                message = await asyncio.wait_for(reader.receive(), IDLE_STREAM_SECONDS)
            except TimeoutError:
                return
            if message["type"] == "websocket.disconnect":
                return
            said = message.get("text") or message["bytes"]
            asked += len(said)
            await session.send(said)

    async def outward() -> None:
        async for message in session:
            if isinstance(message, str):
                await reader.send_text(message)
            else:
                await reader.send_bytes(message)

    ways = {asyncio.create_task(inward()), asyncio.create_task(outward())}
    try:
        _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in pending:
            way.cancel()
        for way in ways:
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed, WebSocketDisconnect):
                await way
    finally:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await reader.close(1001)


def _encoding(request: Request) -> str:
    """The best encoding that the reader takes: br, gzip or identity."""
    accepted = {
        part.split(";")[0].strip()
        for part in request.headers.get("accept-encoding", "").split(",")
        if not re.search(r";\s*q=0(\.0*)?\s*$", part)
    }
    return "br" if "br" in accepted else "gzip" if "gzip" in accepted else "identity"


def _compressed(
    request: Request, body: bytes, headers: dict[str, str], status: int = 200
) -> Response:
    encoding = _encoding(request)
    headers = {**headers, "Vary": "Accept-Encoding"}
    if encoding == "br":
        body, headers["Content-Encoding"] = brotli.compress(body, quality=5), "br"
    elif encoding == "gzip":
        body, headers["Content-Encoding"] = gzip.compress(body, 6), "gzip"
    return Response(body, status, headers=headers, media_type="text/html; charset=utf-8")


def _page(request: Request, html: str, status: int = 200) -> Response:
    return _compressed(request, html.encode(), {"Cache-Control": "no-cache"}, status)


def _problem(
    request: Request, status: int, heading: str, words: str, retry: int | None = None
) -> Response:
    """A page that says what went wrong and what to do; JSON under ``/data`` and ``/api``."""
    headers = {"Cache-Control": "no-store"}
    if retry:
        headers["Retry-After"] = str(retry)
    if request.url.path.startswith(("/data/", "/api/")):
        return JSONResponse({"status": status, "error": words}, status, headers=headers)
    html = render("problem.html", status=status, heading=heading, words=words, retry=retry)
    return _compressed(request, html.encode(), headers, status)


async def _not_found(request: Request, _error: Exception) -> Response:
    words = (
        "Nothing is published under this address. It may have been mistyped, or the link that led "
        "here is wrong."
    )
    return _problem(request, 404, "There is no such page", words)


async def _not_allowed(request: Request, _error: Exception) -> Response:
    return _problem(request, 405, "This address can only be read", "Use GET or HEAD.")


async def _failed(request: Request, _error: Exception) -> Response:
    words = "The server could not make this page. The fault is on our side and has been logged."
    return _problem(request, 500, "Something went wrong", words)


async def _no_release(request: Request, _error: Exception) -> Response:
    words = "There is no release to show at the moment. This page tries again by itself."
    return _problem(request, 503, "No release yet", words, retry=10)


def _too_long(request: Request) -> Response:
    words = f"An address of the explorer has at most {_LONGEST_QUERY} characters."
    return _problem(request, 414, "This address is too long", words)


def _from_elsewhere(request: Request) -> Response:
    words = "Only the explorer's own page opens its sessions. Its address is /explore."
    return _problem(request, 403, "Not from another site", words)


def _explorer_busy(request: Request) -> Response:
    words = (
        "As many people are using the explorer as it can serve. Its page shows the view as it is; "
        "pages, charts and downloads all work. Please try again in a minute."
    )
    return _problem(request, 503, "The explorer is busy", words, retry=60)


def _too_often(request: Request) -> Response:
    words = (
        f"Your address asked for more than {A_MINUTE} computed answers within a minute. Tables are "
        "files that are not limited: /data/latest/TABLE.parquet."
    )
    return _problem(request, 429, "Too many requests", words, retry=30)


def _explorer_down(request: Request) -> Response:
    words = (
        "The explorer is starting again; this page tries by itself in a few seconds. Everything "
        "else, downloads included, works."
    )
    return _problem(request, 503, "The explorer is not ready", words, retry=3)
