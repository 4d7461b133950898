"""A build takes the answers of unchanged series from the last release; the bytes are the same."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from random_ledger import AS_OF, RandomLedger, random_ledger

from pipelines import bounds, release
from pipelines.release import build


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of series that each build solved."""
    counts: list[int] = []

    def watched(evidence: bounds.Evidence, *more: object) -> object:
        counts.append(evidence.series)
        return bounds.solve_evidence(evidence, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(release, "solve_evidence", watched)
    return counts


def changed(ledger: RandomLedger) -> RandomLedger:
    """The ledger with one report gone, one moved and one more; and a denial for three agencies."""
    reports = [dict(row) for row in ledger.reports if row["report_id"] not in ("r3", "r40")]
    reports[50]["channel"] = "compelled"
    reports.append({**reports[60], "report_id": "added", "wording": "17"})
    statements = [dict(row) for row in ledger.statements]
    for row in statements[:3]:
        row["stance"] = "denied"
    return RandomLedger(**{**vars(ledger), "reports": reports, "statements": statements})


def assert_same_bytes(one: Path, other: Path) -> None:
    """The tables and their description; news about the release tell of the one before."""
    package = json.loads((one / "datapackage.json").read_text())
    names = [r["path"] for r in package["resources"]]
    names += [file["path"] for file in package["facetally"]["parquet"]]
    assert len(names) > 20
    for name in [*names, "datapackage.json"]:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_a_changed_ledger(tmp_path: Path, solved: list[int]) -> None:
    ledger = random_ledger(31, agencies=40)
    build(ledger.write(tmp_path / "before"), tmp_path / "releases", AS_OF)
    after = changed(ledger).write(tmp_path / "after")
    quick = build(after, tmp_path / "releases", AS_OF)
    full = build(after, tmp_path / "elsewhere", AS_OF)
    assert_same_bytes(quick, full)
    before, some, every = solved
    assert 0 < some <= 12
    assert every >= before - 2 > 40


@pytest.mark.parametrize("later", [-400, -100, 30])
def test_another_day_of_knowledge(tmp_path: Path, solved: list[int], later: int) -> None:
    """Only series about which something became known in between are solved again."""
    ledger = random_ledger(32, agencies=30).write(tmp_path / "ledger")
    build(ledger, tmp_path / "releases", AS_OF)
    day = AS_OF + timedelta(later)
    quick = build(ledger, tmp_path / "releases", day)
    full = build(ledger, tmp_path / "elsewhere", day)
    assert_same_bytes(quick, full)
    _, some, every = solved
    assert some < every
    assert later < 0 or some == 0


def test_an_altered_release_is_not_relied_on(tmp_path: Path, solved: list[int]) -> None:
    ledger = random_ledger(33, agencies=10).write(tmp_path / "ledger")
    home = build(ledger, tmp_path / "releases", AS_OF)
    content = bytearray((home / "bounds.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (home / "bounds.parquet").write_bytes(content)
    build(ledger, tmp_path / "releases", date(2021, 7, 1))
    assert solved[0] == solved[1]


def test_a_release_of_other_code_is_not_relied_on(tmp_path: Path, solved: list[int]) -> None:
    ledger = random_ledger(33, agencies=10).write(tmp_path / "ledger")
    home = build(ledger, tmp_path / "releases", AS_OF)
    package = json.loads((home / "datapackage.json").read_text())
    package["facetally"]["method_sha256"] = "another"
    (home / "datapackage.json").write_text(json.dumps(package))
    build(ledger, tmp_path / "releases", date(2021, 7, 1))
    assert solved[0] == solved[1]
