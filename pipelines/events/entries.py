"""Counts as report rows, and their way into the ledger: all of them after its checks, or none."""

from __future__ import annotations

import csv
import hashlib
import heapq
import io
import os
import shutil
import tempfile
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipelines.events.logs import LogProblem, RefusedLogError
from pipelines.events.request import LogImport, Series
from pipelines.fields import LEDGER, REPORTS
from pipelines.ledger import read_ledger

Report = dict[str, str]

_ORDER = ("agency_id", "system_id", "metric", "period_start", "period_end", "report_id")
_LONGEST_ID = 120
_WITHHELD = "fewer than"
_FACT = ("agency_id", "system_id", "metric", "period_start", "period_end", "wording")


@dataclass(frozen=True)
class Entered:
    """What entering did: rows added, and rows that stood in the ledger already."""

    added: int
    standing: int


def write_reports(
    request: LogImport,
    counts: Mapping[tuple[Series, date], int],
    first: date,
    last: date,
    locator: str,
    note: str,
) -> list[Report]:
    """A report row for each series and day, week or month of [first, last], zeros included.

    counts: searches by series and day.
    """
    rows = []
    for agency, system in request.series:
        totals: dict[tuple[date, date], int] = {}
        for day in _days(first, last):
            start, end = _span(day, request.per)
            period = max(start, first), min(end, last)
            totals[period] = totals.get(period, 0) + counts.get(((agency, system), day), 0)
        for (start, end), count in totals.items():
            row = dict.fromkeys(REPORTS.columns, "")
            row.update(
                report_id=report_id(agency, system, request.metric, start, request.per),
                agency_id=agency,
                system_id=system,
                mode=request.mode,
                metric=request.metric,
                period_start=start.isoformat(),
                period_end=end.isoformat(),
                wording=_wording(count, request.min_cell),
                channel=request.channel,
                disclosed_by=request.disclosed_by,
                source_id=request.source_id,
                locator=locator,
                note=note,
            )
            rows.append(row)
    return rows


def report_id(agency: str, system: str, metric: str, start: date, per: str) -> str:
    """The stable id of a log's row: from agency, system, metric and the day, week or month."""
    year, week, _ = start.isocalendar()
    when = {
        "day": start.isoformat(),
        "week": f"{year:04d}-w{week:02d}",
        "month": f"{start.year:04d}-{start.month:02d}",
    }[per]
    what = "" if metric == "searches" else f"-{metric.replace('_', '-')}"
    whole = f"log-{agency}-{system}{what}-{when}"
    if len(whole) <= _LONGEST_ID:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
    room = _LONGEST_ID - len(when) - len(digest) - 2
    return f"{whole[:room].rstrip('-')}-{digest}-{when}"


def enter(ledger: Path, rows: Sequence[Report]) -> Entered:
    """Put the rows into ``ledger``/reports.csv, in its order, if the ledger is sound with them.

    A row that stands there already is left as it is. Raises RefusedLogError, having written
    nothing, where a row says otherwise than the ledger's of the same id, or a check fails.
    """
    path = ledger / "reports.csv"
    before = path.read_bytes()
    standing = _records(before.decode("utf-8"))
    known = {row["report_id"]: (line, row) for line, row, _ in standing[1:]}
    clashes = []
    new = []
    for row in rows:
        if row["report_id"] not in known:
            new.append(row)
            continue
        line, old = known[row["report_id"]]
        differing = [c for c in _FACT if old[c] != row[c]]
        clashes += [
            LogProblem(
                str(path),
                line,
                column,
                f"{old['report_id']} says {old[column]!r} ({old['locator'] or 'no locator'}), this "
                f"log {row[column]!r}; delete that row, leave its period out with --from and --to, "
                "or import logs that are parts of one together",
            )
            for column in differing
        ]
    clashes += _give_away(str(path), [row for _, row, _ in standing[1:]], new)
    if clashes:
        raise RefusedLogError(clashes)
    if new:
        _replace_if_sound(ledger, before, _merged(standing, new))
    return Entered(len(new), len(rows) - len(new))


def _give_away(path: str, old: Sequence[Report], new: Sequence[Report]) -> list[LogProblem]:
    """A problem for each series where counts by day and by month, say, would stand side by side
    and some are withheld: a reader could subtract and have them."""

    def series(row: Report) -> tuple[str, str, str]:
        return row["agency_id"], row["system_id"], row["metric"]

    problems = []
    for key in sorted({series(row) for row in new}):
        fresh = [row for row in new if series(row) == key]
        before = [r for r in old if series(r) == key and r["report_id"].startswith("log-")]
        first, last = fresh[0]["period_start"], fresh[-1]["period_end"]
        over = [r for r in before if r["period_start"] <= last and r["period_end"] >= first]
        if over and any(_is_withheld(row) for row in (*fresh, *over)):
            message = (
                f"{over[0]['report_id']} counts some of the same days, and from both a reader "
                "could work out the counts that are withheld; keep to one --per"
            )
            problems.append(LogProblem(path, 0, "", message))
    return problems


def _is_withheld(row: Report) -> bool:
    return row["wording"].startswith(_WITHHELD)


def _replace_if_sound(ledger: Path, before: bytes, content: str) -> None:
    """Check the ledger with the new reports.csv beside it, then rename the file into place."""
    path = ledger / "reports.csv"
    stage = Path(tempfile.mkdtemp(prefix=".import-log-", dir=ledger))
    try:
        for table in LEDGER:
            if table.name != "reports":
                name = f"{table.name}.csv"
                (stage / name).symlink_to(ledger.resolve() / name)
        staged = stage / path.name
        with staged.open("w", encoding="utf-8", newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _, problems = read_ledger(stage)
        if problems:
            raise RefusedLogError(
                [
                    LogProblem(f"with the log's rows {p.file}", p.line, p.column, p.message)
                    for p in problems
                ]
            )
        shutil.copymode(path, staged)
        if path.read_bytes() != before:
            message = "changed during the import; nothing was written, run it again"
            raise RefusedLogError([LogProblem(str(path), 0, "", message)])
        staged.replace(path)
        directory = os.open(ledger, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _records(text: str) -> list[tuple[int, Report, str]]:
    """Each record's line, cells and own text; the header first."""
    lines = [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
    reader = csv.reader(iter(lines), strict=True)
    found = []
    start = 0
    for record in reader:
        raw = "".join(lines[start : reader.line_num])
        found.append((start + 1, dict(zip(REPORTS.columns, record, strict=True)), raw))
        start = reader.line_num
    return found


def _merged(standing: Sequence[tuple[int, Report, str]], new: Sequence[Report]) -> str:
    """The ledger's text with the new rows where they belong; the other rows byte for byte."""

    def order(row: Report) -> tuple[str, ...]:
        return tuple(row[column] for column in _ORDER)

    (_, _, header), *old = standing
    fresh = sorted(((order(row), _line(row)) for row in new), key=lambda pair: pair[0])
    kept = ((order(row), raw) for _, row, raw in old)
    merged = heapq.merge(kept, fresh, key=lambda pair: pair[0])
    return header + "".join(raw for _, raw in merged)


def _line(row: Report) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([row[c] for c in REPORTS.columns])
    return out.getvalue()


def _wording(count: int, min_cell: int) -> str:
    return f"{_WITHHELD} {min_cell}" if 0 < count < min_cell else str(count)


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _span(day: date, per: str) -> tuple[date, date]:
    """First and last day of the day, the week from Monday, or the month that holds the day."""
    if per == "week":
        start = day - timedelta(days=day.weekday())
        return start, start + timedelta(days=6)
    if per == "month":
        return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
    return day, day
