"""What a chart function returns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import polars as pl

# Altair writes the exact version of its schema, and a bundled renderer one minor version older
# then warns in the reader's console. The charts use nothing newer than Vega-Lite 6.0.
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
Width = int | str


@dataclass(frozen=True)
class Figure:
    """A chart with all that a reader needs without seeing it.

    ``title`` states the finding in a sentence. ``description`` is the text alternative.
    ``table`` holds the numbers drawn, one row a mark, under column names that readers see.
    ``note`` says what the drawing leaves out; empty where it leaves out nothing.
    """

    name: str
    chart: alt.LayerChart
    title: str
    description: str
    table: pl.DataFrame
    note: str = ""

    def spec(self, width: Width = "container") -> dict[str, Any]:
        """The Vega-Lite specification, ``width`` in pixels or as wide as its container.

        What it holds is shared between calls: never change it.
        """
        # `frame` is the width of the whole drawing, for what has to be shorter on a phone.
        frame = {"expr": "containerSize()[0]"} if width == "container" else {"value": width}
        return {**self._spec, "width": width, "params": [{"name": "frame", **frame}]}

    @cached_property
    def _spec(self) -> dict[str, Any]:
        spec = self.chart.to_dict(validate=False)
        spec["$schema"] = _SCHEMA
        return _with_data_in_layers(spec)


def _with_data_in_layers(spec: dict[str, Any]) -> dict[str, Any]:
    """Puts each layer's rows back into the layer.

    Altair collects rows under hashed names at the top, and Panel would then ship them as columns,
    which turns whole numbers with blanks into floats.
    """
    rows = spec.pop("datasets", {})
    shared = spec.pop("data", None)
    for layer in spec["layer"]:
        data = layer.get("data", shared)
        layer["data"] = {"values": rows[data["name"]]} if "name" in data else data
    return spec
