"""Reading a log's times: declared formats, and the day on which a search was run.

Two engines must read every text alike, so a format is not passed to them as it is. It is taken
apart here, once, into a shape that both can test first (``like``), and then into the engine's own
notation. What is read is never finer than a quarter of an hour, for every zone's offset changes
on one: the engines count by quarter hours, and Python turns those few numbers into local days,
with one time-zone database for both engines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from pipelines.periods import day_number

ISO = "iso"
"""Stands for every ISO 8601 form of a day and time."""

QUARTERS_A_DAY = 96

PLAUSIBLE = (date(2000, 1, 1), date(2068, 12, 31))
"""A time before or after these days is a slip. (`%y` reads 69 to 99 as the last century.)"""
_FIRST, _LAST = map(day_number, PLAUSIBLE)

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)


@dataclass(frozen=True)
class _Directive:
    """One `%` directive: the LIKE wildcards it needs, its regular expression, Java's letters.

    The `fixed` forms stand where two numbers touch and only their widths tell them apart.
    """

    like: str
    regex: str
    java: str
    fixed_regex: str = ""
    fixed_java: str = ""

    @property
    def is_number(self) -> bool:
        return bool(self.fixed_regex)


_TWO = r"\d{1,2}", r"\d{2}"
_DIRECTIVES = {
    "Y": _Directive("____", r"\d{4}", "yyyy", r"\d{4}", "yyyy"),
    "y": _Directive("__", r"\d{2}", "yy", r"\d{2}", "yy"),
    "m": _Directive("%", _TWO[0], "M", _TWO[1], "MM"),
    "d": _Directive("%", _TWO[0], "d", _TWO[1], "dd"),
    "H": _Directive("%", _TWO[0], "H", _TWO[1], "HH"),
    "I": _Directive("%", _TWO[0], "h", _TWO[1], "hh"),
    "M": _Directive("%", _TWO[0], "m", _TWO[1], "mm"),
    "S": _Directive("%", _TWO[0], "s", _TWO[1], "ss"),
    "b": _Directive("___", f"(?i:{'|'.join(name[:3] for name in _MONTHS)})", "MMM"),
    "B": _Directive("%", f"(?i:{'|'.join(_MONTHS)})", "MMMM"),
    "p": _Directive("__", "(?i:[ap]m)", "a"),
}
# Both engines search for these two.
OFFSET = r"[+-](0\d|1[0-4])(:?[0-5]\d)?$"
FRACTION = r"(:\d{1,2}:\d{1,2})\.\d{1,9}"


@dataclass(frozen=True)
class TimeFormat:
    """One way of writing a time, with strptime's directives Y y m d H I M S b B p, f and z.

    Seconds may always have a fraction, so `.%f` says nothing. `%z` must come last and is `+01:00`,
    `+0100`, `+01` or `Z`; a trailing literal `Z` means the same. One blank stands for one or more.
    Numbers need no leading zeros, unless they touch. A ``padded`` format has them: a text of it is
    known by its length, which is quicker to see than its shape.
    """

    text: str
    padded: bool = False

    @cached_property
    def _core(self) -> str:
        return self.text.replace("%S.%f", "%S").removesuffix("%z").removesuffix("Z")

    @cached_property
    def directives(self) -> list[str]:
        return re.findall(r"%(.?)", self.text)

    @property
    def is_absolute(self) -> bool:
        """Whether it names a moment, whatever the zone."""
        return self.text.endswith(("%z", "Z"))

    @property
    def has_time_of_day(self) -> bool:
        return "H" in self.directives or "I" in self.directives

    @cached_property
    def length(self) -> int | None:
        """How many characters a text of a padded format has; None where texts differ in length."""
        if not self.padded or self.is_absolute:
            return None
        return sum(len(d.like.replace("%", "__")) if d else 1 for _, d, _ in _parts(self._core))

    @cached_property
    def like(self) -> str:
        """A LIKE pattern that every text of this format matches, and few others do."""
        pattern = ""
        for part, directive, touches in _parts(self._core):
            if directive is None:
                pattern += " %" if part == " " and not self.padded else part
            elif directive.is_number and (touches or self.padded):
                pattern += directive.like.replace("%", "__")
            else:
                pattern += directive.like
        return re.sub("%+", "%", f"{pattern}%" if self.is_absolute else pattern)

    @cached_property
    def regex(self) -> str:
        """What exactly is of this format, the calendar aside; white space around it as well."""
        pattern = ""
        for part, directive, touches in _parts(self._core):
            if directive is None:
                pattern += r"\s+" if part == " " else re.escape(part)
            else:
                pattern += directive.fixed_regex if touches else directive.regex
        offset = OFFSET.removesuffix("$") if self.is_absolute else ""
        return rf"^\s*{pattern}{offset}\s*$"

    @cached_property
    def strptime(self) -> str:
        """The format in DuckDB's notation."""
        return f"{self._core}%z" if self.is_absolute else self._core

    @cached_property
    def java(self) -> str:
        """The format in Java's notation, where blanks are single."""
        pattern = ""
        for part, directive, touches in _parts(self._core):
            if directive is None:
                pattern += part if part == " " else f"'{part}'"
            else:
                pattern += directive.fixed_java if touches else directive.java
        pattern = pattern.replace("''", "")
        return f"{pattern}[XXX][XX][X]" if self.is_absolute else pattern

    def problems(self) -> list[str]:
        """What is wrong with the format, in words; empty if nothing is."""
        known = {*_DIRECTIVES, "f", "z"}
        unknown = [f"%{d}" for d in self.directives if d not in known]
        if unknown:
            return [f"{', '.join(unknown)} is not known; write {_known_directives()}"]
        wrong = []
        for what, choices in (("year", "Yy"), ("month", "mbB"), ("day", "d")):
            if sum(self.directives.count(c) for c in choices) != 1:
                wrong.append(f"it needs one {what} ({' or '.join('%' + c for c in choices)})")
        if len(set(self.directives)) != len(self.directives):
            wrong.append("a directive stands twice")
        if ("I" in self.directives) != ("p" in self.directives) or (
            "I" in self.directives and "H" in self.directives
        ):
            wrong.append("%I and %p go together, and not with %H")
        if "f" in self.directives and "%S.%f" not in self.text:
            wrong.append("%f must follow %S and a point: %S.%f")
        if "z" in self.directives and not self.text.endswith("%z"):
            wrong.append("%z must come last")
        if self.is_absolute and not self.has_time_of_day:
            wrong.append("an offset needs a time of day")
        if re.search(r"[^A-Za-z0-9 %:./,_+-]", self.text) or self.text != self.text.strip():
            wrong.append("between the directives only letters, digits, blanks and : . / , _ + -")
        return wrong


def _parts(text: str) -> list[tuple[str, _Directive | None, bool]]:
    """Each directive or character, and whether it is a number that touches another number."""
    parts = re.findall(r"%.|[^%]|%$", text)
    found = [_DIRECTIVES.get(p[1:]) if p.startswith("%") else None for p in parts]
    numbers = [False, *(bool(d and d.is_number) for d in found), False]
    return [
        (part, found[i], numbers[i + 1] and (numbers[i] or numbers[i + 2]))
        for i, part in enumerate(parts)
    ]


def _known_directives() -> str:
    return " ".join(f"%{d}" for d in (*_DIRECTIVES, "f", "z"))


_ISO_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")


@dataclass(frozen=True)
class Clock:
    """How times are written, in which zone, and in which zone the days are counted.

    formats: tried in this order; a text with an offset is a moment, any other is local.
    written_in: IANA zone of times without an offset; blank: that of the days.
    days_in: IANA zone of the days; blank: days as they are written.
    """

    formats: tuple[str, ...] = (ISO,)
    written_in: str = ""
    days_in: str = ""

    @property
    def converts(self) -> bool:
        """Whether times without an offset change their zone."""
        return bool(self.written_in) and self.written_in != self.days_in

    @cached_property
    def local_formats(self) -> list[TimeFormat]:
        """The formats of times without an offset that tell the day."""
        declared = [f for text in self.formats for f in _expanded(text) if not f.is_absolute]
        return [f for f in declared if f.has_time_of_day or not self.converts]

    @cached_property
    def absolute_formats(self) -> list[TimeFormat]:
        """The formats of moments; none where no zone of days is declared."""
        if not self.days_in:
            return []
        return [f for text in self.formats for f in _expanded(text) if f.is_absolute]

    def problems(self) -> list[tuple[str, str]]:
        """(option, message) of each thing wrong with the declaration."""
        wrong = [
            ("--dates", f"{text!r}: {message}")
            for text in self.formats
            if text != ISO
            for message in TimeFormat(text).problems()
        ]
        for option, zone in (("--times-in", self.written_in), ("--days-in", self.days_in)):
            if zone and zone not in available_timezones():
                wrong.append(
                    (option, f"{zone!r} is not a time zone; write one such as America/Chicago")
                )
        if self.written_in and not self.days_in:
            wrong.append(("--days-in", "say in which zone the days are, such as America/Chicago"))
        if not wrong:
            wrong += [
                ("--dates", f"{text!r} has an offset; say in which zone the days are: --days-in")
                for text in self.formats
                if text != ISO and TimeFormat(text).is_absolute and not self.days_in
            ]
            wrong += [
                (
                    "--dates",
                    f"{text!r} has no time of day, so its day in {self.days_in} is not known",
                )
                for text in self.formats
                if text != ISO and self.converts and not TimeFormat(text).has_time_of_day
            ]
        return wrong

    def day(self, local: int | None, moment: int | None) -> int | None:
        """The day, since 1970-01-01, of what an engine counted; None where both are, or far from
        any day on which a search can have been run.

        local: a day, or a quarter hour where the zone changes; moment: a quarter hour in UTC.
        """
        if local is not None and not self.converts:
            return local if _is_plausible(local) else None
        quarter = local if local is not None else moment
        if quarter is None or not _is_plausible(quarter // QUARTERS_A_DAY):
            return None
        if local is not None:
            quarter -= _offset(self.written_in, quarter, is_local=True)
        return (quarter + _offset(self.days_in, quarter, is_local=False)) // QUARTERS_A_DAY


def _is_plausible(day: int) -> bool:
    return _FIRST <= day <= _LAST


def _offset(zone: str, quarter: int, *, is_local: bool) -> int:
    """A zone's offset from UTC, in quarter hours, at a quarter hour there or in UTC. An hour that
    comes twice is its first."""
    day = quarter // QUARTERS_A_DAY
    first = _offset_at(zone, day * QUARTERS_A_DAY, is_local)
    last = _offset_at(zone, (day + 1) * QUARTERS_A_DAY, is_local)
    return first if first == last else _offset_at(zone, quarter, is_local)


@lru_cache(maxsize=100_000)
def _offset_at(zone: str, quarter: int, is_local: bool) -> int:
    time = datetime(1970, 1, 1) + timedelta(minutes=15 * quarter)
    if is_local:
        offset = time.replace(tzinfo=ZoneInfo(zone)).utcoffset()
    else:
        offset = time.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return (offset or timedelta()) // timedelta(minutes=15)


def _expanded(text: str) -> list[TimeFormat]:
    """A declared format as the formats to try; ISO is many."""
    if text != ISO:
        return [TimeFormat(text)]
    texts = [*_ISO_TIMES, "%Y-%m-%d", *(f"{time}%z" for time in _ISO_TIMES)]
    return [TimeFormat(t, padded=True) for t in texts]
