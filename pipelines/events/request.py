"""What an import declares: which log, whose searches, which columns, how times are written."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from pipelines.events.logs import LogProblem
from pipelines.events.times import Clock
from pipelines.fields import CHANNELS, METRICS, MODES

ROLES = {
    "searched_at": "the time of the search; given twice, the day and the time of day",
    "key": "what tells two searches apart; rows with equal keys are one search",
    "unit": "whose search it was; each --unit names an agency for one of its values",
    "purpose": "what it was for; each --purpose names a system for one of its values",
}
SPANS = ("day", "week", "month")

Series = tuple[str, str]
"""agency_id and system_id."""


@dataclass(frozen=True)
class LogImport:
    """A declared import.

    files: paths, globs or addresses. mapped: `ROLE=COLUMN` texts, roles as in ROLES. agency_id
    and system_id: the series; blank where unit or purpose (`VALUE=ID` texts, a value in the log
    and whose it is) name them. first, last: the period that the log covers; None: from its first
    or to its last search. min_cell: counts from 1 to below it are given as a range; 0: none.
    """

    files: Sequence[str]
    mapped: Sequence[str]
    source_id: str
    agency_id: str = ""
    system_id: str = ""
    unit: Sequence[str] = ()
    purpose: Sequence[str] = ()
    metric: str = "searches"
    mode: str = "unspecified"
    channel: str = "on_request"
    disclosed_by: str = ""
    per: str = "day"
    first: date | None = None
    last: date | None = None
    clock: Clock = field(default_factory=Clock)
    min_cell: int = 0
    encoding: str = ""
    delimiter: str = ""
    engine: str = "duckdb"
    master: str = "local[2]"

    @cached_property
    def columns(self) -> dict[str, list[str]]:
        """The mapped columns by role."""
        columns: dict[str, list[str]] = {}
        for role, column in _pairs(self.mapped, str.partition):
            columns.setdefault(role, []).append(column)
        return columns

    @cached_property
    def units(self) -> dict[str, str]:
        """The agency of each value of the unit column that counts."""
        return dict(_pairs(self.unit, str.rpartition))

    @cached_property
    def purposes(self) -> dict[str, str]:
        """The system of each value of the purpose column that counts."""
        return dict(_pairs(self.purpose, str.rpartition))

    @property
    def series(self) -> list[Series]:
        """Every series that the import counts."""
        units: list[str | None] = [*self.units] or [None]
        purposes: list[str | None] = [*self.purposes] or [None]
        return [self.series_of(unit, purpose) for unit in units for purpose in purposes]

    def series_of(self, unit: str | None, purpose: str | None) -> Series:
        """The series of a value of the unit and of the purpose column; None: not mapped."""
        agency = self.agency_id if unit is None else self.units[unit]
        system = self.system_id if purpose is None else self.purposes[purpose]
        return agency, system

    @property
    def scanned(self) -> dict[str, str]:
        """The mapped columns, under the name that a scan gives each."""
        named = {
            f"{role}_{i}": column
            for role in ("searched_at", "key")
            for i, column in enumerate(self.columns.get(role, ()), 1)
        }
        single = {r: self.columns[r][0] for r in ("unit", "purpose") if self.columns.get(r)}
        return {**named, **single}

    def problems(self) -> list[LogProblem]:
        """Everything wrong with the declaration itself."""
        wrong = [*self.clock.problems(), *self._unread(), *self._mapping_problems()]
        for option, value, allowed in (
            ("--metric", self.metric, METRICS),
            ("--mode", self.mode, MODES),
            ("--channel", self.channel, CHANNELS),
            ("--per", self.per, SPANS),
            ("--engine", self.engine, ("duckdb", "spark")),
        ):
            if value not in allowed:
                wrong.append((option, f"{value!r} is not one of {', '.join(allowed)}"))
        if self.first and self.last and self.first > self.last:
            wrong.append(("--to", f"{self.last} is before {self.first}"))
        if self.min_cell < 0 or self.min_cell == 1:
            wrong.append(("--min-cell", "write 2 or more, such as 5"))
        if len(self.delimiter) > 1:
            wrong.append(("--delimiter", f"{self.delimiter!r} is not one character"))
        if self.encoding:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                wrong.append(("--encoding", f"{self.encoding!r} is unknown; try cp1252"))
        return [LogProblem(option, 0, "", message) for option, message in wrong]

    def _unread(self) -> list[tuple[str, str]]:
        wrong = [
            (option, f"{text!r} is not {form}")
            for option, texts, form in (
                ("--map", self.mapped, "ROLE=COLUMN"),
                ("--unit", self.unit, "VALUE=AGENCY_ID"),
                ("--purpose", self.purpose, "VALUE=SYSTEM_ID"),
            )
            for text in texts
            if len(_pairs([text], str.partition)) != 1
        ]
        roles = "; ".join(f"{role} ({what})" for role, what in ROLES.items())
        return wrong + [
            ("--map", f"{role!r} is not one of: {roles}")
            for role in self.columns
            if role not in ROLES
        ]

    def _mapping_problems(self) -> list[tuple[str, str]]:
        wrong = []
        if not self.columns.get("searched_at"):
            wrong.append(("--map", "say which column holds the time: searched_at=COLUMN"))
        wrong += [
            ("--map", f"{role} may be given {'twice' if most == 2 else 'once'} at most")
            for role, most in (("searched_at", 2), ("unit", 1), ("purpose", 1))
            if len(self.columns.get(role, ())) > most
        ]
        for role, given, single in (
            ("unit", self.units, ("--agency", self.agency_id)),
            ("purpose", self.purposes, ("--system", self.system_id)),
        ):
            if bool(given) != bool(self.columns.get(role)):
                wrong.append((f"--{role}", f"goes with --map {role}=COLUMN, and the other way"))
            elif bool(given) == bool(single[1]):
                wrong.append((single[0], f"say either {single[0]} or --map {role}=COLUMN"))
            twice = sorted({i for i in given.values() if list(given.values()).count(i) > 1})
            wrong += [(f"--{role}", f"{i} is given for two values; name one each") for i in twice]
        return wrong


def _pairs(
    texts: Sequence[str], split: Callable[[str, str], tuple[str, str, str]]
) -> list[tuple[str, str]]:
    """`NAME=VALUE` texts, split at the first or the last `=`; without those that are not."""
    pairs = [(left.strip(), right.strip()) for left, _, right in (split(t, "=") for t in texts)]
    return [(left, right) for left, right in pairs if left and right]
