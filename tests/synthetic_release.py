"""A small made-up release in the real shape, for tests of what is built on releases.

Every name in it says that it is synthetic. Written with the schemas of ``pipelines.fields``.
"""

from __future__ import annotations

import hashlib
import json
from calendar import monthrange
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from pipelines.changes_text import write_changes
from pipelines.datapackage import describe_release
from pipelines.dataset import write_checksums
from pipelines.fields import RELEASE, arrow_schema, released
from pipelines.verify import NEWS

VERSION = "2024-06-30-5ynthet1c"


def write_release(
    releases: Path, version: str = VERSION, change: Callable[[Path], None] | None = None
) -> Path:
    """Writes the release under ``releases`` and points ``latest`` at it; returns its directory.

    ``change`` may change the tables before they are described.
    """
    path = releases / version
    path.mkdir(parents=True)
    for table in RELEASE:
        rows = _tables().get(table.name, [])
        schema = arrow_schema(table)
        blank: dict[str, Any] = dict.fromkeys(schema.names)
        unknown = {name for row in rows for name in row} - set(blank)
        assert not unknown, f"{table.name} has no {unknown}"
        data = pa.Table.from_pylist([{**blank, **row} for row in rows], schema=schema)
        pq.write_table(data, path / f"{table.name}.parquet", compression="zstd")
        pc.write_csv(_flat(data), path / f"{table.name}.csv")
    if change:
        change(path)
    describe_release(path, version, date.fromisoformat(version[:10]), "5" * 64, "5" * 64)
    write_changes(path, None, version)
    latest = releases / "latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(version)
    return path


def describe_again(home: Path) -> None:
    """Gives the files of a release, changed since, digests and sizes that fit them."""
    text = (home / "datapackage.json").read_text()
    package = json.loads(text)
    about = package["facetally"]
    for file in [*package["resources"], *about["parquet"], *about["json"], *about["excel_csv"]]:
        content = (home / file["path"]).read_bytes()
        file["bytes"] = len(content)
        file["hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
    (home / "datapackage.json").write_text(json.dumps(package))
    # The news is not among the files that have digests.
    news = {name: (home / name).read_bytes() for name in NEWS}
    for name in news:
        (home / name).unlink()
    write_checksums(home, {})
    for name, content in news.items():
        (home / name).write_bytes(content)


def _flat(data: pa.Table) -> pa.Table:
    for index, name in enumerate(data.column_names):
        if pa.types.is_list(data.schema.field(name).type):
            joined = [" ".join(ids) if ids else None for ids in data.column(name).to_pylist()]
            data = data.set_column(index, name, pa.array(joined, pa.string()))
    return data


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _month_end(month: int) -> str:
    return f"2023-{month:02d}-{monthrange(2023, month)[1]}"


def _report(name: str, series: tuple[str, str, str], first: str | None, last: str, **more: Any):
    agency, system, metric = series
    low, high = more.pop("low"), more.pop("high")
    known = more.pop("known", last)
    row = {
        "report_id": name,
        "agency_id": agency,
        "system_id": system,
        "mode": "retrospective",
        "metric": metric,
        "period_start": first,
        "period_end": _day(last),
        "wording": str(low) if low == high else f"more than {low - 1}",
        "channel": "published",
        "source_id": "synthetic-paper",
        "locator": "table 1",
        "low": low,
        "high": high,
        "voice": "agency",
        "first_day": _day(first) if first else None,
        "last_day": _day(last),
        "known_from": _day(known),
    }
    return {**row, **more}


def _bound(series: tuple[str, str, str], frequency: str, period: str, first: str | None, last: str,
           known: str, low: int, high: int | None, **more: Any):  # fmt: skip
    agency, system, metric = series
    voice = more.pop("voice", "agency")
    exact = low == high
    row = {
        "agency_id": agency,
        "system_id": system,
        "metric": metric,
        "frequency": frequency,
        "period": period,
        "period_start": _day(first) if first else None,
        "period_end": _day(last),
        "known_from": _day(known),
        "low": low,
        "high": high,
        f"{voice}_low": low,
        f"{voice}_high": high,
        "estimate": None if high is None else (low + high) // 2,
        "obs_status": "A" if exact else "L" if high is None else "E",
        "low_report_ids": [],
        "high_report_ids": [],
    }
    return {**row, **more}


NORTH = ("northtown-synthetic", "lookup-synthetic", "searches")
SOUTH = ("southshire-synthetic", "lookup-synthetic", "searches")
LIVE = ("northtown-synthetic", "livecam-synthetic", "deployments")
EAST = ("eastland-synthetic", "lookup-synthetic", "searches")
_LEAKED = {"channel": "leaked", "voice": "others", "source_id": "synthetic-leak"}


def _tables() -> dict[str, list[dict[str, Any]]]:
    agencies = [
        {"agency_id": NORTH[0], "name": "Northtown Police (synthetic)", "country": "GB",
         "region": "England", "level": "local", "population": 900_000},
        {"agency_id": SOUTH[0], "name": "Southshire Police (synthetic)", "country": "GB",
         "region": "England", "level": "local"},
        {"agency_id": EAST[0], "name": "Eastland State Bureau (synthetic)", "country": "US",
         "region": "Ohio", "level": "state"},
        {"agency_id": "quiet-synthetic", "name": "Quiet Police (synthetic)", "country": "US",
         "level": "local"},
    ]  # fmt: skip
    systems = [
        {"system_id": "lookup-synthetic", "name": "Lookup (synthetic)", "vendor": "Nobody Inc"},
        {"system_id": "livecam-synthetic", "name": "Livecam (synthetic)"},
    ]
    sources = [
        {"source_id": "synthetic-paper", "publisher": "The Synthetic Times", "title": "Counts of "
         "nothing", "published_on": "2023-02-01", "url": "https://example.org/counts",
         "kind": "press", "language": "en"},
        {"source_id": "synthetic-leak", "publisher": "Leak <Desk>", "title": "A list that never "
         "was", "published_on": "2022-03-05", "kind": "leak_report", "language": "en",
         "url": "https://example.org/leak"},
    ]  # fmt: skip
    reports = [
        *(
            _report(f"north-{year}", NORTH, f"{year}-01-01", f"{year}-12-31", low=count,
                    high=count, known=f"{year + 1}-02-01")
            for year, count in ((2019, 1200), (2020, 1650), (2021, 2400), (2022, 3100))
        ),
        _report("north-2022-other", NORTH, "2022-01-01", "2022-12-31", low=2000, high=2000,
                known="2023-03-01", channel="third_party", voice="others"),
        _report("south-leak", SOUTH, "2021-12-01", "2022-03-05", low=171, high=None, **_LEAKED,
                wording="more than 170"),
        *(
            _report(f"live-2023-{month:02d}", LIVE, f"2023-{month:02d}-01",
                    _month_end(month), low=month, high=month, mode="live")
            for month in range(1, 7)
        ),
        _report("east-range", EAST, "2021-01-01", "2022-12-31", low=4000, high=9000,
                channel="on_request", known="2023-05-01", wording="4,000 to 9,000"),
    ]  # fmt: skip
    bounds = [
        *(
            _bound(NORTH, "A", str(year), f"{year}-01-01", f"{year}-12-31", f"{year + 1}-02-01",
                   count, count, low_report_ids=[f"north-{year}"],
                   high_report_ids=[f"north-{year}"])
            for year, count in ((2019, 1200), (2020, 1650), (2021, 2400), (2022, 3100))
        ),
        _bound(NORTH, "R", "2019-01-01/2022-12-31", "2019-01-01", "2022-12-31", "2023-02-01",
               8350, 8350),
        _bound(SOUTH, "R", "2021-12-01/2022-03-05", "2021-12-01", "2022-03-05", "2022-03-05",
               171, None, voice="others", low_report_ids=["south-leak"], obs_status="Q"),
        *(
            _bound(LIVE, "M", f"2023-{month:02d}", f"2023-{month:02d}-01",
                   _month_end(month), _month_end(month), month, month + 3)
            for month in range(1, 7)
        ),
        _bound(EAST, "A", "2021", "2021-01-01", "2021-12-31", "2023-05-01", 0, 9000),
        _bound(EAST, "A", "2022", "2022-01-01", "2022-12-31", "2023-05-01", 0, 9000),
        _bound(EAST, "R", "2021-01-01/2022-12-31", "2021-01-01", "2022-12-31", "2023-05-01",
               4000, 9000),
    ]  # fmt: skip
    gaps = [
        {"gap_id": "south-denied", "agency_id": SOUTH[0], "system_id": SOUTH[1],
         "metric": "searches", "kind": "denied", "low": 171,
         "period_start": _day("2021-12-01"), "period_end": _day("2022-03-05"),
         "opened_on": _day("2022-03-05"), "report_ids": ["south-leak"],
         "statement_ids": ["south-no"], "sentence": "It said no, and a leak shows 171."},
        {"gap_id": "east-vague", "agency_id": EAST[0], "system_id": EAST[1],
         "metric": "searches", "kind": "vague", "low": 4000, "high": 9000,
         "period_start": _day("2021-01-01"), "period_end": _day("2022-12-31"),
         "opened_on": _day("2023-05-01"), "report_ids": ["east-range"], "statement_ids": [],
         "sentence": "It gave a range."},
    ]  # fmt: skip
    history = released("gap_history").columns
    return {
        "agencies": agencies,
        "systems": systems,
        "sources": sources,
        "reports": reports,
        "statements": [
            {"statement_id": "south-no", "agency_id": SOUTH[0], "system_id": SOUTH[1],
             "said_on": "2022-01-20", "stance": "denied", "summary": "Said that it does not use "
             "the system.", "source_id": "synthetic-paper", "said_earliest": _day("2022-01-20"),
             "said_latest": _day("2022-01-20"), "known_from": _day("2022-01-20")},
        ],
        "duties": [],
        "series": [
            _series(series, [r for r in reports if _of(r) == series])
            for series in (NORTH, LIVE, EAST, SOUTH)
        ],
        "bounds": bounds,
        "gaps": gaps,
        "gap_history": [
            {**{k: v for k, v in gap.items() if k in history}, "known_from": gap["opened_on"]}
            for gap in gaps
        ],
        "conflicts": [
            {"conflict_id": "north-2022-conflict", "agency_id": NORTH[0], "system_id": NORTH[1],
             "metric": "searches", "voice": "all", "set_aside_id": "north-2022-other",
             "known_from": _day("2023-03-01"), "cycle_ids": ["north-2022", "north-2022-other"],
             "arithmetic": "2,000 and 3,100 cannot both be the count of 2022."},
        ],
    }  # fmt: skip


def _of(report: dict[str, Any]) -> tuple[str, str, str]:
    return report["agency_id"], report["system_id"], report["metric"]


def _series(series: tuple[str, str, str], reports: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "agency_id": series[0],
        "system_id": series[1],
        "metric": series[2],
        "reports": len(reports),
        "sources": len({r["source_id"] for r in reports}),
        "first_day": min(r["first_day"] for r in reports),
        "last_day": max(r["last_day"] for r in reports),
        "known_from": min(r["known_from"] for r in reports),
        "channels": sorted({r["channel"] for r in reports}),
        "modes": sorted({r["mode"] for r in reports}),
        "evidence_sha256": hashlib.sha256(repr(reports).encode()).hexdigest(),
    }
