"""Random ledgers around a hidden truth: mostly true reports, some lies, denials, refusals,
corrections, open starts and ends, overlapping in every way. The same seed, the same ledger."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from small_ledger import report, source, statement, write_ledger

FIRST, LAST = date(2019, 3, 1), date(2020, 5, 31)
AS_OF = date(2021, 6, 30)
CHANNELS = ("compelled", "published", "on_request", "leaked", "vendor", "third_party")
SYSTEMS = ("finder", "seer")
METRICS = ("searches", "arrests")

Row = dict[str, str]


@dataclass
class RandomLedger:
    """Rows as `write_ledger` takes them, and the interval that each report's wording states."""

    sources: list[Row] = field(default_factory=list)
    agencies: list[Row] = field(default_factory=list)
    systems: list[Row] = field(default_factory=list)
    reports: list[Row] = field(default_factory=list)
    statements: list[Row] = field(default_factory=list)
    stated: dict[str, tuple[int, int | None]] = field(default_factory=dict)

    def write(self, directory: Path) -> Path:
        return write_ledger(
            directory,
            sources=self.sources,
            agencies=self.agencies,
            systems=self.systems,
            reports=self.reports,
            statements=self.statements,
        )

    def numbered_reports(self) -> list[Row]:
        """The reports with the stated interval in `low` and `high` ("none": no upper bound)."""
        blank = {
            "per": "",
            "disclosed_by": "",
            "replaces": "",
            "period_start": "",
            "period_end": "",
        }
        return [
            {
                **blank,
                **row,
                "low": str(self.stated[row["report_id"]][0]),
                "high": str("none" if (high := self.stated[row["report_id"]][1]) is None else high),
            }
            for row in self.reports
        ]

    def all_sources(self) -> list[Row]:
        return self.sources

    def all_statements(self) -> list[Row]:
        return [{"system_id": "", **row} for row in self.statements]


def random_ledger(seed: int, agencies: int, largest: int = 9) -> RandomLedger:
    """A ledger of so many agencies with up to ``largest`` reports a series."""
    dice = random.Random(seed)
    ledger = RandomLedger(systems=[{"system_id": "seer", "name": "Seer"}])
    for n in range(agencies):
        agency = f"agency-{n}"
        ledger.agencies.append(
            {"agency_id": agency, "name": f"Agency {n}", "country": "GB", "level": "local"}
        )
        chosen = dice.sample([(s, m) for s in SYSTEMS for m in METRICS], dice.choice([1, 1, 1, 2]))
        for system, metric in chosen:
            _add_series(ledger, dice, agency, system, metric, dice.randint(1, largest))
        for _ in range(dice.choice([0, 0, 0, 1, 1, 2])):
            _add_statement(ledger, dice, agency)
    return ledger


def _add_series(
    ledger: RandomLedger, dice: random.Random, agency: str, system: str, metric: str, reports: int
) -> None:
    busy = dice.choice([0, 1, 3])
    days = (LAST - FIRST).days + 1
    truth = [dice.randint(0, busy) for _ in range(days)]
    earlier: list[tuple[Row, date]] = []
    for _ in range(reports):
        start, end = _period(dice)
        count = sum(truth[(start - FIRST).days : (end - FIRST).days + 1])
        if dice.random() < 0.2:
            count = max(0, count + dice.choice([-1, 1]) * dice.randint(1, 40))
        words, low, high = _wording(dice, count)
        public = end + timedelta(dice.choice([1, 5, 5, 40, 200]))
        row = {"period_start": start.isoformat(), "period_end": end.isoformat()}
        shape = dice.random()
        if shape < 0.06:
            row = {"period_start": "", "period_end": end.isoformat()}
        elif shape < 0.10:
            row = {"period_start": start.isoformat(), "period_end": ""}
        elif shape < 0.13:
            row = {"period_start": "", "period_end": ""}
        elif shape < 0.16:
            row = {"period_start": "begin", "period_end": ""}
        elif shape < 0.22:
            row["per"] = dice.choice(["day", "week", "month", "year"])
        channel = dice.choice(CHANNELS)
        if dice.random() < 0.1:
            row["disclosed_by"] = "north-police"
        if earlier and dice.random() < 0.12:
            wrong, wrong_public = dice.choice(earlier)
            public = max(public, wrong_public + timedelta(dice.choice([0, 3, 30])))
            row["replaces"] = wrong["report_id"]
        report_id = f"r{len(ledger.reports)}"
        ledger.stated[report_id] = (low, high)
        entry = report(
            report_id,
            words,
            agency_id=agency,
            system_id=system,
            metric=metric,
            channel=channel,
            source_id=_add_source(ledger, dice, public),
            **row,
        )
        ledger.reports.append(entry)
        earlier.append((entry, public + timedelta(366)))


def _period(dice: random.Random) -> tuple[date, date]:
    shape = dice.random()
    if shape < 0.65:
        months = dice.choice([1, 1, 1, 2, 3, 3, 6, 12])
        begin = dice.randint(0, 15 - months)
        start = _first_of_month(begin)
        return start, _first_of_month(begin + months) - timedelta(1)
    start = FIRST + timedelta(dice.randint(0, (LAST - FIRST).days))
    longest = (LAST - start).days
    return start, start + timedelta(dice.randint(0, min(longest, dice.choice([0, 6, 40, 400]))))


def _first_of_month(months: int) -> date:
    month = FIRST.month - 1 + months
    return date(FIRST.year + month // 12, month % 12 + 1, 1)


def _wording(dice: random.Random, count: int) -> tuple[str, int, int | None]:
    shape = dice.random()
    if shape < 0.5:
        return str(count), count, count
    if shape < 0.65:
        low = max(0, count - dice.randint(0, 10))
        return f"at least {low}", low, None
    if shape < 0.8:
        high = count + dice.randint(0, 10)
        return f"at most {high}", 0, high
    low, high = max(0, count - dice.randint(0, 9)), count + dice.randint(1, 9)
    return f"{low}-{high}", low, high


def _add_statement(ledger: RandomLedger, dice: random.Random, agency: str) -> None:
    said = FIRST + timedelta(dice.randint(0, (LAST - FIRST).days))
    public = said + timedelta(dice.choice([0, 10, 90]))
    shape = dice.random()
    said_on = said.isoformat()
    if shape < 0.15:
        said_on = said_on[:7]
    elif shape < 0.3:
        said_on = f"{(said - timedelta(60)).isoformat()}/{said_on}"
    elif shape < 0.4:
        said_on = ""
    ledger.statements.append(
        statement(
            f"s{len(ledger.statements)}",
            dice.choice(["denied", "denied", "declined", "no_response", "confirmed"]),
            said_on,
            agency_id=agency,
            system_id=dice.choice(["", *SYSTEMS]),
            source_id=_add_source(ledger, dice, public),
        )
    )


def _add_source(ledger: RandomLedger, dice: random.Random, public: date) -> str:
    """A source published on that day, or dated no closer than its month or year."""
    shape = dice.random()
    text = public.isoformat()
    if shape < 0.1:
        text = text[:7]
    elif shape < 0.13:
        text = text[:4]
    source_id = f"source-{len(ledger.sources)}"
    ledger.sources.append(source(source_id, text))
    return source_id
