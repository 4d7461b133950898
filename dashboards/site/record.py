"""A release as pages read it: rows by agency, system, country and source, and words for them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from dashboards import phrases
from dashboards.charts.channel_ladder import RUNGS, rung
from dashboards.releases import Release
from pipelines.arithmetic import Said, estimate_in_words, grounds, voices_in_words
from pipelines.fields import GAP_KINDS

Row = dict[str, Any]
SeriesKey = tuple[str, str, str]
_FREQUENCIES = ("R", "A", "Q", "M")
_MENTION = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")


@dataclass(frozen=True)
class Proof:
    """Why one end of an interval stands, or both: ``words`` say which, ``evidence`` holds the
    reports and denials that prove it, ``sums`` how they add up (none where one alone says it)."""

    words: str
    evidence: list[Row]
    sums: list[str]


@dataclass(frozen=True)
class Claim:
    """One figure: a series over one period, with the reports that prove it.

    ``voice`` is own, others or contested; ``count`` and ``when`` are the figure in words. ``whose``
    and ``estimate`` are the sentences of `facetally explain` on the voices and the estimate.
    """

    series: SeriesKey
    row: Row
    count: str
    when: str
    period: str
    voice: str
    whose: str
    proofs: list[Proof]
    estimate: str

    @property
    def value(self) -> str:
        """``171/`` or ``98/98``: the interval as the release has it."""
        high = self.row["high"]
        return f"{self.row['low']}/{'' if high is None else high}"


class Record:
    """The tables of one release as dictionaries, indexed; nothing here changes them."""

    def __init__(self, release: Release) -> None:
        self.release = release
        rows = {name: list(t.iter_rows(named=True)) for name, t in release.tables.items()}
        self.agencies = {row["agency_id"]: row for row in rows["agencies"]}
        self.systems = {row["system_id"]: row for row in rows["systems"]}
        self.sources = {row["source_id"]: row for row in rows["sources"]}
        self.reports = {row["report_id"]: row for row in rows["reports"]}
        self.statements = {row["statement_id"]: row for row in rows["statements"]}
        self.duties = {row["duty_id"]: row for row in rows["duties"]}
        self.gaps = sorted(rows["gaps"], key=_gravity)
        self.conflicts = [row for row in rows["conflicts"] if row["known_until"] is None]
        self.series = {_series(row): row for row in rows["series"]}
        self.bounds: dict[SeriesKey, list[Row]] = defaultdict(list)
        for row in rows["bounds"]:
            if row["known_until"] is None:
                self.bounds[_series(row)].append(row)
        self.set_aside = {
            row["set_aside_id"]: row["arithmetic"]
            for row in self.conflicts
            if row["voice"] == "all"
        }

    @cached_property
    def open_gaps(self) -> list[Row]:
        """Gaps that stand, the gravest first."""
        return [gap for gap in self.gaps if gap["closed_on"] is None]

    def of(self, table: str, column: str, value: str) -> list[Row]:
        """The rows of reports, statements, duties or gaps in which a column has a value."""
        return self._index[table, column].get(value, [])

    @cached_property
    def _index(self) -> dict[tuple[str, str], dict[str, list[Row]]]:
        index: dict[tuple[str, str], dict[str, list[Row]]] = {}
        tables: dict[str, list[Row]] = {
            "reports": list(self.reports.values()),
            "statements": list(self.statements.values()),
            "duties": list(self.duties.values()),
            "gaps": self.gaps,
        }
        for name, rows in tables.items():
            for column in ("agency_id", "system_id", "source_id"):
                found: dict[str, list[Row]] = defaultdict(list)
                for row in rows:
                    if row.get(column):
                        found[row[column]].append(row)
                index[name, column] = found
        return index

    @cached_property
    def by_country(self) -> dict[str, list[Row]]:
        """Agencies by country code, by name."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in sorted(self.agencies.values(), key=lambda r: r["name"].casefold()):
            found[row["country"]].append(row)
        return dict(sorted(found.items(), key=lambda item: phrases.country_name(item[0])))

    @cached_property
    def members(self) -> dict[str, list[str]]:
        """Agencies by the group that they belong to."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self.agencies.values():
            for group in row["member_of"] or []:
                found[group].append(row["agency_id"])
        return found

    def agency_name(self, agency_id: str) -> str:
        row = self.agencies.get(agency_id)
        return str(row["name"]) if row else agency_id

    def system_name(self, system_id: str | None) -> str:
        """``an unnamed system`` for the one called unspecified."""
        if not system_id:
            return "any system"
        if system_id == "unspecified":
            return "an unnamed system"
        row = self.systems.get(system_id)
        return str(row["name"]) if row else system_id

    def series_name(self, system_id: str, metric: str) -> str:
        """``Clearview AI: searches``."""
        name = self.system_name(system_id)
        return f"{name[0].upper()}{name[1:]}: {phrases.METRIC_NOUNS[metric][1]}"

    def claims(self, key: SeriesKey, frequencies: str = "RA") -> list[Claim]:
        """The figures of a series, evidence windows first, the latest period first.

        Rows that say nothing (from 0, without an upper bound) are left out.
        """
        rows = [
            row
            for row in self.bounds.get(key, [])
            if row["frequency"] in frequencies and (row["low"] > 0 or row["high"] is not None)
        ]
        rows.sort(key=lambda r: (r["period_end"], r["period_start"] or date.min), reverse=True)
        rows.sort(key=lambda r: _FREQUENCIES.index(r["frequency"]))
        return [self._claim(key, row) for row in rows]

    def headline(self, key: SeriesKey) -> Claim | None:
        """The figure that says most about a series: the latest evidence window with something
        proven in it, else the latest window; None where no row says anything."""
        claims = self.claims(key)
        proven = [c for c in claims if c.row["low"] > 0]
        return next(iter(proven or claims), None)

    def _claim(self, key: SeriesKey, row: Row) -> Claim:
        low, high = row["low"], row["high"]
        first, last = row["period_start"], row["period_end"]
        below, above = (
            [_said(self._row(name)) for name in row[column]]
            for column in ("low_report_ids", "high_report_ids")
        )
        return Claim(
            series=key,
            row=row,
            count=phrases.counted_interval(low, high, key[2]),
            when=phrases.during(first, last),
            period=phrases.days(first, last),
            voice=voice(row),
            whose=voices_in_words(
                (row["agency_low"], row["agency_high"]), (row["others_low"], row["others_high"])
            ),
            proofs=[
                Proof(ground.words, [self._row(s.evidence_id) for s in ground.path], ground.sums)
                for ground in grounds(low, high, below, above, first, last)
            ],
            estimate=estimate_in_words(low, high, row["estimate"], row["obs_status"]),
        )

    def _row(self, name: str) -> Row:
        return self.reports.get(name) or self.statements[name]

    def published(self, source: Row) -> str:
        """The date of a source in words; one without a date says so."""
        if (source["note"] or "").startswith("Undated"):
            return "undated"
        return partial(source["published_on"])

    def is_dated(self, report: Row) -> bool:
        """Whether the day on which a report became public is that of a dated source."""
        note = self.sources[report["source_id"]]["note"] or ""
        return "counted as published on" not in note

    def channel(self, report: Row) -> str:
        """How a report became public, in words."""
        words = RUNGS[rung(report["channel"], report["voice"])]
        by = report["disclosed_by"]
        return f"{words} ({self.agency_name(by)})" if by else words

    def arithmetic(self, text: str) -> list[tuple[str, str | None]]:
        """Pieces of an arithmetic sentence: text, and the report that it names or None."""
        pieces: list[tuple[str, str | None]] = []
        at = 0
        for match in _MENTION.finditer(text):
            name = match[0]
            if name in self.reports or name in self.statements:
                pieces += [(text[at : match.start()], None), (name, name)]
                at = match.end()
        pieces.append((text[at:], None))
        return [piece for piece in pieces if piece[0]]


def _said(row: Row) -> Said:
    """Evidence as arithmetic takes it; a denial says none up to the earliest day it can be of."""
    if "report_id" in row:
        return Said(row["report_id"], row["low"], row["high"], row["first_day"], row["last_day"])
    day = row["said_earliest"] or row["said_latest"]
    return Said(row["statement_id"], 0, 0, None, day)


def voice(row: Row) -> str:
    """Whose evidence a row of bounds rests on: own, others or contested."""
    if row["obs_status"] == "U":
        return "contested"
    return "own" if row["agency_high"] is not None or row["agency_low"] else "others"


def _series(row: Row) -> SeriesKey:
    return row["agency_id"], row["system_id"], row["metric"]


def _gravity(gap: Row) -> tuple[Any, ...]:
    return (
        list(GAP_KINDS).index(gap["kind"]),
        -(gap["low"] or gap["days"] or 0),
        gap["agency_id"],
        gap["gap_id"],
    )


def partial(text: str | None) -> str:
    """``2020``, ``February 2020`` or ``28 February 2020`` from a partial ISO date."""
    if not text:
        return ""
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 1:
        return str(parts[0])
    named = date(parts[0], parts[1], parts[2] if len(parts) == 3 else 1)
    return f"{named:%B %Y}" if len(parts) == 2 else f"{named.day} {named:%B %Y}"


def said_on(statement: Row) -> str:
    """When a statement was made, in words: a partial date, or an interval of two."""
    text = statement["said_on"]
    if not text:
        return f"by {phrases.day(statement['said_latest'])}"
    first, slash, second = text.partition("/")
    return f"between {partial(first)} and {partial(second)}" if slash else partial(first)


def gap_words(gap: Row) -> str:
    """What a gap amounts to, in a sentence or two without the agency's name."""
    if gap.get("sentence"):
        return str(gap["sentence"])
    metric = gap["metric"] or "searches"
    when = phrases.during(gap["period_start"], gap["period_end"])
    low, high, days = gap["low"] or 0, gap["high"], gap["days"]
    shown = phrases.counted_interval(low, high, metric)
    least = f"at least {phrases.counted(low, metric)}"
    if gap["kind"] == "contradicted":
        return (
            f"The agency's own account and the evidence of others cannot both be true: {shown} "
            f"{when} are not in the agency's account."
        )
    if gap["kind"] == "denied":
        return (
            f"Others' evidence shows {shown} {when}, a period for which the agency denied use. "
            "It does not show that they came before the denial."
        )
    if gap["kind"] == "silent":
        return (
            f"Others' evidence shows {shown} {when}. The agency gave no number and did not deny it."
        )
    if gap["kind"] == "overdue":
        return f"A count {when} is {phrases.number(days or 0)} days overdue."
    if gap["kind"] == "late":
        return f"The count {when} came {phrases.number(days or 0)} days late."
    if gap["kind"] == "vague":
        if high is None:
            return f"Disclosed only as {least} {when}, with no upper bound."
        return f"Disclosed only as a range: {shown} {when}."
    return f"The members' evidence leaves {least} {when} unaccounted for."
