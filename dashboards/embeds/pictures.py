"""A chart with its title and source as one picture: SVG, or PNG for print and social cards."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from html import escape

import vl_convert
from PIL import Image

from dashboards import phrases
from dashboards.charts import paint
from dashboards.charts.names import breadth, filled
from dashboards.charts.theme import FONT, LIGHT
from dashboards.embeds.catalogue import Chart, behind
from dashboards.embeds.shown import Shown

# The usual width takes the drawing of the page's middle width, so that nothing is drawn twice.
NARROWEST, USUAL, WIDEST = 300, 628, 1200
_SIZE = re.compile(r' viewBox="0 0 ([\d.]+) ([\d.]+)" width="[\d.]+" height="[\d.]+"')
_EDGE = 14
_COLOURS = 96


def picture(shown: Shown, width: int) -> str:
    """A self-contained SVG in the light colours, ``width`` pixels wide."""
    release, chart, figure = shown.release, shown.chart, shown.figure
    inner = width - 2 * _EDGE
    drawn = paint.svg(figure, inner)
    found = _SIZE.search(drawn)
    assert found, "a painted chart has a viewBox"
    parts = []
    y = float(_EDGE)
    for line in _wrapped(chart.name if _named(chart) else "", inner, 13):
        y += 18
        parts.append(_text(_EDGE, y - 5, 13, line, LIGHT["muted"]))
    for line in _wrapped(figure.title, inner, 18, bold=True):
        y += 23
        parts.append(_text(_EDGE, y - 4, 18, line, LIGHT["ink"], bold=True))
    y += 8
    parts.append(drawn.replace("<svg ", f'<svg x="{_EDGE}" y="{y:g}" ', 1))
    y += float(found[2]) + 6
    source = behind(release, chart)
    told = [
        *_wrapped(figure.note, inner, 12),
        *_wrapped(f"Source: {source}" if source else "", inner, 12),
        f"Facetally, as of {phrases.day(release.as_of)}, CC BY 4.0",
    ]
    for line in told:
        y += 17
        parts.append(_text(_EDGE, y - 4, 12, line, LIGHT["muted"]))
    y += _EDGE
    label = escape(f"{figure.title}. {figure.description}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
        f'viewBox="0 0 {width} {y:g}" width="{width}" height="{y:g}" '
        f'font-family="{escape(FONT)}"><rect width="100%" height="100%" '
        f'fill="{LIGHT["paper"]}"/>{"".join(parts)}</svg>'
    )


def png(svg: str, scale: int) -> bytes:
    """The picture as pixels, ``scale`` (1 or 2) of them for each of the SVG's, in few enough
    colours to be a fifth as large."""
    drawn = _painted(svg)
    if scale == 1:
        drawn = drawn.reduce(2)
    small = io.BytesIO()
    drawn.quantize(_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(small, "PNG")
    return small.getvalue()


@lru_cache(maxsize=4)
def _painted(svg: str) -> Image.Image:
    """In twice the size, which the usual one is made from."""
    painted = svg.replace(f' font-family="{escape(FONT)}"', f' font-family="{paint.PAINTED}"')
    return Image.open(io.BytesIO(vl_convert.svg_to_png(painted, scale=2.0))).convert("RGB")


def size(svg: str) -> tuple[int, int]:
    """Width and height of a picture in pixels."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found
    return round(float(found[1])), round(float(found[2]))


def _named(chart: Chart) -> bool:
    return chart.chart in {"trend", "gap-matrix", "evidence-timeline"}


def _text(x: float, y: float, size: int, words: str, colour: str, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}px"{weight} fill="{colour}">'
        f"{escape(words)}</text>"
    )


def _wrapped(text: str, width: float, size: int, bold: bool = False) -> list[str]:
    return filled(text.split(), lambda line: breadth(line, size, bold) <= width)
