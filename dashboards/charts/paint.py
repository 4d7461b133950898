"""Charts as static SVG: what a reader sees before, or without, any script."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from html import escape

import vl_convert

from dashboards.charts.figure import Figure
from dashboards.charts.theme import FONT, LIGHT

# The renderer brings a font of these metrics and measures text with it three times as fast as with
# a list of families, and alike on every machine. Readers get the house's families.
MEASURED = "Arial"
# The same font where it paints pixels: there it knows no other name, and draws no letter without.
PAINTED = "Liberation Sans, sans-serif"
_FAMILY = f' font-family="{escape(FONT)}"'
_DRAWN_FAMILY = f' font-family="{MEASURED}"'

_PIXELS = re.compile(r' width="([\d.]+)" height="([\d.]+)"', re.ASCII)
# What says nothing in a drawing that is one image to a screen reader.
_SILENT = re.compile(
    r'<path class="(?:background|foreground)"[^>]*/>'
    r'| (?:class|role|aria-[a-z]+|pointer-events)="[^"]*"| (?:stroke-)?opacity="1"'
)
# A mark without an outline, and those that stand one after the other.
_MARK = (
    r'<path transform="translate\((-?[\d.]+),(-?[\d.]+)\)" d="([MLHVCAZhv\d.,-]*)"'
    r'([^>]* stroke-width="0")/>'
)
_MARKS = re.compile(f"(?:{_MARK}){{2,}}", re.ASCII)
_OUTLINE = re.compile(r' stroke(?:-width)?="[^"]*"')
_STEP = re.compile(r"([MLHVCA])([^A-Za-z]*)", re.ASCII)
_SOURCE_ROOM = 24


def svg(figure: Figure, width: int, source: str = "") -> str:
    """The figure drawn ``width`` pixels wide, as inline SVG that scales with its container.

    ``source`` is a line below the drawing. Takes some 50 ms the first time. The text alternative
    is the SVG's label, and everything in it is one image to a screen reader: the table beside it
    holds the numbers.
    """
    spec = json.dumps(figure.spec(width)).replace(json.dumps(FONT), json.dumps(MEASURED))
    return _painted(spec, figure.description, source)


@lru_cache(maxsize=512)
def _painted(spec: str, description: str, source: str) -> str:
    drawn = vl_convert.vegalite_to_svg(json.loads(spec))
    opening = drawn[: drawn.index(">")]
    size = _PIXELS.search(opening)
    assert size, "the renderer writes the size of what it drew"
    inside = _SILENT.sub("", drawn[len(opening) :])
    inside = _MARKS.sub(_in_one, inside.replace(_DRAWN_FAMILY, ""))
    height = float(size[2])
    if source:
        below = f'<text y="{height + 17:g}" x="2" font-size="11px" fill="{LIGHT["muted"]}">'
        inside = inside.removesuffix("</svg>") + f"{below}{_escaped(source)}</text></svg>"
        height += _SOURCE_ROOM
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{_escaped(description)}" '
        f'viewBox="0 0 {size[1]} {height:g}" width="{size[1]}" height="{height:g}"'
        f"{_FAMILY}{inside}"
    )


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
        moved = (f"{n + by[i % len(by)]:.2f}" for i, n in enumerate(numbers))
        return kind + ",".join(number.rstrip("0").rstrip(".") for number in moved)

    return _STEP.sub(step, shape)


def _escaped(text: str) -> str:
    return escape(text, quote=True)
