"""What an editor pastes: frame, script, Markdown, or an address that WordPress understands."""

from __future__ import annotations

from html import escape

from dashboards.embeds.shown import Shown

LOADER = "/assets/embed.js"
USUAL_WIDTH = 600


def query(theme: str) -> str:
    """``?theme=...``, or nothing for what is usual anyway."""
    return f"?theme={theme}" if theme != "auto" else ""


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
    shown: Shown, heights: list[tuple[int, int]], theme: str = "auto", width: int | None = None
) -> dict[str, str]:
    """Each way to put the chart into an article, by its name for readers.

    ``width`` is fixed in pixels; without it the chart is as wide as its column.
    """
    address = f"{shown.base_url}{shown.address()}{query(theme)}"
    title = shown.title
    height = height_at(heights, width or USUAL_WIDTH)
    told = " ".join(f"{at}:{tall}" for at, tall in heights)
    loader = escape(f"{shown.base_url}{LOADER}")
    wide = str(width or "100%")
    fitted = frame(address, title, wide, height, f' data-heights="{told}"')
    fixed = f' data-width="{width}"' if width else ""
    return {
        "Frame with a script: fits its column": (
            f'{fitted}\n<script async src="{loader}"></script>'
        ),
        "Frame: for pages that fit charts themselves, or without scripts": frame(
            address, title, wide, height
        ),
        "Script alone: where frames are taken out": (
            f'<script async src="{loader}" data-src="{escape(address)}" '
            f'data-title="{escape(title)}"{fixed} data-heights="{told}"></script>'
        ),
        "WordPress and others: paste the address on a line of its own": address,
        "Markdown: a picture that links here": (
            f"[![{_plain(title)}]({shown.base_url}{shown.address('2x.png')})]({shown.page})"
        ),
    }


def _plain(text: str) -> str:
    return text.replace("[", "(").replace("]", ")")
