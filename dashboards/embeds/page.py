"""The page inside the frame: one chart that reads without a script at 300 to 1200 pixels.

The chart is drawn three times, for phones, columns and wide pages, and the stylesheet shows one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup

from dashboards import assets, phrases
from dashboards.charts import paint
from dashboards.charts.theme import LIGHT, TOKENS
from dashboards.embeds.catalogue import behind
from dashboards.embeds.shown import Shown
from dashboards.headers import of_itself
from dashboards.pages import render

THEMES = ("auto", "light", "dark")
# Drawn at so many pixels, and shown from so many on.
DRAWN = {340: 0, 600: 480, 920: 800}
_TABLE_ROWS = 60
_COLOUR = re.compile(r'(?:fill|stroke)="(#[0-9a-f]{6})"')
_NUMBER = re.compile(r"\d+\.\d{2,}")
_VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_TOKEN_OF = {colour: token for token, colour in LIGHT.items()}
# The signs of the charts' shapes, so that no key goes by colour alone.
_GLYPHS = {
    "contradicted": "✚",
    "silent": "●",
    "overdue": "▲",
    "late": "▶",
    "vague": "▬",
    "unaccounted": "◆",
    "by-published": "●",
    "by-compelled": "▲",
    "by-other_body": "◆",
    "by-vendor": "✚",
    "by-third_party": "▼",
    "by-leaked": "⧓",
    "estimate": "┅",
    "aside": "✕",
}
_BARS = {"coverage", "changes"}
_ALWAYS = {"ink", "muted", "rule", "paper"}


@dataclass(frozen=True)
class Embed:
    """A finished page, and its height in pixels at some widths, as near as can be told ahead."""

    html: str
    heights: list[tuple[int, int]]


def embed(shown: Shown, theme: str) -> Embed:
    """The page of a chart. Takes some 200 ms for a chart not drawn before."""
    release, chart, figure = shown.release, shown.chart, shown.figure
    drawn = {width: _trimmed(paint.svg(figure, width)) for width in DRAWN}
    used = {_TOKEN_OF[c] for svg in drawn.values() for c in _COLOUR.findall(svg) if c in _TOKEN_OF}
    legend = [
        (token, "■" if chart.chart in _BARS else _GLYPHS.get(token, "■"), words)
        for token, words in chart.key_words.items()
        if token in used
    ]
    if chart.chart == "trend" and used & {"own", "others", "contested"}:
        legend.append(("possible", "■", "pale: possible"))
    about = chart.name if chart.chart != "comparison" else ""
    source = behind(release, chart)
    table = figure.table.head(_TABLE_ROWS)
    html = render(
        "embed.html",
        policy=Markup(of_itself(policy())),
        shown=shown,
        chart=chart,
        figure=figure,
        about=about,
        drawn=[(n, Markup(svg)) for n, svg in enumerate(drawn.values())],
        style=Markup(_style(used | {token for token, _, _ in legend}, theme)),
        script=Markup(script()),
        legend=legend,
        table=table,
        left_out=figure.table.height - table.height,
        behind=source,
        release=release,
        notice=notice(shown.revisions, chart.address()) if shown.pinned else None,
        theme=theme,
        scripts=[assets.address(f"{name}.js") for name in ("vega", "vega-lite", "vega-embed")],
        phrases=phrases,
    )
    lines = [about, figure.title, figure.note, source and f"Source: {source}", *shown.revisions]
    return Embed(html, _heights(drawn, lines, len(legend)))


def notice(revisions: Sequence[str], latest: str) -> Markup:
    """What a pinned chart says of figures that were revised since; blank where none was."""
    if not revisions:
        return Markup("")
    return Markup(
        '<p class="notice" role="note">Revised since this release: {}. '
        '<a href="{}">Show the latest</a></p>'
    ).format("; ".join(revisions), latest)


def _trimmed(svg: str) -> str:
    """Coordinates to a tenth of a pixel: nobody sees more, and every reader loads them."""
    return _NUMBER.sub(lambda n: f"{float(n[0]):.1f}".removesuffix(".0"), svg)


def _heights(drawn: dict[int, str], lines: list[str], legend: int) -> list[tuple[int, int]]:
    """Pixels at the ends of each drawing's range, from the text's length in common fonts.

    The page tells its true height when it is there; this keeps the article from jumping then.
    """
    heights = []
    for width, svg in drawn.items():
        found = _VIEW.search(svg)
        assert found
        ratio = float(found[2]) / float(found[1])
        following = [start for start in DRAWN.values() if start > DRAWN[width]]
        for at in (max(300, DRAWN[width]), (following[0] - 1 if following else 1200)):
            inner = at - 24
            about, title, *rest = lines
            height = 24 + ratio * inner + 30 + 6 + 22 * (2 if inner < 420 else 1)
            height += 2 + 16.3 * _lines(about, 6.9, inner) + 8 + 22.1 * _lines(title, 9.9, inner)
            height += 6 + 19.6 * _lines("x" * legend, 140, inner) if legend else 0
            height += sum(6 + 16.3 * _lines(line, 6.7, inner) for line in rest if line)
            heights.append((at, round(height)))
    return heights


def _lines(text: str, advance: float, width: float) -> int:
    return -(-int(len(text) * advance) // int(width)) if text else 0


@lru_cache(maxsize=1)
def script() -> str:
    """The script inside the page; without it the page reads the same."""
    return (Path(__file__).parent / "frame.js").read_text(encoding="utf-8").strip()


@lru_cache(maxsize=1)
def policy() -> str:
    """The page's content security policy: any site may frame it, and nothing else may run in it.

    Styles may stand inline: the live chart sets some, and no text from outside becomes markup.
    """
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; connect-src 'self'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors *"
    )


def _style(used: set[str], theme: str) -> str:
    """The colours that this chart uses, in both schemes, and the layout."""
    names = [token for token in TOKENS if token in used | _ALWAYS | {"own"}]
    light, dark = (
        "".join(f"--{name}:{TOKENS[name][n]};" for name in names)
        + f"--link:{('#14508f', '#8fc1fa')[n]};"
        for n in (0, 1)
    )
    mapped = "".join(
        f'[fill="{LIGHT[name]}"]{{fill:var(--{name})}}[stroke="{LIGHT[name]}"]'
        f"{{stroke:var(--{name})}}"
        for name in names
    )
    if theme == "auto":
        scheme = (
            f":root{{color-scheme:light dark;{light}}}"
            f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
            f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
            ":root[data-theme=light]{color-scheme:light}"
        )
    else:
        scheme = f":root{{color-scheme:{theme};{dark if theme == 'dark' else light}}}"
    first, second, third = range(len(DRAWN))
    _, middle, wide = DRAWN.values()
    shown = (
        f".d{second},.d{third}{{display:none}}"
        f"@media (min-width:{middle}px){{.d{first}{{display:none}}.d{second}{{display:block}}}}"
        f"@media (min-width:{wide}px){{.d{second}{{display:none}}.d{third}{{display:block}}}}"
    )
    return scheme + mapped + _LAYOUT + shown


_LAYOUT = (
    "*{box-sizing:border-box}"
    'html{font:14px/1.3 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",'
    '"DejaVu Sans",sans-serif;-webkit-text-size-adjust:100%}'
    "body{margin:0;padding:12px;background:var(--paper);color:var(--ink);overflow-wrap:anywhere}"
    "h1{font-size:17px;line-height:1.3;margin:2px 0 8px;text-wrap:balance}"
    "p,ul{margin:6px 0 0;padding:0}"
    ".about,.note,.foot{color:var(--muted);font-size:12.5px}.about{margin:0}"
    ".key{list-style:none;display:flex;flex-wrap:wrap;gap:3px 14px;font-size:12.5px;"
    "color:var(--muted);margin:0 0 6px}"
    ".key i{display:inline-block;min-width:13px;margin-right:3px;font-style:normal}"
    ".drawing svg{display:block;width:100%;height:auto}"
    "a{color:var(--link)}a,summary,button{touch-action:manipulation}"
    ":focus-visible{outline:3px solid var(--own);outline-offset:2px}"
    "summary{cursor:pointer;padding:4px 0}details{margin-top:4px;font-size:12.5px}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}"
    "pre{white-space:pre-wrap;font-size:12px}caption{text-align:left}"
    "th,td{text-align:left;vertical-align:top;padding:4px 10px 4px 0;"
    "border-bottom:1px solid var(--rule);overflow-wrap:normal}"
    ".figure{text-align:right;font-variant-numeric:tabular-nums}"
    ".notice{border-left:3px solid var(--own);padding-left:8px;font-size:12.5px}"
    ".foot{display:flex;flex-wrap:wrap;gap:0 12px;align-items:center}.foot a{padding:3px 0}"
    "button{font:inherit;color:var(--link);background:none;border:0;padding:3px 0;cursor:pointer;"
    "text-decoration:underline}[hidden]{display:none!important}"
    ".visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
)
