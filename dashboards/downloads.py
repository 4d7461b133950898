"""The release's files by address: ``/data/latest/...`` moves on, ``/data/VERSION/...`` never."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, Response

from dashboards import releases
from dashboards.shelf import LARGEST, OPEN_TO_ALL, Answer, Kept, Shelf, finish
from pipelines.fields import RELEASE

VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[A-Za-z0-9._+-]*")
FOR_EVER = "public, max-age=31536000, immutable"
FOR_NOW = "public, max-age=300, must-revalidate"
SHAPES = ("parquet", "csv", "excel.csv", "json")
_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".md": "text/markdown; charset=utf-8",
    ".bib": "application/x-bibtex; charset=utf-8",
}
_TEXT = "text/plain; charset=utf-8"


def add_downloads(path: Path, shelf: Shelf) -> APIRouter:
    """The routes under ``/data`` for the releases in a directory."""
    router = APIRouter()

    @router.api_route("/data/index.json", methods=["GET", "HEAD"])
    def index() -> Response:
        body = json.dumps(listed(path), indent=1).encode()
        headers = {**OPEN_TO_ALL, "Cache-Control": FOR_NOW}
        return Response(body, media_type="application/json", headers=headers)

    @router.api_route("/data/{version}/{name}", methods=["GET", "HEAD"])
    def download(request: Request, version: str, name: str) -> Response:
        folder = release_path(path, version)
        # Only what is listed there: no name can lead out of the directory.
        if folder is None or name.startswith(".") or name not in {p.name for p in folder.iterdir()}:
            raise HTTPException(404)
        file = folder / name
        media_type = _TYPES.get(file.suffix, _TEXT)
        headers = {
            **OPEN_TO_ALL,
            "Cache-Control": FOR_NOW if version == "latest" else FOR_EVER,
            "Link": f'</data/{version}/datapackage.json>; rel="describedby"',
        }
        if file.stat().st_size > LARGEST:
            return _from_disk(request, file, media_type, headers)
        standing = path / version
        compress = file.suffix != ".parquet"
        modified = file.stat().st_mtime

        def made() -> Answer:
            return finish(file.read_bytes(), media_type, standing, headers, compress, modified)

        return Kept(shelf.once(f"/data/{version}/{name}", made, 4 * LARGEST))

    return router


def release_path(path: Path, version: str) -> Path | None:
    """The directory of a version or of ``latest``; None where there is none.

    Raises :class:`dashboards.releases.NoReleaseError` for ``latest`` of nothing.
    """
    if version == "latest":
        return releases.latest_path(path)
    if not VERSION.fullmatch(version):
        return None
    folder = path / version
    return folder if (folder / "bounds.parquet").is_file() else None


def listed(path: Path) -> dict[str, Any]:
    """What can be downloaded: the latest version, every version kept, and the tables."""
    kept = [p.name for p in path.iterdir() if release_path(path, p.name) and p.name != "latest"]
    return listing(releases.latest_path(path).name, kept)


def listing(latest: str, versions: Iterable[str]) -> dict[str, Any]:
    """The same from the versions' names."""
    return {
        "latest": latest,
        "versions": sorted(versions, reverse=True),
        "tables": [table.name for table in RELEASE],
        "shapes": list(SHAPES),
        "address": "/data/{latest or version}/{table}.{shape}",
        "describedby": "/data/latest/datapackage.json",
    }


def _from_disk(request: Request, file: Path, media_type: str, headers: dict[str, str]) -> Response:
    """A large file, read piece by piece; several ranges are answered too."""
    found = file.stat()
    etag = f'"{_digest(file, found.st_mtime_ns)}"'
    headers = {
        **headers, "ETag": etag, "Last-Modified": formatdate(found.st_mtime, usegmt=True)
    }  # fmt: skip
    known = request.headers.get("if-none-match", "")
    if etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}:
        return Response(status_code=304, headers=headers)
    return FileResponse(file, media_type=media_type, headers=headers)


@lru_cache(maxsize=256)
def _digest(file: Path, _modified: int) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:24]
