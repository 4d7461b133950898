"""What the server counts, for Prometheus under ``/metrics``.

Counted by kind of address and status, so nothing tells of a reader or of what one asked for.
Workers write into one directory (``PROMETHEUS_MULTIPROC_DIR``), and each tells of all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

disable_created_metrics()
_several = "PROMETHEUS_MULTIPROC_DIR" in os.environ
_registry = CollectorRegistry()
_requests = Counter(
    "facetally_requests",
    "Answers given, by kind of address and status.",
    ["route", "status"],
    registry=None if _several else _registry,
)
_at_once = Counter(
    "facetally_shelf_answers",
    "Finished answers given by the HTTP protocol itself, without the application.",
    ["status"],
    registry=None if _several else _registry,
)
_seconds = Histogram(
    "facetally_request_seconds",
    "Time until the application had given its answer; finished answers are not among them.",
    ["route"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    registry=None if _several else _registry,
)
_gauge: dict[str, Any] = {
    "registry": None if _several else _registry,
    "multiprocess_mode": "livesum",
}
shelf_bytes = Gauge("facetally_shelf_bytes", "Bytes of finished answers in memory.", **_gauge)
limited = Counter(
    "facetally_limited_requests",
    "Requests for computed answers refused with 429.",
    registry=None if _several else _registry,
)
_ROUTES = ("data", "api", "embed", "oembed", "explore", "assets", "healthz", "metrics")
log = structlog.get_logger()


def route(path: str) -> str:
    """The kind of an address: one of a few words, whatever the path."""
    first = path.split("/", 2)[1].partition(".")[0] if path.startswith("/") else ""
    return first if first in _ROUTES else "page"


class Measured:
    """ASGI middleware: counts answers and times them; writes down those that failed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is not HTTP unmeasured."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kind, begun, status = route(scope["path"]), time.perf_counter(), 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            _requests.labels(kind, status).inc()
            _seconds.labels(kind).observe(time.perf_counter() - begun)
            if status >= 500:
                log.warning("answer failed", route=kind, status=status)


def count_at_once(answered: dict[int, int]) -> None:
    """Takes over, and empties, the counts of answers by status that the protocol keeps."""
    for status in list(answered):
        _at_once.labels(status).inc(answered.pop(status))


def text(state: dict[str, Any], sessions: dict[str, Any] | None) -> bytes:
    """Everything in Prometheus' text format; ``state`` is that of :func:`dashboards.held.state`."""
    registry = CollectorRegistry()
    if _several:
        MultiProcessCollector(registry)
    registry.register(_Known(state, sessions))
    return generate_latest(registry) + (b"" if _several else generate_latest(_registry))


class _Known(Collector):
    """What is known without counting."""

    def __init__(self, state: dict[str, Any], sessions: dict[str, Any] | None) -> None:
        self._state, self._sessions = state, sessions

    def collect(self) -> Iterator[Metric]:
        """The release, those refused, the explorer."""
        release = GaugeMetricFamily(
            "facetally_release_info", "The release that is served.", labels=["version"]
        )
        release.add_metric([self._state["release"]], 1)
        yield release
        yield GaugeMetricFamily(
            "facetally_refused_releases", "Releases that failed their verification.",
            len(self._state["refused"]),
        )  # fmt: skip
        explorer = self._state.get("explorer", {})
        yield GaugeMetricFamily(
            "facetally_explorer_up", "1 while the explorer answers.",
            float(explorer.get("state") == "up"),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "facetally_explorer_restarts", "How often the explorer was started again.",
            explorer.get("restarts", 0),
        )  # fmt: skip
        for name, value in (self._sessions or {}).items():
            yield GaugeMetricFamily(f"facetally_explorer_{name}", f"Explorer: {name} held.", value)
