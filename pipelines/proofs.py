"""Proofs of single answers: which evidence was admitted on a day, and the path behind a bound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from pipelines import cases
from pipelines.arithmetic import Said
from pipelines.bounds import Evidence
from pipelines.periods import day_number, day_of
from pipelines.solver import BEGIN, NONE, VOICE_NAMES, Array

Series = tuple[str, str, str]


@dataclass(frozen=True)
class Proof:
    """Bounds of one window on one voice, with the evidence on the path to each, in order.

    ``admitted`` and ``aside`` list the ids of the evidence known on the day by whether it counts.
    """

    low: int
    high: int | None
    low_path: list[Said]
    high_path: list[Said]
    admitted: list[str]
    aside: list[str]


class Proofs:
    """Evidence by series, to be asked for proofs."""

    def __init__(self, evidence: Evidence, series: list[Series]) -> None:
        self._evidence = evidence
        self._number = {key: n for n, key in enumerate(series)}
        self._weighed: tuple[int, cases.Weighed] | None = None

    def _weigh(self, number: int, known: Array) -> cases.Weighed:
        """The items of a series weighed; the last series is kept, as one asks about it again."""
        if self._weighed is None or self._weighed[0] != number:
            e = self._evidence
            items = slice(e.offsets[number], e.offsets[number + 1])
            weighed = cases.Weighed(e.first[items], e.end[items], e.low[items], e.high[items])
            self._weighed = number, weighed
        self._weighed[1].weigh(known)
        return self._weighed[1]

    def said(self, item: int) -> Said:
        """One item of evidence, counted from the start of the evidence."""
        e = self._evidence
        return Said(
            evidence_id=e.ids[item].as_py(),
            low=int(e.low[item]),
            high=None if e.high[item] >= NONE else int(e.high[item]),
            first_day=None if e.first[item] == BEGIN else day_of(int(e.first[item])),
            last_day=day_of(int(e.end[item]) - 1),
        )

    def prove(
        self, series: Series, voice: str, first: date | None, last: date, known_on: date
    ) -> Proof:
        """The bounds of [first, last] as known at the end of a day.

        ``voice`` is agency, others or all; ``first`` None asks since the series began. KeyError
        for a series without evidence.
        """
        e = self._evidence
        number = self._number[series]
        start, stop = int(e.offsets[number]), int(e.offsets[number + 1])
        today = day_number(known_on)
        known = (e.known_from[start:stop] <= today) & (e.known_until[start:stop] > today)
        if voice != "all":
            known &= e.voice[start:stop] == VOICE_NAMES.index(voice)
        weighed = self._weigh(number, known)
        low, high, low_path, high_path = weighed.prove(
            BEGIN if first is None else day_number(first), day_number(last) + 1
        )
        holds = weighed.holds
        ids = e.ids
        return Proof(
            low=int(low),
            high=None if high >= NONE else int(high),
            low_path=[self.said(start + i) for i in low_path],
            high_path=[self.said(start + i) for i in high_path],
            admitted=[ids[start + int(i)].as_py() for i in np.flatnonzero(holds)],
            aside=[ids[start + int(i)].as_py() for i in np.flatnonzero(known & ~holds)],
        )
