"""Gaps in words: one sentence each, and the records request that would close it.

Everything said here is made from rows of the ledger. A sentence speaks of "it", the agency under
whose name it stands, and claims no more than the rule of its kind has shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.arithmetic import NOUNS, count, interval
from pipelines.arithmetic import day as on_day
from pipelines.arithmetic import period as during

_SHOWN_BY = {
    "leaked": "leaked records show",
    "compelled": "records that an audit, a court or a statute brought out show",
    "vendor": "the vendor's figures show",
    "third_party": "figures collected by others show",
}


@dataclass(kw_only=True, slots=True)
class Told:
    """A gap as its sentence needs it; fields are those of `gaps`.

    ``own_low`` to ``others_high`` are the bounds on the agency's and on the others' voice, or
    for `unaccounted` what the members account for and the group's total. ``due_on``: the first
    date that was missed; ``periods``: how many periods of a duty, or members of a group.
    """

    agency_id: str
    system_id: str | None
    metric: str | None
    kind: str
    period_start: date | None
    period_end: date
    known_from: date
    days: int | None = None
    share: float | None = None
    report_ids: Sequence[str]
    statement_ids: Sequence[str]
    duty_id: str | None = None
    own_low: int | None = None
    own_high: int | None = None
    others_low: int | None = None
    others_high: int | None = None
    due_on: date | None = None
    periods: int = 0


class Words:
    """The names and facts of the ledger that sentences and requests quote."""

    def __init__(self, con: duckdb.DuckDBPyConnection, report_ids: Iterable[str]) -> None:
        """Read what is quoted of the ledger's tables, of `reports` only those named."""
        con.register("quoted", pa.table({"report_id": pa.array(sorted(report_ids), pa.string())}))
        self.reports = _rows(
            con,
            "select report_id, agency_id, voice, channel, disclosed_by, source_id "
            "from reports semi join quoted using (report_id)",
        )
        con.unregister("quoted")
        self.agencies = _rows(con, "select agency_id, name, member_of from agencies")
        self.systems = _rows(con, "select system_id, name from systems")
        self.statements = _rows(
            con,
            "select statement_id, system_id, said_on, said_earliest, said_latest, stance, "
            "source_id from statements",
        )
        self.duties = _rows(
            con,
            "select duty_id, agency_id, instrument, requires, metric, cadence, source_id "
            "from duties",
        )
        self.sources = _rows(
            con, "select source_id, publisher, title, published_on, url from sources"
        )

    def sentence(self, gap: Told) -> str:
        """The gap in one sentence."""
        return {
            "contradicted": self._contradicted,
            "denied": self._denied,
            "silent": self._silent,
            "overdue": self._overdue,
            "late": self._late,
            "vague": self._vague,
            "unaccounted": self._unaccounted,
        }[gap.kind](gap)

    # --- one sentence a kind -----------------------------------------------------------------

    def _contradicted(self, gap: Told) -> str:
        shown = self._shown_by_others(gap)
        if gap.statement_ids:
            return f"{self._denial(gap)}; {shown}. Both cannot be true."
        assert gap.own_high is not None
        own = _counted(0, gap.own_high, gap.metric)
        return (
            f"Its own figures allow {own} {during(gap.period_start, gap.period_end)}; {shown}. "
            "Both cannot be true."
        )

    def _denied(self, gap: Told) -> str:
        last = " last" if len(gap.statement_ids) > 1 else ""
        return (
            f"{self._denial(gap)}; {self._shown_by_others(gap)}. "
            f"Both can be true only if all of them came after it{last} said so."
        )

    def _silent(self, gap: Told) -> str:
        return f"{self._said(gap)}; {self._shown_by_others(gap)}."

    def _overdue(self, gap: Told) -> str:
        assert gap.duty_id is not None
        assert gap.due_on is not None
        instrument = self.duties[gap.duty_id]["instrument"]
        over = during(gap.period_start, gap.period_end)
        if gap.periods == 1:
            return (
                f"Under {instrument} it owed a count {_for(over)} by {on_day(gap.due_on)}; no "
                "source in the ledger holds it."
            )
        return (
            f"Under {instrument} it owed {gap.periods} counts {_for(over)}, the first by "
            f"{on_day(gap.due_on)}; no source in the ledger holds them."
        )

    def _late(self, gap: Told) -> str:
        assert gap.days is not None
        came = self._came(gap)
        over = during(gap.period_start, gap.period_end)
        if gap.duty_id is not None and gap.due_on is not None:
            instrument = self.duties[gap.duty_id]["instrument"]
            late = f"{count(gap.days)} {'day' if gap.days == 1 else 'days'}"
            return (
                f"Under {instrument} it owed a count {_for(over)} by {on_day(gap.due_on)}; it came "
                f"{came}, at least {late} late."
            )
        what = _noun(2, gap.metric)
        years = 1 + gap.days // 366
        after = f"over {'a year' if years == 1 else f'{years} years'} after"
        if len(gap.report_ids) == 1:
            return (
                f"Its own first known figure for {what} {over} came {came}, {after} the period "
                "ended."
            )
        return (
            f"Its own first {len(gap.report_ids)} known figures for {what} {over} came {came}, "
            f"the oldest {after} its period ended."
        )

    def _vague(self, gap: Told) -> str:
        over = during(gap.period_start, gap.period_end)
        if gap.own_high is None and not gap.own_low:
            return f"What it said itself about its {_noun(2, gap.metric)} {over} gives no number."
        said = _counted(gap.own_low or 0, gap.own_high, gap.metric)
        bound = ", with no upper bound" if gap.own_high is None else ""
        return f"Its own figures are known only as a range or in words: {said} {over}{bound}."

    def _unaccounted(self, gap: Told) -> str:
        assert gap.others_low is not None
        assert gap.own_high is not None
        assert gap.share is not None
        total = _counted(gap.others_low, gap.others_high, gap.metric)
        over = during(gap.period_start, gap.period_end)
        with_system = self._with_system(gap.system_id)
        members = f"{gap.periods} {'member' if gap.periods == 1 else 'members'}"
        if gap.own_high == 0:
            account = f"no figure on its {members} named here accounts for any of them"
        else:
            account = (
                f"the figures on its {members} named here account for at most "
                f"{count(gap.own_high)} of them ({_percent(gap.share)})"
            )
        return f"The total for the group is {total}{with_system} {over}; {account}."

    # --- parts of sentences ------------------------------------------------------------------

    def _denial(self, gap: Told) -> str:
        """The earliest of the denials: when, and of what."""
        said = sorted(
            (self.statements[s] for s in gap.statement_ids),
            key=lambda s: (s["said_latest"], s["statement_id"]),
        )
        first = said[0]
        again = "" if len(said) == 1 else f", and again {_within(_said_on(said[-1]))}"
        of = self._name_system(first["system_id"] or gap.system_id)
        if first["system_id"] is None:
            of = "facial recognition"
        return f"{_said_on(first)} it said that it did not use {of}{again}"

    def _said(self, gap: Told) -> str:
        """What a silent agency said last, about the system rather than in general."""
        said = sorted(
            (self.statements[s] for s in gap.statement_ids),
            key=lambda s: (s["system_id"] is not None, s["said_latest"], s["statement_id"]),
        )
        if not said:
            return "No number or statement of its own is in the ledger"
        last = said[-1]
        of = self._name_system(last["system_id"])
        asked = f"{_said_on(last)}, asked about {of}, it"
        return {
            "declined": f"{asked} declined to answer",
            "no_response": f"{asked} gave no answer",
            "suspended": f"{_said_on(last)} it said that it had suspended its use of {of}, and "
            "gave no number",
            "denied": f"It denied its use of {of}, took that back, and gave no number",
            "confirmed": f"{_said_on(last)} it said that it used {of}, and gave no number",
        }[last["stance"]]

    def _shown_by_others(self, gap: Told) -> str:
        assert gap.others_low is not None
        reports = [self.reports[r] for r in gap.report_ids if self.reports[r]["voice"] == "others"]
        number = _counted(gap.others_low, gap.others_high, gap.metric)
        return f"{self._shower(reports)} {number} {during(gap.period_start, gap.period_end)}"

    def _shower(self, reports: Sequence[dict[str, Any]]) -> str:
        """Who showed it, as subject and verb."""
        tellers = {r["disclosed_by"] for r in reports}
        if len(tellers) == 1 and None not in tellers:
            return f"figures given out by {self._name(tellers.pop())} show"
        channels = {r["channel"] for r in reports}
        if len(channels) == 1 and tellers == {None}:
            return _SHOWN_BY.get(channels.pop(), "records made public by others show")
        return "records made public by others show"

    def _came(self, gap: Told) -> str:
        """When reports came, as exactly as their source says."""
        days = {self.sources[self.reports[r]["source_id"]]["published_on"] for r in gap.report_ids}
        return _within(_when(max(days))) if len(days) == 1 else f"by {on_day(gap.known_from)}"

    def _name(self, agency_id: str) -> str:
        return str(self.agencies[agency_id]["name"])

    def _name_system(self, system_id: str | None) -> str:
        if system_id in (None, "unspecified"):
            return "facial recognition"
        return str(self.systems[system_id]["name"])

    def _with_system(self, system_id: str | None) -> str:
        return "" if system_id in (None, "unspecified") else f" with {self._name_system(system_id)}"

    # --- what would close it -----------------------------------------------------------------

    def records_request(self, gap: Told, sentence: str) -> str:
        """A letter, as plain text, that asks for the records that would close the gap, which is
        told in a sentence."""
        asked = self._addressee(gap)
        metric = _noun(2, gap.metric)
        subject = f"{metric}{self._with_system(gap.system_id)}, {_span(gap)}"
        items = [*self._asked_for(gap, metric), "If you hold no such record, please say so."]
        duties = [
            f"{self.duties[d]['instrument']} asks for this: {self.duties[d]['requires']}"
            for d in self._duties_on(gap)
        ]
        lines = [
            f"To: {asked}",
            f"Subject: Request for records: {subject}",
            "",
            "Under the law on access to public records that applies to you, I ask for:",
            "",
            *(f"{n}. {item}" for n, item in enumerate(items, 1)),
            "",
            *(f"{_stop(duty)}" for duty in duties),
            *([""] if duties else []),
            f"What is public so far about {self._name(gap.agency_id)}: {sentence}",
            *self._cited(gap),
        ]
        return "\n".join(lines)

    def _addressee(self, gap: Told) -> str:
        """The agency; for a group's total, whoever gave it out."""
        if gap.kind != "unaccounted":
            return self._name(gap.agency_id)
        tellers = {
            self.reports[r]["disclosed_by"]
            for r in gap.report_ids
            if self.reports[r]["agency_id"] == gap.agency_id
        }
        names = sorted(self._name(t) for t in tellers if t)
        return (
            "; ".join(names) or f"the body that published the total ({self._name(gap.agency_id)})"
        )

    def _asked_for(self, gap: Told, metric: str) -> list[str]:
        over = during(gap.period_start, gap.period_end)
        with_system = self._with_system(gap.system_id)
        if gap.kind == "unaccounted":
            return [
                f"The number of {metric}{with_system} {over} for each agency that the published "
                "total includes.",
                "The list of those agencies.",
            ]
        number = f"The number of {metric}{with_system} {over}, in total and by month."
        if gap.kind == "overdue":
            return [f"The reports that you owed {_for(over)}, with the number of {metric}."]
        if gap.kind == "vague":
            return [f"The exact figure: {_within(number)}"]
        if gap.kind in {"contradicted", "denied"} and gap.statement_ids:
            said = _within(_said_on(self.statements[min(gap.statement_ids)]))
            return [
                number,
                f"The records on which your statement that you did not use it was based ({said}).",
                "Audit logs, accounts and invoices that show who used it, and when, without "
                "personal data.",
            ]
        return [
            number,
            "Audit logs, accounts and invoices from which that number can be checked, without "
            "personal data.",
        ]

    def _duties_on(self, gap: Told) -> list[str]:
        """Duties with a cadence that ask the agency, or a group that it is in, for this count."""
        if gap.duty_id is not None:
            return [gap.duty_id]
        bodies = {gap.agency_id, *self.agencies[gap.agency_id]["member_of"]}
        return sorted(
            duty["duty_id"]
            for duty in self.duties.values()
            if duty["agency_id"] in bodies and duty["cadence"] and duty["metric"] == gap.metric
        )

    def _cited(self, gap: Told) -> list[str]:
        cited = {
            *(self.reports[r]["source_id"] for r in gap.report_ids),
            *(self.statements[s]["source_id"] for s in gap.statement_ids),
            *([self.duties[gap.duty_id]["source_id"]] if gap.duty_id else []),
        }
        lines = []
        sources = [self.sources[source_id] for source_id in sorted(cited)]
        for source in sorted(sources, key=lambda s: str(s["published_on"])):
            address = f" {source['url']}" if source["url"] else ""
            lines.append(
                f"- {source['publisher']}, {source['title']} ({source['published_on']}){address}"
            )
        return lines


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, dict[str, Any]]:
    """The rows of a query by their first column."""
    table = con.sql(query).to_arrow_table()
    names = table.column_names
    return {
        row[0]: dict(zip(names, row, strict=True))
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True)
    }


def _noun(number: int, metric: str | None) -> str:
    return NOUNS[metric or "searches"][number != 1]


def _counted(low: int, high: int | None, metric: str | None) -> str:
    """An interval with its noun: at least 171 searches; exactly 1 arrest."""
    last = low if high is None else high
    return f"{interval(low, high)} {_noun(last, metric)}"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 or share == 0 else f"{share:.1%}"


def _when(stated: str) -> str:
    """A day, month or year of the ledger as an adverb: On 5 May 2020; In May 2020; In 2020."""
    if len(stated) == 10:
        return f"On {on_day(date.fromisoformat(stated))}"
    if len(stated) == 7:
        return f"In {date.fromisoformat(f'{stated}-01'):%B %Y}"
    return f"In {stated}"


def _within(text: str) -> str:
    """Text as it stands within a sentence."""
    return f"{text[0].lower()}{text[1:]}"


def _said_on(statement: dict[str, Any]) -> str:
    stated = statement["said_on"]
    if not stated:
        return "On a day not stated"
    if "/" in stated:
        first, last = statement["said_earliest"], statement["said_latest"]
        return f"Between {on_day(first)} and {on_day(last)}"
    return _when(stated)


def _for(over: str) -> str:
    """A period, put as what a count is for: for 2019; for January to June 2019."""
    return f"for {over.removeprefix('in ').removeprefix('on ').removeprefix('from ')}"


def _span(gap: Told) -> str:
    return _for(during(gap.period_start, gap.period_end)).removeprefix("for ")


def _stop(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
