"""Social cards: the page's finding and its chart as a PNG of 1200 by 630 pixels."""

from __future__ import annotations

import re
from html import escape

import vl_convert

from dashboards.charts import paint
from dashboards.charts.names import filled
from dashboards.charts.theme import FONT, LIGHT
from dashboards.site.drawings import Drawing

WIDTH, HEIGHT = 1200, 630
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"( width="[\d.]+" height="[\d.]+")')


def address(page: str) -> str:
    """The card's address: ``/cards/agencies/ID.png`` for ``/agencies/ID/``."""
    return f"/cards{page.rstrip('/') or '/index'}.png"


def page_of(card: str) -> str | None:
    """The inverse of :func:`address`; None for what is no card."""
    if not (card.startswith("/cards/") and card.endswith(".png")):
        return None
    name = card.removeprefix("/cards").removesuffix(".png")
    return "/" if name == "/index" else f"{name}/"


def png(title: str, drawing: Drawing | None, source: str) -> bytes:
    """The card of a page with that finding and chart. Takes some 50 ms."""
    lines = _wrapped(title, 46 if len(title) < 130 else 54, 4)
    size = 46 if len(lines) < 3 else 38
    y = 108.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{LIGHT["paper"]}"/>'
        f'<rect width="{WIDTH}" height="10" fill="{LIGHT["own"]}"/>'
    ]
    for line in lines:
        parts.append(_text(60, y, size, line, LIGHT["ink"], bold=True))
        y += size * 1.24
    if drawing:
        parts.append(_placed(str(drawing.wide), y - 8, HEIGHT - 24 - y))
    else:
        parts.append(_text(60, HEIGHT - 40, 22, source, LIGHT["muted"]))
    parts.append("</svg>")
    return bytes(vl_convert.svg_to_png("".join(parts), scale=1.0))


def _placed(drawn: str, y: float, room: float) -> str:
    """A drawing as large as fits below ``y``."""
    found = _SIZE.search(drawn)
    assert found, "a painted chart has a viewBox and a size"
    width, height = float(found[1]), float(found[2])
    scale = min((WIDTH - 120) / width, room / height)
    view = found[0].removesuffix(found[3])
    placed = f'{view} x="60" y="{y:.0f}" width="{width * scale:.0f}" height="{height * scale:.0f}"'
    return drawn.replace(found[0], placed, 1).replace(escape(FONT), paint.PAINTED)


def _text(x: float, y: float, size: float, words: str, colour: str, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x}" y="{y:.0f}" font-family="{paint.PAINTED}" font-size="{size:.0f}"{weight} '
        f'fill="{colour}">{escape(words)}</text>'
    )


def _wrapped(text: str, width: int, most: int) -> list[str]:
    lines = filled(text.split(), lambda line: len(line) <= width)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1].rstrip('.,;')}…"]
    return lines
