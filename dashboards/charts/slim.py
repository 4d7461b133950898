"""A drawn chart with fewer and shorter elements: parsed, laid out and painted sooner."""

from __future__ import annotations

import re

# What says nothing in a drawing that is one image to a screen reader.
_SILENT = re.compile(
    r'<path class="(?:background|foreground)"[^>]*/>|<path [^>]* opacity="0"[^>]*/>'
    r'|<text [^>]* opacity="0"[^>]*>[^<]*</text>'
    r'| (?:class|role|aria-[a-z]+|pointer-events)="[^"]*"| (?:stroke-)?opacity="1"'
)
_GROUP = re.compile(r"<g(?: [^>]*)?>|</g>")
_TAG = re.compile(r"<[^>]*>")
# Beyond a hundredth of a pixel nothing is seen.
_FINER = re.compile(r"\d+\.\d{3,}", re.ASCII)
# A mark without an outline, and those that stand one after the other.
_MARK = (
    r'<path transform="translate\((-?[\d.]+),(-?[\d.]+)\)" d="([MLHVCAZhv\d.,-]*)"'
    r'([^>]* stroke-width="0")/>'
)
_MARKS = re.compile(f"(?:{_MARK}){{2,}}", re.ASCII)
_OUTLINE = re.compile(r' stroke(?:-width)?="[^"]*"')
_STEP = re.compile(r"([MLHVCA])([^A-Za-z]*)", re.ASCII)


def slim(drawn: str) -> str:
    """The same picture, within a hundredth of a pixel.

    ``drawn`` is what Vega writes within an SVG. What only scripts or screen readers would use of
    it is left out, and marks without an outline are gathered in one path for each look.
    """
    groups = _without_bare_groups(_SILENT.sub("", drawn))
    return _TAG.sub(_rounded, _MARKS.sub(_in_one, groups))


def _without_bare_groups(drawn: str) -> str:
    """Without the groups that neither move nor paint what is in them."""
    stay: list[bool] = []

    def group(tag: re.Match[str]) -> str:
        if tag[0] != "</g>":
            stay.append(tag[0] not in {"<g>", '<g transform="translate(0,0)">'})
            return tag[0] if stay[-1] else ""
        return tag[0] if stay.pop() else ""

    return _GROUP.sub(group, drawn)


def _rounded(tag: re.Match[str]) -> str:
    return _FINER.sub(lambda number: _short(float(number[0])), tag[0])


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _in_one(marks: re.Match[str]) -> str:
    """The marks as one path for each shape and colour: a browser is quicker with few elements."""
    paths: list[tuple[str, str, list[str]]] = []
    for x, y, shape, look in re.findall(_MARK, marks[0], re.ASCII):
        # Of one shape, all run the same way round: where two overlap, no hole is left.
        if not paths or paths[-1][:2] != (shape, look):
            paths.append((shape, look, []))
        paths[-1][2].append(_moved(shape, float(x), float(y)))
    return "".join(
        f'<path d="{"".join(moved)}"{_OUTLINE.sub("", look)}/>' for _, look, moved in paths
    )


def _moved(shape: str, x: float, y: float) -> str:
    """A path elsewhere; its steps in lower case are relative and stay."""

    def step(found: re.Match[str]) -> str:
        kind, numbers = found[1], [float(number) for number in found[2].split(",")]
        # Of an arc, radii, rotation and flags do not move.
        by = {"H": [x], "V": [y], "A": [0.0] * 5 + [x, y]}.get(kind, [x, y])
        return kind + ",".join(_short(n + by[i % len(by)]) for i, n in enumerate(numbers))

    return _STEP.sub(step, shape)
