"""How do we know? A figure of a release, its reports, and the arithmetic from them to its bounds.

Everything is read from the Parquet of a release. A figure that has a row in `bounds` is explained
by the proof that the row names; any other period is solved here from the same evidence, and the
explanation says why the release has no row for it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

from pipelines import periods
from pipelines.arithmetic import (
    NOUNS,
    Ground,
    Interval,
    Said,
    count,
    day,
    estimate_in_words,
    grounds,
    interval,
    voices_in_words,
)
from pipelines.arithmetic import period as period_in_words
from pipelines.bounds import read_evidence
from pipelines.proofs import Proof, Proofs

SQL = Path(__file__).parent / "sql"

_CHANNELS = {
    "published": "published by the agency",
    "on_request": "given on request",
    "compelled": "given because it was compelled",
    "vendor": "said by the vendor",
    "third_party": "counted by a third party",
    "leaked": "leaked",
    "denial": "the agency's denial",
}
_STANCES = {
    "confirmed": "it confirmed use",
    "denied": "it denied use",
    "declined": "it declined to say",
    "no_response": "it had not answered",
    "disputed": "it disputed what others reported",
    "suspended": "it said that use was suspended",
    "banned": "use was forbidden",
}
_RATES = {"day": "a day", "week": "a week", "month": "a month", "year": "a year"}


class UnknownFigureError(Exception):
    """There is no such series, or the period cannot be read; the text says what is near."""


@dataclass(frozen=True)
class Source:
    """A piece of evidence as a reader needs it: what was said, by whom, where and when.

    ``channel`` is that of the report, or `denial`; ``said`` is what it counts as.
    """

    said: Said
    wording: str
    channel: str
    publisher: str
    title: str
    url: str
    known_from: date

    def sentence(self) -> str:
        """Who said what about which days, and how it counts, with the document."""
        said = self.said
        over = period_in_words(said.first_day, said.last_day)
        if self.channel == "denial":
            claim = f"{self.publisher} reported a denial, which counts as none {over}"
        else:
            claim = f"{self.publisher} reported {self._number()} {over}"
        channel = _CHANNELS[self.channel]
        return f"{claim} (“{self.title}”, {day(self.known_from)}; {channel}; {said.evidence_id})"

    def _number(self) -> str:
        said = self.said
        if said.low == said.high and re.sub(r"[.,\s]", "", self.wording) == str(said.low):
            return count(said.low)
        return f"“{self.wording}”, which counts as {interval(said.low, said.high)},"


@dataclass(frozen=True)
class SetAside:
    """Evidence about the period that cannot be true together with evidence of more authority."""

    source: Source
    arithmetic: str


@dataclass(frozen=True)
class Statement:
    """What the agency said about the series without a number."""

    stance: str
    earliest: date | None
    latest: date
    summary: str

    def sentence(self) -> str:
        if self.earliest is None:
            when = f"By {day(self.latest)}"
        elif self.earliest == self.latest:
            when = f"On {day(self.latest)}"
        else:
            when = f"Between {day(self.earliest)} and {day(self.latest)}"
        return f"{when} {_STANCES[self.stance]}: {self.summary}"


@dataclass(frozen=True)
class Figure:
    """A figure and how it is known. ``known_from`` and ``known_until`` (None: still) are those of
    its row in `bounds`, both None where it has none; ``why_no_row`` says why. ``gaps`` are those
    of the period, one sentence each."""

    agency: str
    system: str
    metric: str
    first_day: date | None
    last_day: date
    known_on: date | None
    known_from: date | None
    known_until: date | None
    low: int
    high: int | None
    grounds: list[Ground]
    sources: dict[str, Source] = field(repr=False)
    agency_says: Interval
    others_say: Interval
    estimate: int | None
    obs_status: str
    why_no_row: str
    aside: list[SetAside] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        return bool(self.low) or self.high is not None

    @property
    def is_doubtful_zero(self) -> bool:
        """Whether it is a zero only by a denial that others' evidence puts in doubt."""
        return self.high == 0 and self.obs_status == "U"

    def headline(self) -> str:
        """The figure in one sentence."""
        about = f"{self.agency}, {self.system}, {period_in_words(self.first_day, self.last_day)}"
        when = f", as known on {day(self.known_on)}" if self.known_on else ""
        one, many = NOUNS[self.metric]
        if not self.says_something:
            return f"{about}: nothing says how many {many}{when}."
        if self.is_doubtful_zero:
            return f"{about}: no {many}, by a denial that other evidence puts in doubt{when}."
        noun = one if (self.low if self.high is None else self.high) == 1 else many
        return f"{about}: {interval(self.low, self.high)} {noun}{when}."

    @property
    def voices(self) -> str:
        """Whose evidence it is, in a sentence."""
        return voices_in_words(self.agency_says, self.others_say)

    @property
    def estimated(self) -> str:
        """The estimate in a sentence, or why there is none."""
        return estimate_in_words(self.low, self.high, self.estimate, self.obs_status)

    def paragraphs(self) -> list[str]:
        """The explanation as it is printed."""
        found = [" ".join(filter(None, [self.headline(), self.voices]))]
        if self.why_no_row:
            found.append(self.why_no_row)
        if self.says_something:
            found += [self._ground_in_words(ground) for ground in self.grounds]
        found.append(self.estimated)
        found += [
            f"Set aside: {aside.source.sentence()}. {aside.arithmetic}" for aside in self.aside
        ]
        if self.statements:
            said = " ".join(statement.sentence() for statement in self.statements)
            found.append(f"What the agency said. {said}")
        if self.gaps:
            found.append(f"What is not disclosed. {' '.join(self.gaps)}")
        if self.known_from:
            until = f" until {day(self.known_until)}" if self.known_until else ""
            found.append(f"This is what the public knew from {day(self.known_from)}{until}.")
        return [*filter(None, found)]

    def _ground_in_words(self, ground: Ground) -> str:
        given = "; ".join(self.sources[said.evidence_id].sentence() for said in ground.path)
        return " ".join([f"{ground.words}.", *filter(None, [given and f"{given}."]), *ground.sums])


def explain_figure(
    home: Path, agency: str, system: str, metric: str, period: str, known_on: date | None
) -> str:
    """The explanation of a figure of the release in ``home``, as paragraphs.

    ``period`` is any SDMX period (2019, 2019-Q4, 2019-12, 2019-S1, 2019-W05, 2019-12-01,
    2019-12-01/P3M) or an interval of days (2019-12-01/2020-02-28, ../2020-02-28). ``known_on``
    None: all that the release knows. Raises UnknownFigureError.
    """
    return "\n\n".join(figure(home, agency, system, metric, period, known_on).paragraphs())


def figure(
    home: Path, agency: str, system: str, metric: str, period: str, known_on: date | None
) -> Figure:
    """As :func:`explain_figure`, for a page to lay out."""
    return Explanations(home).figure(agency, system, metric, period, known_on)


class Explanations:
    """Figures of one release, for who asks many: a series is read once for figures in a row."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._con = duckdb.connect(":memory:")
        self._series: tuple[str, str, str] | None = None

    def figure(
        self, agency: str, system: str, metric: str, period: str, known_on: date | None
    ) -> Figure:
        """As :func:`figure`."""
        try:
            first, last = read_period(period)
        except ValueError as error:
            raise UnknownFigureError(str(error)) from None
        series = (agency, system, metric)
        if series != self._series:
            self._series = None
            _find_series(self._con, self._home, *series)
            _read_series(self._con, self._home, *series)
            self._sources = _sources(self._con)
            self._proofs = Proofs(read_evidence(self._con), [series])
            self._series = series
        return _explain(self._con, self._sources, self._proofs, series, first, last, known_on)


# --- periods ---------------------------------------------------------------------------------


def read_period(text: str) -> tuple[date | None, date]:
    """First and last day of a period in any form that SDMX gives it, or of an interval of days
    with an open start `..`. ValueError says what can be written."""
    message = (
        f"{text!r} is not a period; write 2019, 2019-Q4, 2019-12, an interval such as "
        "2019-12-01/2020-02-28, or ../2020-02-28"
    )
    try:
        if match := re.fullmatch(r"(\d{4})-([SQT])(\d)", text):
            return _part_of_year(int(match[1]), {"S": 6, "T": 4, "Q": 3}[match[2]], int(match[3]))
        if match := re.fullmatch(r"(\d{4})-W(\d\d?)", text):
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return monday, monday + timedelta(6)
        if match := re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:T00:00:00)?/P(\d{1,4})([DWMY])", text):
            return _from_day(date.fromisoformat(match[1]), int(match[2]), match[3])
        if text.startswith("../"):
            return None, periods.span(text[3:])[1]
        return periods.interval_span(text)
    except (ValueError, OverflowError):
        raise ValueError(message) from None


def _part_of_year(year: int, months: int, number: int) -> tuple[date, date]:
    if not 1 <= number <= 12 // months:
        raise ValueError
    return _from_day(date(year, (number - 1) * months + 1, 1), months, "M")


def _from_day(first: date, number: int, unit: str) -> tuple[date, date]:
    if number == 0:
        raise ValueError
    if unit in "DW":
        return first, first + timedelta(number * (7 if unit == "W" else 1) - 1)
    months = first.year * 12 + first.month - 1 + number * (12 if unit == "Y" else 1)
    return first, date(months // 12, months % 12 + 1, first.day) - timedelta(1)


# --- the series ------------------------------------------------------------------------------


def _find_series(
    con: duckdb.DuckDBPyConnection, home: Path, agency: str, system: str, metric: str
) -> None:
    """Raise UnknownFigureError, with what is near, unless the release has that series."""
    source = str(home / "series.parquet")
    every = "select distinct {} from read_parquet($source) where {} order by 1"

    def known(column: str, where: str, **parameters: str) -> list[str]:
        rows = con.execute(every.format(column, where), {"source": source, **parameters})
        return [row[0] for row in rows.fetchall()]

    agencies = known("agency_id", "true")
    if agency not in agencies:
        raise UnknownFigureError(f"No series of an agency {agency!r}{_near(agency, agencies)}")
    systems = known("system_id", "agency_id = $agency", agency=agency)
    if system not in systems:
        raise UnknownFigureError(
            f"{agency} has no series on a system {system!r}; it has {', '.join(systems)}."
        )
    metrics = known(
        "metric", "agency_id = $agency and system_id = $system", agency=agency, system=system
    )
    if metric not in metrics:
        raise UnknownFigureError(
            f"{agency} has no series of {metric!r} on {system}; it has {', '.join(metrics)}."
        )


def _near(name: str, known: Sequence[str]) -> str:
    """Up to five known names that hold the name or look like it."""
    within = [k for k in known if name and name in k]
    alike = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    found = list(dict.fromkeys([*within, *alike]))[:5]
    return f"; did you mean {', '.join(found)}?" if found else "."


def _read_series(
    con: duckdb.DuckDBPyConnection, home: Path, agency: str, system: str, metric: str
) -> None:
    """Make the tables that one series' evidence is read from, under the names of the pipeline."""
    wanted = {"agency": agency, "system": system, "metric": metric}
    of_series = "agency_id = $agency and system_id = $system and metric = $metric"
    for table, where in (
        ("reports", of_series),
        ("bounds", of_series),
        ("conflicts", of_series),
        ("statements", "agency_id = $agency and coalesce(system_id, $system) = $system"),
        ("agencies", "agency_id = $agency"),
        ("systems", "system_id = $system"),
    ):
        named = {k: v for k, v in wanted.items() if f"${k}" in where}
        con.execute(
            f"create or replace table {table} as from read_parquet($path) where {where}",
            {"path": str(home / f"{table}.parquet"), **named},
        )
    con.execute(
        """
        create or replace table gap_history as
        from read_parquet($history)
        semi join (
          from read_parquet($gaps)
          where kind <> 'late'
            and agency_id = $agency and system_id = $system and metric = $metric
        ) using (gap_id)
        """,
        {
            "history": str(home / "gap_history.parquet"),
            "gaps": str(home / "gaps.parquet"),
            **wanted,
        },
    )
    con.execute(
        """
        create or replace table sources as from read_parquet($path)
        where source_id in (select source_id from reports union select source_id from statements)
        """,
        {"path": str(home / "sources.parquet")},
    )
    for name in ("numbered_series", "denials", "evidence", "refusals"):
        con.execute(f"create or replace table {name} as {(SQL / f'{name}.sql').read_text()}")


def _sources(con: duckdb.DuckDBPyConnection) -> dict[str, Source]:
    """The evidence of the series by id."""
    rows = con.execute(
        """
        select
          evidence_id, evidence.low, evidence.high, evidence.first_day, evidence.last_day,
          coalesce(reports.wording, statements.summary), reports.per, evidence.channel,
          publisher, title, url, evidence.known_from
        from evidence
        left join reports on evidence_id = report_id and is_report
        left join statements on evidence_id = statement_id and not is_report
        join sources on sources.source_id = coalesce(reports.source_id, statements.source_id)
        """
    ).fetchall()
    return {
        row[0]: Source(
            said=Said(*row[:5]),
            wording=f"{row[5]} {_RATES[row[6]]}" if row[6] else row[5],
            channel=row[7],
            publisher=row[8],
            title=row[9],
            url=row[10],
            known_from=row[11],
        )
        for row in rows
    }


# --- the figure ------------------------------------------------------------------------------


def _explain(
    con: duckdb.DuckDBPyConnection,
    sources: dict[str, Source],
    proofs: Proofs,
    series: tuple[str, str, str],
    first: date | None,
    last: date,
    known_on: date | None,
) -> Figure:
    day_known = known_on or date.max
    rows = con.execute(
        """
        select low, high, agency_low, agency_high, others_low, others_high, estimate, obs_status,
          known_from, known_until, low_report_ids, high_report_ids
        from bounds
        where period_start is not distinct from $first and period_end = $last
          and known_from <= $day and coalesce(known_until, date '9999-12-31') > $day
        order by frequency
        limit 1
        """,
        {"first": first, "last": last, "day": min(day_known, date(9999, 12, 30))},
    ).fetchall()
    row = rows[0] if rows else None
    why = ""
    if row is None:
        proof = proofs.prove(series, "all", first, last, day_known)
        why = _why_no_row(con, proof, day_known)
        voices = [
            proofs.prove(series, voice, first, last, day_known) for voice in ("agency", "others")
        ]
        told = [(None, None) if v.low == 0 and v.high is None else (v.low, v.high) for v in voices]
        row = (proof.low, proof.high, *told[0], *told[1], None, "", None, None, [], [])
        low_path, high_path = proof.low_path, proof.high_path
    else:
        low_path, high_path = ([sources[i].said for i in ids] for ids in row[10:12])
    return Figure(
        agency=_name(con, "agencies"),
        system=_name(con, "systems"),
        metric=series[2],
        first_day=first,
        last_day=last,
        known_on=known_on,
        known_from=row[8],
        known_until=row[9],
        low=row[0],
        high=row[1],
        grounds=grounds(row[0], row[1], low_path, high_path, first, last),
        sources=sources,
        agency_says=(row[2], row[3]),
        others_say=(row[4], row[5]),
        estimate=row[6],
        obs_status=row[7],
        why_no_row=why,
        aside=_set_aside(con, sources, first, last, day_known),
        statements=_statements(con, day_known),
        gaps=_gaps(con, first, last, day_known),
    )


def _name(con: duckdb.DuckDBPyConnection, table: str) -> str:
    rows = con.execute(f"select name from {table}").fetchall()
    return str(rows[0][0])


def _why_no_row(con: duckdb.DuckDBPyConnection, proof: Proof, known_on: date) -> str:
    """Why the release publishes no figure for a period on that day."""
    learned = con.execute("select min(known_from) from reports").fetchall()[0][0]
    if known_on < learned:
        return f"The public learned the first number of this series on {day(learned)}."
    if proof.low == 0 and proof.high is None:
        return "No report that is admitted bounds the number in this period."
    return (
        "The release has no figure of its own for this period, which is neither a year, quarter or "
        "month that the reports touch nor one of their merged periods; this follows from the same "
        "evidence."
    )


def _set_aside(
    con: duckdb.DuckDBPyConnection,
    sources: dict[str, Source],
    first: date | None,
    last: date,
    known_on: date,
) -> list[SetAside]:
    rows = con.execute(
        """
        select set_aside_id, arithmetic
        from conflicts
        where voice = 'all' and known_from <= $day
          and coalesce(known_until, date '9999-12-31') > $day
        order by conflict_id
        """,
        {"day": min(known_on, date(9999, 12, 30))},
    ).fetchall()
    return [
        SetAside(sources[i], arithmetic)
        for i, arithmetic in rows
        if (sources[i].said.first_day or date.min) <= last
        and sources[i].said.last_day >= (first or date.min)
    ]


def _statements(con: duckdb.DuckDBPyConnection, known_on: date) -> list[Statement]:
    """What the agency had said about the system by a day."""
    rows = con.execute(
        """
        select stance, said_earliest, said_latest, summary
        from statements
        where known_from <= ?
        order by coalesce(said_earliest, said_latest), said_latest, statement_id
        """,
        [known_on],
    ).fetchall()
    return [Statement(*row) for row in rows]


def _gaps(
    con: duckdb.DuckDBPyConnection, first: date | None, last: date, known_on: date
) -> list[str]:
    """The gaps of just these days that stood on a day; what came late is no longer missing."""
    rows = con.execute(
        """
        select sentence
        from gap_history
        where period_start is not distinct from $first and period_end = $last
          and known_from <= $day and coalesce(known_until, date '9999-12-31') > $day
        order by gap_id
        """,
        {"first": first, "last": last, "day": min(known_on, date(9999, 12, 30))},
    ).fetchall()
    return [sentence for (sentence,) in rows]
