"""The whole site as files that any web server can hold."""

from __future__ import annotations

import os
import re
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from dashboards import assets, releases
from dashboards.site import cards
from dashboards.site.pages import Site

_ASSET = re.compile(rb'(?:href|src)="(/assets/[^"]+)"')
_CHUNK = 16


def export(home: Path, directory: Path, base_url: str) -> int:
    """Writes every page, card, asset and download of the release in ``home``; gives their number.

    ``directory`` is made where it is missing, and files in it of the same name are replaced.
    Raises ValueError for a ``base_url`` that is not an origin, FileNotFoundError for what is no
    release.
    """
    site = Site(releases.read(home), base_url, explorer=False)
    directory.mkdir(parents=True, exist_ok=True)
    # A card follows its page and takes its drawing; the heaviest come first, so that no process
    # ends with a long one.
    drawn = {page: card for card in site.card_addresses() if (page := cards.page_of(card))}
    pages = sorted(site.addresses(), key=lambda page: page not in drawn)
    work = [name for page in pages for name in (page, drawn.get(page)) if name]
    chunks = [work[i : i + _CHUNK] for i in range(0, len(work), _CHUNK)]
    workers = min(len(chunks), os.cpu_count() or 1)
    found: set[str] = set()
    # Fresh processes: the renderer has threads of its own, which a fork would lose.
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_start, initargs=(home, directory, base_url)
    ) as pool:
        for linked in pool.map(_write, chunks):
            found |= linked
    for address in sorted(found):
        asset = assets.served(address)
        assert asset, f"{address} changed while the site was written"
        _put(directory, address, asset.encoded["identity"])
    return len(work) + len(found) + _copy_data(home, directory)


_site: Site
_directory: Path


def _start(home: Path, directory: Path, base_url: str) -> None:
    global _site, _directory
    _site = Site(releases.read(home), base_url, explorer=False)
    _directory = directory


def _write(addresses: list[str]) -> set[str]:
    """Writes these pages; gives the assets that they link to."""
    linked: set[str] = set()
    for address in addresses:
        page = _site.page(address)
        assert page, f"{address} is listed and has no page"
        _put(_directory, address, page.body)
        linked |= {name.decode() for name in _ASSET.findall(page.body)}
    return linked


def _put(directory: Path, address: str, body: bytes) -> None:
    name = address.lstrip("/") + ("index.html" if address.endswith("/") else "")
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


def _copy_data(home: Path, directory: Path) -> int:
    """The release's files under ``data/VERSION/`` and ``data/latest/``."""
    files = [file for file in sorted(home.iterdir()) if file.is_file()]
    for name in (home.name, "latest"):
        target = directory / "data" / name
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, target / file.name)
    return 2 * len(files)
