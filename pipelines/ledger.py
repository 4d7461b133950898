"""Reading the ledger and saying everything that is wrong with it.

:func:`read_ledger` reads the files and returns them with a list of problems, all of them at
once. Only a ledger without problems is built.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from pipelines import periods, wording
from pipelines.fields import LEDGER, LEDGER_FILES, OPTIONAL_FILES, Field, Table

LARGEST_COUNT = 10**12
"""No agency runs a trillion searches: a larger number is a slip of the pen."""

EARLIEST_DAY = date(1960, 1, 1)
"""No machine recognised a face before."""

LONGEST_DELAY = 3_653
"""No rule gives an agency more than ten years, in days."""

LONGEST_CELL = 4_000

_RATE = "a rate needs the first and last day that it covers"
_SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with the ledger: where, what, and what would be right."""

    file: str
    line: int
    column: str
    message: str

    def __str__(self) -> str:
        column = f"{self.column}: " if self.column else ""
        return f"{self.file}:{self.line}: {column}{self.message}"

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)


@dataclass(frozen=True)
class Ledger:
    """The tables as text (`corrections` may be empty), blanks as "", with the line of each row in
    column `line`.

    ``reports`` also has `stated_low` and `stated_high` (null: no upper bound), the interval that
    one row states, before a rate is multiplied.
    """

    tables: dict[str, pl.DataFrame]
    sha256: str

    def __getitem__(self, name: str) -> pl.DataFrame:
        return self.tables[name]


def read_ledger(directory: Path) -> tuple[Ledger, list[Problem]]:
    """Read and check ``directory``/*.csv.

    Returns the ledger (tables with problems may lack rows) and every problem found, in order of
    file and line. Raises nothing for bad content.
    """
    problems: list[Problem] = []
    tables: dict[str, pl.DataFrame] = {}
    fingerprint = hashlib.sha256()
    contents = _read_files(directory, problems)
    for table in LEDGER_FILES:
        content = contents.pop(table.name)
        if content is None:
            tables[table.name] = _empty(table)
            continue
        fingerprint.update(f"{table.name}:{len(content)}:".encode() + content)
        tables[table.name] = _read_table(table, f"{table.name}.csv", content, problems)
    for table in LEDGER_FILES:
        problems += _field_problems(table, tables)
        problems += _duplicate_keys(table, tables[table.name])
    problems += _agency_problems(tables["agencies"])
    problems += _statement_problems(tables)
    problems += _duty_problems(tables["duties"])
    problems += _report_problems(tables)
    problems += _correction_problems(tables)
    return Ledger(tables, fingerprint.hexdigest()), sorted(set(problems))


# --- the files -------------------------------------------------------------------------------


def _read_files(directory: Path, problems: list[Problem]) -> dict[str, bytes | None]:
    """The bytes of each table's file; None for an optional one that is missing.

    What refers to another table is read before it, and whoever adds rows replaces it after it: so
    a ledger that is read meanwhile lacks no row that another one names.
    """
    contents: dict[str, bytes | None] = {}
    for table in reversed(LEDGER_FILES):
        path = directory / f"{table.name}.csv"
        missing = table.name in OPTIONAL_FILES and not path.exists()
        contents[table.name] = None if missing else _read_bytes(path, problems)
    return contents


def _read_bytes(path: Path, problems: list[Problem]) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problems.append(Problem(path.name, 1, "", f"the file is missing; expected {path}"))
    except OSError as error:
        problems.append(Problem(path.name, 1, "", f"cannot be read ({error.strerror})"))
    return b""


def _empty(table: Table) -> pl.DataFrame:
    return pl.DataFrame(schema={**dict.fromkeys(table.columns, pl.String), "line": pl.Int64})


def _read_table(table: Table, file: str, content: bytes, problems: list[Problem]) -> pl.DataFrame:
    """The rows of one file as text. Rows that are not well formed are reported and left out."""
    if not content:
        if not any(p.file == file for p in problems):
            problems.append(Problem(file, 1, "", "the file is empty; it needs a header line"))
        return _empty(table)
    text = _decode(file, content, problems)
    if text is None:
        return _empty(table)
    plain = _read_plain(table, text)
    if plain is not None:
        return plain
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[list[str]] = [[] for _ in table.columns]
    lines: list[int] = []
    start = 1
    try:
        header = next(reader)
        if header != table.columns:
            problems.append(Problem(file, 1, "", _header_message(header, table.columns)))
            return _empty(table)
        start = reader.line_num + 1
        for record in reader:
            if len(record) == len(columns):
                for column, cell in zip(columns, record, strict=True):
                    column.append(cell)
                lines.append(start)
            elif record:
                problems.append(
                    Problem(
                        file,
                        start,
                        "",
                        f"the row has {len(record)} fields, expected {len(columns)}; a field "
                        'with a comma needs "quotes"',
                    )
                )
            else:
                problems.append(Problem(file, start, "", "the line is blank; delete it"))
            start = reader.line_num + 1
    except csv.Error as error:
        problems.append(
            Problem(
                file,
                start,
                "",
                f'broken CSV ({error}); a quote inside a quoted field is written twice: ""',
            )
        )
    data = dict(zip(table.columns, columns, strict=True))
    return pl.DataFrame(
        {**data, "line": lines}, schema={**dict.fromkeys(data, pl.String), "line": pl.Int64}
    )


def _read_plain(table: Table, text: str) -> pl.DataFrame | None:
    """The rows of a well-formed file without quotes, read fast; None where it is anything else."""
    header, _, rows = text.partition("\n")
    lines = text.count("\n") - text.endswith("\n")
    if (
        not rows
        or header != ",".join(table.columns)
        or '"' in text
        or "\r" in text
        or text.count(",") != (lines + 1) * (len(table.columns) - 1)
    ):
        return None
    try:
        frame = pl.read_csv(
            text.encode(),
            schema=dict.fromkeys(table.columns, pl.String),
            quote_char=None,
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError:
        return None
    # No row is too long, and there are as many commas as rows of the right length have.
    if frame.height != lines:
        return None
    return frame.with_columns(line=pl.int_range(2, lines + 2, dtype=pl.Int64))


def _decode(file: str, content: bytes, problems: list[Problem]) -> str | None:
    if content.startswith(b"\xef\xbb\xbf"):
        problems.append(
            Problem(file, 1, "", "starts with a byte order mark; save as UTF-8 without BOM")
        )
        content = content[3:]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        problems.append(
            Problem(file, line, "", f"byte 0x{byte:02x} is not UTF-8; save the file as UTF-8")
        )
        return None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        problems.append(Problem(file, line, "", "a NUL character; save the file as plain text"))
        return None
    return text


def _header_message(found: list[str], expected: list[str]) -> str:
    missing = [c for c in expected if c not in found]
    unknown = [c for c in found if c not in expected]
    if missing or unknown:
        parts = [f"{len(missing)} missing: {', '.join(missing)}"] if missing else []
        more = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
        parts += [f"unknown: {', '.join(map(_shown, unknown[:8]))}{more}"] if unknown else []
        return f"wrong header ({'; '.join(parts)}); expected {','.join(expected)}"
    return f"the columns are not in order; expected {','.join(expected)}"


# --- checks that follow from the field definitions -------------------------------------------


def _found(
    table: str, frame: pl.DataFrame, column: str, wrong: pl.Expr, say: Callable[[str], str]
) -> list[Problem]:
    """A problem for each row of ``frame`` where ``wrong`` holds; ``say`` is given the value."""
    bad = frame.filter(wrong.fill_null(False)).select("line", column)
    return [Problem(f"{table}.csv", line, column, say(value)) for line, value in bad.iter_rows()]


def _shown(value: str) -> str:
    """A value as the message shows it: quoted, escaped and cut."""
    return ascii(value) if len(value) <= 80 else f"{value[:77]!a}..."


def _close(value: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(value, list(known), n=1, cutoff=0.6)
    return f"; did you mean {match[0]!r}?" if match else ""


Check = tuple[str, pl.Expr, Callable[[str], str]]
"""A column, what is wrong in it, and what to say of a value."""


def _field_problems(table: Table, tables: dict[str, pl.DataFrame]) -> list[Problem]:
    frame = tables[table.name]
    problems: list[Problem] = []
    checks: list[Check] = []
    for field in table.fields:
        checks += _cell_checks(field)
        if field.type == "date":
            problems += _unreadable_dates(table, field, frame, _read_day)
        elif field.type == "partial_date":
            problems += _unreadable_dates(table, field, frame, periods.span)
        if field.refers:
            problems += _unknown_ids(table, field, frame, tables)
    # Most checks find nothing, and to ask all at once is quick.
    broken = frame.select(
        wrong.fill_null(False).any().alias(str(n)) for n, (_, wrong, _) in enumerate(checks)
    ).row(0)
    for (column, wrong, say), is_broken in zip(checks, broken, strict=True):
        if is_broken:
            problems += _found(table.name, frame, column, wrong, say)
    return problems


def _cell_checks(field: Field) -> list[Check]:
    cell = pl.col(field.name)
    filled = cell != ""
    checks: list[Check] = [
        (
            field.name,
            cell.str.strip_chars() != cell,
            lambda v: f"{_shown(v)} has blanks around it; remove them",
        ),
        (
            field.name,
            cell.str.contains(
                r"[\x00-\x08\x0b-\x1f\x7f\u{80}-\u{9f}\u{2028}-\u{202e}\u{2066}-\u{2069}\u{feff}]"
            ),
            lambda v: f"{_shown(v)} has an invisible control character; remove it",
        ),
        (
            field.name,
            cell.str.len_chars() > LONGEST_CELL,
            lambda v: f"{len(v)} characters; at most {LONGEST_CELL} are allowed; shorten it",
        ),
    ]
    if field.required:
        checks.append((field.name, cell == "", lambda _: "is blank; it is required"))
    if field.type == "slug":
        wrong = filled & (~cell.str.contains(_SLUG) | (cell.str.len_chars() > 120))
        what = "is not an id; write at most 120 of a-z, 0-9 and single hyphens"
        checks.append((field.name, wrong, lambda v: f"{_shown(v)} {what}"))
    elif field.type == "integer":
        wrong = filled & ~cell.str.contains(r"^(0|[1-9][0-9]{0,11})$")
        what = "is not a whole number; write digits only, no separators"
        checks.append((field.name, wrong, lambda v: f"{_shown(v)} {what}"))
    elif field.type == "url":
        wrong = filled & ~cell.str.contains(r"^https?://[^\s<>\"'\\^`{|}]+$")
        what = "is not a web address; write http:// or https:// and the rest"
        checks.append((field.name, wrong, lambda v: f"{_shown(v)} {what}"))
    if field.values:
        words = ", ".join(field.values)
        checks.append(
            (
                field.name,
                filled & ~cell.is_in(field.values),
                lambda v: f"{_shown(v)} is not one of {words}{_close(v, field.values)}",
            )
        )
    return checks


def _read_day(text: str) -> object:
    if len(text) != 10:
        raise ValueError(f"{text!r} is not a day; write YYYY-MM-DD")
    return periods.span(text)


def _unreadable_dates(
    table: Table, field: Field, frame: pl.DataFrame, read: Callable[[str], object]
) -> list[Problem]:
    return _unreadable(table.name, frame, field.name, read)


def _unreadable(
    table: str, frame: pl.DataFrame, column: str, read: Callable[[str], object]
) -> list[Problem]:
    """A problem for each row whose cell is not blank and which ``read`` refuses."""
    reasons: dict[str, str] = {}
    for value in frame[column].unique().sort():
        if value:
            try:
                read(value)
            except ValueError as error:
                long = f"{_shown(value)} is no date; write YYYY-MM-DD"
                reasons[value] = long if len(value) > 200 else str(error)
    bad = frame.filter(pl.col(column).is_in(list(reasons))).select("line", column)
    return [Problem(f"{table}.csv", line, column, reasons[v]) for line, v in bad.iter_rows()]


def _unknown_ids(
    table: Table, field: Field, frame: pl.DataFrame, tables: dict[str, pl.DataFrame]
) -> list[Problem]:
    key = {t.name: t.key[0] for t in LEDGER}[field.refers]
    known = tables[field.refers][key].unique()
    named = frame.select(
        "line",
        pl.col(field.name).str.split(" ") if field.type == "slugs" else pl.concat_list(field.name),
    ).explode(field.name)
    bad = named.filter((pl.col(field.name) != "") & ~pl.col(field.name).is_in(known.implode()))
    close: dict[str, str] = {v: _close(v, known) for v in bad[field.name].unique().head(200)}
    return [
        Problem(
            f"{table.name}.csv",
            line,
            field.name,
            f"{_shown(value)} is not in {field.refers}.csv"
            + (close.get(value) or "; correct it, or add that row first"),
        )
        for line, value in bad.iter_rows()
    ]


def _duplicate_keys(table: Table, frame: pl.DataFrame) -> list[Problem]:
    return _repeated(
        table.name,
        frame.filter(pl.all_horizontal(pl.col(k) != "" for k in table.key)),
        list(table.key),
        table.key[0],
        "is the id of another row",
    )


def _repeated(
    table: str, frame: pl.DataFrame, columns: list[str], column: str, what: str
) -> list[Problem]:
    later = frame.with_columns(first=pl.col("line").min().over(columns)).filter(
        pl.col("line") != pl.col("first")
    )
    return [
        Problem(f"{table}.csv", line, column, f"{_shown(value)} {what}, line {first}; keep one")
        for line, value, first in later.select("line", column, "first").iter_rows()
    ]


# --- checks of one table's own rules ---------------------------------------------------------


def _agency_problems(agencies: pl.DataFrame) -> list[Problem]:
    problems = _found(
        "agencies",
        agencies,
        "country",
        (pl.col("country") != "") & ~pl.col("country").str.contains(r"^[A-Z]{2}$"),
        lambda v: f"{_shown(v)} is not an ISO 3166-1 code; write two capitals, ZZ for none",
    )
    groups = set(agencies.filter(pl.col("level") == "group")["agency_id"])
    known = set(agencies["agency_id"])
    members: dict[str, list[str]] = {}
    for line, agency, member_of in agencies.select("line", "agency_id", "member_of").iter_rows():
        members[agency] = member_of.split()
        problems += [
            Problem("agencies.csv", line, "member_of", f"{_shown(g)} is not of level group")
            for g in members[agency]
            if g in known and g not in groups
        ]
    for line, agency in agencies.select("line", "agency_id").iter_rows():
        if _reaches(agency, agency, members):
            problems.append(
                Problem("agencies.csv", line, "member_of", f"{_shown(agency)} is within itself")
            )
    return problems


def _reaches(start: str, goal: str, members: dict[str, list[str]]) -> bool:
    seen: set[str] = set()
    waiting = list(members.get(start, []))
    while waiting:
        group = waiting.pop()
        if group == goal:
            return True
        if group not in seen:
            seen.add(group)
            waiting += members.get(group, [])
    return False


def _with_publication(frame: pl.DataFrame, sources: pl.DataFrame) -> pl.DataFrame:
    """Add `known_on` (the last day that the source's date allows, null if unreadable)."""
    known: dict[str, object] = {}
    language: dict[str, str] = {}
    last_day = lru_cache(maxsize=None)(lambda text: periods.span(text)[1])
    for source, published_on, tongue in sources.select(
        "source_id", "published_on", "language"
    ).iter_rows():
        try:
            known[source] = last_day(published_on)
        except ValueError:
            known[source] = None
        language[source] = tongue
    return frame.with_columns(
        known_on=pl.col("source_id").replace_strict(known, default=None, return_dtype=pl.Date),
        language=pl.col("source_id").replace_strict(language, default="en", return_dtype=pl.String),
    )


def _statement_problems(tables: dict[str, pl.DataFrame]) -> list[Problem]:
    statements = _with_publication(tables["statements"], tables["sources"])
    problems = _unreadable("statements", statements, "said_on", periods.interval_span)
    bad = {(p.line) for p in problems}
    for line, said_on, known_on in statements.select("line", "said_on", "known_on").iter_rows():
        if said_on and known_on and line not in bad:
            earliest = periods.interval_span(said_on)[0]
            if earliest > known_on:
                problems.append(
                    Problem(
                        "statements.csv",
                        line,
                        "said_on",
                        f"{said_on} is after its source was published ({known_on})",
                    )
                )
    return problems


def _duty_problems(duties: pl.DataFrame) -> list[Problem]:
    problems: list[Problem] = []
    for line, first, last, cadence, due_days in duties.select(
        "line", "effective_from", "effective_until", "cadence", "due_days"
    ).iter_rows():
        try:
            if first and last and periods.span(first)[0] > periods.span(last)[1]:
                problems.append(
                    Problem("duties.csv", line, "effective_until", f"{last} is before {first}")
                )
        except ValueError:
            pass  # reported with its own column
        if due_days and not cadence:
            problems.append(
                Problem("duties.csv", line, "due_days", "needs a cadence; without one leave blank")
            )
        if due_days.isdecimal() and len(due_days) <= 12 and int(due_days) > LONGEST_DELAY:
            message = f"{due_days} days are over ten years, a slip of the pen; count again"
            problems.append(Problem("duties.csv", line, "due_days", message))
    return problems


def _correction_problems(tables: dict[str, pl.DataFrame]) -> list[Problem]:
    """Corrections: the row and column exist, and the newest of a cell agrees with the ledger."""
    problems: list[Problem] = []
    columns = {table.name: table.columns for table in LEDGER}
    key = {table.name: table.key[0] for table in LEDGER}
    newest: dict[tuple[str, str, str], tuple[str, int, str]] = {}
    rows = tables["corrections"].select(
        "line", "table_name", "row_id", "column_name", "now", "wrong_since", "corrected_on"
    )
    for line, table, row_id, column, now, since, corrected_on in rows.iter_rows():

        def problem(column: str, message: str, line: int = line) -> None:
            problems.append(Problem("corrections.csv", line, column, message))

        if since and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(-[0-9a-f]{12})?", since):
            problem(
                "wrong_since",
                f"{_shown(since)} is neither a release's version nor a day; write YYYY-MM-DD or "
                "the whole version",
            )
        elif since and corrected_on and since[:10] > corrected_on:
            problem("wrong_since", f"{_shown(since)} is after corrected_on")
        if table not in columns:
            continue
        if column and column not in columns[table]:
            known = columns[table]
            problem(
                "column_name",
                f"{_shown(column)} is no column of {table}.csv{_close(column, known)}",
            )
            continue
        known_ids = tables[table][key[table]]
        if column and row_id not in known_ids:
            problem("row_id", f"{_shown(row_id)} is not in {table}.csv{_close(row_id, known_ids)}")
        elif not column and row_id in known_ids:
            problem("column_name", "is blank, which says that the row was removed, but it stands")
        elif column:
            cell = (table, row_id, column)
            newest[cell] = max(newest.get(cell, ("", 0, "")), (corrected_on, line, now))
    for (table, row_id, column), (_, line, now) in newest.items():
        stands = tables[table].filter(pl.col(key[table]) == row_id)[column][0]
        if stands != now:
            problems.append(
                Problem(
                    "corrections.csv",
                    line,
                    "now",
                    f"{_shown(now)}, but {table}.csv has {_shown(stands)}",
                )
            )
    return problems


def _report_problems(tables: dict[str, pl.DataFrame]) -> list[Problem]:
    """Reports: dates in order, wording readable, overrides explained, corrections consistent.

    Puts `stated_low` and `stated_high` into ``tables["reports"]``.
    """
    reports = _with_publication(tables["reports"], tables["sources"])
    start = pl.col("period_start")
    problems = _unreadable("reports", reports.filter(start != "begin"), "period_start", _read_day)
    reports = reports.with_columns(
        first=start.str.to_date("%Y-%m-%d", strict=False),
        last=pl.col("period_end").str.to_date("%Y-%m-%d", strict=False),
    )
    first, last, known = pl.col("first"), pl.col("last"), pl.col("known_on")
    checks: list[tuple[str, pl.Expr, str]] = [
        (
            "report_id",
            pl.col("report_id").is_in(tables["statements"]["statement_id"].implode()),
            "is the id of a statement; evidence of both sorts shares its ids",
        ),
        ("period_start", first < EARLIEST_DAY, f"is before {EARLIEST_DAY}, a slip of the pen"),
        ("period_end", last < EARLIEST_DAY, f"is before {EARLIEST_DAY}, a slip of the pen"),
        ("period_end", last < first, "is before period_start; swap them"),
        (
            "period_start",
            first > known,
            "is after the source was published; correct it, or the date of the source",
        ),
        (
            "period_end",
            last > known,
            "is after the source was published; leave blank for `up to publication`",
        ),
        ("period_start", (pl.col("per") != "") & first.is_null(), _RATE),
        ("period_end", (pl.col("per") != "") & last.is_null(), _RATE),
        (
            "disclosed_by",
            (pl.col("disclosed_by") != "") & (pl.col("disclosed_by") == pl.col("agency_id")),
            "is the agency itself; leave blank",
        ),
        (
            "replaces",
            (pl.col("replaces") != "") & (pl.col("replaces") == pl.col("report_id")),
            "is this row: a report cannot replace itself; leave blank",
        ),
        (
            "note",
            ((pl.col("low") != "") | (pl.col("high") != "")) & (pl.col("note") == ""),
            "an override of low or high needs its reason",
        ),
    ]
    for column, wrong, what in checks:
        problems += _found(
            "reports",
            reports,
            column,
            wrong,
            lambda v, what=what: f"{_shown(v) if v else 'is blank;'} {what}",  # type: ignore[misc]
        )
    problems += _repeated(
        "reports",
        reports,
        [
            "agency_id",
            "system_id",
            "mode",
            "metric",
            "period_start",
            "period_end",
            "wording",
            "per",
            "source_id",
        ],
        "report_id",
        "states the same fact from the same source as another row",
    )
    problems += _replacement_problems(reports)
    tables["reports"], unread = _state_bounds(reports, tables["reports"])
    # No rate is counted more often than once a day.
    most = pl.max_horizontal("stated_low", "stated_high") * (last - first).dt.total_days()
    return (
        problems
        + unread
        + _found(
            "reports",
            reports.with_columns(tables["reports"].select("stated_low", "stated_high")),
            "per",
            (pl.col("per") != "") & (most > LARGEST_COUNT),
            lambda v: f"a rate a {v} makes a total beyond {LARGEST_COUNT} over its period",
        )
    )


def _replacement_problems(reports: pl.DataFrame) -> list[Problem]:
    series = ["agency_id", "system_id", "metric"]
    pairs = reports.filter(pl.col("replaces") != "").join(
        reports.select("report_id", "known_on", *series),
        left_on="replaces",
        right_on="report_id",
        suffix="_old",
    )
    other = pl.any_horizontal(pl.col(c) != pl.col(f"{c}_old") for c in series)
    return _found(
        "reports",
        pairs,
        "replaces",
        other,
        lambda v: f"{_shown(v)} is of another agency, system or metric",
    ) + _found(
        "reports",
        pairs,
        "replaces",
        pl.col("known_on") < pl.col("known_on_old"),
        lambda v: f"{_shown(v)} was published after the row that corrects it",
    )


def _state_bounds(reports: pl.DataFrame, plain: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """Read each wording and override into `stated_low`, `stated_high`."""
    stated = ["wording", "language", "low", "high"]
    distinct = reports.select(stated).unique(maintain_order=True)
    read = [_state_interval(*row) for row in distinct.iter_rows()]
    distinct = distinct.with_columns(
        stated_low=pl.Series([low for low, _, _ in read], dtype=pl.Int64),
        stated_high=pl.Series([high for _, high, _ in read], dtype=pl.Int64),
        statement=pl.int_range(pl.len()),
    )
    found = reports.select("line", *stated).join(
        distinct, on=stated, how="left", nulls_equal=True, maintain_order="left"
    )
    wrong = [n for n, (_, _, problems) in enumerate(read) if problems]
    problems = [
        Problem("reports.csv", line, column, message)
        for line, n in found.filter(pl.col("statement").is_in(wrong))
        .select("line", "statement")
        .iter_rows()
        for column, message in read[n][2]
    ]
    return plain.with_columns(found["stated_low"], found["stated_high"]), problems


def _state_interval(
    words: str, language: str, low_text: str, high_text: str
) -> tuple[int | None, int | None, list[tuple[str, str]]]:
    """The interval of a wording with its overrides, and what is wrong: column and message."""
    problems: list[tuple[str, str]] = []
    low: int | None = None
    high: int | None = None
    read = _read_wording(words, language)
    if isinstance(read, str):
        # Words that are no quantity may stand where the curator gives both bounds.
        if words and not (low_text and high_text):
            problems.append(("wording", read))
    else:
        low, high = read
    for column, text in (("low", low_text), ("high", high_text)):
        if (
            text
            and not (text.isdecimal() and text.isascii())
            and (column, text) != ("high", "none")
        ):
            allowed = "digits only" if column == "low" else "digits only, or `none`"
            problems.append((column, f"{_shown(text)} is not a count; write {allowed}"))
        elif text and len(text) > 13:
            problems.append((column, f"{_shown(text)} is beyond {LARGEST_COUNT}"))
        elif text and column == "low":
            low = int(text)
        elif text:
            high = None if text == "none" else int(text)
    if low is not None and high is not None and low > high:
        column = "low" if low_text else "high"
        message = f"low {low} is above high {high}; the wording or an override is wrong"
        problems.append((column, message))
    if max(low or 0, high or 0) > LARGEST_COUNT:
        problems.append(("wording", f"{_shown(words)} is beyond {LARGEST_COUNT}"))
        low, high = 0, None
    return low, high, problems


@lru_cache(maxsize=100_000)
def _read_wording(words: str, language: str) -> tuple[int, int | None] | str:
    try:
        interval = wording.read(words, language or "en")
    except wording.UnreadableWording as error:
        return str(error)
    return interval.low, interval.high
