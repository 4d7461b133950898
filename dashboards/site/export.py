"""The whole site as files that any web server or CDN can hold."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from dashboards import assets, releases
from dashboards.downloads import VERSION, listing
from dashboards.embeds import catalogue, files, forms
from dashboards.embeds.addresses import chart_address
from dashboards.embeds.builder import POLICY, chooser
from dashboards.embeds.snippets import LOADER
from dashboards.headers import STRICT, of_itself
from dashboards.site import cards
from dashboards.site.pages import Site

_ASSET = re.compile(rb"/assets/[0-9a-f]{12}/[a-z0-9.-]+")
_PAGES, _CHARTS = 16, 8


def export(home: Path, directory: Path, base_url: str) -> int:
    """Writes every page, card, embed, asset and download of the release in ``home``; gives their
    number.

    ``directory`` is made where it is missing. A file of the same name is replaced as a whole, so
    that it can be served meanwhile, and one that stays the same is not touched. Pinned embeds of
    earlier exports stay, and say so where a figure was revised.
    Raises ValueError for a ``base_url`` that is not an origin, FileNotFoundError for what is no
    release.
    """
    release = releases.read(home)
    site = Site(release, base_url, explorer=False)
    charts = list(catalogue.charts(release))
    # A card follows its page and takes its drawing; the heaviest come first, so that no process
    # ends with a long one.
    drawn = {page: card for card in site.card_addresses() if (page := cards.page_of(card))}
    pages = sorted(site.addresses(), key=lambda page: page not in drawn)
    work = [name for page in pages for name in (page, drawn.get(page)) if name]
    written: set[Path] = set()
    linked: set[str] = set()
    # Fresh processes: the renderer has threads of its own, which a fork would lose.
    with ProcessPoolExecutor(
        os.cpu_count() or 1,
        get_context("spawn"),
        initializer=_start,
        initargs=(home, directory, base_url),
    ) as pool:
        parts = [
            *(pool.submit(_write_pages, some) for some in _chunks(work, _PAGES)),
            *(pool.submit(_write_charts, some) for some in _chunks(charts, _CHARTS)),
        ]
        for part in parts:
            mine, assets_of_mine = part.result()
            written |= mine
            linked |= assets_of_mine
    for address, body in _single_files(release, directory):
        linked |= _linked(body)
        written.add(_put(directory, address, body))
    for address in sorted(linked):
        asset = assets.served(address)
        assert asset, f"{address} changed while the site was written"
        written.add(_put(directory, address, asset.encoded["identity"]))
    _remove_gone(directory, {chart.chart for chart in charts}, written)
    _tell_of_revisions(directory, release.version)
    return len(written) + _copy_data(home, directory)


_Work = TypeVar("_Work")


def _chunks(work: list[_Work], size: int) -> Iterator[list[_Work]]:
    yield from (work[i : i + size] for i in range(0, len(work), size))


_site: Site
_directory: Path


def _start(home: Path, directory: Path, base_url: str) -> None:
    global _site, _directory
    _site = Site(releases.read(home), base_url, explorer=False)
    _directory = directory


def _write_pages(addresses: list[str]) -> tuple[set[Path], set[str]]:
    """Writes these pages; gives the files, and the assets that they link to."""
    written, linked = set(), set()
    for address in addresses:
        page = _site.page(address)
        assert page, f"{address} is listed and has no page"
        body = _guarded(page.body, STRICT) if address.endswith(("/", ".html")) else page.body
        written.add(_put(_directory, address, body))
        linked |= _linked(body)
    return written, linked


def _write_charts(charts: list[catalogue.Chart]) -> tuple[set[Path], set[str]]:
    """Writes the embeds of these charts; gives the files, and the assets that they link to."""
    written, linked = set(), set()
    for chart in charts:
        for address, body in files.files(_site.release, chart, _site.base_url):
            if address.endswith("/"):
                body = _guarded(body, POLICY)
            written.add(_put(_directory, address, body))
            if address.endswith((".html", "/")):
                linked |= _linked(body)
    return written, linked


def _single_files(release: releases.Release, directory: Path) -> Iterator[tuple[str, bytes]]:
    """What there is one of: the list of charts, the builder's first page, the loader, the list of
    downloads."""
    yield "/embed/index.json", forms.index(release)
    yield "/embed/build/", _guarded(chooser(release, explorer=False).encode(), POLICY)
    yield LOADER, forms.LOADER_FILE.read_bytes()
    kept = {release.version, *(folder.name for folder in _versions(directory / "data"))}
    yield "/data/index.json", json.dumps(listing(release.version, kept), indent=1).encode()


def _guarded(page: bytes, policy: str) -> bytes:
    """The page with its content security policy in it: a server of files may send none."""
    first = b'<meta charset="utf-8">'
    assert page.count(first) == 1, page[:200]
    return page.replace(first, first + b"\n" + of_itself(policy).encode())


def _linked(body: bytes) -> set[str]:
    return {name.decode() for name in _ASSET.findall(body)}


def _put(directory: Path, address: str, body: bytes) -> Path:
    """Writes what stands at an address, where it is not written so already; gives the file."""
    name = unquote(address).lstrip("/") + ("index.html" if address.endswith("/") else "")
    file = directory / name
    if not (file.is_file() and file.read_bytes() == body):
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.part")
        part.write_bytes(body)
        part.replace(file)
    return file


def _versions(folder: Path) -> list[Path]:
    """The folders in a folder that are named after a release."""
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(f for f in found if f.is_dir() and VERSION.fullmatch(f.name))


def _remove_gone(directory: Path, kinds: set[str], written: set[Path]) -> None:
    """Takes away what an earlier export left as the latest of charts that are no more."""
    for folder in (*(directory / "embed" / kind for kind in kinds), directory / "embed" / "build"):
        for file in folder.rglob("*"):
            if file.is_file() and file not in written:
                file.unlink()


def _tell_of_revisions(directory: Path, version: str) -> None:
    """Brings the notices of pinned embeds of other releases up to date with this one."""
    for home in _versions(directory / "embed"):
        if home.name == version:
            continue
        for file in sorted(home.glob("*/*.html")):
            chart, key = file.parent.name, file.name.removesuffix(".html")
            latest = chart_address(chart, key)
            after = directory / unquote(chart_address(chart, key, "json")).lstrip("/")
            page = files.with_notice(
                file.read_text(encoding="utf-8"),
                file.with_name(f"{key}.json").read_bytes(),
                after.read_bytes() if after.is_file() else None,
                latest,
            )
            _put(directory, f"/embed/{home.name}/{chart}/{file.name}", page.encode())


def _copy_data(home: Path, directory: Path) -> int:
    """The release's files under ``data/VERSION/`` and ``data/latest/``."""
    found = [file for file in sorted(home.iterdir()) if file.is_file()]
    for file in found:
        for name in (home.name, "latest"):
            _put(directory, f"/data/{name}/{file.name}", file.read_bytes())
    return 2 * len(found)
