"""Charts as files that any web server can hold, and what pinned ones say when they were revised."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from dashboards.embeds import catalogue, forms, oembed, pictures
from dashboards.embeds.addresses import build_address
from dashboards.embeds.builder import builder
from dashboards.embeds.page import embed, notice
from dashboards.embeds.revisions import Told, changed
from dashboards.embeds.shown import Shown
from dashboards.releases import Release

_REVISED = re.compile(r'(<div id="revised">).*?(</div>)', re.DOTALL)


def files(release: Release, chart: catalogue.Chart, base_url: str) -> Iterator[tuple[str, bytes]]:
    """Every file of a chart by its address: the latest one's, its builder's, the pinned one's.

    Takes some half a second. Raises ValueError where nothing is on record to draw.
    """
    figure = catalogue.figure(release, chart)
    if figure is None:
        raise ValueError(f"{chart.address()} is listed and cannot be drawn")
    latest = Shown(release, chart, figure, base_url)
    made = embed(latest, "auto")
    svg = pictures.picture(latest, pictures.USUAL)
    alike = {
        "json": forms.specification(latest),
        "svg": svg.encode(),
        "png": pictures.png(svg, 1),
        "2x.png": pictures.png(svg, 2),
    }
    pinned = replace(latest, pinned=True)
    for shown, page in ((latest, made), (pinned, embed(pinned, "auto"))):
        yield shown.address(), page.html.encode()
        yield shown.address("oembed.json"), forms.as_json(oembed.answer(shown, page.heights))
        for kind, body in alike.items():
            yield shown.address(kind), body
    page_of_builder = builder(release, latest, made, explorer=False)
    yield build_address(chart.chart, chart.key), page_of_builder.encode()


def with_notice(page: str, before: bytes, after: bytes | None, latest: str) -> str:
    """The page of a pinned chart, saying what was revised between two specifications.

    ``after`` is None where the chart is gone; ``latest`` the chart's address in the latest release.
    """
    told = changed(_told(before), _told(after) if after is not None else None)
    return _REVISED.sub(lambda found: f"{found[1]}{notice(told, latest)}{found[2]}", page)


def _told(specification: bytes) -> Told:
    about = json.loads(specification)["usermeta"]["facetally"]
    return Told(about["columns"], set(about["numbers"]), [tuple(row) for row in about["table"]])
