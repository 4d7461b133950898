"""`facetally import-log`: what it counts, that both engines count alike, what it refuses, and that
nothing but counts leaves a log. The logs in data/event-logs are real; all others are made here."""

from __future__ import annotations

import csv
import json
import logging
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_ledger import report, source, write_ledger
from typer.testing import CliRunner

from facetally import app
from pipelines.events import Clock, ImportSummary, LogImport, RefusedLogError, engines, import_log
from pipelines.events.counting import Roles, completed, tally, without_time
from pipelines.events.engines import open_engine
from pipelines.events.logs import find_files, open_files
from pipelines.events.times import TimeFormat
from pipelines.ledger import read_ledger
from pipelines.release import Progress

REPOSITORY = Path(__file__).parent.parent
LOGS = Path(__file__).parent / "data" / "event-logs"
EUGENE = LOGS / "eugene_epd_events.csv"
OKALOOSA = LOGS / "okaloosa_events.csv"

Row = dict[str, str]


@pytest.fixture(scope="module")
def spark() -> Iterator[str]:
    """A Spark session that imports with the engine `spark` use; the name of the engine."""
    if not shutil.which("java"):
        pytest.skip("java is not installed; Spark needs it")
    warnings.filterwarnings("ignore", category=FutureWarning, module="pyspark")
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    with pytest.MonkeyPatch.context() as patched:
        # For small logs Java's better compiler takes more time than it saves.
        patched.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        with open_engine("spark", "local[2]"):
            assert sql.SparkSession.getActiveSession() is not None
            yield "spark"


@pytest.fixture(params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "spark":
        request.getfixturevalue("spark")
    return str(request.param)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger of two agencies, two systems and a log released in June 2026."""
    systems = [{"system_id": "finder-theft", "name": "Finder, thefts only"}]
    earlier = [report("earlier", "12", "2020-01-01", "2020-01-31")]
    released = [source("release", "2026-06-01", kind="foi_release")]
    return write_ledger(tmp_path / "ledger", sources=released, systems=systems, reports=earlier)


def declared(*files: Path | str, **more: object) -> LogImport:
    given: dict[str, object] = {
        "mapped": ["searched_at=when"],
        "source_id": "release",
        "agency_id": "north-police",
        "system_id": "finder",
        **more,
    }
    return LogImport(files=[str(f) for f in files], **given)  # type: ignore[arg-type]


def imported(ledger: Path, request: LogImport) -> tuple[ImportSummary, list[Row]]:
    """Import, and the rows that it added."""
    before = {row["report_id"] for row in reports(ledger)}
    summary = import_log(ledger, request, Progress())
    return summary, [row for row in reports(ledger) if row["report_id"] not in before]


def reports(ledger: Path) -> list[Row]:
    with (ledger / "reports.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def counts(rows: Sequence[Row]) -> dict[str, str]:
    return {row["period_start"]: row["wording"] for row in rows}


def refusal(ledger: Path, request: LogImport) -> list[str]:
    """The problems for which an import is refused; the ledger is as it was."""
    before = files_in(ledger)
    with pytest.raises(RefusedLogError) as refused:
        import_log(ledger, request, Progress())
    assert files_in(ledger) == before
    return [str(problem) for problem in refused.value.problems]


def delete_counts(ledger: Path) -> None:
    """Take the rows of logs out of the ledger."""
    path = ledger / "reports.csv"
    kept = [x for x in path.read_text().splitlines(keepends=True) if not x.startswith("log-")]
    path.write_text("".join(kept))


def files_in(directory: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def log_of(path: Path, times: Sequence[str], header: str = "when") -> Path:
    return written(path, "".join(f"{line}\n" for line in [header, *times]))


# --- real logs -------------------------------------------------------------------------------


def test_a_real_log_in_local_times_is_counted_by_day(ledger: Path, engine: str) -> None:
    with EUGENE.open(newline="") as file:
        expected = Counter(row["searched_at"][:10] for row in csv.DictReader(file))
    request = declared(EUGENE, mapped=["searched_at=searched_at", "key=event_no"], engine=engine)
    summary, rows = imported(ledger, request)
    assert {d: n for d, n in counts(rows).items() if n != "0"} == {
        day: str(n) for day, n in expected.items()
    }
    assert (summary.rows, summary.counted, summary.rejected) == (1000, 1000, {})
    assert (summary.first, summary.last) == (date(2025, 6, 18), date(2025, 7, 11))
    assert {row["locator"] for row in rows} == {f"log sha256 {summary.sha256}"}


def test_a_real_log_in_utc_is_counted_by_local_day_and_unit(ledger: Path, engine: str) -> None:
    zone = ZoneInfo("America/Chicago")
    with OKALOOSA.open(newline="") as file:
        expected = Counter(
            datetime.fromisoformat(row["searched_at_utc"])
            .replace(tzinfo=UTC)
            .astimezone(zone)
            .date()
            .isoformat()
            for row in csv.DictReader(file)
        )
    request = declared(
        OKALOOSA,
        mapped=["searched_at=searched_at_utc", "unit=org"],
        agency_id="",
        unit=["Okaloosa County FL SO=south-police", "Another=north-police"],
        clock=Clock(written_in="UTC", days_in="America/Chicago"),
        engine=engine,
    )
    _, rows = imported(ledger, request)
    south = [row for row in rows if row["agency_id"] == "south-police"]
    north = [row for row in rows if row["agency_id"] == "north-police"]
    assert {d: n for d, n in counts(south).items() if n != "0"} == {
        day: str(n) for day, n in expected.items()
    }
    assert set(counts(north).values()) == {"0"}
    assert "Days in America/Chicago" in rows[0]["note"]


# --- both engines alike ----------------------------------------------------------------------

QUIRKS = (
    "\ufeff"
    'id;"when";officer;reason\r\n'
    '1;2025-03-01 10:00:00;a;"line one\nline; ""two"""\r\n'
    "2;01/03/2025 11:00;b;x\r\n"
    "3;1-Mar-25 11:05 PM;b;x\r\n"
    "3;1-Mar-25 11:05 PM;b;x again\r\n"
    "3;02/03/2025 00:10;b;the same key, later\r\n"
    ";02/03/2025 09:00;c;no key\r\n"
    ";02/03/2025 09:00;c;no key either\r\n"
    '"";02/03/2025 09:00;c;nor here\r\n'
    "3;03/03/2025 9:00;d\r\n"
    "5;03/03/2025 9:00;d;too;many\r\n"
    "6;31/02/2025 9:00;d;no such day\r\n"
    "7;;d;no time\r\n"
    "8;N/A;d;no time\r\n"
    "9;  04/03/2025  08:00  ;d;blanks\r\n"
    "\r\n"
    "10;05/03/1925 08:00;d;implausible\r\n"
    "11;2025-03-05T08:00:00Z;d;an offset\r\n"
    "12;2025-03-06;d;a day\r\n"
)


def test_a_log_with_every_quirk_reads_the_same_on_both_engines(
    ledger: Path, tmp_path: Path, engine: str
) -> None:
    request = declared(
        written(tmp_path / "quirks.csv", QUIRKS),
        mapped=["searched_at=when", "key=id"],
        clock=Clock(formats=("%d/%m/%Y %H:%M", "%d-%b-%y %I:%M %p", "iso")),
        engine=engine,
    )
    summary, rows = imported(ledger, request)
    assert counts(rows) == {
        "2025-03-01": "3",
        "2025-03-02": "3",
        "2025-03-03": "0",
        "2025-03-04": "1",
        "2025-03-05": "0",
        "2025-03-06": "1",
    }
    # A malformed row may have swallowed others, so that nothing bounds a day from above.
    assert {row["high"] for row in rows} == {"none"}
    assert summary.rows == 17
    assert summary.rejected == {
        "malformed": 2,
        "repeated": 2,
        "unreadable time": 3,
        "blank time": 1,
        "offset without --days-in": 1,
    }
    found = {(r.reason, r.line, r.value) for r in summary.sample}
    assert found == {
        ("malformed", 11, ""),
        ("unreadable time", 13, "31/02/2025 9:00"),
        ("unreadable time", 15, "a/a"),
        ("unreadable time", 18, "05/03/1925 08:00"),
        ("blank time", 14, ""),
        ("offset without --days-in", 19, "2025-03-05T08:00:00Z"),
    }


def test_both_engines_read_the_same_times(spark: str, tmp_path: Path) -> None:
    """Texts made by chance from the parts of times: the engines agree on every one of them, and
    with Python on those that are well formed."""
    formats = ("iso", "%m/%d/%Y %H:%M", "%d.%m.%y %I:%M:%S.%f %p", "%Y%m%d%H%M", "%d %B %Y %H:%M%z")
    chance = random.Random(7)
    texts = sorted({_some_time(chance) for _ in range(4000)} | set(_EDGES))
    log = tmp_path / "texts.csv"
    with log.open("w", newline="") as file:
        csv.writer(file).writerows([["when", "n"], *([t, str(i)] for i, t in enumerate(texts))])
    roles = Roles(times=["searched_at_1"], units=[str(i) for i in range(len(texts))])
    columns = {"searched_at_1": "when", "unit": "n"}
    for clock in (Clock(formats), Clock(formats, "Europe/London", "America/St_Johns")):
        answers = []
        for name in ("duckdb", "spark"):
            files = open_files(find_files([str(log)]), columns, "", "", lambda _: None)
            with open_engine(name, "local[2]") as engine:
                scans = [engine.scan(files, columns)]
                question = tally(scans, roles, clock, engine)
                rows = engine.rows(question, lambda _: None)
                counted = completed(question.columns, rows)
                counted = [row for row in counted if clock.day(*row[2:4]) is not None]
                unread = engine.rows(without_time(scans, roles, clock, engine), lambda _: None)
            answers.append((sorted(counted, key=repr), sorted(unread, key=repr)))
        duckdb, other = answers
        differing = {texts[int(row[0])] for row in set(duckdb[0]) ^ set(other[0])}
        assert differing == set()
        assert duckdb[1] == other[1]
        read = {texts[int(row[0])]: row for row in duckdb[0]}
        assert len(read) > 300
        if not clock.days_in:
            for text, (_, _, local, *_) in read.items():
                assert _by_python(text, formats) == date(1970, 1, 1) + timedelta(days=local), text


_EDGES = (
    *("2025-03-30 24:00:00", "2025-03-30 23:59:60", "2025-03-30  1:02:03", "2025-03-30 01:02 PM"),
    *("2025-03-30 01:02:03+01:75", "2025-03-30T01:02:03-25:00", "2025-03-30 01:02:03.", "infinity"),
    *("2025-03-30 23:59:59.9999999", "2025-03-30T01:02:03.123456789Z", "epoch", "0000-00-00"),
    *("\t3/4/2025 10:00", "3/4/2025 \t10:00", "3/4/2025 10:00 \n", "3/4/2025\t 10:00"),
    *("3/4/25 10:00", "3/4/0025 10:00", "+3/4/2025 10:00", "3/ 4/2025 10:00", "03/04/2025\t10:00"),
    *(
        "29.02.24 12:00:00.5 AM",
        "29.02.23 12:00:00.5 AM",
        "1.2.25 0:00:00.1 PM",
        "1.2.25 13:00:00.1 PM",
    ),
    *("1.2.5 1:00:00.1 PM", "1.2.25 1:00:00.1 p.m.", "202503301234", "2025330123", "20250330 1234"),
    *("2025-3-30  01:02:03", "2025-3-30 \t01:02:3", "2025-03-30\t01:02:03", "2025-03-30 \n1:02:03"),
    *(
        "2025-3-3 01:02:03\t",
        "\t2025-3-30 01:02:03",
        "2025-3-30\n",
        "2025-3-30T01:02:3",
        "2025-3-30T01:2",
    ),
    *("4 march 2025 10:00+01:00", "4 MARCH 2025 10:00Z", "4 Mar 2025 10:00+0100", "٣/4/2025 10:00"),
    *("2025-03-30 01:30:00", "2025-10-26 01:30:00", "2025-03-30", " 2025-03-30 ", "2025-02-29"),
)


def _some_time(chance: random.Random) -> str:
    """A time in one of several notations, often with one character wrong."""
    when = datetime(2024, 1, 1) + timedelta(minutes=chance.randrange(2 * 365 * 1440))
    text = when.strftime(
        chance.choice(
            [
                *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"),
                *("%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%y %I:%M:%S.%f %p", "%Y%m%d%H%M"),
                *("%d %B %Y %H:%M", "%Y-%m-%dT%H:%M:%S"),
            ]
        )
    )
    text += chance.choice(["", "", "", "Z", "+01:00", "-0330", "+05", " +01:00", "z"])
    if chance.random() < 0.5:
        at = chance.randrange(len(text))
        new = chance.choice(
            ["", "0", "9", " ", "  ", "\t", "\n", "-", ":", ".", "T", "/", "é", "a", "+"]
        )
        text = text[:at] + new + text[at + chance.choice([0, 1]) :]
    return text


def _by_python(text: str, formats: Sequence[str]) -> date | None:
    """The day that Python reads, by the same formats."""
    cut = re.sub(r"(:\d{1,2}:\d{1,2})\.\d{1,9}", r"\1", text.strip())
    iso = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
    for written in formats:
        for each in iso if written == "iso" else [written.replace(".%f", "")]:
            try:
                return datetime.strptime(cut, each).date()
            except ValueError:
                continue
    return None


# --- formats of files ------------------------------------------------------------------------


def in_every_format(home: Path) -> list[Path]:
    """The same four searches, on three days, in each kind of file."""
    times = [datetime(2025, 5, d, 22, 30) for d in (1, 1, 2, 4)]
    rows = [{"no": i, "when": t.isoformat(" "), "who": "x"} for i, t in enumerate(times)]
    text = ["no,when,who", *(f'{r["no"]},{r["when"]},"x, ""y"""' for r in rows)]
    written(home / "plain.csv", "\n".join(text))
    written(home / "tabs.txt", "\r\n".join(line.replace(",", "\t") for line in text))
    written(home / "old.csv", "Zürich 2025\nno|when|who\n" + "".join(
        f"{r['no']}|{r['when']}|José\n" for r in rows), "cp1252")  # fmt: skip
    written(home / "windows.csv", "\ufeff" + "\n".join(text), "utf-16-le")
    written(home / "lines.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
    table = pa.table({"when": pa.array(times, pa.timestamp("us")), "no": [0, 1, 2, 3]})
    pq.write_table(table, home / "micro.parquet")
    nano = table.set_column(0, "when", table["when"].cast(pa.timestamp("ns")))
    pq.write_table(nano, home / "nano [1] {x}.parquet", version="2.6")
    book = openpyxl.Workbook()
    book.active.append(["Report of searches"])
    sheet = book.create_sheet("Log")
    for row in [["Made on 6 May"], [], ["no", "who", "when"]]:
        sheet.append(row)
    for number, when in enumerate(times):
        sheet.append([number, "x", when if number % 2 else when.isoformat(" ")])
    sheet["C100"].number_format = "yyyy-mm-dd"
    book.save(home / "book.xlsx")
    return sorted(home.iterdir())


def test_every_kind_of_file_gives_the_same_counts(
    ledger: Path, tmp_path: Path, engine: str
) -> None:
    home = tmp_path / "logs"
    home.mkdir()
    files = in_every_format(home)
    for file in files:
        request = declared(file, encoding="cp1252" if file.name == "old.csv" else "", engine=engine)
        fresh = write_ledger(tmp_path / file.stem, sources=[source("release", "2026-06-01")])
        summary, rows = imported(fresh, request)
        expected = {"2025-05-01": "2", "2025-05-02": "1", "2025-05-03": "0", "2025-05-04": "1"}
        assert (file.name, counts(rows)) == (file.name, expected)
        assert (summary.rows, summary.rejected) == (4, {})
    (home / "old.csv").unlink()
    pattern = str(home / "*")
    together, rows = imported(ledger, declared(pattern, engine=engine))
    assert (together.files, together.rows) == (7, 28)
    assert counts(rows)["2025-05-01"] == "14"
    assert rows[0]["locator"].startswith("7 logs, sha256 of their sorted sha256s ")
    again = write_ledger(tmp_path / "keyed", sources=[source("release", "2026-06-01")])
    keyed = declared(pattern, mapped=["searched_at=when", "key=no"], engine=engine)
    once, rows = imported(again, keyed)
    assert (once.counted, once.rejected) == (4, {"repeated": 24})
    assert counts(rows)["2025-05-01"] == "2"


def test_moments_and_offsets_fall_on_local_days(ledger: Path, tmp_path: Path, engine: str) -> None:
    """Around the night in which London's clocks went forward, written in three ways."""
    moments = [
        datetime(2025, 3, 29, 23, 59),
        datetime(2025, 3, 30, 0, 0),
        datetime(2025, 3, 30, 23, 0),
    ]
    table = pa.table({"when": pa.array(moments, pa.timestamp("ms", tz="UTC"))})
    pq.write_table(table, tmp_path / "moments.parquet")
    log_of(tmp_path / "offsets.csv", ["2025-03-29T23:59:00Z", "2025-03-29 19:00:00-05:00",
                                      "2025-03-31T00:00:00.000+0100"])  # fmt: skip
    log_of(
        tmp_path / "kathmandu.csv", ["2025-03-30 05:44:59", "2025-03-30 05:45", "2025-03-31 04:45"]
    )
    london = Clock(days_in="Europe/London")
    for name, clock in (
        ("moments.parquet", london),
        ("offsets.csv", london),
        ("kathmandu.csv", Clock(written_in="Asia/Kathmandu", days_in="Europe/London")),
    ):
        fresh = write_ledger(tmp_path / name[:-4], sources=[source("release", "2026-06-01")])
        _, rows = imported(fresh, declared(tmp_path / name, clock=clock, engine=engine))
        assert (name, counts(rows)) == (
            name,
            {"2025-03-29": "1", "2025-03-30": "1", "2025-03-31": "1"},
        )


@pytest.mark.parametrize("zone", ["America/Chicago", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_days_agree_with_the_time_zone_database(zone: str) -> None:
    """Every quarter hour of a year, from UTC and from London's local time."""
    moments = Clock(days_in=zone)
    local = Clock(written_in="Europe/London", days_in=zone)
    start = datetime(2025, 1, 1)
    for quarter in range(365 * 96):
        count = (start - datetime(1970, 1, 1)) // timedelta(minutes=15) + quarter
        naive = start + timedelta(minutes=15 * quarter)
        for clock, written_in, args in (
            (moments, UTC, (None, count)),
            (local, ZoneInfo("Europe/London"), (count, None)),
        ):
            day = naive.replace(tzinfo=written_in).astimezone(ZoneInfo(zone)).date()
            assert clock.day(*args) == (day - date(1970, 1, 1)).days


def test_typed_times_that_cannot_be_are_rejected(ledger: Path, tmp_path: Path, engine: str) -> None:
    times = [datetime(1925, 5, 1), datetime(2025, 5, 1), None, datetime(9999, 12, 31)]
    table = pa.table({"when": pa.array(times, pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "log.parquet")
    summary, rows = imported(ledger, declared(tmp_path / "log.parquet", engine=engine))
    assert counts(rows) == {"2025-05-01": "1"}
    assert summary.rejected == {"implausible year": 2, "blank time": 1}
    assert {(r.reason, r.line) for r in summary.sample} == {
        ("implausible year", 0),
        ("blank time", 3),
    }


@pytest.mark.parametrize(
    "keys",
    [
        pa.array([b"a" * 16, b"a" * 16, b"b" * 16], pa.binary(16)),
        pa.ExtensionArray.from_storage(
            pa.uuid(), pa.array([b"a" * 16, b"a" * 16, b"b" * 16], pa.binary(16))
        ),
        pa.array(["a", "a", "b"]).dictionary_encode(),
        pa.array([Decimal("1.10"), Decimal("1.10"), Decimal("2.00")]),
        pa.array([{"no": 1}, {"no": 1}, {"no": 2}]),
        pa.array([7, 7, 8], pa.uint64()),
    ],
    ids=lambda keys: str(keys.type),
)
def test_a_key_may_be_of_any_kind(ledger: Path, tmp_path: Path, keys: pa.Array) -> None:
    """Beside a log of another shape, too, with a key of its own."""
    times = pa.array([datetime(2025, 5, 1, 7), datetime(2025, 5, 1, 9), datetime(2025, 5, 2)])
    pq.write_table(pa.table({"when": times, "no": keys}), tmp_path / "log.parquet")
    mapped = ["searched_at=when", "key=no"]
    summary, rows = imported(ledger, declared(tmp_path / "log.parquet", mapped=mapped))
    assert (counts(rows), summary.rejected) == (
        {"2025-05-01": "1", "2025-05-02": "1"},
        {"repeated": 1},
    )
    log_of(tmp_path / "log.csv", ["2025-05-03,x", "2025-05-03,x"], header="when,no")
    both = declared(tmp_path / "log.parquet", tmp_path / "log.csv", mapped=mapped)
    summary, rows = imported(ledger, both)
    assert (summary.rows, summary.counted, summary.rejected) == (5, 3, {"repeated": 2})


def test_rows_with_and_without_keys_are_counted_as_python_counts_them(
    ledger: Path, tmp_path: Path, engine: str
) -> None:
    """Blank keys, repeated keys, days that cannot be read and units that are not named, by chance:
    a key is one search of its unit, at its earliest day; a row without one is a search."""
    chance = random.Random(11)
    days = [f"2025-05-0{d}" for d in range(1, 6)]
    keys = ["", "", *map(str, range(150))]
    rows = [
        (chance.choice([*days, "soon", "1925-05-01"]), chance.choice(keys), chance.choice("NSX"))
        for _ in range(600)
    ]
    searches: dict[tuple[str, str], list[str]] = {}
    for i, (day, key, unit) in enumerate(rows):
        searches.setdefault((unit, key or f"row {i}"), []).append(day)
    read = {
        g: min(d for d in found if d in days) for g, found in searches.items() if {*found} & {*days}
    }
    unread = Counter(day for g, found in searches.items() if g not in read for day in found)
    expected = Counter((unit, day) for (unit, _), day in read.items())
    named = {group: found for group, found in searches.items() if group[0] != "X"}

    log = log_of(tmp_path / "log.csv", [",".join(row) for row in rows], header="when,no,unit")
    request = declared(
        log,
        mapped=["searched_at=when", "key=no", "unit=unit"],
        agency_id="",
        unit=["N=north-police", "S=south-police"],
        engine=engine,
    )
    summary, reports = imported(ledger, request)
    for unit, agency in (("N", "north-police"), ("S", "south-police")):
        found = counts([row for row in reports if row["agency_id"] == agency])
        assert found == {day: str(expected[unit, day]) for day in days}
    assert summary.rows == len(rows) == summary.counted + sum(summary.rejected.values())
    assert summary.rejected == {
        "unreadable time": unread.total(),
        "unit or purpose not named": sum(
            len(found) for group, found in searches.items() if group[0] == "X" and group in read
        ),
        "repeated": sum(len(found) - 1 for group, found in named.items() if group in read),
    }


def test_a_log_may_be_named_by_its_address(ledger: Path, tmp_path: Path, engine: str) -> None:
    log_of(tmp_path / "may 1.csv", ["2025-05-01"])
    log_of(tmp_path / "may 2.csv", ["2025-05-02"])
    request = declared(f"file://{tmp_path}/may*.csv", engine=engine)
    summary, rows = imported(ledger, request)
    assert (summary.files, list(counts(rows).values())) == (2, ["1", "1"])


def test_a_day_and_a_time_in_two_columns(ledger: Path, tmp_path: Path) -> None:
    log = written(
        tmp_path / "log.csv", "day,hour\n2/1/2025,11:59 PM\n2/2/2025,12:00 AM\n2/2/2025,\n"
    )
    request = declared(
        log,
        mapped=["searched_at=day", "searched_at=hour"],
        clock=Clock(formats=("%m/%d/%Y %I:%M %p",)),
    )
    summary, rows = imported(ledger, request)
    assert counts(rows) == {"2025-02-01": "1", "2025-02-02": "1"}
    assert [(r.line, r.column, r.reason) for r in summary.sample] == [
        (4, "day and hour", "blank time")
    ]


# --- what becomes of the counts --------------------------------------------------------------


def test_the_declared_period_says_zero_for_silent_days(ledger: Path, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.csv", ["2025-05-02", "2025-05-04", "2025-05-09"])
    request = declared(log, first=date(2025, 5, 1), last=date(2025, 5, 5))
    summary, rows = imported(ledger, request)
    assert list(counts(rows).values()) == ["0", "1", "0", "1", "0"]
    assert summary.rejected == {"outside the period": 1}
    assert summary.without_search == 3
    assert "period as declared" in rows[0]["note"]


def test_without_a_declared_period_it_says_so(ledger: Path, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.csv", ["2025-05-02", "2025-05-04"])
    summary, rows = imported(ledger, declared(log))
    assert list(counts(rows)) == ["2025-05-02", "2025-05-03", "2025-05-04"]
    assert "from the first search to the last search" in rows[0]["note"]
    assert "declare --from and --to" in summary.as_text()


def test_by_week_and_by_month(ledger: Path, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.csv", ["2025-01-30", "2025-01-31", "2025-02-03"])
    _, months = imported(ledger, declared(log, per="month", last=date(2025, 2, 28)))
    assert [(r["report_id"], r["period_start"], r["period_end"], r["wording"]) for r in months] == [
        ("log-north-police-finder-2025-01", "2025-01-30", "2025-01-31", "2"),
        ("log-north-police-finder-2025-02", "2025-02-01", "2025-02-28", "1"),
    ]
    _, weeks = imported(ledger, declared(log, per="week"))
    assert [(r["report_id"], r["period_start"], r["period_end"], r["wording"]) for r in weeks] == [
        ("log-north-police-finder-2025-w05", "2025-01-30", "2025-02-02", "2"),
        ("log-north-police-finder-2025-w06", "2025-02-03", "2025-02-03", "1"),
    ]


def test_units_and_purposes_are_series_of_their_own(ledger: Path, tmp_path: Path) -> None:
    lines = [
        "2025-05-01,N,theft",
        "2025-05-01,N,theft",
        "2025-05-01,S, theft ",
        "2025-05-01,S,fraud",
    ]
    request = declared(
        log_of(tmp_path / "log.csv", [*lines, "2025-05-01,,theft"], "when,unit,why"),
        mapped=["searched_at=when", "unit=unit", "purpose=why"],
        agency_id="",
        system_id="",
        unit=["N=north-police", "S=south-police"],
        purpose=["theft=finder-theft"],
    )
    summary, rows = imported(ledger, request)
    assert [(r["agency_id"], r["system_id"], r["wording"]) for r in rows] == [
        ("north-police", "finder-theft", "2"),
        ("south-police", "finder-theft", "1"),
    ]
    assert summary.rejected == {"unit or purpose not named": 2}


def test_rows_enter_in_the_ledgers_order_and_leave_the_others_alone(
    ledger: Path, tmp_path: Path
) -> None:
    path = ledger / "reports.csv"
    odd = 'zz,north-police,finder,live,searches,2020-02-01,,"5",,,,published,,gazette,,,"a\nb"\n'
    path.write_text(path.read_text() + odd)
    before = path.read_text().splitlines(keepends=True)
    imported(ledger, declared(log_of(tmp_path / "log.csv", ["2019-05-01", "2025-05-01"])))
    after = path.read_text().splitlines(keepends=True)
    assert [line for line in after if not line.startswith("log-")] == before
    rows = reports(ledger)
    order = ["agency_id", "system_id", "metric", "period_start", "period_end", "report_id"]
    assert rows == sorted(rows, key=lambda row: [row[c] for c in order])


def test_the_same_log_again_changes_nothing(ledger: Path, tmp_path: Path) -> None:
    request = declared(log_of(tmp_path / "log.csv", ["2025-05-01", "2025-05-04"]))
    first, _ = imported(ledger, request)
    stamp = (ledger / "reports.csv").stat().st_mtime_ns
    again, rows = imported(ledger, request)
    assert (first.added, again.added, again.standing, rows) == (4, 0, 4, [])
    assert (ledger / "reports.csv").stat().st_mtime_ns == stamp


def test_a_later_release_adds_its_new_days(ledger: Path, tmp_path: Path) -> None:
    imported(ledger, declared(log_of(tmp_path / "may.csv", ["2025-05-01", "2025-05-02"])))
    more = log_of(tmp_path / "more.csv", ["2025-05-01", "2025-05-02", "2025-05-03"])
    summary, rows = imported(ledger, declared(more))
    assert (summary.added, summary.standing, counts(rows)) == (1, 2, {"2025-05-03": "1"})


def test_another_count_for_a_day_that_stands_is_refused(ledger: Path, tmp_path: Path) -> None:
    imported(ledger, declared(log_of(tmp_path / "may.csv", ["2025-05-01", "2025-05-02"])))
    other = log_of(tmp_path / "other.csv", ["2025-05-01", "2025-05-01", "2025-05-02", "2025-05-02"])
    problems = refusal(ledger, declared(other))
    assert len(problems) == 2
    assert re.search(r"reports\.csv:3: wording: log-north-police-finder-2025-05-01 says '1' \(log "
                     r"sha256 \w+\), this log '2'; delete that row", problems[0])  # fmt: skip


def test_an_id_is_stable_and_never_too_long() -> None:
    from pipelines.events.entries import report_id

    day = date(2025, 5, 1)
    assert report_id("a", "b", "searches", day, "day") == "log-a-b-2025-05-01"
    assert report_id("a", "b", "false_alerts", day, "month") == "log-a-b-false-alerts-2025-05"
    long = report_id("a" * 70, "b" * 70, "searches", day, "day")
    assert len(long) <= 120
    assert long.endswith("-2025-05-01")
    assert long != report_id("a" * 70, "b" * 71, "searches", day, "day")


# --- privacy ---------------------------------------------------------------------------------

SECRETS = ("Marguerite", "Threepwood", "555-0199", "CASE-77812", "sleeping in car")


def test_no_value_of_an_unmapped_column_leaves_a_log(
    ledger: Path,
    tmp_path: Path,
    engine: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every kind of file, sound and broken in every way, by the command line: no planted value is
    in what it prints, logs, raises, writes or leaves behind."""
    caplog.set_level(logging.DEBUG)
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    outputs = []
    most = {"duckdb": 3, "spark": 1}
    for log in _logs_with_secrets(tmp_path):
        for more in ([], ["--map", "key=no"], ["--map", "key=missing"])[: most[engine]]:
            result = CliRunner().invoke(
                app,
                [
                    *("import-log", str(log), "--map", "searched_at=when", *more),
                    *("--agency", "north-police", "--system", "finder", "--source", "release"),
                    *("--ledger", str(ledger), "--engine", engine, "--format", "json"),
                ],
            )
            outputs += [result.output, repr(result.exception), repr(result.exc_info)]
            (ledger / "reports.csv").write_bytes(b"")
            write_ledger(ledger, sources=[source("release", "2026-06-01")])
    captured = capfd.readouterr()
    outputs += [captured.out, captured.err, caplog.text]
    outputs += [content.decode() for content in files_in(ledger).values()]
    everything = "\n".join(outputs)
    assert [secret for secret in SECRETS if secret.casefold() in everything.casefold()] == []
    assert '"counted": 2' in everything
    assert files_in(scratch) == {} or engine == "spark"


def _logs_with_secrets(home: Path) -> list[Path]:
    name, surname, phone, case, why = SECRETS
    header = "no,when,officer,phone,case,reason"
    good = [f'{i},2025-05-0{i},{name} {surname},{phone},{case},"{why}"' for i in (1, 2)]
    bad = [
        f"3,2025-05-03,{name},{phone}",
        f"4,2025-05-04,{name},{phone},{case},{why},{why}",
        f'5,2025-05-05,"{name}"{surname},{phone},{case},{why}',
        f"6,not a day,{name},{phone},{case},{why}",
        f'7,2025-05-07,{name},{phone},{case},"{why}',
    ]
    objects = [{"no": i, "when": f"2025-05-0{i}", "officer": name, "case": case} for i in (1, 2)]
    lines = [json.dumps(o) for o in objects] + [f'{{"when": "2025-05-03", "officer": {name}']
    table = pa.table({"no": [1, 2], "when": ["2025-05-01", "2025-05-02"], "officer": [name, why]})
    logs = home / "logs"
    logs.mkdir()
    pq.write_table(table, logs / "good.parquet")
    pq.write_table(table.rename_columns(["when", "no", "officer"]), logs / "mixed-up.parquet")
    (logs / "cut.parquet").write_bytes((logs / "good.parquet").read_bytes()[:-40])
    book = openpyxl.Workbook()
    for row in [["no", "when", "officer"], [1, "2025-05-01", name], [2, "2025-05-02", why]]:
        book.active.append(row)
    book.save(logs / "book.xlsx")
    written(logs / "good.csv", "\n".join([header, *good]))
    written(logs / "bad.csv", "\n".join([header, *good, *bad]))
    written(logs / "headless.csv", "\n".join(good))
    written(logs / "latin.csv", "\n".join([header, *good, f"3,2025-05-03,{name}é,,,"]), "cp1252")
    written(logs / "lines.jsonl", "\n".join(lines))
    written(logs / "array.json", json.dumps(objects))
    written(logs / "not-a-book.xlsx", "\n".join([header, *good]))
    return sorted(logs.iterdir())


def test_a_column_mapped_by_mistake_shows_no_names(ledger: Path, tmp_path: Path) -> None:
    log = log_of(
        tmp_path / "log.csv", ["2025-05-01,Guybrush T", "2025-05-02,May Mêlée"], "when,who"
    )
    problems = refusal(ledger, declared(log, mapped=["searched_at=who"]))
    shown = "\n".join(problems)
    assert "none of 2 rows could be counted (2 unreadable time)" in shown
    assert not re.search("Guybrush|lée", shown)


def test_rows_without_a_readable_day_may_be_of_any_day(ledger: Path, tmp_path: Path) -> None:
    """7 on the first, 0 on the second, 3 on the third, and 2 that may be of each of these days."""
    times = [*["2025-05-01"] * 7, *["2025-05-03"] * 3, "May the 2nd", ""]
    log = log_of(tmp_path / "log.csv", [f"{when},{n}" for n, when in enumerate(times)], "when,no")
    _, rows = imported(ledger, declared(log))
    assert [(row["wording"], row["high"]) for row in rows] == [("7", "9"), ("0", "2"), ("3", "5")]
    assert "2 rows have no readable day and may be of any, so high is above" in rows[0]["note"]
    tables, problems = read_ledger(ledger)
    assert problems == []
    stated = tables["reports"].filter(pl.col("report_id").str.starts_with("log-"))
    assert stated["stated_low"].to_list() == [7, 0, 3]
    assert stated["stated_high"].to_list() == [9, 2, 5]
    delete_counts(ledger)
    _, rows = imported(ledger, declared(log, min_cell=5))
    assert [(row["wording"], row["high"]) for row in rows] == [
        ("7", "9"),
        ("0", "2"),
        ("fewer than 5", "6"),
    ]


def test_small_counts_are_withheld_and_cannot_be_worked_out(ledger: Path, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.csv", [*["2025-05-01"] * 7, *["2025-05-03"] * 3])
    summary, rows = imported(ledger, declared(log, min_cell=5))
    assert list(counts(rows).values()) == ["7", "0", "fewer than 5"]
    assert summary.withheld == 1
    assert not re.search(r"\b(10|3)\b", rows[0]["note"].replace("1 to 4", ""))
    problems = refusal(ledger, declared(log, per="month"))
    assert "a reader could work out the counts that are withheld" in problems[0]


# --- what is refused -------------------------------------------------------------------------


def test_every_mistake_of_a_command_is_told_at_once(ledger: Path) -> None:
    result = CliRunner().invoke(
        app,
        [
            *("import-log", "nowhere-*.csv", "--map", "searched_at", "--map", "colour=x"),
            *("--agency", "north-polce", "--source", "relese", "--ledger", str(ledger)),
            *("--dates", "%d/%q/%Y", "--days-in", "Mars/Olympus", "--engine", "abacus"),
            *("--min-cell", "1", "--from", "2025-02-01", "--to", "2025-01-01", "--per", "hour"),
            *("--unit", "N=north-police", "--encoding", "klingon", "--delimiter", "ab"),
        ],
    )
    assert result.exit_code == 1
    told = "\n".join(sorted(result.stdout.splitlines()))
    for start in (
        *("--agency: 'north-polce' is not in agencies.csv", "--source: 'relese' is not in"),
        *("--dates: '%d/%q/%Y': %q is not known", "--days-in: 'Mars/Olympus' is not a time zone"),
        *("--engine: 'abacus' is not one of duckdb, spark", "--per: 'hour' is not one of"),
        *("--map: 'searched_at' is not ROLE=COLUMN", "--map: 'colour' is not one of"),
        *("--map: say which column holds the time", "--min-cell: write 2 or more"),
        *("--to: 2025-01-01 is before 2025-02-01", "--unit: goes with --map unit=COLUMN"),
        *("--encoding: 'klingon' is unknown", "--delimiter: 'ab' is not one character"),
        *("--system: say either --system or --map purpose=COLUMN", "nowhere-*.csv: no such file"),
    ):
        assert start in told


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("log.pdf", b"x", "the name should end in one of .csv"),
        (
            "latin.csv",
            b"when,who\n2025-05-01,Jos\xe9\n",
            "latin.csv:2: byte 0xe9 is not UTF-8; say",
        ),
        ("other.csv", b"Time,who\n2025-05-01,x\n", "when: no column of that name in the first 50"),
        ("case.csv", b"WHEN ,who\n2025-05-01,x\n", "did you mean 'WHEN'?"),
        ("twice.csv", b"when,when\n2025-05-01,x\n", "stands twice in the header"),
        ("array.json", b'[{"when": "2025-05-01"}]', "array.json:1: is a JSON array; write one"),
        ("log.parquet", b"when\n", "is not a Parquet file"),
        ("log.xlsx", b"when\n", "is not a workbook"),
        ("none.csv", b"when\n", "none of 0 rows could be counted (the log is empty)"),
        ("names.csv", b"when\nAda\n", "none of 1 rows could be counted (1 unreadable time)"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    ledger: Path, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert told in "\n".join(refusal(ledger, declared(tmp_path / name)))


def test_the_same_file_twice_is_refused(ledger: Path, tmp_path: Path) -> None:
    log = log_of(tmp_path / "a.csv", ["2025-05-01"])
    shutil.copy(log, tmp_path / "b.csv")
    problems = refusal(ledger, declared(tmp_path / "*.csv"))
    assert problems == [
        f"{tmp_path}/b.csv: has the same content as {tmp_path}/a.csv; leave one out"
    ]


@pytest.mark.parametrize(
    ("kind", "clock", "told"),
    [
        (pa.timestamp("us", tz="UTC"), Clock(), "its times are moments; say in which zone"),
        (pa.date32(), Clock(written_in="UTC", days_in="Asia/Tokyo"), "has no time of day"),
        (pa.int64(), Clock(), "is of type int64; a time is a timestamp, a date or text"),
    ],
)
def test_a_typed_column_that_is_no_time_is_refused(
    ledger: Path, tmp_path: Path, kind: pa.DataType, clock: Clock, told: str
) -> None:
    pq.write_table(pa.table({"when": pa.array([20000]).cast(pa.int32()).cast(kind)
                             if kind != pa.timestamp("us", tz="UTC")
                             else pa.array([0], kind)}), tmp_path / "log.parquet")  # fmt: skip
    assert told in "\n".join(refusal(ledger, declared(tmp_path / "log.parquet", clock=clock)))


@pytest.mark.parametrize(
    ("written_as", "told"),
    [
        ("%Y-%m", "it needs one day (%d)"),
        ("%m/%d/%Y %I:%M", "%I and %p go together"),
        ("%Y-%m-%d %d", "a directive stands twice"),
        ("%z %Y-%m-%d %H", "%z must come last"),
        ("%Y-%m-%d%z", "an offset needs a time of day"),
        ("%Y-%m-%d.%f", "%f must follow %S"),
        ("%Y-%m-%d 'at' %H", "between the directives only letters"),
    ],
)
def test_a_format_that_cannot_be_read_says_why(written_as: str, told: str) -> None:
    assert told in "; ".join(TimeFormat(written_as).problems())


def test_an_unsound_result_is_refused_whole(ledger: Path, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.csv", ["2026-05-31", "2026-06-02"])
    problems = refusal(ledger, declared(log))
    row = f"{ledger}/reports.csv: log-north-police-finder-2026-06-02"
    assert problems == [
        f"{row}: period_end: '2026-06-02' is after the source was published; leave blank for `up "
        "to publication`",
        f"{row}: period_start: '2026-06-02' is after the source was published; correct it, or the "
        "date of the source",
    ]


def test_a_broken_ledger_is_mended_first(ledger: Path, tmp_path: Path) -> None:
    path = ledger / "reports.csv"
    path.write_text(path.read_text().replace(",12,", ",many,"))
    problems = refusal(ledger, declared(log_of(tmp_path / "log.csv", ["2025-05-01"])))
    assert "run `facetally check` and mend them first" in problems[0]


# --- stopped on the way ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "stage",
    [
        *("Reading the ledger", "Fingerprinting the log", "Counting with duckdb"),
        *("Looking at the rejected rows", "Finding the lines of rejected rows"),
        "Checking the ledger with the new rows",
    ],
)
def test_an_interrupt_at_any_stage_leaves_all_as_it_was(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    log = log_of(tmp_path / "log.csv", ["2025-05-01", "x"])

    def step(what: str) -> None:
        if what == stage:
            raise KeyboardInterrupt

    before = files_in(ledger)
    with pytest.raises(KeyboardInterrupt):
        import_log(ledger, declared(log), Progress(step=step))
    assert files_in(ledger) == before
    assert list(scratch.iterdir()) == []


def test_an_interrupt_while_the_engine_counts_stops_it(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "WATCHED_EVERY", 0.001)

    def share(_: float) -> None:
        if stages[-1].startswith("Counting"):
            raise KeyboardInterrupt

    stages: list[str] = []
    log = log_of(tmp_path / "log.csv", ["2025-05-01"] * 300_000)
    before = files_in(ledger)
    with pytest.raises(KeyboardInterrupt):
        import_log(ledger, declared(log), Progress(step=stages.append, share=share))
    assert files_in(ledger) == before


def test_an_interrupt_as_the_private_directory_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.mkdir

    def make_and_be_interrupted(path: Path, mode: int = 0o777) -> None:
        make(path, mode)
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "mkdir", make_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt), open_engine("duckdb", ""):
        pass
    assert list(tmp_path.iterdir()) == []


def test_control_c_ends_the_command_with_nothing_written(ledger: Path, tmp_path: Path) -> None:
    """The signal comes while DuckDB groups five million keys."""
    rows = 5_000_000
    table = pa.table({"when": pa.array([date(2025, 5, 1)] * rows), "no": pa.array(range(rows))})
    pq.write_table(table, tmp_path / "log.parquet")
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    before = files_in(ledger)
    arguments = [
        *("import-log", str(tmp_path / "log.parquet"), "--map", "searched_at=when"),
        *("--map", "key=no", "--agency", "north-police", "--system", "finder"),
        *("--source", "release", "--ledger", str(ledger)),
    ]
    command = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "facetally.py"), *arguments],
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any(scratch.iterdir()) and command.poll() is None:
        time.sleep(0.01)
    command.send_signal(signal.SIGINT)
    _, told = command.communicate()
    assert command.returncode == 130, told
    assert "Interrupted; the ledger is as it was" in told
    assert files_in(ledger) == before
    assert list(scratch.iterdir()) == []


def test_a_failure_at_the_last_moment_leaves_the_ledger(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = declared(log_of(tmp_path / "log.csv", ["2025-05-01"]))
    before = files_in(ledger)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        import_log(ledger, request, Progress())
    assert files_in(ledger) == before


def test_a_row_that_is_added_meanwhile_is_kept(ledger: Path, tmp_path: Path) -> None:
    path = ledger / "reports.csv"
    other = "zz,north-police,finder,live,searches,2020-01-01,,5,,,,published,,gazette,,,\n"

    def step(what: str) -> None:
        if what.startswith("Checking"):
            path.write_text(path.read_text() + other)

    request = declared(log_of(tmp_path / "log.csv", ["2025-05-01"]))
    import_log(ledger, request, Progress(step=step))
    assert {row["report_id"] for row in reports(ledger)} == {
        *("earlier", "zz", "log-north-police-finder-2025-05-01")
    }


# --- the engine that is not there, and the guide ---------------------------------------------


def test_spark_that_cannot_start_says_so(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    problems = refusal(
        ledger, declared(log_of(tmp_path / "log.csv", ["2025-05-01"]), engine="spark")
    )
    assert problems == [
        "--engine: spark: Spark needs Java 17 or later; install it, or set JAVA_HOME"
    ]


@pytest.mark.parametrize("master", ["sc://127.0.0.1:9", "spark://127.0.0.1:9"])
def test_a_spark_server_that_does_not_answer_is_refused_at_once(
    ledger: Path, tmp_path: Path, master: str
) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    log = log_of(tmp_path / "log.csv", ["2025-05-01"])
    problems = refusal(ledger, declared(log, engine="spark", master=master))
    assert problems[0].startswith(f"--engine: spark: no server answers at {master} (")


@pytest.mark.parametrize(
    ("guide", "section", "steps"),
    [
        ("README.md", "## How to import a log", 1),
        ("docs/import-log.md", "## Follow these steps", 6),
    ],
)
def test_the_guide_followed_word_for_word(
    guide: str, section: str, steps: int, tmp_path: Path
) -> None:
    """Every command of the section in a shell, in order, on a copy of the repository's data; what
    the guide shows is what they print."""
    text = (REPOSITORY / guide).read_text().split(f"\n{section}\n")[1].split("\n## ")[0]
    shutil.copytree(REPOSITORY / "data" / "ledger", tmp_path / "data" / "ledger")
    shutil.copytree(LOGS, tmp_path / "tests" / "data" / "event-logs")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    printed = ""
    commands = 0
    for kind, block in re.findall(r"```(sh|text|csv)\n(.*?)```", text, re.DOTALL):
        if kind == "sh":
            shell = ["bash", "-eu", "-c", block]
            done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            printed = done.stdout
            commands += 1
        elif kind == "csv":
            name, rows = block.removeprefix("# ").split("\n", 1)
            path = tmp_path / name
            path.write_text(path.read_text() + rows)
        else:
            assert printed == block
    assert commands == steps
