"""What an import tells the curator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from pipelines.events.rejects import Reject


@dataclass(frozen=True)
class ImportSummary:
    """What an import found and did.

    rows: of the log; counted: searches; rejected: rows by reason; sample: kinds of rejected rows;
    first, last: the days covered, each declared or of the first or last search; without_search,
    withheld: report rows that say 0 or hold a small count back; added, standing: report rows put
    into the ledger or there before.
    """

    sha256: str
    files: int
    engine: str
    rows: int
    counted: int
    rejected: Mapping[str, int]
    sample: Sequence[Reject]
    first: date
    last: date
    first_declared: bool
    last_declared: bool
    days_in: str
    per: str
    without_search: int
    withheld: int
    added: int
    standing: int

    @property
    def _zone(self) -> str:
        return f"in {self.days_in}" if self.days_in else "as written"

    @property
    def _undeclared(self) -> str:
        ends = [("first", "--from", self.first_declared), ("last", "--to", self.last_declared)]
        seen = [(which, option) for which, option, declared in ends if not declared]
        which = " and ".join(which for which, _ in seen)
        options = " and ".join(option for _, option in seen)
        return f"; of the {which} search, declare {options} if the log covers more" if seen else ""

    def as_dict(self) -> dict[str, object]:
        """The summary for JSON, days as ISO 8601."""
        return {**asdict(self), "first": self.first.isoformat(), "last": self.last.isoformat()}

    def as_text(self) -> str:
        """The summary for reading, a line a fact."""
        files = "" if self.files == 1 else f" ({self.files} files)"
        lines = [
            f"Log        sha256 {self.sha256}{files}, counted with {self.engine}",
            f"Rows       {self.rows:,}; {self.counted:,} counted",
            *(f"Rejected   {rows:,} {reason}" for reason, rows in self.rejected.items()),
            *(f"           {_place(reject)}" for reject in self.sample),
            f"Period     {self.first} to {self.last}, days {self._zone}{self._undeclared}",
            f"Zero       {_many(self.without_search, self.per)} without a search",
        ]
        if self.withheld:
            lines.append(f"Withheld   {_many(self.withheld, self.per)} with a small count")
        lines.append(f"Ledger     {self.added:,} rows added, {self.standing:,} stood there already")
        return "\n".join(lines)


def _many(count: int, unit: str) -> str:
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"


def _place(reject: Reject) -> str:
    line = f":{reject.line}" if reject.line else ""
    value = f" {reject.value!r}" if reject.value else ""
    return (
        f"{reject.rows:,} such as {reject.file}{line}: {reject.column}:{value} {reject.reason}; "
        f"{reject.remedy}"
    )
