"""Event logs: from an agency's search log (one row a search) to report rows of the ledger.

:func:`import_log` does it in one pass: find the files and fingerprint them, count by day in one
Ibis expression on DuckDB or Spark, write report rows, and put them into the ledger if its checks
pass. A log's rows are never stored, and only the mapped columns are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.events import rejects
from pipelines.events.counting import (
    MALFORMED,
    Roles,
    completed,
    keyed,
    tally,
    tally_of_keyless,
    without_time,
)
from pipelines.events.engines import open_engine
from pipelines.events.entries import Entered, Report, enter, write_reports
from pipelines.events.logs import (
    LogFile,
    LogProblem,
    RefusedLogError,
    find_files,
    fingerprint,
    open_files,
    unchanged,
)
from pipelines.events.rejects import Reject
from pipelines.events.request import LogImport, Series
from pipelines.events.summary import ImportSummary
from pipelines.events.times import Clock
from pipelines.ledger import Ledger, read_ledger
from pipelines.periods import day_number, day_of

if TYPE_CHECKING:
    from pipelines.release import Progress

__all__ = [
    "Clock",
    "ImportSummary",
    "LogImport",
    "LogProblem",
    "RefusedLogError",
    "import_log",
]

REPEATED, NOT_NAMED, OUTSIDE = "repeated", "unit or purpose not named", "outside the period"


@dataclass(frozen=True)
class Counted:
    """What a log holds: its rows, searches by series and day, and what was not counted, by
    reason."""

    rows: int
    searches: dict[tuple[Series, date], int]
    rejected: dict[str, int]
    sample: list[Reject]

    @property
    def unread(self) -> int:
        """Rows of which no day is known: each may be a search of any day."""
        known = (REPEATED, NOT_NAMED, OUTSIDE)
        return sum(rows for reason, rows in self.rejected.items() if reason not in known)

    @property
    def most_unread(self) -> int | None:
        """The most searches that the unread rows can be; None: no limit, for a malformed row may
        have swallowed others."""
        return None if MALFORMED in self.rejected else self.unread


def import_log(ledger: Path, request: LogImport, progress: Progress) -> ImportSummary:
    """Count a log and put the counts into the ledger.

    The same log imported again changes nothing. Raises RefusedLogError with every problem found,
    having written nothing; an interrupt leaves the ledger as it was, too.
    """
    progress.step("Reading the ledger")
    tables, problems = read_ledger(ledger)
    if problems:
        message = f"has {len(problems)} problems; run `facetally check` and mend them first"
        raise RefusedLogError([LogProblem(str(ledger), 0, "", message)])
    wrong = [*request.problems(), *_unknown_ids(request, tables)]
    try:
        paths = find_files(request.files)
    except RefusedLogError as refused:
        wrong += refused.problems
    if wrong:
        raise RefusedLogError(wrong)
    progress.step("Fingerprinting the log")
    files = open_files(
        paths,
        request.scanned,
        request.encoding,
        request.delimiter,
        progress.share,
    )
    found = count(request, files, progress)
    if not found.searches:
        raise RefusedLogError(_nothing_counted(found))
    first = request.first or min(day for _, day in found.searches)
    last = request.last or max(day for _, day in found.searches)
    sha256 = fingerprint(files)
    rows = write_reports(
        request,
        found.searches,
        found.most_unread,
        (first, last),
        _locator(files, sha256),
        _note(request, found),
    )
    progress.step("Checking the ledger with the new rows")
    entered = enter(ledger, rows)
    return _summary(request, found, files, sha256, (first, last), rows, entered)


def count(request: LogImport, files: Sequence[LogFile], progress: Progress) -> Counted:
    """The searches of opened files by series and day. Raises RefusedLogError."""
    _refuse_types(request, files)
    columns = request.scanned
    roles = Roles(
        times=[c for c in columns if c.startswith("searched_at_")],
        keys=[c for c in columns if c.startswith("key_")],
        units=list(request.units),
        purposes=list(request.purposes),
    )
    progress.step(f"Counting with {request.engine}")
    with open_engine(request.engine, request.master) as engine:
        shapes = groupby(sorted(files, key=_shape), key=_shape)
        logs = [engine.scan(list(group), columns) for _, group in shapes]
        question = tally(logs, roles, request.clock, engine)
        found = completed(question.columns, engine.rows(question, progress.share))
        if any(keyless for *_, keyless in found):
            question = tally_of_keyless(logs, roles, request.clock, engine)
            alone = engine.rows(question, progress.share)
            found = [*keyed(found), *completed(question.columns, alone)]
        left_out = engine.left_out()
        reasons = []
        days = [request.clock.day(local, moment) for _, _, local, moment, *_ in found]
        if None in days:
            progress.step("Looking at the rejected rows")
            question = without_time(logs, roles, request.clock, engine)
            reasons = engine.rows(question, progress.share)
    if left_out:
        reasons.append((MALFORMED, None, left_out, None))
    if not unchanged(files):
        raise RefusedLogError([LogProblem(files[0].path, 0, "", "the log changed while read")])
    searches, rejected = _by_day(request, found, days)
    for reason, _, rows, _ in reasons:
        rejected[reason] = rejected.get(reason, 0) + rows
    return Counted(
        rows=sum(rows for *_, rows, _, _ in found) + left_out,
        searches=searches,
        rejected=dict(sorted(rejected.items(), key=lambda pair: (-pair[1], pair[0]))),
        sample=rejects.sample(files, columns, roles.times, reasons, progress),
    )


def _shape(file: LogFile) -> str:
    return repr(file.shape)


def _by_day(
    request: LogImport, found: Iterable[tuple[Any, ...]], days: Iterable[int | None]
) -> tuple[dict[tuple[Series, date], int], dict[str, int]]:
    """Searches by series and day from what the engine counted, and rows rejected by reason."""
    searches: dict[tuple[Series, date], int] = {}
    rejected: dict[str, int] = {}

    def reject(reason: str, rows: int) -> None:
        rejected[reason] = rejected.get(reason, 0) + rows

    first = day_number(request.first) if request.first else None
    last = day_number(request.last) if request.last else None
    for (unit, purpose, _, _, rows, once, _), day in zip(found, days, strict=True):
        if day is None:
            continue  # the reasons are asked for by themselves
        if (first is not None and day < first) or (last is not None and day > last):
            reject(OUTSIDE, rows)
        elif (request.units and unit is None) or (request.purposes and purpose is None):
            reject(NOT_NAMED, rows)
        else:
            key = request.series_of(unit, purpose), day_of(day)
            searches[key] = searches.get(key, 0) + once
            if rows > once:
                reject(REPEATED, rows - once)
    return searches, rejected


def _refuse_types(request: LogImport, files: Sequence[LogFile]) -> None:
    """Refuse typed columns that cannot be a time, or not with this clock."""
    problems = []
    for file in (f for f in files if f.types):
        for (role, column), arrow in zip(request.scanned.items(), file.types, strict=True):
            if not role.startswith("searched_at_"):
                continue
            kind, message = str(arrow), ""
            if kind.startswith("timestamp") and "tz=" in kind and not request.clock.days_in:
                message = "its times are moments; say in which zone the days are: --days-in"
            elif kind.startswith("date") and request.clock.converts:
                message = "has no time of day, so the day in another zone is not known"
            elif not kind.startswith(("timestamp", "date", "string", "large_string")):
                message = f"is of type {kind}; a time is a timestamp, a date or text"
            if message:
                problems.append(LogProblem(file.path, 0, column, message))
    if problems:
        raise RefusedLogError(problems)


def _unknown_ids(request: LogImport, tables: Ledger) -> list[LogProblem]:
    asked = [
        ("--agency", "agencies", request.agency_id),
        ("--system", "systems", request.system_id),
        *(("--unit", "agencies", i) for i in request.units.values()),
        *(("--purpose", "systems", i) for i in request.purposes.values()),
        ("--source", "sources", request.source_id),
        ("--disclosed-by", "agencies", request.disclosed_by),
    ]
    known = {name: set(tables[name][f"{key}_id"]) for name, key in _ID_OF.items()}
    return [
        LogProblem(option, 0, "", f"{i!r} is not in {table}.csv; add it there first")
        for option, table, i in asked
        if i and i not in known[table]
    ]


_ID_OF = {"agencies": "agency", "systems": "system", "sources": "source"}


def _nothing_counted(found: Counted) -> list[LogProblem]:
    reasons = "; ".join(f"{rows:,} {reason}" for reason, rows in found.rejected.items())
    message = f"none of {found.rows:,} rows could be counted ({reasons or 'the log is empty'})"
    return [
        LogProblem("--map", 0, "", message),
        *(LogProblem(r.file, r.line, r.column, f"{r.reason}: {r.remedy}") for r in found.sample),
    ]


def _locator(files: Sequence[LogFile], sha256: str) -> str:
    if len(files) == 1:
        return f"log sha256 {sha256}"
    return f"{len(files)} logs, sha256 of their sorted sha256s {sha256}"


def _note(request: LogImport, found: Counted) -> str:
    """What a reader needs to know about the rows: how many, which were not counted, which days."""
    zone = f" in {request.clock.days_in}" if request.clock.days_in else " as written"
    start = "as declared" if request.first else "from the first search"
    end = "as declared" if request.last else "to the last search"
    period = start if start == end else f"{start} {end}"
    days = f"Days{zone}; period {period}."
    if found.unread:
        what = "1 row has" if found.unread == 1 else f"{found.unread} rows have"
        days += f" {what} no readable day and may be of any, so high is above the count."
    if request.min_cell:
        # Row counts would give away what the small cells hold.
        return (
            f"Counted from a search log. Counts from 1 to {request.min_cell - 1} withheld. {days}"
        )
    rejected = "".join(f", {rows} {reason}" for reason, rows in found.rejected.items())
    counted = sum(found.searches.values())
    return f"Counted from a search log of {found.rows} rows: {counted} counted{rejected}. {days}"


def _summary(
    request: LogImport,
    found: Counted,
    files: Sequence[LogFile],
    sha256: str,
    period: tuple[date, date],
    rows: Sequence[Report],
    entered: Entered,
) -> ImportSummary:
    wordings = [row["wording"] for row in rows]
    return ImportSummary(
        sha256=sha256,
        files=len(files),
        engine=request.engine,
        rows=found.rows,
        counted=sum(found.searches.values()),
        rejected=found.rejected,
        sample=found.sample,
        first=period[0],
        last=period[1],
        first_declared=request.first is not None,
        last_declared=request.last is not None,
        days_in=request.clock.days_in,
        per=request.per,
        without_search=wordings.count("0"),
        withheld=sum(not wording.isdecimal() for wording in wordings),
        added=entered.added,
        standing=entered.standing,
    )
