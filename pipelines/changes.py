"""What changed between two editions: rows, bounds, gaps and conflicts, each with its cause.

The cause of a moved bound or gap is the changed evidence among its proofs, before or after; where
its proofs did not change, the changed evidence about its series; where there is none, the method
or the day of knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

import duckdb

from pipelines.editions import Edition
from pipelines.fields import LEDGER_FILES, Table, released
from pipelines.periods import window_span

Change = Literal["added", "removed", "corrected"]
Interval = tuple[int, int | None]


@dataclass(frozen=True)
class Cell:
    column: str
    was: str
    now: str


@dataclass(frozen=True)
class RowChange:
    """A row of the ledger; ``row`` is all of it, as text, after (or, if removed, before)."""

    table: str
    row_id: str
    change: Change
    cells: tuple[Cell, ...]
    row: dict[str, str]


@dataclass(frozen=True)
class BoundChange:
    """A bound that moved; None: no bound was or is given. An evidence window that grew has
    another ``period_was``."""

    agency_id: str
    system_id: str
    metric: str
    frequency: str
    period: str
    period_was: str
    was: Interval | None
    now: Interval | None
    because: tuple[str, ...]


@dataclass(frozen=True)
class DateChange:
    """A bound that is the same, but known to the public since another day (ISO 8601)."""

    agency_id: str
    system_id: str
    metric: str
    frequency: str
    period: str
    was: str
    now: str
    because: tuple[str, ...]


@dataclass(frozen=True)
class GapChange:
    """A gap that opened, closed or changed its size: (low, high, days) before and after."""

    gap_id: str
    change: Literal["opened", "closed", "resized"]
    kind: str
    agency_id: str
    system_id: str | None
    metric: str | None
    period_start: date | None
    period_end: date
    was: tuple[int | None, int | None, int | None] | None
    now: tuple[int | None, int | None, int | None] | None
    because: tuple[str, ...]


@dataclass(frozen=True)
class ConflictChange:
    """Evidence that was set aside because of a contradiction, or no longer is."""

    set_aside_id: str
    change: Literal["set_aside", "admitted"]
    agency_id: str
    system_id: str
    metric: str
    arithmetic: str


@dataclass(frozen=True)
class Changes:
    """All that changed, each list in a fixed order. ``names`` gives names to ids."""

    before: dict[str, str]
    after: dict[str, str]
    rows: list[RowChange] = field(default_factory=list)
    bounds: list[BoundChange] = field(default_factory=list)
    dates: list[DateChange] = field(default_factory=list)
    gaps: list[GapChange] = field(default_factory=list)
    conflicts: list[ConflictChange] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Whether there are more rows or bounds than were asked for."""

    @property
    def any(self) -> bool:
        return bool(self.rows or self.bounds or self.dates or self.gaps or self.conflicts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; days as text."""
        return {
            **asdict(self),
            "gaps": [
                {
                    **asdict(gap),
                    "period_start": gap.period_start and gap.period_start.isoformat(),
                    "period_end": gap.period_end.isoformat(),
                }
                for gap in self.gaps
            ],
        }


def compare(before: Edition, after: Edition, limit: int | None = None) -> Changes:
    """What changed from one edition to another; of each table's rows, and of the bounds, at most
    ``limit``."""
    con = duckdb.connect(":memory:")
    for side, edition in (("was", before), ("now", after)):
        for name, table in edition.tables.items():
            con.register(f"{side}_{name}", table)
    of_tables = [_row_changes(con, table, limit) for table in LEDGER_FILES]
    causes = _Causes(con)
    bounds, bounds_cut = _bound_changes(con, causes, limit)
    return Changes(
        before=_about(before),
        after=_about(after),
        rows=[change for changes in of_tables for change in changes],
        bounds=bounds,
        dates=_date_changes(con, causes, limit),
        gaps=_gap_changes(con, causes),
        conflicts=_conflict_changes(con),
        names=_names(con),
        cut=bounds_cut or any(len(changes) == limit for changes in of_tables),
    )


def _about(edition: Edition) -> dict[str, str]:
    return {
        "name": edition.name,
        "as_of": edition.as_of.isoformat(),
        "ledger_sha256": edition.ledger_sha256,
        "method_sha256": edition.method_sha256,
    }


def _row_changes(
    con: duckdb.DuckDBPyConnection, table: Table, limit: int | None
) -> list[RowChange]:
    # The columns of the ledger; of a report, the bounds that its wording and override amount to.
    key = table.key[0]
    available = released(table.name).columns
    columns = [c for c in table.columns if c in available]
    texts = [
        f"array_to_string({c}, ' ')" if table.field(c).type == "slugs" else f"{c}::text"
        for c in columns
    ]
    cells_of_row = ", ".join(f"coalesce({text}, '')" for text in texts)
    row = f"list_value({cells_of_row}) as cells"
    if key not in columns:
        return []
    found = con.execute(
        f"""
        with
        was as (select {key}, {row} from was_{table.name}),
        now as (select {key}, {row} from now_{table.name})
        select {key}, was.cells, now.cells
        from was full join now using ({key})
        where was.cells is distinct from now.cells
        order by {key}
        limit {limit or "all"}
        """
    ).fetchall()
    changes = []
    for row_id, was, now in found:
        change: Change = "added" if was is None else "removed" if now is None else "corrected"
        cells = (
            tuple(Cell(c, w, n) for c, w, n in zip(columns, was, now, strict=True) if w != n)
            if change == "corrected"
            else ()
        )
        whole = dict(zip(columns, now or was, strict=True))
        changes.append(RowChange(table.name, row_id, change, cells, whole))
    return changes


class _Causes:
    """The evidence that changed, to be asked which of it moved an answer."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._about: dict[str, tuple[str, str | None, str | None]] = {}
        for name, key, columns in (
            (
                "reports",
                "report_id",
                "low, high, voice, first_day, last_day, known_from, known_until, channel",
            ),
            ("statements", "statement_id", "stance, said_earliest, said_latest, known_from"),
            ("duties", "duty_id", "cadence, effective_from, effective_until, due_days"),
        ):
            system = "null" if name == "duties" else "system_id"
            metric = "null" if name == "statements" else "metric"
            select = f"select {key}, agency_id, {system} as s, {metric} as m, {columns} from"
            found = con.execute(
                f"""
                select coalesce(n.{key}, w.{key}) as id, coalesce(n.agency_id, w.agency_id),
                  coalesce(n.s, w.s), coalesce(n.m, w.m)
                from ({select} was_{name}) as w
                full join ({select} now_{name}) as n using ({key})
                where w is distinct from n
                order by id
                """
            ).fetchall()
            for evidence_id, agency, system_id, metric_of in found:
                self._about[evidence_id] = (agency, system_id, metric_of)
        self._members: dict[str, list[str]] = {}
        for agency, group in con.execute(
            """
            select distinct agency_id, unnest(member_of)
            from (from was_agencies union all from now_agencies)
            """
        ).fetchall():
            self._members.setdefault(group, []).append(agency)
        self._of_agency: dict[str, list[str]] = {}
        for evidence_id, (agency, _, _) in self._about.items():
            self._of_agency.setdefault(agency, []).append(evidence_id)

    def of(
        self, proofs: Iterable[str | None], agency: str, system: str | None, metric: str | None
    ) -> tuple[str, ...]:
        """The changed evidence among the proofs of an answer, else about its series, else, for
        a group, about its members, by metric or by system."""
        return self.among(proofs) or tuple(
            self._concerning([agency], system, metric)
            or self._concerning(self._within(agency), None, metric)
            or self._concerning(self._within(agency), system, None)
        )

    def among(self, proofs: Iterable[str | None]) -> tuple[str, ...]:
        """The changed evidence among the proofs of an answer."""
        return tuple(sorted({p for p in proofs if p in self._about}))

    def _concerning(
        self, agencies: Iterable[str], system: str | None, metric: str | None
    ) -> list[str]:
        return sorted(
            i
            for agency in agencies
            for i in self._of_agency.get(agency, [])
            if system is None or self._about[i][1] in (None, system)
            if metric is None or self._about[i][2] in (None, metric)
        )

    def _within(self, group: str) -> set[str]:
        """All members of a group, and their members."""
        found: set[str] = set()
        waiting = [group]
        while waiting:
            new = set(self._members.get(waiting.pop(), [])) - found
            found |= new
            waiting += new
        return found


_BOUNDS = """
with
was as (select *, {key} as k from was_bounds),
now as (select *, {key} as k from now_bounds)
select
  coalesce(n.agency_id, w.agency_id), coalesce(n.system_id, w.system_id),
  coalesce(n.metric, w.metric), coalesce(n.frequency, w.frequency),
  w.period, n.period, w.low, w.high, n.low, n.high,
  coalesce(w.low_report_ids, []) || coalesce(w.high_report_ids, [])
    || coalesce(n.low_report_ids, []) || coalesce(n.high_report_ids, []),
  coalesce(w.period_start, date '0001-01-01'), w.period_end,
  coalesce(n.period_start, date '0001-01-01'), n.period_end
from was as w
full join now as n using (k)
where w.k is null or n.k is null or w.low <> n.low or w.high is distinct from n.high
order by 1, 2, 3, array_position(['R', 'A', 'Q', 'M'], coalesce(n.frequency, w.frequency)),
  coalesce(n.period_start, w.period_start) nulls first, coalesce(n.period_end, w.period_end)
limit {limit}
"""


def _bound_changes(
    con: duckdb.DuckDBPyConnection, causes: _Causes, limit: int | None
) -> tuple[list[BoundChange], bool]:
    """The bounds that moved, and whether there are more."""
    key = "concat_ws('/', agency_id, system_id, metric, frequency, period)"
    found = con.execute(_BOUNDS.format(key=key, limit=limit or "all")).fetchall()
    # A window that grew or shrank is one that vanished and one that appeared, sharing days.
    gone: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in found:
        if row[3] == "R" and row[5] is None:
            gone.setdefault(row[:3], []).append(row)
    changes = []
    grown: set[tuple[Any, ...]] = set()
    for row in found:
        agency, system, metric, frequency, was, now, low_was, high_was, low, high, proofs = row[:11]
        earlier = None
        if frequency == "R" and was is None:
            earlier = next(
                (
                    r
                    for r in gone.get(row[:3], [])
                    if (*row[:3], r[4]) not in grown and r[11] <= row[14] and row[13] <= r[12]
                ),
                None,
            )
        if earlier is not None:
            grown.add((*earlier[:3], earlier[4]))
            was, low_was, high_was, proofs = (
                earlier[4],
                earlier[6],
                earlier[7],
                proofs + earlier[10],
            )
        changes.append(
            BoundChange(
                agency,
                system,
                metric,
                frequency,
                now or was,
                was or now,
                None if was is None else (low_was, high_was),
                None if now is None else (low, high),
                causes.of(proofs, agency, system, metric),
            )
        )
    grown_windows: dict[tuple[str, str, str], list[BoundChange]] = {}
    for c in changes:
        if c.frequency == "R" and c.period_was != c.period:
            grown_windows.setdefault((c.agency_id, c.system_id, c.metric), []).append(c)
    kept = [
        c
        for c in changes
        if not _within_a_grown(c, grown_windows.get((c.agency_id, c.system_id, c.metric), []))
    ]
    return kept, len(found) == limit


_DATES = """
with
moved as (
  select
    agency_id, system_id, metric, frequency, period, n.period_start, n.period_end,
    w.known_from as was, n.known_from as now,
    w.low_report_ids || w.high_report_ids || n.low_report_ids || n.high_report_ids as proofs
  from was_bounds as w
  join now_bounds as n using (agency_id, system_id, metric, frequency, period)
  where w.known_from <> n.known_from and w.low = n.low and w.high is not distinct from n.high
)
select agency_id, system_id, metric, frequency, period, was::text, now::text, proofs
from moved
order by agency_id, system_id, metric, array_position(['R', 'A', 'Q', 'M'], frequency),
  period_start nulls first, period_end
"""


def _date_changes(
    con: duckdb.DuckDBPyConnection, causes: _Causes, limit: int | None
) -> list[DateChange]:
    """The bounds that are known since another day because a proof of theirs changed."""
    found = [
        DateChange(agency, system, metric, frequency, period, was, now, because)
        for agency, system, metric, frequency, period, was, now, proofs in con.execute(
            _DATES
        ).fetchall()
        if (because := causes.among(proofs))
    ]
    return found[:limit]


def _within_a_grown(gone: BoundChange, grown: Iterable[BoundChange]) -> bool:
    """Whether a window vanished because another of its series grew over it: that one is told."""
    if gone.frequency != "R" or gone.now is not None:
        return False
    first, last = window_span(gone.period)
    return any(
        (window_span(other.period)[0] or date.min) <= last
        and (first or date.min) <= window_span(other.period)[1]
        for other in grown
    )


def _gap_changes(con: duckdb.DuckDBPyConnection, causes: _Causes) -> list[GapChange]:
    columns = (
        "gap_id, kind, agency_id, system_id, metric, duty_id, period_start, period_end, low, high, "
        "days, report_ids, statement_ids"
    )
    sides = []
    for side in ("was", "now"):
        table = con.sql(f"select {columns} from {side}_gaps order by gap_id").to_arrow_table()
        sides.append({row["gap_id"]: row for row in table.to_pylist()})
    was, now = sides
    pairs = {name: (name if name in was else _renamed(gap, was, now)) for name, gap in now.items()}
    changes = []
    for name, gap in now.items():
        earlier = was[pairs[name]] if pairs[name] else None
        if earlier is None:
            changes.append(_gap_change("opened", gap, None, gap, causes))
        # A day later every overdue gap is a day larger: no news.
        elif any(
            gap[c] != earlier[c]
            for c in ("low", "high", "days")
            if (gap["kind"], c) != ("overdue", "days")
        ):
            changes.append(_gap_change("resized", gap, earlier, gap, causes))
    kept = set(pairs.values())
    changes += [
        _gap_change("closed", gap, gap, None, causes)
        for name, gap in was.items()
        if name not in kept
    ]
    return sorted(
        changes, key=lambda c: (("opened", "resized", "closed").index(c.change), c.gap_id)
    )


def _renamed(
    gap: dict[str, Any], was: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]
) -> str | None:
    """The gap of before that this is under another id: its window is named after its first end."""
    subject = ("kind", "agency_id", "system_id", "metric", "duty_id")
    for name, earlier in was.items():
        if (
            name not in now
            and all(gap[c] == earlier[c] for c in subject)
            and (earlier["period_start"] or date.min) <= gap["period_end"]
            and (gap["period_start"] or date.min) <= earlier["period_end"]
        ):
            return name
    return None


def _gap_change(
    change: Literal["opened", "closed", "resized"],
    gap: dict[str, Any],
    was: dict[str, Any] | None,
    now: dict[str, Any] | None,
    causes: _Causes,
) -> GapChange:
    proofs = [
        i
        for side in (was, now)
        if side
        for i in (*side["report_ids"], *side["statement_ids"], side["duty_id"])
    ]
    return GapChange(
        gap["gap_id"],
        change,
        gap["kind"],
        gap["agency_id"],
        gap["system_id"],
        gap["metric"],
        gap["period_start"],
        gap["period_end"],
        (was["low"], was["high"], was["days"]) if was else None,
        (now["low"], now["high"], now["days"]) if now else None,
        causes.of(proofs, gap["agency_id"], gap["system_id"], gap["metric"]),
    )


def _conflict_changes(con: duckdb.DuckDBPyConnection) -> list[ConflictChange]:
    """One row for each piece of evidence and series, whatever the voices it is set aside in."""
    of = "select set_aside_id, agency_id, system_id, metric, min(arithmetic) as arithmetic from"
    found = con.execute(
        f"""
        with
        was as ({of} was_conflicts group by all),
        now as ({of} now_conflicts group by all)
        select
          set_aside_id, if(was.arithmetic is null, 'set_aside', 'admitted'), agency_id, system_id,
          metric, coalesce(now.arithmetic, was.arithmetic)
        from was
        full join now using (set_aside_id, agency_id, system_id, metric)
        where was.arithmetic is null or now.arithmetic is null
        order by 2 desc, agency_id, system_id, metric, set_aside_id
        """
    ).fetchall()
    return [ConflictChange(*row) for row in found]


def _names(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    names: dict[str, str] = {}
    for side in ("was", "now"):
        for table, key in (("agencies", "agency_id"), ("systems", "system_id")):
            names.update(con.execute(f"select {key}, name from {side}_{table}").fetchall())
    return names
