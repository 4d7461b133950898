"""Registers of police bodies: `data/registers`, reference tables beside the ledger.

They say how many bodies there are, so that what the ledger does not cover has a size. They are no
evidence, and they belong to the method, not to the ledger: their content is in the fingerprint of
the method.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pc

DIRECTORY = Path(__file__).parent.parent / "data" / "registers"
FILES = ("countries.csv", "links.csv", "uk_force_register.csv", "us_agency_register.csv")

# Every column is text: codes such as 0123 are no numbers.
_SELECT = {
    "known_countries": (
        "countries.csv",
        ("country", "name"),
        "select country, name from given",
    ),
    "links": (
        "links.csv",
        ("register", "code", "agency_id", "match"),
        "select register, code, agency_id from given",
    ),
    "uk_forces": (
        "uk_force_register.csv",
        ("ons_code", "name", "country", "usual_residents_census2011", "officer_fte_sep2019"),
        """
        select
          'gb-ons' as register, ons_code as code, 'GB' as country, name,
          blank(usual_residents_census2011)::bigint as population,
          if(usual_residents_census2011 = '', null, 2011)::bigint as population_year
        from given
        """,
    ),
    "us_bodies": (
        "us_agency_register.csv",
        ("ori", "state", "agency_type", "name"),
        """
        select
          'us-ori' as register, ori as code, 'US' as country, trim(name) as name,
          null::bigint as population, null::bigint as population_year
        from given
        """,
    ),
}


def load_registers(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables `known_countries` (country, name), `links` (register, code, agency_id) and
    `registered` (register, code, country, name, population, population_year).

    Tables are empty where the files are missing, as in an installation without the repository.
    """
    for name, (file, columns, query) in _SELECT.items():
        con.register("given", _read(DIRECTORY / file, columns))
        con.execute(f"create table {name} as {query}")
        con.unregister("given")
    con.execute("create table registered as from uk_forces union all from us_bodies")


def fingerprint_bytes() -> bytes:
    """All registers as bytes, for the fingerprint of the method."""
    return b"".join(
        (DIRECTORY / file).read_bytes() for file in FILES if (DIRECTORY / file).exists()
    )


def _read(path: Path, columns: tuple[str, ...]) -> pa.Table:
    schema = pa.schema([(column, pa.string()) for column in columns])
    if not path.exists():
        return schema.empty_table()
    types = {column: pa.string() for column in columns}
    options = pc.ConvertOptions(column_types=types, strings_can_be_null=False)
    return pc.read_csv(path, convert_options=options).select(list(columns))
