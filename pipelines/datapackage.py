"""`datapackage.json`: the release described as a Frictionless Data Package, version 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from pipelines import dataset
from pipelines.fields import RELEASE, Field, Table, released

_TYPES = {
    "text": "string",
    "slug": "string",
    "partial_date": "string",
    "url": "string",
    "date": "date",
    "integer": "integer",
    "number": "number",
    "slugs": "string",
}


def describe_release(
    home: Path, version: str, as_of: date, ledger_sha256: str, method_sha256: str
) -> None:
    """Write everything besides the tables' Parquet and CSV files, the checksums last."""
    for table in RELEASE:
        dataset.write_other_shapes(home, table)
    describe_files(home, version, as_of, ledger_sha256, method_sha256)


def describe_files(
    home: Path, version: str, as_of: date, ledger_sha256: str, method_sha256: str
) -> None:
    """Write what describes the tables' files, which are all there; the checksums last."""
    digests = dataset.table_digests(home)
    _write_package(home, version, as_of, ledger_sha256, method_sha256, digests)
    dataset.write_structured_data(home, version, as_of, digests)
    dataset.write_reading(home, version, as_of)
    dataset.write_checksums(home, digests)


def _write_package(
    home: Path,
    version: str,
    as_of: date,
    ledger_sha256: str,
    method_sha256: str,
    digests: Mapping[str, str],
) -> None:
    """``datapackage.json`` describes the CSV files; the other shapes are listed by digest."""
    corrections = pl.scan_parquet(home / "corrections.parquet").select(pl.len()).collect().item()
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "facetally",
        "id": f"facetally-{version}",
        "title": dataset.TITLE,
        "description": dataset.DESCRIPTION,
        "version": dataset.semantic_version(as_of, corrections, ledger_sha256),
        "created": f"{as_of.isoformat()}T00:00:00Z",
        "keywords": dataset.KEYWORDS,
        "licenses": [
            {
                "name": "CC-BY-4.0",
                "path": dataset.LICENCE,
                "title": "Creative Commons Attribution 4.0",
            }
        ],
        "contributors": [{"title": "Facetally", "roles": ["creator"]}],
        "resources": [_resource(home, table, digests) for table in RELEASE],
        "facetally": {
            "release": version,
            "as_of": as_of.isoformat(),
            "ledger_sha256": ledger_sha256,
            "method_sha256": method_sha256,
            **{
                kind.replace(".", "_"): [
                    _file(home / f"{table.name}.{kind}", digests) for table in RELEASE
                ]
                for kind in ("parquet", "json", "excel.csv")
            },
        },
    }
    text = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
    (home / "datapackage.json").write_text(text, encoding="utf-8")


def _resource(home: Path, table: Table, digests: Mapping[str, str]) -> dict[str, object]:
    return {
        "name": table.name.replace("_", "-"),
        "title": table.name.replace("_", " ").capitalize(),
        "description": table.description,
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        **_file(home / f"{table.name}.csv", digests),
        "schema": {
            "fields": [_field(field) for field in table.fields],
            "missingValues": [""],
            "primaryKey": list(table.key),
            "foreignKeys": [
                {
                    "fields": [field.name],
                    "reference": {
                        "resource": field.refers.replace("_", "-"),
                        "fields": [released(field.refers).key[0]],
                    },
                }
                for field in table.fields
                if field.refers and field.type == "slug"
            ],
        },
    }


def _file(path: Path, digests: Mapping[str, str]) -> dict[str, object]:
    return {
        "path": path.name,
        "bytes": path.stat().st_size,
        "hash": f"sha256:{digests[path.name]}",
    }


def _field(field: Field) -> dict[str, object]:
    constraints: dict[str, object] = {}
    if field.required and field.type != "slugs":
        constraints["required"] = True
    if field.values:
        constraints["enum"] = list(field.values)
    described: dict[str, object] = {
        "name": field.name,
        "type": _TYPES[field.type],
        "description": field.description,
    }
    if field.unit:
        described["unit"] = field.unit
    if constraints:
        described["constraints"] = constraints
    return described
