"""Security headers on every answer."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards import assets

# The public pages hold their styles themselves; nothing else within a page may be one.
_STYLE = f"'{assets.page_style_source()}'"
STRICT = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {_STYLE}; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
# Bokeh adds its stylesheets as elements at run time and knows no nonce; scripts stay strict.
EXPLORER = STRICT.replace(_STYLE, "'unsafe-inline'")
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
}


def of_itself(policy: str) -> str:
    """A policy as a page says it of itself, for servers that send none. Who may frame a page can
    be said by a header alone."""
    parts = [part for part in policy.split("; ") if not part.startswith("frame-ancestors")]
    return f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(parts)}">'


class SecurityHeaders:
    """ASGI middleware that adds the headers unless an answer set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is not HTTP unchanged."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", STRICT)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)
