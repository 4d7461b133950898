"""How fast the door answers, beside nginx with the same bytes on the same machine.

    .venv/bin/python benchmarks/serve.py [--releases data/releases] [--seconds 5]

Needs Debian's `wrk` and `nginx`. One worker each, the same requests with a browser's headers over
200 connections on loopback, in three turns of each, medians shown; everything bounded. A run takes
about three minutes. Load and servers share the machine, so compare columns of one run only: the
share of requests a second, and the server's own processor time for one request.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
import psutil

CONNECTIONS = 200
_ROUNDS = 3
_PLAIN = {"Accept-Encoding": "identity"}
# Heads as long as a browser's, so that reading them is measured too.
_BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.7,de;q=0.3",
    "Referer": "https://paper.example/",
    "Sec-Fetch-Dest": "iframe",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "cross-site",
    "Priority": "u=4",
}
_SERVE = (
    "import sys; from pathlib import Path; from dashboards.server import serve; "
    "serve(Path(sys.argv[1]), '127.0.0.1', 0)"
)
_NGINX = """
daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  types {{ text/html html; text/csv csv; application/json json; }}
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
  uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  server {{ listen 127.0.0.1:{port}; root {home}/files; }}
}}
"""
# Each request asks something that no request before it asked.
_FRESH = """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/api/v1/bounds?frequency=A&limit=50&low=" .. n .. "..")
end
"""


def main() -> None:
    """Prints a table in Markdown."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--releases", type=Path, default=Path("data/releases"))
    options.add_argument("--seconds", type=int, default=5)
    given = options.parse_args()
    for tool in ("wrk", "nginx"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: apt-get install wrk nginx-light")
    with tempfile.TemporaryDirectory() as home:
        run(given.releases, given.seconds, Path(home))


def run(releases: Path, seconds: int, home: Path) -> None:
    """Measures both servers in turns on each address, and ends them."""
    door = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(releases)], stdout=subprocess.PIPE, text=True
    )
    nginx = None
    try:
        assert door.stdout
        found = re.search(r"http://\S+:\d+", door.stdout.readline())
        assert found, "the server did not start"
        ours = found[0]
        _wait_for_explorer(ours)
        chart = _median_chart(ours)
        static = {"a page": "/gaps/", "an embed": chart, "a table, CSV": "/data/latest/gaps.csv",
                  "a table, Parquet": "/data/latest/bounds.parquet"}  # fmt: skip
        for address in static.values():
            file = _file(home, address)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(httpx.get(ours + address, headers=_PLAIN, timeout=60).content)
        port = 18_000 + time.time_ns() % 10_000
        (home / "nginx.conf").write_text(_NGINX.format(home=home, port=port))
        home.chmod(0o755)
        nginx = subprocess.Popen(["nginx", "-c", str(home / "nginx.conf"), "-p", str(home)])
        theirs = f"http://127.0.0.1:{port}"
        _wait(theirs + chart)
        process = psutil.Process(door.pid)
        (worker,) = psutil.Process(nginx.pid).children()
        before = process.memory_info().rss
        print("| answer | bytes | door, a second | p99 | processor | nginx, a second | p99 | "
              "processor | share | of its processor time |")  # fmt: skip
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
        for name, address in static.items():
            rounds = [
                (_wrk(process, ours + address, seconds), _wrk(worker, theirs + address, seconds))
                for _ in range(_ROUNDS)
            ]
            mine, nginxs = (_middle([pair[side] for pair in rounds]) for side in (0, 1))
            print(f"| {name} | {_file(home, address).stat().st_size:,} | {mine} | {nginxs} | "
                  f"{mine.rate / nginxs.rate:.0%} | {nginxs.cost / mine.cost:.0%} |")  # fmt: skip
        same = _wrk(process, f"{ours}/api/v1/gaps?kind=denied", seconds)
        print(f"| one query, again and again | | {same} | | | | | |")
        script = home / "fresh.lua"
        script.write_text(_FRESH)
        fresh = _wrk(process, ours, seconds, script, connections=16)
        print(f"| always another query, 16 connections | | {fresh} | | | | | |")
        after = process.memory_info().rss
        _wrk(process, ours, seconds, script, connections=16)
        again = process.memory_info().rss
        mb = 1 << 20
        print(f"\nMemory of the door: {before / mb:.0f} MB before, {after / mb:.0f} MB after, "
              f"{again / mb:.0f} MB after as many fresh queries again.")  # fmt: skip
    finally:
        for process_ in (nginx, door):
            if process_:
                process_.terminate()
                process_.wait(20)


def _file(home: Path, address: str) -> Path:
    return home / "files" / f"{address.lstrip('/')}{'index.html' if address.endswith('/') else ''}"


def _median_chart(base: str) -> str:
    """Of a sample of all charts the one whose page is of median size."""
    charts = httpx.get(base + "/embed/index.json", timeout=60).json()["charts"]
    sizes = sorted(
        (len(httpx.get(base + chart["html"], timeout=30).content), chart["html"])
        for chart in charts[::60]
    )
    return str(sizes[len(sizes) // 2][1])


def _wait(address: str) -> None:
    for _ in range(150):
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError(address)


def _wait_for_explorer(base: str) -> None:
    """Nothing else of the door is at work any more."""
    _wait(base + "/healthz")
    for _ in range(300):
        if httpx.get(base + "/healthz").json()["explorer"]["state"] == "up":
            return
        time.sleep(0.1)
    raise TimeoutError(base)


@dataclass
class Measured:
    """Requests a second, the 99th percentile of their time in milliseconds, how many were refused,
    and the server's processor time for one, in microseconds."""

    rate: float
    late: float
    refused: int
    cost: float

    def __str__(self) -> str:
        refused = f" ({self.refused} refused)" if self.refused else ""
        return f"{self.rate:,.0f} | {self.late:.0f} ms{refused} | {self.cost:.0f} µs"


def _middle(rounds: list[Measured]) -> Measured:
    """The medians."""
    return Measured(
        median(r.rate for r in rounds),
        median(r.late for r in rounds),
        sum(r.refused for r in rounds),
        median(r.cost for r in rounds),
    )


def _wrk(
    server: psutil.Process,
    address: str,
    seconds: int,
    script: Path | None = None,
    connections: int = CONNECTIONS,
) -> Measured:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    for name, value in {**_PLAIN, **_BROWSER}.items():
        command += ["-H", f"{name}: {value}"]
    if script:
        command += ["-s", str(script)]
    before = sum(server.cpu_times()[:2])
    told = subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout
    used = sum(server.cpu_times()[:2]) - before
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    number = re.search(r"(\d+) requests in", told)
    assert rate, told
    assert late, told
    assert number, told
    factor = {"us": 0.001, "ms": 1.0, "s": 1_000.0}[late[2]]
    refused = int(wrong[1]) if wrong else 0
    return Measured(
        float(rate[1]), float(late[1]) * factor, refused, used / int(number[1]) * 1_000_000
    )


if __name__ == "__main__":
    main()
