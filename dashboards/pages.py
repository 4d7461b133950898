"""Jinja templates, and the assets that pages link to by content."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

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
    environment.globals["day"] = _day
    environment.globals["page_style"] = lambda: Markup(assets.page_style())
    return environment


def _day(value: date) -> Markup:
    """A day for readers and for machines."""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), phrases.day(value))


def template(name: str) -> Template:
    """A template by file name."""
    return _environment().get_template(name)


def render(name: str, **values: Any) -> str:
    """A page; everything in ``values`` is escaped unless it is markup already."""
    return template(name).render(**values)
