"""The addresses of embeds: pages in frames, pictures, specifications, oEmbed and the builder."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dashboards import releases
from dashboards.downloads import FOR_NOW, VERSION, release_path
from dashboards.embeds import catalogue, forms, oembed, pictures
from dashboards.embeds.addresses import KINDS, key_and_kind
from dashboards.embeds.builder import POLICY, builder, chooser
from dashboards.embeds.page import THEMES, embed, policy
from dashboards.embeds.revisions import revised
from dashboards.embeds.shown import Shown
from dashboards.embeds.snippets import LOADER
from dashboards.pages import render
from dashboards.releases import Release
from dashboards.shelf import OPEN_TO_ALL, Answer, Kept, Shelf, finish

_READ = ["GET", "HEAD"]
_LOADER_FILE = Path(__file__).parents[1] / "assets" / "embed.js"


class _Refused(Exception):  # noqa: N818 (an answer, not a fault)
    """What was asked for is not there or not understood; the words are for the reader."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def add_embeds(path: Path, shelf: Shelf, base_url: str) -> APIRouter:
    """The routes under ``/embed``, ``/oembed`` and the loader, for the releases in a directory.

    ``base_url`` is the origin that readers use.
    """
    router = APIRouter()

    @router.api_route(LOADER, methods=_READ)
    def loader() -> Response:
        # Its address stands in articles for years, so it has no hash; it changes rarely.
        headers = {**OPEN_TO_ALL, "Cache-Control": "public, max-age=3600"}
        body = forms.LOADER_FILE.read_bytes()
        answer = finish(body, "text/javascript; charset=utf-8", path, headers)
        shelf.put(LOADER, answer)
        return Kept(answer)

    @router.api_route("/embed/index.json", methods=_READ)
    def index() -> Response:
        def made() -> Answer:
            return _finished(path, forms.index(releases.latest(path)), "application/json")

        return Kept(shelf.once("/embed/index.json", made))

    @router.api_route("/embed/build", methods=_READ)
    @router.api_route("/embed/build/", methods=_READ)
    def choose(request: Request) -> Response:
        return _builder(path, dict(request.query_params), str(request.base_url).rstrip("/"))

    @router.api_route("/embed/build/{chart}/{key}/", methods=_READ)
    def build(request: Request, chart: str, key: str) -> Response:
        asked = {"chart": chart, "key": key}
        return _builder(path, asked, str(request.base_url).rstrip("/"))

    @router.api_route("/embed/{chart}/{name}", methods=_READ)
    def latest(request: Request, chart: str, name: str) -> Response:
        return one(request, chart, name, dict(request.query_params))

    @router.api_route("/embed/{version}/{chart}/{name}", methods=_READ)
    def pinned(request: Request, version: str, chart: str, name: str) -> Response:
        return one(request, chart, name, {**request.query_params, "release": version})

    def one(request: Request, chart: str, name: str, asked: dict[str, str]) -> Response:
        found = key_and_kind(name)
        if not found:
            kinds = ", ".join(f".{kind}" for kind in KINDS)
            return _sorry(404, f"A chart's address ends in one of {kinds}.")
        key, kind = found
        text = request.url.query
        address = request.scope["path"] + (f"?{text}" if text else "")

        def made() -> Answer:
            shown = _shown(path, chart, key, asked, base_url)
            return _finished(path, _body(shown, kind, asked), KINDS[kind])

        try:
            return Kept(shelf.once(address, made))
        except _Refused as refused:
            return _sorry(refused.status, refused.words, kind)

    @router.api_route("/oembed", methods=_READ)
    def asked(request: Request) -> Response:
        return _oembed(path, request)

    return router


def _shown(path: Path, chart: str, key: str, asked: dict[str, str], base_url: str) -> Shown:
    """The chart that is asked for; raises :class:`_Refused`."""
    release, pinned = _release(path, asked.get("release", "latest"))
    found = catalogue.find(release, chart, key)
    figure = catalogue.figure(release, found) if found else None
    if found is None or figure is None:
        raise _Refused(404, f"There is no such chart in release {release.version}.")
    shown = Shown(release, found, figure, base_url, pinned)
    changes = revised(release, releases.latest(path), found) if pinned else []
    return replace(shown, revisions=tuple(changes))


def _body(shown: Shown, kind: str, asked: dict[str, str]) -> bytes:
    """The chart in the form that is asked for; raises :class:`_Refused`."""
    if kind == "html":
        return embed(shown, _theme(asked)).html.encode()
    if kind == "json":
        return forms.specification(shown)
    if kind == "oembed.json":
        return forms.as_json(
            oembed.answer(shown, embed(shown, "auto").heights, limits=_limits(asked))
        )
    width = _whole(asked, "width", pictures.USUAL, pictures.NARROWEST, pictures.WIDEST)
    svg = pictures.picture(shown, width)
    if kind == "svg":
        return svg.encode()
    scale = 2 if kind == "2x.png" else _whole(asked, "scale", 1, 1, 2)
    return pictures.png(svg, scale)


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
    home = release_path(path, version) if VERSION.fullmatch(version) else None
    if home is None:
        raise _Refused(404, f"The release {version} is not kept here.")
    return _pinned(home), True


@lru_cache(maxsize=3)
def _pinned(home: Path) -> Release:
    return releases.read(home)


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


def _limits(asked: dict[str, str]) -> tuple[int | None, int | None]:
    """maxwidth and maxheight in pixels, as far as they are given."""
    wide, tall = (
        _whole(asked, name, 0, 1, 99_999) if name in asked else None
        for name in ("maxwidth", "maxheight")
    )
    return wide, tall


def _sorry(status: int, words: str, kind: str = "html") -> Response:
    """A page fit for a frame that says what is wrong."""
    headers = {**OPEN_TO_ALL, "Cache-Control": "no-store", "Content-Security-Policy": policy()}
    if kind.endswith("json"):
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
        limits = _limits(asked)
        found = oembed.chart_at(releases.latest(path), address)
        if found is None:
            return _said(404, "no chart stands for this address")
        chart, chosen = found
        theme = _theme(chosen)
        shown = _shown(path, chart.chart, chart.key, chosen, base)
    except _Refused as refused:
        return _said(refused.status, refused.words)
    said = oembed.answer(shown, embed(shown, theme).heights, theme, limits)
    headers = {**OPEN_TO_ALL, "Cache-Control": FOR_NOW}
    if kind == "xml":
        return Response(oembed.as_xml(said), media_type="text/xml; charset=utf-8", headers=headers)
    return Response(forms.as_json(said), media_type=KINDS["json"], headers=headers)


def _said(status: int, words: str) -> Response:
    headers = {**OPEN_TO_ALL, "Cache-Control": "no-store"}
    return JSONResponse({"status": status, "error": words}, status, headers=headers)


# --- the builder ------------------------------------------------------------------------------


def _builder(path: Path, asked: dict[str, str], base: str) -> Response:
    latest = releases.latest(path)
    status = 200
    try:
        if not asked:
            html = chooser(latest, explorer=True)
        else:
            theme = _theme(asked)
            width = _whole(asked, "width", 600, pictures.NARROWEST, pictures.WIDEST)
            size = None
            if asked.get("size"):
                size = _whole(asked, "size", 600, pictures.NARROWEST, pictures.WIDEST)
            shown = _shown(path, asked.get("chart", ""), asked.get("key", ""), asked, base)
            made = embed(shown, theme)
            html = builder(latest, shown, made, True, theme, width, size)
    except _Refused as refused:
        status = refused.status
        html = chooser(latest, explorer=True, problem=refused.words)
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
    return Kept(finish(html.encode(), KINDS["html"], path / "latest", headers), status)
