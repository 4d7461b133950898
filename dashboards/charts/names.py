"""Names in the room that a drawing has, whatever the reader's font.

A drawing is painted before anyone knows the font that it will be read in. So letters are taken as
wide as in DejaVu Sans, the widest of the house's families, and a name that needs more room than
there is goes over two lines or loses its middle: what tells long names of bodies apart stands
mostly at their ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from unicodedata import normalize

# Shares of the type's size, from the metrics of DejaVu Sans, whatever accent a letter has; any
# other letter counts as a wide one.
_WIDTHS = {
    letter: width
    for width, letters in {
        0.28: "'ijl",
        0.32: " ,.·’",
        0.37: "IJ/:;\\|f-",
        0.42: "t()[]!r",
        0.5: '"_*`–“”',
        0.55: "szc?",
        0.6: "LkFvxy",
        0.64: "aoeøTYPbdghnpquESß0123456789$",
        0.69: "KAVBXZ",
        0.79: "RCUHNDG&OQØ",
    }.items()
    for letter in letters
}
_WIDE = 1.0
_BOLD = 1.16
_CUT = "…"


def breadth(text: str, size: float, bold: bool = False) -> float:
    """The pixels that a line of text needs at most, in type of ``size`` pixels."""
    letters = (normalize("NFD", letter)[0] for letter in text)
    return sum(_WIDTHS.get(letter, _WIDE) for letter in letters) * size * (_BOLD if bold else 1)


def in_room(
    names: Iterable[str], room: float, size: float, lines: int = 1, bold: bool = False
) -> dict[str, str]:
    """Each name as it fits into so many lines of ``room`` pixels, line breaks between them.

    What does not fit loses its middle, marked with an ellipsis. Two names that would then read
    alike lose instead the words that they begin with in common.
    """
    every = list(dict.fromkeys(names))
    told = {name: _told(name, room, size, lines, bold) for name in every}
    alike: dict[str, list[str]] = {}
    for name, text in told.items():
        alike.setdefault(text, []).append(name)
    for group in alike.values():
        common = _words_in_common(group) if len(group) > 1 else 0
        if common:
            rests = {name: _CUT + " ".join(name.split()[common:]) for name in group}
            apart = in_room(rests.values(), room, size, lines, bold)
            told.update((name, apart[rest]) for name, rest in rests.items())
    return told


def _words_in_common(names: list[str]) -> int:
    """How many words all of them begin with."""
    every = [name.split() for name in names]
    shortest = min(map(len, every)) - 1
    return next((n for n in range(shortest) if len({words[n] for words in every}) > 1), shortest)


def _told(name: str, room: float, size: float, lines: int, bold: bool) -> str:
    def fits(text: str) -> bool:
        return breadth(text, size, bold) <= room

    words = name.split()
    whole = filled(words, fits)
    if len(whole) <= lines and all(map(fits, whole)):
        return "\n".join(whole)
    if lines == 1:
        return _cut(name, fits)
    # The last line takes as many of the last words as it has room for, the first ones the rest.
    first = filled(words, fits)[: lines - 1]
    first = [line if fits(line) else _cut(line, fits) for line in first]
    used = sum(len(line.split()) for line in first)
    last = _CUT + words[-1]
    for start in range(used, len(words)):
        last = _CUT + " ".join(words[start:])
        if fits(last):
            break
    return "\n".join([*first, last if fits(last) else _cut(last, fits)])


def filled(words: list[str], fits: Callable[[str], bool]) -> list[str]:
    """The words in lines, each as full as it can be."""
    lines: list[str] = []
    for word in words:
        if lines and fits(f"{lines[-1]} {word}"):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _cut(text: str, fits: Callable[[str], bool]) -> str:
    """The text without its middle, so that it fits: whole words where there are any that do."""
    words = text.split()
    for begun in range(max(1, len(words) // 3), 0, -1):
        for start in range(begun + 1, len(words)):
            cut = f"{' '.join(words[:begun])}{_CUT}{' '.join(words[start:])}"
            if fits(cut):
                return cut
    for kept in range(len(text) - 1, 1, -1):
        before = kept // 2
        cut = f"{text[:before].rstrip()}{_CUT}{text[len(text) - (kept - before) :].lstrip()}"
        if fits(cut):
            return cut
    return _CUT
