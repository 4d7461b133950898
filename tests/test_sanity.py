"""What a defect of the program made is not released: each rule of the tables refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.fields import RELEASE
from pipelines.release import build
from pipelines.sanity import InsaneReleaseError, check_tables

FIRST_KNOWN = "where rowid = (select min(rowid) from bounds where high is not null)"
BREAKS = {
    "a lower bound above its upper bound": f"update bounds set low = high + 1 {FIRST_KNOWN}",
    "an estimate outside its interval": f"update bounds set estimate = high + 1 {FIRST_KNOWN}",
    "a row that ends before it begins": f"update bounds set known_until = known_from {FIRST_KNOWN}",
    "a bound without its proof": f"update bounds set high_report_ids = [] {FIRST_KNOWN}",
    "two rows known at once": """
        insert into bounds select * replace (known_from - 1 as known_from, null as known_until)
        from bounds limit 1
    """,
    "a gap known twice at once": """
        insert into gap_history select * replace (known_from - 1 as known_from, null as known_until)
        from gap_history limit 1
    """,
    "a gap that closed before it opened": """
        update gaps set closed_on = opened_on - 1 where rowid = (select min(rowid) from gaps)
    """,
    **{
        f"{table.name} repeats a key": f"""
            insert into {table.name} ({table.key[0]}) select null from range(2)
        """
        for table in RELEASE
    },
    **{
        f"{table.name} lacks a value": f"insert into {table.name} ({table.key[0]}) values (null)"
        for table in RELEASE
    },
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of the real ledger's release."""
    ledger = Path(__file__).parents[1] / "data" / "ledger"
    home = build(ledger, tmp_path_factory.mktemp("releases"), date(2026, 11, 1))
    with duckdb.connect(":memory:") as con:
        for table in RELEASE:
            con.execute(f"create table {table.name} as from '{home / table.name}.parquet'")
        yield con


@pytest.fixture
def tables(release: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    release.begin()
    yield release
    release.rollback()


def test_sound_tables_pass(tables: duckdb.DuckDBPyConnection) -> None:
    check_tables(tables)


@pytest.mark.parametrize("rule", BREAKS)
def test_a_broken_table_is_refused_by_its_rule(
    rule: str, tables: duckdb.DuckDBPyConnection
) -> None:
    (changed,) = tables.execute(BREAKS[rule]).fetchall()[0]
    assert changed
    with pytest.raises(InsaneReleaseError, match=rule):
        check_tables(tables)
