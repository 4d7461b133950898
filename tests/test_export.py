"""The exported files behind a plain web server: embeds in an article, pins, the builder, links."""

from __future__ import annotations

import functools
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import polars as pl
import pytest
from browser import visit
from newsroom import check_article, open_newsroom, pasted
from synthetic_release import NORTH, SOUTH, VERSION, write_release

from dashboards import assets, releases
from dashboards.embeds import catalogue
from dashboards.embeds.addresses import KINDS
from dashboards.site import Site
from dashboards.site.export import export

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
SITE = Path(__file__).parents[1] / "docs" / "production" / "static.conf"
TREND = f"embed/trend/{'.'.join(NORTH)}"
NEWER = "2024-07-31-n3w"
CHARTS = [("trend", ".".join(NORTH)), ("gap-matrix", "all"), ("trend", ".".join(SOUTH))]


@pytest.fixture(scope="module")
def host() -> str:
    """The origin under which the files are served: a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture(scope="module")
def files(synthetic: Path, host: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic release as files."""
    directory = tmp_path_factory.mktemp("site")
    written = export(releases.latest_path(synthetic), directory, host)
    assert written == sum(file.is_file() for file in directory.rglob("*"))
    return directory


@pytest.fixture(scope="module")
def served(files: Path, host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The files behind Debian's nginx by our own site's configuration; where there is none,
    behind Python's server."""
    opened = (
        _nginx(files, host, tmp_path_factory.mktemp("nginx")) if NGINX else _python(files, host)
    )
    with opened:
        yield host


@contextmanager
def _nginx(files: Path, host: str, home: Path) -> Iterator[None]:
    site = SITE.read_text().replace("127.0.0.1:8471", urlsplit(host).netloc)
    site = site.replace("/srv/facetally/site", str(files))
    site = site.replace("include mime.types", "include /etc/nginx/mime.types")
    paths = " ".join(
        f"{kind}_temp_path {home}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (home / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{site}\n}}\n"
    )
    assert NGINX
    command = [NGINX, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", f"{home}/error.log"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(host, process)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(host: str, process: subprocess.Popen[str]) -> None:
    for _ in range(200):
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            httpx.get(f"{host}/robots.txt")
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("nginx does not answer")


@contextmanager
def _python(files: Path, host: str) -> Iterator[None]:
    handler = functools.partial(_Quiet, directory=str(files))
    server = ThreadingHTTPServer(("127.0.0.1", urlsplit(host).port or 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def test_every_chart_is_there_in_every_form(synthetic: Path, files: Path) -> None:
    listed = json.loads((files / "embed" / "index.json").read_text())
    charts = list(catalogue.charts(releases.latest(synthetic)))
    assert [row["key"] for row in listed["charts"]] == [chart.key for chart in charts]
    for row in listed["charts"]:
        for kind in KINDS:
            assert (files / unquote(row[kind]).lstrip("/")).stat().st_size > 200
            pinned = row[kind].replace("/embed/", f"/embed/{VERSION}/")
            assert (files / unquote(pinned).lstrip("/")).stat().st_size > 200
        assert (files / unquote(row["build"]).lstrip("/") / "index.html").is_file()
    assert VERSION in json.loads((files / "data" / "index.json").read_text())["versions"]


def test_every_link_of_every_file_leads_to_a_file(files: Path, host: str) -> None:
    missing = set()
    for file in files.rglob("*.html"):
        text = file.read_text()
        found = re.findall(r'(?:href|src|data-src|data-spec|content)="([^"]+)"', text)
        found += [
            one for many in re.findall(r'data-scripts="([^"]+)"', text) for one in many.split()
        ]
        for link in {unescape(link).removeprefix(host) for link in found}:
            if link.startswith("/") and not link.startswith("//"):
                target = files / unquote(urlsplit(link).path).lstrip("/")
                if not (target / "index.html" if target.is_dir() else target).is_file():
                    missing.add((str(file.relative_to(files)), link))
    assert missing == set()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["ours", "newsroom", "scripts"])
def test_an_article_with_three_charts(
    browser: Any, files: Path, served: str, name: str, width: int
) -> None:
    def builder(chart: str, key: str) -> str:
        return (files / "embed" / "build" / chart / key / "index.html").read_text()

    with open_newsroom(served, pasted(builder, CHARTS)) as newsroom:
        check_article(browser, served, newsroom, name, width)


_SMUGGLED = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


def test_every_page_holds_its_policy(files: Path) -> None:
    """Scripts that got into a page would not run even where a server sends no header."""
    for file in files.rglob("*.html"):
        head = file.read_text()[:600]
        found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', head)
        assert found, file
        scripts = re.search("script-src ([^;]+);", found[1])
        assert scripts
        assert "unsafe" not in scripts[1]


@pytest.mark.parametrize("name", ["gaps/index.html", f"{TREND}.html"])
def test_a_script_in_a_page_does_not_run(browser: Any, files: Path, served: str, name: str) -> None:
    text = (files / name).read_text()
    smuggled = files / name.replace(".html", "-smuggled.html")
    smuggled.write_text(text.replace("</h1>", f"</h1>{_SMUGGLED}", 1))
    try:
        with visit(browser, f"{served}/{smuggled.relative_to(files)}") as opened:
            assert opened.page.evaluate("window.ran") is None
            assert "script-src" in str(opened.complaints)
    finally:
        smuggled.unlink()


def test_a_page_looks_as_it_should_behind_the_example(browser: Any, served: str) -> None:
    with visit(browser, f"{served}/gaps/") as opened:
        assert opened.complaints == []
        assert opened.page.evaluate("document.styleSheets.length") == 1


def test_theme_and_pin_are_read_from_the_address(browser: Any, served: str) -> None:
    asked = f"{served}/{TREND}.html?theme=dark&release={VERSION}"
    with visit(browser, asked, viewport={"width": 600, "height": 600}) as opened:
        opened.page.wait_for_selector("#revised", state="attached")
        assert opened.page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert f"release {VERSION}" in opened.page.inner_text(".foot")
        assert opened.complaints == []
    with visit(browser, f"{served}/{TREND}.html", viewport={"width": 600, "height": 600}) as opened:
        assert f"release {VERSION}" not in opened.page.inner_text(".foot")
        opened.page.click("text=Interactive")
        opened.page.wait_for_selector(".drawing[hidden]", state="attached")
        assert opened.page.locator(".vega-embed svg").count() == 1
        assert all(address.startswith(served) for address in opened.requests)
        assert opened.complaints == []


def test_the_builder_works_from_files(browser: Any, served: str) -> None:
    key = ".".join(NORTH)
    with visit(browser, f"{served}/embed/build?chart=trend&key={key}&width=720") as opened:
        page = opened.page
        page.wait_for_url(f"**/embed/build/trend/{key}/?width=720")
        page.select_option("[name=theme]", "dark")
        page.select_option("[name=release]", VERSION)
        page.select_option("[name=size]", "480")
        first, plain, script, address, markdown = (
            page.locator("textarea.paste").nth(n).input_value() for n in range(5)
        )
        there = f"{served}/embed/{VERSION}/trend/{key}"
        assert address == f"{there}.html?theme=dark"
        assert re.search(
            rf'<iframe src="{re.escape(address)}"[^>]* width="480" height="\d+"', plain
        )
        assert address in first
        assert 'data-width="480"' in script
        assert f"({there}.2x.png)" in markdown
        frame = page.frames[1]
        frame.wait_for_url(address)
        assert frame.evaluate("innerWidth") == 480
        page.wait_for_timeout(300)
        assert frame.evaluate("innerHeight >= document.body.getBoundingClientRect().height")
        for shown in (address, f"{there}.2x.png"):
            assert httpx.get(shown).status_code == 200
        assert opened.complaints == []


@pytest.mark.skipif(not NGINX, reason="nginx is not installed: `apt-get install nginx-light`")
def test_nginx_answers_as_the_site_promises(served: str) -> None:
    embed = httpx.get(f"{served}/{TREND}.html", headers={"Accept-Encoding": "gzip"})
    assert embed.headers["content-encoding"] == "gzip"
    assert embed.headers["access-control-allow-origin"] == "*"
    assert "content-security-policy" not in embed.headers
    pinned = httpx.get(f"{served}/{TREND}.html?release={VERSION}")
    assert f"release {VERSION}" in pinned.text
    part = httpx.get(f"{served}/data/latest/bounds.parquet", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PAR1")
    assert part.headers["content-type"] == "application/vnd.apache.parquet"
    told = httpx.get(f"{served}/{TREND}.oembed.json?maxwidth=9&url=x").json()
    assert told["type"] == "rich"
    assert "frame-ancestors 'self'" in httpx.get(f"{served}/").headers["content-security-policy"]


_POLICY = re.compile(rb'<meta http-equiv="Content-Security-Policy"[^>]*>\n?')


def test_what_is_written_is_what_the_site_gives(synthetic: Path, files: Path, host: str) -> None:
    site = Site(releases.latest(synthetic), host, explorer=False)
    for address in [*site.addresses(), *site.card_addresses()]:
        name = address.lstrip("/") + ("index.html" if address.endswith("/") else "")
        page = site.page(address)
        assert page
        # A server of files may send no policy, so a page holds its own.
        file = (files / name).read_bytes()
        told = _POLICY.sub(b"", file)
        assert told == page.body, address
        assert (told != file) == name.endswith(".html"), address
    assert (files / "data" / "latest" / "bounds.parquet").is_file()
    assert list((files / "assets").glob("*/site.js"))
    # The styles are within each page: nothing has to be fetched before it can be drawn.
    assert assets.page_style() in (files / "about" / "index.html").read_text()
    assert "/explore" not in (files / "index.html").read_text()


def test_a_pin_of_an_earlier_export_stays_and_tells_of_its_revision(
    files: Path, tmp_path: Path, host: str
) -> None:
    directory = tmp_path / "site"
    shutil.copytree(files, directory)
    pinned = directory / "embed" / VERSION / "trend" / f"{'.'.join(NORTH)}.html"
    untouched = directory / "embed" / VERSION / "countries" / "all.html"
    before, stamp = pinned.read_text(), untouched.stat().st_mtime_ns
    gone = directory / "embed" / "trend" / "nobody.finder.searches.html"
    gone.write_text("left by an earlier export")
    export(_corrected(tmp_path), directory, host)
    after = pinned.read_text()
    assert "Revised since this release: 2022: was 3,100 / 3,100" in after
    assert _without_notice(after) == _without_notice(before)
    assert untouched.stat().st_mtime_ns == stamp
    assert "3,333" in (directory / f"{TREND}.html").read_text()
    assert not gone.exists()
    versions = json.loads((directory / "data" / "index.json").read_text())
    assert (versions["latest"], versions["versions"]) == (NEWER, [NEWER, VERSION])


def _without_notice(page: str) -> str:
    return re.sub(r'(<div id="revised">).*?(</div>)', r"\1\2", page)


def _corrected(kept: Path) -> Path:
    """A later release in which the count of 2022 is another."""
    home = write_release(kept, NEWER)
    for table, here in (
        ("bounds", (pl.col("agency_id") == NORTH[0]) & (pl.col("period") == "2022")),
        ("reports", pl.col("report_id") == "north-2022"),
    ):
        file = home / f"{table}.parquet"
        pl.read_parquet(file).with_columns(
            pl.when(here).then(3333).otherwise(pl.col(name)).alias(name) for name in ("low", "high")
        ).write_parquet(file)
    return home
