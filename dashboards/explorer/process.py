"""Starting, watching and talking to the explorer's process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import httpx
import structlog

State = Literal["starting", "up", "down"]
log = structlog.get_logger()
_GIVE_UP_AFTER = 5
ANSWER_SECONDS = 30.0
"""How long an answer of the explorer may take, and its welcome to a websocket."""


class Explorer:
    """The way to the explorer's process, wherever it was started; ``state`` says how it is."""

    def __init__(self, socket_path: str, state: Callable[[], State]) -> None:
        self.socket_path = socket_path
        self._known = state
        self.client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=socket_path),
            base_url="http://explorer.invalid",
            timeout=ANSWER_SECONDS,
        )

    @property
    def state(self) -> State:
        """``down`` once it was given up for a while: then it is not worth asking."""
        return self._known()

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        """Ends the connections to it."""
        await self.client.aclose()

    async def get(self, address: str) -> httpx.Response | None:
        """The child's answer; None where there is none in time.

        Asked twice, for a child that died in between leaves connections that only look alive; the
        second question waits for the next child. One that is slow is not asked for more.
        """
        for _ in range(2):
            try:
                return await self.client.get(address)
            except httpx.TimeoutException:
                return None
            except httpx.HTTPError:
                continue
        return None

    async def sessions(self) -> dict[str, int | None] | None:
        """Sessions, those connected, charts held; None where no answer comes within a second."""
        if self.state != "up":
            return None
        try:
            answer = await self.client.get("/sessions", timeout=1.0)
        except httpx.HTTPError:
            return None
        return dict(answer.json())


class ExplorerProcess(Explorer):
    """The explorer in a child process, restarted whenever it dies.

    The door holds the listening socket and every child inherits it: readers who arrive while a
    child restarts wait in its queue instead of being refused; it lies in the server's view of the
    ``releases``, which goes when the server does. ``tell`` hears of every change.
    """

    def __init__(self, releases: Path, tell: Callable[[dict[str, object]], None]) -> None:
        self._releases = releases
        self._tell = tell
        super().__init__(str(releases / "explorer"), lambda: self._now)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(self.socket_path)
        self._listening.listen(128)
        self.restarts = 0
        self._now: State = "starting"
        self._child: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._told()

    def _told(self) -> None:
        self._tell({"state": self.state, "restarts": self.restarts})

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Starts the child and keeps one running until :meth:`stop`."""
        self._watch = asyncio.create_task(self._keep_running())

    async def _keep_running(self) -> None:
        failures = 0
        while True:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "dashboards.explorer",
                str(self._releases),
                str(self._listening.fileno()),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=[self._listening.fileno()],
                # Ctrl-C in a terminal reaches the whole group; the door stops the child in order.
                start_new_session=True,
            )
            answered = asyncio.create_task(self._until_it_answers())
            try:
                await self._child.wait()
            finally:
                answered.cancel()
            failures = 1 if self._now == "up" else failures + 1
            self._now = "down" if failures >= _GIVE_UP_AFTER else "starting"
            self.restarts += 1
            self._told()
            log.error("explorer ended", restarts=self.restarts, state=self.state)
            await asyncio.sleep(min(0.2 * 2**failures, 10.0))

    async def _until_it_answers(self) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                # The first page takes seconds to make; no reader shall wait for it.
                await self.client.get("/page")
                self._now = "up"
                self._told()
                return
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Ends the child, first politely, and releases the socket."""
        if self._watch:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        if self._child and self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child.pid, signal.SIGTERM)
            try:
                await asyncio.wait_for(self._child.wait(), 3.0)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._child.kill()
                await self._child.wait()
        await super().stop()
        self._listening.close()
