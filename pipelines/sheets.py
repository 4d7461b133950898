"""Rows from a file that somebody else made: CSV, a spreadsheet or JSON."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipelines.fields import Table

LARGEST = 50_000_000
"""Bytes: more is no list that somebody typed."""

SHEETS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}


class UnreadableRowsError(Exception):
    """The file has no rows to read; the message says what stood in the way."""


def read_rows(path: Path, table: Table) -> list[tuple[str, dict[str, str]]]:
    """The rows of a file, each with the place that it came from ("row 3 of new.csv").

    The first row names the columns of ``table``, in any order; columns may be left out. Cells are
    text without blanks around. Raises UnreadableRowsError.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise UnreadableRowsError(f"{path} cannot be read ({error.strerror})") from None
    if size > LARGEST:
        raise UnreadableRowsError(f"{path} is larger than {LARGEST:,} bytes")
    if not content.strip():
        raise UnreadableRowsError(f"{path} is empty")
    kind = path.suffix.lower()
    if kind == ".json":
        return _rows_of_json(path, content, table)
    if kind in SHEETS:
        grid = _sheet(path)
    elif kind in {".csv", ".tsv", ".txt"}:
        grid = _csv(path, content)
    else:
        raise UnreadableRowsError(
            f"{path} is of an unknown kind; use .csv, .json or a spreadsheet "
            f"({', '.join(sorted(SHEETS))})"
        )
    return _rows_of_grid(path, grid, table)


def _csv(path: Path, content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableRowsError(
            f"{path}: line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file "
            "as UTF-8"
        ) from None
    if "\x00" in text:
        raise UnreadableRowsError(f"{path} has a NUL character; save it as plain text")
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise UnreadableRowsError(
            f"{path}: line {reader.line_num}: broken CSV ({error}); a quote inside a quoted field "
            'is written twice: ""'
        ) from None


def _sheet(path: Path) -> list[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(path)
        grid = workbook.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise UnreadableRowsError(f"{path} cannot be read as a spreadsheet ({error})") from None
    return [[_text(cell) for cell in row] for row in grid]


def _text(cell: Any) -> str:
    """A spreadsheet's cell as the ledger writes it: 170, not 170.0; days as YYYY-MM-DD."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _rows_of_grid(
    path: Path, grid: list[list[str]], table: Table
) -> list[tuple[str, dict[str, str]]]:
    header = [name.strip() for name in grid[0]]
    while header and not header[-1]:
        header.pop()
    _check_columns(path, header, table)
    rows = []
    for number, cells in enumerate(grid[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(header) :]) or len(cells) < len(header):
            raise UnreadableRowsError(
                f"row {number} of {path}: {len(cells)} cells, but the header has {len(header)}; a "
                'cell with a comma needs "quotes"'
            )
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        rows.append((f"row {number} of {path}", row))
    if not rows:
        raise UnreadableRowsError(f"{path} has a header but no rows")
    return rows


def _rows_of_json(path: Path, content: bytes, table: Table) -> list[tuple[str, dict[str, str]]]:
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except RecursionError:
        raise UnreadableRowsError(f"{path} is nested too deeply") from None
    except ValueError as error:
        raise UnreadableRowsError(f"{path} is not JSON ({error})") from None
    if not isinstance(found, list) or not found:
        raise UnreadableRowsError(f"{path} must be a list of objects, one a row")
    rows = []
    for number, entry in enumerate(found, start=1):
        origin = f"row {number} of {path}"
        if not isinstance(entry, dict):
            raise UnreadableRowsError(f"{origin} is not an object of columns and values")
        _check_columns(origin, entry, table)
        for column, value in entry.items():
            if isinstance(value, bool) or not isinstance(value, (str, int, type(None))):
                raise UnreadableRowsError(
                    f"{origin}: {column}: {json.dumps(value)[:80]} is neither text nor a whole "
                    "number"
                )
        rows.append((origin, {c: "" if v is None else str(v).strip() for c, v in entry.items()}))
    return rows


def _check_columns(where: Path | str, columns: Iterable[str], table: Table) -> None:
    columns = list(columns)
    for column in columns:
        if column not in table.columns:
            close = difflib.get_close_matches(column, table.columns, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise UnreadableRowsError(
                f"{where}: {column[:80]!r} is no column of {table.name}{hint}; the columns are "
                f"{', '.join(table.columns)}"
            )
    twice = {column for column in columns if columns.count(column) > 1}
    if twice:
        raise UnreadableRowsError(f"{where}: {sorted(twice)[0]!r} is there twice")
    key = table.key[0]
    missing = [
        f.name for f in table.fields if f.required and f.name != key and f.name not in columns
    ]
    if missing:
        raise UnreadableRowsError(
            f"{where}: the required column{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing"
        )
