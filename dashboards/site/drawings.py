"""Charts as pages hold them: two drawings (wide and for phones), the text and the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from altair.utils.schemapi import debug_mode
from markupsafe import Markup

from dashboards.charts import paint
from dashboards.charts.figure import Figure
from dashboards.embeds.addresses import build_address, oembed_address

WIDE, NARROW = 720, 340
# Altair's check of every channel takes four times as long as the rest and can be switched off for
# the whole process only: one drawing at a time.
_drawing = Lock()


@dataclass(frozen=True)
class Drawing:
    """A figure drawn twice as inline SVG; embeds know it by ``chart`` and ``key``."""

    figure: Figure
    wide: Markup
    narrow: Markup
    chart: str
    key: str

    @property
    def embed(self) -> str:
        """The address where its embed is made."""
        return build_address(self.chart, self.key)

    def announced(self, base_url: str, page: str) -> str:
        """The full address by which other sites find what to show for the page that it is on."""
        return oembed_address(base_url, page, self.chart, self.key)


def draw(
    make: Callable[[], Figure], source: str, chart: str, key: str, width: int = WIDE
) -> Drawing | None:
    """The figure that ``make`` gives, drawn with the line ``source`` inside, for pages ``width``
    pixels wide; None where it says that there is nothing to draw."""
    with _drawing, debug_mode(False):
        try:
            figure = make()
        except ValueError:
            return None
        return Drawing(
            figure,
            Markup(paint.svg(figure, width, source)),
            Markup(paint.svg(figure, NARROW, source)),
            chart,
            key,
        )
