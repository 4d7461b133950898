"""What is taken over from the last release: the answers of series whose evidence has not changed.

The answers of a series follow from its evidence alone, and `series.evidence_sha256` is the
fingerprint of all of it, cut at the day of knowledge. Where the last release was built by the same
code and its files are whole, the rows of a series with the same fingerprint are the rows that
solving it again would give.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.solver import Array

_CARRIED = ("series", "bounds", "conflicts")


def find_last_release(out: Path, method_sha256: str) -> Path | None:
    """The release in ``out`` that was built last, if the same code built it and what would be
    taken over from it is as it was written."""
    home = (out / "latest").resolve()
    try:
        package = json.loads((home / "datapackage.json").read_text())["facetally"]
        hashes = {file["path"]: file["hash"] for file in package["parquet"]}
        whole = package["method_sha256"] == method_sha256 and all(
            hashes[f"{name}.parquet"] == f"sha256:{_sha256(home / f'{name}.parquet')}"
            for name in _CARRIED
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return home if whole else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unchanged_series(con: duckdb.DuckDBPyConnection, last: Path) -> pa.Table:
    """The series that the last release answers too: series_no, ascending, and key."""
    return con.sql(
        """
        select series_no, concat_ws('/', agency_id, system_id, metric) as key
        from numbered_series
        join series using (agency_id, system_id, metric)
        join read_parquet($last) as before
          using (agency_id, system_id, metric, evidence_sha256)
        order by series_no
        """,
        params={"last": str(last / "series.parquet")},
    ).to_arrow_table()


def carried_rows(last: Path, name: str, unchanged: pa.Table) -> Iterator[pa.Table]:
    """The rows of a table of the last release about unchanged series, in its order, with their
    series_no."""
    keys = unchanged["key"].combine_chunks()
    with pq.ParquetFile(last / f"{name}.parquet") as file:
        for batch in file.iter_batches(100_000):
            table = pa.Table.from_batches([batch])
            key = pc.binary_join_element_wise(
                table["agency_id"], table["system_id"], table["metric"], "/"
            )
            found = pc.index_in(key, value_set=keys)
            table = table.append_column("series_no", unchanged["series_no"].take(found))
            yield table.filter(pc.is_valid(found))


def in_order(*streams: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Merge streams of tables, each in order of series_no and no series in two of them."""
    waiting = [iter(stream) for stream in streams]
    heads: list[tuple[pa.Table, Array] | None] = [_next(stream) for stream in waiting]
    while any(heads):
        firsts = [head[1][0] if head else np.inf for head in heads]
        n = int(np.argmin(firsts))
        head = heads[n]
        assert head is not None
        table, numbers = head
        stop = min(first for m, first in enumerate([*firsts, np.inf]) if m != n)
        cut = int(np.searchsorted(numbers, stop))
        yield table.slice(0, cut)
        heads[n] = (table.slice(cut), numbers[cut:]) if cut < len(numbers) else _next(waiting[n])


def _next(stream: Iterator[pa.Table]) -> tuple[pa.Table, Array] | None:
    for table in stream:
        if table.num_rows:
            return table, np.asarray(table["series_no"].to_numpy())
    return None
