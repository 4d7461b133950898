"""How knowledge of a view grew: the days on which its answer changed, and what came out on each."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

import polars as pl

from dashboards import phrases
from dashboards.explorer.selection import of_view
from dashboards.explorer.view import SeriesKey, View
from dashboards.releases import Release

_TOLD = 3


@dataclass(frozen=True)
class Replay:
    """``days``, earliest first, with the number of reports that became known on each; ``at`` is the
    latest of them that the view knows, -1 where it knows none.

    ``news`` tells what became known on that day, the first few; ``more`` is the number of the rest.
    """

    days: list[date]
    reports: list[int]
    at: int
    news: list[str]
    more: int


def replay(release: Release, view: View) -> Replay:
    """The replay of what the view is about, and where the view stands in it."""
    days, reports = _steps(
        release, replace(view.unopened(), known=None, estimates=False, rates=False)
    )
    at = bisect_right(days, view.known or release.as_of) - 1
    news = _news(release, view, days[at]) if at >= 0 else []
    return Replay(days, reports, at, news[:_TOLD], max(0, len(news) - _TOLD))


@lru_cache(maxsize=256)
def _steps(release: Release, view: View) -> tuple[list[date], list[int]]:
    """A day counts when a bound of the view began to stand, or ceased to."""
    bounds = of_view(release.tables["bounds"], release, view)
    turned = pl.concat([bounds["known_from"], bounds["known_until"]]).drop_nulls().unique().sort()
    days: list[date] = [day for day in turned.to_list() if day <= release.as_of]
    told = of_view(release.tables["reports"], release, view)["known_from"].value_counts()
    counts = dict(told.iter_rows())
    return days, [counts.get(day, 0) for day in days]


def _news(release: Release, view: View, day: date) -> list[str]:
    """The reports that became known on that day, one a series, those of most reports first."""
    reports = of_view(release.tables["reports"], release, view).filter(pl.col("known_from") == day)
    names = dict(release.tables["agencies"].select("agency_id", "name").iter_rows())
    series: dict[SeriesKey, list[dict[str, Any]]] = {}
    for row in reports.sort("last_day", "report_id", descending=[True, False]).iter_rows(
        named=True
    ):
        series.setdefault((row["agency_id"], row["system_id"], row["metric"]), []).append(row)
    told = []
    for (agency, _, metric), rows in sorted(series.items(), key=lambda p: (-len(p[1]), p[0])):
        latest = rows[0]
        count = phrases.counted_interval(latest["low"], latest["high"], metric)
        when = phrases.during(latest["first_day"], latest["last_day"])
        others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        channel = phrases.CHANNEL_WORDS[latest["channel"]]
        told.append(f"{names.get(agency, agency)}: {count} {when}{others}, {channel}")
    return told
