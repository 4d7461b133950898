"""Which rows of a release's tables a view is about."""

from __future__ import annotations

import polars as pl

from dashboards.explorer.view import SeriesKey, View
from dashboards.releases import Release

SERIES = ("agency_id", "system_id", "metric")


def matching(table: pl.DataFrame, release: Release, view: View) -> pl.DataFrame:
    """The rows that pass the view's filters; rows without a system or metric are about any."""
    if view.country:
        here = release.tables["agencies"].filter(pl.col("country") == view.country)
        table = table.filter(pl.col("agency_id").is_in(here["agency_id"].to_list()))
    if view.agency:
        table = table.filter(pl.col("agency_id") == view.agency)
    for column, value in (("system_id", view.system), ("metric", view.metric)):
        if value:
            table = table.filter((pl.col(column) == value) | pl.col(column).is_null())
    return table


def of_series(table: pl.DataFrame, *keys: SeriesKey) -> pl.DataFrame:
    """The rows of exactly these series, in the table's order."""
    if len(keys) == 1:
        agency, system, metric = keys[0]
        return table.filter(
            (pl.col("agency_id") == agency)
            & (pl.col("system_id") == system)
            & (pl.col("metric") == metric)
        )
    wanted = pl.DataFrame(list(keys), schema=dict.fromkeys(SERIES, pl.String), orient="row")
    return table.join(wanted, on=SERIES, how="semi", maintain_order="left")


def of_view(table: pl.DataFrame, release: Release, view: View) -> pl.DataFrame:
    """The rows that the view is about: those of the series compared, else those of its filters."""
    return of_series(table, *view.compare) if view.compare else matching(table, release, view)
