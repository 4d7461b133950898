"""Checks of the finished tables: SQL that returns the rows that are wrong."""

from __future__ import annotations

import duckdb

from pipelines.fields import RELEASE, Table

_RULES = {
    "a lower bound above its upper bound": """
        from bounds where low > high or agency_low > agency_high or others_low > others_high
    """,
    "an estimate outside its interval": "from bounds where estimate < low or estimate > high",
    "a row that ends before it begins": """
        from bounds where known_until <= known_from or period_end < period_start
    """,
    "a bound without its proof": """
        from bounds where (low > 0 and len(low_report_ids) = 0)
          or (high is not null and len(high_report_ids) = 0)
    """,
    "two rows known at once": """
        from (
          select
            agency_id, system_id, metric, frequency, period, known_from, known_until,
            lead(known_from) over (
              partition by agency_id, system_id, metric, frequency, period order by known_from
            ) as next_from
          from bounds
        )
        where known_until > next_from or (known_until is null and next_from is not null)
    """,
    "a gap known twice at once": """
        from (
          select
            gap_id, known_from, known_until,
            lead(known_from) over (partition by gap_id order by known_from) as next_from
          from gap_history
        )
        where known_until > next_from or (known_until is null and next_from is not null)
    """,
    "a gap that closed before it opened": """
        from gaps where closed_on < opened_on or (closed_on = opened_on and kind <> 'late')
    """,
}


class InsaneReleaseError(Exception):
    """The tables break a rule that they must hold whatever the ledger: a defect of the program."""


def check_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Raise InsaneReleaseError, naming rules and first rows, unless all tables are sound."""
    wrong = [f"{what}: {rows[0]}" for what, rows in violations(con) if rows]
    if wrong:
        raise InsaneReleaseError("; ".join(wrong))


def violations(con: duckdb.DuckDBPyConnection) -> list[tuple[str, list[tuple[object, ...]]]]:
    """Each rule with the first rows that break it."""
    found = [(what, con.execute(f"{rule} limit 3").fetchall()) for what, rule in _RULES.items()]
    for table in RELEASE:
        found.append((f"{table.name} repeats a key", con.execute(_repeated_key(table)).fetchall()))
        found.append((f"{table.name} lacks a value", con.execute(_lacking(table)).fetchall()))
    return found


def _repeated_key(table: Table) -> str:
    key = ", ".join(table.key)
    return f"select {key} from {table.name} group by all having count(*) > 1 limit 3"


def _lacking(table: Table) -> str:
    given = " and ".join(f"{field.name} is not null" for field in table.fields if field.required)
    return f"from {table.name} where not ({given}) limit 3"
