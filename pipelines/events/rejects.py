"""A sample of what could not be counted: where it stands, why, and what would help.

It shows the text of the time column only, and of that no letters but those of dates: a column
that was mapped by mistake must not show names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.events.counting import (
    BLANK,
    IMPLAUSIBLE,
    MALFORMED,
    NO_TIME_OF_DAY,
    OFFSET_ALONE,
    UNREADABLE,
)
from pipelines.events.logs import LogFile, read_rows

if TYPE_CHECKING:
    from pipelines.release import Progress

_MOST = 10
_LONGEST = 40
_REMEDIES = {
    MALFORMED: "the row has too many or too few fields, or a stray quote; mend it in the log",
    BLANK: "the row has no time, or cannot be read",
    OFFSET_ALONE: "say in which zone the days are with --days-in",
    NO_TIME_OF_DAY: "without a time of day the day in another zone is not known",
    IMPLAUSIBLE: "no search was run before 2000 or is dated after 2068",
    UNREADABLE: "declare its format with --dates, such as '%m/%d/%Y %H:%M'; or it is no date",
}
_DATE_WORD = re.compile(
    r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|january|february|march|april|june|july|"
    r"august|september|october|november|december|am|pm)|[TZ]"
)


@dataclass(frozen=True)
class Reject:
    """One kind of rejected row: its first line (0: not found), the text of its time with letters
    masked, why, how many such rows, and what would help."""

    file: str
    line: int
    column: str
    value: str
    reason: str
    rows: int
    remedy: str


def sample(
    files: Sequence[LogFile],
    columns: Mapping[str, str],
    times: Sequence[str],
    reasons: Iterable[tuple[str, str | None, int, str | None]],
    progress: Progress,
) -> list[Reject]:
    """The commonest kinds of rows without a time, and the line of the first row of each.

    reasons: reason, shape, rows and a text of the time column, as counting gives them.
    """
    chosen = sorted(reasons, key=lambda r: (-r[2], r[0], r[3] or ""))[:_MOST]
    if not chosen:
        return []
    progress.step("Finding the lines of rejected rows")
    wanted = {_mark(reason, text) for reason, _, _, text in chosen if reason != IMPLAUSIBLE}
    places = _places(files, columns, times, wanted)
    found = []
    for reason, _, rows, text in chosen:
        nowhere = files[0].path if len(files) == 1 else "", 0
        sought = reason != IMPLAUSIBLE
        file, line = places.get(_mark(reason, text), nowhere) if sought else nowhere
        column = " and ".join(columns[role] for role in times)
        found.append(
            Reject(file, line, column, masked(text or ""), reason, rows, _REMEDIES[reason])
        )
    return found


def masked(text: str) -> str:
    """The text with `a` for every letter that is no part of a date; cut where it is long."""
    words = re.sub(
        r"[^\W\d_]+",
        lambda word: word[0] if _DATE_WORD.fullmatch(word[0]) else "a" * len(word[0]),
        text,
    )
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."


def _mark(reason: str, text: str | None) -> str | None:
    """What to look for: the text itself; blank for none; None for a malformed row."""
    return None if reason == MALFORMED else text or ""


def _places(
    files: Sequence[LogFile],
    columns: Mapping[str, str],
    times: Sequence[str],
    wanted: set[str | None],
) -> dict[str | None, tuple[str, int]]:
    """The first file and line of each wanted text; reading stops when all are found."""
    at = [list(columns).index(role) for role in times]
    found: dict[str | None, tuple[str, int]] = {}
    for file in files:
        for line, row in read_rows(file, columns):
            text = None if row is None else _joined([row[i] for i in at])
            if text in wanted and text not in found:
                found[text] = file.path, line
                if len(found) == len(wanted):
                    return found
    return found


def _joined(cells: Sequence[str | None]) -> str:
    """The text of the time as the engines join and strip it; blank where a part is missing."""
    parts = [cell for cell in cells if cell is not None]
    return " ".join(parts).strip(" ") if len(parts) == len(cells) else ""
