"""A chart and a table by agency in bare Dash, drawn by Plotly; VIEW_DATA names a JSON file."""

import json
import os
from pathlib import Path

from dash import Dash, Input, Output, dash_table, dcc, html

views = json.loads(Path(os.environ["VIEW_DATA"]).read_text())
app = Dash(__name__)
app.layout = html.Div(
    [
        dcc.Dropdown(list(views), next(iter(views)), id="agency"),
        dcc.Graph(id="chart"),
        dash_table.DataTable(id="table"),
    ]
)


@app.callback(Output("chart", "figure"), Output("table", "data"), Input("agency", "value"))
def show(agency):
    rows = views[agency]["rows"]
    bars = [
        {"type": "bar", "x": [row["Period"] for row in rows], "y": [row[side] for row in rows]}
        for side in ("At least", "At most")
    ]
    return {"data": bars}, rows


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ["VIEW_PORT"]), debug=False, threaded=True)
