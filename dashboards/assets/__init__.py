"""Styles and scripts under addresses that hold their content's hash.

An address never changes its content, so browsers keep it for a year. Bundles of Bokeh, Panel and
Vega are served from the installed packages: no copy in this repository, no other host.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Event

import brotli  # type: ignore[import-untyped]

from dashboards.charts import theme

PREFIX = "/assets"
_HERE = Path(__file__).parent
_JAVASCRIPT = "text/javascript; charset=utf-8"
_CSS = "text/css; charset=utf-8"


@dataclass(frozen=True)
class Asset:
    """One file as served: its type, its content, and its content for each encoding."""

    media_type: str
    encoded: dict[str, bytes]


def _bundled(name: str) -> Path:
    """The file behind an asset of an installed package."""
    package, path = {
        "bokeh.js": ("bokeh", "server/static/js/bokeh.min.js"),
        "bokeh-widgets.js": ("bokeh", "server/static/js/bokeh-widgets.min.js"),
        "bokeh-tables.js": ("bokeh", "server/static/js/bokeh-tables.min.js"),
        "panel.js": ("panel", "dist/panel.min.js"),
        "vega.js": ("panel", "dist/bundled/vegaplot/vega@6.1.2"),
        "vega-lite.js": ("panel", "dist/bundled/vegaplot/vega-lite@6.3.0"),
        "vega-embed.js": ("panel", "dist/bundled/vegaplot/vega-embed@7.0.2"),
    }[name]
    return Path(str(files(package))) / path


_OWN = (
    "build.css",
    "build.js",
    "site.css",
    "pages.css",
    "site.js",
    "explorer.css",
    "explorer.js",
    "icon.svg",
)
_BUNDLES = (
    "bokeh.js",
    "bokeh-widgets.js",
    "bokeh-tables.js",
    "panel.js",
    "vega.js",
    "vega-lite.js",
    "vega-embed.js",
)
_TYPES = {".js": _JAVASCRIPT, ".css": _CSS, ".svg": "image/svg+xml"}


def _content(name: str) -> bytes:
    if name in _BUNDLES:
        return _bundled(name).read_bytes()
    content = (_HERE / name).read_bytes()
    if name == "site.css":
        return theme.stylesheet().encode() + b"\n" + content
    return content


@lru_cache(maxsize=64)
def address(name: str) -> str:
    """The address of an asset; KeyError where there is none of that name."""
    if name not in (*_OWN, *_BUNDLES):
        raise KeyError(name)
    return f"{PREFIX}/{hashlib.sha256(_content(name)).hexdigest()[:12]}/{name}"


@lru_cache(maxsize=1)
def page_style() -> str:
    """The styles of the public pages in one, without the spaces that only people need."""
    text = "".join(_content(name).decode() for name in ("site.css", "pages.css"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"\s*([{};,])\s*", r"\1", text)
    return re.sub(r":\s+", ":", text).replace(";}", "}").strip()


def page_style_source() -> str:
    """What a content security policy calls that style: ``sha256-…``."""
    digest = hashlib.sha256(page_style().encode()).digest()
    return f"sha256-{b64encode(digest).decode()}"


def prepare(ended: Event) -> None:
    """Compresses everything once, so that no reader waits for it; stops early when ``ended``."""
    for name in (*_OWN, *_BUNDLES):
        if ended.is_set():
            return
        served(address(name))


@lru_cache(maxsize=64)
def served(path: str) -> Asset | None:
    """The asset at an address, or None. Compressing takes up to a second, the first time."""
    name = path.rpartition("/")[2]
    if name not in (*_OWN, *_BUNDLES) or path != address(name):
        return None
    content = _content(name)
    encoded = {
        "identity": content,
        "gzip": gzip.compress(content, 7, mtime=0),
        "br": brotli.compress(content, quality=9),
    }
    return Asset(_TYPES[Path(name).suffix], encoded)
