"""Whether a release is what it says it is, in every way that it can be checked by itself.

Files, shapes, keys and vocabularies; every certificate, proved by a method of its own; and all that
follows from the reports and statements, derived again. Where the ledger is at hand, building it
again shows the rest.

A release says which code built it. Where that is not this code, what this code derives alike is
proved all the same; what it derives otherwise may be right or forged, and is told as not checked.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from pipelines import shapes
from pipelines.certificates import bounds_faults, conflict_faults, read_evidence
from pipelines.changes import compare
from pipelines.changes_text import write_changes
from pipelines.datapackage import describe_files
from pipelines.derived_again import derived_faults
from pipelines.editions import read_release
from pipelines.fields import RELEASE
from pipelines.release import MOST_NEWS, BrokenLedgerError, build, method_fingerprint
from pipelines.shapes import count, listed
from pipelines.sums import sum_faults
from pipelines.verify import NEWS, PACKAGE, SUMS, Fault, verify_files

_DESCRIPTIONS = (PACKAGE, "dataset.jsonld", "README.txt", "LICENSE.txt", "CITATION.bib", SUMS)


@dataclass
class Verification:
    """What was checked, each with how many there were of it; what was not; and every fault."""

    checked: list[tuple[str, int]] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(self, what: str, how_many: int, faults: list[Fault]) -> None:
        self.checked.append((what, how_many))
        self.faults += faults

    def add_derived(self, what: str, how_many: int, faults: list[Fault], certain: bool) -> None:
        """What was derived again; where other code may rightly derive otherwise, differences are
        no faults, but not checked."""
        if certain or not faults:
            self.add(what, how_many, faults)
        else:
            self.unchecked.append(f"whether {what}; this code, which did not build it, says:")
            self.unchecked += [f"  {fault}" for fault in faults]


@dataclass(frozen=True)
class _About:
    """What a release says of itself."""

    version: str
    as_of: date
    ledger_sha256: str
    method_sha256: str

    @property
    def by_this_code(self) -> bool:
        return self.method_sha256 == method_fingerprint()


def verify(home: Path, step: Callable[[str], None] = lambda _: None) -> Verification:
    """Check a release; ``step`` is told what comes next.

    What cannot be read is a fault like any other: nothing is raised for a damaged release.
    """
    found = Verification()
    step("Comparing files with their digests")
    names = {path.name for path in home.iterdir()} if home.is_dir() else set()
    found.add("files have the size and digest that is written of them", len(names), [])
    found.faults += verify_files(home)
    found.faults += [Fault(name, "is no file of a release") for name in names - _file_names()]
    step("Reading the tables")
    tables, faults = shapes.read_tables(home)
    found.add("tables have their columns and types", len(RELEASE), faults)
    about = _read_about(home)
    if faults or about is None:
        found.unchecked.append("the content, as it cannot be read")
        return found
    con = duckdb.connect(":memory:")
    for name, table in tables.items():
        con.register(name, table)
    _check_tables(con, home, found, step)
    if found.faults:
        found.unchecked.append("the arithmetic, as the tables are not whole")
        return found
    step("Proving bounds")
    evidence = read_evidence(con)
    wrong = listed("bounds.parquet", bounds_faults(con, evidence))
    found.add("bounds are proved by their certificates alone", 2 * tables["bounds"].num_rows, wrong)
    wrong = listed("conflicts.parquet", conflict_faults(con, evidence))
    found.add("contradictions are proved by their cycles", tables["conflicts"].num_rows, wrong)
    step("Adding up gaps")
    wrong = sum_faults(con, about.as_of)
    found.add("states of gaps have their sizes", tables["gap_history"].num_rows, wrong)
    if not about.by_this_code:
        found.unchecked.append(
            f"whether the code that it names built it: {about.method_sha256!a} is not this code, "
            f"{method_fingerprint()}"
        )
    _check_by_building(home, about, found, step)
    return found


def compare_with_ledger(
    home: Path, ledger: Path, found: Verification, step: Callable[[str], None] = lambda _: None
) -> None:
    """Build the release again from the ledger it is said to come from, and compare all files: of a
    release by other code those of the tables, as its descriptions name that code."""
    about = _read_about(home)
    if about is None:
        found.unchecked.append("whether its ledger gives it, as it cannot be read")
        return
    step("Building it again from the ledger")
    with tempfile.TemporaryDirectory(prefix="facetally-verify-") as directory:
        names = sorted(_file_names() - {*NEWS} if about.by_this_code else _table_files())
        try:
            again = build(ledger, Path(directory), about.as_of)
        except BrokenLedgerError as error:
            faults = [Fault(PACKAGE, f"cannot come from {ledger}: {error}")]
        else:
            faults = [
                Fault(name, f"is not what {ledger} gives on {about.as_of}")
                for name in names
                if not (home / name).is_file()
                or (home / name).read_bytes() != (again / name).read_bytes()
            ]
        what = "files are what the ledger gives, byte by byte"
        found.add_derived(what, len(names), faults, about.by_this_code)


def _table_files() -> set[str]:
    kinds = ("parquet", "csv", "json", "excel.csv")
    return {f"{table.name}.{kind}" for table in RELEASE for kind in kinds}


def _file_names() -> set[str]:
    return {*_DESCRIPTIONS, *NEWS, *_table_files()}


def _read_about(home: Path) -> _About | None:
    try:
        about = json.loads((home / PACKAGE).read_text(encoding="utf-8"))["facetally"]
        return _About(
            str(about["release"]),
            date.fromisoformat(about["as_of"]),
            str(about["ledger_sha256"]),
            str(about["method_sha256"]),
        )
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _check_tables(
    con: duckdb.DuckDBPyConnection, home: Path, found: Verification, step: Callable[[str], None]
) -> None:
    step("Comparing the shapes of each table")
    rows = sum(count(con, f"from {table.name}") for table in RELEASE)
    found.add("rows are the same as Parquet, CSV, spreadsheet and JSON", rows, [])
    found.faults += shapes.shape_faults(con, home)
    step("Checking keys")
    found.add("primary keys are unique, and rows whole", len(RELEASE), shapes.key_faults(con))
    closed = sum(bool(f.values) for table in RELEASE for f in table.fields)
    found.add("columns keep to their vocabularies", closed, shapes.vocabulary_faults(con))
    named = len(shapes.references())
    found.add("columns name only rows that are there", named, shapes.reference_faults(con))


# --- derived again ---------------------------------------------------------------------------


def _check_by_building(
    home: Path, about: _About, found: Verification, step: Callable[[str], None]
) -> None:
    with tempfile.TemporaryDirectory(prefix="facetally-verify-") as directory:
        stage = Path(directory)
        step("Deriving the tables again")
        try:
            wrong = derived_faults(home, about.as_of, stage)
        except (duckdb.Error, pa.ArrowException, pl.exceptions.PolarsError, ValueError) as error:
            wrong = [("reports", f"nothing can be derived ({str(error).splitlines()[0]})")]
        faults = [Fault(f"{table}.parquet", what) for table, what in wrong]
        what = "tables follow from the reports and statements"
        found.add_derived(what, len(RELEASE), faults, about.by_this_code)
        step("Describing the files again")
        _check_descriptions(home, about, stage, found)
        step("Comparing with the release before")
        _check_news(home, about, stage, found)


def _check_descriptions(home: Path, about: _About, stage: Path, found: Verification) -> None:
    """The files about the tables are those that describe these tables."""
    again = stage / "described"
    again.mkdir()
    for path in home.iterdir():
        if path.name not in {*_DESCRIPTIONS, *NEWS}:
            (again / path.name).symlink_to(path.resolve())
    version = f"{about.as_of}-{about.ledger_sha256[:12]}"
    describe_files(again, version, about.as_of, about.ledger_sha256, about.method_sha256)
    faults = _differing(home, again, _DESCRIPTIONS, "does not describe these tables")
    what = "descriptions are those of these tables"
    found.add_derived(what, len(_DESCRIPTIONS), faults, about.by_this_code)


def _check_news(home: Path, about: _About, stage: Path, found: Verification) -> None:
    """What a release tells of the one before it is what has changed, if that lies beside it."""
    try:
        before = json.loads((home / "changes.json").read_text(encoding="utf-8"))["before"]
        name = None if before is None else str(before["name"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        found.faults.append(Fault("changes.json", f"does not say what changed ({error!r})"))
        return
    changes = None
    certain = about.by_this_code
    if name is not None:
        beside = home.resolve().parent / name
        other = _read_about(beside)
        if other is None or verify_files(beside):
            found.unchecked.append(
                f"what changed since {name!a}, which is not whole beside it: put it there"
            )
            return
        certain = certain and other.by_this_code
        changes = compare(read_release(beside), read_release(home, about.version), MOST_NEWS)
    write_changes(stage, changes, about.version)
    faults = _differing(home, stage, NEWS, "does not tell what changed")
    found.add_derived("news files tell what changed", len(NEWS), faults, certain)


def _differing(home: Path, again: Path, names: tuple[str, ...], what: str) -> list[Fault]:
    return [
        Fault(name, what)
        for name in names
        if (home / name).read_bytes() != (again / name).read_bytes()
    ]
