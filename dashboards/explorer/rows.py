"""The rows behind a view as CSV: exactly those shown, with rates where the view shows rates."""

from __future__ import annotations

import io

import polars as pl

from dashboards.charts.side_by_side import PER
from dashboards.explorer.people import populations
from dashboards.explorer.selection import matching, of_series
from dashboards.explorer.view import View
from dashboards.releases import Release


def filtered(release: Release, view: View) -> bytes:
    """The bounds that the view's filters let through, as known on its day."""
    return _csv(release, view, matching(release.at("bounds", view.known), release, view))


def compared(release: Release, view: View) -> bytes:
    """The bounds of the series that the view sets side by side, in the order chosen."""
    bounds = release.at("bounds", view.known)
    chosen = [of_series(bounds, key) for key in view.compare]
    return _csv(release, view, pl.concat([bounds.clear(), *chosen]))


def _csv(release: Release, view: View, rows: pl.DataFrame) -> bytes:
    """The columns of ``bounds``; for rates, the population, its year and the three numbers divided.

    Rates are not rounded; they are blank where no population is on record.
    """
    if view.rates:
        known = populations(release)
        people = pl.DataFrame(
            [(agency, found.people, found.year) for agency, found in known.items()],
            schema={"agency_id": pl.String, "population": pl.Int64, "population_year": pl.Int64},
            orient="row",
        )
        rows = rows.join(people, on="agency_id", how="left", maintain_order="left").with_columns(
            (pl.col(name) * PER / pl.col("population")).alias(f"{name}_per_100000")
            for name in ("low", "high", "estimate")
        )
    lists = [name for name, kind in rows.schema.items() if kind == pl.List]
    buffer = io.BytesIO()
    rows.with_columns(pl.col(name).list.join(" ") for name in lists).write_csv(buffer)
    return buffer.getvalue()
