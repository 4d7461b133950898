"""The `conflicts` table: what was set aside, why, and the arithmetic in words."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from pipelines.arithmetic import Said, contradiction
from pipelines.fields import CONFLICTS, arrow_schema
from pipelines.proofs import Series


def describe_conflicts(
    con: duckdb.DuckDBPyConnection, found: pa.Table, standing: pa.Table, series: list[Series]
) -> pa.Table:
    """Name and explain the conflicts that the solver found; with those of the last release that
    still stand, ordered by conflict_id."""
    named = {i for row in found.to_pylist() for i in (row["set_aside_id"], *row["cycle_ids"])}
    con.register("named", pa.table({"evidence_id": sorted(named)}))
    said = {
        (row[0], row[1]): Said(*row[1:])
        for row in con.execute(
            """
            select series_no, evidence_id, low, high, first_day, last_day
            from evidence
            join named using (evidence_id)
            """
        ).fetchall()
    }
    con.unregister("named")
    rows = []
    for row in found.to_pylist():
        number = row.pop("series_no")
        agency_id, system_id, metric = series[number]
        rows.append(
            {
                **row,
                "conflict_id": "-".join(
                    [
                        row["set_aside_id"],
                        # A denial may be set aside in several series of the agency.
                        system_id,
                        metric.replace("_", "-"),
                        row["voice"],
                        row["known_from"].isoformat(),
                    ]
                ),
                "agency_id": agency_id,
                "system_id": system_id,
                "metric": metric,
                "arithmetic": contradiction(
                    said[number, row["set_aside_id"]],
                    [said[number, i] for i in row["cycle_ids"]],
                ),
            }
        )
    explained = pa.Table.from_pylist(rows, schema=arrow_schema(CONFLICTS))
    return pa.concat_tables([explained, standing]).sort_by("conflict_id").combine_chunks()
