"""Finding an event log's files and the mapped columns in them.

Only the columns that were mapped are ever read: headers are compared with the mapped names and
not kept, and no message quotes what stands in any other column.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, cast
from urllib.parse import quote

import fastexcel
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

Kind = Literal["csv", "jsonl", "parquet", "excel"]

_KINDS: dict[str, Kind] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".psv", ".txt"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), "excel"),
}
_DELIMITERS = (",", ";", "\t", "|", ":", "^", "~", "\x1f")
_HEADER_WITHIN = 50
_LOOK_AHEAD = 1 << 18
_CHUNK = 1 << 22

Row = tuple[str | None, ...]
"""The mapped cells of one row, in the order of the mapping."""


@dataclass(frozen=True)
class LogProblem:
    """One thing wrong with an import: where (an option or a file), the line (0: the whole), the
    column, and what would be right."""

    where: str
    line: int
    column: str
    message: str

    def __str__(self) -> str:
        line = f":{self.line}" if self.line else ""
        column = f"{self.column}: " if self.column else ""
        return f"{self.where}{line}: {column}{self.message}"


class RefusedLogError(Exception):
    """The log was not imported; ``problems`` lists every reason. Nothing was written."""

    def __init__(self, problems: Sequence[LogProblem]) -> None:
        super().__init__(f"{len(problems)} problems with the log")
        self.problems = list(problems)


@dataclass(frozen=True)
class LogFile:
    """One file and where its mapped columns are.

    positions: of the mapped columns, in the mapping's order (CSV, Excel); width: columns in all.
    lead: physical lines (CSV) or rows (Excel) up to and with the header.
    types: of the mapped columns (Parquet).
    """

    path: str
    kind: Kind
    sha256: str
    size: int
    encoding: str = "utf-8"
    delimiter: str = ""
    positions: tuple[int, ...] = ()
    width: int = 0
    lead: int = 0
    sheet: str = ""
    types: tuple[pa.DataType, ...] = ()

    @property
    def shape(self) -> tuple[object, ...]:
        """Files of one shape can be scanned as one table."""
        return (
            self.kind,
            self.encoding,
            self.delimiter,
            self.positions,
            self.width,
            self.lead,
            self.types,
        )


def find_files(patterns: Sequence[str]) -> list[str]:
    """The files that the paths, globs and addresses name, in order and each once.

    Raises RefusedLogError where one names nothing, or something that is no log.
    """
    found: set[str] = set()
    problems = []
    for pattern in patterns:
        paths = _matching(pattern)
        found.update(paths)
        if not paths:
            problems.append(LogProblem(pattern, 0, "", "no such file"))
    for path in sorted(found):
        if _file_info(path).type == pafs.FileType.Directory:
            problems.append(LogProblem(path, 0, "", f"is a directory; write {path}/*.csv"))
        elif _suffix(path) not in _KINDS:
            problems.append(
                LogProblem(
                    path, 0, "", f"the name should end in one of {', '.join(sorted(_KINDS))}"
                )
            )
    if problems:
        raise RefusedLogError(problems)
    return sorted(found)


def open_files(
    paths: Sequence[str],
    columns: Mapping[str, str],
    encoding: str,
    delimiter: str,
    share: Callable[[float], None],
) -> list[LogFile]:
    """Fingerprint each file and find the mapped columns in it.

    columns: the mapping, role -> name in the header. encoding and delimiter: blank to find out.
    Raises RefusedLogError with every problem of every file.
    """
    sizes = {path: _file_info(path).size or 0 for path in paths}
    total, done = max(1, sum(sizes.values())), 0
    files: list[LogFile] = []
    problems: list[LogProblem] = []
    copies: dict[str, str] = {}
    for path in paths:

        def read(count: int, before: int = done) -> None:
            share((before + count) / total)

        try:
            kind = _KINDS[_suffix(path)]
            spelling = _encoding_of(path, encoding) if kind in {"csv", "jsonl"} else ""
            sha256 = _fingerprint(path, spelling, read)
            if sha256 in copies:
                raise _refused(path, f"has the same content as {copies[sha256]}; leave one out")
            copies[sha256] = path
            plain = LogFile(path, kind, sha256, sizes[path], spelling)
            files.append(_LOCATE[kind](plain, columns, delimiter))
        except RefusedLogError as refused:
            problems += refused.problems
        except OSError as error:
            problems.append(LogProblem(path, 0, "", f"cannot be read ({_reason(error)})"))
        done += sizes[path]
    if problems:
        raise RefusedLogError(problems)
    return files


def unchanged(files: Sequence[LogFile]) -> bool:
    """Whether the files still have the size that they were opened with."""
    return all(_file_info(f.path).size == f.size for f in files)


def fingerprint(files: Sequence[LogFile]) -> str:
    """The sha256 of the log: of its file, or of its files' sorted sha256s, a line each."""
    if len(files) == 1:
        return files[0].sha256
    lines = sorted(f"{f.sha256}\n" for f in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def in_batches(file: LogFile, columns: Mapping[str, str], size: int) -> Iterator[pa.Table]:
    """The mapped columns of a file as text, a column a role, and `malformed`.

    For what an engine does not read itself: Excel, and text in encodings other than UTF-8.
    """
    rows = read_rows(file, columns)
    schema = pa.schema([*((role, pa.string()) for role in columns), ("malformed", pa.bool_())])
    empty: Row = (None,) * len(columns)
    while batch := list(islice(rows, size)):
        cells = [(*(row or empty), row is None) for _, row in batch]
        yield pa.table([pa.array(c) for c in zip(*cells, strict=True)], schema=schema)


def read_rows(file: LogFile, columns: Mapping[str, str]) -> Iterator[tuple[int, Row | None]]:
    """Each row's line (from 1, as an editor counts) and its mapped cells; None if malformed.

    Raises RefusedLogError where a CSV or JSON file is not in the encoding declared.
    """
    try:
        if file.kind == "csv":
            yield from _csv_rows(file)
        elif file.kind == "jsonl":
            yield from _json_rows(file, list(columns.values()))
        elif file.kind == "excel":
            yield from _excel_rows(file)
        else:
            yield from _parquet_rows(file, list(columns.values()))
    except UnicodeDecodeError as error:
        raise _refused(
            file.path,
            f"byte 0x{error.object[error.start]:02x} is not {file.encoding}; "
            "say the right one with --encoding",
        ) from None


# --- files, here and elsewhere ---------------------------------------------------------------


def _filesystem(path: str) -> tuple[pafs.FileSystem, str]:
    if "://" not in path:
        return pafs.LocalFileSystem(), path
    scheme, rest = path.split("://", 1)
    address = f"{'s3' if scheme == 's3a' else scheme}://{quote(rest, safe='/:@?&=%+,')}"
    return cast(tuple[pafs.FileSystem, str], pafs.FileSystem.from_uri(address))


def _file_info(path: str) -> pafs.FileInfo:
    system, inside = _filesystem(path)
    return system.get_file_info(inside)


def _matching(pattern: str) -> list[str]:
    if _file_info(pattern).type != pafs.FileType.NotFound:
        return [pattern]
    if not any(c in pattern for c in "*?["):
        return []
    if "://" not in pattern:
        path = Path(pattern)
        inside = str(path.relative_to(path.anchor))
        return [str(found) for found in Path(path.anchor).glob(inside) if found.is_file()]
    fixed = pattern[: min(pattern.index(c) for c in "*?[" if c in pattern)]
    base = fixed.rsplit("/", 1)[0]
    system, inside = _filesystem(base)
    prefix = base.removesuffix(inside)
    selector = pafs.FileSelector(inside, allow_not_found=True, recursive=True)
    return [
        f"{prefix}{info.path}"
        for info in system.get_file_info(selector)
        if info.type == pafs.FileType.File and fnmatch(f"{prefix}{info.path}", pattern)
    ]


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _open(path: str) -> BinaryIO:
    system, inside = _filesystem(path)
    return cast(BinaryIO, system.open_input_file(inside))


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _refused(path: str, message: str, line: int = 0, column: str = "") -> RefusedLogError:
    return RefusedLogError([LogProblem(path, line, column, message)])


def _encoding_of(path: str, declared: str) -> str:
    """The file's encoding: a byte order mark's, the declared one, or UTF-8."""
    with _open(path) as stream:
        start = stream.read(4)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if not declared:
        return "utf-8"
    name = codecs.lookup(declared).name
    return "utf-8" if name in {"ascii", "utf-8-sig"} else name


def _fingerprint(path: str, encoding: str, read: Callable[[int], None]) -> str:
    """The file's sha256. Raises RefusedLogError where text said to be UTF-8 is not."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")() if encoding == "utf-8" else None
    count = lines = 0
    with _open(path) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            if decoder:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    raise _not_utf8(path, error, lines) from None
                lines += chunk.count(b"\n")
            count += len(chunk)
            read(count)
    if not count:
        raise _refused(path, "the file is empty")
    return digest.hexdigest()


def _not_utf8(path: str, error: UnicodeDecodeError, lines: int) -> RefusedLogError:
    return _refused(
        path,
        f"byte 0x{error.object[error.start]:02x} is not UTF-8; say which encoding it is with "
        "--encoding, such as cp1252",
        lines + error.object.count(b"\n", 0, error.start) + 1,
    )


# --- finding the mapped columns --------------------------------------------------------------


def _locate_in_csv(file: LogFile, columns: Mapping[str, str], delimiter: str) -> LogFile:
    csv.field_size_limit(sys.maxsize)
    text = _start(file)
    best: tuple[int, int, str, list[str]] | None = None
    for candidate in [delimiter] if delimiter else _DELIMITERS:
        for line, record in _records(text, candidate):
            if all(name in record for name in columns.values()):
                rank = (line, -len(record), candidate, record)
                best = rank if best is None or rank[:2] < best[:2] else best
                break
    if best is None:
        first = [record for _, record in islice(_records(text, delimiter or ","), _HEADER_WITHIN)]
        raise _no_header(file.path, columns, first, "line")
    line, _, found, header = best
    positions = _positions(file.path, columns, header, line)
    return replace(file, delimiter=found, positions=positions, width=len(header), lead=line)


def _start(file: LogFile) -> str:
    with _open(file.path) as stream:
        content = stream.read(_LOOK_AHEAD)
    text = codecs.getincrementaldecoder(file.encoding)(errors="replace").decode(content)
    return text.removeprefix("\ufeff")


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The first records with the line on which each ends; stripped."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for record in islice(reader, _HEADER_WITHIN):
            yield reader.line_num, [cell.strip() for cell in record]
    except csv.Error:
        return


def _positions(
    path: str, columns: Mapping[str, str], header: Sequence[str], line: int
) -> tuple[int, ...]:
    twice = sorted({name for name in columns.values() if header.count(name) > 1})
    if twice:
        raise RefusedLogError(
            [
                LogProblem(path, line, name, "stands twice in the header; rename one")
                for name in twice
            ]
        )
    return tuple(header.index(name) for name in columns.values())


def _no_header(
    path: str, columns: Mapping[str, str], records: Sequence[Sequence[str]], unit: str
) -> RefusedLogError:
    """A problem for each name that no record has. A record may be data, so none is quoted: only
    a cell that is the name but for case, blanks and punctuation is suggested."""
    problems = []
    for name in columns.values():
        spelled = [c for record in records for c in record if c != name and _bare(c) == _bare(name)]
        if any(name in record for record in records):
            continue
        hint = f"did you mean {spelled[0]!r}?" if spelled else "look at the file's header"
        message = f"no column of that name in the first {_HEADER_WITHIN} {unit}s; {hint}"
        problems.append(LogProblem(path, 0, name, message))
    if not problems:
        names = ", ".join(columns.values())
        problems = [LogProblem(path, 0, "", f"no {unit} names all of {names}")]
    return RefusedLogError(problems)


def _bare(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _locate_in_json(file: LogFile, columns: Mapping[str, str], _: str) -> LogFile:
    keys: set[str] = set()
    with _text(file) as stream:
        for line in islice((li for li in stream if li.strip()), _HEADER_WITHIN):
            if line.lstrip().startswith("["):
                raise _refused(file.path, "is a JSON array; write one object a line", 1)
            keys.update(_object(line))
    missing = {role: name for role, name in columns.items() if name not in keys}
    if missing:
        raise _no_header(file.path, missing, [sorted(keys)], "line")
    return file


def _locate_in_parquet(file: LogFile, columns: Mapping[str, str], _: str) -> LogFile:
    try:
        with _open(file.path) as stream:
            schema = pq.read_schema(stream)
    except pa.ArrowInvalid:
        raise _refused(file.path, "is not a Parquet file") from None
    missing = {role: name for role, name in columns.items() if name not in schema.names}
    if missing:
        raise _no_header(file.path, missing, [schema.names], "row")
    _positions(file.path, columns, schema.names, 0)
    types = tuple(schema.field(name).type for name in columns.values())
    return replace(file, types=types)


def _locate_in_excel(file: LogFile, columns: Mapping[str, str], _: str) -> LogFile:
    try:
        book = _workbook(file)
        sheets = book.sheet_names
    except fastexcel.FastExcelError:
        raise _refused(file.path, "is not a workbook that can be read") from None
    seen: list[list[str]] = []
    for sheet in sheets:
        top = _cells(book, sheet, None, _HEADER_WITHIN)
        for number, record in enumerate(top, 1):
            header = [(cell or "").strip() for cell in record]
            seen.append(header)
            if all(name in header for name in columns.values()):
                positions = _positions(file.path, columns, header, number)
                return replace(file, positions=positions, lead=number, sheet=sheet)
    raise _no_header(file.path, columns, seen, "row")


_LOCATE: dict[Kind, Callable[[LogFile, Mapping[str, str], str], LogFile]] = {
    "csv": _locate_in_csv,
    "jsonl": _locate_in_json,
    "parquet": _locate_in_parquet,
    "excel": _locate_in_excel,
}


# --- reading rows in Python ------------------------------------------------------------------


def _text(file: LogFile) -> io.TextIOWrapper:
    encoding = "utf-8-sig" if file.encoding == "utf-8" else file.encoding
    return io.TextIOWrapper(_open(file.path), encoding=encoding, newline="")


def _csv_rows(file: LogFile) -> Iterator[tuple[int, Row | None]]:
    with _text(file) as stream:
        for _ in range(file.lead):
            next(stream)
        reader = csv.reader(stream, delimiter=file.delimiter, strict=True)
        while True:
            line = file.lead + reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield line, None
                continue
            if len(record) == file.width:
                yield line, tuple(record[p] or None for p in file.positions)
            elif record:
                yield line, None


def _json_rows(file: LogFile, names: Sequence[str]) -> Iterator[tuple[int, Row | None]]:
    with _text(file) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                found = _object(line)
                yield number, tuple(_json_text(found.get(name)) for name in names)


def _object(line: str) -> dict[str, object]:
    """The object on a line; empty where it is none, as the engines read it."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _json_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _parquet_rows(file: LogFile, names: Sequence[str]) -> Iterator[tuple[int, Row | None]]:
    number = 0
    with _open(file.path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=list(dict.fromkeys(names))):
            columns = [batch.column(name).to_pylist() for name in names]
            for cells in zip(*columns, strict=True):
                number += 1
                yield number, tuple(None if cell is None else str(cell) for cell in cells)


def _excel_rows(file: LogFile) -> Iterator[tuple[int, Row | None]]:
    rows = _cells(_workbook(file), file.sheet, file.positions, None, file.lead)
    # A sheet often ends in rows that were formatted and never filled.
    while rows and not any(rows[-1]):
        rows.pop()
    yield from enumerate(rows, file.lead + 1)


def _workbook(file: LogFile) -> fastexcel.ExcelReader:
    with _open(file.path) as stream:
        return fastexcel.read_excel(stream.read())


def _cells(
    book: fastexcel.ExcelReader,
    sheet: str,
    positions: Sequence[int] | None,
    count: int | None,
    skip: int = 0,
) -> list[Row]:
    """The cells of a sheet as text, of some columns and rows only."""
    wanted = None if positions is None else sorted(set(positions))
    table = book.load_sheet(
        sheet, header_row=None, skip_rows=skip, n_rows=count, use_columns=wanted, dtypes="string"
    ).to_arrow()
    columns = [table.column(i).to_pylist() for i in range(table.num_columns)]
    if wanted is not None and positions is not None:
        columns = [columns[wanted.index(p)] for p in positions]
    return list(zip(*columns, strict=True))
