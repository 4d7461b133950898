"""The latest release as tables in memory.

Releases are immutable, so a loaded one is shared between threads and never reloaded; a new one
is noticed when the ``latest`` link moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from pipelines.fields import RELEASE, Table, arrow_schema


class NoReleaseError(Exception):
    """No release can be read; the message says where it was looked for and what to run."""


@dataclass(frozen=True, eq=False)
class Release:
    """One release: its version, its directory and its tables by name."""

    version: str
    path: Path
    tables: dict[str, pl.DataFrame] = field(repr=False)

    @property
    def as_of(self) -> date:
        """The day up to which knowledge counts; versions start with it."""
        return date.fromisoformat(self.version[:10])

    def at(self, name: str, day: date | None) -> pl.DataFrame:
        """The rows of a table that stood on that day; None: on the release's own day.

        Only for tables with ``known_from`` (and most with ``known_until``).
        """
        return _at(self, name, day)


# What `latest` was when the request at hand first asked.
_answering: ContextVar[dict[Path, Path] | None] = ContextVar("answering", default=None)


@contextmanager
def one_release() -> Iterator[None]:
    """Within it ``latest`` stays what it was at first, in every thread that the context reaches:
    an answer is made from one release, whatever moves meanwhile."""
    before = _answering.set({})
    try:
        yield
    finally:
        _answering.reset(before)


def latest_path(releases: Path) -> Path:
    """The directory that ``latest`` points at, resolved; raises :class:`NoReleaseError`."""
    held = _answering.get()
    if held is not None and releases in held:
        return held[releases]
    home = (releases / "latest").resolve()
    if not (home / "bounds.parquet").is_file():
        raise NoReleaseError(f"no release in {releases}: run `facetally build` first")
    return home if held is None else held.setdefault(releases, home)


def latest(releases: Path) -> Release:
    """The latest release; read from disk only where its version is new."""
    return _load(latest_path(releases))


def read(home: Path) -> Release:
    """The release in a directory; raises :class:`NoReleaseError` where there is none."""
    if not (home / "bounds.parquet").is_file():
        raise NoReleaseError(f"{home} holds no release: run `facetally build` first")
    return _load(home.resolve())


@lru_cache(maxsize=2)
def _load(path: Path) -> Release:
    return Release(path.name, path, {table.name: _table(path, table) for table in RELEASE})


def _table(path: Path, table: Table) -> pl.DataFrame:
    """One table with today's columns; what a release is too old to have is blank."""
    empty = pl.from_arrow(arrow_schema(table).empty_table())
    assert isinstance(empty, pl.DataFrame)
    file = path / f"{table.name}.parquet"
    if not file.is_file():
        return empty
    return pl.concat([pl.read_parquet(file), empty], how="diagonal").select(empty.columns)


@lru_cache(maxsize=512)
def _at(release: Release, name: str, day: date | None) -> pl.DataFrame:
    table = release.tables[name]
    day = day or release.as_of
    stood = pl.col("known_from") <= day
    if "known_until" in table.columns:
        stood &= pl.col("known_until").is_null() | (pl.col("known_until") > day)
    return table.filter(stood)
