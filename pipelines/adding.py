"""Adding rows to the ledger: each in its sorted place, all or none, never into a broken ledger.

Rows are proposed as drafts. :func:`consider` says what is wrong with them, what a curator should
look at twice and what would follow; :func:`write` checks once more and writes. The bytes of the
other rows are not touched.
"""

from __future__ import annotations

import bisect
import csv
import difflib
import fcntl
import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from slugify import slugify

from pipelines import arithmetic, periods
from pipelines.changes import Changes, compare
from pipelines.changes_text import as_text
from pipelines.fields import LEDGER_FILES, OPTIONAL_FILES, Table
from pipelines.ledger import Ledger, Problem, read_ledger
from pipelines.sheets import read_rows

KINDS = {
    "report": "reports",
    "statement": "statements",
    "source": "sources",
    "agency": "agencies",
    "system": "systems",
    "duty": "duties",
    "correction": "corrections",
}
LONGEST_ID = 120
_TABLES = {table.name: table for table in LEDGER_FILES}
_SORTED_BY = {
    "reports": ("agency_id", "system_id", "metric", "period_start", "period_end", "report_id"),
    "statements": ("agency_id", "said_on", "statement_id"),
}


@dataclass(frozen=True)
class Draft:
    """A proposed row: its table, its cells by column (missing ones are blank), where it is from."""

    table: str
    row: Mapping[str, str]
    origin: str

    @property
    def row_id(self) -> str:
        return self.row.get(_TABLES[self.table].key[0], "")


@dataclass(frozen=True)
class Proposal:
    """Drafts considered: ``problems`` forbid writing, ``warnings`` do not, ``changes`` is what
    would follow for the agencies concerned (None where there are none, or problems)."""

    drafts: Sequence[Draft]
    problems: list[str]
    warnings: list[str] = field(default_factory=list)
    changes: Changes | None = None


class RefusedRowsError(Exception):
    """The rows were not written; ``problems`` says why, in sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def consider(directory: Path, drafts: Sequence[Draft], as_of: date) -> Proposal:
    """What is wrong with the drafts, and what they would change; writes nothing."""
    from pipelines.sides import derive_edition  # compiled code: slow to load

    # Meanwhile another writer might add a row under the same new id.
    with _only_writer_of(directory):
        ledger, problems = read_ledger(directory)
        drafts = with_ids(drafts, ledger)
        said = _before_adding(directory, problems) or _clashes(drafts, ledger)
        if said:
            return Proposal(drafts, said)
        with tempfile.TemporaryDirectory() as stage:
            added, said = _checked(directory, drafts, Path(stage))
    if said:
        return Proposal(drafts, said)
    concerned = _concerned(drafts, added)
    changes = None
    if concerned:
        with ThreadPoolExecutor(2) as pool:
            before = pool.submit(derive_edition, "before", ledger, as_of, concerned)
            after = pool.submit(derive_edition, "after", added, as_of, concerned)
            changes = compare(before.result(), after.result())
    warnings = [*_look_alikes(drafts, added), *_contradictions(changes)]
    return Proposal(drafts, [], warnings, changes)


def write(directory: Path, drafts: Sequence[Draft]) -> list[str]:
    """Write the drafts into the ledger, each in its sorted place; returns their ids.

    Each file is replaced whole, those that others refer to first, so that a crash between two
    files leaves a sound ledger. Raises RefusedRowsError, and then nothing was written.
    """
    with _only_writer_of(directory):
        ledger, problems = read_ledger(directory)
        drafts = with_ids(drafts, ledger)
        said = _before_adding(directory, problems) or _clashes(drafts, ledger)
        if not said:
            with tempfile.TemporaryDirectory(prefix=".adding-", dir=directory) as place:
                stage = Path(place)
                _, said = _checked(directory, drafts, stage)
                if not said:
                    _replace(directory, stage, {draft.table for draft in drafts})
        if said:
            raise RefusedRowsError(said)
    return [draft.row_id for draft in drafts]


def add_from_file(
    directory: Path, table: str, file: Path, as_of: date, say: Callable[[str], None]
) -> list[str]:
    """Add all rows of a file, saying first what to look at twice and what changes; returns ids.

    Raises UnreadableRowsError and RefusedRowsError, and then nothing was written.
    """
    rows = read_rows(file, _TABLES[table])
    proposal = consider(directory, [Draft(table, row, origin) for origin, row in rows], as_of)
    if proposal.problems:
        raise RefusedRowsError(proposal.problems)
    tell(proposal, say)
    return write(directory, proposal.drafts)


def tell(proposal: Proposal, say: Callable[[str], None]) -> None:
    """Say what is wrong, what to look at twice and what would change."""
    for problem in proposal.problems:
        say(f"✗ {problem}")
    for warning in proposal.warnings:
        say(f"! {warning}")
    if proposal.changes is not None:
        for line in as_text(proposal.changes).splitlines()[1:]:
            say(line)


# --- ids -------------------------------------------------------------------------------------


def with_ids(drafts: Sequence[Draft], ledger: Ledger) -> list[Draft]:
    """The drafts, those without an id with one that no other row has."""
    taken = {table.name: set(ledger[table.name][table.key[0]]) for table in LEDGER_FILES}
    named = []
    for draft in drafts:
        key = _TABLES[draft.table].key[0]
        row = dict(draft.row)
        row[key] = draft.row_id or suggest_id(draft.table, row, taken[draft.table])
        taken[draft.table].add(row[key])
        named.append(Draft(draft.table, row, draft.origin))
    return named


def suggest_id(table: str, row: Mapping[str, str], taken: set[str]) -> str:
    """A telling id for a row, not among those taken."""

    def cell(column: str) -> str:
        return row.get(column, "")

    years = [cell(c)[:4] for c in ("period_start", "period_end") if cell(c)[:4].isdigit()]
    region = cell("region") if len(cell("region")) == 2 else ""
    parts = {
        "reports": [cell("agency_id"), cell("system_id"), cell("metric"), *dict.fromkeys(years)],
        "statements": [cell("agency_id"), cell("stance"), cell("said_on")[:4]],
        "sources": [cell("publisher"), cell("published_on"), *cell("title").split()[:3]],
        "agencies": [cell("country"), region, cell("name")],
        "systems": [cell("name")],
        "duties": [cell("agency_id"), *cell("instrument").split()[:4]],
        "corrections": [cell("row_id"), cell("column_name"), cell("corrected_on")],
    }[table]
    stem = slugify(" ".join(filter(None, parts)), max_length=LONGEST_ID - 4, word_boundary=True)
    name, number = stem or "row", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


# --- the files -------------------------------------------------------------------------------


def insert_rows(
    table: Table, content: bytes, rows: Sequence[Mapping[str, str]]
) -> tuple[bytes, list[int]]:
    """The file with the rows in their sorted places, and the line of each row in it.

    All other bytes stay as they are, except that a last line without an end gets one.
    """
    lines = list(io.StringIO(content.decode("utf-8"), newline=""))
    if not lines:
        lines = [",".join(table.columns) + "\n"]
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    if not lines[-1].endswith(("\n", "\r")):
        lines[-1] += end
    reader = csv.reader(lines, strict=True)
    next(reader)
    starts = [reader.line_num]
    keys = []
    for record in reader:
        keys.append(_sort_key(table, dict(zip(table.columns, record, strict=True))))
        starts.append(reader.line_num)
    wanted = sorted(range(len(rows)), key=lambda n: _sort_key(table, rows[n]))
    out: list[str] = []
    at = 0
    numbers = [0] * len(rows)
    written = 0
    for n in wanted:
        place = starts[bisect.bisect_right(keys, _sort_key(table, rows[n]))]
        out += lines[at:place]
        at = place
        numbers[n] = place + written + 1
        text = _line(table, rows[n], end)
        written += len(list(io.StringIO(text, newline="")))
        out.append(text)
    out += lines[at:]
    return "".join(out).encode("utf-8"), numbers


def _sort_key(table: Table, row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row.get(c, "") for c in _SORTED_BY.get(table.name, table.key))


def _line(table: Table, row: Mapping[str, str], end: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerow([row.get(c, "") for c in table.columns])
    return text.getvalue()


def _checked(directory: Path, drafts: Sequence[Draft], stage: Path) -> tuple[Ledger, list[str]]:
    """The ledger with the drafts, written to ``stage``, and its problems in sentences."""
    origins: dict[tuple[str, int], str] = {}
    for table in LEDGER_FILES:
        path = directory / f"{table.name}.csv"
        rows = [draft for draft in drafts if draft.table == table.name]
        if not rows and table.name in OPTIONAL_FILES and not path.exists():
            continue
        content = path.read_bytes() if path.exists() else b""
        if rows:
            content, numbers = insert_rows(table, content, [draft.row for draft in rows])
            origins |= {
                (path.name, n): draft.origin for draft, n in zip(rows, numbers, strict=True)
            }
        (stage / path.name).write_bytes(content)
    ledger, problems = read_ledger(stage)
    return ledger, [_in_words(problem, origins) for problem in problems]


def _in_words(problem: Problem, origins: Mapping[tuple[str, int], str]) -> str:
    origin = origins.get((problem.file, problem.line))
    if origin is None:
        return f"with the new rows, {problem}"
    column = f"{problem.column}: " if problem.column else ""
    return f"{origin}: {column}{problem.message}"


def _replace(directory: Path, stage: Path, tables: set[str]) -> None:
    changed = [table for table in LEDGER_FILES if table.name in tables]
    for table in changed:
        path = stage / f"{table.name}.csv"
        old = directory / path.name
        path.chmod(old.stat().st_mode & 0o777 if old.exists() else 0o644)
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for table in changed:
        (stage / f"{table.name}.csv").replace(directory / f"{table.name}.csv")
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _only_writer_of(directory: Path) -> Iterator[None]:
    """Two curators at one ledger take turns."""
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise RefusedRowsError([f"{directory} cannot be read ({error.strerror})"]) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for left in directory.glob(".adding-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(handle)


# --- what is wrong -----------------------------------------------------------------------------


def _before_adding(directory: Path, problems: list[Problem]) -> list[str]:
    if not problems:
        return []
    first = f"{directory}/{problems[0]}"
    return [
        f"the ledger has {len(problems)} problems already, the first: {first}; run `facetally "
        "check` and mend them before adding rows"
    ]


def _clashes(drafts: Sequence[Draft], ledger: Ledger) -> list[str]:
    """Ids that are taken, and facts that the ledger has."""
    said = []
    seen: dict[tuple[str, str], str] = {}
    facts = _facts(ledger)
    for draft in drafts:
        table = _TABLES[draft.table]
        key = table.key[0]
        for column, cell in draft.row.items():
            if re.search("[\ud800-\udfff]", cell):
                said.append(f"{draft.origin}: {column}: half of a character; write it whole")
        if draft.row_id in ledger[table.name][key]:
            said.append(
                f"{draft.origin}: {key}: {draft.row_id!r} is the id of another row; choose another"
            )
        elif (table.name, draft.row_id) in seen:
            said.append(
                f"{draft.origin}: {key}: {draft.row_id!r} is also the id of "
                f"{seen[table.name, draft.row_id]}; choose another"
            )
        seen[table.name, draft.row_id] = draft.origin
        if draft.table == "reports":
            fact = tuple(draft.row.get(c, "") for c in _FACT)
            if fact in facts:
                said.append(
                    f"{draft.origin}: wording: {facts[fact]} states the same fact from the same "
                    "source already; leave this row out"
                )
            facts.setdefault(fact, draft.origin)
    return said


_FACT = (
    "agency_id",
    "system_id",
    "mode",
    "metric",
    "period_start",
    "period_end",
    "wording",
    "per",
    "source_id",
)


def _facts(ledger: Ledger) -> dict[tuple[str, ...], str]:
    rows = ledger["reports"].select(*_FACT, "report_id").iter_rows()
    return {tuple(row[:-1]): row[-1] for row in rows}


# --- what to look at twice ---------------------------------------------------------------------


def _look_alikes(drafts: Sequence[Draft], ledger: Ledger) -> list[str]:
    """Rows that may say the same as a draft."""
    new = {(draft.table, draft.row_id) for draft in drafts}
    warnings = []
    for draft in drafts:
        alike = {
            "reports": _reports_alike,
            "statements": _statements_alike,
            "sources": _sources_alike,
            "agencies": _names_alike,
            "systems": _names_alike,
        }.get(draft.table)
        if alike:
            warnings += [
                f"{draft.origin}: {what}"
                for other, what in alike(draft, ledger)
                # Of two drafts that are alike, the later one is told.
                if (draft.table, other) not in new or other < draft.row_id
            ]
    return warnings


def _reports_alike(draft: Draft, ledger: Ledger) -> Iterator[tuple[str, str]]:
    reports = ledger["reports"]
    published = {
        source: periods.span(day)[1]
        for source, day in ledger["sources"].select("source_id", "published_on").iter_rows()
    }
    mine = reports.filter(pl.col("report_id") == draft.row_id).row(0, named=True)
    others = reports.filter(
        (pl.col("report_id") != draft.row_id)
        & (pl.col("agency_id") == mine["agency_id"])
        & (pl.col("metric") == mine["metric"])
        & pl.col("stated_low").eq_missing(mine["stated_low"])
        & pl.col("stated_high").eq_missing(mine["stated_high"])
    )
    first, last = _days(mine, published)
    for other in others.iter_rows(named=True):
        other_first, other_last = _days(other, published)
        linked = draft.row_id in (other["replaces"], mine["replaces"])
        if other_first <= last and first <= other_last and not linked:
            number = arithmetic.interval(mine["stated_low"], mine["stated_high"])
            system = "" if other["system_id"] == mine["system_id"] else f" on {other['system_id']}"
            yield (
                other["report_id"],
                f"{other['report_id']} gives the same number ({number}) for the same agency"
                f"{system} and an overlapping period, from {other['source_id']}; is it the same "
                "fact told twice?",
            )


def _days(report: Mapping[str, Any], published: Mapping[str, date]) -> tuple[date, date]:
    start, end = report["period_start"], report["period_end"]
    return (
        date.fromisoformat(start) if start and start != "begin" else date.min,
        date.fromisoformat(end) if end else published[report["source_id"]],
    )


def _statements_alike(draft: Draft, ledger: Ledger) -> Iterator[tuple[str, str]]:
    said_on = draft.row.get("said_on", "")
    others = ledger["statements"].filter(
        (pl.col("statement_id") != draft.row_id)
        & (pl.col("agency_id") == draft.row.get("agency_id", ""))
        & (pl.col("stance") == draft.row.get("stance", ""))
        & (pl.col("system_id") == draft.row.get("system_id", ""))
    )
    for other in others.iter_rows(named=True):
        if said_on and other["said_on"]:
            first, last = periods.interval_span(said_on)
            other_first, other_last = periods.interval_span(other["said_on"])
            if first > other_last or other_first > last:
                continue
        yield (
            other["statement_id"],
            f"{other['statement_id']} has the same agency, system and stance at that time, from "
            f"{other['source_id']}; is it the same statement told twice?",
        )


def _sources_alike(draft: Draft, ledger: Ledger) -> Iterator[tuple[str, str]]:
    mine = _address(draft.row.get("url", ""))
    title = (draft.row.get("publisher", "").lower(), draft.row.get("title", "").lower())
    for other in ledger["sources"].iter_rows(named=True):
        if other["source_id"] == draft.row_id:
            continue
        if mine and _address(other["url"]) == mine:
            yield other["source_id"], f"{other['source_id']} has the same address"
        elif (other["publisher"].lower(), other["title"].lower()) == title:
            yield other["source_id"], f"{other['source_id']} has the same publisher and title"


def _address(url: str) -> str:
    return re.sub(r"^https?://(www\.)?|[/?#]+$", "", url.lower())


def _names_alike(draft: Draft, ledger: Ledger) -> Iterator[tuple[str, str]]:
    key = _TABLES[draft.table].key[0]
    name = slugify(draft.row.get("name", ""))
    for other in ledger[draft.table].iter_rows(named=True):
        near = difflib.SequenceMatcher(None, name, slugify(other["name"]))
        same_country = other.get("country") == draft.row.get("country")
        if other[key] != draft.row_id and same_country and near.ratio() > 0.85:
            yield other[key], f"{other[key]} is named {other['name']!r}; is it the same?"


def _contradictions(changes: Changes | None) -> list[str]:
    return [
        f"{c.set_aside_id} would be set aside, for it contradicts other evidence: {c.arithmetic}"
        for c in (changes.conflicts if changes else [])
        if c.change == "set_aside"
    ]


def _concerned(drafts: Sequence[Draft], ledger: Ledger) -> set[str]:
    """The agencies whose figures can change: those of the drafts, the groups that they are in and
    the groups' other members."""
    groups = {
        agency: member_of.split()
        for agency, member_of in ledger["agencies"].select("agency_id", "member_of").iter_rows()
    }
    found: set[str] = set()
    waiting = [
        draft.row["agency_id"]
        for draft in drafts
        if draft.table in ("reports", "statements", "duties", "agencies")
        and draft.row.get("agency_id")
    ]
    while waiting:
        agency = waiting.pop()
        if agency not in found:
            found.add(agency)
            waiting += groups.get(agency, [])
    return found | {agency for agency, of in groups.items() if found & set(of)}
