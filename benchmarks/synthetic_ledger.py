"""Synthetic ledgers of any size: reports around a hidden truth, one in a hundred a lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from pipelines.fields import LEDGER

EPOCH = np.datetime64("2012-01-01")
CHANNELS = ("published", "on_request", "compelled", "leaked", "vendor", "third_party")
SHARES = (0.45, 0.25, 0.08, 0.08, 0.06, 0.08)
LIES = 0.01
PUBLISHERS = 25


def write_synthetic_ledger(directory: Path, reports: int, series: int, seed: int = 1) -> None:
    """Write the six files of a ledger with so many reports on so many series.

    A series runs for one to six years at a steady rate and holds a few to a few hundred reports
    of days, weeks, months, quarters and years; each is exact, a range, or bounded on one side.
    """
    dice = np.random.default_rng(seed)
    directory.mkdir(parents=True, exist_ok=True)
    agencies = -(-series // 2)
    frame = _reports(dice, reports, series)
    sources = frame.select("source_id", "published_on").unique().sort("source_id")
    statements = _statements(dice, agencies)
    sources = pl.concat([sources, statements.select("source_id", "published_on")]).unique(
        "source_id", keep="first"
    )
    tables = {
        "sources": sources.with_columns(
            publisher=pl.lit("Bulletin"),
            title=pl.lit("A bulletin"),
            url=pl.lit("https://example.org/bulletin"),
            kind=pl.lit("press"),
            language=pl.lit("en"),
        ),
        "agencies": pl.DataFrame({"n": np.arange(agencies)}).select(
            agency_id=pl.format("agency-{}", "n"),
            name=pl.format("Agency {}", "n"),
            country=pl.Series(dice.choice(["GB", "US", "DE", "FR", "BR"], agencies)),
            level=pl.lit("local"),
        ),
        "systems": pl.DataFrame({"system_id": ["finder", "seer"], "name": ["Finder", "Seer"]}),
        "reports": frame,
        "statements": statements,
        "duties": pl.DataFrame(),
    }
    for table in LEDGER:
        given = tables[table.name]
        blank = [pl.lit("").alias(c) for c in table.columns if c not in given.columns]
        given.with_columns(blank).select(table.columns).write_csv(
            directory / f"{table.name}.csv", quote_style="never"
        )


def _reports(dice: np.random.Generator, reports: int, series: int) -> pl.DataFrame:
    weight = dice.lognormal(0.0, 0.8, series)
    of = np.sort(
        np.concatenate(
            [np.arange(series), dice.choice(series, reports - series, p=weight / weight.sum())]
        )
    )
    begin = dice.integers(0, 6 * 365, series)
    years = dice.integers(1, 7, series)
    rate = dice.lognormal(0.0, 1.5, series)

    # Periods: calendar months, quarters, years, and spells of days anywhere in the series.
    months = dice.choice([0, 1, 3, 12], reports, p=[0.2, 0.5, 0.2, 0.1])
    day = (begin[of] + dice.random(reports) * years[of] * 365).astype(int)
    month = (EPOCH + day).astype("datetime64[M]").astype(int)
    whole = np.where(months > 0, month // np.maximum(months, 1) * months, 0)
    spell = dice.integers(1, 60, reports)
    first = np.where(
        months > 0,
        (whole.astype("datetime64[M]").astype("datetime64[D]") - EPOCH).astype(int),
        day,
    )
    end = np.where(
        months > 0,
        ((whole + months).astype("datetime64[M]").astype("datetime64[D]") - EPOCH).astype(int),
        day + spell,
    )
    published = end + dice.integers(1, 500, reports)

    # Counts follow a truth that all can be told apart from, but for the lies.
    truth = np.floor(rate[of] * (end + 30.0)) - np.floor(rate[of] * (first + 30.0))
    lie = dice.random(reports) < LIES
    count = np.where(lie, truth * 3 + 40, truth).astype(int)
    slack = dice.integers(1, 1 + np.maximum(1, count // 5))
    shape = dice.choice(4, reports, p=[0.6, 0.15, 0.05, 0.2])
    low = np.maximum(count - slack, 0).astype(str)
    high = (count + slack).astype(str)
    exact = count.astype(str)
    wording = np.select(
        [shape == 0, shape == 1, shape == 2],
        [exact, np.char.add("at least ", low), np.char.add("at most ", high)],
        np.char.add(np.char.add(low, "-"), high),
    )
    publisher = dice.integers(0, PUBLISHERS, reports).astype(str)
    frame = pl.DataFrame(
        {
            "of": of,
            "period_start": (EPOCH + first).astype(str),
            "period_end": (EPOCH + (end - 1)).astype(str),
            "published_on": (EPOCH + published).astype(str),
            "wording": wording,
            "channel": dice.choice(CHANNELS, reports, p=SHARES),
            "publisher": publisher,
        }
    )
    return (
        frame.with_columns(
            agency_id=pl.format("agency-{}", pl.col("of") // 2),
            system_id=pl.when(pl.col("of") % 2 == 0)
            .then(pl.lit("finder"))
            .otherwise(pl.lit("seer")),
            mode=pl.lit("retrospective"),
            metric=pl.lit("searches"),
            source_id=pl.format("bulletin-{}-{}", "publisher", "published_on"),
            # What was said twice in one bulletin is told apart by its place.
            note=pl.int_range(pl.len()).over(
                "of", "period_start", "period_end", "wording", "publisher", "published_on"
            ),
        )
        .with_columns(
            report_id=pl.format("r{}", pl.int_range(pl.len())),
            mode=pl.when(pl.col("note") == 0).then("mode").otherwise(pl.lit("live")),
            note=pl.lit(""),
        )
        .drop("of", "publisher")
    )


def _statements(dice: np.random.Generator, agencies: int) -> pl.DataFrame:
    """One agency in twenty denied, declined or did not answer."""
    who = np.sort(dice.choice(agencies, max(1, agencies // 20), replace=False))
    said = EPOCH + dice.integers(200, 10 * 365, len(who))
    return pl.DataFrame(
        {
            "agency_id": [f"agency-{n}" for n in who],
            "statement_id": [f"s{n}" for n in range(len(who))],
            "said_on": said.astype(str),
            "stance": dice.choice(["denied", "declined", "no_response"], len(who)),
            "summary": ["What was said."] * len(who),
            "source_id": [f"answer-{n}" for n in range(len(who))],
            "published_on": (said + 10).astype(str),
        }
    )
