"""From evidence to the `bounds` and `conflicts` tables.

The method is in :mod:`pipelines.solver`; this module carries the evidence to it, series after
series on all cores, and its answers back into tables.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from pipelines import cases, solver
from pipelines.solver import BEGIN, FREQUENCY_NAMES, NONE, Array

CHUNK = 20_000
"""Items solved at a time: bounds the memory of a build, not its result."""

_INT = pa.int64()


@dataclass(frozen=True)
class Evidence:
    """Evidence of all series in order of authority, as columns.

    ``offsets`` cut the items into series, ``refusal_offsets`` the refusals. Days are numbers from
    1970-01-01, ends exclusive.
    """

    ids: pa.StringArray
    offsets: Array
    first: Array
    end: Array
    low: Array
    high: Array
    known_from: Array
    known_until: Array
    voice: Array
    is_report: Array
    refusal_offsets: Array
    refusal_known: Array
    refusal_said: Array

    @property
    def series(self) -> int:
        return len(self.offsets) - 1

    def of(self, series: Array) -> Evidence:
        """The evidence of some series, numbered from 0 in the order given."""
        items, offsets = _runs(self.offsets, series)
        refusals, refusal_offsets = _runs(self.refusal_offsets, series)
        return Evidence(
            ids=self.ids.take(pa.array(items)),
            offsets=offsets,
            first=self.first[items],
            end=self.end[items],
            low=self.low[items],
            high=self.high[items],
            known_from=self.known_from[items],
            known_until=self.known_until[items],
            voice=self.voice[items],
            is_report=self.is_report[items],
            refusal_offsets=refusal_offsets,
            refusal_known=self.refusal_known[refusals],
            refusal_said=self.refusal_said[refusals],
        )


def _runs(offsets: Array, series: Array) -> tuple[Array, Array]:
    """The places of some series' items, and the offsets that cut them."""
    lengths = offsets[series + 1] - offsets[series]
    cuts = np.zeros(len(series) + 1, dtype=np.int64)
    np.cumsum(lengths, out=cuts[1:])
    return np.arange(cuts[-1]) + np.repeat(offsets[series] - cuts[:-1], lengths), cuts


def read_evidence(con: duckdb.DuckDBPyConnection) -> Evidence:
    """Read the tables `evidence` and `refusals`, which are ordered by series and authority."""
    items = con.sql(
        """
        select
          series_no, evidence_id,
          coalesce(first_day - date '1970-01-01', $begin)::bigint as first,
          (last_day - date '1970-01-01' + 1)::bigint as end_,
          low, coalesce(high, $none)::bigint as high,
          (known_from - date '1970-01-01')::bigint as known_from,
          coalesce(known_until - date '1970-01-01', $none)::bigint as known_until,
          if(voice = 'agency', 0, 1)::bigint as voice, is_report
        from evidence
        order by item_no
        """,
        params={"begin": BEGIN, "none": NONE},
    ).to_arrow_table()
    refusals = con.sql(
        """
        select
          series_no,
          (known_from - date '1970-01-01')::bigint as known_from,
          (said_latest - date '1970-01-01')::bigint as said
        from refusals
        order by series_no, known_from, said
        """
    ).to_arrow_table()

    def column(name: str) -> Array:
        return np.asarray(items[name].to_numpy(), dtype=np.int64)

    series_of = column("series_no")
    count = int(series_of[-1]) + 1 if len(series_of) else 0
    every = np.arange(count + 1)
    return Evidence(
        ids=items["evidence_id"].combine_chunks(),
        offsets=np.searchsorted(series_of, every).astype(np.int64),
        first=column("first"),
        end=column("end_"),
        low=column("low"),
        high=column("high"),
        known_from=column("known_from"),
        known_until=column("known_until"),
        voice=column("voice"),
        is_report=np.asarray(items["is_report"].to_numpy(zero_copy_only=False), dtype=np.bool_),
        refusal_offsets=np.searchsorted(refusals["series_no"].to_numpy(), every).astype(np.int64),
        refusal_known=np.asarray(refusals["known_from"].to_numpy(), dtype=np.int64),
        refusal_said=np.asarray(refusals["said"].to_numpy(), dtype=np.int64),
    )


def solve_evidence(
    evidence: Evidence, progress: Callable[[float], None] = lambda _: None
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Solve every series, in order, some at a time.

    Yields the answers and the conflicts of consecutive series: answers with series_no, frequency,
    first_day (null: open), last_day, known_from, known_until and the columns of `bounds` behind
    them, ordered by series and period; conflicts with series_no, voice, set_aside_id, known_from,
    known_until and cycle_ids. ``progress`` is told the share that is done.
    """
    runs = list(chunks(evidence.offsets))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        waiting = [pool.submit(_solve_chunk, evidence, *chunk) for chunk in runs[:4]]
        for n, (_, last) in enumerate(runs):
            answer = waiting.pop(0).result()
            if n + 4 < len(runs):
                waiting.append(pool.submit(_solve_chunk, evidence, *runs[n + 4]))
            progress(int(evidence.offsets[last]) / int(evidence.offsets[-1]))
            yield answer


def numbered(table: pa.Table, series: Array) -> pa.Table:
    """The table with the numbers that its series have among all: ``series`` by number here."""
    numbers = pa.array(series[table["series_no"].to_numpy()])
    return table.set_column(table.column_names.index("series_no"), "series_no", numbers)


def chunks(offsets: Array) -> Iterator[tuple[int, int]]:
    """Runs of series of about CHUNK items each."""
    start = 0
    series = len(offsets) - 1
    while start < series:
        stop = int(np.searchsorted(offsets, offsets[start] + CHUNK, side="right")) - 1
        stop = min(max(stop, start + 1), series)
        yield start, stop
        start = stop


def _solve_chunk(evidence: Evidence, start: int, stop: int) -> tuple[pa.Table, pa.Table]:
    offsets = evidence.offsets[start : stop + 1]
    refusals = evidence.refusal_offsets[start : stop + 1]
    items = slice(int(offsets[0]), int(offsets[-1]))
    heard = slice(int(refusals[0]), int(refusals[-1]))
    solution = cases.solve(
        offsets - offsets[0],
        evidence.first[items],
        evidence.end[items],
        evidence.low[items],
        evidence.high[items],
        evidence.known_from[items],
        evidence.known_until[items],
        evidence.voice[items],
        evidence.is_report[items],
        refusals - refusals[0],
        evidence.refusal_known[heard],
        evidence.refusal_said[heard],
    )
    ids = evidence.ids.slice(items.start, items.stop - items.start)
    return _answer_table(start, solution, ids), _conflict_table(start, solution, ids)


def _answer_table(start: int, solution: cases.Solution, ids: pa.StringArray) -> pa.Table:
    """Rows of the solver as a table, ordered by series, frequency, period and knowledge."""
    rows = solution.rows
    order = np.lexsort(
        tuple(
            rows[:, column]
            for column in (
                solver.R_KNOWN_FROM,
                solver.R_END,
                solver.R_FIRST,
                solver.R_FREQUENCY,
                solver.R_SERIES,
            )
        )
    )
    rows = rows[order]
    answer = rows[:, solver.R_ANSWER :]
    low_proof = rows[:, solver.R_LOW_PROOF], rows[:, solver.R_LOW_PROOF_END]
    high_proof = rows[:, solver.R_HIGH_PROOF], rows[:, solver.R_HIGH_PROOF_END]
    return pa.table(
        {
            "series_no": pa.array(rows[:, solver.R_SERIES] + start),
            "frequency": _named(rows[:, solver.R_FREQUENCY], FREQUENCY_NAMES),
            "first_day": _days(rows[:, solver.R_FIRST], missing=BEGIN),
            "last_day": _days(rows[:, solver.R_END] - 1),
            "known_from": _days(rows[:, solver.R_KNOWN_FROM]),
            "known_until": _days(rows[:, solver.R_KNOWN_UNTIL], missing=NONE),
            "low": pa.array(answer[:, 0]),
            "high": _counts(answer[:, 1], NONE),
            "agency_low": _counts(answer[:, 2], -1),
            "agency_high": _counts(answer[:, 3], NONE),
            "others_low": _counts(answer[:, 4], -1),
            "others_high": _counts(answer[:, 5], NONE),
            "estimate": _counts(answer[:, 6], -1),
            "obs_status": _named(answer[:, 7], solver.STATUS_NAMES),
            "low_report_ids": _id_lists(*low_proof, solution.proofs, ids),
            "high_report_ids": _id_lists(*high_proof, solution.proofs, ids),
        }
    )


def _conflict_table(start: int, solution: cases.Solution, ids: pa.StringArray) -> pa.Table:
    found = solution.conflicts
    order = np.lexsort(
        tuple(
            found[:, column]
            for column in (
                solver.C_KNOWN_FROM,
                solver.C_ITEM,
                solver.C_VOICE,
                solver.C_SERIES,
            )
        )
    )
    found = found[order]
    cycle = found[:, solver.C_CYCLE], found[:, solver.C_CYCLE_END]
    return pa.table(
        {
            "series_no": pa.array(found[:, solver.C_SERIES] + start),
            "voice": _named(found[:, solver.C_VOICE], solver.VOICE_NAMES),
            "set_aside_id": ids.take(pa.array(found[:, solver.C_ITEM])),
            "known_from": _days(found[:, solver.C_KNOWN_FROM]),
            "known_until": _days(found[:, solver.C_KNOWN_UNTIL], missing=NONE),
            "cycle_ids": _id_lists(*cycle, solution.cycles, ids),
        }
    )


def _named(codes: Array, names: tuple[str, ...]) -> pa.Array:
    return pa.array(names).take(pa.array(codes))


def _counts(values: Array, missing: int) -> pa.Array:
    return pa.array(values, mask=values == missing)


def _days(values: Array, missing: int | None = None) -> pa.Array:
    mask = values == missing if missing is not None else None
    days = np.where(mask, 0, values) if mask is not None else values
    return pa.array(days.astype(np.int32), mask=mask).cast(pa.date32())


def _id_lists(start: Array, stop: Array, pool: Array, ids: pa.StringArray) -> pa.ListArray:
    """One list of ids for each slice [start, stop) of the pool."""
    lengths = stop - start
    offsets = np.zeros(len(start) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    flat = np.arange(offsets[-1]) + np.repeat(start - offsets[:-1], lengths)
    return pa.ListArray.from_arrays(pa.array(offsets), ids.take(pa.array(pool[flat])))
