"""Charts as static SVG: what a reader sees before, or without, any script."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from html import escape

import vl_convert

from dashboards.charts.figure import Figure
from dashboards.charts.slim import slim
from dashboards.charts.theme import FONT, LIGHT

# The renderer brings a font of these metrics and measures text with it three times as fast as with
# a list of families, and alike on every machine. Readers get the house's families.
MEASURED = "Arial"
# The same font where it paints pixels: there it knows no other name, and draws no letter without.
PAINTED = "Liberation Sans, sans-serif"
_FAMILY = f' font-family="{escape(FONT)}"'
_DRAWN_FAMILY = f' font-family="{MEASURED}"'

_PIXELS = re.compile(r' width="([\d.]+)" height="([\d.]+)"', re.ASCII)
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
    inside = slim(drawn[len(opening) :]).replace(_DRAWN_FAMILY, "")
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


def _escaped(text: str) -> str:
    return escape(text, quote=True)
