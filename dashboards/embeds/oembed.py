"""oEmbed 1.0: other sites ask what to show for an address of this one."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

from dashboards.embeds import pictures
from dashboards.embeds.addresses import key_and_kind
from dashboards.embeds.catalogue import Chart, find, of_series, of_view
from dashboards.embeds.pictures import NARROWEST, WIDEST
from dashboards.embeds.shown import Shown
from dashboards.embeds.snippets import USUAL_WIDTH, frame, height_at, query
from dashboards.explorer.view import View, read
from dashboards.releases import Release


def chart_at(release: Release, address: str) -> tuple[Chart, dict[str, str]] | None:
    """The chart that an address of this site stands for, with the embed's own parameters.

    An embed stands for itself, a page for its chart, the explorer for what it shows.
    """
    split = urlsplit(address)
    path = unquote(split.path)
    asked = dict(parse_qsl(split.query))
    chosen = {name: value for name, value in asked.items() if name in {"release", "theme"}}
    parts = path.strip("/").split("/")
    if len(parts) == 4 and parts[0] == "embed" and parts[1] != "build":
        chosen["release"] = parts.pop(1)
    pair = _pair(release, parts, split.query)
    chart = find(release, *pair) if pair else None
    return (chart, chosen) if chart else None


def _pair(release: Release, parts: list[str], query: str) -> tuple[str, str] | None:
    match parts:
        case ["embed", "build", chart, key]:
            return chart, key
        case ["embed", chart, name]:
            found = key_and_kind(name)
            return (chart, found[0]) if found else None
        case ["explore"]:
            return _of_explorer(release, query)
        case [""]:
            return "channel-ladder", "searches"
        case ["gaps"]:
            return "gap-matrix", "all"
        case ["countries"]:
            return "countries", "all"
        case ["agencies", agency]:
            return "evidence-timeline", agency
        case ["systems", system]:
            return "comparison", f"system={system}"
        case ["countries", country]:
            return "comparison", f"country={country}"
    return None


def _of_explorer(release: Release, query: str) -> tuple[str, str]:
    view: View
    view, _ = read(query, release)
    if view.compare:
        return of_series(view.compare, view)
    if view.agency and view.system and view.metric:
        return of_view(view, (view.agency, view.system, view.metric))
    return of_view(view)


def answer(
    shown: Shown,
    heights: list[tuple[int, int]],
    theme: str = "auto",
    limits: tuple[int | None, int | None] = (None, None),
) -> dict[str, Any]:
    """The response as a dictionary; ``limits`` are maxwidth and maxheight in pixels."""
    most_wide, most_tall = limits
    width = min(most_wide or USUAL_WIDTH, WIDEST)
    height = height_at(heights, max(width, NARROWEST))
    if most_tall is not None:
        height = min(height, most_tall)
    said: dict[str, Any] = {
        "version": "1.0",
        "type": "rich",
        "title": shown.title,
        "author_name": "Facetally",
        "author_url": shown.page,
        "provider_name": "Facetally",
        "provider_url": f"{shown.base_url}/",
        "cache_age": 3600,
        "html": frame(
            f"{shown.base_url}{shown.address()}{query(theme)}", shown.title, str(width), height
        ),
        "width": width,
        "height": height,
    }
    wide, tall = pictures.size(pictures.picture(shown, pictures.USUAL))
    if (most_wide is None or wide <= most_wide) and (most_tall is None or tall <= most_tall):
        said |= {
            "thumbnail_url": f"{shown.base_url}{shown.address('png')}",
            "thumbnail_width": wide,
            "thumbnail_height": tall,
        }
    return said


def as_xml(said: dict[str, Any]) -> bytes:
    """The same as XML, as the specification writes it."""
    root = ET.Element("oembed")
    for name, value in said.items():
        ET.SubElement(root, name).text = str(value)
    return b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n' + ET.tostring(
        root, encoding="utf-8"
    )
