"""What a release holds besides its tables: other shapes of them, and how to read and cite it.

Everything follows from the Parquet files, the version and the day, so it repeats byte by byte.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipelines.fields import METRICS, RELEASE, Field, Table

TITLE = "Facetally: facial-recognition searches by police and other agencies"
DESCRIPTION = (
    "How many facial-recognition searches agencies ran in each period, as intervals with the "
    "reports that prove them, who said so, when the public learned it, and what is not disclosed."
)
KEYWORDS = [
    "facial recognition",
    "police",
    "surveillance",
    "transparency",
    "freedom of information",
    "public accountability",
]
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
COLUMNS_VERSION = 1
"""Raised with every change of a table's columns; tests/columns.json holds what it promises."""

# A spreadsheet runs a cell that begins with one of these as a formula; the last four are the same
# signs as East Asian keyboards type them.
RUN_AS_FORMULA = "^[=+\\-@\t\r\n＝＋－＠]"


def semantic_version(as_of: date, corrections: int, ledger_sha256: str) -> str:
    """``MAJOR.MINOR.PATCH+LEDGER`` by the Data Package recipe.

    MAJOR counts changes of columns, MINOR is the day of knowledge as a number (data were added),
    PATCH the corrections of errors made by then.
    """
    return f"{COLUMNS_VERSION}.{as_of:%Y%m%d}.{corrections}+{ledger_sha256[:12]}"


def write_other_shapes(home: Path, table: Table) -> None:
    """Write a table as ``TABLE.json`` and ``TABLE.excel.csv`` beside its Parquet file."""
    source = home / f"{table.name}.parquet"
    with duckdb.connect(":memory:") as con:
        con.execute("set timezone = 'UTC'")
        _write_json(con, source, home / f"{table.name}.json")
    _write_excel(table, source, home / f"{table.name}.excel.csv")


def _write_json(con: duckdb.DuckDBPyConnection, source: Path, target: Path) -> None:
    """An array with one object a row; a list stays a list."""
    given, written = (str(path).replace("'", "''") for path in (source, target))
    con.execute(f"copy (from read_parquet('{given}')) to '{written}' (format json, array true)")


def _write_excel(table: Table, source: Path, target: Path) -> None:
    """The CSV that spreadsheets open rightly: byte-order mark, CRLF, and no cell that runs."""
    pl.scan_parquet(source).select(_excel_cell(field) for field in table.fields).sink_csv(
        target, include_bom=True, line_terminator="\r\n"
    )


def _excel_cell(field: Field) -> pl.Expr:
    cell = pl.col(field.name)
    if field.type == "slugs":
        cell = cell.list.join(" ")
    elif field.type in {"integer", "number", "date"}:
        return cell
    return neutralised(cell)


def neutralised(cell: pl.Expr) -> pl.Expr:
    """The text with an apostrophe before it where a spreadsheet would run it as a formula."""
    runs = cell.str.contains(RUN_AS_FORMULA)
    return pl.when(runs).then(pl.concat_str(pl.lit("'"), cell)).otherwise(cell).alias(
        cell.meta.output_name()
    )  # fmt: skip


def write_structured_data(
    home: Path, version: str, as_of: date, digests: Mapping[str, str]
) -> None:
    """Write ``dataset.jsonld``: schema.org's Dataset, as search engines for data read it.

    ``digests`` are those of the tables' files by name. Addresses are relative to the file. It has
    no ``dateModified``: a release is never modified.
    """
    series = pl.read_parquet(home / "series.parquet")
    agencies = pl.read_parquet(home / "agencies.parquet")
    sources = pl.scan_parquet(home / "sources.parquet").select(pl.len()).collect().item()
    described = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": TITLE,
        "description": DESCRIPTION,
        "identifier": version,
        "version": version,
        "datePublished": as_of.isoformat(),
        "url": "/",
        "license": LICENCE,
        "isAccessibleForFree": True,
        "creator": {"@type": "Organization", "name": "Facetally"},
        "keywords": KEYWORDS,
        "temporalCoverage": _span(series),
        "spatialCoverage": sorted(set(agencies["country"]) - {"ZZ"}),
        "measurementTechnique": (
            "Interval bounds by shortest paths over difference constraints, one for each report "
            "of a public document."
        ),
        "variableMeasured": [
            {"@type": "PropertyValue", "name": name, "description": meaning}
            for name, meaning in METRICS.items()
        ],
        "isBasedOn": {
            "@type": "CreativeWork",
            "name": f"{sources} public documents, listed in the table of sources",
            "url": "sources.csv",
        },
        "distribution": [
            _download(home / f"{table.name}.{kind}", media_type, digests)
            for table in RELEASE
            for kind, media_type in (
                ("parquet", "application/vnd.apache.parquet"),
                ("csv", "text/csv"),
                ("json", "application/json"),
            )
        ],
    }
    _write(home / "dataset.jsonld", json.dumps(described, indent=2, ensure_ascii=False) + "\n")


def _span(series: pl.DataFrame) -> str:
    if series.is_empty():
        return "../.."
    return f"{series['first_day'].min()!s}/{series['last_day'].max()!s}"


def _download(path: Path, media_type: str, digests: Mapping[str, str]) -> dict[str, object]:
    return {
        "@type": "DataDownload",
        "name": path.name,
        "contentUrl": path.name,
        "encodingFormat": media_type,
        "contentSize": f"{path.stat().st_size} B",
        "sha256": digests[path.name],
    }


def write_reading(home: Path, version: str, as_of: date) -> None:
    """Write ``README.txt`` (the codebook), ``LICENSE.txt`` and ``CITATION.bib``."""
    _write(home / "README.txt", _codebook(home, version, as_of))
    _write(home / "LICENSE.txt", _LICENCE_WORDS)
    _write(home / "CITATION.bib", _bibtex(version, as_of))


def _codebook(home: Path, version: str, as_of: date) -> str:
    tables = "\n\n".join(_table_words(home, table) for table in RELEASE)
    return f"""{TITLE}
Release {version}: what was public on {as_of.isoformat()}

{DESCRIPTION}

Read this first
- Every figure is an interval, low to high. A blank high means that nothing bounds it from above.
  Blank is never zero.
- The estimate spreads each report evenly over its days. It is no evidence.
- A row is what the public knew from known_from until known_until (blank: it still stands). For
  today's state take the rows whose known_until is blank, or each fact is counted several times.
- Rows of one series at different frequencies (A, Q, M, R) count the same searches: never add them.
- An agency that is missing here is one about which nothing is known, not one that does not search.

Shapes of each table
- TABLE.parquet: typed, lists as lists. For DuckDB, polars, pandas, R.
- TABLE.csv: UTF-8 without byte-order mark, a list as its items with spaces between.
- TABLE.excel.csv: for spreadsheets. It has a byte-order mark, and a text that a spreadsheet would
  run as a formula (it begins with =, +, -, @, a tab or a line break) has an apostrophe before it:
  take that away to have the text of the source again. Excel shows 1,048,576 rows at most.
- TABLE.json: an array with one object a row.
- datapackage.json describes every field for programs; dataset.jsonld is for search engines.
- SHA256SUMS: check with `sha256sum -c SHA256SUMS`.

Versions
datapackage.json carries MAJOR.MINOR.PATCH. MAJOR grows when a column is added, removed, renamed,
moved or changes its type; MINOR is the day of knowledge; PATCH counts corrections of errors.

Licence and citation
Creative Commons Attribution 4.0: see LICENSE.txt. CITATION.bib says how to cite this release.

Tables

{tables}
"""


def _table_words(home: Path, table: Table) -> str:
    rows = pl.scan_parquet(home / f"{table.name}.parquet").select(pl.len()).collect().item()
    lines = [f"{table.name}: {rows:,} rows, key {', '.join(table.key)}", table.description]
    for field in table.fields:
        unit = f" [{field.unit}]" if field.unit else ""
        lines.append(f"  {field.name} ({field.type}){unit}: {field.description}")
    return "\n".join(lines)


_LICENCE_WORDS = f"""The data of this release are licensed under Creative Commons Attribution 4.0 International (CC BY 4.0).
Licence text: {LICENCE}legalcode

You may copy, change and publish them, also commercially, if you name the source:
"Facetally", the release, and a link; and if you say what you changed.

The documents that the table of sources names belong to their publishers. Only counted facts,
quantity words and references are taken from them.
"""  # noqa: E501


def _bibtex(version: str, as_of: date) -> str:
    return f"""@misc{{facetally-{as_of.isoformat()},
  author = {{{{The Facetally contributors}}}},
  title = {{{TITLE}}},
  year = {{{as_of.year}}},
  month = {{{as_of.month}}},
  version = {{{version}}},
  note = {{Data set, CC BY 4.0}}
}}
"""


def write_checksums(home: Path, digests: Mapping[str, str]) -> None:
    """Write ``SHA256SUMS`` over all files of the release, as ``sha256sum -c`` reads it.

    ``digests`` are those known already, by name. To be called when everything else is written.
    """
    files = sorted(p for p in home.iterdir() if p.is_file() and p.name != "SHA256SUMS")
    sums = ((digests.get(path.name) or sha256(path), path.name) for path in files)
    _write(home / "SHA256SUMS", "".join(f"{digest}  {name}\n" for digest, name in sums))


def table_digests(home: Path) -> dict[str, str]:
    """The digests of all shapes of all tables, by file name; read once, on all cores."""
    shapes = ("parquet", "csv", "json", "excel.csv")
    names = [f"{table.name}.{shape}" for table in RELEASE for shape in shapes]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(zip(names, pool.map(sha256, (home / name for name in names)), strict=True))


def sha256(path: Path) -> str:
    """The digest of a file in hexadecimal, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
