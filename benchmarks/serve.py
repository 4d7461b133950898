"""How fast the door answers, beside nginx with the same bytes on the same machine.

    .venv/bin/python benchmarks/serve.py [--releases data/releases] [--seconds 5]

Needs Debian's `wrk` and `nginx`. One worker each, 200 connections on loopback, everything bounded:
a run takes about a minute. Load and servers share the machine, so compare rows of one run only.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

CONNECTIONS = 200
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
    """Measures both servers, one after the other on each address, and ends them."""
    door = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(releases)], stdout=subprocess.PIPE, text=True
    )
    nginx = None
    try:
        assert door.stdout
        found = re.search(r"http://\S+:\d+", door.stdout.readline())
        assert found, "the server did not start"
        ours = found[0]
        _wait(ours + "/healthz")
        chart = _median_chart(ours)
        static = {"an embed": chart, "a table, CSV": "/data/latest/gaps.csv",
                  "a table, Parquet": "/data/latest/bounds.parquet"}  # fmt: skip
        for address in static.values():
            file = home / "files" / address.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            plain = httpx.get(ours + address, headers={"Accept-Encoding": "identity"}, timeout=60)
            file.write_bytes(plain.content)
        port = 18_000 + time.time_ns() % 10_000
        (home / "nginx.conf").write_text(_NGINX.format(home=home, port=port))
        home.chmod(0o755)
        nginx = subprocess.Popen(["nginx", "-c", str(home / "nginx.conf"), "-p", str(home)])
        theirs = f"http://127.0.0.1:{port}"
        _wait(theirs + chart)
        process = psutil.Process(door.pid)
        before = process.memory_info().rss
        print("| answer | bytes | door, a second | p99 | nginx, a second | p99 | share |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for name, address in static.items():
            size = len((home / "files" / address.lstrip("/")).read_bytes())
            mine, nginxs = (_wrk(base + address, seconds) for base in (ours, theirs))
            print(f"| {name} | {size:,} | {mine[0]:,.0f} | {mine[1]} | {nginxs[0]:,.0f} | "
                  f"{nginxs[1]} | {mine[0] / nginxs[0]:.0%} |")  # fmt: skip
        same = _wrk(f"{ours}/api/v1/gaps?kind=denied", seconds)
        print(f"| one query, again and again | | {same[0]:,.0f} | {same[1]} | | | |")
        script = home / "fresh.lua"
        script.write_text(_FRESH)
        fresh = _wrk(ours, seconds, script, connections=16)
        print(f"| always another query, 16 connections | | {fresh[0]:,.0f} | {fresh[1]} | | | |")
        after = process.memory_info().rss
        _wrk(ours, seconds, script, connections=16)
        again = process.memory_info().rss
        mb = 1 << 20
        print(f"\nMemory of the door: {before / mb:.0f} MB before, {after / mb:.0f} MB after, "
              f"{again / mb:.0f} MB after as many fresh queries again.")  # fmt: skip
    finally:
        for process_ in (nginx, door):
            if process_:
                process_.terminate()
                process_.wait(20)


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


def _wrk(
    address: str, seconds: int, script: Path | None = None, connections: int = CONNECTIONS
) -> tuple[float, str]:
    """Requests a second and the 99th percentile of their time."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    if script:
        command += ["-s", str(script)]
    told = subprocess.run([*command, address], capture_output=True, text=True, check=True).stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    late = re.search(r"99%\s+(\S+)", told)
    assert rate, told
    assert late, told
    return float(rate[1]), late[1] + (f" ({wrong[1]} refused)" if wrong else "")


if __name__ == "__main__":
    main()
