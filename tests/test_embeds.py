"""Embeds over HTTP: what is listed, how each is answered, pinned, revised, announced and built."""

from __future__ import annotations

import io
import json
import re
from datetime import date
from html import unescape
from pathlib import Path
from statistics import median
from urllib.parse import quote
from xml.etree import ElementTree as ET

import altair
import brotli
import polars as pl
import pytest
from altair.utils.schemapi import validate_jsonschema
from door import Door, open_door
from PIL import Image
from small_ledger import report, write_ledger
from synthetic_release import NORTH, VERSION, describe_again, write_release

from dashboards import releases
from dashboards.embeds import catalogue, page
from dashboards.embeds.shown import Shown
from dashboards.site.pages import Site
from pipelines.release import build

TREND = f"/embed/trend/{'.'.join(NORTH)}"
NEWER = "2024-07-31-n3w"
_DISCOVERED = '<link rel="alternate" type="application/json[+]oembed" href="([^"]+)" title="[^"]+">'


@pytest.fixture(scope="module")
def listed(door: Door) -> list[dict[str, str]]:
    return list(door.get("/embed/index.json").json()["charts"])


@pytest.fixture(scope="module")
def of_each_kind(listed: list[dict[str, str]]) -> list[dict[str, str]]:
    """The first chart of each kind."""
    return list({row["chart"]: row for row in reversed(listed)}.values())


def test_every_listed_chart_is_there_in_every_form(
    door: Door, listed: list[dict[str, str]], of_each_kind: list[dict[str, str]]
) -> None:
    kinds = {"trend", "gap-matrix", "gap-trend", "countries", "channel-ladder", "comparison"}
    assert kinds | {"evidence-timeline"} == {row["chart"] for row in listed}
    types = {"html": "text/html", "svg": "image/svg+xml", "json": "application/json"}
    for row in of_each_kind:
        for kind, media_type in types.items():
            answer = door.get(row[kind])
            assert answer.status_code == 200, row[kind]
            assert answer.headers["content-type"].startswith(media_type)
            assert answer.headers["access-control-allow-origin"] == "*"


def test_a_page_in_a_frame_is_small_and_whole(door: Door, listed: list[dict[str, str]]) -> None:
    sizes = []
    for row in listed:
        answer = door.get(row["html"], headers={"Accept-Encoding": "br"})
        assert answer.headers["content-encoding"] == "br"
        sizes.append(int(answer.headers["content-length"]))
        text = answer.text
        # Nothing is fetched: neither scripts nor styles, fonts nor pictures.
        assert not re.search(
            r'<(?:script|img|link rel="stylesheet"|iframe)[^>]*(?:src|href)=', text
        )
        assert "@import" not in text
        assert "url(" not in text
        assert "<details><summary>The numbers as a table" in text
        assert 'role="img" aria-label="' in text
        assert "As of 30 Jun 2024" in text
        assert f'href="{row["page"]}"' in text
    print(f"embeds: {len(sizes)}, median {median(sizes):,.0f} B, largest {max(sizes):,} B (br)")
    assert median(sizes) <= 15_000
    assert max(sizes) <= 40_000


def test_only_embeds_may_be_framed_by_others(door: Door) -> None:
    policy = door.get(f"{TREND}.html").headers["content-security-policy"]
    assert "frame-ancestors *" in policy
    assert "'unsafe-inline'" not in re.findall(r"script-src [^;]*", policy)[0]
    assert "frame-ancestors 'self'" in door.get("/").headers["content-security-policy"]
    assert "frame-ancestors 'self'" in door.get("/embed/build").headers["content-security-policy"]


def test_pictures_have_the_size_asked_for(door: Door) -> None:
    for scale in (1, 2):
        answer = door.get(f"{TREND}.png?width=600&scale={scale}")
        assert answer.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(answer.content)).width == 600 * scale
    svg = ET.fromstring(door.get(f"{TREND}.svg?width=500").text)
    assert svg.attrib["width"] == "500"
    assert "Synthetic Times" in door.get(f"{TREND}.svg").text


def test_a_picture_for_print_holds_its_words(door: Door) -> None:
    """The renderer draws no letter in a font that it lacks, and says nothing of it."""
    picture = Image.open(io.BytesIO(door.get(f"{TREND}.2x.png").content)).convert("L")
    assert picture.width >= 1200
    title = picture.crop((0, 0, picture.width, 120))
    assert sum(title.histogram()[:90]) > 500
    card = Image.open(io.BytesIO(door.get("/cards/index.png").content)).convert("L")
    assert sum(card.crop((0, 20, 1200, 200)).histogram()[:90]) > 2_000


def test_the_specification_is_vega_lite_with_its_data(door: Door) -> None:
    spec = door.get(f"{TREND}.json").json()
    about = spec["usermeta"].pop("facetally")
    assert about["release"] == VERSION
    assert len(about["table"]) == 4
    assert any(layer["data"].get("values") for layer in spec["layer"])
    schema = Path(altair.__file__).parent / "vegalite" / "v6" / "schema" / "vega-lite-schema.json"
    validate_jsonschema(spec, json.loads(schema.read_text()))


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/embed/trend/nobody.lookup-synthetic.searches.html", 404),
        ("/embed/trend/x.html", 404),
        ("/embed/none/all.html", 404),
        ("/embed/gap-matrix/country=XX.html", 404),
        ("/embed/gap-matrix/country=GB,country=GB.html", 404),
        ("/embed/gap-trend/all@2024-01-01.html", 404),
        (f"{TREND}@soon.html", 404),
        (f"{TREND}.gif", 404),
        (f"{TREND}.html?release=2001-01-01-x", 404),
        (f"{TREND}.html?release=../..", 404),
        (f"{TREND}.html?theme=pink", 400),
        (f"{TREND}.png?scale=9", 400),
        (f"{TREND}.svg?width=9000", 400),
        ("/embed/trend/%3Cscript%3E.a.b.html", 404),
    ],
)
def test_what_is_not_there_says_so_inside_the_frame(door: Door, address: str, status: int) -> None:
    answer = door.get(address)
    assert answer.status_code == status
    assert "<script>" not in answer.text
    assert "frame-ancestors *" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_chart_as_known_on_a_day(door: Door) -> None:
    now, then = (door.get(f"{TREND}{at}.json").json() for at in ("", "@2021-03-01"))
    assert len(now["usermeta"]["facetally"]["table"]) == 4
    assert len(then["usermeta"]["facetally"]["table"]) == 2


def test_a_pinned_chart_stays_and_tells_of_its_revision(tmp_path: Path) -> None:
    """The release that it is pinned to is older than a column, and still answers."""
    file = write_release(tmp_path) / "gaps.parquet"
    pl.read_parquet(file).drop("sentence").write_parquet(file)
    describe_again(file.parent)
    with open_door(tmp_path, explorer="none") as door:
        rows = door.get("/api/v1/gaps?columns=low,sentence").json()["rows"]
        assert [row["sentence"] for row in rows] == [None, None]
        assert door.get("/embed/gap-matrix/all.html").status_code == 200
        pinned = f"{TREND}.html?release={VERSION}"
        before = door.get(pinned).text
        assert "Revised since" not in before
        _corrected(tmp_path)
        door.wait_for_release(NEWER)
        after = door.get(pinned).text
        assert "Revised since this release" in after
        assert "2022: was 3,100 / 3,100" in re.sub(r"<[^>]+>", "", after)
        assert _drawing(after) == _drawing(before)
        assert "3,333" in door.get(f"{TREND}.html").text
        assert "Revised since" not in door.get(f"{TREND}.html").text
        untouched = f"/embed/countries/all.html?release={VERSION}"
        assert "Revised since" not in door.get(untouched).text


def _drawing(text: str) -> str:
    return text[text.index('<div class="drawing">') : text.index("<details>")].split("<p")[0]


def _corrected(path: Path) -> None:
    """A later release in which the count of 2022 is another."""

    def corrected(home: Path) -> None:
        file = home / "bounds.parquet"
        bounds = pl.read_parquet(file)
        here = (pl.col("agency_id") == NORTH[0]) & (pl.col("period") == "2022")
        bounds.with_columns(
            pl.when(here).then(3333).otherwise(pl.col(name)).alias(name) for name in ("low", "high")
        ).write_parquet(file)

    write_release(path, NEWER, corrected)


def test_oembed_answers_as_the_specification_says(door: Door) -> None:
    address = f"{door.address}{TREND}.html"
    said = door.get(f"/oembed?url={quote(address)}").json()
    assert (said["version"], said["type"]) == ("1.0", "rich")
    for name in ("html", "width", "height", "title", "provider_name", "provider_url"):
        assert said[name]
    assert address in said["html"]
    thumbnail = {name for name in said if name.startswith("thumbnail_")}
    assert thumbnail == {"thumbnail_url", "thumbnail_width", "thumbnail_height"}
    shown = door.get(said["thumbnail_url"].removeprefix(door.address))
    picture = Image.open(io.BytesIO(shown.content))
    assert picture.size == (said["thumbnail_width"], said["thumbnail_height"])


def test_oembed_keeps_within_the_room_it_is_given(door: Door) -> None:
    address = quote(f"{door.address}{TREND}.html?theme=dark&release={VERSION}", safe="")
    said = door.get(f"/oembed?url={address}&maxwidth=320&maxheight=250").json()
    assert said["width"] <= 320
    assert said["height"] <= 250
    assert 'width="320" height="250"' in said["html"]
    assert "theme=dark" in unescape(said["html"])
    assert VERSION in said["html"]
    assert "thumbnail_url" not in said


def test_oembed_as_xml_says_the_same(door: Door) -> None:
    address = quote(f"{door.address}{TREND}.html")
    answer = door.get(f"/oembed?url={address}&format=xml")
    assert answer.headers["content-type"].startswith("text/xml")
    said = {child.tag: child.text for child in ET.fromstring(answer.content)}
    plain = door.get(f"/oembed?url={address}").json()
    assert said == {name: str(value) for name, value in plain.items()}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("url=http%3A%2F%2Felsewhere.example%2Fembed%2Fx", 404),
        ("url={base}%2Fnowhere", 404),
        ("url={base}.evil.example%2Fgaps%2F", 404),
        ("url={base}%2Fgaps%2F&format=yaml", 501),
        ("url={base}%2Fgaps%2F&maxwidth=wide", 400),
        ("", 400),
    ],
)
def test_oembed_refuses_with_the_right_status(door: Door, query: str, status: int) -> None:
    base = quote(door.address, safe="")
    assert door.get(f"/oembed?{query.format(base=base)}").status_code == status


def test_every_page_with_a_chart_and_every_embed_announces_its_oembed(
    door: Door, of_each_kind: list[dict[str, str]]
) -> None:
    pages = [
        address for address in _pages(door) if '<figure class="drawn' in door.get(address).text
    ]
    assert {"/", "/gaps/", "/countries/", f"/agencies/{NORTH[0]}/"} <= set(pages)
    for address in [*pages, *(row["html"] for row in of_each_kind)]:
        link = (
            r'<link rel="alternate" type="application/json\+oembed" href="([^"]+)" title="[^"]+">'
        )
        (found,) = re.findall(link, door.get(address).text)
        # Consumers do not resolve the address against the page's.
        assert found.startswith(f"{door.address}/embed/"), address
        answer = door.get(unescape(found).removeprefix(door.address))
        assert answer.status_code == 200, address
        assert answer.headers["content-type"] == "application/json"
        assert (answer.json()["version"], answer.json()["type"]) == ("1.0", "rich")


def test_the_announced_answer_is_the_one_that_is_asked_for(door: Door) -> None:
    announced = door.get(f"{TREND}.oembed.json?maxwidth=320").json()
    address = quote(f"{door.address}{TREND}.html", safe="")
    assert announced == door.get(f"/oembed?url={address}&maxwidth=320").json()
    assert announced["width"] == 320


def _pages(door: Door) -> list[str]:
    """Every page by the sitemap."""
    sitemap = door.get("/sitemap.xml").text
    return [re.sub(r"https?://[^/]+", "", loc) for loc in re.findall(r"<loc>([^<]+)", sitemap)]


@pytest.mark.parametrize(
    ("path", "chart"),
    [
        ("/gaps/", "gap-matrix/all"),
        ("/countries/", "countries/all"),
        (f"/agencies/{NORTH[0]}/", f"evidence-timeline/{NORTH[0]}"),
        (
            f"/explore?agency={NORTH[0]}&system={NORTH[1]}&metric=searches",
            f"trend/{'.'.join(NORTH)}",
        ),
        ("/explore?country=GB&metric=searches", "gap-matrix/country=GB,metric=searches"),
    ],
)
def test_pages_and_views_stand_for_their_chart(door: Door, path: str, chart: str) -> None:
    said = door.get(f"/oembed?url={quote(door.address + path, safe='')}").json()
    assert f"/embed/{chart}.html" in said["html"]


def test_the_loader_has_a_lasting_address(door: Door) -> None:
    answer = door.get("/assets/embed.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" not in answer.headers["cache-control"]
    assert len(brotli.compress(answer.content)) < 2_000


def test_the_builder_gives_what_an_editor_pastes(door: Door, listed: list[dict[str, str]]) -> None:
    key = ".".join(NORTH)
    text = unescape(door.get(f"/embed/build?chart=trend&key={key}&theme=dark&width=480").text)
    assert f'<iframe src="{door.address}{TREND}.html?theme=dark"' in text
    assert f'<script async src="{door.address}/assets/embed.js"' in text
    assert "[![Searches: Northtown Police (synthetic)" in text
    assert "@misc{facetally-2024-" in text
    for src in re.findall(rf'"{door.address}(/[^"]+)"', text):
        assert door.get(src).status_code == 200, src
    assert door.get("/embed/build?chart=none&key=all").status_code == 404
    offered = unescape(door.get("/embed/build").text)
    assert f'href="/embed/build/trend/{key}/"' in offered
    pictures = re.findall(r'<img src="([^"]+)"', offered)
    assert {address.split("/")[2] for address in pictures} == {c["chart"] for c in listed}
    assert {door.get(address).status_code for address in pictures} == {200}


def test_a_frames_height_is_told_ahead_for_every_width(synthetic: Path) -> None:
    release = releases.latest(synthetic)
    for chart in catalogue.charts(release):
        figure = catalogue.figure(release, chart)
        assert figure
        heights = page.embed(Shown(release, chart, figure, ""), "auto").heights
        widths = [width for width, _ in heights]
        assert widths == sorted(widths)
        assert (widths[0], widths[-1]) == (300, 1200)
        assert all(80 < height < 3000 for _, height in heights)


def _links_to_embeds(page_text: str) -> set[str]:
    """The links of a page to embeds, one for each chart."""
    found = re.findall(r'href="(/embed/build/[^"]+)"', page_text)
    assert len(found) == page_text.count('<figure class="drawn'), page_text[:200]
    return {unescape(link) for link in found}


def test_every_chart_of_a_page_leads_to_its_embed(door: Door) -> None:
    links = {link for page in _pages(door) for link in _links_to_embeds(door.get(page).text)}
    charts = {link.split("/")[3] for link in links}
    assert {"trend", "gap-matrix", "gap-trend", "evidence-timeline"} <= charts
    assert {link: door.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_so_do_those_of_coverage_and_of_what_moved(tmp_path: Path) -> None:
    """The charts that a release has where it was built with registers and after another one."""
    for wording, as_of in (("5", date(2021, 12, 31)), ("7", date(2022, 1, 31))):
        told = report("a", wording, "2020-01-01", "2020-12-31")
        build(write_ledger(tmp_path / wording, reports=[told]), tmp_path / "releases", as_of)
    release = releases.latest(tmp_path / "releases")
    site = Site(release, "https://facetally.example")
    links = set()
    for address in ("/coverage/", "/corrections/"):
        made = site.page(address)
        assert made
        links |= _links_to_embeds(made.body.decode())
    charts = {"coverage/bodies", "coverage/countries", "coverage/age", "changes/all"}
    assert links == {f"/embed/build/{chart}/" for chart in charts}
    listed = {f"{chart.chart}/{chart.key}": chart for chart in catalogue.charts(release)}
    assert charts <= set(listed)
    for chart in charts:
        figure = catalogue.figure(release, listed[chart])
        assert figure
        assert figure.title in page.embed(Shown(release, listed[chart], figure, ""), "auto").html
