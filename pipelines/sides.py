"""The two sides of a comparison: a release, a ledger's directory, or a ledger as git holds it.

A ledger is carried as the tables that follow from it, so that it can be compared with a release.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.editions import TABLES, Edition, fit, read_release, standing_tables
from pipelines.fields import LEDGER_FILES, OPTIONAL_FILES, arrow_schema, released
from pipelines.ledger import Ledger, Problem, read_ledger
from pipelines.release import derive_tables, method_fingerprint


class UnknownEditionError(Exception):
    """Nothing of that name can be compared; the message says what was looked for."""


class BrokenEditionError(Exception):
    """A ledger with problems cannot be compared; ``problems`` lists them."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        super().__init__(f"{name} has {len(problems)} problems")
        self.name = name
        self.problems = problems


def open_edition(text: str, releases: Path, as_of: date) -> Edition:
    """The edition that a reader named: a release's version (or `latest`) or directory, a ledger's
    directory, or `REVISION:DIRECTORY` of a ledger in git.

    ``as_of`` is the day of knowledge for ledgers; a release has its own. Raises
    UnknownEditionError and BrokenEditionError.
    """
    for path in (Path(text), releases / text):
        if (path / "datapackage.json").is_file():
            return read_release(path.resolve())
        if (path / "reports.csv").is_file():
            return read_ledger_edition(text, path, as_of)
    revision, colon, directory = text.partition(":")
    if colon:
        with _checked_out(revision, directory) as path:
            return read_ledger_edition(text, path, as_of)
    raise UnknownEditionError(
        f"{text} is neither a release in {releases}, nor a directory with a release or a ledger, "
        "nor REVISION:DIRECTORY of a ledger in git"
    )


def read_ledger_edition(name: str, directory: Path, as_of: date) -> Edition:
    """What follows from a ledger as known on a day."""
    ledger, problems = read_ledger(directory)
    if problems:
        raise BrokenEditionError(name, problems)
    return derive_edition(name, ledger, as_of)


def derive_edition(
    name: str, ledger: Ledger, as_of: date, agencies: Collection[str] | None = None
) -> Edition:
    """What follows from a ledger; with ``agencies``, from what it holds about these alone."""
    if agencies is not None:
        about = dict(ledger.tables)
        for table in ("reports", "statements", "duties"):
            about[table] = about[table].filter(pl.col("agency_id").is_in(list(agencies)))
        ledger = Ledger(about, ledger.sha256)
    with tempfile.TemporaryDirectory() as stage:
        con = derive_tables(ledger, as_of, Path(stage))
        tables = {n: fit(con.table(n).to_arrow_table(), arrow_schema(released(n))) for n in TABLES}
        con.close()
    return Edition(name, as_of, ledger.sha256, method_fingerprint(), standing_tables(tables, as_of))


@contextmanager
def _checked_out(revision: str, directory: str) -> Iterator[Path]:
    """A ledger's files as they were in a revision, in a directory of their own."""
    with tempfile.TemporaryDirectory() as stage:
        for table in LEDGER_FILES:
            place = f"{revision}:{directory.rstrip('/')}/{table.name}.csv"
            try:
                shown = subprocess.run(
                    ["git", "show", "--end-of-options", place], capture_output=True, check=False
                )
            except FileNotFoundError:
                raise UnknownEditionError(f"{place} cannot be read: git is missing") from None
            if shown.returncode == 0:
                (Path(stage) / f"{table.name}.csv").write_bytes(shown.stdout)
            elif table.name not in OPTIONAL_FILES:
                reason = shown.stderr.decode(errors="replace").strip().splitlines()
                raise UnknownEditionError(
                    f"git has no {place}" + (f" ({reason[0]})" if reason else "")
                )
        yield Path(stage)
