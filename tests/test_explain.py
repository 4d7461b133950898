"""`facetally explain`: the interval, the reports and the arithmetic, read from a release."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest
from random_ledger import AS_OF, random_ledger
from small_ledger import report, source, statement, write_ledger

from pipelines.explain import Explanations, UnknownFigureError, explain_figure, figure, read_period
from pipelines.release import build

NORTH = ("north-police", "finder", "searches")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("explained")
    ledger = write_ledger(
        place / "ledger",
        sources=[
            source("leak", "2020-02-28", publisher="Herald", title="The list"),
            source("yearbook", "2021-03-01", publisher="North Police", title="Yearbook"),
            source("audit", "2021-05-01", publisher="Auditor", title="Audit"),
        ],
        reports=[
            report(
                "r-leak", "more than 170", "2019-12-01", "2020-02-28",
                channel="leaked", source_id="leak",
            ),
            report("r-2020", "500", "2020-01-01", "2020-12-31", source_id="yearbook"),
            report("r-h2", "about 200", "2020-07-01", "2020-12-31", source_id="yearbook"),
            report(
                "r-audit", "900", "2020-01-01", "2020-12-31",
                channel="compelled", source_id="audit",
            ),
        ],
        statements=[
            statement(
                "s-no", "denied", "2020-01-10", source_id="leak",
                summary="Answered no when asked.",
            )
        ],
    )  # fmt: skip
    return build(ledger, place / "releases", date(2021, 6, 30))


def test_a_leak_is_explained_in_plain_sentences(home: Path) -> None:
    text = explain_figure(home, *NORTH, "2019-12-01/2020-02-28", date(2020, 2, 28))
    assert text.split("\n\n") == [
        "North Police, Finder, from 1 December 2019 to 28 February 2020: at least 171 searches, as "
        "known on 28 February 2020. None of it comes from the agency itself.",
        "At least 171. Herald reported “more than 170”, which counts as at least 171, from 1 "
        "December 2019 to 28 February 2020 (“The list”, 28 February 2020; leaked; r-leak).",
        "No upper bound: nothing says at most how many.",
        "No estimate is given: no report with an upper bound covers every day.",
        "What the agency said. On 10 January 2020 it denied use: Answered no when asked.",
        "What is not disclosed. On 10 January 2020 it said that it did not use Finder; leaked "
        "records show at least 171 searches from 1 December 2019 to 28 February 2020. Both can be "
        "true only if all of them came after it said so.",
        "This is what the public knew from 28 February 2020 until 1 March 2021.",
    ]


def test_a_zero_that_rests_on_a_doubted_denial_says_so(home: Path) -> None:
    text = explain_figure(home, *NORTH, "2019-12", date(2020, 2, 28))
    assert "no searches, by a denial that other evidence puts in doubt" in text
    assert "Herald reported a denial, which counts as none up to 10 January 2020" in text
    assert "No estimate is given: the evidence is contested." in text


def test_several_reports_add_up_in_words(home: Path) -> None:
    found = figure(home, *NORTH, "2020-S1", date(2021, 3, 1))
    assert (found.low, found.high) == (250, 350)
    assert [said.evidence_id for said in found.grounds[-1].path] == ["r-2020", "r-h2"]
    assert found.grounds[-1].sums[-1] == (
        "Together: exactly 500 in 2020 (r-2020), less at least 150 from July to December 2020 "
        "(r-h2); that is at most 350 from January to June 2020."
    )
    assert found.why_no_row.startswith("The release has no figure of its own for this period")


def test_what_was_set_aside_is_told_with_its_reason(home: Path) -> None:
    found = figure(home, *NORTH, "2020", None)
    assert (found.low, found.high) == (900, 900)
    assert [a.source.said.evidence_id for a in found.aside] == ["r-2020"]
    assert found.aside[0].arithmetic == (
        "r-2020 says exactly 500 in 2020, but the evidence admitted before it gives at least 900: "
        "exactly 900 in 2020 (r-audit)."
    )
    assert "Set aside: North Police reported 500 in 2020" in "\n".join(found.paragraphs())


def test_where_there_is_no_figure_it_says_why(home: Path) -> None:
    early = explain_figure(home, *NORTH, "2020", date(2020, 1, 1))
    assert "The public learned the first number of this series on 28 February 2020." in early
    never = explain_figure(home, *NORTH, "2021-02", None)
    assert "nothing says how many searches" in never
    assert "No report that is admitted bounds the number in this period." in never


@pytest.mark.parametrize(
    ("series", "period", "text"),
    [
        (("north", "finder", "searches"), "2020", "did you mean north-police"),
        (("north-police", "find", "searches"), "2020", "it has finder"),
        (("north-police", "finder", "arrests"), "2020", "it has searches"),
        (NORTH, "2020-13", "is not a period"),
        (NORTH, "last year", "is not a period"),
        (NORTH, "2020-03/2020-01", "is not a period"),
        (NORTH, "9999-12-01/P9Y", "is not a period"),
    ],
)
def test_an_unknown_figure_names_what_is_near(
    home: Path, series: tuple[str, str, str], period: str, text: str
) -> None:
    with pytest.raises(UnknownFigureError, match=text):
        explain_figure(home, *series, period, None)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2019", date(2019, 1, 1), date(2019, 12, 31)),
        ("2019-Q4", date(2019, 10, 1), date(2019, 12, 31)),
        ("2019-S2", date(2019, 7, 1), date(2019, 12, 31)),
        ("2019-T2", date(2019, 5, 1), date(2019, 8, 31)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2020-W01", date(2019, 12, 30), date(2020, 1, 5)),
        ("2020-02-28", date(2020, 2, 28), date(2020, 2, 28)),
        ("2019-12-01/2020-02-28", date(2019, 12, 1), date(2020, 2, 28)),
        ("2019-12-01T00:00:00/P3M", date(2019, 12, 1), date(2020, 2, 29)),
        ("2019-12-01/P2W", date(2019, 12, 1), date(2019, 12, 14)),
        ("../2020-02-28", None, date(2020, 2, 28)),
    ],
)
def test_every_form_of_a_period_is_read(text: str, first: date | None, last: date) -> None:
    assert read_period(text) == (first, last)


def test_every_row_of_a_release_can_be_explained(tmp_path: Path) -> None:
    """Each bound is the sum of the reports that its row names (a wrong sum raises)."""
    ledger = random_ledger(21, agencies=12)
    home = build(ledger.write(tmp_path / "ledger"), tmp_path / "releases", AS_OF)
    shutil.rmtree(tmp_path / "ledger")
    rows = duckdb.sql(
        f"""
        select agency_id, system_id, metric, period, known_from, low, high
        from '{home}/bounds.parquet' order by all
        """
    ).fetchall()
    explanations = Explanations(home)
    for *series, period, known_from, low, high in rows[::5]:
        found = explanations.figure(*series, period, known_from)
        assert not found.why_no_row
        assert (found.low, found.high) == (low, high)
        assert found.paragraphs()
