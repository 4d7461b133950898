"""What the reader asked to see, and how it is written in the address.

``?country=GB&system=clearview-ai&metric=searches&agency=met-police&known=2020-02-28``: each key at
most once, blank or absent means all, and ``known`` blank means now. The metric is always written,
because its default is a choice that may change and a shared link must not. ``gap=GAP_ID`` or
``duty=DUTY_ID.AGENCY_ID.YEAR`` opens the evidence of one gap, or of one cell of the duty calendar.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from dashboards.releases import Release
from pipelines.fields import METRICS

DEFAULT_METRIC = "searches"
ANY_METRIC = "all"
_KEYS = {"country", "system", "metric", "agency", "known", "gap", "duty"}


@dataclass(frozen=True)
class View:
    """One view. Blank strings mean all; ``known`` None means as known now.

    At most one of ``gap`` and ``duty`` is set: what is opened.
    """

    country: str = ""
    system: str = ""
    metric: str = DEFAULT_METRIC
    agency: str = ""
    known: date | None = None
    gap: str = ""
    duty: str = ""

    def unopened(self) -> View:
        """The same view with nothing opened."""
        return replace(self, gap="", duty="")

    def query(self) -> str:
        """The query string, without its question mark; the inverse of :func:`read`."""
        pairs = {
            "country": self.country,
            "system": self.system,
            "metric": self.metric or ANY_METRIC,
            "agency": self.agency,
            "known": self.known.isoformat() if self.known else "",
            "gap": self.gap,
            "duty": self.duty,
        }
        return urlencode({key: value for key, value in pairs.items() if value})


def read(query: str, release: Release) -> tuple[View, list[str]]:
    """The view that a query string asks for, and a sentence for each part that was not understood.

    What is not understood falls back to its default; nothing is ignored silently.
    """
    told: list[str] = []
    given: dict[str, str] = {}
    for key, value in parse_qsl(query.lstrip("?"), keep_blank_values=True, max_num_fields=50):
        if key not in _KEYS:
            told.append(f"“{_clip(key)}” is not a filter of the explorer.")
        elif given.get(key) not in (None, value):
            told.append(f"Only one {key} can be shown; “{_clip(value)}” was left out.")
        else:
            given[key] = value.strip()

    def one_of(key: str, known: set[str], where: str) -> str:
        value = given.get(key, "")
        if value in known or not value:
            return value
        told.append(f"No {key} “{_clip(value)}” is in {where}; all are shown.")
        return ""

    agencies = release.tables["agencies"]
    country = one_of("country", set(agencies["country"]), "this release")
    system = one_of("system", set(release.tables["systems"]["system_id"]), "this release")
    agency = one_of("agency", set(agencies["agency_id"]), "this release")
    metric = given.get("metric", DEFAULT_METRIC)
    if metric in {"", ANY_METRIC}:
        metric = ""
    elif metric not in METRICS:
        told.append(f"“{_clip(metric)}” is not a metric; {DEFAULT_METRIC} are shown.")
        metric = DEFAULT_METRIC
    day, problem = _known(given.get("known", ""), release)
    if problem:
        told.append(problem)
    gap, duty = given.get("gap", ""), given.get("duty", "")
    if gap and gap not in set(release.tables["gaps"]["gap_id"]):
        told.append(f"No gap “{_clip(gap)}” is in this release.")
        gap = ""
    if duty and duty not in _duty_years(release):
        told.append(f"No year of a duty “{_clip(duty)}” is in this release.")
        duty = ""
    if gap and duty:
        told.append("Only one gap or duty can be opened; the duty was left out.")
        duty = ""
    return View(country, system, metric, agency, day, gap, duty), told


def duty_year(duty_id: str, agency_id: str, period_end: date) -> str:
    """The key of a cell of the duty calendar: the periods of a duty that end in one year."""
    return f"{duty_id}.{agency_id}.{period_end.year}"


@lru_cache(maxsize=2)
def _duty_years(release: Release) -> frozenset[str]:
    periods = release.tables["duty_periods"].select("duty_id", "agency_id", "period_end")
    return frozenset(duty_year(*row) for row in periods.iter_rows())


def _known(text: str, release: Release) -> tuple[date | None, str]:
    if not text:
        return None, ""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return (
            None,
            f"“{_clip(text)}” is not a date (write 2020-02-28); today's knowledge is shown.",
        )
    if day > release.as_of:
        return None, f"Knowledge ends on {release.as_of.isoformat()}; that is what is shown."
    return (None if day == release.as_of else day), ""


def _clip(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
