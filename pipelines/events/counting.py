"""The one expression: from the rows of an event log to counts by series and time.

Both functions build an Ibis expression; nothing is computed here. What an engine returns is
small (a row for each series and day or quarter hour), whatever the size of the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from pipelines.events.engines import Engine
from pipelines.events.times import OFFSET, PLAUSIBLE, QUARTERS_A_DAY, Clock, TimeFormat
from pipelines.periods import day_number

MALFORMED, BLANK, OFFSET_ALONE, NO_TIME_OF_DAY, IMPLAUSIBLE, UNREADABLE = (
    "malformed",
    "blank time",
    "offset without --days-in",
    "no time of day",
    "implausible year",
    "unreadable time",
)
_EPOCH = "1970-01-01"
_QUARTER = 900


@dataclass(frozen=True)
class Roles:
    """What the mapped columns are, by the names that scans give them.

    times: columns that together are the time, in order; keys: columns whose equal values mark
    rows as one search; units and purposes: the values that count; empty: not mapped.
    """

    times: Sequence[str]
    keys: Sequence[str] = ()
    units: Sequence[str] = ()
    purposes: Sequence[str] = ()


CELLS = ("unit", "purpose", "local", "moment", "rows", "searches", "keyless")
"""Of a tally: unit and purpose (null: not mapped, or a value that does not count), local (a day
since 1970, or a quarter hour where the clock converts), moment (a quarter hour in UTC), rows,
searches, keyless (how many of the rows have none of the keys: they stand here as one search).
Rows without local and moment have no readable time."""


def tally(logs: Sequence[ir.Table], roles: Roles, clock: Clock, engine: Engine) -> ir.Table:
    """Rows and searches by unit, purpose and time.

    logs: tables of the mapped columns and `malformed`. Of the columns of :data:`CELLS`, those that
    the roles and the clock call for. Rows of one unit and purpose with equal keys are one search,
    at its earliest time. A row whose keys are all blank is a search of its own, but few logs have
    such rows, and the others are counted sooner without a look at them: where a tally says that
    there are any, they are to be taken out (:func:`keyed`) and asked for by themselves.
    """
    events = _events(logs, roles, clock, engine)
    if not roles.keys:
        return _rows_by_cell(events)
    by = [c for c in CELLS if c in events.columns]
    series = [c for c in by if c in {"unit", "purpose"}]
    once = events.aggregate(
        by=[*series, *roles.keys],
        rows=ibis._.count(),
        **{c: _plausible(events[c]).min() for c in by if c not in series},
    )
    counted = once.mutate(keyless=ibis.ifelse(_keyless(once, roles), once.rows, 0)).aggregate(
        by=by,
        rows=ibis._.rows.sum().cast(dt.int64),
        searches=ibis._.count(),
        keyless=ibis._.keyless.sum().cast(dt.int64),
    )
    return _days_as_numbers(counted)


def tally_of_keyless(
    logs: Sequence[ir.Table], roles: Roles, clock: Clock, engine: Engine
) -> ir.Table:
    """The tally of the rows whose keys are all blank."""
    events = _events(logs, roles, clock, engine)
    return _rows_by_cell(events.filter(_keyless(events, roles)))


def keyed(cells: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The cells of a tally without the rows that have none of the keys."""
    return [
        (*cell, rows - keyless, searches - bool(keyless), 0)
        for *cell, rows, searches, keyless in cells
        if rows > keyless
    ]


def completed(columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows of a tally with all of :data:`CELLS`, None where it has no such column."""
    cells = itemgetter(*(columns.index(c) if c in columns else -1 for c in CELLS))
    return [cells((*row, None)) for row in rows]


def without_time(logs: Sequence[ir.Table], roles: Roles, clock: Clock, engine: Engine) -> ir.Table:
    """Why rows have no time that counts: reason, shape of the text, rows, and the least such text.

    The shape is the text with 9 for every digit and a for every letter: a log has few of them. A
    row with the key of a search whose time is read repeats that search, and is not among them.
    """
    found = []
    for i, log in enumerate(logs):
        timed = _timed(log, i, roles, clock, engine)
        time = ibis.coalesce(
            *(_cell(timed, c, dt.timestamp) for c in ("local_time", "moment_time"))
        )
        text = _trim(_cell(timed, "text", dt.string))
        reason = ibis.cases(
            (timed.malformed, MALFORMED),
            (text.isnull() & time.notnull(), IMPLAUSIBLE),
            (text.isnull() | (text == ""), BLANK),
            (_has_offset(text) & ibis.literal(not clock.days_in), OFFSET_ALONE),
            (text.like("____-__-__") & ibis.literal(clock.converts), NO_TIME_OF_DAY),
            else_=UNREADABLE,
        )
        columns = _event_columns(timed, roles, clock)
        found.append(
            timed.select(**columns, read=_plausible(time.date()), reason=reason, text=text)
        )
    rows = _stacked(found)
    unread = rows.filter(rows.read.isnull())
    if roles.keys:
        alike = [c for c in ("unit", "purpose", *roles.keys) if c in rows.columns]
        keyed_rows = rows.filter(rows.read.notnull() & ~_keyless(rows, roles))
        known = keyed_rows.select(**{f"known_{c}": keyed_rows[c] for c in alike}).distinct()
        unread = unread.anti_join(
            known, [unread[c].identical_to(known[f"known_{c}"]) for c in alike]
        )
    rows = unread.select("reason", "text")
    shape = rows.text.re_replace("[0-9]", "9").re_replace(r"[^\x20-\x40\x5B-\x60\x7B-\x7E]", "a")
    counted = rows.mutate(shape=shape).aggregate(
        by=["reason", "shape"], rows=ibis._.count(), text=ibis._.text.min()
    )
    order = [ibis.desc("rows"), "reason", "text"]
    return counted.select("reason", "shape", "rows", "text").order_by(order).limit(10_000)


def _events(logs: Sequence[ir.Table], roles: Roles, clock: Clock, engine: Engine) -> ir.Table:
    """The logs' rows as unit, purpose, local, moment and keys; only those that are needed."""
    timed = [_timed(log, i, roles, clock, engine) for i, log in enumerate(logs)]
    return _stacked([t.select(**_event_columns(t, roles, clock)) for t in timed])


def _event_columns(timed: ir.Table, roles: Roles, clock: Clock) -> dict[str, ir.Value]:
    local = _cell(timed, "local_time", dt.timestamp)
    columns = {"local": _quarters(local) if clock.converts else local.date()}
    if clock.days_in:
        columns["moment"] = _quarters(_cell(timed, "moment_time", dt.timestamp))
    for role, values in (("unit", roles.units), ("purpose", roles.purposes)):
        if values:
            cell = _trim(timed[role].cast(dt.string))
            columns[role] = ibis.ifelse(cell.isin(list(values)), cell, ibis.null())
    for key in roles.keys:
        # What a malformed row has for a key may be of another column.
        cell = ibis.ifelse(timed.malformed, ibis.null(), timed[key])
        columns[key] = cell.nullif("") if cell.type().is_string() else cell
    return columns


def _rows_by_cell(events: ir.Table) -> ir.Table:
    """Each row a search."""
    by, rows = [c for c in CELLS if c in events.columns], events.count()
    return _days_as_numbers(events.aggregate(by=by, rows=rows, searches=rows))


def _plausible(time: ir.Value) -> ir.Value:
    """A day or quarter hour on which a search can have been run; null for any other."""
    first, last = PLAUSIBLE
    if time.type().is_date():
        bounds = ibis.date(first.isoformat()), ibis.date(last.isoformat())
    else:
        days = day_number(first), day_number(last) + 1
        bounds = days[0] * QUARTERS_A_DAY, days[1] * QUARTERS_A_DAY - 1
    return ibis.ifelse(time.between(*bounds), time, ibis.null())


def _keyless(table: ir.Table, roles: Roles) -> ir.BooleanValue:
    return ibis.and_(*(table[key].isnull() for key in roles.keys))


def _stacked(tables: Sequence[ir.Table]) -> ir.Table:
    """The tables one upon the other; keys as text where their types may differ."""
    if len(tables) == 1:
        return tables[0]
    keys = [column for column in tables[0].columns if column.startswith("key_")]
    return ibis.union(*(t.cast(dict.fromkeys(keys, dt.string)) for t in tables), distinct=False)


def _timed(log: ir.Table, number: int, roles: Roles, clock: Clock, engine: Engine) -> ir.Table:
    """The log with the time as `local_time` or `moment_time`, of which one at most is not null, and
    as `text` where it is one. What cannot be is no column.

    Each step has a name of its own, so that an engine computes it once, however often the next
    step mentions it. Most texts are read as they stand; only the others are cleaned.
    """
    written = log[roles.times[0]]
    if len(roles.times) == 1 and not written.type().is_string():
        if written.type().is_timestamp() and written.type().timezone:
            return log.mutate(moment_time=written)
        local = written if written.type().is_timestamp() else written.cast(dt.timestamp)
        return log.mutate(local_time=local)
    name = f"log_{number}"
    text = ibis.ifelse(log.malformed, ibis.null(), _time_text(log, roles))
    texts = log.mutate(text=text).alias(f"{name}_text")
    at_once = _first_read(texts.text, clock.local_formats, engine)
    tried = texts.mutate(at_once=at_once).alias(f"{name}_tried")
    left = ibis.ifelse(tried.at_once.isnull(), _clean(tried.text, engine), ibis.null())
    cleaned = tried.mutate(cleaned=left).alias(f"{name}_cleaned")
    local_text, moments = cleaned.cleaned, {}
    if clock.days_in:
        cleaned = cleaned.mutate(has_offset=_has_offset(cleaned.cleaned)).alias(f"{name}_split")
        local_text = ibis.ifelse(cleaned.has_offset, ibis.null(), cleaned.cleaned)
        moment_text = ibis.ifelse(cleaned.has_offset, _offset_for_z(cleaned.cleaned), ibis.null())
        moments["moment_time"] = _first_read(moment_text, clock.absolute_formats, engine)
    second = _first_read(local_text, clock.local_formats, engine)
    local = ibis.ifelse(cleaned.at_once.notnull(), cleaned.at_once, second)
    timed = cleaned.mutate(local_time=local, **moments)
    return timed.alias(f"{name}_read")


def _first_read(text: ir.StringValue, formats: Sequence[TimeFormat], engine: Engine) -> ir.Value:
    """The text by the first format that reads it. A look at its length or shape keeps the slower
    reading for texts that may be of the format."""
    readings = [
        ibis.ifelse(_may_be(text, written), engine.read_time(text, written), ibis.null())
        for written in formats
    ]
    return ibis.coalesce(*readings, ibis.null(dt.timestamp))


def _may_be(text: ir.StringValue, written: TimeFormat) -> ir.BooleanValue:
    if written.length:
        return _bits(text) == 8 * written.length
    return text.like(written.like)


def _time_text(log: ir.Table, roles: Roles) -> ir.StringValue:
    text = log[roles.times[0]].cast(dt.string)
    for more in roles.times[1:]:
        text = text + " " + log[more].cast(dt.string)
    return text


def _clean(text: ir.StringValue, engine: Engine) -> ir.StringValue:
    """The text without blanks around it and without a fraction of its seconds."""
    plain = _trim(text)
    return ibis.ifelse(plain.like("%:%:%.%"), engine.without_fraction(plain), plain)


def _has_offset(text: ir.StringValue) -> ir.BooleanValue:
    signed = text.like("%:%+%") | text.like("%:%-%")
    return text.like("%:%Z") | ibis.ifelse(signed, text.re_search(OFFSET), False)


def _offset_for_z(text: ir.StringValue) -> ir.StringValue:
    return ibis.ifelse(text.like("%Z"), text.re_replace("Z$", "+00:00"), text)


@ibis.udf.scalar.builtin(name="trim", signature=((dt.string,), dt.string))
def _trim(text: str) -> None:
    """Without blanks around it. Ibis's own strip, of all white space, is several times slower."""


@ibis.udf.scalar.builtin(name="bit_length", signature=((dt.string,), dt.int64))
def _bits(text: str) -> None:
    """Bits, eight for each character of a time. Both engines know it by this name, and need not
    look for characters of several bytes as they do for a length."""


def _quarters(time: ir.TimestampValue) -> ir.IntegerValue:
    return time.epoch_seconds() // _QUARTER


def _cell(table: ir.Table, name: str, kind: dt.DataType) -> ir.Value:
    return table[name] if name in table.columns else ibis.null(kind)


def _days_as_numbers(counted: ir.Table) -> ir.Table:
    if counted.local.type().is_date():
        return counted.mutate(local=counted.local.delta(ibis.date(_EPOCH), unit="day"))
    return counted
