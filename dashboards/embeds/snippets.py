"""What an editor pastes: frame, script, Markdown, or an address that WordPress understands."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from markupsafe import Markup

from dashboards.embeds.catalogue import Chart

LOADER = "/assets/embed.js"
USUAL_WIDTH = 600


def query(release: str = "latest", theme: str = "auto") -> str:
    """``?release=...&theme=...``, without what is usual anyway."""
    pairs = {
        **({"release": release} if release != "latest" else {}),
        **({"theme": theme} if theme != "auto" else {}),
    }
    return f"?{urlencode(pairs)}" if pairs else ""


def height_at(heights: list[tuple[int, int]], width: int) -> int:
    """The height in pixels at a width, between the widths that are given."""
    before = heights[0]
    for at, height in heights:
        if at >= width:
            low, tall = before
            share = (width - low) / (at - low) if at > low else 1.0
            return round(tall + (height - tall) * max(0.0, share))
        before = at, height
    return heights[-1][1]


def frame(address: str, title: str, width: str, height: int, more: str = "") -> str:
    """An iframe that needs no script and no style of the page around it."""
    return (
        f'<iframe src="{escape(address)}" title="{escape(title)}" width="{width}" '
        f'height="{height}" frameborder="0"{more}></iframe>'
    )


def snippets(
    base: str, chart: Chart, title: str, heights: list[tuple[int, int]], asked: str
) -> dict[str, str]:
    """Each way to put the chart into an article, by its name for readers.

    ``base`` is the origin of this site, ``asked`` the query string of the embed.
    """
    address = f"{base}{chart.address()}{asked}"
    height = height_at(heights, USUAL_WIDTH)
    told = " ".join(f"{width}:{tall}" for width, tall in heights)
    loader = escape(f"{base}{LOADER}")
    fitted = frame(address, title, "100%", height, f' data-heights="{told}"')
    picture = f"{base}{chart.address('png')}{asked}{'&' if asked else '?'}scale=2"
    return {
        "Frame with a script: fits its column": (
            f'{fitted}\n<script async src="{loader}"></script>'
        ),
        "Frame: for pages that fit charts themselves, or without scripts": frame(
            address, title, "100%", height
        ),
        "Script alone: where frames are taken out": (
            f'<script async src="{loader}" data-src="{escape(address)}" '
            f'data-title="{escape(title)}" data-heights="{told}"></script>'
        ),
        "WordPress and others: paste the address on a line of its own": address,
        "Markdown: a picture that links here": (
            f"[![{_plain(title)}]({picture})]({base}{chart.page})"
        ),
    }


def _plain(text: str) -> str:
    return text.replace("[", "(").replace("]", ")")


def discovery(address: str, title: str) -> Markup:
    """The links in a page's head by which other sites find its embed.

    ``address`` is the page's or chart's full address, origin included.
    """
    links = []
    for kind in ("json", "xml"):
        found = f"/oembed?{urlencode({'format': kind, 'url': address})}"
        links.append(
            f'<link rel="alternate" type="{"application/json" if kind == "json" else "text/xml"}'
            f'+oembed" href="{escape(found)}" title="{escape(title)}">'
        )
    return Markup("\n".join(links))
