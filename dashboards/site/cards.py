"""Social cards: the page's finding and its chart as a PNG of 1200 by 630 pixels."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

import vl_convert

from dashboards.charts import paint
from dashboards.charts.figure import Figure
from dashboards.charts.theme import LIGHT

WIDTH, HEIGHT = 1200, 630
_CHART = 640
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_FONT = "DejaVu Sans, Verdana, sans-serif"


def address(page: str) -> str:
    """The card's address: ``/cards/agencies/ID.png`` for ``/agencies/ID/``."""
    return f"/cards{page.rstrip('/') or '/index'}.png"


def page_of(card: str) -> str | None:
    """The inverse of :func:`address`; None for what is no card."""
    if not (card.startswith("/cards/") and card.endswith(".png")):
        return None
    name = card.removeprefix("/cards").removesuffix(".png")
    return "/" if name == "/index" else f"{name}/"


def png(title: str, make: Callable[[], Figure] | None, source: str) -> bytes:
    """The card. Takes some 100 ms."""
    lines = _wrapped(title, 46 if len(title) < 130 else 54, 4)
    size = 46 if len(lines) < 3 else 38
    y = 118.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{LIGHT["paper"]}"/>'
        f'<rect width="{WIDTH}" height="10" fill="{LIGHT["own"]}"/>'
    ]
    for line in lines:
        parts.append(_text(60, y, size, line, LIGHT["ink"], bold=True))
        y += size * 1.24
    if make:
        drawn = paint.svg(make(), _CHART)
        found = _SIZE.search(drawn)
        assert found, "a painted chart has a viewBox"
        room = HEIGHT - 80 - y
        scale = min((WIDTH - 120) / float(found[1]), room / float(found[2]))
        inner = drawn.replace("<svg ", f'<svg x="60" y="{y - 10:.0f}" ', 1)
        inner = re.sub(
            r'( x="60".*?) width="[\d.]+" height="[\d.]+"',
            rf'\1 width="{float(found[1]) * scale:.0f}" height="{float(found[2]) * scale:.0f}"',
            inner,
            count=1,
            flags=re.DOTALL,
        )
        parts.append(inner)
    parts.append(_text(60, HEIGHT - 32, 22, source, LIGHT["muted"]))
    parts.append("</svg>")
    return bytes(vl_convert.svg_to_png("".join(parts), scale=1.0))


def _text(x: float, y: float, size: float, words: str, colour: str, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x}" y="{y:.0f}" font-family="{_FONT}" font-size="{size:.0f}"{weight} '
        f'fill="{colour}">{escape(words)}</text>'
    )


def _wrapped(text: str, width: int, most: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1].rstrip('.,;')}…"]
    return lines
