"""Whether what follows from the facts of a release is what the release holds.

The tables of the ledger are read back from a release and everything else is derived from them
again, as `build` does it. A release does not hold the two overrides of a report, only the interval
that counts: a report whose words say another one was overridden, and its note says why.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines import wording
from pipelines.coverage import measure_coverage
from pipelines.fields import LEDGER_FILES, RELEASE, Table
from pipelines.ledger import Ledger
from pipelines.release import derive_tables, read_reports

_KEY = "report_id"


def derived_faults(home: Path, as_of: date, stage: Path) -> list[tuple[str, str]]:
    """Derive every table of a release again and compare: table and what is wrong with it.

    The tables of ``home`` have the right columns. ``stage`` is a directory to write to.
    """
    ledger, unexplained = _read_back(home, as_of)
    faults = [
        (
            "reports",
            f"{report_id}: its words mean another interval, and no note says why",
        )
        for report_id in unexplained
    ]
    # Where no period is stated a high does not count, so an override of it is not in the release:
    # such a report may have been exact or not, and only one of the two gives these gaps.
    found = _differences(home, ledger, as_of, stage)
    unsure = _overridden_without_period(ledger)
    if found and unsure:
        found = min(
            found,
            _differences(home, _exact(ledger, unsure), as_of, stage),
            key=len,
        )
    return faults + found


# --- the ledger of a release -----------------------------------------------------------------


def _read_back(home: Path, as_of: date) -> tuple[Ledger, list[str]]:
    """The ledger behind a release, as text, and the reports whose interval nothing explains."""
    tables = {table.name: _as_text(home, table) for table in LEDGER_FILES}
    counted = pl.read_parquet(home / "reports.parquet").select(_KEY, "low", "high")
    language = tables["sources"].select("source_id", "language")
    reports = tables["reports"].drop("low", "high").join(language, on="source_id", how="left")
    read = [_read(*row) for row in reports.select("wording", "language").iter_rows()]
    tables["reports"] = reports.with_columns(
        low=pl.lit(""),
        high=pl.lit(""),
        stated_low=pl.Series([low for low, _ in read], dtype=pl.Int64),
        stated_high=pl.Series([high for _, high in read], dtype=pl.Int64),
    )
    ledger = Ledger(tables, "")
    implied = read_reports(ledger, as_of).rename({"low": "low_read", "high": "high_read"})
    overridden = (
        counted.join(implied, on=_KEY)
        .filter(
            pl.col("low").ne_missing(pl.col("low_read"))
            | pl.col("high").ne_missing(pl.col("high_read"))
        )
        .select(_KEY, "low", "high")
    )
    given = tables["reports"].join(overridden, on=_KEY, how="left", suffix="_given")
    is_given = pl.col("low_given").is_not_null()
    unexplained = given.filter(is_given & (pl.col("note") == ""))[_KEY].to_list()
    tables["reports"] = given.with_columns(
        # The total counts, not the rate; `low` marks the override.
        low=pl.when(is_given).then(pl.col("low_given").cast(pl.String)).otherwise(pl.lit("")),
        per=pl.when(is_given).then(pl.lit("")).otherwise("per"),
        stated_low=pl.when(is_given).then("low_given").otherwise("stated_low"),
        stated_high=pl.when(is_given).then("high_given").otherwise("stated_high"),
    )
    return Ledger(tables, ""), unexplained


def _as_text(home: Path, table: Table) -> pl.DataFrame:
    """A table of the ledger from the release's: blanks as "", lists with spaces between."""
    frame = pl.read_parquet(home / f"{table.name}.parquet")
    cells = [
        (
            pl.lit("")
            if field.name not in frame.columns
            else pl.col(field.name).list.join(" ")
            if frame.schema[field.name] == pl.List
            else pl.col(field.name).cast(pl.String)
        )
        .fill_null("")
        .alias(field.name)
        for field in table.fields
    ]
    return frame.select(cells)


def _read(words: str, language: str | None) -> tuple[int | None, int | None]:
    try:
        interval = wording.read(words, language or "en")
    except wording.UnreadableWording:
        return None, None
    return interval.low, interval.high


def _overridden_without_period(ledger: Ledger) -> list[str]:
    reports = ledger["reports"]
    without = (pl.col("period_start") == "") & (pl.col("period_end") == "")
    return reports.filter(without & (pl.col("low") != ""))[_KEY].to_list()


def _exact(ledger: Ledger, report_ids: list[str]) -> Ledger:
    """The same ledger, these reports read as exact."""
    exact = pl.when(pl.col(_KEY).is_in(report_ids)).then("stated_low").otherwise("stated_high")
    reports = ledger["reports"].with_columns(stated_high=exact)
    return replace(ledger, tables={**ledger.tables, "reports": reports})


# --- the comparison --------------------------------------------------------------------------


def _differences(home: Path, ledger: Ledger, as_of: date, stage: Path) -> list[tuple[str, str]]:
    con = derive_tables(ledger, as_of, stage)
    measure_coverage(con, as_of)
    found = []
    for table in RELEASE:
        differing = _differing_keys(con, table, home / f"{table.name}.parquet")
        if differing:
            first = ", ".join(str(part) for part in differing[0])
            found.append(
                (
                    table.name,
                    f"{len(differing)} rows are not what follows from the ledger's tables; "
                    f"the first: {first}",
                )
            )
    con.close()
    return found


def _differing_keys(
    con: duckdb.DuckDBPyConnection, table: Table, stored: Path
) -> list[tuple[str, ...]]:
    # The rate of an overridden report was taken out above.
    columns = ", ".join(c for c in table.columns if (table.name, c) != ("reports", "per"))
    return con.execute(
        f"""
        with
        stored as (select {columns} from read_parquet($stored)),

        derived as (select {columns} from {table.name}),

        differing as (
          (from stored except all from derived)
          union all
          (from derived except all from stored)
        )

        select distinct {", ".join(table.key)} from differing order by all
        """,
        {"stored": str(stored)},
    ).fetchall()
