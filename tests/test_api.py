"""Queries as a programmer sends them: what is understood, what is refused, how pages go on."""

from __future__ import annotations

import io
from typing import Any

import openapi_spec_validator
import polars as pl
import pytest
from door import Door
from jsonschema import Draft202012Validator
from synthetic_release import NORTH, VERSION

from pipelines.fields import RELEASE, released


def ask(door: Door, query: str) -> dict[str, Any]:
    answer = door.get(f"/api/v1/{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_an_agencys_years_as_csv(door: Door) -> None:
    answer = door.get(
        f"/api/v1/bounds?agency={NORTH[0]}&metric=searches&period=2019..2020&format=csv"
    )
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = pl.read_csv(io.BytesIO(answer.content))
    assert rows.columns == released("bounds").columns
    assert rows["period"].to_list() == [2019, 2020] or rows["period"].to_list() == ["2019", "2020"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("bounds?agency=northtown-synthetic&agency=southshire-synthetic&frequency=R", 2),
        ("bounds?high=none", 1),
        ("bounds?low=1200..1650&frequency=A", 2),
        ("bounds?low=3100..&frequency=A", 1),
        ("bounds?period=2023-Q1&frequency=M", 3),
        ("bounds?period=2023-02", 1),
        ("bounds?low_report_ids=north-2019", 1),
        ("reports?known_on=2022-03-05", 4),
        ("reports?period=2019", 1),
        ("gaps?closed_on=none&kind=denied&kind=vague", 2),
        ("agencies?country=US", 2),
        ("statements?known_on=2022-01-19", 0),
    ],
)
def test_rows_found(door: Door, query: str, count: int) -> None:
    assert len(ask(door, query)["rows"]) == count


def test_every_problem_is_told_at_once_with_what_would_be_right(door: Door) -> None:
    answer = door.get(
        "/api/v1/bounds?agency=northtown&nothing=1&period=soon&limit=0&format=xml&frequency=Z"
        "&low=a..b&known_on=x&columns=low,price&release=1999-01-01-x&cursor=%%%"
    )
    assert answer.status_code == 400
    told = answer.json()["problems"]
    for words in (
        "did you mean northtown-synthetic",
        "nothing: no such column",
        "period: 'soon'",
        "limit: '0'",
        "format: 'xml' is none of json, csv",
        "frequency: 'Z' is none of A, Q, M, R",
        "low: 'a'",
        "known_on: 'x' is no day",
        "columns: bounds has no 'price'",
        "cursor",
        "release: '1999-01-01-x' is not kept",
    ):
        assert any(words in problem for problem in told), words
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "query",
    [
        "agencies?name=x'%3B%20drop%20table%20agencies%3B--",
        "agencies?name=%27%20or%20%271%27=%271",
        "agencies?region=%00",
        "sources?title=%24%7B7*7%7D&publisher=?",
    ],
)
def test_values_are_never_read_as_sql(door: Door, query: str) -> None:
    assert ask(door, query)["rows"] == []
    assert len(ask(door, "agencies")["rows"]) == 4


@pytest.mark.parametrize(
    "column", ["1=1", "name;", "(select 1)", "*", "read_parquet('/etc/passwd')"]
)
def test_columns_are_the_tables_own(door: Door, column: str) -> None:
    assert door.get("/api/v1/agencies", params={"columns": column}).status_code == 400
    assert door.get("/api/v1/agencies", params={column: "1"}).status_code == 400


def test_an_unknown_table_names_those_there_are(door: Door) -> None:
    answer = door.get("/api/v1/sqlite_master")
    assert answer.status_code == 404
    assert "bounds" in answer.json()["error"]


def test_pages_follow_each_other_without_gap_or_repeat(door: Door) -> None:
    whole = ask(door, "bounds?known_on=always")["rows"]
    rows, address = [], "/api/v1/bounds?known_on=always&limit=4&columns=low"
    while address:
        answer = door.get(address)
        said = answer.json()
        assert ('rel="next"' in answer.headers["link"]) == (said["next"] is not None)
        rows += said["rows"]
        address = said["next"]
    assert [row["low"] for row in rows] == [row["low"] for row in whole]
    assert set(rows[0]) == {"low"}
    assert ask(door, "bounds?known_on=always&limit=3&offset=2")["rows"] == whole[2:5]


def test_formats_agree(door: Door) -> None:
    said = ask(door, "reports")["rows"]
    flat = pl.read_csv(io.BytesIO(door.get("/api/v1/reports?format=csv").content))
    typed = pl.read_parquet(io.BytesIO(door.get("/api/v1/reports?format=parquet").content))
    safe = door.get("/api/v1/reports?format=excel").content
    assert flat["low"].to_list() == typed["low"].to_list() == [row["low"] for row in said]
    assert safe.startswith(b"\xef\xbb\xbf")
    assert typed.schema["known_from"] == pl.Date


def test_an_answer_is_kept_by_its_tag(door: Door) -> None:
    first = door.get("/api/v1/gaps?kind=denied")
    again = door.get("/api/v1/gaps?kind=denied", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    pinned = door.get(f"/api/v1/gaps?kind=denied&release={VERSION}")
    assert "immutable" in pinned.headers["cache-control"]
    assert pinned.json()["rows"] == first.json()["rows"]


def test_the_description_fits_the_answers(door: Door) -> None:
    described = door.get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    for table in RELEASE:
        operation = described["paths"][f"/api/v1/{table.name}"]["get"]
        content = operation["responses"]["200"]["content"]["application/json"]["schema"]
        schema = {**content, "components": described["components"]}
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(ask(door, table.name))
        named = [parameter["name"] for parameter in operation["parameters"]]
        assert len(named) == len(set(named))
        for name in set(named) - {"cursor", "release", "offset", "limit", "format", "columns"}:
            value = "2019" if name == "period" else "now" if name == "known_on" else "none"
            answer = door.get(f"/api/v1/{table.name}", params={name: value})
            assert "no such column" not in answer.text, name


def test_the_description_is_valid_openapi(door: Door) -> None:
    openapi_spec_validator.validate(door.get("/api/v1/openapi.json").json())


def test_the_manual_names_every_column(door: Door) -> None:
    page = door.get("/api/").text
    for table in RELEASE:
        for column in table.columns:
            assert f"<code>{column}</code>" in page
