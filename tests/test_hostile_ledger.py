"""Hostile ledgers: `check` says what is wrong, in clean words and in time, and what it lets pass is
built and shown without a script running anywhere."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hostile_ledger
import pytest
from browser import visit
from door import open_door
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dashboards import releases
from dashboards.site.export import export
from facetally import app
from pipelines.fields import LEDGER_FILES
from pipelines.ledger import Ledger, read_ledger
from pipelines.release import build
from pipelines.verification import verify

AS_OF = date(2024, 6, 30)
SECONDS = 10
"""No ledger of a few rows takes longer to check; under load, seconds pass quickly."""

# Ledgers by number that once broke the program.
ONCE_FOUND = [275, 488, 12036, 13204, 18325, 21502]


class TooSlow(Exception):  # noqa: N818 - what happened
    """A ledger took longer than SECONDS."""


@contextmanager
def in_time() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def checked(files: dict[str, bytes], place: Path) -> Ledger | None:
    """The ledger if it is sound; what is said of a broken one is one clean line a problem."""
    with in_time():
        ledger, problems = read_ledger(hostile_ledger.write(files, place))
    for problem in problems:
        line = str(problem)
        assert line.isprintable(), ascii(line)
        assert len(line) < 2_000, line[:200]
        assert line.encode("utf-8")
    return None if problems else ledger


# --- many in one -----------------------------------------------------------------------------


def together(ledgers: Sequence[tuple[int, Ledger]]) -> hostile_ledger.Rows:
    """Sound ledgers as one, the ids of each with its number before them."""
    rows: hostile_ledger.Rows = {table.name: [] for table in LEDGER_FILES}
    for number, ledger in ledgers:
        for table in LEDGER_FILES:
            ids = {f.name for f in table.fields if f.type in {"slug", "slugs"}}
            for row in ledger[table.name].select(table.columns).iter_rows(named=True):
                rows[table.name].append(
                    {
                        name: _numbered(cell, number) if name in ids else cell
                        for name, cell in row.items()
                    }
                )
    for row in rows["corrections"]:
        for cell in ("was", "now"):
            if row["column_name"].endswith("_id"):
                row[cell] = _numbered(row[cell], row["correction_id"].split("-")[0][1:])
    return rows


def _numbered(cell: str, number: int | str) -> str:
    """Ids with a number before them; a long one loses its end."""
    return " ".join(f"n{number}-{name}"[:120].rstrip("-") for name in cell.split())


def built(ledgers: Sequence[tuple[int, Ledger]], place: Path) -> list[str]:
    """Build sound ledgers as one; the numbers of those that cannot be, with what happened."""
    directory = place / "ledger"
    hostile_ledger.write(hostile_ledger.files_of(together(ledgers)), directory)
    try:
        home = build(directory, place / "out", AS_OF)
        faults = verify(home).faults
        assert not faults, faults[:3]
    except Exception:
        if len(ledgers) == 1:
            return [f"{ledgers[0][0]}: {traceback.format_exc(limit=-3)}"]
        half = len(ledgers) // 2
        return built(ledgers[:half], place) + built(ledgers[half:], place)
    return []


# --- the short form --------------------------------------------------------------------------


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(number=st.integers(0, 2**32))
def test_check_answers_hostile_ledgers_in_words(number: int, tmp_path: Path) -> None:
    checked(hostile_ledger.hostile(number), tmp_path / "ledger")


@pytest.mark.parametrize("number", ONCE_FOUND)
def test_ledgers_that_once_broke_it(number: int, tmp_path: Path) -> None:
    ledger = checked(hostile_ledger.hostile(number), tmp_path / "ledger")
    if ledger:
        assert built([(number, ledger)], tmp_path) == []


def test_a_due_date_beyond_the_calendar_is_refused(tmp_path: Path) -> None:
    rows = hostile_ledger.sound()
    rows["duties"] = [{**rows["duties"][0], "due_days": "999999999999"}]
    ledger = hostile_ledger.write(hostile_ledger.files_of(rows), tmp_path / "ledger")
    told = CliRunner().invoke(app, ["check", "--ledger", str(ledger)])
    assert told.exit_code == 1
    assert "duties.csv:2: due_days: 999999999999 days are over ten years" in told.output


def test_hostile_ledgers_that_pass_are_built(tmp_path: Path) -> None:
    found = []
    for number in range(120):
        ledger = checked(hostile_ledger.hostile(number), tmp_path / "ledger")
        if ledger:
            found.append((number, ledger))
        if len(found) > 15:
            break
    assert len(found) > 15
    assert built(found, tmp_path) == []


# --- a hundred thousand ----------------------------------------------------------------------

CASES = int(os.environ.get("HOSTILE_LEDGERS", "100000"))
SLICE = 1_000


def try_slice(task: tuple[int, str]) -> tuple[Counter[str], list[str]]:
    """Check a slice of ledgers and build those that pass; counts and failures."""
    start, scratch = task
    place = Path(scratch) / str(start)
    counts: Counter[str] = Counter()
    failures: list[str] = []
    passed: list[tuple[int, Ledger]] = []
    for number in range(start, min(start + SLICE, CASES)):
        counts["tried"] += 1
        try:
            ledger = checked(hostile_ledger.hostile(number), place / "one")
        except BaseException:
            failures.append(f"{number}: {traceback.format_exc(limit=-3)}")
            continue
        if ledger is None:
            counts["refused in words"] += 1
        else:
            passed.append((number, ledger))
    for n in range(0, len(passed), 250):
        part = passed[n : n + 250]
        wrong = built(part, place / f"built-{n}")
        counts["passed, built and verified"] += len(part) - len(wrong)
        failures += wrong
    return counts, failures


@pytest.mark.torture
def test_a_hundred_thousand_hostile_ledgers(tmp_path: Path) -> None:
    tasks = [(start, str(tmp_path)) for start in range(0, CASES, SLICE)]
    counts: Counter[str] = Counter()
    failures: list[str] = []
    os.environ["POLARS_MAX_THREADS"] = "1"
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for found, wrong in pool.imap_unordered(try_slice, tasks):
            counts += found
            failures += wrong
            print("".join(f"\n{failure}" for failure in wrong))
            print(f"\r{dict(counts)}, {len(failures)} failures", end="", flush=True)
    print(f"\nHostile ledgers: {dict(counts)}, {len(failures)} failures")
    assert failures == []


# --- in a browser ----------------------------------------------------------------------------


def shown_ledger() -> hostile_ledger.Rows:
    """A sound ledger whose every free text is hostile."""
    texts = [
        *hostile_ledger.RUNS,
        *(text for text in hostile_ledger.FORMULAS if text == text.strip()),
    ]
    rows = {name: [dict(row) for row in of] for name, of in hostile_ledger.sound().items()}
    n = 0
    for table in LEDGER_FILES:
        for row in rows[table.name]:
            for field in table.fields:
                keeps = table.name == "corrections" and field.name in {"was", "now"}
                free = field.type == "text" and not field.values and not keeps
                coded = {"country", "language", "published_on", "wording", "low", "high"}
                coded |= {"period_start", "said_on", "column_name", "wrong_since"}
                if free and field.name not in coded:
                    row[field.name] = f"{row.get(field.name, '')}{texts[n % len(texts)]}"
                    n += 1
    for row in rows["corrections"]:
        row["now"] = next(r[row["column_name"]] for r in rows["reports"] if r["report_id"] == "r1")
        row["was"] = texts[0]
    for n, row in enumerate(rows["sources"]):
        row["url"] = f"https://evil.example/?q={quote(texts[n])}&javascript:window.ran=1"
    return rows


def addresses(door: Any, every: bool) -> list[str]:
    """Pages, and embeds of charts: of each, with its picture, if ``every``; else of every fourth,
    and one picture."""
    pages = ["/", "/agencies/", "/gaps/", "/corrections/", "/sources/", "/explore", "/embed/build"]
    pages += ["/agencies/north-police/", "/systems/finder/", "/countries/GB/", "/sources/leak/"]
    embeds = door.get("/embed/index.json").json()
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str) and "/embed/" in value and value.endswith((".html", ".svg")):
            found.append(value[value.index("/embed/") :])

    walk(embeds)
    assert len(found) > 5
    by_chart: dict[tuple[str, str], str] = {}
    for address in sorted(set(found)):
        by_chart.setdefault((address.split("/")[2], address[-4:]), address)
    framed = [address for address in by_chart.values() if address.endswith(".html")]
    pictures = [address for address in by_chart.values() if address.endswith(".svg")]
    return pages + (framed + pictures if every else framed[::4] + pictures[-1:])


def hostile_release(place: Path) -> Path:
    """Builds the release of such a ledger; gives the directory of releases."""
    ledger = hostile_ledger.write(hostile_ledger.files_of(shown_ledger()), place / "ledger")
    checking = CliRunner().invoke(app, ["check", "--ledger", str(ledger)])
    assert checking.exit_code == 0, checking.output
    build(ledger, place / "out", AS_OF)
    return place / "out"


def harmless(opened: Any, origin: str, address: str) -> None:
    """Nothing ran, nothing was complained of, no other host was asked, links lead to the web."""
    assert opened.page.evaluate("window.ran") is None, address
    assert opened.complaints == [], address
    own = origin.removeprefix("http://")
    elsewhere = [r for r in opened.requests if own not in r.split("?")[0]]
    assert elsewhere == [], address
    links = opened.page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.protocol)")
    assert set(links) <= {"http:", "https:", "mailto:"}, address


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.torture)])
def test_no_hostile_text_runs_in_a_page_embed_or_explorer(
    browser: Any, tmp_path: Path, every: bool
) -> None:
    seen = 0
    with open_door(hostile_release(tmp_path)) as door:
        for address in addresses(door, every):
            with visit(browser, door.address + address) as opened:
                if address.startswith("/explore"):
                    opened.wait_until_live()
                if address == "/agencies/north-police/":
                    assert "window.ran=1" in opened.page.inner_text("body")
                harmless(opened, door.address, address)
                seen += 1
    print(f"\nPages, embeds and explorer with hostile text: {seen} addresses opened, none ran")


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.mark.torture
def test_no_hostile_text_runs_in_exported_files(browser: Any, tmp_path: Path) -> None:
    """Behind a server that sends no policy of its own."""
    site = tmp_path / "site"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(site)))
    origin = f"http://127.0.0.1:{server.server_port}"
    export(releases.latest_path(hostile_release(tmp_path)), site, origin)
    # Chromium asks for one beside a picture that is opened by itself.
    (site / "favicon.ico").touch()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seen = 0
    try:
        for file in sorted([*site.rglob("*.html"), *site.glob("embed/*/*.svg")]):
            address = f"/{quote(str(file.relative_to(site)))}".removesuffix("index.html")
            with visit(browser, origin + address) as opened:
                harmless(opened, origin, address)
                seen += 1
    finally:
        server.shutdown()
        server.server_close()
    print(f"\nExported pages, embeds and pictures with hostile text: {seen} opened, none ran")
