"""Downloads as a researcher uses them: whole, in part, by address, checked and described."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shutil
import tomllib
from datetime import date
from pathlib import Path

import httpx
import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from door import Door
from frictionless import Package
from synthetic_release import VERSION

from pipelines import dataset, release
from pipelines.datapackage import describe_release
from pipelines.fields import RELEASE, arrow_schema, released
from pipelines.verify import NEWS

COLUMNS = Path(__file__).parent / "columns.json"
LEDGER = Path(__file__).parents[1] / "data" / "ledger"


def test_columns_are_a_promise() -> None:
    """A changed column asks for a higher dataset.COLUMNS_VERSION and a new snapshot."""
    now = {
        "version": dataset.COLUMNS_VERSION,
        "tables": {
            table.name: {field.name: str(field.type) for field in arrow_schema(table)}
            for table in RELEASE
        },
    }
    promised = json.loads(COLUMNS.read_text())
    if now["tables"] != promised["tables"]:
        assert now["version"] > promised["version"], (
            "columns changed: raise dataset.COLUMNS_VERSION, then write tests/columns.json anew"
        )
    assert json.dumps(now) == json.dumps(promised), "tests/columns.json is not up to date"


def test_the_header_and_types_of_files_are_those_promised(synthetic: Path) -> None:
    promised = json.loads(COLUMNS.read_text())["tables"]
    home = synthetic / VERSION
    for name, columns in promised.items():
        schema = pq.read_schema(home / f"{name}.parquet")
        # Files call a list's items `element`, schemas `item`.
        found = {field.name: str(field.type).replace("<element", "<item") for field in schema}
        assert found == columns
        for kind, encoding in (("csv", "utf-8"), ("excel.csv", "utf-8-sig")):
            text = (home / f"{name}.{kind}").read_text(encoding)
            assert next(csv.reader(io.StringIO(text))) == list(columns)


def test_the_ledgers_own_release_is_a_valid_data_package(tmp_path: Path) -> None:
    home = release.build(LEDGER, tmp_path, date(2026, 1, 31))
    package = Package(str(home / "datapackage.json"))
    report = package.validate()
    assert report.valid, report.flatten(["title", "note"])
    assert re.fullmatch(r"1\.20260131\.\d+\+[0-9a-f]{12}", package.to_dict()["version"])
    for line in (home / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert dataset.sha256(home / name) == digest
    listed = {line.split("  ")[1] for line in (home / "SHA256SUMS").read_text().splitlines()}
    news = {"CHANGES.md", "changes.json"}
    assert listed == {p.name for p in home.iterdir()} - {"SHA256SUMS"} - news


def test_describing_twice_gives_the_same_bytes(synthetic: Path, tmp_path: Path) -> None:
    home = tmp_path / VERSION
    shutil.copytree(synthetic / VERSION, home, ignore=shutil.ignore_patterns(*NEWS))
    before = {file.name: file.read_bytes() for file in home.iterdir()}
    describe_release(home, VERSION, date(2024, 6, 30), "5" * 64, "5" * 64)
    assert {file.name: file.read_bytes() for file in home.iterdir()} == before


def test_structured_data_says_what_a_search_engine_asks(synthetic: Path) -> None:
    said = json.loads((synthetic / VERSION / "dataset.jsonld").read_text())
    needed = {"name", "description", "license", "creator", "distribution", "variableMeasured"}
    needed |= {"temporalCoverage", "spatialCoverage", "isBasedOn", "version"}
    assert said["@type"] == "Dataset"
    assert needed <= set(said)
    assert "dateModified" not in said
    for file in said["distribution"]:
        assert (synthetic / VERSION / file["contentUrl"]).is_file()


@pytest.mark.parametrize("text", ["=1+1", "+44", "-5", "@cmd", "\tx", "\rx", "＝1"])
def test_no_cell_of_the_spreadsheet_runs(text: str) -> None:
    cell = pl.DataFrame({"note": [text, "plain", None]})
    made = cell.select(dataset.neutralised(pl.col("note")))["note"].to_list()
    assert made == [f"'{text}", "plain", None]


def test_the_spreadsheet_file_has_a_mark_and_windows_line_ends(door: Door) -> None:
    body = door.get("/data/latest/sources.excel.csv").content
    assert body.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in body
    assert not door.get("/data/latest/sources.csv").content.startswith(b"\xef\xbb\xbf")


def test_every_table_is_served_in_every_shape(door: Door) -> None:
    rows = {}
    for table in RELEASE:
        for shape in ("parquet", "csv", "excel.csv", "json"):
            answer = door.get(f"/data/latest/{table.name}.{shape}")
            assert answer.status_code == 200, (table.name, shape)
            rows[table.name, shape] = answer
    bounds = rows["bounds", "json"].json()
    assert list(bounds[0]) == arrow_schema(released("bounds")).names
    assert len(bounds) == pl.read_parquet(io.BytesIO(rows["bounds", "parquet"].content)).height
    assert isinstance(bounds[0]["low_report_ids"], list)


@pytest.mark.parametrize("encoding", ["br", "gzip", "zstd"])
def test_text_is_compressed_as_asked(door: Door, encoding: str) -> None:
    address = "/data/latest/bounds.csv"
    plain = door.get(address, headers={"Accept-Encoding": "identity"})
    with httpx.stream(
        "GET", door.address + address, headers={"Accept-Encoding": encoding}
    ) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["etag"] != plain.headers["etag"]
    assert len(raw) < len(plain.content)
    if encoding == "gzip":
        assert gzip.decompress(raw) == plain.content
    if encoding == "zstd":
        assert zstandard.ZstdDecompressor().decompress(raw) == plain.content


def test_what_is_known_already_is_not_sent_again(door: Door) -> None:
    address = "/data/latest/gaps.json"
    for accept in ("br", "gzip", "identity"):
        headers = {"Accept-Encoding": accept}
        first = door.get(address, headers=headers)
        headers["If-None-Match"] = f'"other", W/{first.headers["etag"]}'
        again = door.get(address, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    since = {"If-Modified-Since": first.headers["last-modified"]}
    assert door.get(address, headers=since).status_code == 304
    assert door.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=-8", 206, slice(-8, None)),
        ("bytes=4-", 206, slice(4, None)),
        ("bytes=0-99999999", 206, slice(0, None)),
        ("bytes=99999999-", 416, slice(0, 0)),
        ("lines=1-2", 200, slice(0, None)),
        ("bytes=5-2", 200, slice(0, None)),
    ],
)
def test_parts(door: Door, synthetic: Path, asked: str, status: int, part: slice) -> None:
    file = (synthetic / "latest" / "bounds.parquet").read_bytes()
    answer = door.get("/data/latest/bounds.parquet", headers={"Range": asked})
    assert answer.status_code == status
    assert answer.content == file[part]
    if status == 206:
        etag = answer.headers["etag"]
        same = door.get("/data/latest/bounds.parquet", headers={"Range": asked, "If-Range": etag})
        assert same.status_code == 206
        other = door.get(
            "/data/latest/bounds.parquet", headers={"Range": asked, "If-Range": '"older"'}
        )
        assert (other.status_code, other.content) == (200, file)


def test_scripts_of_other_sites_may_read(door: Door) -> None:
    asked = httpx.options(
        door.address + "/data/latest/bounds.parquet",
        headers={"Origin": "https://paper.example", "Access-Control-Request-Method": "GET"},
    )
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "Range" in asked.headers["access-control-allow-headers"]
    read = door.get("/data/latest/bounds.parquet")
    assert read.headers["access-control-allow-origin"] == "*"


def test_the_list_of_releases_and_their_files(door: Door) -> None:
    said = door.get("/data/index.json").json()
    assert said["latest"] == VERSION
    assert said["versions"] == [VERSION]
    assert door.get(f"/data/{VERSION}/README.txt").status_code == 200
    assert "CC BY 4.0" in door.get("/data/latest/LICENSE.txt").text


def test_the_citation_names_this_version_and_title() -> None:
    root = Path(__file__).parents[1]
    said = yaml.safe_load((root / "CITATION.cff").read_text())
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert said["version"] == project["version"]
    assert said["title"] == dataset.TITLE
    assert {"authors", "cff-version", "message", "title"} <= set(said)
