"""Changes as people read them: text, rows of a table, Markdown.

All three say the same lines; only their dress differs. A calendar quarter or month is counted
rather than listed where a window or year of its series is listed.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from pipelines import arithmetic, periods
from pipelines.changes import (
    BoundChange,
    Changes,
    ConflictChange,
    DateChange,
    GapChange,
    RowChange,
)

LONGEST = 200
"""Lines of one section; the rest is counted. The JSON form has them all."""

_SIGNS = {"added": "+", "removed": "-", "corrected": "~", "moved": "~"}
_ONE = {"agencies": "agency", "duties": "duty"}
_FREQUENCIES = {"Q": ("quarter", "quarters"), "M": ("month", "months")}


_CELL = "; cell "
"""Between a row and its corrected cell, in the subject of a line."""


@dataclass(frozen=True)
class Line:
    """One change: its section, what happened, to what, from, to, and why."""

    section: str
    change: str
    subject: str
    was: str
    now: str
    because: str

    @property
    def text(self) -> str:
        moved = " → ".join(filter(None, (self.was, self.now)))
        return f"{self.subject}{f': {moved}' if moved else ''}" + (
            f" ({self.because})" if self.because else ""
        )


def headline(changes: Changes) -> str:
    """All in one sentence: 1 report added; 4 bounds of 2 series moved; 1 gap opened."""
    parts = []
    for change in ("added", "corrected", "removed"):
        tables = Counter(r.table for r in changes.rows if r.change == change)
        if tables:
            what = " and ".join(_counted(n, _one(t), t) for t, n in _in_order(tables))
            parts.append(f"{what} {change}")
    if changes.bounds:
        series = len({(b.agency_id, b.system_id, b.metric) for b in changes.bounds})
        parts.append(f"{_counted(len(changes.bounds), 'bound', 'bounds')} of {series} series moved")
    if changes.dates:
        dated = _counted(len(changes.dates), "bound", "bounds")
        parts.append(f"{dated} known since another day")
    gaps = Counter(g.change for g in changes.gaps)
    parts += [
        f"{_counted(gaps[c], 'gap', 'gaps')} {c}"
        for c in ("opened", "resized", "closed")
        if gaps[c]
    ]
    aside = Counter(c.change for c in changes.conflicts)
    if aside["set_aside"]:
        parts.append(f"{_counted(aside['set_aside'], 'piece', 'pieces')} of evidence set aside")
    if aside["admitted"]:
        parts.append(f"{_counted(aside['admitted'], 'piece', 'pieces')} of evidence admitted again")
    if changes.rows and not (changes.bounds or changes.dates or gaps or aside):
        parts.append("no bound and no gap moved")
    if changes.cut:
        parts.append("more than can be listed here")
    return "; ".join(parts) + "." if parts else "Nothing changed."


def _one(table: str) -> str:
    """A row of a table, in a word."""
    return _ONE.get(table, table.removesuffix("s"))


def _in_order(tables: Counter[str]) -> list[tuple[str, int]]:
    order = ("reports", "statements", "duties", "sources", "agencies", "systems", "corrections")
    return [(t, tables[t]) for t in order if tables[t]]


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def lines(changes: Changes) -> list[Line]:
    """Every change as a line, in the order of sections: rows, bounds, days, gaps, conflicts."""
    return [
        *(line for row in changes.rows for line in _row_lines(row, changes.names)),
        *_bound_lines(changes),
        *_date_lines(changes),
        *(_gap_line(gap, changes.names) for gap in changes.gaps),
        *(_conflict_line(conflict, changes.names) for conflict in changes.conflicts),
    ]


def as_text(changes: Changes) -> str:
    """For a terminal or a log."""
    out = [f"{changes.before['name']} → {changes.after['name']}", headline(changes)]
    for section, found in _sections(changes):
        out += ["", section]
        for row, told in _by_row(found[:LONGEST]):
            sign = _SIGNS.get(told[0].change, told[0].change)
            if row:
                out += [f"  {sign} {row}", *(f"      {_cell(line)}" for line in told)]
            else:
                out.append(f"  {sign} {told[0].text}")
        if len(found) > LONGEST:
            out.append(f"  and {len(found) - LONGEST:,} more")
    return "\n".join(out) + "\n"


def as_markdown(changes: Changes) -> str:
    """For CHANGES.md."""
    out = [
        "# Changes",
        "",
        f"From {_plain(changes.before['name'])} to {_plain(changes.after['name'])}.",
        "",
        headline(changes),
    ]
    if changes.before["method_sha256"] != changes.after["method_sha256"]:
        out += ["", "The method changed too: what names no cause may come from that."]
    for section, found in _sections(changes):
        out += ["", f"## {section}", ""]
        for row, told in _by_row(found[:LONGEST]):
            out.append(f"- **{told[0].change}** {_plain(row or told[0].text)}")
            if row:
                out += [f"  - {_plain(_cell(line))}" for line in told]
        if len(found) > LONGEST:
            out.append(f"- and {len(found) - LONGEST:,} more")
    return "\n".join(out) + "\n"


def write_changes(home: Path, changes: Changes | None, name: str) -> None:
    """Write ``home``/CHANGES.md and changes.json; None: there is no release before ``name``.

    changes.json has the headline, the lines that CHANGES.md shows, and all changes as fields.
    """
    if changes is None:
        text = f"# Changes\n\n{_plain(name)} is the first release here: there is none to compare.\n"
        content: dict[str, Any] = {"before": None, "after": {"name": name}, "headline": ""}
    else:
        text = as_markdown(changes)
        content = {
            "headline": headline(changes),
            "lines": [asdict(line) for line in lines(changes)[:LONGEST]],
            **changes.as_dict(),
        }
    (home / "CHANGES.md").write_text(text, encoding="utf-8")
    (home / "changes.json").write_text(
        json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _sections(changes: Changes) -> Iterator[tuple[str, list[Line]]]:
    for section, found in groupby(lines(changes), key=lambda line: line.section):
        yield section, list(found)


def _by_row(found: Iterable[Line]) -> Iterator[tuple[str, list[Line]]]:
    """Lines that are cells of one row together, with the row's name; any other by itself."""
    for row, told in groupby(found, key=lambda line: line.subject.rpartition(_CELL)[0]):
        for lines_ in [list(told)] if row else [[line] for line in told]:
            yield row, lines_


def _cell(line: Line) -> str:
    return f"{line.subject.rpartition(_CELL)[2]}: {line.was} → {line.now}"


def _plain(text: str) -> str:
    """Text of the ledger within Markdown: nothing in it is mark-up."""
    text = re.sub(r"\s+", " ", text)
    return re.sub(r"([\\`*_\[\]<>|#&])", r"\\\1", text)


def _row_lines(change: RowChange, names: dict[str, str]) -> Iterator[Line]:
    """One line for a row that came or went, one for each cell that was corrected."""
    subject = f"{_one(change.table)} {change.row_id}: {describe_row(change, names)}"
    if change.change != "corrected":
        yield Line("Rows", change.change, subject, "", "", "")
    for cell in change.cells:
        was, now = _quoted(cell.was), _quoted(cell.now)
        yield Line("Rows", "corrected", f"{subject}{_CELL}{cell.column}", was, now, "")


def _quoted(text: str) -> str:
    return f'"{text}"' if text else "blank"


def describe_row(change: RowChange, names: dict[str, str]) -> str:
    """What a row says, in a line."""
    row = change.row
    if change.table == "reports":
        low, high = int(row["low"] or 0), int(row["high"]) if row["high"] else None
        rate = f" a {row['per']}" if row["per"] else ""
        ends = (row["period_start"], row["period_end"])
        when = f", {ends[0] or '..'} to {ends[1] or 'publication'}" if any(ends) else ""
        return (
            f"{_series(row['agency_id'], row['system_id'], row['metric'], names)}{when}: "
            f'"{row["wording"]}"{rate} = {arithmetic.interval(low, high)}; '
            f"source {row['source_id']}"
        )
    if change.table == "statements":
        about = f" {names.get(row['system_id'], row['system_id'])}" if row["system_id"] else ""
        return (
            f"{names.get(row['agency_id'], row['agency_id'])} {row['stance']}{about}: "
            f"{row['summary']} (source {row['source_id']})"
        )
    if change.table == "duties":
        return f"{names.get(row['agency_id'], row['agency_id'])}: {row['instrument']}"
    if change.table == "sources":
        return f"{row['publisher']}, {row['title']}, {row['published_on']}"
    if change.table == "corrections":
        place = "/".join(filter(None, (row["table_name"], row["row_id"], row["column_name"])))
        return f"{place} {_quoted(row['was'])} → {_quoted(row['now'])}: {row['why']}"
    return row["name"]


def _series(agency: str, system: str | None, metric: str | None, names: dict[str, str]) -> str:
    named = [names.get(agency, agency)]
    if system:
        named.append(names.get(system, system))
    if metric:
        named.append(metric.replace("_", " "))
    return ", ".join(named)


def _bound_lines(changes: Changes) -> Iterator[Line]:
    def series(change: BoundChange) -> tuple[str, str, str]:
        return change.agency_id, change.system_id, change.metric

    for key, group in groupby(changes.bounds, key=series):
        moved = list(group)
        listed = [b for b in moved if b.frequency in ("R", "A")] or moved
        counted = Counter(b.frequency for b in moved if b not in listed)
        subject = _series(*key, changes.names)
        runs = list(_runs(listed))
        for n, run in enumerate(runs):
            bound = run[0]
            also = ""
            if n == len(runs) - 1 and counted:
                also = "; also " + " and ".join(
                    _counted(counted[f], *_FREQUENCIES[f]) for f in _FREQUENCIES if counted[f]
                )
            when = _period(bound)
            if len(run) > 1:
                when = f"in each of {bound.period} to {run[-1].period}"
            yield Line(
                "Bounds",
                "added" if bound.was is None else "removed" if bound.now is None else "moved",
                f"{subject}, {when}",
                arithmetic.interval(*bound.was) if bound.was else "",
                arithmetic.interval(*bound.now) if bound.now else "",
                _because(bound.because) + also,
            )


def _date_lines(changes: Changes) -> Iterator[Line]:
    """A line for each series, days and cause: the windows and years, else what there is."""

    def alike(change: DateChange) -> tuple[object, ...]:
        series = (change.agency_id, change.system_id, change.metric)
        return series, change.was, change.now, change.because

    for _, group in groupby(sorted(changes.dates, key=alike), key=alike):
        dated = list(group)
        listed = [d for d in dated if d.frequency in ("R", "A")] or dated
        first = dated[0]
        series = _series(first.agency_id, first.system_id, first.metric, changes.names)
        when = ", ".join(dict.fromkeys(_when(d.frequency, d.period) for d in listed))
        yield Line(
            "Known since another day",
            "moved",
            f"{series}, {when}",
            arithmetic.day(date.fromisoformat(first.was)),
            arithmetic.day(date.fromisoformat(first.now)),
            _because(first.because),
        )


def _runs(bounds: list[BoundChange]) -> Iterator[list[BoundChange]]:
    """Years in a row that moved alike, together; a year that is also a window, once."""
    windows = {b.period for b in bounds if b.frequency == "R"}
    run: list[BoundChange] = []
    for bound in bounds:
        if bound.frequency == "A" and f"{bound.period}-01-01/{bound.period}-12-31" in windows:
            continue
        if run and not (
            bound.frequency == run[-1].frequency == "A"
            and int(bound.period) == int(run[-1].period) + 1
            and (bound.was, bound.now, bound.because) == (run[0].was, run[0].now, run[0].because)
        ):
            yield run
            run = []
        run.append(bound)
    if run:
        yield run


def _period(bound: BoundChange) -> str:
    when = _when(bound.frequency, bound.period)
    if bound.frequency == "R" and bound.period_was != bound.period:
        return f"{when} (was {arithmetic.period(*periods.window_span(bound.period_was))})"
    return when


def _when(frequency: str, period: str) -> str:
    if frequency != "R":
        return f"in {period}"
    return arithmetic.period(*periods.window_span(period))


def _because(ids: Iterable[str]) -> str:
    ids = list(ids)
    if not ids:
        return "because of the method or the day of knowledge"
    shown = ", ".join(ids[:3])
    return f"because of {shown}" + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")


def _gap_line(gap: GapChange, names: dict[str, str]) -> Line:
    series = _series(gap.agency_id, gap.system_id, gap.metric, names)
    when = arithmetic.period(gap.period_start, gap.period_end)
    return Line(
        "Gaps",
        gap.change,
        f"{gap.kind}: {series}, {when}",
        "" if gap.change == "opened" else _size(gap.was),
        "closed" if gap.change == "closed" else _size(gap.now),
        _because(gap.because),
    )


def _size(size: tuple[int | None, int | None, int | None] | None) -> str:
    if size is None:
        return ""
    low, high, days = size
    if days is not None:
        return f"{days:,} days"
    return arithmetic.interval(low or 0, high) if low or high is not None else "no upper bound"


def _conflict_line(conflict: ConflictChange, names: dict[str, str]) -> Line:
    series = _series(conflict.agency_id, conflict.system_id, conflict.metric, names)
    change = "set aside" if conflict.change == "set_aside" else "admitted again"
    why = conflict.arithmetic if conflict.change == "set_aside" else ""
    return Line("Conflicts", change, f"{conflict.set_aside_id}, {series}", "", "", why)
