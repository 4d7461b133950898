"""Proofs of single answers: which evidence was admitted on a day, and the path behind a bound."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np

from pipelines import cases
from pipelines.arithmetic import Said
from pipelines.bounds import Evidence, chunks
from pipelines.periods import day_number, day_of
from pipelines.solver import (
    BEGIN,
    END,
    FIRST,
    HIGH,
    KNOWN_FROM,
    KNOWN_UNTIL,
    LOW,
    NONE,
    Q_DAY,
    Q_SERIES,
    VOICE,
    VOICE_NAMES,
    Array,
)

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

    def evidence_behind(
        self,
        series: Sequence[Series],
        first: Array,
        last: Array,
        known_on: Array,
        voice: str,
        bound: str,
    ) -> list[tuple[list[str], list[str]]]:
        """The evidence that proves one bound of many windows: ids of reports, ids of denials.

        Days are numbers, ``first`` BEGIN asks since the series began; ``bound`` is low or high.
        What :meth:`prove` finds for one, all at once.
        """
        numbers = np.array([self._number[key] for key in series], dtype=np.int64)
        questions = np.stack([numbers, first, last + 1, known_on], axis=1)
        order = np.lexsort((questions[:, Q_DAY], questions[:, Q_SERIES]))
        asked, questions[order, Q_SERIES] = np.unique(
            questions[order, Q_SERIES], return_inverse=True
        )
        evidence, questions = self._evidence.of(asked), questions[order]

        def answered(chunk: tuple[int, int]) -> tuple[Array, Array]:
            return _paths(evidence, *chunk, VOICE_NAMES.index(voice), bound == "high", questions)

        found: list[tuple[list[str], list[str]]] = [([], [])] * len(order)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            place = 0
            for ends, items in pool.map(answered, chunks(evidence.offsets)):
                ids = evidence.ids.take(items).to_pylist()
                is_report = evidence.is_report[items].tolist()
                start = 0
                for end in ends.tolist():
                    path = range(start, end)
                    found[order[place]] = (
                        [ids[n] for n in path if is_report[n]],
                        [ids[n] for n in path if not is_report[n]],
                    )
                    start = end
                    place += 1
        return found

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


def _paths(
    evidence: Evidence, start: int, stop: int, voice: int, upper: bool, questions: Array
) -> tuple[Array, Array]:
    """Where the path to each question about series [start, stop) ends, and the items on them."""
    offsets = evidence.offsets[start : stop + 1]
    items = slice(int(offsets[0]), int(offsets[-1]))
    asked = slice(*np.searchsorted(questions[:, Q_SERIES], [start, stop]))
    columns = {
        FIRST: evidence.first[items],
        END: evidence.end[items],
        LOW: evidence.low[items],
        HIGH: evidence.high[items],
        VOICE: evidence.voice[items],
        KNOWN_FROM: evidence.known_from[items],
        KNOWN_UNTIL: evidence.known_until[items],
    }
    here = questions[asked] - [start, 0, 0, 0]
    ends, found = cases.prove_each(offsets - offsets[0], columns, voice, upper, here)
    return ends, found + items.start
