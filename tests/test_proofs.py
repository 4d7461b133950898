"""What must hold of bounds and conflicts whatever the evidence is."""

from __future__ import annotations

import random
import re
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import oracle
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_ledger import AS_OF, RandomLedger, random_ledger

from pipelines import cases
from pipelines.arithmetic import Said, contradiction
from pipelines.bounds import Evidence, solve_evidence
from pipelines.fields import CONFLICTS
from pipelines.ledger import read_ledger
from pipelines.periods import day_of
from pipelines.proofs import Proofs
from pipelines.release import build, derive_tables
from pipelines.solver import BEGIN, NONE

DAY = date(2019, 1, 1).toordinal() - date(1970, 1, 1).toordinal()

# A piece of evidence: first day (None: open), length, low, slack (None: no upper bound), day it
# was known, days until it was corrected (None: never), voice, whether it is a report.
Piece = tuple[int | None, int, int, int | None, int, int | None, int, bool]
pieces = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 200)),
        st.integers(1, 120),
        st.integers(0, 40),
        st.one_of(st.none(), st.integers(0, 20)),
        st.integers(320, 330),
        st.one_of(st.none(), st.none(), st.integers(0, 5)),
        st.integers(0, 1),
        st.sampled_from([True, True, True, False]),
    ),
    min_size=1,
    max_size=9,
).filter(lambda ps: any(p[-1] for p in ps))


def columns(given_pieces: list[Piece]) -> dict[str, np.ndarray]:
    """The pieces, in order of authority, as the solver takes them; a denial is an open zero."""
    rows = []
    for first, length, low, slack, known, until, voice, is_report in given_pieces:
        if not is_report:
            first, low, slack, until, voice = None, 0, 0, None, 0
        start = BEGIN if first is None else DAY + first
        end = DAY + (first or 60) + length
        high = NONE if slack is None else low + slack
        gone = NONE if until is None else DAY + known + until
        rows.append((start, end, low, high, DAY + known, gone, voice, is_report))
    names = ("first", "end", "low", "high", "known_from", "known_until", "voice", "is_report")
    return {
        name: np.array(values, dtype=np.int64)
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }


def evidence_of(given_pieces: list[Piece]) -> Evidence:
    """One series."""
    found = columns(given_pieces)
    none = np.zeros(0, dtype=np.int64)
    return Evidence(
        ids=pa.array([f"e{n}" for n in range(len(given_pieces))]),
        offsets=np.array([0, len(given_pieces)]),
        refusal_offsets=np.array([0, 0]),
        refusal_known=none,
        refusal_said=none,
        **found,
    )


def solved(given_pieces: list[Piece]) -> tuple[list[dict], list[dict]]:
    answers, conflicts = zip(*solve_evidence(evidence_of(given_pieces)), strict=True)
    return pa.concat_tables(answers).to_pylist(), pa.concat_tables(conflicts).to_pylist()


def consistent(given_pieces: list[Piece]) -> tuple[np.ndarray, ...]:
    """The pieces that can be true together: first, end, low, high."""
    found = columns(given_pieces)
    quantities = tuple(found[name] for name in ("first", "end", "low", "high"))
    holds = cases.Weighed(*quantities).holds
    return tuple(column[holds] for column in quantities)


@settings(max_examples=150, deadline=None)
@given(pieces, st.integers(0, 250), st.integers(1, 150), st.data())
def test_more_admitted_evidence_is_tighter(
    given_pieces: list[Piece], first: int, length: int, data: st.DataObject
) -> None:
    every = consistent(given_pieces)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=9, max_size=9)))[: len(every[0])]
    window = DAY + first, DAY + first + length
    low, high, _, _ = cases.Weighed(*every).prove(*window)
    fewer_low, fewer_high, _, _ = cases.Weighed(*(c[kept] for c in every)).prove(*window)
    assert fewer_low <= low <= high <= fewer_high


@settings(max_examples=100, deadline=None)
@given(pieces)
def test_certificates_suffice(given_pieces: list[Piece]) -> None:
    """Solving with the reports of a proof alone gives that same bound."""
    found = columns(given_pieces)
    quantities = [found[name] for name in ("first", "end", "low", "high")]
    for row in solved(given_pieces)[0]:
        window = (_number(row["first_day"]), _number(row["last_day"]) + 1)
        for bound, ids in (("low", "low_report_ids"), ("high", "high_report_ids")):
            of = np.array([int(i[1:]) for i in row[ids]], dtype=np.int64)
            alone = [column[of] for column in quantities]
            assert cases.Weighed(*alone).holds.all()
            low, high, _, _ = cases.Weighed(*alone).prove(*window)
            assert row[bound] == (low if bound == "low" else None if high == NONE else high)
            known = found["known_from"][of], found["known_until"][of]
            today = _number(row["known_from"])
            assert (known[0] <= today).all()
            assert (known[1] > today).all()


def _number(day: date | None) -> int:
    return BEGIN if day is None else day.toordinal() - date(1970, 1, 1).toordinal()


@settings(max_examples=100, deadline=None)
@given(pieces, pieces, st.sampled_from(["agency", "others", "all"]))
def test_proofs_all_at_once_are_those_one_by_one(
    one: list[Piece], other: list[Piece], voice: str
) -> None:
    """Two series, every day on which something became known, windows open and dated."""
    series = [("a", "s", "searches"), ("b", "s", "searches")]
    first, second = evidence_of(one), evidence_of(other)
    both = {
        name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in columns(one)
    }
    ids = [f"e{n}" for n in range(len(one) + len(other))]
    none = np.zeros(0, dtype=np.int64)
    evidence = Evidence(
        pa.array(ids),
        np.array([0, len(one), len(one) + len(other)]),
        **both,
        refusal_offsets=np.zeros(3, dtype=np.int64),
        refusal_known=none,
        refusal_said=none,
    )
    asked = [
        (key, start, DAY + 90, day)
        for day in sorted({*both["known_from"].tolist()})
        for start in (BEGIN, DAY + 20, DAY + 90)
        for key in series
    ]
    proofs = Proofs(evidence, series)
    keys, *days = (list(column) for column in zip(*asked, strict=True))
    for bound in ("low", "high"):
        found = proofs.evidence_behind(keys, *(np.array(d) for d in days), voice, bound)
        for (key, start, last, day), (reports, denials) in zip(asked, found, strict=True):
            alone = proofs.prove(
                key, voice, None if start == BEGIN else day_of(start), day_of(last), day_of(day)
            )
            path = [said.evidence_id for said in getattr(alone, f"{bound}_path")]
            assert [i for i in path if both["is_report"][int(i[1:])]] == reports
            assert [i for i in path if not both["is_report"][int(i[1:])]] == denials


@settings(max_examples=100, deadline=None)
@given(pieces)
def test_children_fit_into_their_parent(given_pieces: list[Piece]) -> None:
    """On every day the lows of months and quarters sum to at most the year's low, and so high."""
    rows = solved(given_pieces)[0]
    for day in {row["known_from"] for row in rows}:
        now = [
            r
            for r in rows
            if r["known_from"] <= day and (r["known_until"] is None or r["known_until"] > day)
        ]
        for parent in now:
            for frequency in "QM":
                children = [
                    c
                    for c in now
                    if c["frequency"] == frequency
                    and parent["first_day"] is not None
                    and c["first_day"] >= parent["first_day"]
                    and c["last_day"] <= parent["last_day"]
                ]
                assert sum(c["low"] for c in children) <= parent["low"]
                assert parent["high"] is None or parent["low"] <= parent["high"]


@settings(max_examples=100, deadline=None)
@given(pieces)
def test_rows_differ_from_their_neighbours(given_pieces: list[Piece]) -> None:
    """Rows of one period follow each other in time; where one ends as the next begins, something
    in them differs."""
    before: dict | None = None
    for row in solved(given_pieces)[0]:
        period = ("frequency", "first_day", "last_day")
        if before is not None and all(before[c] == row[c] for c in period):
            assert before["known_until"] is not None
            assert before["known_until"] <= row["known_from"]
            if before["known_until"] == row["known_from"]:
                assert any(
                    before[c] != row[c] for c in row if c not in ("known_from", "known_until")
                )
        before = row


@settings(max_examples=150, deadline=None)
@given(pieces)
def test_conflicts_are_minimal_and_their_arithmetic_is_true(given_pieces: list[Piece]) -> None:
    found = columns(given_pieces)
    quantities = [found[name] for name in ("first", "end", "low", "high")]
    for conflict in solved(given_pieces)[1]:
        names = [*conflict["cycle_ids"], conflict["set_aside_id"]]
        of = np.array([int(i[1:]) for i in names])
        assert not cases.Weighed(*(column[of] for column in quantities)).holds.all()
        for left_out in range(len(of)):
            rest = np.delete(of, left_out)
            assert cases.Weighed(*(column[rest] for column in quantities)).holds.all()
        said = {name: _said(name, quantities, i) for name, i in zip(names, of, strict=True)}
        check_sentence(
            contradiction(said[names[-1]], [said[name] for name in names[:-1]]), said, names[-1]
        )


def _said(name: str, quantities: list[np.ndarray], i: int) -> Said:
    first, end, low, high = (int(column[i]) for column in quantities)
    epoch = date(1970, 1, 1).toordinal()
    return Said(
        name,
        low,
        None if high == NONE else high,
        None if first == BEGIN else date.fromordinal(first + epoch),
        date.fromordinal(end - 1 + epoch),
    )


TERM = re.compile(r"(plus |less |)(exactly|at least|at most) ([\d,]+) [^()]*?\((\S+?)\)")


def check_sentence(sentence: str, said: dict[str, Said], aside: str) -> None:
    """Read the sentence of a conflict back: each term is what its report says, the sum is the
    bound, and the bound contradicts the report that was set aside."""
    parts = re.fullmatch(
        r"(.*), but the evidence admitted before it (leaves at most|gives at least) "
        r"([\d,]+): (.*)\.",
        sentence,
    )
    assert parts, sentence
    claim, most, bound, sum_text = parts.groups()
    assert claim.startswith(f"{aside} says ")
    upper = most == "leaves at most"
    total = 0
    for sign, words, number, name in TERM.findall(sum_text):
        count = int(number.replace(",", ""))
        takes_high = upper == (sign != "less ")
        assert count == (said[name].high if takes_high else said[name].low)
        assert words == (
            "exactly"
            if said[name].low == said[name].high
            else "at most"
            if takes_high
            else "at least"
        )
        total += -count if sign == "less " else count
    assert total == int(bound.replace(",", ""))
    if upper:
        assert total < said[aside].low
    else:
        assert said[aside].high is not None
        assert total > said[aside].high


# --- whole releases --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ledger() -> RandomLedger:
    return random_ledger(11, agencies=40)


@pytest.fixture(scope="module")
def home(ledger: RandomLedger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("whole")
    return build(ledger.write(place / "ledger"), place / "releases", AS_OF)


def rows_of(home: Path, query: str) -> list[tuple]:
    return duckdb.sql(query.replace("HOME", str(home))).fetchall()


def test_conflicts_of_a_release_hold_up(ledger: RandomLedger, home: Path) -> None:
    """By linear programmes: the reports of a cycle cannot all be true, without any one they can."""
    found = oracle.read_cases(
        ledger.sources, ledger.numbered_reports(), ledger.all_statements(), AS_OF
    )
    programmes = oracle.Programmes()
    rows = rows_of(
        home,
        "select agency_id, system_id, metric, set_aside_id, cycle_ids, arithmetic, known_from "
        "from 'HOME/conflicts.parquet'",
    )
    assert len(rows) >= 30
    for agency, system, metric, aside, cycle, arithmetic, known_from in rows:
        items = {item.name: item for item in found[agency, system, metric].items}
        together = sorted((items[i] for i in [aside, *cycle]), key=lambda item: item.rank)
        assert together[-1].name == aside
        assert all(item.known <= known_from.toordinal() for item in together)
        assert programmes.admitted(together) == together[:-1]
        for left_out in together[:-1]:
            rest = [item for item in together if item is not left_out]
            assert programmes.admitted(rest) == rest
        said = {
            item.name: Said(
                item.name,
                item.low,
                item.high,
                date.fromordinal(item.first) if item.first else None,
                date.fromordinal(item.end - 1),
            )
            for item in together
        }
        check_sentence(arithmetic, said, aside)


def test_the_order_of_rows_is_irrelevant(ledger: RandomLedger, home: Path, tmp_path: Path) -> None:
    shuffled = RandomLedger(**vars(ledger))
    dice = random.Random(5)
    for table in ("sources", "agencies", "reports", "statements"):
        rows = list(getattr(ledger, table))
        dice.shuffle(rows)
        setattr(shuffled, table, rows)
    other = build(shuffled.write(tmp_path / "ledger"), tmp_path / "releases", AS_OF)
    for table in ("bounds", "conflicts", "gaps", "series"):
        assert (other / f"{table}.parquet").read_bytes() == (
            home / f"{table}.parquet"
        ).read_bytes(), table


def derived(ledger: RandomLedger, day: date = AS_OF) -> tuple[list, list]:
    """The bounds and conflicts that follow from a ledger on a day, in order."""
    with tempfile.TemporaryDirectory() as place:
        tables, problems = read_ledger(ledger.write(Path(place) / "ledger"))
        assert not problems
        con = derive_tables(tables, day, Path(place))
        query = "from {} order by all"
        return tuple(con.sql(query.format(t)).fetchall() for t in ("bounds", "conflicts"))


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_no_order_of_rows_matters(seed: int, dice: random.Random) -> None:
    ledger = random_ledger(seed, agencies=3)
    shuffled = RandomLedger(**vars(ledger))
    for table in ("sources", "agencies", "reports", "statements"):
        rows = list(getattr(ledger, table))
        dice.shuffle(rows)
        setattr(shuffled, table, rows)
    assert derived(shuffled) == derived(ledger)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_no_other_series_matters(seed: int, left_out: int) -> None:
    ledger = random_ledger(seed, agencies=4)
    agency = f"agency-{left_out}"
    fewer = RandomLedger(
        **{
            **vars(ledger),
            "reports": [r for r in ledger.reports if r["agency_id"] != agency],
            "statements": [s for s in ledger.statements if s["agency_id"] != agency],
        }
    )
    some, every = derived(fewer), derived(ledger)
    assert some[0] == [row for row in every[0] if row[0] != agency]
    assert len(some[0]) < len(every[0])
    of = CONFLICTS.columns.index("agency_id")
    assert some[1] == [row for row in every[1] if row[of] != agency]


def test_another_series_changes_nothing(ledger: RandomLedger, home: Path) -> None:
    """Without the last agencies the answers of the others are the same."""
    left = {f"agency-{n}" for n in range(25)}
    fewer = RandomLedger(
        **{
            **vars(ledger),
            "reports": [r for r in ledger.reports if r["agency_id"] in left],
            "statements": [s for s in ledger.statements if s["agency_id"] in left],
        }
    )
    query = "from 'HOME/{}.parquet' where agency_id in {} order by all"
    for table, other in zip(("bounds", "conflicts"), derived(fewer), strict=True):
        some = rows_of(home, query.format(table, tuple(sorted(left))))
        assert some == other
        assert some


@pytest.mark.parametrize("day", [date(2019, 9, 15), date(2020, 2, 1), date(2020, 12, 31)])
def test_a_slice_is_what_was_derived_then(home: Path, ledger: RandomLedger, day: date) -> None:
    """The rows of the whole release that were known on a day are those derived on that day."""
    for table, then in zip(("bounds", "conflicts"), derived(ledger, day), strict=True):
        now = rows_of(
            home,
            f"""
            select * replace (if(known_until > date '{day}', null, known_until) as known_until)
            from 'HOME/{table}.parquet' where known_from <= date '{day}' order by all
            """,
        )
        assert now == then
        assert now
