"""The house theme: type, colours, and how a chart turns dark without being drawn again.

Charts are always specified in the light colours. Every colour belongs to one token, and the
stylesheet made here maps the colours that Vega writes as SVG attributes to custom properties;
one SVG, static or live, thus follows the reader's colour scheme.
"""

from __future__ import annotations

import json
from math import ceil
from typing import Any, cast

import altair as alt

from dashboards.charts.names import breadth, in_room

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif'

# token: (light, dark). No two tokens share a light colour: the mapping goes by it. Every mark
# colour has a contrast of at least 3:1 with the paper, and text of 4.5:1, in both schemes; hues
# follow Okabe and Ito, and shape or position always says the same as colour.
TOKENS = {
    "ink": ("#1b1c20", "#eeeef2"),
    "muted": ("#5b5e67", "#a9acb6"),
    "rule": ("#dfe0e5", "#363840"),
    "paper": ("#fefefe", "#17181c"),
    "own": ("#1d5fa6", "#6cabf2"),
    "others": ("#c2500f", "#f2935c"),
    "contested": ("#8d3a86", "#d592cf"),
    "estimate": ("#1b1c21", "#eeeef3"),
    "aside": ("#6e6f78", "#9c9fa9"),
    "contradicted": ("#a31545", "#ff86ab"),
    "denied": ("#c25010", "#f2935d"),
    "silent": ("#3a3f4b", "#c6cad4"),
    "overdue": ("#8f6a00", "#e3b341"),
    "late": ("#4d7c2a", "#93c46b"),
    "vague": ("#0f7f86", "#5fc4ca"),
    "unaccounted": ("#6a5acd", "#a79cf0"),
    "by-published": ("#14508e", "#79b4f5"),
    "by-on_request": ("#2b86c0", "#4f8fd0"),
    "by-compelled": ("#4d7c2b", "#93c46c"),
    "by-other_body": ("#0f7f87", "#5fc4cb"),
    "by-vendor": ("#8d3a87", "#d592d0"),
    "by-third_party": ("#6e6f79", "#9c9faa"),
    "by-leaked": ("#c2500e", "#f2935b"),
}
LIGHT = {token: light for token, (light, _) in TOKENS.items()}
GAP_SHAPES = {
    "contradicted": "cross",
    "denied": "square",
    "silent": "circle",
    "overdue": "triangle-up",
    "late": "triangle-right",
    "vague": "M-1,-0.25L1,-0.25L1,0.25L-1,0.25Z",
    "unaccounted": "diamond",
}
CHANNEL_SHAPES = {
    "published": "circle",
    "on_request": "square",
    "compelled": "triangle-up",
    "other_body": "diamond",
    "vendor": "cross",
    "third_party": "triangle-down",
    "leaked": "M-0.9,-0.9L0.9,0.9L0.9,-0.9L-0.9,0.9Z",
}


def stylesheet() -> str:
    """CSS: the tokens as custom properties in both schemes, and the mapping from colours."""
    light = "".join(f"--{token}:{colours[0]};" for token, colours in TOKENS.items())
    dark = "".join(f"--{token}:{colours[1]};" for token, colours in TOKENS.items())
    mapped = "".join(
        f'[fill="{colour}"]{{fill:var(--{token})}}[stroke="{colour}"]{{stroke:var(--{token})}}'
        for token, colour in LIGHT.items()
    )
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"{mapped}"
    )


_PADDING = 8
_MARGINS = 16
# The text of a mark over such rows as `headings` gives.
HEADING = alt.ExprRef("frame < datum.whole ? datum.brief : datum.name")


def headings(rows: list[dict[str, Any]], size: float, bold: bool = False) -> list[dict[str, Any]]:
    """Rows whose ``name`` is written over the whole drawing in one line: with a shorter form for
    phones, and the width in pixels from which a drawing has room for all of it."""
    brief = in_room([row["name"] for row in rows], 320 - _MARGINS, size, bold=bold)
    return [
        {
            **row,
            "brief": brief[row["name"]],
            "whole": ceil(breadth(row["name"], size, bold)) + _MARGINS,
        }
        for row in rows
    ]


def named_rows(order: list[str]) -> alt.Y:
    """The rows of ranked bars: one for each name, in that order, named at the left."""
    return alt.Y(
        "name:N",
        sort=order,
        scale=alt.Scale(domain=order, padding=0.3),
        axis=named_axis(order, narrow=(150, 12), wide=(220, 12)),
    )


def named_axis(
    order: list[str],
    narrow: tuple[float, float],
    wide: tuple[float, float],
    below: float = 480,
    **more: Any,
) -> alt.Axis:
    """An axis of names in up to two lines, none cut off by a reader's wide font and no two alike.

    ``narrow`` and ``wide`` are the pixels for a line and the type's size, the former where the
    whole drawing is narrower than ``below``; ``more`` as Altair's ``Axis`` takes it.
    """
    told = [in_room(order, room, size, lines=2) for room, size in (narrow, wide)]
    # What the names need in the widest font: the painter would leave what they need in its own.
    needs = [
        ceil(max(breadth(line, size) for text in of.values() for line in text.split("\n")))
        for of, (_, size) in zip(told, (narrow, wide), strict=True)
    ]

    def either(small: object, large: object) -> alt.ExprRef:
        return alt.ExprRef(f"frame < {below} ? {small} : {large}")

    lines = [json.dumps([of[name].split("\n") for name in order]) for of in told]
    label = (
        f"(frame < {below} ? {lines[0]} : {lines[1]})[indexof({json.dumps(order)}, datum.value)]"
    )
    return alt.Axis(
        title=None,
        domain=False,
        ticks=False,
        labelColor=LIGHT["ink"],
        labelLimit=0,
        labelFontSize=either(narrow[1], wide[1]),
        labelLineHeight=either(narrow[1] + 1, wide[1] + 1),
        # Lines follow downwards from the first: two are moved up to stand about the row's middle.
        labelOffset={
            "condition": {"test": f"length({label}) > 1", "value": -wide[1] / 2},
            "value": 0,
        },
        labelExpr=label,
        labelPadding=_PADDING,
        minExtent=either(*(need + _PADDING for need in needs)),
        **more,
    )


def themed(layers: list[alt.Chart], description: str, height: int) -> alt.LayerChart:
    """The layers as one chart in house style, ``height`` pixels high, with its text alternative.

    The expression interpreter (``ast``) lets the page forbid ``eval``; the action menu is off
    because one of its entries would send the data to a third party. Everything is given at once,
    for Altair copies a layered chart with each later change. A layer over no rows is left out:
    Vega warns in the reader's console of its infinite extent.
    """
    chart = alt.layer(
        *(layer for layer in layers if layer.data.values),
        height=height,
        description=description,
        background="transparent",
        usermeta={"embedOptions": {"ast": True, "actions": False, "renderer": "svg"}},
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        padding={"left": 2, "right": 14, "top": 6, "bottom": 2},
        config=_CONFIG,
    )
    return cast(alt.LayerChart, chart)


_CONFIG = alt.Config(
    font=FONT,
    view=alt.ViewConfig(stroke=None),
    axis=alt.AxisConfig(
        labelColor=LIGHT["muted"],
        labelFontSize=12,
        labelPadding=6,
        titleColor=LIGHT["muted"],
        titleFontSize=12,
        titleFontWeight="normal",
        domainColor=LIGHT["muted"],
        tickColor=LIGHT["rule"],
        gridColor=LIGHT["rule"],
    ),
    mark=alt.MarkConfig(color=LIGHT["ink"]),
    text=alt.MarkConfig(color=LIGHT["ink"], fontSize=12),
)
