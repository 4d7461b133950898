"""A real browser for tests: Debian's Chromium through Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


_AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def open_browser() -> Iterator[Any]:
    """A Playwright browser, closed at the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_ARGUMENTS)
        try:
            yield opened
        finally:
            opened.close()


@dataclass
class Visit:
    """A page with everything that it asked for and complained of while it was open."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def wait_until_live(self) -> None:
        """Until the explorer's session is up and every chart on show is drawn by it."""
        self.page.wait_for_selector("html.running")
        self.wait_until_drawn()

    def wait_until_drawn(self) -> None:
        """Until no visible chart waits for its drawing."""
        self.page.wait_for_selector(
            "[data-card]:not([hidden]) .chart:not(.drawn)", state="detached"
        )

    def wait_until_shown(self, query: str) -> None:
        """Until the page shows what the session answered to that query."""
        self.page.wait_for_selector(f'html[data-shown="{query}"]')
        self.wait_until_drawn()


@contextmanager
def visit(browser: Any, address: str, **context: Any) -> Iterator[Visit]:
    """Opens the address in a fresh profile; ``context`` are Playwright's context options."""
    profile = browser.new_context(**context)
    opened = Visit(profile.new_page())
    page = opened.page
    page.set_default_timeout(30_000)
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("websocket", lambda socket: opened.requests.append(socket.url))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            opened.complaints.append(f"{message.type}: {message.text}")
            if message.type in {"error", "warning"}
            else None
        ),
    )
    try:
        page.goto(address)
        yield opened
    finally:
        profile.close()


def violations(page: Any) -> list[str]:
    """What axe finds serious or critical, every disclosure opened."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(_AXE)
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", _TAGS
    )
    return [
        f"{v['id']} ({v['impact']}): {v['nodes'][0]['html'][:160]}"
        for v in found["violations"]
        if v["impact"] in {"serious", "critical"}
    ]
