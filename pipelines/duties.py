"""Duties: which counts were due by when, whether they came, and how late.

A duty with a cadence asks for one report a calendar period (ISO weeks for weekly ones) from the
day it took effect. A period counts only where the duty was in force on all its days and on the due
date; how much is owed for a part of a period, rules seldom say. Days are counted after the
period's end, and 29 February is not counted: "by 1 March" is 60 days in every year.

Absence is never proved by a ledger. A period is overdue only where nothing in the ledger covers a
day of it, and for a group's members only where the ledger shows use by the member in the period.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.fields import DUTY_PERIODS, arrow_schema
from pipelines.periods import calendar_periods, span

_DAY = timedelta(days=1)
_FREQUENCY = {"monthly": "M", "quarterly": "Q", "annual": "A"}


@dataclass(frozen=True)
class Duty:
    """A duty with its days in force (``last_day`` None: still); ``due_days`` None: no due date."""

    duty_id: str
    agency_id: str
    metric: str | None
    cadence: str
    first_day: date
    last_day: date | None
    due_days: int | None


@dataclass(frozen=True)
class DuePeriod:
    """One period of a duty, cut to the days in force; ``binding``: all of it, and the due date."""

    label: str
    first_day: date
    last_day: date
    due_on: date | None
    binding: bool


@dataclass(frozen=True)
class Disclosure:
    """A report that may meet a duty; ``came`` is its earliest possible day, None if not stated."""

    report_id: str
    first_day: date | None
    last_day: date
    known_from: date
    came: date | None


@dataclass(frozen=True)
class Owed:
    """One period that one agency owed, and what came of it.

    ``applies_from``: when the ledger first showed that the duty applied; None: never.
    ``touched_on``: when a report first covered a day of it; None: never.
    """

    duty: Duty
    agency_id: str
    period: DuePeriod
    applies_from: date | None
    touched_on: date | None
    met_on: date | None
    met_by: str | None
    days_late: int | None

    def overdue_between(self) -> tuple[date, date | None] | None:
        """The first day on which it was overdue and the day on which no longer, if ever."""
        due_on = self.period.due_on
        if due_on is None or not self.period.binding or self.applies_from is None:
            return None
        start = max(due_on + _DAY, self.applies_from)
        if self.touched_on is not None and self.touched_on <= start:
            return None
        return start, self.touched_on

    def late_from(self) -> date | None:
        """The first day on which it was known to have come late; None: it was not."""
        if self.met_on is None or self.applies_from is None or self.days_late is None:
            return None
        return max(self.met_on, self.applies_from)

    def status(self, as_of: date) -> str:
        """How it stands at the end of a day; one of fields.DUTY_STATUS."""
        if self.met_on is not None:
            return "met" if self.late_from() is None else "late"
        if self.touched_on is not None:
            return "partly"
        if self.period.due_on is None:
            return "undated"
        if not self.period.binding:
            return "cut"
        if as_of <= self.period.due_on:
            return "pending"
        return "unproven" if self.applies_from is None else "overdue"


# --- the calendar ----------------------------------------------------------------------------


def due_date(last_day: date, due_days: int) -> date:
    """The last day in time, ``due_days`` after a period's end, not counting 29 February."""
    due = last_day + timedelta(days=due_days)
    passed = 0
    while (leap := _leap_days(last_day, due)) > passed:
        due += timedelta(days=leap - passed)
        passed = leap
    return due


def _leap_days(after: date, until: date) -> int:
    years = range(after.year, until.year + 1)
    leaps = [y for y in years if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)]
    return sum(after < date(y, 2, 29) <= until for y in leaps)


def due_periods(duty: Duty, until: date) -> Iterator[DuePeriod]:
    """The periods of a duty that began by ``until``, in order of time."""
    last = min(until, duty.last_day or until)
    if last < duty.first_day:
        return
    for label, begins, ends in _periods(duty, last):
        first_day = max(begins, duty.first_day)
        last_day = min(ends, duty.last_day or ends)
        due_on = None if duty.due_days is None else due_date(ends, duty.due_days)
        lapsed = duty.last_day is not None and due_on is not None and duty.last_day < due_on
        whole = first_day == begins and last_day == ends
        yield DuePeriod(label, first_day, last_day, due_on, whole and not lapsed)


def _periods(duty: Duty, last: date) -> Iterator[tuple[str, date, date]]:
    if duty.cadence == "once":
        yield duty.first_day.isoformat(), duty.first_day, duty.first_day
    elif duty.cadence == "weekly":
        monday = duty.first_day - timedelta(days=duty.first_day.weekday())
        while monday <= last:
            year, week, _ = monday.isocalendar()
            yield f"{year:04d}-W{week:02d}", monday, monday + timedelta(days=6)
            monday += timedelta(days=7)
    else:
        wanted = _FREQUENCY[duty.cadence]
        for frequency, label, begins, ends in calendar_periods(duty.first_day, last):
            if frequency == wanted:
                yield label, begins, ends


# --- what came -------------------------------------------------------------------------------


def settle(
    duty: Duty,
    agency_id: str,
    period: DuePeriod,
    applies_from: date | None,
    disclosures: Sequence[Disclosure],
) -> Owed:
    """What became of one period, given the reports on the duty's metric in order of knowledge."""
    touching = [
        d
        for d in disclosures
        if (duty.cadence == "once" and d.known_from >= duty.first_day)
        or ((d.first_day or date.min) <= period.last_day and d.last_day >= period.first_day)
    ]
    enough = bisect_left(
        range(len(touching)),
        True,
        key=lambda n: duty.cadence == "once" or _cover(touching[: n + 1], period),
    )
    met = touching[enough] if enough < len(touching) else None
    days_late = None
    if met and period.due_on and period.binding and met.came and met.came > period.due_on:
        days_late = (met.came - period.due_on).days
    return Owed(
        duty,
        agency_id,
        period,
        applies_from,
        touching[0].known_from if touching else None,
        met.known_from if met else None,
        met.report_id if met else None,
        days_late,
    )


def _cover(disclosures: Iterable[Disclosure], period: DuePeriod) -> bool:
    """Whether reports cover every day of a period together."""
    missing = period.first_day
    for first_day, last_day in sorted((d.first_day or date.min, d.last_day) for d in disclosures):
        if first_day > missing:
            return False
        missing = max(missing, last_day + _DAY)
    return missing > period.last_day


# --- from the tables -------------------------------------------------------------------------


def owed_periods(con: duckdb.DuckDBPyConnection, as_of: date) -> list[Owed]:
    """Every period of every duty with a cadence, for every agency it can be said to oblige.

    Reads the tables `duties`, `sources`, `agencies`, `disclosures`, `reports` and `statements`.
    A duty on a group obliges its members of which the ledger knows any use, or the group itself
    where the ledger names no members.
    """
    duties = _duties(con)
    members = _members(con)
    used = _use(con, {m for d in duties for m in (d.agency_id, *members.get(d.agency_id, ()))})
    told = _disclosures(
        con, {b for d in duties for b in (d.agency_id, *members.get(d.agency_id, ()))}
    )
    owed = []
    for duty in duties:
        periods = list(due_periods(duty, as_of))
        is_group = duty.agency_id in members
        named = members.get(duty.agency_id)
        for agency_id in [a for a in named if a in used] if named else [duty.agency_id]:
            disclosures = sorted(
                {
                    d
                    for body in (agency_id, duty.agency_id)
                    for metric, d in told.get(body, ())
                    if duty.metric in (None, metric)
                },
                key=lambda d: (d.known_from, d.report_id),
            )
            for period in periods:
                applies_from = (
                    _first_shown(used.get(agency_id, ()), period) if is_group else date.min
                )
                owed.append(settle(duty, agency_id, period, applies_from, disclosures))
    return owed


def duty_table(owed: Sequence[Owed], as_of: date) -> pa.Table:
    """The table `duty_periods`."""
    rows = [
        {
            "duty_id": o.duty.duty_id,
            "agency_id": o.agency_id,
            "period": o.period.label,
            "period_start": o.period.first_day,
            "period_end": o.period.last_day,
            "due_on": o.period.due_on,
            "met_on": o.met_on,
            "met_by": o.met_by,
            "days_late": o.days_late,
            "status": o.status(as_of),
        }
        for o in owed
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(DUTY_PERIODS))


def runs(owed: Sequence[Owed]) -> list[list[Owed]]:
    """Cut periods of one duty and agency, in order of time, where a period between is missing."""
    found: list[list[Owed]] = [[owed[0]]] if owed else []
    for before, after in pairwise(owed):
        if after.period.first_day - before.period.last_day == _DAY:
            found[-1].append(after)
        else:
            found.append([after])
    return found


def _duties(con: duckdb.DuckDBPyConnection) -> list[Duty]:
    """Duties that can be counted. Where the day of effect is not stated it is, at the latest, the
    day on which a document told of it; a partial one counts from its last day."""
    rows = con.sql(
        """
        select
          duty_id, agency_id, metric, cadence,
          coalesce(effective_from, published_on), effective_until, due_days
        from duties
        join sources using (source_id)
        where cadence is not null
        order by duty_id
        """
    ).fetchall()
    return [
        Duty(
            duty_id,
            agency_id,
            metric,
            cadence,
            span(first)[1],
            span(last)[0] if last else None,
            due_days,
        )
        for duty_id, agency_id, metric, cadence, first, last, due_days in rows
    ]


def _members(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The agencies within each group, directly or through groups within it."""
    rows = con.sql("select agency_id, level, member_of from agencies order by agency_id").fetchall()
    groups = {agency_id: above for agency_id, _, above in rows}
    within: dict[str, list[str]] = {a: [] for a, level, _ in rows if level == "group"}
    for agency_id, level, _ in rows:
        if level == "group":
            continue
        reached: set[str] = set()
        waiting = list(groups[agency_id])
        while waiting:
            group = waiting.pop()
            if group not in reached:
                reached.add(group)
                waiting += groups[group]
        for group in reached:
            within[group].append(agency_id)
    return within


_Use = tuple[date, date, date]


def _use(con: duckdb.DuckDBPyConnection, agencies: Iterable[str]) -> Mapping[str, list[_Use]]:
    """Days in which the ledger shows use by each of some agencies: first, last, and when that was
    known."""
    con.register("asked", pa.table({"agency_id": pa.array(sorted(agencies), pa.string())}))
    rows = con.sql(
        """
        with
        shown as (
          select agency_id, first_day, last_day, known_from
          from reports
          where low > 0 and first_day is not null
          union all
          select agency_id, said_earliest, said_latest, known_from
          from statements
          where stance = 'confirmed' and said_earliest is not null
        )

        from shown
        semi join asked using (agency_id)
        order by all
        """
    ).fetchall()
    con.unregister("asked")
    return _by_first(rows)


def _first_shown(used: Iterable[_Use], period: DuePeriod) -> date | None:
    """When it was first known that an agency searched in a period."""
    shown = [known for first, last, known in used if _meet(first, last, period)]
    return min(shown, default=None)


def _meet(first: date, last: date, period: DuePeriod) -> bool:
    return first <= period.last_day and last >= period.first_day


def _disclosures(
    con: duckdb.DuckDBPyConnection, bodies: Iterable[str]
) -> Mapping[str, list[tuple[str, Disclosure]]]:
    """Reports by the bodies that they can speak for: who is counted, and who told it."""
    con.register("obliged", pa.table({"body": pa.array(sorted(bodies), pa.string())}))
    rows = con.sql(
        """
        with
        bodies as (
          select told_by as body, * from disclosures where told_by in (from obliged)
          union
          select agency_id, * from disclosures
          where voice = 'agency' and agency_id in (from obliged)
        )

        select
          body, metric, report_id, first_day, last_day, known_from,
          if(dated, came_earliest, null)
        from bodies
        where not no_period_stated
        order by all
        """
    ).fetchall()
    con.unregister("obliged")
    return {
        body: [(metric, Disclosure(*rest)) for metric, *rest in found]
        for body, found in _by_first(rows).items()
    }


def _by_first(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for first, *rest in rows:
        grouped.setdefault(first, []).append(tuple(rest))
    return grouped
