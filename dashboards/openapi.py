"""The query interface described for programs: an OpenAPI 3.1 document, made from the fields."""

from __future__ import annotations

from typing import Any

from dashboards.queries import DEFAULT_LIMIT, FORMATS, LARGEST_LIMIT
from pipelines.dataset import COLUMNS_VERSION
from pipelines.fields import RELEASE, Field, Table

_SCHEMAS: dict[str, dict[str, Any]] = {
    "date": {"type": "string", "format": "date"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "slugs": {"type": "array", "items": {"type": "string"}},
    "url": {"type": "string", "format": "uri"},
}


def describe() -> dict[str, Any]:
    """The whole document; it depends on nothing but the definition of the fields."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Facetally: queries",
            "version": f"{COLUMNS_VERSION}.0.0",
            "description": (
                "Rows of the tables of a release, filtered, as JSON, CSV or Parquet. Every figure "
                "is an interval; a null upper bound means that none is known. Without `known_on`, "
                "only what stands today is returned. Whole tables are downloads: "
                "/data/latest/TABLE.parquet."
            ),
            "license": {
                "name": "CC BY 4.0",
                "url": "https://creativecommons.org/licenses/by/4.0/",
            },
        },
        "servers": [{"url": "/"}],
        "paths": {f"/api/v1/{table.name}": {"get": _operation(table)} for table in RELEASE},
        "components": {
            "schemas": {
                **{table.name: _row(table) for table in RELEASE},
                "problems": {
                    "type": "object",
                    "required": ["status", "error", "problems"],
                    "properties": {
                        "status": {"type": "integer"},
                        "error": {"type": "string"},
                        "problems": {"type": "array", "items": {"type": "string"}},
                        "documentation": {"type": "string"},
                    },
                },
            },
        },
    }


def _operation(table: Table) -> dict[str, Any]:
    page = {
        "type": "object",
        "required": ["release", "table", "next", "rows"],
        "properties": {
            "release": {"type": "string"},
            "table": {"const": table.name},
            "next": {
                "type": ["string", "null"],
                "description": "Address of the next page; null on the last.",
            },
            "rows": {"type": "array", "items": {"$ref": f"#/components/schemas/{table.name}"}},
        },
    }
    text = {"schema": {"type": "string"}}
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/problems"}}}
    return {
        "operationId": f"read_{table.name}",
        "summary": table.description,
        "parameters": [
            *_controls(table),
            *(_filter(field) for field in table.fields if field.name != "period"),
        ],
        "responses": {
            "200": {
                "description": "The rows, ordered by the table's key.",
                "headers": {
                    "Link": {"description": "rel=next: the next page.", **text},
                    "ETag": {"description": "For If-None-Match.", **text},
                },
                "content": {
                    "application/json": {"schema": page},
                    "text/csv": text,
                    "application/vnd.apache.parquet": text,
                },
            },
            "400": {"description": "Everything that is wrong, at once.", "content": problem},
            "414": {"description": "The query is too long.", "content": problem},
            "429": {"description": "Too many requests; Retry-After says when to go on."},
            "503": {"description": "It took too long.", "content": problem},
        },
    }


def _controls(table: Table) -> list[dict[str, Any]]:
    names = ",".join(table.columns[:2])
    told: list[tuple[str, str, dict[str, Any]]] = [
        ("columns", f"Columns to return, such as `{names}`.", {"type": "string"}),
        ("format", "`excel` is CSV that is safe to open in a spreadsheet.",
         {"type": "string", "enum": list(FORMATS), "default": "json"}),
        ("limit", "Rows a page.", {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT,
         "default": DEFAULT_LIMIT}),
        ("offset", "Rows to skip; a cursor is faster.", {"type": "integer", "minimum": 0}),
        ("cursor", "Taken from `next`: the rows behind the last page, of the same release.",
         {"type": "string"}),
        ("release", "A version kept here.", {"type": "string", "default": "latest"}),
    ]  # fmt: skip
    if {"first_day", "last_day"} <= set(table.columns) or "period_end" in table.columns:
        told.append(
            ("period", "Rows whose days lie within `2019`, `2019-Q4`, `2019-12`, `2019-12-24` or "
             "a range such as `2019..2023`.", {"type": "string"})
        )  # fmt: skip
    if "known_from" in table.columns:
        default = "now" if "known_until" in table.columns else "always"
        told.append(
            ("known_on", "Rows that stood on a day; `now`; `always` for the history too.",
             {"type": "string", "default": default})
        )  # fmt: skip
    return [
        {"name": name, "in": "query", "description": words, "schema": schema}
        for name, words, schema in told
    ]


def _filter(field: Field) -> dict[str, Any]:
    words = field.description
    if field.type in {"integer", "number", "date"}:
        words += " A value, `low..high`, `low..`, `..high` or `none`."
        return {
            "name": field.name, "in": "query", "description": words, "schema": {"type": "string"}
        }  # fmt: skip
    item: dict[str, Any] = {"type": "string"}
    if field.values:
        item["enum"] = list(field.values)
    return {
        "name": field.name,
        "in": "query",
        "description": f"{words} Repeat it for either of several.",
        "schema": {"type": "array", "items": item},
        "explode": True,
    }


def _row(table: Table) -> dict[str, Any]:
    return {
        "type": "object",
        "description": table.description,
        "properties": {field.name: _value(field) for field in table.fields},
    }


def _value(field: Field) -> dict[str, Any]:
    schema: dict[str, Any] = dict(_SCHEMAS.get(field.type, {"type": "string"}))
    if field.values:
        schema["enum"] = [*field.values, *([] if field.required else [None])]
    if not field.required:
        schema["type"] = [schema["type"], "null"]
    return {**schema, "description": field.description}
