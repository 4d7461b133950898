"""Facetally's command line."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

app = typer.Typer(
    help="Public statistics of facial-recognition searches: every figure an interval with a proof.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True, highlight=False)

LEDGER = Path("data/ledger")
RELEASES = Path("data/releases")

LedgerDir = Annotated[Path, typer.Option("--ledger", help="Directory of the ledger's CSV files.")]
ReleasesDir = Annotated[Path, typer.Option("--releases", help="Directory of the releases.")]
KnownOn = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="As the public knew it on this day; default: today."),
]


@app.command()
def check(
    ledger: LedgerDir = LEDGER,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Say everything that is wrong with the ledger. Exit 0 if nothing is, else 1."""
    from pipelines.ledger import read_ledger

    if output not in {"text", "json"}:
        raise typer.BadParameter("must be text or json", param_hint="--format")
    tables, problems = read_ledger(ledger)
    if output == "json":
        print(json.dumps([problem.as_dict() for problem in problems], indent=2))
    else:
        for problem in problems:
            print(f"{ledger}/{problem}")
        rows = ", ".join(f"{tables[name].height} {name}" for name in tables.tables)
        console.print(f"{len(problems)} problems in {rows}" if problems else f"Clean: {rows}")
    raise typer.Exit(1 if problems else 0)


@app.command()
def build(
    ledger: LedgerDir = LEDGER,
    out: Annotated[Path, typer.Option(help="Directory of the releases.")] = RELEASES,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of knowledge; default: today in UTC."),
    ] = None,
) -> None:
    """Build the release of the ledger; exit 1 and leave all as it was if the ledger is broken."""
    from pipelines import release

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        watcher = release.Progress(
            step=lambda what: bar.update(task, description=what, total=None),
            share=lambda done: bar.update(task, completed=done, total=1.0),
        )
        try:
            home = release.build(ledger, out, _day(as_of), watcher)
        except release.BrokenLedgerError as error:
            broken = error.problems
        except OSError as error:
            console.print(f"{error.filename or out}: {error.strerror or error}")
            console.print("Nothing was built and the last release stands")
            raise typer.Exit(1) from None
        else:
            broken = []
    if broken:
        for problem in broken:
            print(f"{ledger}/{problem}")
        console.print(f"{len(broken)} problems; nothing was built and the last release stands")
        raise typer.Exit(1)
    console.print(f"Release {home.name} in {home}")


@app.command()
def explain(
    agency: str,
    system: str,
    metric: str,
    period: Annotated[str, typer.Argument(help="2019, 2019-Q4, 2019-12 or an evidence window.")],
    known_on: KnownOn = None,
    releases: ReleasesDir = RELEASES,
) -> None:
    """How do we know? The interval of a series in a period, its reports and the arithmetic."""
    from pipelines.explain import UnknownFigureError, explain_figure

    try:
        text = explain_figure(
            _latest(releases), agency, system, metric, period, known_on and known_on.date()
        )
    except UnknownFigureError as error:
        console.print(str(error))
        raise typer.Exit(1) from None
    print(text)


@app.command()
def gaps(
    country: Annotated[str | None, typer.Option(help="ISO 3166-1 code.")] = None,
    agency: Annotated[str | None, typer.Option(help="Agency id.")] = None,
    kind: Annotated[str | None, typer.Option(help="Kind of gap.")] = None,
    known_on: KnownOn = None,
    requests: Annotated[
        bool, typer.Option("--requests", help="Print the records requests that would close them.")
    ] = False,
    releases: ReleasesDir = RELEASES,
) -> None:
    """The disclosure gaps that stood on a day; those that came late with --kind late only."""
    from pipelines.standing import gaps_on

    rows = gaps_on(_latest(releases), _day(known_on), country, agency, kind)
    if requests:
        print("\n\n----\n\n".join(row.request for row in rows if row.request))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("kind", "agency", "system", "metric", "period", "size", "opened", "evidence"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            row.kind,
            row.agency,
            row.system,
            row.metric,
            row.period,
            row.size,
            row.opened_on.isoformat(),
            ", ".join(row.evidence),
        )
    Console(highlight=False).print(table if rows else "No gaps stood on that day.")


@app.command()
def add(
    kind: Annotated[
        str,
        typer.Argument(help="report, statement, source, agency, system, duty or correction."),
    ],
    file: Annotated[
        Path | None,
        typer.Option("--from", help="Add all rows of a CSV, spreadsheet or JSON file, or none."),
    ] = None,
    ledger: LedgerDir = LEDGER,
) -> None:
    """Add a row to the ledger: asks, checks, shows what follows, then writes."""
    from pipelines import adding, asking
    from pipelines.sheets import UnreadableRowsError

    if kind not in adding.KINDS:
        raise typer.BadParameter(f"must be one of {', '.join(adding.KINDS)}", param_hint="KIND")
    table = adding.KINDS[kind]
    try:
        if file:
            ids = adding.add_from_file(ledger, table, file, _day(None), print)
        elif sys.stdin.isatty():
            ids = asking.add_by_hand(ledger, table, _day(None), print)
        else:
            console.print("Questions need a terminal; use --from FILE instead.")
            raise typer.Exit(1)
    except UnreadableRowsError as error:
        refused = [str(error)]
    except adding.RefusedRowsError as error:
        refused = error.problems
    except asking.Abandoned:
        refused = []
    except OSError as error:
        refused = [f"{error.filename or ledger}: {error.strerror or error}"]
    else:
        print(f"Written to {ledger}: {', '.join(ids[:5])}", end="")
        print(f" and {len(ids) - 5} more." if len(ids) > 5 else ".")
        return
    for problem in refused:
        print(problem)
    console.print("Nothing was written.")
    raise typer.Exit(1)


@app.command()
def diff(
    before: Annotated[
        str, typer.Argument(help="A release's version, a directory, or REVISION:data/ledger.")
    ],
    after: Annotated[str, typer.Argument(help="The same.")],
    output: Annotated[
        str, typer.Option("--format", help="text, table, markdown or json.")
    ] = "text",
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of knowledge of ledgers; default: today."),
    ] = None,
    releases: ReleasesDir = RELEASES,
) -> None:
    """What changed between two releases or two ledgers, and because of which rows."""
    from pipelines import changes_text
    from pipelines.changes import compare
    from pipelines.sides import BrokenEditionError, UnknownEditionError, open_edition

    if output not in {"text", "table", "markdown", "json"}:
        raise typer.BadParameter("must be text, table, markdown or json", param_hint="--format")
    try:
        changes = compare(
            open_edition(before, releases, _day(as_of)), open_edition(after, releases, _day(as_of))
        )
    except UnknownEditionError as error:
        console.print(str(error))
        raise typer.Exit(1) from None
    except BrokenEditionError as error:
        for problem in error.problems:
            print(f"{error.name}/{problem}")
        console.print(f"{error}; nothing can be compared")
        raise typer.Exit(1) from None
    if output == "json":
        print(json.dumps(changes.as_dict(), indent=2, ensure_ascii=False))
    elif output == "table":
        table = Table(box=None, pad_edge=False)
        for column in ("what", "change", "subject", "was", "now", "because"):
            table.add_column(column, overflow="fold")
        for line in changes_text.lines(changes):
            table.add_row(line.section, line.change, line.subject, line.was, line.now, line.because)
        Console(highlight=False, markup=False).print(table)
    else:
        print(
            changes_text.as_markdown(changes)
            if output == "markdown"
            else changes_text.as_text(changes),
            end="",
        )


@app.command()
def verify(
    release: Annotated[str, typer.Argument(help="A release's version or directory, or latest.")],
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", help="Also build it again from this ledger and compare."),
    ] = None,
    releases: ReleasesDir = RELEASES,
) -> None:
    """Check a release: files, keys, every certificate, all that follows.

    Exit 0: whole. Exit 1: a fault. Exit 2: no fault found, but not all could be checked.
    """
    from pipelines import verification

    home = releases / release if (releases / release).is_dir() else Path(release)
    if not home.is_dir():
        console.print(f"{release} is neither in {releases} nor a directory")
        raise typer.Exit(1)
    with console.status("") as status:
        found = verification.verify(home, status.update)
        if ledger:
            verification.compare_with_ledger(home, ledger, found, status.update)
    for what, how_many in found.checked:
        print(f"{how_many:>9,} {what}")
    for what in found.unchecked:
        print(f"Not checked: {what}")
    for fault in found.faults:
        print(f"{home}/{fault}")
    name = home.resolve().name
    if found.faults:
        console.print(f"{len(found.faults)} faults in {name}")
        raise typer.Exit(1)
    if found.unchecked:
        console.print(f"no fault found in {name}, but not all of it could be checked")
        raise typer.Exit(2)
    console.print(f"{name} is whole")


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Where the files go; made if missing.")],
    base_url: Annotated[
        str, typer.Option(help="The address under which readers will find them.")
    ] = "http://127.0.0.1:8000",
    releases: ReleasesDir = RELEASES,
) -> None:
    """Write the whole site as files that any web server or CDN can hold."""
    from dashboards.site.export import export as write_site

    try:
        files = write_site(_latest(releases), directory, base_url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--base-url") from None
    console.print(f"{files} files in {directory}")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    base_url: Annotated[
        str | None,
        typer.Option(help="The address under which readers find it; default: the one it opens."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that answer; one a core is plenty.")
    ] = 1,
    releases: ReleasesDir = RELEASES,
) -> None:
    """Serve pages, downloads and the explorer of the latest release."""
    from dashboards import server
    from dashboards.releases import NoReleaseError

    _latest(releases)
    try:
        server.serve(releases, host, port, base_url, workers)
    except (server.CannotServeError, NoReleaseError) as error:
        console.print(str(error))
        raise typer.Exit(1) from None


@app.command()
def import_log(
    files: Annotated[
        list[str], typer.Argument(help="CSV, JSON lines, Parquet or Excel; globs too.")
    ],
    source: Annotated[str, typer.Option(help="Source id of the log.")],
    mapped: Annotated[
        list[str],
        typer.Option(
            "--map",
            help="ROLE=COLUMN, repeatable: searched_at (twice for a day and a time), key (rows "
            "with equal keys are one search), unit, purpose. No other column is read.",
        ),
    ],
    agency: Annotated[str, typer.Option(help="Agency id.")] = "",
    system: Annotated[str, typer.Option(help="System id.")] = "",
    unit: Annotated[
        list[str] | None, typer.Option(help="VALUE=AGENCY_ID of the unit column, repeatable.")
    ] = None,
    purpose: Annotated[
        list[str] | None, typer.Option(help="VALUE=SYSTEM_ID of the purpose column, repeatable.")
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day that the log covers."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day that the log covers."),
    ] = None,
    dates: Annotated[
        list[str] | None,
        typer.Option(help="How times are written, such as '%m/%d/%Y %H:%M', tried in order; iso."),
    ] = None,
    times_in: Annotated[str, typer.Option(help="Zone of times without an offset.")] = "",
    days_in: Annotated[str, typer.Option(help="Zone of the days: America/Chicago.")] = "",
    per: Annotated[str, typer.Option(help="day, week or month.")] = "day",
    min_cell: Annotated[int, typer.Option(help="Withhold counts from 1 to below this.")] = 0,
    metric: Annotated[str, typer.Option(help="What a row counts.")] = "searches",
    mode: Annotated[str, typer.Option(help="How the system is used.")] = "unspecified",
    channel: Annotated[str, typer.Option(help="How the log became public.")] = "on_request",
    disclosed_by: Annotated[str, typer.Option(help="Agency that gave another's log.")] = "",
    encoding: Annotated[str, typer.Option(help="Of text other than UTF-8: cp1252.")] = "",
    delimiter: Annotated[str, typer.Option(help="Where it cannot be found out.")] = "",
    engine: Annotated[str, typer.Option(help="duckdb or spark.")] = "duckdb",
    master: Annotated[
        str, typer.Option(help="Spark's: local[2], spark://HOST:PORT, yarn, sc://HOST:PORT.")
    ] = "local[2]",
    ledger: LedgerDir = LEDGER,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Count an agency's search log by day and put the counts into the ledger, or nothing."""
    from pipelines import events, release

    request = events.LogImport(
        files=files,
        mapped=mapped,
        source_id=source,
        agency_id=agency,
        system_id=system,
        unit=unit or [],
        purpose=purpose or [],
        metric=metric,
        mode=mode,
        channel=channel,
        disclosed_by=disclosed_by,
        per=per,
        first=first.date() if first else None,
        last=last.date() if last else None,
        clock=events.Clock(tuple(dates or ["iso"]), times_in, days_in),
        min_cell=min_cell,
        encoding=encoding,
        delimiter=delimiter.replace("\\t", "\t"),
        engine=engine,
        master=master,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        watcher = release.Progress(
            step=lambda what: bar.update(task, description=what, total=None),
            share=lambda done: bar.update(task, completed=done, total=1.0),
        )
        try:
            summary = events.import_log(ledger, request, watcher)
        except events.RefusedLogError as error:
            refused = [str(problem) for problem in error.problems]
        except OSError as error:
            refused = [f"{error.filename or ledger}: {error.strerror or type(error).__name__}"]
        except KeyboardInterrupt:
            console.print("Interrupted; the ledger is as it was")
            raise typer.Exit(130) from None
        else:
            refused = []
    for problem in refused:
        print(problem)
    if refused:
        console.print(f"{len(refused)} problems; nothing was written")
        raise typer.Exit(1)
    print(json.dumps(summary.as_dict(), indent=2) if output == "json" else summary.as_text())


def _day(moment: datetime | None) -> date:
    return moment.date() if moment else datetime.now(UTC).date()


def _latest(releases: Path) -> Path:
    latest = releases / "latest"
    if not (latest / "datapackage.json").exists():
        console.print(f"There is no release in {releases}; run `facetally build` first.")
        raise typer.Exit(1)
    return latest.resolve()


if __name__ == "__main__":
    app()
