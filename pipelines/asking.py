"""The guided prompt of `facetally add`: one question a column, each answer checked at once.

Ids complete as they are typed, and an id, a name or any part that only one row has will do. What
an answer means is shown before the next question; what the row would change, before it is written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import questionary
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.shortcuts import CompleteStyle

from pipelines import adding, arithmetic, fields, periods, wording
from pipelines.adding import Draft
from pipelines.fields import LEDGER_FILES, Field
from pipelines.ledger import Ledger, read_ledger

Say = Callable[[str], None]

_TABLES = {table.name: table for table in LEDGER_FILES}
_CHOICES: dict[str, dict[str, str]] = {
    "channel": fields.CHANNELS,
    "mode": fields.MODES,
    "metric": fields.METRICS,
    "stance": fields.STANCES,
    "cadence": fields.CADENCES,
    "per": fields.RATES,
    "level": fields.LEVELS,
    "kind": fields.SOURCE_KINDS,
}
# The source comes first: its language says how to read the wording, its date what can be known.
_ORDER = {
    "reports": [
        *("source_id", "agency_id", "system_id", "metric", "mode", "wording", "per"),
        *("period_start", "period_end", "channel", "disclosed_by", "locator", "replaces", "note"),
        "report_id",
    ],
    "statements": [
        *("source_id", "agency_id", "system_id", "stance", "said_on", "summary", "statement_id"),
    ],
}
_QUESTIONS = {
    "source_id": "Source",
    "agency_id": "Agency",
    "system_id": "System",
    "wording": "The number, in the words of the source",
    "per": "Is it a rate",
    "period_start": "First day",
    "period_end": "Last day",
    "disclosed_by": "Made public by another body",
    "locator": "Where in the document",
    "replaces": "Corrects an earlier report",
    "said_on": "Said on",
}
_HINTS = {
    "period_start": "2019-10-01; or 2019-10, 2019; `begin` for a running total; blank: not stated",
    "period_end": "2020-02-28; or 2020-02, 2020; blank: up to publication",
    "disclosed_by": "blank: the agency itself",
    "per": "blank: no, a total",
    "low": "only where the words mislead; the note says why",
    "high": "`none` where there is none; only where the words mislead",
    "published_on": "2020-02-28, 2020-02 or 2020",
    "said_on": "a day, a month, a year or an interval A/B; blank: not stated",
    "language": "two letters, such as en",
}


class Abandoned(Exception):  # noqa: N818 - it is no error to change one's mind
    """The curator left the prompt; nothing was written."""


@dataclass
class Desk:
    """What a curator has before them: the ledger's rows and the drafts made so far."""

    ledger: Ledger
    directory: Path
    as_of: date
    say: Say
    drafts: list[Draft] = field(default_factory=list)

    def rows(self, table: str) -> Iterator[tuple[str, str]]:
        """Id and description of every row that can be referred to."""
        key = _TABLES[table].key[0]
        for row in self.ledger[table].iter_rows(named=True):
            yield row[key], _described(table, row)
        for draft in self.drafts:
            if draft.table == table:
                yield draft.row_id, _described(table, dict(draft.row))

    def source(self, source_id: str) -> dict[str, str]:
        """The cells of a source, drafted or in the ledger."""
        for draft in self.drafts:
            if draft.table == "sources" and draft.row_id == source_id:
                return {c: draft.row.get(c, "") for c in _TABLES["sources"].columns}
        found = self.ledger["sources"].filter(self.ledger["sources"]["source_id"] == source_id)
        return found.row(0, named=True)


def add_by_hand(directory: Path, table: str, as_of: date, say: Say) -> list[str]:
    """Ask for a row and what it needs, show what follows, write it; returns the ids written.

    Raises Abandoned, and RefusedRowsError where the ledger is broken.
    """
    ledger, problems = read_ledger(directory)
    if problems:
        raise adding.RefusedRowsError([f"{directory}/{p}" for p in problems[:5]])
    threading.Thread(target=_warm, args=(ledger, as_of), daemon=True).start()
    desk = Desk(ledger, directory, as_of, say)
    try:
        _interview(desk, table)
        return _conclude(desk)
    except (KeyboardInterrupt, EOFError):
        raise Abandoned from None


def _warm(ledger: Ledger, as_of: date) -> None:
    """Load compiled code while the curator types, so that the answer comes at once."""
    from pipelines.sides import derive_edition

    derive_edition("nothing", ledger, as_of, ())


# --- asking ------------------------------------------------------------------------------------


def _interview(desk: Desk, table: str) -> Draft:
    """Ask for one row, and rows that it refers to, and put them on the desk."""
    row: dict[str, str] = {}
    key = _TABLES[table].key[0]
    columns = _ORDER.get(table) or [*(c for c in _TABLES[table].columns if c != key), key]
    for column in columns:
        if column == "replaces" and not _same_series(desk, row):
            continue
        row[column] = _ask(desk, table, column, row)
    draft = Draft(table, row, f"the new row of {table}")
    desk.drafts.append(draft)
    return draft


def _ask(desk: Desk, table: str, column: str, row: dict[str, str]) -> str:
    """The answer for one column, checked, and what it means said aloud."""
    described = _TABLES[table].field(column)
    message = _QUESTIONS.get(column, column.replace("_", " ").capitalize())
    if column == _TABLES[table].key[0]:
        return _ask_id(desk, table, column, row)
    if described.values and column in _CHOICES:
        return _ask_choice(message, described)
    if described.refers and described.type == "slug":
        return _ask_reference(desk, message, described, row)
    if column in ("period_start", "period_end"):
        return _ask_day(desk, message, column, row)
    default = row.pop("_note", "") if column == "note" else ""
    check, toolbar = _checks(desk, described, row)
    answer: str = questionary.text(
        f"{message}:",
        default=default,
        instruction=_hint(described),
        validate=check,
        bottom_toolbar=toolbar,
    ).unsafe_ask()
    answer = answer.strip()
    if column == "wording":
        desk.say(f"  = {_meaning(answer, desk.source(row['source_id'])['language'])}")
    return answer


def _hint(described: Field) -> str:
    text = _HINTS.get(described.name, "" if described.required else "blank: none")
    return f"({text}) " if text else ""


def _ask_choice(message: str, described: Field) -> str:
    meanings = _CHOICES[described.name]
    choices = [questionary.Choice(v, v, description=meanings.get(v)) for v in described.values]
    if not described.required:
        choices.insert(0, questionary.Choice("no", "", description=_hint(described)))
    answer: str = questionary.select(
        f"{message}:",
        choices,
        use_search_filter=True,
        use_jk_keys=False,
        instruction="(type to search, ↑↓ to move)",
    ).unsafe_ask()
    return answer


def _ask_reference(desk: Desk, message: str, described: Field, row: dict[str, str]) -> str:
    """The id of a row, by completing it; `new` asks for that row first."""
    table = described.refers
    known = dict(_same_series(desk, row) if described.name == "replaces" else desk.rows(table))
    can_add = table in ("sources", "agencies", "systems")

    def check(text: str) -> bool | str:
        text = text.strip()
        if (not text and not described.required) or (text == "new" and can_add):
            return True
        found = resolve(text, known.items())
        if len(found) == 1:
            return True
        if not found:
            return f"no row of {table}.csv matches" + ("; `new` adds one" if can_add else "")
        return f"{len(found)} match: {', '.join(found[:4])}{', …' if len(found) > 4 else ''}"

    hints = ["type a part of its name"]
    hints += ["`new` to add one"] if can_add else []
    hints += [] if described.required else [_HINTS.get(described.name, "blank: none")]
    answer = (
        questionary.autocomplete(
            f"{message}:",
            choices=list(known) or [""],
            completer=_Ids(known),
            validate=check,
            complete_style=CompleteStyle.COLUMN,
            placeholder=[("fg:ansibrightblack", "; ".join(hints))],
        )
        .unsafe_ask()
        .strip()
    )
    if answer == "new" and can_add:
        desk.say(f"  First the new row of {table}:")
        return _interview(desk, table).row_id
    if not answer:
        return ""
    (found,) = resolve(answer, known.items())
    desk.say(f"  = {found}: {known[found]}")
    return found


def _ask_day(desk: Desk, message: str, column: str, row: dict[str, str]) -> str:
    """A day; a month or year stands for its first or last day, and the note says so."""
    published = periods.span(desk.source(row["source_id"])["published_on"])[1]

    def read(text: str) -> tuple[str, str]:
        if not text or (text == "begin" and column == "period_start"):
            return text, ""
        first, last = periods.span(text)
        exact = len(text) == 10
        if first > published:
            raise ValueError(f"{text} is after the source was published ({published})")
        if column == "period_start":
            unit = "month" if len(text) == 7 else "year"
            return first.isoformat(), "" if exact else f"the start is the first of the {unit}"
        if exact and last > published:
            raise ValueError(f"{text} is after the source was published ({published})")
        if last.isoformat() < row.get("period_start", "").replace("begin", ""):
            raise ValueError(f"{text} is before the first day ({row['period_start']})")
        if last > published:
            return published.isoformat(), "the end is the day of publication"
        unit = "month" if len(text) == 7 else "year"
        return last.isoformat(), "" if exact else f"the end is the last of the {unit}"

    def check(text: str) -> bool | str:
        try:
            read(text.strip())
        except ValueError as error:
            return str(error)
        return True

    answer = questionary.text(
        f"{message}:", instruction=f"({_HINTS[column]}) ", validate=check
    ).unsafe_ask()
    day, why = read(answer.strip())
    if why:
        desk.say(f"  = {day}: {why}")
        before = row.get("_note", "")
        row["_note"] = (
            f"{before.removesuffix('.')} and {why}." if before else f"Days not stated, so {why}."
        )
    return day


def _ask_id(desk: Desk, table: str, column: str, row: dict[str, str]) -> str:
    taken = {row_id for row_id, _ in desk.rows(table)}
    answer: str = questionary.text(
        "Id:",
        default=adding.suggest_id(table, row, taken),
        instruction="(stays for ever) ",
        validate=lambda text: (
            f"{text} is the id of another row"
            if text.strip() in taken
            else bool(text.strip()) or "an id is needed"
        ),
    ).unsafe_ask()
    return answer.strip()


def _checks(
    desk: Desk, described: Field, row: dict[str, str]
) -> tuple[Callable[[str], bool | str], Callable[[], str] | None]:
    """The check of a free answer and, for a wording, the line below it that shows its meaning."""
    if described.name == "wording":
        language = desk.source(row["source_id"])["language"]

        def meaning(text: str) -> bool | str:
            try:
                wording.read(text.strip(), language or "en")
            except wording.UnreadableWording as error:
                return str(error)
            return True

        return meaning, lambda: _meaning(get_app().current_buffer.text, language)

    def check(text: str) -> bool | str:
        text = text.strip()
        if not text:
            return f"{described.description} It is required." if described.required else True
        try:
            if described.name == "said_on":
                periods.interval_span(text)
            elif described.type in ("partial_date", "date"):
                periods.span(text)
                if described.type == "date" and len(text) != 10:
                    return f"{text} is not a day; write YYYY-MM-DD"
            elif described.type == "integer" and not (text.isascii() and text.isdecimal()):
                return "write digits only, no separators"
            elif described.type == "url" and not text.startswith(("http://", "https://")):
                return "write http:// or https:// and the rest"
            elif described.values and text not in described.values:
                return f"one of {', '.join(described.values)}"
        except ValueError as error:
            return str(error)
        return True

    return check, None


def _meaning(text: str, language: str) -> str:
    """The interval that a wording means, or what stands in the way."""
    if not text.strip():
        return "such as: 152,565; more than 500; about 30,000; 11-50; dozens"
    try:
        read = wording.read(text.strip(), language or "en")
    except wording.UnreadableWording as error:
        return str(error)
    return arithmetic.interval(read.low, read.high)


# --- rows to refer to --------------------------------------------------------------------------


def resolve(text: str, known: Iterable[tuple[str, str]]) -> list[str]:
    """The ids that a text may stand for: that id, else that name, else all that contain it."""
    text = " ".join(text.lower().split())
    if not text:
        return []
    pairs = [(row_id, described.lower()) for row_id, described in known]
    exact = [row_id for row_id, _ in pairs if row_id == text]
    named = [row_id for row_id, described in pairs if described == text]
    return exact or named or [i for i, d in pairs if text in i or text in d]


class _Ids(Completer):
    """Completes ids by any part of the id or its description."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        text = document.text_before_cursor.lower().strip()
        for row_id, described in self._known.items():
            if text in row_id or text in described.lower():
                yield Completion(
                    row_id, -len(document.text_before_cursor), display_meta=described[:80]
                )


def _described(table: str, row: dict[str, str]) -> str:
    if table == "sources":
        return f"{row['publisher']}, {row['title']}, {row['published_on']}"
    if table == "reports":
        return f"{row['wording']}, {row['period_start'] or '..'} to {row['period_end'] or '..'}"
    return row.get("name", "")


def _same_series(desk: Desk, row: dict[str, str]) -> list[tuple[str, str]]:
    """The reports that a report can correct."""
    series = ("agency_id", "system_id", "metric")
    return [
        (report["report_id"], _described("reports", report))
        for report in desk.ledger["reports"].iter_rows(named=True)
        if all(report[c] == row.get(c) for c in series)
    ]


# --- the end -----------------------------------------------------------------------------------


def _conclude(desk: Desk) -> list[str]:
    """Show what would follow and write, mend or leave."""
    while True:
        proposal = adding.consider(desk.directory, desk.drafts, desk.as_of)
        desk.say("")
        for draft in desk.drafts:
            desk.say(f"{draft.table}.csv")
            for column in _TABLES[draft.table].columns:
                if draft.row.get(column):
                    desk.say(f"  {column:13} {draft.row[column]}")
        desk.say("")
        adding.tell(proposal, desk.say)
        desk.say("")
        actions = [] if proposal.problems else ["write"]
        action = questionary.select(
            "Write it?" if actions else "It cannot be written so:",
            [*actions, "change an answer", "leave without writing"],
        ).unsafe_ask()
        if action == "write":
            return adding.write(desk.directory, desk.drafts)
        if action != "change an answer":
            raise Abandoned
        _change_an_answer(desk)


def _change_an_answer(desk: Desk) -> None:
    cells = [
        questionary.Choice(
            f"{draft.table} {column}: {draft.row.get(column) or '(blank)'}", (number, column)
        )
        for number, draft in enumerate(desk.drafts)
        for column in _TABLES[draft.table].columns
    ]
    number, column = questionary.select(
        "Which?", cells, use_search_filter=True, use_jk_keys=False
    ).unsafe_ask()
    draft = desk.drafts.pop(number)
    row = dict(draft.row)
    row["_note"] = row.get("note", "") if column == "note" else ""
    row[column] = _ask(desk, draft.table, column, row)
    row.pop("_note", None)
    desk.drafts.insert(number, Draft(draft.table, row, draft.origin))
