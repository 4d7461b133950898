"""The public pages: static HTML made from a release.

``Site`` makes any page from its address, whenever it is asked; ``export.export`` writes them all.
Both give the same bytes, so that the server and a plain web server show the same site.
"""

from dashboards.site.pages import Page, Site

__all__ = ["Page", "Site"]
