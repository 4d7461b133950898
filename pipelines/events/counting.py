"""The one expression: from the rows of an event log to counts by series and time.

Both functions build an Ibis expression; nothing is computed here. What an engine returns is
small (a row for each series and day or quarter hour), whatever the size of the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from pipelines.events.engines import Engine
from pipelines.events.times import OFFSET, Clock, TimeFormat

MALFORMED, BLANK, OFFSET_ALONE, NO_TIME_OF_DAY, UNREADABLE = (
    "malformed",
    "blank time",
    "offset without --days-in",
    "no time of day",
    "unreadable time",
)
_EPOCH = "1970-01-01"
_QUARTER = 900


@dataclass(frozen=True)
class Roles:
    """What the mapped columns are, by the names that scans give them.

    times: columns that together are the time, in order; keys: columns whose equal values mark
    rows as one search; units and purposes: the values that count, in order; empty: not mapped.
    """

    times: Sequence[str]
    keys: Sequence[str] = ()
    units: Sequence[str] = ()
    purposes: Sequence[str] = ()

    @property
    def by_series(self) -> bool:
        return bool(self.units or self.purposes)


def tally(logs: Sequence[ir.Table], roles: Roles, clock: Clock, engine: Engine) -> ir.Table:
    """Rows and searches by series and time.

    logs: tables of the mapped columns and `malformed`. Returns series (position of the unit times
    the number of purposes, plus that of the purpose; null: a value that does not count), local (a
    day since 1970, or a quarter hour where the clock converts), moment (a quarter hour in UTC),
    rows, searches. Rows without local and moment have no readable time. Rows of one series with
    equal keys are one search, at its earliest time; a row whose keys are all blank is a search.
    """
    tables = [_events(log, roles, clock, engine) for log in logs]
    events = tables[0] if len(tables) == 1 else ibis.union(*tables, distinct=False)
    by = [c for c in ("series", "local", "moment") if c in events.columns]
    if not roles.keys:
        counted = events.group_by(by).agg(rows=events.count())
        return _result(counted.mutate(searches=counted.rows))
    keys = list(roles.keys)
    keyless = ibis.and_(*(events[k].isnull() for k in keys))
    times = [c for c in by if c != "series"]
    # A row without a key is not a repeat of another: it is grouped with those of its time only.
    alone = {f"{c}_alone": ibis.ifelse(keyless, events[c], ibis.null()) for c in times}
    once = (
        events.mutate(**alone)
        .group_by([*(c for c in by if c == "series"), *keys, *alone])
        .agg(rows=lambda t: t.count(), **{c: events[c].min() for c in times})
    )
    keyless = ibis.and_(*(once[k].isnull() for k in keys))
    counted = once.mutate(searches=ibis.ifelse(keyless, once.rows, 1)).group_by(by)
    return _result(
        counted.agg(
            rows=lambda t: t.rows.sum().cast("int64"),
            searches=lambda t: t.searches.sum().cast("int64"),
        )
    )


def without_time(logs: Sequence[ir.Table], roles: Roles, clock: Clock, engine: Engine) -> ir.Table:
    """Why rows have no readable time: reason, shape of the text, rows, and the least such text.

    The shape is the text with 9 for every digit and a for every letter: a log has few of them.
    """
    found = []
    for log in logs:
        local, moment = _times(log, roles, clock, engine)
        text = _time_text(log, roles)
        reason = ibis.cases(
            (log.malformed, MALFORMED),
            (text.isnull() | (text == ""), BLANK),
            (_has_offset(text) & ibis.literal(not clock.days_in), OFFSET_ALONE),
            (text.like("____-__-__") & ibis.literal(clock.converts), NO_TIME_OF_DAY),
            else_=UNREADABLE,
        )
        unread = local.isnull() if moment is None else local.isnull() & moment.isnull()
        shown = ibis.ifelse(log.malformed, ibis.null(), text)
        found.append(log.filter(unread | log.malformed).select(reason=reason, text=shown))
    rows = found[0] if len(found) == 1 else ibis.union(*found, distinct=False)
    shape = rows.text.re_replace("[0-9]", "9").re_replace(r"[^\x20-\x40\x5B-\x60\x7B-\x7E]", "a")
    grouped = rows.mutate(shape=shape).group_by(["reason", "shape"])
    counted = grouped.agg(rows=lambda t: t.count(), text=lambda t: t.text.min())
    order = [ibis.desc("rows"), "reason", "text"]
    return counted.select("reason", "shape", "rows", "text").order_by(order).limit(10_000)


def _events(log: ir.Table, roles: Roles, clock: Clock, engine: Engine) -> ir.Table:
    """The log's rows as series, local, moment and keys; only what the roles and clock need."""
    local, moment = _times(log, roles, clock, engine)
    columns: dict[str, ir.Value] = {"local": local}
    if moment is not None:
        columns["moment"] = moment
    if roles.by_series:
        series = ibis.literal(0)
        for role, values in (("unit", roles.units), ("purpose", roles.purposes)):
            if values:
                cell = log[role].cast("string").strip()
                number = ibis.cases(*((cell == v, i) for i, v in enumerate(values)), else_=None)
                series = series * len(values) + number
        columns["series"] = series.cast("int64")
    for key in roles.keys:
        cell = log[key]
        columns[key] = cell.nullif("") if cell.type().is_string() else cell.cast("string")
    return log.select(**columns)


def _times(
    log: ir.Table, roles: Roles, clock: Clock, engine: Engine
) -> tuple[ir.Value, ir.Value | None]:
    """The time of each row as a local one and, where zones are declared, as a moment."""
    written = log[roles.times[0]]
    local: ir.Value = ibis.null("timestamp")
    moment: ir.Value = ibis.null("timestamp")
    if len(roles.times) > 1 or written.type().is_string():
        text = ibis.ifelse(log.malformed, ibis.null(), _time_text(log, roles))
        local = _first_read(text, clock.local_formats, engine)
        if clock.absolute_formats:
            moment = _first_read(text, clock.absolute_formats, engine)
    elif written.type().is_timestamp() and written.type().timezone:
        moment = written
    else:
        local = written.cast("timestamp")
    local = _quarters(local) if clock.converts else local.date()
    return local, _quarters(moment) if clock.days_in else None


def _first_read(text: ir.StringValue, formats: Sequence[TimeFormat], engine: Engine) -> ir.Value:
    """The text by the first format that reads it. LIKE keeps the slower reading for texts that
    may be of the format."""
    readings = []
    for written in formats:
        fits = text.like(written.like)
        if written.has_offset:
            fits = fits & text.re_search(OFFSET)
        readings.append(ibis.ifelse(fits, engine.read_time(text, written), ibis.null()))
    return ibis.coalesce(*readings) if len(readings) > 1 else readings[0]


def _time_text(log: ir.Table, roles: Roles) -> ir.StringValue:
    text = log[roles.times[0]].cast("string")
    for more in roles.times[1:]:
        text = text + " " + log[more].cast("string")
    return text.strip()


def _has_offset(text: ir.StringValue) -> ir.BooleanValue:
    return text.like("%:%Z") | (text.like("%:%") & text.re_search(OFFSET))


def _quarters(time: ir.TimestampValue) -> ir.IntegerValue:
    return time.epoch_seconds() // _QUARTER


def _result(counted: ir.Table) -> ir.Table:
    """The columns of :func:`tally`, days as numbers."""
    local = counted.local
    if local.type().is_date():
        local = local.delta(ibis.date(_EPOCH), unit="day")
    optional = {
        c: counted[c] if c in counted.columns else ibis.null("int64") for c in ("series", "moment")
    }
    return counted.select(
        series=optional["series"],
        local=local.cast("int64"),
        moment=optional["moment"].cast("int64"),
        rows=counted.rows,
        searches=counted.searches,
    )
