"""What changed since the release before, from the ``changes.json`` beside the tables."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from dashboards import phrases
from dashboards.charts.changes import moved
from pipelines.periods import window_span


@dataclass(frozen=True)
class News:
    """One change that readers of the overview are told: about whom, and what."""

    agency_id: str
    words: str
    kind: str = ""


@dataclass(frozen=True)
class Changes:
    """``before`` and ``after`` are versions, ``headline`` all of it in a sentence, ``told`` what
    changes.json holds."""

    before: str
    after: str
    headline: str
    told: dict[str, Any]

    def sections(self) -> list[tuple[str, list[dict[str, str]]]]:
        """The lines of CHANGES.md, by section."""
        return [
            (section, list(lines))
            for section, lines in groupby(self.told["lines"], key=lambda line: line["section"])
        ]

    @property
    def left_out(self) -> int:
        """How many changed rows, bounds, gaps and conflicts the lines do not show."""
        every = sum(len(self.told[part]) for part in ("rows", "bounds", "gaps", "conflicts"))
        return max(0, every - len(self.told["lines"])) if len(self.told["lines"]) >= 200 else 0

    def news(self, most: int = 6) -> list[News]:
        """Gaps that opened or closed and figures that are new or moved, one an agency and kind of
        change, the gaps first."""
        found: list[News] = []
        seen: set[tuple[str, str]] = set()

        def tell(agency: str, about: str, words: str, kind: str = "") -> None:
            if (agency, about) not in seen:
                seen.add((agency, about))
                found.append(News(agency, words, kind))

        for gap in self.told["gaps"]:
            if gap["change"] == "resized":
                continue
            when = phrases.during(_day(gap["period_start"]), _last(gap["period_end"]))
            verb = "opened" if gap["change"] == "opened" else "closed"
            tell(gap["agency_id"], f"gap {gap['kind']} {verb}", f"a gap {verb}, {when}",
                 gap["kind"])  # fmt: skip
        for bound in moved(self.told["bounds"]):
            if bound["now"] is None:
                continue
            low, high = bound["now"]
            now = phrases.counted_interval(low, high, bound["metric"])
            when = phrases.during(*span(bound["frequency"], bound["period"]))
            was = phrases.interval(*bound["was"]) if bound["was"] else ""
            words = f"{now} {when}" + (f" (was {was})" if was else "")
            tell(bound["agency_id"], f"figure {bound['system_id']} {bound['metric']}", words)
        return found[:most]

    def agencies(self) -> Counter[str]:
        """Figures that moved, by agency: those that stood before and stand now."""
        return Counter(
            bound["agency_id"]
            for bound in moved(self.told["bounds"])
            if bound["was"] and bound["now"]
        )


def read(home: Path) -> Changes | None:
    """Those of the release in ``home``; None for the first release, and for one too old to say."""
    try:
        told = json.loads((home / "changes.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not told.get("before"):
        return None
    blank: dict[str, Any] = {"lines": [], "rows": [], "bounds": [], "gaps": [], "conflicts": []}
    told = {**blank, **told}
    return Changes(told["before"]["name"], told["after"]["name"], told["headline"], told)


def span(frequency: str, period: str) -> tuple[date | None, date]:
    """The days of a year or an evidence window; the other frequencies are not told here."""
    if frequency == "A":
        return date(int(period), 1, 1), date(int(period), 12, 31)
    return window_span(period)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _last(text: str) -> date:
    return date.fromisoformat(text)
