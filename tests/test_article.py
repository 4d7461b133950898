"""A newsroom's article on another site, under a strict policy, in a real browser: three charts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from browser import visit
from door import Door
from synthetic_release import NORTH, SOUTH

WIDTHS = [360, 1280]
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


@pytest.fixture(scope="module")
def snippets(door: Door) -> dict[str, list[str]]:
    """What the builder gives for three charts, as three newsrooms would paste it."""
    import re
    from html import unescape

    given = []
    for chart, key in (
        ("trend", ".".join(NORTH)),
        ("gap-matrix", "all"),
        ("trend", ".".join(SOUTH)),
    ):
        page = door.get(f"/embed/build?chart={chart}&key={key}").text
        given.append([unescape(text) for text in re.findall(r"<textarea[^>]*>(.*?)</textarea>",
                                                            page, re.DOTALL)])  # fmt: skip
    return {
        "ours": [given[0][0], given[1][1], given[2][0]],
        "newsroom": [page[1] for page in given],
        "scripts": [page[2] for page in given],
    }


@pytest.fixture(scope="module")
def newsroom(door: Door, snippets: dict[str, list[str]]) -> Iterator[str]:
    """The address of another site with an article at ``/ours`` and ``/newsroom``."""

    class Article(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            policy = (
                f"default-src 'none'; script-src 'self' {door.address}; frame-src {door.address}; "
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
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def _frames(opened: Any) -> list[dict[str, float]]:
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


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("host", ["ours", "newsroom", "scripts"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_article_with_three_charts(
    browser: Any, door: Door, newsroom: str, host: str, width: int, scheme: str
) -> None:
    context = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with visit(browser, "about:blank", **context) as opened:
        opened.page.add_init_script(_WATCH)
        opened.page.goto(f"{newsroom}/{host}")
        opened.page.wait_for_timeout(700)
        for frame in (frames := _frames(opened)):
            assert frame["frame"] == frame["content"]
            assert (frame["wide"], frame["bar"]) == (0, 0)
        assert len(frames) == 3
        assert opened.complaints == []
        assert opened.page.evaluate("window.refused") == []
        hosts = {"/".join(address.split("/")[:3]) for address in opened.requests} - {"about:blank"}
        assert hosts <= {newsroom, door.address}
        # Each frame is one request; besides, only the loader.
        asked = [a for a in opened.requests if a.startswith(door.address)]
        assert len(asked) == 3 + (host != "newsroom")
        loaded = opened.page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        shifts = opened.page.evaluate("window.shifts")
        # A shift is dated by the frame that paints it, which may be the first one after the load.
        assert [value for at, value in shifts if at > loaded + 100] == []
        # A script alone has no room kept for it before it runs.
        assert host == "scripts" or sum(value for _, value in shifts) < 0.1
        page_wide = opened.page.evaluate("document.documentElement.scrollWidth")
        assert page_wide == width


def test_the_table_is_one_tap_away_and_the_frame_grows(browser: Any, newsroom: str) -> None:
    with visit(browser, f"{newsroom}/ours", viewport={"width": 360, "height": 800}) as opened:
        opened.page.wait_for_timeout(500)
        child = opened.page.frames[1]
        before = child.frame_element().bounding_box()["height"]
        child.click("summary")
        opened.page.wait_for_timeout(500)
        assert child.frame_element().bounding_box()["height"] > before
        assert child.locator("table").is_visible()
        child.click("summary")
        opened.page.wait_for_timeout(500)
        assert child.frame_element().bounding_box()["height"] == before
        assert opened.complaints == []


def test_the_live_chart_is_loaded_from_here_and_only_when_asked(
    browser: Any, door: Door, newsroom: str
) -> None:
    with visit(browser, f"{newsroom}/ours", viewport={"width": 700, "height": 800}) as opened:
        opened.page.wait_for_timeout(300)
        child = opened.page.frames[1]
        assert not [a for a in opened.requests if "vega" in a]
        child.click("text=Interactive")
        child.wait_for_selector(".drawing[hidden]", state="attached")
        asked = [a for a in opened.requests if "vega" in a]
        assert len(asked) == 3
        assert all(a.startswith(door.address) for a in asked)
        assert child.locator(".vega-embed svg").count() == 1
        assert opened.complaints == []


@pytest.mark.parametrize("width", [300, 480, 800, 1200])
def test_a_chart_reads_without_any_script(browser: Any, door: Door, width: int) -> None:
    context = {"viewport": {"width": width, "height": 600}, "java_script_enabled": False}
    with visit(browser, f"{door.address}/embed/trend/{'.'.join(NORTH)}.html", **context) as opened:
        drawings = [d for d in opened.page.locator(".drawing > div").all() if d.is_visible()]
        assert len(drawings) == 1
        assert "3,100" in drawings[0].inner_text()
        assert not opened.page.locator("#live").is_visible()
        opened.page.click("summary")
        assert opened.page.locator("td", has_text="3,100").first.is_visible()


@pytest.mark.parametrize("width", [300, 1200])
def test_an_embed_passes_automatic_checks_of_accessibility(
    browser: Any, door: Door, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = {"viewport": {"width": width, "height": 600}, "bypass_csp": True}
    for key in (f"trend/{'.'.join(NORTH)}", "gap-matrix/all"):
        with visit(browser, f"{door.address}/embed/{key}.html", **context) as opened:
            opened.page.click("summary")
            found = Axe().run(opened.page).response["violations"]
            assert [(rule["id"], rule["nodes"][0]["html"][:120]) for rule in found] == []
