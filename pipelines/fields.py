"""Every table and field of Facetally, defined once.

The ledger's checks, the Parquet schemas, ``datapackage.json`` and the documentation all derive
from the tables below. A field that is not here does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Type = Literal["text", "slug", "date", "partial_date", "integer", "number", "slugs", "url"]

CHANNELS = {
    "published": "The agency published the number unasked.",
    "on_request": "Given on request: a records request, the press, a parliamentary question.",
    "compelled": "Given because an audit, a court or a statute compelled it.",
    "vendor": "Said by the company that sells the system.",
    "third_party": "Counted or said by somebody else, such as a researcher or a journalist.",
    "leaked": "Made public from records that were not meant to be public.",
}
MODES = {
    "retrospective": "A stored photograph is compared afterwards.",
    "live": "Faces passing a camera are compared at once with a watchlist.",
    "operator_initiated": "An officer takes a photograph of a person and has it compared.",
    "unspecified": "The source does not say.",
}
METRICS = {
    "searches": "Searches run: one probe image compared with a gallery.",
    "requests": "Requests, inquiries or cases handed to a face-recognition unit or gateway.",
    "deployments": "Live operations carried out.",
    "faces_scanned": "Faces read by live cameras.",
    "alerts": "Alerts raised by a live system.",
    "false_alerts": "Alerts found to be wrong.",
    "possible_matches": "Candidate matches returned, not confirmed.",
    "identifications": "Matches confirmed as the person.",
    "arrests": "Arrests made with the help of the system.",
}
STANCES = {
    "confirmed": "Said that it uses or used the system.",
    "denied": "Said that it does not or did not use the system.",
    "declined": "Refused to say.",
    "no_response": "Was asked and gave no answer.",
    "disputed": "Disputed what others reported.",
    "suspended": "Said that use was suspended.",
    "banned": "Use was forbidden.",
}
CADENCES = {
    "weekly": "Every week.",
    "monthly": "Every month.",
    "quarterly": "Every quarter.",
    "annual": "Every year.",
    "once": "Once.",
}
RATES = {
    "day": "A number a day.",
    "week": "A number a week.",
    "month": "A number a month.",
    "year": "A number a year.",
}
LEVELS = {
    "international": "A body of several countries.",
    "national": "A body of one country.",
    "state": "A body of a state, province or Land.",
    "local": "A city, county or regional body.",
    "group": "Several agencies counted together.",
}
SOURCE_KINDS = {
    "press": "A news report.",
    "foi_release": "Records released on request.",
    "legislature": "A parliament's or council's document.",
    "ngo_report": "A report by a non-governmental organisation.",
    "agency_statement": "A page or statement of the agency.",
    "academic": "Scholarly work.",
    "court": "A court document.",
    "audit": "An auditor's or regulator's document.",
    "leak_report": "A report on leaked records.",
    "official_statistics": "A statistical publication by a public body.",
    "vendor_statement": "A statement of the vendor.",
}
FREQUENCIES = {
    "A": "A calendar year, 2019.",
    "Q": "A calendar quarter, 2019-Q4.",
    "M": "A calendar month, 2019-12.",
    "R": "An evidence window: overlapping or adjacent reported periods, merged.",
}
OBS_STATUS = {
    "A": "Normal: the evidence gives one exact number.",
    "E": "Estimated: the estimate spreads the evidence evenly over its days.",
    "U": "Contested: the agency's own number and others' evidence cannot both be true.",
    "Q": "Withheld: others' evidence shows use, the agency refused or did not answer.",
    "L": "Used but not counted: evidence shows use, no complete count is public.",
    "O": "Missing: a duty to publish fell due and no number came.",
    "M": "Not in use: the agency says that it did not use the system.",
    "K": "Counted only within the total of a group.",
}
GAP_KINDS = {
    "contradicted": "The agency's own upper bound lies below the others' lower bound.",
    "denied": "Others' evidence shows searches in a window for which the agency denied use.",
    "silent": "Others' evidence shows searches; the agency gave no number and did not deny.",
    "overdue": "A duty's due date has passed and no report of the agency covers the period.",
    "late": "The number came after its due date, or over a year after the period where none.",
    "vague": "Disclosed only as a range or in words.",
    "unaccounted": "A group's total exceeds what its members' evidence accounts for.",
}
REGISTERS = {
    "us-ori": "US law-enforcement bodies by ORI, the identifier that the FBI assigns.",
    "gb-ons": "Territorial police forces of Great Britain by code of the statistical office.",
}
WEAKNESSES = {
    "no_locator": "A report that does not say where in the document its number stands.",
    "undated_source": "A document without a date, counted as published on the day it was read.",
    "single_source": "A series that rests on one document alone.",
    "statements_only": "An agency that spoke, or was asked, but has no count.",
    "named_only": "An agency with neither count nor statement: only named by another row.",
}
DUTY_STATUS = {
    "met": "Reports cover every day of the period, and nothing shows that they came late.",
    "late": "Reports cover every day of the period; the last of them came after the due date.",
    "partly": "Reports cover some days of the period; it is not counted as overdue.",
    "overdue": "The due date has passed and no report covers a day of the period.",
    "pending": "The due date has not passed.",
    "undated": "The rule states no due date, and no report covers the period.",
    "cut": "The duty was in force for a part of the period only, or no longer on the due date.",
    "unproven": "Nothing in the ledger shows that the duty applied to the agency in the period.",
}
VOICES = {
    "agency": "What the agency made public itself, and its denials.",
    "others": "What somebody else made public, or compelled.",
    "all": "Both together.",
}


@dataclass(frozen=True)
class Field:
    """One column.

    ``unit`` is plain text ("searches", "days"). ``values`` closes the vocabulary. ``refers``
    names the table whose key this is. ``required`` means never blank.
    """

    name: str
    type: Type
    description: str
    required: bool = False
    unit: str = ""
    values: tuple[str, ...] = ()
    refers: str = ""


@dataclass(frozen=True)
class Table:
    """One table: its fields in order and its primary key."""

    name: str
    description: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def columns(self) -> list[str]:
        return [f.name for f in self.fields]

    def field(self, name: str) -> Field:
        """The field of that name; KeyError where there is none."""
        for f in self.fields:
            if f.name == name:
                return f
        raise KeyError(f"{self.name} has no field {name}")


def _series_fields() -> tuple[Field, ...]:
    return (
        Field("agency_id", "slug", "The agency that searched.", True, refers="agencies"),
        Field("system_id", "slug", "The system it searched with.", True, refers="systems"),
        Field("metric", "text", "What is counted.", True, values=tuple(METRICS)),
    )


_NOTE = Field("note", "text", "What a reader needs to know about the row.")
_SOURCE = Field("source_id", "slug", "The document that says so.", True, refers="sources")

SOURCES = Table(
    "sources",
    "Documents: who published what, when and where.",
    ("source_id",),
    (
        Field("source_id", "slug", "Stable identifier.", True),
        Field("publisher", "text", "Who published it.", True),
        Field("title", "text", "Its title, or a description where it has none.", True),
        Field(
            "published_on",
            "partial_date",
            "Day, month or year of publication; a partial date counts as its last day.",
            True,
        ),
        Field("url", "url", "Where it can be read."),
        Field("kind", "text", "What sort of document it is.", True, values=tuple(SOURCE_KINDS)),
        Field("language", "text", "Language of the document, ISO 639-1."),
        _NOTE,
    ),
)
AGENCIES = Table(
    "agencies",
    "Police and other agencies, groups of agencies, and bodies that speak about them.",
    ("agency_id",),
    (
        Field("agency_id", "slug", "Stable identifier.", True),
        Field("name", "text", "The agency's name.", True),
        Field("country", "text", "ISO 3166-1 alpha-2; ZZ for international bodies.", True),
        Field("region", "text", "State, province or nation within the country."),
        Field("level", "text", "What it is a body of.", True, values=tuple(LEVELS)),
        Field("member_of", "slugs", "Groups that it belongs to.", refers="agencies"),
        Field("population", "integer", "Residents of its area; year in the note.", unit="people"),
        _NOTE,
    ),
)
SYSTEMS = Table(
    "systems",
    "Face-recognition systems.",
    ("system_id",),
    (
        Field("system_id", "slug", "Stable identifier.", True),
        Field("name", "text", "The system's name.", True),
        Field("vendor", "text", "The company that supplies it."),
        Field("first_used_on", "partial_date", "First known use."),
        _NOTE,
    ),
)
REPORTS = Table(
    "reports",
    "Stated quantities: how many, of what, by whom, when, says who.",
    ("report_id",),
    (
        Field("report_id", "slug", "Stable identifier.", True),
        Field("agency_id", "slug", "The agency that searched.", True, refers="agencies"),
        Field("system_id", "slug", "The system it searched with.", True, refers="systems"),
        Field("mode", "text", "How the system is used.", True, values=tuple(MODES)),
        Field("metric", "text", "What is counted.", True, values=tuple(METRICS)),
        Field(
            "period_start",
            "text",
            "First day, YYYY-MM-DD; `begin` for a running total; blank with an end: since the "
            "series began; blank without an end: no period stated.",
        ),
        Field(
            "period_end",
            "date",
            "Last day, inclusive; blank means up to the publication date.",
        ),
        Field("wording", "text", "The quantity words of the source.", True),
        Field("per", "text", "Blank, or the unit of a stated rate.", values=tuple(RATES)),
        Field("low", "text", "Curator's override of the lower bound; blank: from the wording."),
        Field(
            "high",
            "text",
            "Curator's override of the upper bound; `none` where there is none; blank: from the "
            "wording.",
        ),
        Field("channel", "text", "How it became public.", True, values=tuple(CHANNELS)),
        Field(
            "disclosed_by",
            "slug",
            "Another body that made the number public; blank: the agency itself.",
            refers="agencies",
        ),
        _SOURCE,
        Field("locator", "text", "Where in the document."),
        Field("replaces", "slug", "The report that this one corrects.", refers="reports"),
        _NOTE,
    ),
)
STATEMENTS = Table(
    "statements",
    "What agencies said without a number.",
    ("statement_id",),
    (
        Field("statement_id", "slug", "Stable identifier.", True),
        Field("agency_id", "slug", "Who said it.", True, refers="agencies"),
        Field("system_id", "slug", "About which system; blank: any.", refers="systems"),
        Field(
            "said_on", "text", "Day, month, year or interval A/B of days; blank where not stated."
        ),
        Field("stance", "text", "What it amounts to.", True, values=tuple(STANCES)),
        Field("summary", "text", "What was said, in our words.", True),
        _SOURCE,
    ),
)
DUTIES = Table(
    "duties",
    "Laws, ordinances and policies that oblige an agency to publish counts.",
    ("duty_id",),
    (
        Field("duty_id", "slug", "Stable identifier.", True),
        Field("agency_id", "slug", "The agency or group obliged.", True, refers="agencies"),
        Field("instrument", "text", "The law, ordinance or policy.", True),
        Field("requires", "text", "What it asks for.", True),
        Field("metric", "text", "The count it asks for.", values=tuple(METRICS)),
        Field("cadence", "text", "How often; blank: context only.", values=tuple(CADENCES)),
        Field("effective_from", "partial_date", "First day in force."),
        Field("effective_until", "partial_date", "Last day in force."),
        Field("due_days", "integer", "Days after the period's end.", unit="days"),
        _SOURCE,
        _NOTE,
    ),
)
CORRECTIONS = Table(
    "corrections",
    "Errors of the ledger itself that were published and put right.",
    ("correction_id",),
    (
        Field("correction_id", "slug", "Stable identifier.", True),
        Field(
            "table_name",
            "text",
            "The table of the row that was wrong.",
            True,
            values=("sources", "agencies", "systems", "reports", "statements", "duties"),
        ),
        Field("row_id", "slug", "The row that was wrong.", True),
        Field("column_name", "text", "The column that was wrong; blank: the whole row, removed."),
        Field("was", "text", "What stood there; blank: nothing."),
        Field("now", "text", "What stands there now; blank: nothing."),
        Field(
            "wrong_since",
            "text",
            "Version of the first release with the error, or its day; blank: not known.",
        ),
        Field("corrected_on", "date", "The day it was put right.", True),
        Field("why", "text", "What was wrong and how it was found.", True),
        Field("told", "text", "Who pointed it out and who was told, by role, never by name."),
    ),
)
LEDGER = (SOURCES, AGENCIES, SYSTEMS, REPORTS, STATEMENTS, DUTIES)
LEDGER_FILES = (*LEDGER, CORRECTIONS)
OPTIONAL_FILES = ("corrections",)
"""Files of the ledger that may be missing: nothing to tell."""


_KNOWN = (
    Field("known_from", "date", "The day from which this is what the public knew.", True),
    Field("known_until", "date", "The day on which that changed; blank: it still stands."),
)

# The ledger's reports as released: the two overrides give way to the numbers that count.
RELEASED_REPORTS = Table(
    "reports",
    "Stated quantities with the bounds that they imply.",
    REPORTS.key,
    (
        *(f for f in REPORTS.fields if f.name not in {"low", "high", "note"}),
        Field("low", "integer", "At least so many over the whole period.", True, unit="metric"),
        Field("high", "integer", "At most so many; blank: no upper bound.", unit="metric"),
        Field("voice", "text", "Whose evidence it is.", True, values=("agency", "others")),
        Field("first_day", "date", "First day counted; blank: since the series began."),
        Field("last_day", "date", "Last day counted, inclusive.", True),
        *_KNOWN,
        _NOTE,
    ),
)
RELEASED_STATEMENTS = Table(
    "statements",
    STATEMENTS.description,
    STATEMENTS.key,
    (
        *STATEMENTS.fields,
        Field("said_earliest", "date", "Earliest day on which it can have been said."),
        Field("said_latest", "date", "Latest day on which it can have been said.", True),
        _KNOWN[0],
    ),
)
SERIES = Table(
    "series",
    "One row for each agency, system and metric with at least one report.",
    ("agency_id", "system_id", "metric"),
    (
        *_series_fields(),
        Field("reports", "integer", "Reports, set aside ones included.", True, unit="reports"),
        Field("sources", "integer", "Distinct documents.", True, unit="sources"),
        Field("first_day", "date", "First dated day of the evidence.", True),
        Field("last_day", "date", "Last day of the evidence.", True),
        Field("known_from", "date", "The day on which the first report was public.", True),
        Field("channels", "slugs", "Channels through which its reports came.", True),
        Field("modes", "slugs", "Modes of use that its reports name.", True),
        Field("evidence_sha256", "text", "Fingerprint of all its evidence.", True),
    ),
)
BOUNDS = Table(
    "bounds",
    "The tightest interval that the evidence implies, by series, period and day of knowledge.",
    ("agency_id", "system_id", "metric", "frequency", "period", "known_from"),
    (
        *_series_fields(),
        Field(
            "frequency", "text", "SDMX frequency of the period.", True, values=("A", "Q", "M", "R")
        ),
        Field(
            "period",
            "text",
            "SDMX period, or an ISO 8601 interval for an evidence window (../END: since the "
            "series began).",
            True,
        ),
        Field("period_start", "date", "First day; blank: since the series began."),
        Field("period_end", "date", "Last day, inclusive.", True),
        *_KNOWN,
        Field("low", "integer", "At least so many, on all evidence.", True, unit="metric"),
        Field("high", "integer", "At most so many; blank: no upper bound.", unit="metric"),
        Field("agency_low", "integer", "At least, on the agency's voice alone.", unit="metric"),
        Field("agency_high", "integer", "At most, on the agency's voice alone.", unit="metric"),
        Field("others_low", "integer", "At least, on the others' voice alone.", unit="metric"),
        Field("others_high", "integer", "At most, on the others' voice alone.", unit="metric"),
        Field("estimate", "integer", "Evidence spread evenly over its days.", unit="metric"),
        Field(
            "obs_status",
            "text",
            "SDMX observation status.",
            True,
            values=("A", "E", "U", "Q", "L"),
        ),
        Field("low_report_ids", "slugs", "Reports that prove the lower bound.", True),
        Field("high_report_ids", "slugs", "Reports that prove the upper bound.", True),
    ),
)
_GAP_SIZE = (
    Field("period_start", "date", "First day; blank: since the series began."),
    Field("period_end", "date", "Last day, inclusive.", True),
    Field("low", "integer", "At least so many undisclosed or unexplained.", unit="metric"),
    Field("high", "integer", "At most so many; blank: unknown.", unit="metric"),
    Field(
        "days",
        "integer",
        "Days overdue (at the end of the row's time or of the release) or days late.",
        unit="days",
    ),
    Field(
        "share",
        "number",
        "The largest share of a group's total that the evidence on its members can account for.",
    ),
)
_GAP_EVIDENCE = (
    Field("report_ids", "slugs", "Reports that show it.", True, refers="reports"),
    Field("statement_ids", "slugs", "Statements that show it.", True, refers="statements"),
    Field("duty_id", "slug", "The duty that was not met.", refers="duties"),
)
_SENTENCE = Field("sentence", "text", "The gap in one sentence, made from the data.", True)
GAPS = Table(
    "gaps",
    "Measured shortfalls of disclosure, at their latest extent.",
    ("gap_id",),
    (
        Field("gap_id", "slug", "Stable identifier.", True),
        Field("agency_id", "slug", "The agency.", True, refers="agencies"),
        Field("system_id", "slug", "The system; blank: any.", refers="systems"),
        Field("metric", "text", "What is counted.", values=tuple(METRICS)),
        Field("kind", "text", "What sort of gap.", True, values=tuple(GAP_KINDS)),
        *_GAP_SIZE,
        Field("opened_on", "date", "The day on which it first stood.", True),
        Field("closed_on", "date", "The day on which it no longer stood; blank: open."),
        Field(
            "followed_by",
            "slug",
            "The gap that took its place that day, if one did.",
            refers="gaps",
        ),
        *_GAP_EVIDENCE,
        _SENTENCE,
        Field("request", "text", "A records request that would close it; blank: it is closed."),
    ),
)
GAP_HISTORY = Table(
    "gap_history",
    "Each gap as it stood between two days of knowledge.",
    ("gap_id", "known_from"),
    (
        Field("gap_id", "slug", "The gap.", True, refers="gaps"),
        *_KNOWN,
        *_GAP_SIZE,
        *_GAP_EVIDENCE[:2],
        _SENTENCE,
    ),
)
GAP_TREND = Table(
    "gap_trend",
    "Gaps by kind, country and month. A missed duty can be overdue first and late afterwards: "
    "do not add up kinds.",
    ("kind", "country", "month"),
    (
        Field("kind", "text", "What sort of gap.", True, values=tuple(GAP_KINDS)),
        Field("country", "text", "ISO 3166-1 alpha-2; ZZ for international bodies.", True),
        Field("month", "text", "SDMX month, 2020-02.", True),
        Field("open", "integer", "Open at the month's end.", True, unit="gaps"),
        Field("opened", "integer", "Opened in the month.", True, unit="gaps"),
        Field("closed", "integer", "Closed in the month.", True, unit="gaps"),
        Field(
            "replaced",
            "integer",
            "Of those closed, how many another gap took the place of.",
            True,
            unit="gaps",
        ),
    ),
)
DUTY_PERIODS = Table(
    "duty_periods",
    "What duties asked for, period by period, and whether it came.",
    ("duty_id", "agency_id", "period"),
    (
        Field("duty_id", "slug", "The duty.", True, refers="duties"),
        Field("agency_id", "slug", "The agency obliged.", True, refers="agencies"),
        Field(
            "period",
            "text",
            "SDMX year, quarter, month or ISO week (2019-W40); the first day for a single report.",
            True,
        ),
        Field("period_start", "date", "First day of the period in force.", True),
        Field("period_end", "date", "Last day of the period in force.", True),
        Field("due_on", "date", "Last day in time; blank: the rule states none."),
        Field("met_on", "date", "The day on which reports covered the whole period."),
        Field("met_by", "slug", "The report that completed it.", refers="reports"),
        Field("days_late", "integer", "Days from the due date, at least.", unit="days"),
        Field("status", "text", "How it stands.", True, values=tuple(DUTY_STATUS)),
    ),
)
AGENCY_DISCLOSURE = Table(
    "agency_disclosure",
    "How openly an agency's numbers of a year became public. What cannot be known is blank with "
    "its reason.",
    ("agency_id", "year"),
    (
        Field("agency_id", "slug", "The agency.", True, refers="agencies"),
        Field("year", "integer", "Calendar year that the numbers are about.", True),
        Field(
            "obs_status",
            "text",
            "The year's observation status over all series of the agency.",
            True,
            values=tuple(OBS_STATUS),
        ),
        Field("known_low", "integer", "Searches known, at least.", unit="searches"),
        Field("known_high", "integer", "Searches known, at most.", unit="searches"),
        Field("share_low", "number", "Share of them that the agency made public, at least."),
        Field("share_high", "number", "Share of them that the agency made public, at most."),
        Field("share_reason", "text", "Why the share is blank."),
        *(
            Field(channel, "integer", f"Reports about the year. {words}", True, unit="reports")
            for channel, words in CHANNELS.items()
        ),
        Field(
            "days_to_disclosure",
            "number",
            "Median days from the end of a dated period to the day on which it became public.",
            unit="days",
        ),
        Field("days_reason", "text", "Why the days are blank."),
        Field("duties_due", "integer", "Duty periods whose due date passed.", unit="periods"),
        Field("duties_met", "integer", "Of those, met in time.", unit="periods"),
        Field("duties_reason", "text", "Why the duties are blank."),
    ),
)
CONFLICTS = Table(
    "conflicts",
    "Reports that cannot be true together with evidence of higher authority.",
    ("conflict_id",),
    (
        Field("conflict_id", "slug", "Stable identifier.", True),
        *_series_fields(),
        Field("voice", "text", "The voice in which it was set aside.", True, values=tuple(VOICES)),
        Field("set_aside_id", "slug", "The report or statement that was set aside.", True),
        *_KNOWN,
        Field("cycle_ids", "slugs", "The reports that cannot all be true, in order.", True),
        Field("arithmetic", "text", "Why, in words.", True),
    ),
)
REGISTER_LINKS = Table(
    "register_links",
    "Agencies linked to public registers of police bodies, where the names match beyond doubt.",
    ("register", "code"),
    (
        Field("register", "text", "The register.", True, values=tuple(REGISTERS)),
        Field("code", "text", "The body's code there.", True),
        Field("name", "text", "Its name there.", True),
        Field("agency_id", "slug", "The agency.", True, refers="agencies"),
        Field("population", "integer", "Residents of its area.", unit="people"),
        Field("population_year", "integer", "The year that the residents were counted."),
    ),
)
COVERAGE = Table(
    "coverage",
    "What is weak or missing in the ledger itself, one row for each place.",
    ("weakness", "table_name", "row_id"),
    (
        Field("weakness", "text", "What is weak.", True, values=tuple(WEAKNESSES)),
        Field("table_name", "text", "The table of the row.", True),
        Field("row_id", "text", "The row; for a series its three ids joined by `/`.", True),
        Field("agency_id", "slug", "The agency that it is about.", refers="agencies"),
        Field("country", "text", "Its country."),
    ),
)
COVERAGE_AGENCIES = Table(
    "coverage_agencies",
    "How much the ledger holds about each agency, and how recent it is.",
    ("agency_id",),
    (
        Field("agency_id", "slug", "The agency.", True, refers="agencies"),
        Field("country", "text", "Its country.", True),
        Field("reports", "integer", "Reports about it.", True, unit="reports"),
        Field("statements", "integer", "Statements by it.", True, unit="statements"),
        Field("duties", "integer", "Duties that oblige it.", True, unit="duties"),
        Field("sources", "integer", "Documents behind its rows.", True, unit="sources"),
        Field("last_update", "date", "Publication of its newest dated document."),
        Field("population", "integer", "Residents of its area.", unit="people"),
        Field("population_year", "integer", "The year that the residents were counted."),
    ),
)
COVERAGE_COUNTRIES = Table(
    "coverage_countries",
    "What the ledger holds about each country, and how many police bodies nothing is known about.",
    ("country",),
    (
        Field("country", "text", "ISO 3166-1 alpha-2; ZZ for international bodies.", True),
        Field("name", "text", "The country's name."),
        Field("agencies", "integer", "Agencies in the ledger.", True, unit="agencies"),
        Field("with_counts", "integer", "Of these with a count.", True, unit="agencies"),
        Field(
            "statements_only",
            "integer",
            "Of these with statements but no count.",
            True,
            unit="agencies",
        ),
        Field("reports", "integer", "Reports.", True, unit="reports"),
        Field("sources", "integer", "Documents behind them.", True, unit="sources"),
        Field("last_update", "date", "Publication of the newest dated document."),
        Field(
            "register",
            "text",
            "The register of police bodies; blank: none is at hand.",
            values=tuple(REGISTERS),
        ),
        Field("registered", "integer", "Bodies in the register.", unit="agencies"),
        Field(
            "registered_known",
            "integer",
            "Bodies of the register with a count or a statement.",
            unit="agencies",
        ),
        Field(
            "registered_unknown",
            "integer",
            "Bodies of the register about which nothing is known.",
            unit="agencies",
        ),
        Field(
            "registered_population",
            "integer",
            "Residents of all areas of the register.",
            unit="people",
        ),
        Field("known_population", "integer", "Residents of the known bodies.", unit="people"),
        Field("population_year", "integer", "The year that the residents were counted."),
    ),
)
RELEASE = (
    SOURCES,
    AGENCIES,
    SYSTEMS,
    RELEASED_REPORTS,
    RELEASED_STATEMENTS,
    DUTIES,
    SERIES,
    BOUNDS,
    GAPS,
    GAP_HISTORY,
    GAP_TREND,
    DUTY_PERIODS,
    AGENCY_DISCLOSURE,
    CONFLICTS,
    CORRECTIONS,
    REGISTER_LINKS,
    COVERAGE,
    COVERAGE_AGENCIES,
    COVERAGE_COUNTRIES,
)

_ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "slug": pa.string(),
    "partial_date": pa.string(),
    "url": pa.string(),
    "date": pa.date32(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "slugs": pa.list_(pa.string()),
}


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow (and so the Parquet) schema of a released table."""
    return pa.schema([pa.field(f.name, _ARROW[f.type]) for f in table.fields])


def released(name: str) -> Table:
    """The released table of that name; KeyError where there is none."""
    for table in RELEASE:
        if table.name == name:
            return table
    raise KeyError(f"the release has no table {name}")
