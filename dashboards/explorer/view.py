"""What the reader asked to see, and how it is written in the address.

``?country=GB&system=clearview-ai&metric=searches&agency=met-police&known=2020-02-28``: each key at
most once, blank or absent means all, and ``known`` blank means now. The metric is always written,
because its default is a choice that may change and a shared link must not. ``gap=GAP_ID`` or
``duty=DUTY_ID.AGENCY_ID.YEAR`` opens the evidence of one gap, or of one cell of the duty calendar.

``compare=AGENCY.SYSTEM.METRIC,...`` sets up to six series side by side; a form may repeat the key,
and give a series by its name. ``show=estimate`` draws estimates over the intervals and
``per=100000`` counts for each 100,000 people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from dashboards import phrases
from dashboards.charts.side_by_side import MOST, PER
from dashboards.releases import Release
from pipelines.fields import METRICS

DEFAULT_METRIC = "searches"
ANY_METRIC = "all"
ESTIMATE = "estimate"
_KEYS = {"country", "system", "metric", "agency", "known", "gap", "duty", "show", "per"}
SeriesKey = tuple[str, str, str]


class SeriesProblem(str):
    """A sentence about a series that cannot be compared, told where series are chosen."""

    __slots__ = ()


@dataclass(frozen=True)
class View:
    """One view. Blank strings mean all; ``known`` None means as known now.

    At most one of ``gap`` and ``duty`` is set: what is opened. ``compare`` are the series set side
    by side, in the order chosen; ``estimates`` and ``rates`` say how counts are drawn.
    """

    country: str = ""
    system: str = ""
    metric: str = DEFAULT_METRIC
    agency: str = ""
    known: date | None = None
    gap: str = ""
    duty: str = ""
    compare: tuple[SeriesKey, ...] = ()
    estimates: bool = False
    rates: bool = False

    def unopened(self) -> View:
        """The same view with nothing opened."""
        return replace(self, gap="", duty="")

    def filters(self) -> View:
        """The filters and the day alone: nothing opened, compared or drawn otherwise."""
        return View(self.country, self.system, self.metric, self.agency, self.known)

    def with_series(self, key: SeriesKey) -> View:
        """The same view with a series more in the comparison; itself where it is there or full."""
        if key in self.compare or len(self.compare) >= MOST:
            return self
        return replace(self, compare=(*self.compare, key))

    def without_series(self, key: SeriesKey) -> View:
        """The same view with a series less in the comparison."""
        return replace(self, compare=tuple(other for other in self.compare if other != key))

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
            "compare": ",".join(".".join(key) for key in self.compare),
            "show": ESTIMATE if self.estimates else "",
            "per": str(PER) if self.rates else "",
        }
        return urlencode({key: value for key, value in pairs.items() if value}, safe=",")


def read(query: str, release: Release) -> tuple[View, list[str]]:
    """The view that a query string asks for, and a sentence for each part that was not understood.

    What is not understood falls back to its default; nothing is ignored silently.
    """
    told: list[str] = []
    given: dict[str, str] = {}
    wanted: list[str] = []
    for key, value in parse_qsl(query.lstrip("?"), keep_blank_values=True, max_num_fields=50):
        if key == "compare":
            wanted.append(value.strip())
        elif key not in _KEYS:
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
    compare, problems = _compared(wanted, release)
    told += problems
    show, per = given.get("show", ""), given.get("per", "")
    if show not in {"", "interval", ESTIMATE}:
        told.append(f"“{_clip(show)}” cannot be shown; intervals are.")
    if per not in {"", "1", str(PER)}:
        told.append(f"“{_clip(per)}” is not a rate (write 100000); counts are shown.")
    view = View(
        country,
        system,
        metric,
        agency,
        day,
        gap,
        duty,
        compare=compare,
        estimates=show == ESTIMATE,
        rates=per == str(PER),
    )
    return view, told


@lru_cache(maxsize=2)
def series_names(release: Release) -> dict[SeriesKey, str]:
    """Every series of the release by the name that a reader can choose it by, in order of names."""
    agencies = dict(release.tables["agencies"].select("agency_id", "name").iter_rows())
    systems = dict(release.tables["systems"].select("system_id", "name").iter_rows())
    keys = release.tables["series"].select("agency_id", "system_id", "metric").iter_rows()
    named = {
        (agency, system, metric): (
            f"{agencies.get(agency, agency)} · {systems.get(system, system)} · "
            f"{phrases.METRIC_NOUNS[metric][1]}"
        )
        for agency, system, metric in keys
    }
    return dict(sorted(named.items(), key=lambda pair: pair[1].casefold()))


def _compared(wanted: list[str], release: Release) -> tuple[tuple[SeriesKey, ...], list[str]]:
    """The series that the values of ``compare`` name, and a sentence for each that cannot be."""
    names = series_names(release)
    by_name = {name: key for key, name in names.items()}
    told: list[str] = []
    found: list[SeriesKey] = []
    for text in (one.strip() for value in wanted for one in _split(value, by_name)):
        if not text:
            continue
        key = by_name.get(text) or _key(text)
        if key not in names:
            like = [k for name, k in by_name.items() if text.casefold() in name.casefold()]
            if len(like) != 1:
                told.append(SeriesProblem(_unknown_series(text, len(like))))
                continue
            key = like[0]
        if key in found:
            continue
        if len(found) == MOST:
            told.append(
                SeriesProblem(
                    f"{MOST} series can be compared at most; “{names[key]}” was left out. "
                    "Remove one to make room."
                )
            )
            continue
        found.append(key)
    return tuple(found), told


def _key(text: str) -> SeriesKey:
    agency, _, rest = text.partition(".")
    system, _, metric = rest.partition(".")
    return agency, system, metric


def _split(value: str, by_name: dict[str, SeriesKey]) -> list[str]:
    """A name may hold commas, keys never do."""
    return [value] if value in by_name or "·" in value else value.split(",")


def _unknown_series(text: str, like: int) -> str:
    if like:
        return f"{like} series match “{_clip(text)}”; choose one of them from the list."
    return f"No series “{_clip(text)}” is in this release; choose one from the list."


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
