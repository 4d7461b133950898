"""A newsroom on another site: its article with pasted charts, and what has to hold of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from browser import visit

_PARAGRAPH = "<p>" + "A sentence of the article that readers came for. " * 12 + "</p>"
# A newsroom's own script for charts by Datawrapper, as their pages have run it for years.
_NEWSROOM = """
window.addEventListener("message", function (event) {
  if (typeof event.data["datawrapper-height"] === "undefined") return;
  var frames = document.querySelectorAll("iframe");
  for (var id in event.data["datawrapper-height"]) {
    for (var i = 0; i < frames.length; i++) {
      if (frames[i].contentWindow === event.source) {
        frames[i].style.height = event.data["datawrapper-height"][id] + "px";
      }
    }
  }
});
"""
# Layout shifts before and after the page's load event, and refusals of the policy.
_WATCH = """
window.shifts = []; window.refused = [];
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.shifts.push([entry.startTime, entry.value]);
}).observe({ type: "layout-shift", buffered: true });
addEventListener("securitypolicyviolation", event => window.refused.push(event.violatedDirective));
"""


def pasted(
    builder: Callable[[str, str], str], charts: list[tuple[str, str]]
) -> dict[str, list[str]]:
    """What the builder's pages give for three charts, as three newsrooms would paste it."""
    given = []
    for chart, key in charts:
        areas = re.findall(r"<textarea[^>]*>(.*?)</textarea>", builder(chart, key), re.DOTALL)
        given.append([unescape(text) for text in areas])
    return {
        "ours": [given[0][0], given[1][1], given[2][0]],
        "newsroom": [page[1] for page in given],
        "scripts": [page[2] for page in given],
    }


@contextmanager
def open_newsroom(host: str, snippets: dict[str, list[str]]) -> Iterator[str]:
    """The address of a site with an article under each name, under a policy that lets in nothing
    but ``host``."""

    class Article(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            policy = (
                f"default-src 'none'; script-src 'self' {host}; frame-src {host}; "
                "style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
            )
            if name in snippets:
                own = '<script src="/charts.js"></script>' if name == "newsroom" else ""
                body = _PARAGRAPH.join(["", *snippets[name], ""])
                text = (
                    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta '
                    'name="viewport" content="width=device-width"><title>Article</title>'
                    f'<link rel="icon" href="/icon.png"><link rel="stylesheet" href="/a.css">{own}'
                    f"</head><body><main><h1>Article</h1>{body}</main></body></html>"
                )
                kind = "text/html"
            elif name == "charts.js":
                text, kind = _NEWSROOM, "text/javascript"
            else:
                text, kind = "main{max-width:40rem;margin:auto}iframe{display:block}", "text/css"
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Article)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def frames_of(opened: Any) -> list[dict[str, float]]:
    """For each embed: the height of its frame, of its content, and what sticks out of it."""
    return [
        {
            "frame": child.frame_element().bounding_box()["height"],
            "content": child.evaluate("Math.ceil(document.body.getBoundingClientRect().height)"),
            "wide": child.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            ),
            "bar": child.evaluate("innerWidth - document.documentElement.clientWidth"),
        }
        for child in opened.page.frames[1:]
    ]


def check_article(
    browser: Any, host: str, newsroom: str, name: str, width: int, scheme: str = "light"
) -> None:
    """Opens an article with three charts of ``host`` and looks at heights, requests, shifts."""
    context = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with visit(browser, "about:blank", **context) as opened:
        opened.page.add_init_script(_WATCH)
        opened.page.goto(f"{newsroom}/{name}")
        opened.page.wait_for_timeout(700)
        for frame in (frames := frames_of(opened)):
            assert frame["frame"] == frame["content"]
            assert (frame["wide"], frame["bar"]) == (0, 0)
        assert len(frames) == 3
        assert opened.complaints == []
        assert opened.page.evaluate("window.refused") == []
        hosts = {"/".join(address.split("/")[:3]) for address in opened.requests} - {"about:blank"}
        assert hosts <= {newsroom, host}
        # Each frame is one request; besides, only the loader.
        asked = [a for a in opened.requests if a.startswith(host)]
        assert len(asked) == 3 + (name != "newsroom")
        loaded = opened.page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        shifts = opened.page.evaluate("window.shifts")
        # A shift is dated by the frame that paints it, which may be the first one after the load.
        assert [value for at, value in shifts if at > loaded + 100] == []
        # A script alone has no room kept for it before it runs.
        assert name == "scripts" or sum(value for _, value in shifts) < 0.1
        page_wide = opened.page.evaluate("document.documentElement.scrollWidth")
        assert page_wide == width
