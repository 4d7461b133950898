"""What a first visit costs: our pages beside the same chart in bare Panel, Streamlit and Dash.

    python -m benchmarks.pages [--runs 5] [--releases data/releases]

Every visit has an empty cache, in headless Chromium, on one machine in one run. Bytes are what
went over the wire, chart is the time from asking for the page until the chart stands visible in
it. Streamlit and Dash are installed into a virtual environment of their own below the temporary
directory, kept for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import psutil
from playwright.sync_api import Browser, sync_playwright

from dashboards import releases
from dashboards.charts.trend import trend

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = Path(__file__).parent
BARE = HERE / "bare"
_SERVE = (
    "import sys; from pathlib import Path; from dashboards.server import serve; "
    "serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]))"
)


@dataclass(frozen=True)
class Visit:
    """One first visit: bytes over the wire, requests, seconds until the chart is visible."""

    wire: int
    requests: int
    chart: float


@dataclass(frozen=True)
class Subject:
    """A page to visit, and what its chart is found by."""

    name: str
    address: str
    chart: str


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--releases", type=Path, default=Path("data/releases"))
    asked = parser.parse_args()
    python = _frameworks()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        told = Path(scratch) / "page.json"
        told.write_text(json.dumps(_told(asked.releases)))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with _all_running(asked.releases.resolve(), python, told) as subjects:
            visits = {subject: [] for subject in subjects}
            for _ in range(asked.runs):
                for subject in subjects:
                    visits[subject].append(_visit(browser, subject))
            changes = _filter_changes(browser, subjects[2].address, _searching(asked.releases))
        browser.close()
    _print({s: _median(v) for s, v in visits.items()}, changes, asked.runs)


def _told(path: Path) -> dict[str, Any]:
    """The chart that all of them show and the choices of the selector."""
    release = releases.latest(path)
    bounds = release.tables["bounds"].filter(pl.col("known_until").is_null())
    keys = ["agency_id", "system_id", "metric"]
    years = bounds.filter((pl.col("frequency") == "A") & pl.col("high").is_not_null())
    most = years.group_by(keys).len().sort("len", *keys, descending=[True, False, False, False])
    rows = bounds.join(most.head(1).select(keys), on=keys, how="semi")
    figure = trend("agency", "system", rows["metric"][0], rows, release.tables["reports"].head(0))
    return {
        "spec": figure.spec(),
        "agencies": release.tables["agencies"]["name"].to_list(),
        "periods": figure.table["Period"].to_list(),
        "lows": figure.table["At least"].to_list(),
    }


def _with_most_reports(path: Path) -> str:
    """The agency whose page is the largest."""
    reports = releases.latest(path).tables["reports"]
    counted = reports.group_by("agency_id").len().sort("len", "agency_id", descending=[True, False])
    return str(counted["agency_id"][0])


def _frameworks() -> Path:
    """The Python of an environment that holds Streamlit and Dash."""
    home = Path(tempfile.gettempdir()) / "facetally-benchmark-frameworks"
    python = home / "bin" / "python"
    if not (home / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        wanted = ["streamlit", "dash", "altair"]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
        (home / ".ready").touch()
    return python


@contextmanager
def _all_running(home: Path, python: Path, told: Path) -> Iterator[list[Subject]]:
    """Starts the four servers; ends them at the end."""
    ports = [_free_port() for _ in range(4)]
    ours, panel, streamlit, dash = (f"http://127.0.0.1:{port}" for port in ports)
    environment = {**os.environ, "PAGE_DATA": str(told), "PAGE_PORT": str(ports[3])}
    commands = [
        [sys.executable, "-c", _SERVE, str(home), str(ports[0])],
        [sys.executable, "-m", "panel", "serve", str(BARE / "panel_app.py"), "--port",
         str(ports[1]), "--address", "127.0.0.1", "--allow-websocket-origin",
         f"127.0.0.1:{ports[1]}"],
        [str(python), "-m", "streamlit", "run", str(BARE / "streamlit_app.py"), "--server.port",
         str(ports[2]), "--server.address", "127.0.0.1", "--server.headless", "true",
         "--browser.gatherUsageStats", "false"],
        [str(python), str(BARE / "dash_app.py")],
    ]  # fmt: skip
    running = [
        subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for command in commands
    ]
    try:
        agency = _with_most_reports(home)
        subjects = [
            Subject("Facetally: overview", f"{ours}/", "figure.drawn .wide svg text"),
            Subject(
                "Facetally: largest agency", f"{ours}/agencies/{agency}/", "figure .wide svg text"
            ),
            Subject("Facetally: explorer", f"{ours}/explore", ".card .painted svg text"),
            Subject("bare Panel", f"{panel}/panel_app", ".vega-embed svg.marks text"),
            Subject(
                "bare Streamlit", f"{streamlit}/", "[data-testid=stVegaLiteChart] svg.marks text"
            ),
            Subject("bare Dash", f"{dash}/", ".js-plotly-plot svg.main-svg .bars path"),
        ]
        for subject in subjects:
            _wait_for(subject.address)
        _rest(60)
        yield subjects
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)


def _rest(seconds: float) -> None:
    """Until the machine rests, at most so long: what is measured are visits, not what servers do
    beside them or the browser after the visit before."""
    deadline = time.monotonic() + seconds
    while psutil.cpu_percent(0.5) > 10 and time.monotonic() < deadline:
        pass


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(address, timeout=30).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{address} does not answer")
        time.sleep(0.3)


# Looks at each frame whether the chart has a size, in shadow trees too: Playwright's own waiting
# looks too seldom for pages that take a few frames. Milliseconds since the navigation began.
_WATCH = """(() => {
  const find = root => {
    for (const found of root.querySelectorAll(SELECTOR)) {
      if (found.getBoundingClientRect().width) return true;
    }
    for (const host of root.querySelectorAll('*')) {
      if (host.shadowRoot && find(host.shadowRoot)) return true;
    }
    return false;
  };
  const look = () => {
    if (find(document)) window.chartSeen = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""


def _visit(browser: Browser, subject: Subject) -> Visit:
    _rest(5)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wire = requests = 0

    def loaded(event: dict[str, Any]) -> None:
        nonlocal wire, requests
        wire += int(event["encodedDataLength"])
        requests += 1

    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", loaded)
    page.set_default_timeout(60_000)
    page.add_init_script(_WATCH.replace("SELECTOR", json.dumps(subject.chart)))
    page.goto(subject.address, wait_until="commit")
    # Asked for from here: our policy forbids the evaluation that waiting in the page would need.
    deadline = time.monotonic() + 60
    while not (seen := page.evaluate("window.chartSeen || 0")):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no chart on {subject.address}")
        page.wait_for_timeout(100)
    chart = seen / 1000
    page.wait_for_load_state("networkidle")
    context.close()
    return Visit(wire, requests, chart)


_CHANGE = """value => new Promise(done => {
  const select = document.querySelector('select[name=agency]');
  const begun = performance.now();
  new MutationObserver((_, seen) => { seen.disconnect(); done(performance.now() - begun); })
    .observe(document.documentElement, {attributeFilter: ['data-settled']});
  select.value = value;
  select.dispatchEvent(new Event('change', {bubbles: true}));
})"""


def _searching(path: Path) -> list[str]:
    """Agencies with a chart of searches, in the order of their ids."""
    series = releases.latest(path).tables["series"]
    return sorted(set(series.filter(pl.col("metric") == "searches")["agency_id"]))


def _filter_changes(browser: Browser, address: str, agencies: list[str]) -> list[float]:
    """Milliseconds from choosing an agency until the last of its charts is drawn anew.

    No reader chose these agencies before; the explorer has made their views ahead where it has
    been idle long enough.
    """
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector("html.running", timeout=60_000)
    page.wait_for_timeout(2_000)
    return [float(page.evaluate(_CHANGE, agency)) for agency in agencies[5:105:10]]


def _median(visits: list[Visit]) -> Visit:
    return Visit(
        round(statistics.median(v.wire for v in visits)),
        round(statistics.median(v.requests for v in visits)),
        statistics.median(v.chart for v in visits),
    )


def _print(found: dict[Subject, Visit], changes: list[float], runs: int) -> None:
    others = {s.name: v for s, v in found.items() if s.name.startswith("bare")}
    quickest = min(v.chart for v in others.values())
    lightest = min(v.wire for v in others.values())
    print(f"Medians of {runs} first visits; ratios to the quickest and lightest of the bare three.")
    print()
    print("| page | over the wire | of the lightest | requests | chart visible | of the quickest |")
    print("|---|---:|---:|---:|---:|---:|")
    for subject, visit in found.items():
        print(
            f"| {subject.name} | {visit.wire / 1000:,.0f} kB | {visit.wire / lightest:.3f} "
            f"| {visit.requests} | {visit.chart * 1000:,.0f} ms | {visit.chart / quickest:.2f} |"
        )
    panel, explorer = (
        others["bare Panel"],
        next(v for s, v in found.items() if "explorer" in s.name),
    )
    print()
    print(
        f"The explorer beside bare Panel: {explorer.wire / panel.wire:.2f} of its bytes, its chart "
        f"after {explorer.chart / panel.chart:.2f} of the time."
    )
    print(
        f"A filter changed in the explorer: {statistics.median(changes):,.0f} ms median until the "
        f"charts are on show ({len(changes)} changes, slowest {max(changes):,.0f} ms)."
    )


if __name__ == "__main__":
    main()
