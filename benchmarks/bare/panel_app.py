"""The chart and a selector in bare Panel; PAGE_DATA names a JSON file with both."""

import json
import os
from pathlib import Path

import panel as pn

told = json.loads(Path(os.environ["PAGE_DATA"]).read_text())
pn.extension("vega")
chart = pn.pane.Vega(told["spec"], sizing_mode="stretch_width")
pn.Column(pn.widgets.Select(name="Agency", options=told["agencies"]), chart).servable()
