"""The Panel app: one session shows one view and redraws it when the address changes.

The address is the only state. The browser writes the query string into :class:`Synced`; the
session answers with the HTML of every part and the specifications of every chart. Controls and
tables are plain HTML in the page (native keyboard use, one stylesheet, readable without scripts);
Panel carries the charts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode
from weakref import WeakSet

import panel as pn
from bokeh.core.properties import Dict, Int, String
from bokeh.document import Document
from bokeh.model import DataModel
from bokeh.models import InlineStyleSheet

from dashboards import releases
from dashboards.charts import theme
from dashboards.explorer import page
from dashboards.explorer.content import content
from dashboards.explorer.view import read
from dashboards.pages import template
from dashboards.releases import Release

PATH = "/explore"
_TITLE = "Explorer – Facetally"


class Synced(DataModel):
    """What browser and session share: the query in, the parts of the page out.

    ``shown`` is the query that the page and the charts answer, ``canonical`` the same as a link
    writes it; ``parts`` what it changed, ``redrawn`` how many charts.
    """

    query: Any = String(default="")
    parts: Any = Dict(String, String, default={})
    canonical: Any = String(default="")
    redrawn: Any = Int(default=0)
    shown: Any = String(default="")


class Chart(pn.pane.Vega):
    """A Vega pane without Panel's own stylesheets: charts need the colour mapping only."""

    #: Every chart that some session still holds.
    held: ClassVar[WeakSet[Chart]] = WeakSet()

    def __init__(self, sheet: InlineStyleSheet, **params: Any) -> None:
        self._sheet = sheet
        super().__init__(**params)
        self.held.add(self)

    def _process_param_change(self, params: dict[str, Any]) -> dict[str, Any]:
        changed = super()._process_param_change(params)
        if "stylesheets" in changed:
            changed["stylesheets"] = [self._sheet]
        return changed


class Explorer:
    """One session's panes."""

    def __init__(self, release: Release, query: str) -> None:
        self.release = release
        sheet = InlineStyleSheet(css=theme.stylesheet())
        opens = InlineStyleSheet(css=f"{sheet.css}.mark-symbol.role-mark path{{cursor:pointer}}")
        self.charts = {
            name: Chart(
                opens if name == "gap-matrix" else sheet,
                name=name,
                sizing_mode="stretch_width",
                margin=0,
            )
            for name in page.CHARTS
        }
        self.synced = Synced(name="synced", query=query)
        self._sent: dict[str, str] = {}
        self.show(query)
        # The page came with the parts of its address.
        self.synced.parts = {}

    def show(self, query: str) -> None:
        """Makes everything on the page answer the query; sends only the parts that changed."""
        view, problems = read(query, self.release)
        shown = content(self.release, view.unopened())
        specs: dict[str, dict[str, Any] | None] = dict.fromkeys(page.CHARTS)
        specs |= {n: t.spec for n, t in zip(page.TREND_CHARTS, shown.trends, strict=False)}
        for name, drawn in (
            ("side-by-side", shown.comparison),
            ("gap-matrix", shown.matrix),
            ("gap-trend", shown.gap_trend),
        ):
            specs[name] = drawn.spec if drawn else None
        changed = [name for name, spec in specs.items() if self.charts[name].object != spec]
        for name in changed:
            self.charts[name].object = specs[name]
        parts = page.parts(self.release, shown, view, problems)
        self.synced.parts = {n: html for n, html in parts.items() if self._sent.get(n) != html}
        self._sent = parts
        self.synced.canonical = view.query()
        self.synced.redrawn = sum(specs[name] is not None for name in changed)
        self.synced.shown = query

    def attach(self, document: Document) -> None:
        """Makes panes and state the document's roots, by name."""
        for name, chart in self.charts.items():
            # Panel drops what it keeps of a pane with its session only if it served the pane.
            chart.server_doc(document, title=_TITLE, location=False)
            document.roots[-1].name = name
        document.add_root(self.synced)
        self.synced.on_change("query", lambda _attr, _old, new: self._redraw(document, new))

    def _redraw(self, document: Document, query: str) -> None:
        document.hold("combine")
        try:
            self.show(query)
        finally:
            document.unhold()


def open_session(document: Document, path: Path) -> None:
    """Fills a session's document for the address that the reader asked for."""
    context: Any = document.session_context
    query = query_of(context.request.arguments)
    release = releases.latest(path)
    Explorer(release, query).attach(document)
    document.config.reconnect_session = False
    document.config.notifications = None
    # The page itself is made without a session; its script asks for one and gets this.
    document.template = template("explorer_session.json")
    document.template_variables["release"] = release.version


def query_of(arguments: dict[str, list[bytes]]) -> str:
    """The query string of a request's arguments."""
    return urlencode(
        [(key, value.decode(errors="replace")) for key, all_ in arguments.items() for value in all_]
    )
