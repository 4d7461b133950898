"""Being told to stop: a signal is noted, and obeyed where things can be put in order."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

_Handler = Callable[[int, FrameType | None], None]


class Stop:
    """Takes this process's SIGINT and SIGTERM from now on; to be made in the main thread.

    No signal is raised where it happens to arrive: half-way through a start it would leave
    something behind.
    """

    def __init__(self) -> None:
        self._asked = False
        self._take(self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True

    def _take(self, handler: _Handler) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, handler)

    @contextlib.contextmanager
    def handled_by(self, handler: _Handler) -> Iterator[None]:
        """Within, a signal goes to ``handler``; so does, at once, one that came before."""
        self._take(handler)
        if self._asked:
            handler(signal.SIGTERM, None)
        try:
            yield
        finally:
            self._take(self._note)
