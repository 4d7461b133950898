"""The addresses of embeds: pages in frames, pictures, specifications, oEmbed and the builder."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dashboards import phrases, releases
from dashboards.charts.figure import Figure
from dashboards.downloads import FOR_NOW, release_path
from dashboards.embeds import catalogue, oembed, pictures
from dashboards.embeds.addresses import build_address
from dashboards.embeds.catalogue import Chart
from dashboards.embeds.page import THEMES, Embed, embed, policy
from dashboards.embeds.revisions import revised
from dashboards.embeds.snippets import LOADER, query, snippets
from dashboards.headers import STRICT
from dashboards.pages import render
from dashboards.releases import Release
from dashboards.shelf import OPEN_TO_ALL, Answer, Kept, Shelf, finish

KINDS = {
    "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
}
_READ = ["GET", "HEAD"]
_LOADER_FILE = Path(__file__).parents[1] / "assets" / "embed.js"


class _Refused(Exception):  # noqa: N818 (an answer, not a fault)
    """What was asked for is not there or not understood; the words are for the reader."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def add_embeds(path: Path, shelf: Shelf) -> APIRouter:
    """The routes under ``/embed``, ``/oembed`` and the loader, for the releases in a directory."""
    router = APIRouter()

    @router.api_route(LOADER, methods=_READ)
    def loader() -> Response:
        # Its address stands in articles for years, so it has no hash; it changes rarely.
        headers = {**OPEN_TO_ALL, "Cache-Control": "public, max-age=3600"}
        body = _LOADER_FILE.read_bytes()
        answer = finish(body, "text/javascript; charset=utf-8", path, headers)
        shelf.put(LOADER, answer)
        return Kept(answer)

    @router.api_route("/embed/index.json", methods=_READ)
    def index() -> Response:
        def made() -> Answer:
            return _finished(path, _index(releases.latest(path)), "application/json")

        return Kept(shelf.once("/embed/index.json", made))

    @router.api_route("/embed/build", methods=_READ)
    def build(request: Request) -> Response:
        return _builder(path, request)

    @router.api_route("/embed/{chart}/{name}", methods=_READ)
    def one(request: Request, chart: str, name: str) -> Response:
        key, dot, kind = name.rpartition(".")
        if not dot or kind not in KINDS:
            return _sorry(404, "A chart's address ends in .html, .svg, .png or .json.")
        text = request.url.query
        address = request.scope["path"] + (f"?{text}" if text else "")
        asked = dict(request.query_params)
        try:
            return Kept(shelf.once(address, lambda: _made(path, chart, key, kind, asked)))
        except _Refused as refused:
            return _sorry(refused.status, refused.words, kind)

    @router.api_route("/oembed", methods=_READ)
    def asked(request: Request) -> Response:
        return _oembed(path, request)

    return router


def _index(release: Release) -> bytes:
    rows = [
        {
            "chart": chart.chart,
            "key": chart.key,
            "name": chart.name,
            "page": chart.page,
            **{kind: chart.address(kind) for kind in KINDS},
            "build": build_address(chart.chart, chart.key),
        }
        for chart in catalogue.charts(release)
    ]
    return json.dumps({"release": release.version, "charts": rows}, ensure_ascii=False).encode()


def _made(path: Path, chart: str, key: str, kind: str, asked: dict[str, str]) -> Answer:
    """The answer to one address; raises :class:`_Refused`."""
    release, pinned = _release(path, asked.get("release", "latest"))
    found, figure = _figure(release, chart, key)
    if kind == "html":
        theme = _theme(asked)
        body = _embed(path, release, found, figure, theme, pinned).html.encode()
    elif kind == "json":
        body = json.dumps(_spec(release, found, figure), ensure_ascii=False).encode()
    else:
        width = _whole(asked, "width", pictures.USUAL, pictures.NARROWEST, pictures.WIDEST)
        svg = pictures.picture(release, found, figure, width)
        scale = _whole(asked, "scale", 1, 1, 2)
        body = pictures.png(svg, scale) if kind == "png" else svg.encode()
    return _finished(path, body, KINDS[kind])


def _finished(path: Path, body: bytes, media_type: str) -> Answer:
    """Whatever is shown, even of a pinned release, may change with the latest."""
    headers = {**OPEN_TO_ALL, "Cache-Control": FOR_NOW}
    if media_type.startswith("text/html"):
        headers["Content-Security-Policy"] = policy()
    elif media_type.startswith("image/svg"):
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    compress = not media_type.startswith("image/png")
    return finish(body, media_type, path / "latest", headers, compress)


def _release(path: Path, version: str) -> tuple[Release, bool]:
    """The release asked for, and whether it is pinned."""
    if version == "latest":
        return releases.latest(path), False
    home = release_path(path, version)
    if home is None:
        raise _Refused(404, f"The release {version} is not kept here.")
    return _pinned(home), True


@lru_cache(maxsize=3)
def _pinned(home: Path) -> Release:
    return releases.read(home)


def _figure(release: Release, chart: str, key: str) -> tuple[Chart, Figure]:
    found = catalogue.find(release, chart, key)
    figure = catalogue.figure(release, found) if found else None
    if found is None or figure is None:
        raise _Refused(404, f"There is no such chart in release {release.version}.")
    return found, figure


def _embed(
    path: Path, release: Release, chart: Chart, figure: Figure, theme: str, pinned: bool
) -> Embed:
    changes = revised(release, releases.latest(path), chart) if pinned else []
    return embed(release, chart, figure, theme, pinned, changes)


def _theme(asked: dict[str, str]) -> str:
    theme = asked.get("theme", "auto")
    if theme not in THEMES:
        raise _Refused(400, f"theme is one of {', '.join(THEMES)}.")
    return theme


def _whole(asked: dict[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = asked.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and least <= int(text) <= most):
        raise _Refused(400, f"{name} is a whole number from {least} to {most}.")
    return int(text)


def _spec(release: Release, chart: Chart, figure: Figure) -> dict[str, Any]:
    """The Vega-Lite specification with its data, and where it is from."""
    spec = figure.spec()
    about = {
        "name": chart.name,
        "title": figure.title,
        "note": figure.note,
        "source": catalogue.behind(release, chart),
        "release": release.version,
        "as_of": release.as_of.isoformat(),
        "license": "CC-BY-4.0",
        "page": chart.page,
        "columns": figure.table.columns,
        "table": figure.table.rows(),
    }
    return {**spec, "usermeta": {**spec.get("usermeta", {}), "facetally": about}}


def _sorry(status: int, words: str, kind: str = "html") -> Response:
    """A page fit for a frame that says what is wrong."""
    headers = {**OPEN_TO_ALL, "Cache-Control": "no-store", "Content-Security-Policy": policy()}
    if kind == "json":
        return JSONResponse({"status": status, "error": words}, status, headers=headers)
    html = render("embed_problem.html", status=status, words=words)
    return Response(html, status, headers=headers, media_type=KINDS["html"])


# --- oEmbed -----------------------------------------------------------------------------------


def _oembed(path: Path, request: Request) -> Response:
    asked = dict(request.query_params)
    kind = asked.get("format", "json")
    if kind not in {"json", "xml"}:
        return _said(501, "format is json or xml")
    base = str(request.base_url).rstrip("/")
    address = asked.get("url", "")
    if not address:
        return _said(400, "url is missing: the address of a chart or page of this site")
    if not re.match(rf"(https?:)?//{re.escape(request.url.netloc)}(/|\?|$)", address):
        return _said(404, f"url is no address of {base}")
    try:
        limits = tuple(
            _whole(asked, name, 0, 1, 99_999) if name in asked else None
            for name in ("maxwidth", "maxheight")
        )
        found = oembed.chart_at(releases.latest(path), address)
        if found is None:
            return _said(404, "no chart stands for this address")
        chart, chosen = found
        release, pinned = _release(path, chosen.get("release", "latest"))
        chart, figure = _figure(release, chart.chart, chart.key)
        theme = _theme(chosen)
        made = _embed(path, release, chart, figure, theme, pinned)
    except _Refused as refused:
        return _said(refused.status, refused.words)
    size = pictures.size(pictures.picture(release, chart, figure, pictures.USUAL))
    text = query(chosen.get("release", "latest"), theme)
    said = oembed.answer(
        base, chart, figure, made.heights, text, (limits[0], limits[1]), size
    )  # fmt: skip
    headers = {**OPEN_TO_ALL, "Cache-Control": FOR_NOW}
    if kind == "xml":
        return Response(oembed.as_xml(said), media_type="text/xml; charset=utf-8", headers=headers)
    return JSONResponse(said, headers=headers)


def _said(status: int, words: str) -> Response:
    headers = {**OPEN_TO_ALL, "Cache-Control": "no-store"}
    return JSONResponse({"status": status, "error": words}, status, headers=headers)


# --- the builder ------------------------------------------------------------------------------


def _builder(path: Path, request: Request) -> Response:
    asked = dict(request.query_params)
    latest = releases.latest(path)
    base = str(request.base_url).rstrip("/")
    status, problem, shown = 200, "", None
    try:
        version = asked.get("release") or "latest"
        release, pinned = _release(path, version)
        theme = _theme(asked)
        width = _whole(asked, "width", 600, pictures.NARROWEST, pictures.WIDEST)
        chart, figure = _figure(release, asked.get("chart", ""), asked.get("key", ""))
        made = _embed(path, release, chart, figure, theme, pinned)
        text = query(version, theme)
        title = catalogue.headline(chart, figure)
        shown = {
            "chart": chart,
            "title": title,
            "src": f"{chart.address()}{text}",
            "query": text,
            "width": width,
            "theme": theme,
            "version": version,
            "heights": " ".join(f"{at}:{tall}" for at, tall in made.heights),
            "snippets": snippets(base, chart, title, made.heights, text),
            "cite": cite(release, title, f"{base}{chart.page}"),
        }
    except _Refused as refused:
        status, problem = refused.status, refused.words
    choices = [] if shown else list(catalogue.charts(latest))
    html = render(
        "embed_build.html",
        release=latest,
        shown=shown,
        problem=problem if asked else "",
        choices=choices,
        build_address=build_address,
        themes=THEMES,
        versions=["latest", latest.version],
        loader=LOADER,
    )
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": f"{STRICT}; frame-src 'self'",
    }
    return Kept(
        finish(html.encode(), KINDS["html"], path / "latest", headers), status if asked else 200
    )


def cite(release: Release, title: str, address: str) -> dict[str, str]:
    """How to cite a figure, in APA's style and as BibTeX."""
    year = release.as_of.year
    when = phrases.day(release.as_of)
    name = re.sub(r"[^a-z0-9]+", "-", title.lower())[:40].strip("-")
    return {
        "APA": (
            f"Facetally. ({year}). {title} (Release {release.version}, as of {when}) "
            f"[Chart and data set]. {address}"
        ),
        "BibTeX": (
            f"@misc{{facetally-{year}-{name},\n"
            "  author = {{Facetally}},\n"
            f"  title = {{{{{title}}}}},\n"
            f"  year = {{{year}}},\n"
            f"  version = {{{release.version}}},\n"
            f"  url = {{{address}}}\n}}"
        ),
    }
