"""Ledgers as an enemy would write them, each made from its number and from that alone.

A made-up ledger of a few rows is mutated in its cells, rows, bytes or encoding. What is meant to
run somewhere says so: it sets ``window.ran`` or asks the host ``evil.example``.
"""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

from small_ledger import ROWS, report, source, statement

from pipelines.fields import LEDGER_FILES

Rows = dict[str, list[dict[str, str]]]

RUNS = (
    "<script>window.ran=1</script>",
    "</script><script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    "<svg onload=window.ran=1><animate onbegin=window.ran=1 attributeName=x></svg>",
    "</title></style></textarea><script>window.ran=1</script>",
    "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    '"><img src="https://evil.example/x.png" onerror="window.ran=1">',
    "'-(window.ran=1)-'",
    "${window.ran=1}{{constructor.constructor('window.ran=1')()}}",
    "[text](javascript:window.ran=1) ![x](https://evil.example/y.png)",
    "<a href=javascript:window.ran=1>a</a><base href=//evil.example/>",
    "<link rel=stylesheet href=https://evil.example/z.css><style>@import'//evil.example'</style>",
    "]]><script>window.ran=1</script><![CDATA[",
    "&lt;script&gt;window.ran=1&lt;/script&gt; &#60;img src=x onerror=window.ran=1&#62;",
    "datum.x');window.ran=1;//",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.ran=1>",
    "\\u003cscript\\u003ewindow.ran=1\\u003c/script\\u003e",
)
FORMULAS = (
    '=HYPERLINK("https://evil.example","x")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "＝1+1",
    "\t=1+1",
)
ADDRESSES = (
    "javascript:window.ran=1",
    "JaVaScRiPt://x/%0awindow.ran=1",
    "data:text/html,<script>window.ran=1</script>",
    "https://evil.example/\"onmouseover='window.ran=1'",
    "https://user:pass@evil.example\\@example.org/",
    "https://" + "a" * 3000 + ".example/",
    "https://xn--80ak6aa92e.example/?q=%00%0d%0aSet-Cookie:x",
    "//evil.example",
    "https://[::1]:80:80/#",
    "http://example.org/‮gpj.exe",
)
UNICODE = (
    "‮evil‬",
    "⁦police⁩",
    "Роlice",  # Cyrillic letters
    "a\u0000b",
    "​‌‍",
    "﻿x",
    "e" + "\u0301" * 500,
    "𝟙𝟚𝟛",
    "１２３",
    "٢٠٢٠-٠١-٠١",
    "2020-01-0１",
    "😀" * 300,
    "\u202eten\u202c 10",
    "\x1b[2J\x1b]0;title\x07",
    "\r\nInjected: yes",
    "line\u2028line",
    "ﬀ",
    "İıſK",
    "\ufffe\uffff",
    "\U000e0001\U000e0041",
    "\x85\xa0",
)
DATES = (
    "0000-00-00",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "2020-02-30",
    "2021-02-29",
    "-2020-01-01",
    "2020-13-01",
    "2020/01/01",
    "20200101",
    "1960-01-01",
    "1959-12-31",
    "2020-1-1",
    "0000",
    "9999",
    "9999-12",
    "2020-00",
    "9999-12-31/9999-12-31",
    "2020-01-01/2019-01-01",
    "1960/9999",
    "//",
    "begin",
    "2020-01-01T00:00",
    "epoch",
    "infinity",
    "-infinity",
)
NUMBERS = (
    "0",
    "-1",
    "00000000000000000005",
    "1e309",
    "NaN",
    "inf",
    "9223372036854775807",
    "9223372036854775808",
    "999999999999",
    "1000000000000",
    "1000000000001",
    "9" * 10_000,
    "1," + "000," * 3000 + "000",
    "1" + " 000" * 50,
    "more than " + "9" * 13,
    "between 9 and 3",
    "about 1.3 million million",
    "0.0000001",
    "1/0",
    "½",
    "ten",
    "at least -5",
    "10-10-10",
    "five hundred and and five",
    "V",
    "none",
    "MMXX",
    "more than " * 12 + "5",
    "a dozen dozen",
)
LONG = ("x" * 4_000, "x" * 4_001, "y " * 100_000, '"' * 5_000, "," * 5_000, "\n" * 5_000)
ENCODINGS = ("utf-16", "utf-16-le", "latin-1", "cp1252", "utf-8-sig", "utf-7", "cp037", "utf-32")
BYTES = (b"\xff\xfe", b"\x00", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b'"', b"\r", b",")


def sound() -> Rows:
    """The ledger before anything is done to it: every table, every sort of evidence."""
    return {
        "sources": [
            *ROWS["sources"],
            source("leak", "2021-05", kind="leak_report", note="A note."),
            source("law", "2019", kind="legislature", language="de", title="Ein Gesetz"),
        ],
        "agencies": [
            *ROWS["agencies"],
            {
                "agency_id": "all-police",
                "name": "All police",
                "country": "GB",
                "level": "group",
                "population": "1000",
                "note": "Residents of 2011.",
            },
            {
                "agency_id": "east-police",
                "name": "East Police",
                "country": "US",
                "region": "TX",
                "level": "state",
                "member_of": "all-police",
            },
        ],
        "systems": [
            *ROWS["systems"],
            {"system_id": "unspecified", "name": "Unspecified", "vendor": "Somebody"},
        ],
        "reports": [
            report("r1", "more than 170", "2020-01-01", "2020-12-31", channel="leaked",
                   source_id="leak", locator="p. 3", note="As it says."),
            report("r2", "12", "2020-01-01", "2020-06-30"),
            report("r3", "20", "2020-01-01", "2020-06-30", replaces="r2", source_id="gazette",
                   locator="p. 4"),
            report("r4", "5", "2020-01-01", "2020-03-31", per="day", agency_id="east-police"),
            report("r5", "50-60", "begin", "2021-03-31", agency_id="all-police",
                   system_id="unspecified", channel="vendor"),
            report("r6", "hundreds", agency_id="south-police", low="150", high="none",
                   note="The chart shows more.", disclosed_by="north-police"),
        ],
        "statements": [
            statement("s1", "denied", "2020-02-01"),
            statement("s2", "declined", "2020-02/2020-05", agency_id="south-police", system_id=""),
        ],
        "duties": [
            {
                "duty_id": "d1",
                "agency_id": "north-police",
                "instrument": "An Act",
                "requires": "A count.",
                "metric": "searches",
                "cadence": "quarterly",
                "effective_from": "2020-01-01",
                "due_days": "30",
                "source_id": "law",
            }
        ],
        "corrections": [
            {
                "correction_id": "c1",
                "table_name": "reports",
                "row_id": "r1",
                "column_name": "locator",
                "was": "p. 2",
                "now": "p. 3",
                "corrected_on": "2021-07-01",
                "why": "Misread.",
            }
        ],
    }  # fmt: skip


def files_of(rows: Rows) -> dict[str, bytes]:
    """The files of a ledger by name; half a character becomes three bytes that are not UTF-8."""
    files = {}
    for table in LEDGER_FILES:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, table.columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[table.name])
        files[f"{table.name}.csv"] = text.getvalue().encode("utf-8", "surrogatepass")
    return files


def hostile(number: int) -> dict[str, bytes]:
    """The files of the ledger of that number."""
    dice = random.Random(number)
    rows = {name: [dict(row) for row in of] for name, of in sound().items()}
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        dice.choice((_cell, _cell, _cell, _fitting, _fitting, _row, _reference))(dice, rows)
    files = files_of(rows)
    if dice.random() < 0.35:
        _bytes(dice, files)
    return files


def write(files: dict[str, bytes], directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return directory


# --- mutations -------------------------------------------------------------------------------


def _place(dice: random.Random, rows: Rows) -> tuple[dict[str, str], str, str]:
    table = dice.choice(LEDGER_FILES)
    row = dice.choice(rows[table.name] or [{}])
    return row, dice.choice(table.columns), table.name


def _cell(dice: random.Random, rows: Rows) -> None:
    """Any cell becomes anything."""
    row, column, _ = _place(dice, rows)
    pool = dice.choice((RUNS, FORMULAS, ADDRESSES, UNICODE, DATES, NUMBERS, LONG))
    old = row.get(column, "")
    new = dice.choice(pool)
    row[column] = dice.choice((new, new, new, old + new, new + old, old[:3] + new + old[3:]))


def _fitting(dice: random.Random, rows: Rows) -> None:
    """A cell becomes something hostile of its own sort, which may well pass the checks."""
    table = dice.choice(LEDGER_FILES)
    row = dice.choice(rows[table.name] or [{}])
    field = dice.choice(table.fields)
    if field.values:
        row[field.name] = dice.choice(field.values)
    elif field.type in {"date", "partial_date"} or field.name in {"period_start", "said_on"}:
        day = f"{dice.choice((1960, 1999, 2019, 2020, 2021, 2400, 9999)):04d}"
        if dice.random() < 0.8:
            day += f"-{dice.randrange(1, 13):02d}"
            if dice.random() < 0.8:
                day += f"-{dice.randrange(1, 29):02d}"
        row[field.name] = dice.choice((day, day, dice.choice(DATES), f"{day}/{day}"))
    elif field.name in {"wording", "low", "high", "population", "due_days"}:
        row[field.name] = dice.choice((dice.choice(NUMBERS), str(dice.randrange(10**12))))
    elif field.type == "url":
        row[field.name] = dice.choice(ADDRESSES)
    elif field.type == "slug":
        row[field.name] = dice.choice(("x" * 120, "0", "1-1", "con", "index-html", "null"))
    else:
        row[field.name] = dice.choice((*RUNS, *FORMULAS, *UNICODE))


def _row(dice: random.Random, rows: Rows) -> None:
    """Rows are lost, doubled, shuffled or many."""
    of = rows[dice.choice(LEDGER_FILES).name]
    match dice.randrange(5):
        case 0:
            of.clear()
        case 1 if of:
            del of[dice.randrange(len(of))]
        case 2 if of:
            of.append(dict(dice.choice(of)))
        case 3:
            dice.shuffle(of)
        case _ if of:
            key = next(iter(of[0]))
            of += [{**dice.choice(of), key: f"many-{n}"} for n in range(dice.randrange(1, 40))]


def _reference(dice: random.Random, rows: Rows) -> None:
    """References go in circles, to themselves and to each other."""
    ids = [row["report_id"] for row in rows["reports"]] or [""]
    agencies = [row["agency_id"] for row in rows["agencies"]] or [""]
    match dice.randrange(4):
        case 0:
            for row in rows["reports"]:
                row["replaces"] = dice.choice(ids)
        case 1:
            for row in rows["agencies"]:
                row["member_of"] = " ".join(dice.sample(agencies, dice.randrange(len(agencies))))
        case 2:
            for row in rows["agencies"]:
                row["level"] = dice.choice(("group", "local"))
                row["member_of"] = dice.choice((row.get("agency_id", ""), dice.choice(agencies)))
        case _:
            for table in ("reports", "statements", "duties"):
                for row in rows[table]:
                    row["agency_id"] = dice.choice(agencies)


def _bytes(dice: random.Random, files: dict[str, bytes]) -> None:
    """The bytes of a file are broken."""
    name = dice.choice(sorted(files))
    content = files[name]
    place = dice.randrange(len(content) + 1)
    match dice.randrange(9):
        case 0:
            del files[name]
        case 1:
            files[name] = content[:place]
        case 2:
            files[name] = content[:place] + dice.choice(BYTES) + content[place:]
        case 3:
            noise = dice.randbytes(dice.choice((1, 2, 16, 1000)))
            files[name] = content[:place] + noise + content[place + len(noise) :]
        case 4:
            text = content.decode("utf-8", "replace")
            files[name] = text.encode(dice.choice(ENCODINGS), "replace")
        case 5:
            files[name] = content.replace(b"\n", dice.choice((b"\r\n", b"\r", b"\n\n", b"")))
        case 6:
            files[name] = content[:place] + content[place : place + 50] * 40 + content[place:]
        case 7:
            files[name] = dice.choice((b"", b"\n", b"\x00" * 1000, b"PK\x03\x04", content * 3))
        case _:
            other = dice.choice(sorted(files))
            files[name], files[other] = files[other], content
