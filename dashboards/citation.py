"""How to cite a figure: in APA's style and as BibTeX."""

from __future__ import annotations

import re
from datetime import date

from dashboards import phrases

_SPECIAL = re.compile(r"([&%$#_{}])")


def cite(version: str, as_of: date, title: str, address: str) -> dict[str, str]:
    """Both forms by name, for the figure of a title at a full address in a release."""
    when = phrases.day(as_of)
    name = re.sub(r"[^a-z0-9]+", "-", title.lower())[:40].strip("-")
    return {
        "APA": (
            f"Facetally. ({as_of.year}). {title.rstrip('.')} (Release {version}, as of {when}) "
            f"[Chart and data set]. {address}"
        ),
        "BibTeX": (
            f"@misc{{facetally-{as_of.year}-{name},\n"
            "  author = {{Facetally}},\n"
            f"  title = {{{{{_SPECIAL.sub(_escaped, title)}}}}},\n"
            f"  year = {{{as_of.year}}},\n"
            f"  version = {{{version}}},\n"
            f"  note = {{As of {when}}},\n"
            f"  url = {{{address}}}\n}}"
        ),
    }


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[1]}"
