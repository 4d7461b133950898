"""The same bars and a selector in bare Dash, drawn by Plotly; PAGE_DATA names a JSON file."""

import json
import os
from pathlib import Path

from dash import Dash, dcc, html

told = json.loads(Path(os.environ["PAGE_DATA"]).read_text())
app = Dash(__name__)
figure = {"data": [{"type": "bar", "x": told["periods"], "y": told["lows"]}]}
app.layout = html.Div(
    [dcc.Dropdown(told["agencies"], told["agencies"][0]), dcc.Graph(figure=figure)]
)
if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ["PAGE_PORT"]), debug=False)
