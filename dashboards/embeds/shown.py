"""One chart of one release as readers of one site see it."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.charts.figure import Figure
from dashboards.citation import cite
from dashboards.embeds.addresses import chart_address, oembed_address
from dashboards.embeds.catalogue import Chart
from dashboards.releases import Release


@dataclass(frozen=True)
class Shown:
    """``base_url`` is the origin of this site; ``pinned`` a chart that stays as it is in its
    release, with ``revisions``, what the latest release says differently."""

    release: Release
    chart: Chart
    figure: Figure
    base_url: str
    pinned: bool = False
    revisions: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The release as addresses name it: a version, or ``latest``."""
        return self.release.version if self.pinned else "latest"

    @property
    def title(self) -> str:
        """What the chart is about and what it finds, for titles that stand alone."""
        return f"{self.chart.name}. {self.figure.title}"

    @property
    def page(self) -> str:
        """The full address of the page that the chart is from."""
        return self.base_url + self.chart.page

    def address(self, kind: str = "html") -> str:
        """The chart's address without the origin."""
        return chart_address(self.chart.chart, self.chart.key, kind, self.version)

    @property
    def announced(self) -> str:
        """The full address of what oEmbed says of it."""
        return oembed_address(
            self.base_url, self.address(), self.chart.chart, self.chart.key, self.version
        )

    def citation(self) -> dict[str, str]:
        """How to cite the figure, by the name of the style."""
        return cite(self.release.version, self.release.as_of, self.title, self.page)
