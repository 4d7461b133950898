"""Addresses that pages and the explorer link to."""

from __future__ import annotations

from urllib.parse import urlencode


def build_address(chart: str, key: str) -> str:
    """Where the snippets of a chart are made."""
    return f"/embed/build?{urlencode({'chart': chart, 'key': key})}"
