"""The public pages: whole, true to the release, and safe with whatever the ledger holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import brotli
import polars as pl
import pytest
import synthetic_release
from synthetic_release import write_release

from dashboards import assets, phrases, releases
from dashboards.charts.changes import release_changes
from dashboards.embeds import catalogue
from dashboards.releases import Release
from dashboards.site import Site
from dashboards.site.record import Record
from pipelines import editions
from pipelines.changes import compare
from pipelines.editions import Edition
from pipelines.explain import Explanations
from pipelines.fields import RELEASE

ORIGIN = "https://facetally.example"
REAL = Path(__file__).parents[1] / "data" / "releases"
_VOID = {"meta", "link", "input", "br", "hr", "img", "path"}


class Html(HTMLParser):
    """What the tests ask of a page: its elements, links, ids, texts and figures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.figures: list[tuple[dict[str, str], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.elements.append((tag, named))
        self._open.append(tag)
        if tag == "data":
            self.figures.append((named, ""))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.append((self._open[-1], data))
            if self._open[-1] == "data":
                self.figures[-1] = (self.figures[-1][0], self.figures[-1][1] + data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.elements if name == tag]

    def text(self, tag: str) -> str:
        return "".join(words for name, words in self.texts if name == tag).strip()

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]

    @property
    def links(self) -> list[str]:
        return [a["href"] for tag, a in self.elements if tag in {"a", "link"} and "href" in a]


@pytest.fixture(scope="module")
def release(synthetic: Path) -> Release:
    return releases.latest(synthetic)


@pytest.fixture(scope="module")
def pages(release: Release) -> dict[str, Html]:
    """Every HTML page of the synthetic release."""
    return dict(_html(Site(release, ORIGIN)))


def _html(site: Site) -> Iterator[tuple[str, Html]]:
    for address in site.addresses():
        page = site.page(address)
        assert page, address
        if page.media_type.startswith("text/html"):
            yield address, Html(page.body.decode())


def test_every_page_has_what_a_page_needs(pages: dict[str, Html]) -> None:
    titles = set()
    for address, page in pages.items():
        assert page.all("html") == [{"lang": "en-GB"}], address
        assert len(page.all("h1")) == 1, address
        assert page.text("title"), address
        titles.add(page.text("title"))
        metas = {m.get("name") or m.get("property"): m.get("content", "") for m in page.all("meta")}
        assert len(metas["description"]) > 20, address
        assert metas["og:image"].startswith(f"{ORIGIN}/cards/"), address
        canonical = [a["href"] for a in page.all("link") if a.get("rel") == "canonical"]
        assert canonical == [ORIGIN + address]
        assert len(page.ids) == len(set(page.ids)), f"an id twice on {address}"
    assert len(titles) == len(pages)


def test_the_addresses_promised_are_there(pages: dict[str, Html]) -> None:
    promised = {"/", "/gaps/", "/method/", "/downloads/", "/corrections/", "/about/"}
    assert promised <= set(pages)
    assert f"/agencies/{synthetic_release.NORTH[0]}/" in pages
    assert f"/systems/{synthetic_release.NORTH[1]}/" in pages
    assert {"/countries/GB/", "/sources/synthetic-leak/"} <= set(pages)


def test_every_internal_link_and_fragment_leads_somewhere(
    release: Release, pages: dict[str, Html]
) -> None:
    site = Site(release, ORIGIN)
    others = {*site.addresses(), *site.card_addresses()}
    for address, page in pages.items():
        for link in page.links:
            target = urlsplit(urljoin(ORIGIN + address, link))
            if f"{target.scheme}://{target.netloc}" != ORIGIN:
                continue
            if target.path.startswith("/assets/"):
                assert assets.served(target.path), link
            elif target.path.startswith("/data/latest/"):
                assert (release.path / target.path.rpartition("/")[2]).is_file(), link
            elif target.path.startswith("/embed/"):
                kind, key = target.path.removesuffix("/").split("/")[-2:]
                key = key.removesuffix(".oembed.json")
                assert catalogue.find(release, kind, unquote(key)), f"{link} on {address}"
            elif target.path != "/explore":  # the door answers it
                assert target.path in others, f"{link} on {address}"
                if target.fragment:
                    assert target.fragment in pages[target.path].ids, f"{link} on {address}"


def _figures_are_the_releases(release: Release, pages: Iterator[tuple[str, Html]]) -> int:
    standing = release.tables["bounds"].filter(pl.col("known_until").is_null())
    rows = {
        (r["agency_id"], r["system_id"], r["metric"], r["frequency"], r["period"]): r
        for r in standing.iter_rows(named=True)
    }
    seen = 0
    for address, page in pages:
        for attrs, words in page.figures:
            frequency, _, period = attrs["data-period"].partition("/")
            row = rows[(*attrs["data-series"].split("/"), frequency, period)]  # type: ignore[index]
            high = "" if row["high"] is None else row["high"]
            assert attrs["value"] == f"{row['low']}/{high}", address
            assert words == phrases.counted_interval(row["low"], row["high"], row["metric"])
            if row["high"] is None:
                assert words.startswith("at least"), address
            seen += 1
    return seen


def test_every_figure_is_the_releases(release: Release, pages: dict[str, Html]) -> None:
    assert _figures_are_the_releases(release, iter(pages.items())) > 10


def test_a_figure_opens_its_proof(pages: dict[str, Html]) -> None:
    page = pages[f"/agencies/{synthetic_release.SOUTH[0]}/"]
    told = " ".join(words for _, words in page.texts)
    assert "How do we know?" in told
    assert "At least 171, because of" in told
    assert "“more than 170”" in told
    assert "No upper bound" in told
    assert "/sources/synthetic-leak/" in page.links
    assert "denied" in told


def test_a_proof_is_told_in_the_words_of_explain(release: Release, pages: dict[str, Html]) -> None:
    """Every sentence of `facetally explain` on voices, sums and estimate stands on the page."""
    explanations = Explanations(release.path)
    for series in (synthetic_release.NORTH, synthetic_release.SOUTH):
        told = " ".join(" ".join(w for _, w in pages[f"/agencies/{series[0]}/"].texts).split())
        claim = Record(release).headline(series)
        assert claim
        found = explanations.figure(*series, claim.row["period"], None)
        assert found.voices
        sentences = [
            found.voices,
            found.estimated,
            *(ground.words for ground in found.grounds),
            *(each for ground in found.grounds for each in ground.sums),
        ]
        for sentence in filter(None, sentences):
            assert sentence in told.replace(" )", ")").replace("( ", "("), series


def test_the_chart_has_its_text_and_its_table(pages: dict[str, Html]) -> None:
    page = pages[f"/agencies/{synthetic_release.NORTH[0]}/"]
    drawings = [attrs for attrs in page.all("svg") if attrs.get("role") == "img"]
    assert drawings
    assert all(len(attrs["aria-label"]) > 40 for attrs in drawings)
    assert len(page.all("table")) >= len(drawings) / 2
    assert not [a for tag, a in page.elements if "style" in a], (
        "the policy forbids style attributes"
    )


def test_an_agency_without_a_count_gets_an_honest_page(pages: dict[str, Html]) -> None:
    page = pages["/agencies/quiet-synthetic/"]
    told = " ".join(words for _, words in page.texts)
    assert "That says nothing about use" in told
    assert not page.figures


def test_the_feed_is_atom(release: Release) -> None:
    page = Site(release, ORIGIN).page("/feed.xml")
    assert page
    feed = ElementTree.fromstring(page.body)
    space = "{http://www.w3.org/2005/Atom}"
    entries = feed.findall(f"{space}entry")
    assert entries
    days = [entry.findtext(f"{space}updated") or "" for entry in entries]
    assert days == sorted(days, reverse=True)
    assert len({entry.findtext(f"{space}id") for entry in entries}) == len(entries)


def test_the_sitemap_lists_every_page(release: Release, pages: dict[str, Html]) -> None:
    site = Site(release, ORIGIN)
    page, robots = site.page("/sitemap.xml"), site.page("/robots.txt")
    assert page
    assert robots
    listed = {node.text for node in ElementTree.fromstring(page.body).iter() if node.text}
    assert listed == {ORIGIN + address for address in pages}
    assert f"{ORIGIN}/sitemap.xml" in robots.body.decode()


def test_the_search_index_holds_every_agency(release: Release) -> None:
    page = Site(release, ORIGIN).page("/agencies/index.json")
    assert page
    assert {row[0] for row in json.loads(page.body)} == set(
        release.tables["agencies"]["agency_id"].to_list()
    )


def test_the_description_for_machines_is_json(release: Release) -> None:
    page = Site(release, ORIGIN).page("/")
    assert page
    found = re.search(rb'<script type="application/ld\+json">(.*?)</script>', page.body)
    assert found
    told = json.loads(found[1])
    assert told["@type"] == "Dataset"
    assert told["license"].startswith("https://")


@pytest.mark.parametrize("base", ["facetally.example", "ftp://a", "https://a/b", ""])
def test_only_an_origin_is_a_base(release: Release, base: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Site(release, base)


def test_what_is_not_there_is_none(release: Release) -> None:
    site = Site(release, ORIGIN)
    for address in ("/agencies/nobody/", "/agencies/../", "/cards/agencies/nobody.png", "/x", ""):
        assert site.page(address) is None


def test_a_card_is_a_png_of_the_size_that_is_said(release: Release) -> None:
    site = Site(release, ORIGIN)
    for address in site.card_addresses():
        page = site.page(address)
        assert page
        assert page.body[:8] == b"\x89PNG\r\n\x1a\n"
        size = int.from_bytes(page.body[16:20]), int.from_bytes(page.body[20:24])
        assert size == (1200, 630)


HOSTILE = "<script>alert(1)</script><svg onload=alert(2)>\"' onmouseover='alert(3)' & {{ 7*7 }}"


def test_hostile_text_stays_text(release: Release) -> None:
    tables = dict(release.tables)
    for name, columns in {
        "agencies": ("name", "region", "note"),
        "systems": ("name", "vendor", "note"),
        "sources": ("publisher", "title", "note"),
        "reports": ("wording", "locator", "note"),
        "statements": ("summary",),
        "conflicts": ("arithmetic",),
    }.items():
        tables[name] = tables[name].with_columns(pl.lit(HOSTILE).alias(c) for c in columns)
    tables["sources"] = tables["sources"].with_columns(pl.lit("javascript:alert(4)").alias("url"))
    site = Site(Release(release.version, release.path, tables), ORIGIN)
    for address in site.addresses():
        page = site.page(address)
        assert page
        if not page.media_type.startswith("text/html"):
            continue
        html = Html(page.body.decode())
        assert not [a for _, a in html.elements if any(n.startswith("on") for n in a)], address
        assert not [a for tag, a in html.elements if tag == "svg" and "onload" in a]
        scripts = [a for a in html.all("script") if a.get("type") != "application/ld+json"]
        assert all(a.get("src", "").startswith("/assets/") for a in scripts), address
        assert not [link for link in html.links if link.startswith("javascript:")], address
        assert "7*7" in page.body.decode() or HOSTILE[:8] not in page.body.decode()
    feed = site.page("/feed.xml")
    assert feed
    ElementTree.fromstring(feed.body)


def test_an_older_release_without_newer_tables_still_has_pages(tmp_path: Path) -> None:
    home = write_release(tmp_path)
    for table in RELEASE:
        if table.name.startswith(("coverage", "corrections", "gap_trend", "agency_disclosure")):
            (home / f"{table.name}.parquet").unlink()
            (home / f"{table.name}.csv").unlink()
    site = Site(releases.read(home), ORIGIN)
    assert all(site.page(address) for address in site.addresses() if address.count("/") < 3)


def _editions(release: Release, low: int) -> tuple[Edition, Edition]:
    """The release before, in which the leak proved that many searches, and the release."""
    tables = {name: release.tables[name].to_arrow() for name in editions.TABLES}
    south = pl.col("agency_id") == synthetic_release.SOUTH[0]
    bounds = release.tables["bounds"].with_columns(
        low=pl.when(south).then(low).otherwise(pl.col("low"))
    )
    before = {**tables, "bounds": bounds.to_arrow()}
    days = release.as_of
    return Edition("before", days, "", "", before), Edition(release.version, days, "", "", tables)


def test_what_moved_between_releases_is_drawn_and_listed(release: Release) -> None:
    before, now = _editions(release, 100)
    figure = release_changes(compare(before, now).as_dict())
    assert figure.title == "1 revised figure"
    assert figure.table.select("Before", "After").rows() == [
        ("at least 100 searches", "at least 171 searches")
    ]
    with pytest.raises(ValueError, match="no figure differs"):
        release_changes(compare(now, now).as_dict())


@pytest.mark.skipif(
    not (REAL / "latest").exists(), reason="no release is built: run `facetally build`"
)
def test_the_real_release_says_what_it_holds() -> None:
    site = Site(releases.latest(REAL), ORIGIN)
    chosen = [a for a in site.addresses() if a.endswith("/") and "/sources/" not in a]
    some = [a for a in chosen if a.count("/") < 3] + chosen[10::29]
    met = "/agencies/gb-metropolitan-police-service/"
    assert met in chosen
    told: list[tuple[str, Html]] = []
    for address in {*some, met}:
        page = site.page(address)
        assert page, address
        told.append((address, Html(page.body.decode())))
    assert _figures_are_the_releases(site.release, iter(told)) > 20
    page = dict(told)[met]
    assert ("171/", "at least 171 searches") in [(a["value"], t) for a, t in page.figures]


@pytest.mark.skipif(
    not (REAL / "latest").exists(), reason="no release is built: run `facetally build`"
)
def test_the_overview_and_the_largest_agency_page_are_light() -> None:
    site = Site(releases.latest(REAL), ORIGIN)
    reports = site.release.tables["reports"].group_by("agency_id").len().sort("len")
    largest = f"/agencies/{reports['agency_id'][-1]}/"
    linked = sum(
        len(asset.encoded["br"])
        for name in ("site.js", "icon.svg")
        if (asset := assets.served(assets.address(name)))
    )
    for address, most in (("/", 80_000), (largest, 50_000)):
        page = site.page(address)
        assert page
        assert len(brotli.compress(page.body, quality=5)) + linked < most, address
