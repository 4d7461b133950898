"""Addresses that pages, the explorer and embeds link to."""

from __future__ import annotations

from urllib.parse import quote, urlencode

KINDS = {
    "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "2x.png": "image/png",
    "json": "application/json",
    "oembed.json": "application/json",
}
"""The forms of a chart by the end of its address, and their media types: page, picture, picture
of twice the size for print and social cards, specification, and what oEmbed says of it."""


def key_and_kind(name: str) -> tuple[str, str] | None:
    """The parts of an address's last segment, ``KEY.KIND``; None where it names no kind."""
    for kind in sorted(KINDS, key=len, reverse=True):
        if name.endswith(f".{kind}"):
            return name.removesuffix(f".{kind}"), kind
    return None


def chart_address(chart: str, key: str, kind: str = "html", release: str = "latest") -> str:
    """``/embed/CHART/KEY.KIND``, or ``/embed/RELEASE/CHART/KEY.KIND`` where it is pinned;
    ``kind`` is one of :data:`KINDS`.
    """
    pinned = f"{quote(release)}/" if release != "latest" else ""
    return f"/embed/{pinned}{chart}/{quote(key, safe=_PLAIN)}.{kind}"


def oembed_address(base_url: str, page: str, chart: str, key: str, release: str = "latest") -> str:
    """The full address by which other sites find what to show for ``page``, an address of this
    site. Some of them look for ``url`` in it; the file needs none."""
    asked = urlencode({"format": "json", "url": base_url + page})
    return f"{base_url}{chart_address(chart, key, 'oembed.json', release)}?{asked}"


def build_address(chart: str, key: str) -> str:
    """Where the snippets of a chart are made."""
    return f"/embed/build/{chart}/{quote(key, safe=_PLAIN)}/"


# What keys consist of besides letters; all of it may stand in a path as it is.
_PLAIN = "=,@"
