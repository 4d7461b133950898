"""A limit on answers that must be computed: by reader's address, in memory only, generous.

Finished answers and static files never come here. An address is forgotten within a minute and
written nowhere; an IPv6 reader is its /64 network. Behind a proxy on this machine the address is
the one that the proxy names in X-Forwarded-For (read by uvicorn, from loopback only). Requests of
the machine itself are not limited.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboards import metrics

A_MINUTE = 600
"""Computed answers for one address a minute, in each worker."""
_COMPUTED = ("/api/", "/embed/", "/oembed", "/explore")
# Addresses remembered at once; with more of them than that, all are forgotten.
_MOST = 20_000
_LIMIT = RateLimitItemPerMinute(A_MINUTE)


class Paced:
    """ASGI middleware: 429 for who asks too much; ``refuse`` makes that answer."""

    def __init__(self, app: ASGIApp, refuse: Callable[[Request], Response]) -> None:
        self.app = app
        self._refuse = refuse
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on everything that is cheap."""
        if scope["type"] == "http" and scope["path"].startswith(_COMPUTED):
            reader = reader_of(scope)
            if len(self._storage.events) > _MOST:
                self._storage.reset()
            if reader and not self._limiter.hit(_LIMIT, reader):
                metrics.limited.inc()
                await self._refuse(Request(scope))(scope, receive, send)
                return
        await self.app(scope, receive, send)


def reader_of(scope: Scope) -> str:
    """Whom limits count; blank for the machine itself."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        # What a proxy named is no address: all of those share one limit.
        return "unknown"
    if address.is_loopback:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
