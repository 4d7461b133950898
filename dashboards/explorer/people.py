"""How many people live in an agency's area, for rates: only where a register says so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from dashboards import phrases
from dashboards.releases import Release


@dataclass(frozen=True)
class Population:
    """Residents of an agency's area and the year that they were counted, None where not stated."""

    people: int
    year: int | None

    @property
    def words(self) -> str:
        """``8,166,566 residents (2011)``."""
        when = self.year or "year not stated"
        return f"{phrases.number(self.people)} residents ({when})"


@lru_cache(maxsize=2)
def populations(release: Release) -> dict[str, Population]:
    """Every known population by agency_id."""
    links = release.tables["register_links"].filter(pl.col("population").is_not_null())
    years = {
        (agency, people): year
        for agency, people, year in links.select(
            "agency_id", "population", "population_year"
        ).iter_rows()
    }
    known = release.tables["agencies"].filter(pl.col("population") > 0)
    return {
        agency: Population(people, years.get((agency, people)))
        for agency, people in known.select("agency_id", "population").iter_rows()
    }
