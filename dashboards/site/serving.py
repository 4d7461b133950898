"""The pages behind the door: each made when it is first asked for, then kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Event

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from dashboards import releases
from dashboards.releases import Release
from dashboards.shelf import Answer, Kept, Shelf, finish
from dashboards.site.pages import Site

_FOR_NOW = "public, max-age=60, must-revalidate"


class Pages:
    """The site of the latest release in a directory, under one origin."""

    def __init__(self, path: Path, shelf: Shelf, base_url: str) -> None:
        self._path = path
        self._shelf = shelf
        self._base_url = base_url

    def answer(self, address: str) -> Answer | None:
        """What stands at an address, finished and put on the shelf; None where nothing does."""
        page = _site(releases.latest(self._path), self._base_url).page(address)
        if page is None:
            return None
        answer = finish(
            page.body,
            page.media_type,
            self._path / "latest",
            {"Cache-Control": _FOR_NOW},
            compress=page.media_type != "image/png",
        )
        self._shelf.put(address, answer)
        return answer

    def prepare(self, ended: Event) -> None:
        """Makes the overview before a reader asks for it, unless the server has ``ended``."""
        if not ended.is_set():
            with releases.one_release():
                self.answer("/")

    def router(self) -> APIRouter:
        """Every address that no route before it takes."""
        router = APIRouter()

        @router.api_route("/{rest:path}", methods=["GET", "HEAD"], include_in_schema=False)
        def page(request: Request, rest: str) -> Response:
            address = f"/{rest}"
            answer = self.answer(address)
            if answer:
                return Kept(answer)
            site = _site(releases.latest(self._path), self._base_url)
            if f"{address}/" in site.known:
                return RedirectResponse(f"{address}/", 308)
            raise HTTPException(404)

        return router


@lru_cache(maxsize=2)
def _site(release: Release, base_url: str) -> Site:
    return Site(release, base_url)
