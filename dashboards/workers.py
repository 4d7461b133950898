"""Several processes that answer on one socket; the explorer and the releases stay with the parent.

A worker is given the listening socket and the place of the explorer's; the kernel hands each reader
to whichever worker is free. One that dies is replaced. A worker ends with its parent.

    python -m dashboards.workers FOLDER SOCKET_DESCRIPTOR EXPLORER BASE_URL
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType

import structlog

from dashboards.explorer.process import Explorer
from dashboards.stop import Stop

_STOP_SECONDS = 8.0
log = structlog.get_logger()


async def supervise(
    listening: socket.socket,
    folder: Path,
    base_url: str,
    explorer: Explorer,
    number: int,
    stop: Stop,
) -> None:
    """Runs the explorer and the workers until told to stop, then ends them in order."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    (folder / "metrics").mkdir()
    listening.set_inheritable(True)
    arguments = [str(folder), str(listening.fileno()), explorer.socket_path, base_url]
    await explorer.start()
    workers = [asyncio.create_task(_keep_one(listening, folder, arguments)) for _ in range(number)]

    def stopped(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopping.set)

    with stop.handled_by(stopped):
        await stopping.wait()
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    await explorer.stop()


async def _keep_one(listening: socket.socket, folder: Path, arguments: list[str]) -> None:
    """Keeps one worker running until cancelled, then ends it, first politely."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "dashboards.workers",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            pass_fds=[listening.fileno()],
            env=environment,
            # Ctrl-C in a terminal reaches the whole group; the parent stops its workers in order.
            start_new_session=True,
        )
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            raise
        log.error("worker ended", status=status)
        for left in (folder / "metrics").glob(f"gauge_live*_{process.pid}.db"):
            left.unlink(missing_ok=True)
        await asyncio.sleep(0.5)


def main(folder: Path, descriptor: int, explorer: str, base_url: str) -> None:
    """One worker: answers until SIGTERM or until its parent is gone."""
    from dashboards import held, journal
    from dashboards.server import answer

    journal.configure("worker")
    stop = Stop()
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    with socket.socket(fileno=descriptor) as listening:
        known = Explorer(explorer, lambda: held.state(folder)["explorer"]["state"])
        answer(listening, folder, base_url, known, stop)


def _stop_with_parent() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
