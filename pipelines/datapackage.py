"""`datapackage.json`: the release described as a Frictionless Data Package, version 2."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

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
    """Write ``home``/datapackage.json for the CSV files there (Parquet files as alternatives)."""
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "facetally",
        "title": "Facetally: facial-recognition searches by police and other agencies",
        "description": (
            "How many facial-recognition searches agencies ran in each period, as intervals with "
            "the reports that prove them, who said so, when the public learned it, and what is "
            "not disclosed."
        ),
        "version": version,
        "created": f"{as_of.isoformat()}T00:00:00Z",
        "licenses": [
            {
                "name": "CC-BY-4.0",
                "path": "https://creativecommons.org/licenses/by/4.0/",
                "title": "Creative Commons Attribution 4.0",
            }
        ],
        "contributors": [{"title": "Facetally", "roles": ["creator"]}],
        "resources": [_resource(home, table) for table in RELEASE],
        "facetally": {
            "as_of": as_of.isoformat(),
            "ledger_sha256": ledger_sha256,
            "method_sha256": method_sha256,
            "parquet": [_file(home / f"{table.name}.parquet") for table in RELEASE],
        },
    }
    text = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
    (home / "datapackage.json").write_text(text, encoding="utf-8")


def _resource(home: Path, table: Table) -> dict[str, object]:
    return {
        "name": table.name.replace("_", "-"),
        "title": table.name.replace("_", " ").capitalize(),
        "description": table.description,
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        **_file(home / f"{table.name}.csv"),
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


def _file(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    return {
        "path": path.name,
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
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
