"""The query interface: ``/api/v1/TABLE?column=value`` over the tables of a release.

DuckDB answers from tables in memory: it can neither write nor reach a file, a value reaches it as
a parameter only, and one that takes too long is interrupted.
"""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dashboards import releases
from dashboards.downloads import FOR_EVER, FOR_NOW, release_path
from dashboards.openapi import describe
from dashboards.pages import render
from dashboards.queries import FORMATS, Ids, Query, cursor_after, read_query
from dashboards.shelf import OPEN_TO_ALL, Answer, Kept, Shelf, finish
from pipelines.dataset import neutralised
from pipelines.fields import RELEASE, Table, arrow_schema, released

SECONDS = 5.0
"""The longest that one query may take."""
_MEMORY = "512MB"
_AT_ONCE = 4
_KEPT = 1 << 20
_LONGEST = 4_000
_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "excel": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_turns = threading.BoundedSemaphore(_AT_ONCE)


def add_api(path: Path, shelf: Shelf) -> APIRouter:
    """The routes under ``/api`` for the releases in a directory."""
    router = APIRouter()

    @router.api_route("/api/v1/openapi.json", methods=["GET", "HEAD"])
    def openapi() -> Response:
        body = json.dumps(describe(), ensure_ascii=False).encode()
        answer = finish(body, "application/json", path, {**OPEN_TO_ALL, "Cache-Control": FOR_NOW})
        shelf.put("/api/v1/openapi.json", answer)
        return Kept(answer)

    @router.api_route("/api/", methods=["GET", "HEAD"])
    def manual() -> Response:
        release = releases.latest(path)
        body = render("api.html", release=release, tables=RELEASE, formats=FORMATS).encode()
        answer = finish(
            body, "text/html; charset=utf-8", path / "latest", {"Cache-Control": FOR_NOW}
        )
        shelf.put("/api/", answer)
        return Kept(answer)

    @router.api_route("/api/v1/{name}", methods=["GET", "HEAD"])
    def query(request: Request, name: str) -> Response:
        return _answer(path, shelf, name, request.url.query)

    return router


def _answer(path: Path, shelf: Shelf, name: str, text: str) -> Response:
    try:
        table = released(name)
    except KeyError:
        told = [f"there is no table {name!r}; there are {', '.join(t.name for t in RELEASE)}"]
        return _refused(404, told)
    if len(text) > _LONGEST:
        return _refused(414, [f"a query has at most {_LONGEST:,} characters"])
    latest = releases.latest_path(path)
    pairs = parse_qsl(text, keep_blank_values=True)
    query, problems = read_query(table, pairs, _ids(latest))
    home = release_path(path, query.release)
    if home is None:
        problems.append(
            f"release: {query.release!r} is not kept here; /data/index.json lists those that are"
        )
    if problems or home is None:
        return _refused(400, problems)
    address = f"/api/v1/{name}?{text}" if text else f"/api/v1/{name}"
    try:
        return Kept(shelf.once(address, lambda: _made(path, name, text, home, query), _KEPT))
    except TimeoutError:
        return _refused(503, ["the query took too long; ask for fewer rows or download the table"])
    except duckdb.ConversionException:
        return _refused(400, ["cursor: not one that this table's answers gave as `next`"])


def _made(path: Path, name: str, text: str, home: Path, query: Query) -> Answer:
    """The rows in the format asked for."""
    rows = _rows(home, query)
    more = rows.num_rows > query.limit
    rows = rows.slice(0, query.limit)
    onward = _onward(name, text, query, home.name, rows) if more else None
    rows = rows.select(query.columns)
    body = _body(query, rows, home.name, onward)
    headers = {
        **OPEN_TO_ALL,
        "Cache-Control": FOR_NOW if query.release == "latest" else FOR_EVER,
        "Link": ", ".join(
            [
                *([f'<{onward}>; rel="next"'] if onward else []),
                f'</data/{home.name}/datapackage.json>; rel="describedby"',
            ]
        ),
    }
    if query.format != "json":
        kind = "csv" if query.format == "excel" else query.format
        headers["Content-Disposition"] = (
            f'attachment; filename="facetally-{name}-{home.name}.{kind}"'
        )
    compress = query.format != "parquet"
    standing = path / query.release
    return finish(body, _TYPES[query.format], standing, headers, compress, time.time(), True)


def _refused(status: int, problems: list[str]) -> Response:
    said = {"status": status, "error": "; ".join(problems), "problems": problems}
    said["documentation"] = "/api/"
    headers = {**OPEN_TO_ALL, "Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = "10"
    return JSONResponse(said, status, headers=headers)


def _onward(name: str, text: str, query: Query, version: str, rows: pa.Table) -> str:
    """The address of the next page: the same query, going on behind the last row."""
    last = rows.slice(rows.num_rows - 1).to_pylist()[0]
    pairs = [
        (key, value)
        for key, value in parse_qsl(text, keep_blank_values=True)
        if key not in {"cursor", "offset", "release"}
    ]
    return f"/api/v1/{name}?{urlencode([*pairs, ('cursor', cursor_after(query, version, last))])}"


def _body(query: Query, rows: pa.Table, version: str, onward: str | None) -> bytes:
    buffer = io.BytesIO()
    if query.format == "json":
        said = {"release": version, "table": query.table.name, "next": onward}
        said |= {"rows": rows.to_pylist()}
        return json.dumps(said, ensure_ascii=False, default=str).encode()
    if query.format == "parquet":
        pyarrow.parquet.write_table(rows, buffer, compression="zstd")
        return buffer.getvalue()
    flat = _flat(query.table, rows, query.format == "excel")
    flat.write_csv(
        buffer,
        include_bom=query.format == "excel",
        line_terminator="\r\n" if query.format == "excel" else "\n",
    )
    return buffer.getvalue()


def _flat(table: Table, rows: pa.Table, excel: bool) -> pl.DataFrame:
    """Lists as their items with spaces between; for spreadsheets, no cell that runs."""
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    lists = [name for name in frame.columns if table.field(name).type == "slugs"]
    frame = frame.with_columns(pl.col(name).list.join(" ") for name in lists)
    if not excel:
        return frame
    return frame.select(
        neutralised(pl.col(name)) if kind == pl.String else pl.col(name)
        for name, kind in frame.schema.items()
    )


def _rows(home: Path, query: Query) -> pa.Table:
    """The rows, one more than asked for where there are more; TimeoutError after ``SECONDS``."""
    statement, parameters = query.sql()
    with _cursor(home) as cursor:
        return cursor.sql(statement, params=parameters).to_arrow_table()


@contextmanager
def _cursor(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor of its own for one request, interrupted when its time is over."""
    if not _turns.acquire(timeout=SECONDS):
        raise TimeoutError
    cursor = _database(home, home.stat().st_mtime_ns).cursor()
    timer = threading.Timer(SECONDS, cursor.interrupt)
    timer.start()
    try:
        yield cursor
    except duckdb.InterruptException:
        raise TimeoutError from None
    finally:
        timer.cancel()
        cursor.close()
        _turns.release()


@lru_cache(maxsize=3)
def _database(home: Path, _modified: int) -> duckdb.DuckDBPyConnection:
    """The release's tables in memory, closed to files, networks and changes of settings."""
    con = duckdb.connect(":memory:")
    con.execute(f"set memory_limit = '{_MEMORY}'")
    con.execute("set threads = 2")
    for table in RELEASE:
        # A release that is older than a column, or a table, has it blank.
        con.register("blank", arrow_schema(table).empty_table())
        file = home / f"{table.name}.parquet"
        held = "from read_parquet(?) union all by name " if file.is_file() else ""
        given = [str(file)] if held else []
        con.execute(f"create table {table.name} as {held}from blank", given)
        con.unregister("blank")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con


@lru_cache(maxsize=2)
def _ids(home: Path) -> Ids:
    release = releases.read(home)
    return Ids(
        {
            table.name: release.tables[table.name][table.key[0]].to_list()
            for table in RELEASE
            if table.name in {"agencies", "systems", "sources", "duties"}
        }
    )
