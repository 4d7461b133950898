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
    """The file has no rows to read; the message says, a line each, all that stood in the way."""


def read_rows(path: Path, table: Table) -> list[tuple[str, dict[str, str]]]:
    """The rows of a file, each with the place that it came from ("row 3 of new.csv", and its line
    where cells above it have line breaks).

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
        raise UnreadableRowsError(f"{path} is empty; {_wanted(table)}")
    kind = path.suffix.lower()
    if kind == ".json":
        return _rows_of_json(path, content, table)
    if kind in SHEETS:
        grid = list(enumerate(_sheet(path), start=1))
    elif kind in {".csv", ".tsv", ".txt"}:
        grid = _csv(path, content)
    else:
        raise UnreadableRowsError(
            f"{path} is of an unknown kind; use .csv, .json or a spreadsheet "
            f"({', '.join(sorted(SHEETS))})"
        )
    return _rows_of_grid(path, grid, table)


def _wanted(table: Table) -> str:
    """What a file needs at least."""
    names = ", ".join(f.name for f in table.fields if f.required and f.name != table.key[0])
    return f"its first row names columns ({names} at least), and each row below it is one to add"


def _csv(path: Path, content: bytes) -> list[tuple[int, list[str]]]:
    """The records of the file, each with its first line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableRowsError(
            f"{path}: line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file "
            "as UTF-8"
        ) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise UnreadableRowsError(
            f"{path}: line {line} has a NUL character; save the file as plain text"
        )
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    records, line = [], 1
    try:
        for record in reader:
            records.append((line, record))
            line = reader.line_num + 1
        return records
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
        raise UnreadableRowsError(
            f"{path} cannot be read as a spreadsheet ({error}); save it again, or as .csv"
        ) from None
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
    path: Path, grid: list[tuple[int, list[str]]], table: Table
) -> list[tuple[str, dict[str, str]]]:
    header = [name.strip() for name in grid[0][1]]
    while header and not header[-1]:
        header.pop()
    problems = _column_problems(path, header, table)
    rows = []
    for number, (line, cells) in enumerate(grid[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        origin = f"row {number} of {path}" + (f" (line {line})" if line != number else "")
        if any(cell.strip() for cell in cells[len(header) :]) or len(cells) < len(header):
            problems.append(
                f"{origin}: {len(cells)} cells, but the header has {len(header)}; a cell with a "
                'comma needs "quotes"'
            )
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        rows.append((origin, row))
    if problems:
        raise UnreadableRowsError("\n".join(problems))
    if not rows:
        raise UnreadableRowsError(f"{path} has a header but no rows; each row below it is one")
    return rows


def _rows_of_json(path: Path, content: bytes, table: Table) -> list[tuple[str, dict[str, str]]]:
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except RecursionError:
        raise UnreadableRowsError(f"{path} is nested too deeply; {_WANTED_JSON}") from None
    except ValueError as error:
        raise UnreadableRowsError(f"{path} is not JSON ({error}); {_WANTED_JSON}") from None
    if not isinstance(found, list) or not found:
        raise UnreadableRowsError(f"{path} must be a list of objects, one a row; {_WANTED_JSON}")
    rows = []
    problems = []
    for number, entry in enumerate(found, start=1):
        origin = f"row {number} of {path}"
        if not isinstance(entry, dict):
            shown = json.dumps(entry)[:80]
            problems.append(
                f"{origin} is not an object of columns and values but {shown}; {_WANTED_JSON}"
            )
            continue
        problems += _column_problems(origin, entry, table)
        problems += [
            f"{origin}: {column}: {json.dumps(value)[:80]} is neither text nor a whole number; "
            'write it in "quotes"'
            for column, value in entry.items()
            if isinstance(value, bool) or not isinstance(value, (str, int, type(None)))
        ]
        rows.append((origin, {c: "" if v is None else str(v).strip() for c, v in entry.items()}))
    if problems:
        raise UnreadableRowsError("\n".join(problems))
    return rows


_WANTED_JSON = 'write [{"column": "value", ...}, ...]'


def _column_problems(where: Path | str, columns: Iterable[str], table: Table) -> list[str]:
    """Columns that are unknown, there twice, or missing."""
    columns = list(columns)
    problems = []
    unknown = [column for column in dict.fromkeys(columns) if column not in table.columns]
    for column in unknown:
        close = difflib.get_close_matches(column, table.columns, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        problems.append(f"{where}: {column[:80]!r} is no column of {table.name}{hint}")
    if unknown:
        problems[-1] += f"; the columns are {', '.join(table.columns)}"
    twice = sorted({column for column in columns if columns.count(column) > 1})
    problems += [
        f"{where}: the column {column!r} is there twice; keep one"
        for column in twice
        if column not in unknown
    ]
    key = table.key[0]
    missing = [
        f.name for f in table.fields if f.required and f.name != key and f.name not in columns
    ]
    if missing:
        problems.append(
            f"{where}: the required column{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing"
        )
    return problems
