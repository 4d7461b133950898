"""Jinja templates, and the assets that pages link to by content."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from dashboards import assets, phrases

_HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = assets.address
    environment.globals["phrases"] = phrases
    return environment


def template(name: str) -> Template:
    """A template by file name."""
    return _environment().get_template(name)


def render(name: str, **values: Any) -> str:
    """A page; everything in ``values`` is escaped unless it is markup already."""
    return template(name).render(**values)
