"""The releases that the server stands by: verified, and held while they are served.

A directory of releases is written by others; what is served is a view of it. A release comes into
the view once every one of its files has been compared with its digest, and `latest` of the view
moves only then, in one step. Its files are hard links where the system allows: a release that is
rebuilt or removed meanwhile stays whole for the requests that read it.

The view has the shape of a directory of releases, so everything that reads one reads the view.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from dashboards.downloads import VERSION
from dashboards.releases import NoReleaseError
from pipelines.verify import verify_files

EVERY = 0.2
"""Seconds between looks at the directory."""
_AT_START = 3.0
_GRACE = 120.0
_STATE = "state.json"
_Mark = tuple[int, int]

log = structlog.get_logger()


@dataclass
class _Found:
    """A release as it lay there: which directory it was, its faults, and where it is held."""

    mark: _Mark
    files: _Mark
    faults: list[str]
    held: Path | None


class Held:
    """A view of a directory of releases; ``folder`` is its place.

    Raises :class:`NoReleaseError` where no release is sound.
    """

    def __init__(self, releases: Path) -> None:
        self._releases = releases
        self._temporary = tempfile.TemporaryDirectory(prefix="facetally-")
        self.folder = Path(self._temporary.name)
        self._numbers = itertools.count()
        self._found: dict[str, _Found] = {}
        self._growing: dict[str, _Mark] = {}
        self._leaving: list[tuple[float, Path]] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._current: Path | None = None
        self._told: dict[str, Any] = {}
        self._telling = threading.Lock()
        deadline = time.monotonic() + _AT_START
        self._look(deadline)
        if self._current is None:
            self.close()
            raise NoReleaseError(_nothing_sound(releases, self.refused()))
        self._thread.start()

    @property
    def version(self) -> str:
        """The release that is served as the latest."""
        assert self._current
        return self._current.name

    def refused(self) -> dict[str, str]:
        """By version, the first fault of each release that is not served."""
        return {name: f.faults[0] for name, f in sorted(self._found.items()) if f.faults}

    def tell(self, **more: Any) -> None:
        """Puts more into the state that :func:`state` reads."""
        with self._telling:
            told = {**self._told, **more}
            if told != self._told:
                self._told = told
                fresh = self.folder / f".{_STATE}"
                fresh.write_text(json.dumps(told))
                fresh.replace(self.folder / _STATE)

    def close(self) -> None:
        """Stops looking and removes the view."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        self._temporary.cleanup()

    def _watch(self) -> None:
        while not self._ending.wait(EVERY):
            try:
                self._look(float("inf"))
            except OSError as error:
                log.error("releases cannot be read", error=str(error))

    def _look(self, deadline: float) -> None:
        """Takes in what is new, the latest first, and moves on to it if it is sound."""
        wanted = _target(self._releases)
        names = sorted(_versions(self._releases), reverse=True)
        for name in [wanted] if wanted in names else []:
            self._take_in(name)
        self._move_on(wanted)
        for name in names:
            if time.monotonic() > deadline and self._current:
                break
            self._take_in(name)
            if self._ending.is_set():
                return
        if self._current is None:
            sound = [name for name in names if (f := self._found.get(name)) and f.held]
            self._move_on(sound[0] if sound else None)
        for name in self._found.keys() - set(names):
            self._let_go(name)
        while self._leaving and time.monotonic() - self._leaving[0][0] > _GRACE:
            shutil.rmtree(self._leaving.pop(0)[1], ignore_errors=True)
        if self._current:
            self.tell(release=self._current.name, refused=self.refused())

    def _take_in(self, name: str) -> None:
        """Verifies a release that was not seen before and links it into the view."""
        home = self._releases / name
        try:
            mark = _mark(home)
        except OSError:
            return
        known = self._found.get(name)
        # One that was refused may still be on its way here, its files growing.
        if known and known.mark == mark and (not known.faults or known.files == _files(home)):
            return
        files = _files(home)
        if self._current and self._growing.get(name) != files:
            # Perhaps still being copied here: it is verified once it has not grown for a while.
            self._growing[name] = files
            return
        self._growing.pop(name, None)
        # What is verified is what is held: nobody can exchange it in between.
        held = _link(home, self.folder / f".{next(self._numbers)}" / name)
        faults = [str(fault) for fault in verify_files(held)]
        if faults:
            log.error("release refused", release=name, faults=faults[:10], number=len(faults))
            shutil.rmtree(held.parent, ignore_errors=True)
            # What was held of that name before stays: it was sound.
            self._found[name] = _Found(mark, files, faults, known.held if known else None)
            return
        self._found[name] = _Found(mark, files, [], held)
        _point(self.folder / name, held)
        if known and known.held and known.held != self._current:
            self._leaving.append((time.monotonic(), known.held.parent))

    def _move_on(self, name: str | None) -> None:
        found = self._found.get(name) if name else None
        if not found or found.faults or not found.held or found.held == self._current:
            return
        before, self._current = self._current, found.held
        _point(self.folder / "latest", found.held)
        if before:
            log.info("release", release=name, before=before.name)
            if before not in {f.held for f in self._found.values()}:
                self._leaving.append((time.monotonic(), before.parent))

    def _let_go(self, name: str) -> None:
        found = self._found[name]
        if found.held and found.held == self._current:
            return
        del self._found[name]
        (self.folder / name).unlink(missing_ok=True)
        if found.held:
            self._leaving.append((time.monotonic(), found.held.parent))


def state(folder: Path) -> dict[str, Any]:
    """What the server's processes know of each other: the release, those refused, the explorer."""
    return dict(json.loads((folder / _STATE).read_text()))


def _versions(releases: Path) -> list[str]:
    if not releases.is_dir():
        return []
    return [p.name for p in releases.iterdir() if VERSION.fullmatch(p.name) and p.is_dir()]


def _target(releases: Path) -> str | None:
    """The version that the directory's `latest` names."""
    try:
        return (releases / "latest").resolve(strict=True).name
    except OSError:
        return None


def _mark(home: Path) -> _Mark:
    found = home.stat()
    return found.st_ino, found.st_mtime_ns


def _files(home: Path) -> _Mark:
    """The bytes of all files, and when one was last written."""
    found = [file.stat() for file in home.iterdir()]
    return sum(f.st_size for f in found), max((f.st_mtime_ns for f in found), default=0)


def _link(home: Path, held: Path) -> Path:
    """The release's files under ``held``, as links that keep them; else a link to the directory."""
    held.mkdir(parents=True)
    try:
        for file in home.iterdir():
            if file.is_file():
                os.link(file, held / file.name)
        found = home.stat()
        os.utime(held, ns=(found.st_atime_ns, found.st_mtime_ns))
    except OSError:
        shutil.rmtree(held)
        held.symlink_to(home.resolve())
    return held


def _point(link: Path, target: Path) -> None:
    fresh = link.with_name(f".{link.name}-new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    fresh.symlink_to(target.relative_to(link.parent))
    fresh.replace(link)


def _nothing_sound(releases: Path, refused: dict[str, str]) -> str:
    if not refused:
        return f"no release in {releases}: run `facetally build` first"
    told = "; ".join(f"{name}: {fault}" for name, fault in refused.items())
    return f"no sound release in {releases}: {told}; run `facetally build` again"
