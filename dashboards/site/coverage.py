"""What is missing in the ledger itself, as the coverage page tells it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards import phrases
from dashboards.releases import Release
from dashboards.site.record import Record, Row
from pipelines.fields import WEAKNESSES

_HEADINGS = {
    "no_locator": "Counts without a place in their document",
    "undated_source": "Documents without a date",
    "single_source": "Series that rest on one document",
    "statements_only": "Agencies with statements and no count",
    "named_only": "Agencies that are only named",
}


@dataclass(frozen=True)
class Place:
    """One weak row: where it is shown, and what it is in words."""

    address: str
    words: str
    more: str = ""


@dataclass(frozen=True)
class Weakness:
    """One kind of weakness with all its places."""

    kind: str
    heading: str
    meaning: str
    places: list[Place]


def weaknesses(record: Record, coverage: pl.DataFrame) -> list[Weakness]:
    """Every kind, those without a row too: that there are none is worth knowing."""
    found: dict[str, list[Place]] = defaultdict(list)
    for row in coverage.iter_rows(named=True):
        found[row["weakness"]].append(_place(record, row))
    return [
        Weakness(kind, _HEADINGS[kind], meaning, sorted(found[kind], key=_by_words))
        for kind, meaning in WEAKNESSES.items()
    ]


def _by_words(place: Place) -> tuple[str, str]:
    return place.words.casefold(), place.address


def _place(record: Record, row: Row) -> Place:
    name, agency = row["row_id"], row["agency_id"]
    if row["table_name"] == "sources":
        source = record.sources[name]
        return Place(f"/sources/{name}/", source["title"], source["publisher"])
    if row["table_name"] == "reports":
        report = record.reports[name]
        when = phrases.days(report["first_day"], report["last_day"])
        words = f"{record.agency_name(agency)}: “{report['wording']}”"
        return Place(f"/agencies/{agency}/#r-{name}", words, when)
    if row["table_name"] == "series":
        _, system, metric = name.split("/")
        anchor = f"{system}-{metric.replace('_', '-')}"
        series = record.series_name(system, metric)
        return Place(f"/agencies/{agency}/#{anchor}", record.agency_name(agency), series)
    country = phrases.country_name(row["country"])
    return Place(f"/agencies/{name}/", record.agency_name(name), country)


def numbers(release: Release, weak: list[Weakness]) -> list[tuple[int, str]]:
    """The page's figures: a count and what it counts."""
    countries = release.tables["coverage_countries"].filter(pl.col("country") != "ZZ")
    unknown = countries["registered_unknown"].sum()
    count = {one.kind: len(one.places) for one in weak}
    series = release.tables["series"].height
    return [
        (int(unknown), "registered police bodies about which nothing is known"),
        (countries.filter(pl.col("agencies") == 0).height, "countries without an agency"),
        (count["statements_only"] + count["named_only"], "agencies without a count"),
        (count["single_source"], f"of {phrases.number(series)} series rest on one document"),
        (count["undated_source"], "documents without a date"),
        (count["no_locator"], "counts without a place in their document"),
    ]


def oldest(agencies: pl.DataFrame, most: int = 25) -> list[dict[str, Any]]:
    """The agencies about which the newest dated document is oldest, the oldest first."""
    dated = agencies.filter(pl.col("last_update").is_not_null())
    return list(dated.sort("last_update", "agency_id").head(most).iter_rows(named=True))


def countries_without(countries: pl.DataFrame) -> list[str]:
    """Names of the countries that have no agency on record."""
    codes = countries.filter((pl.col("agencies") == 0) & (pl.col("country") != "ZZ"))["country"]
    return sorted((phrases.country_name(code) for code in codes), key=str.casefold)
