"""Counts as report rows, and their way into the ledger: all of them after its checks, or none."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipelines.adding import LONGEST_ID, Draft, RefusedRowsError, write
from pipelines.events.logs import LogProblem, RefusedLogError
from pipelines.events.request import LogImport, Series
from pipelines.fields import REPORTS
from pipelines.ledger import read_ledger

Report = dict[str, str]

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
    unread: int | None,
    days: tuple[date, date],
    locator: str,
    note: str,
) -> list[Report]:
    """A report row for each series and day, week or month of the days, zeros included.

    counts: searches by series and day. unread: searches whose day is not known, at most; None: no
    limit. They may be of any day, so they are in every row's `high`.
    """
    first, last = days
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
                high=_high(count, unread, request.min_cell),
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
    if len(whole) <= LONGEST_ID:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
    room = LONGEST_ID - len(when) - len(digest) - 2
    return f"{whole[:room].rstrip('-')}-{digest}-{when}"


def enter(ledger: Path, rows: Sequence[Report]) -> Entered:
    """Put the rows into ``ledger``/reports.csv, each in its place, if all is sound with them.

    A row that stands there already is left as it is. Raises RefusedLogError, having written
    nothing, where a row says otherwise than the ledger's of the same id, or a check fails.
    """
    path = ledger / "reports.csv"
    standing = read_ledger(ledger)[0]["reports"].to_dicts()
    known = {row["report_id"]: row for row in standing}
    new = [row for row in rows if row["report_id"] not in known]
    wrong = [
        LogProblem(
            str(path),
            old["line"],
            column,
            f"{old['report_id']} says {old[column]!r} ({old['locator'] or 'no locator'}), this log "
            f"{row[column]!r}; delete that row, leave its period out with --from and --to, or "
            "import logs that are parts of one together",
        )
        for row in rows
        for old in [known.get(row["report_id"], row)]
        for column in _FACT
        if old[column] != row[column]
    ]
    wrong += _give_away(str(path), standing, new)
    if wrong:
        raise RefusedLogError(wrong)
    try:
        if new:
            write(ledger, [Draft("reports", row, row["report_id"]) for row in new])
    except RefusedRowsError as refused:
        problems = [LogProblem(str(path), 0, "", problem) for problem in refused.problems]
        raise RefusedLogError(problems) from None
    return Entered(len(new), len(rows) - len(new))


def _give_away(path: str, old: Sequence[Report], new: Sequence[Report]) -> list[LogProblem]:
    """A problem for each series where counts by day and by month, say, would stand side by side
    and some are withheld: a reader could subtract and have them."""

    def series(row: Report) -> tuple[str, str, str]:
        return row["agency_id"], row["system_id"], row["metric"]

    problems = []
    for key in sorted({series(row) for row in new}):
        fresh = [row for row in new if series(row) == key]
        starts = [row["period_start"] for row in fresh]
        over = []
        for row in old:
            if series(row) == key and row["report_id"].startswith("log-"):
                before = bisect_right(starts, row["period_end"])
                if before and fresh[before - 1]["period_end"] >= row["period_start"]:
                    over.append(row)
        if any(row["wording"].startswith(_WITHHELD) for row in (*fresh, *over)) and over:
            message = (
                f"{over[0]['report_id']} counts some of the same days, and from both a reader "
                "could work out the counts that are withheld; keep to one --per"
            )
            problems.append(LogProblem(path, 0, "", message))
    return problems


def _wording(count: int, min_cell: int) -> str:
    return f"{_WITHHELD} {min_cell}" if 0 < count < min_cell else str(count)


def _high(count: int, unread: int | None, min_cell: int) -> str:
    """Blank where the wording says it all."""
    if unread is None:
        return "none"
    most = min_cell - 1 if 0 < count < min_cell else count
    return str(most + unread) if unread else ""


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
