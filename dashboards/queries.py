"""What a query string asks of a table, read strictly: every problem is told, none is guessed away.

``agency_id=a&agency_id=b`` means either, ``low=100..`` a range, ``period=2019..2023`` rows whose
days lie within, ``known_on=2020-02-28`` the rows that stood on that day.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

from pipelines.fields import Field, Table
from pipelines.periods import period_span

FORMATS = ("json", "csv", "excel", "parquet")
DEFAULT_LIMIT, LARGEST_LIMIT = 1_000, 100_000
CONTROLS = ("columns", "format", "limit", "offset", "cursor", "release", "known_on", "period")
ALIASES = {"agency": "agency_id", "system": "system_id", "source": "source_id"}
_LONGEST = 200
# The first and last day of a row; reports have their period as text beside these.
_DAYS = (("first_day", "last_day"), ("period_start", "period_end"))


@dataclass
class Query:
    """A query that was understood: SQL conditions with their parameters, and how to answer.

    ``conditions`` name columns of the table and `?`; values travel in ``parameters`` only.
    """

    table: Table
    columns: list[str]
    conditions: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    format: str = "json"
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    release: str = "latest"
    after: list[Any] | None = None

    def sql(self) -> tuple[str, list[Any]]:
        """The statement and its parameters: the key too, and one row beyond the limit."""
        key = ", ".join(self.table.key)
        conditions, parameters = list(self.conditions), list(self.parameters)
        if self.after is not None:
            dates = [self.table.field(name).type == "date" for name in self.table.key]
            marks = ", ".join("cast(? as date)" if is_date else "?" for is_date in dates)
            conditions.append(f"({key}) > ({marks})")
            parameters += self.after
        where = f" where {' and '.join(conditions)}" if conditions else ""
        select = ", ".join(dict.fromkeys([*self.columns, *self.table.key]))
        statement = f"select {select} from {self.table.name}{where} order by {key} limit ? offset ?"
        return statement, [*parameters, self.limit + 1, self.offset]


def read_query(table: Table, pairs: list[tuple[str, str]], ids: Ids) -> tuple[Query, list[str]]:
    """The query that decoded pairs of an address ask for, and a sentence for each problem."""
    query = Query(table, [f.name for f in table.fields])
    reader = _Reader(table, query, ids)
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(ALIASES.get(name, name), []).append(value)
    for name, values in given.items():
        reader.read(name, values)
    if "known_on" not in given and "known_until" in table.columns:
        reader.known_on("now")
    return query, reader.problems


class Ids:
    """The ids that a release knows, for saying which one was meant."""

    def __init__(self, known: dict[str, list[str]]) -> None:
        self.known = known

    def problem(self, table: str, value: str) -> str:
        """What is wrong with an id of a table; blank where nothing is."""
        known = self.known.get(table)
        if known is None or value in known:
            return ""
        near = get_close_matches(value, known, 3, 0.5) or [k for k in known if value in k][:3]
        meant = f"; did you mean {' or '.join(near)}?" if near else f": see /api/v1/{table}"
        return f"no row of {table} has the id {value!r}{meant}"


class _Reader:
    def __init__(self, table: Table, query: Query, ids: Ids) -> None:
        self.table, self.query, self.ids = table, query, ids
        self.problems: list[str] = []

    def read(self, name: str, values: list[str]) -> None:
        """One parameter with all its values."""
        if any(len(value) > _LONGEST for value in values) and name != "cursor":
            self.problems.append(f"{name}: a value has at most {_LONGEST} characters")
        elif name in CONTROLS:
            if len(values) > 1:
                self.problems.append(f"{name}: given {len(values)} times; give it once")
            else:
                getattr(self, name)(values[0])
        elif name in self.table.columns:
            self._filter(self.table.field(name), values)
        else:
            allowed = ", ".join([*self.table.columns, *CONTROLS])
            self.problems.append(f"{name}: no such column or parameter; there are {allowed}")

    def columns(self, value: str) -> None:
        asked = [name.strip() for name in value.split(",")]
        unknown = [name for name in asked if name not in self.table.columns]
        if unknown:
            self.problems.append(
                f"columns: {self.table.name} has no {', '.join(map(repr, unknown))}; it has "
                f"{', '.join(self.table.columns)}"
            )
        elif len(set(asked)) < len(asked):
            self.problems.append("columns: one is named twice")
        else:
            self.query.columns = asked

    def format(self, value: str) -> None:
        if value not in FORMATS:
            self.problems.append(f"format: {value!r} is none of {', '.join(FORMATS)}")
        self.query.format = value

    def limit(self, value: str) -> None:
        number = self._whole("limit", value, 1, LARGEST_LIMIT)
        self.query.limit = number if number is not None else DEFAULT_LIMIT

    def offset(self, value: str) -> None:
        self.query.offset = self._whole("offset", value, 0, 1 << 40) or 0
        if self.query.after is not None:
            self.problems.append("offset: give either an offset or a cursor")

    def _whole(self, name: str, value: str, least: int, most: int) -> int | None:
        if value.isascii() and value.isdigit() and len(value) < 14 and least <= int(value) <= most:
            return int(value)
        self.problems.append(f"{name}: {value!r} is no whole number from {least} to {most:,}")
        return None

    def cursor(self, value: str) -> None:
        try:
            given = json.loads(base64.urlsafe_b64decode(value.encode() + b"=="))
            table, release, *key = given
            if table != self.table.name or len(key) != len(self.table.key):
                raise ValueError
            if not all(isinstance(part, str) for part in (release, *key)):
                raise ValueError
        except (ValueError, TypeError, binascii.Error):
            self.problems.append("cursor: not one that this table's answers gave as `next`")
            return
        # Pages of one query come from one release, even if a newer one appeared meanwhile.
        self.query.release, self.query.after = release, key
        if self.query.offset:
            self.problems.append("offset: give either an offset or a cursor")

    def release(self, value: str) -> None:
        self.query.release = value

    def known_on(self, value: str) -> None:
        if "known_from" not in self.table.columns:
            self.problems.append(
                f"known_on: {self.table.name} holds no days of knowledge; leave it out"
            )
            return
        if value == "always":
            return
        stood = "known_from <= {0}"
        if "known_until" in self.table.columns:
            stood += " and (known_until is null or known_until > {0})"
        if value == "now":
            if "known_until" in self.table.columns:
                self.query.conditions.append("known_until is null")
            return
        day = self._day("known_on", value, "or `now`, or `always` for the history too")
        if day:
            self.query.conditions.append(stood.format("?"))
            self.query.parameters += [day] * stood.count("{0}")

    def period(self, value: str) -> None:
        days = [pair for pair in _DAYS if set(pair) <= set(self.table.columns)]
        if not days:
            self.problems.append(f"period: rows of {self.table.name} have no period; leave it out")
            return
        first_text, dots, last_text = value.replace("/", "..").partition("..")
        first = self._period(first_text) if first_text else None
        last = (self._period(last_text) if last_text else None) if dots else first
        for days_asked, column, sign, end in (
            (first, days[0][0], ">=", 0),
            (last, days[0][1], "<=", 1),
        ):
            if days_asked:
                self.query.conditions.append(f"{column} {sign} ?")
                self.query.parameters.append(days_asked[end])
        if first and last and last[1] < first[0]:
            self.problems.append(f"period: {value!r} ends before it begins")

    def _period(self, text: str) -> tuple[date, date] | None:
        try:
            return days_of(text)
        except ValueError:
            self.problems.append(
                f"period: {text!r} is no year (2019), quarter (2019-Q4), month (2019-12) or day "
                "(2019-12-24), nor a range of them (2019..2023)"
            )
            return None

    def _filter(self, about: Field, values: list[str]) -> None:
        if about.type == "slugs":
            self._any_of(about, values, "list_has_any({0}, [{1}])")
        elif about.type in {"integer", "number", "date"}:
            if len(values) > 1:
                self.problems.append(f"{about.name}: give one value or one range, low..high")
                return
            self._range(about, values[0])
        else:
            self._any_of(about, values, "{0} in ({1})")

    def _any_of(self, about: Field, values: list[str], condition: str) -> None:
        for value in values:
            if about.values and value not in about.values:
                self.problems.append(
                    f"{about.name}: {value!r} is none of {', '.join(about.values)}"
                )
            elif about.refers or about.name in self.table.key[:1]:
                told = self.ids.problem(about.refers or self.table.name, value)
                if told:
                    self.problems.append(f"{about.name}: {told}")
        self.query.conditions.append(condition.format(about.name, ", ".join("?" for _ in values)))
        self.query.parameters += values

    def _range(self, about: Field, value: str) -> None:
        if value == "none":
            self.query.conditions.append(f"{about.name} is null")
            return
        low, dots, high = value.partition("..")
        if not (low or high):
            self.problems.append(f"{about.name}: give a value, low..high, low.. or ..high")
            return
        ends = [(low, ">=" if dots else "="), (high, "<=")] if dots else [(low, "=")]
        for text, sign in ends:
            if not text:
                continue
            number = self._day(about.name, text) if about.type == "date" else self._number(
                about, text
            )  # fmt: skip
            if number is not None:
                self.query.conditions.append(f"{about.name} {sign} ?")
                self.query.parameters.append(number)

    def _number(self, about: Field, text: str) -> float | int | None:
        try:
            number = int(text) if about.type == "integer" else float(text)
        except ValueError:
            number = None
        if number is None or abs(number) >= 1 << 63:
            self.problems.append(
                f"{about.name}: {text!r} is no number; right are 100, 100..200, 100.., ..200, none"
            )
            return None
        return number

    def _day(self, name: str, text: str, more: str = "") -> date | None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            right = "a day is written 2020-02-28"
            self.problems.append(f"{name}: {text!r} is no day; {right}{more and ', ' + more}")
            return None


def days_of(text: str) -> tuple[date, date]:
    """The first and last day of a year, quarter, month or day; ValueError for anything else."""
    if len(text) == 10:
        day = date.fromisoformat(text)
        return day, day
    return period_span(text)


def cursor_after(query: Query, release: str, row: dict[str, Any]) -> str:
    """The cursor that goes on behind a row, in the same release."""
    key = [str(row[name]) for name in query.table.key]
    packed = json.dumps([query.table.name, release, *key], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")
