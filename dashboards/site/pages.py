"""Every public page by its address."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from functools import partial as partial_of
from typing import Any
from urllib.parse import urlsplit

import polars as pl
from markupsafe import Markup

from dashboards import phrases
from dashboards.charts import coverage as coverage_charts
from dashboards.charts.changes import release_changes
from dashboards.charts.channel_ladder import RUNGS, channel_ladder, rung
from dashboards.charts.comparison import Compared, comparison
from dashboards.charts.countries import ranked_countries
from dashboards.charts.evidence_timeline import STANCES, evidence_timeline
from dashboards.charts.gap_matrix import gap_matrix
from dashboards.charts.gap_trend import gap_trend
from dashboards.charts.trend import frequency_shown, trend
from dashboards.pages import template
from dashboards.releases import Release
from dashboards.site import cards, changes, corrections, coverage, feed
from dashboards.site.corrections import Correction
from dashboards.site.drawings import WIDE, Drawing, draw
from dashboards.site.record import Claim, Record, Row, SeriesKey, gap_words, partial, said_on
from pipelines import wording
from pipelines.fields import (
    CHANNELS,
    FREQUENCIES,
    GAP_KINDS,
    METRICS,
    OBS_STATUS,
    RELEASE,
    SOURCE_KINDS,
)

HTML = "text/html; charset=utf-8"
_KINDS = ("agencies", "systems", "countries", "sources")
_ADDRESS = re.compile(r"/(agencies|systems|countries|sources)/([^/]+)/")
_SHAPES = {"csv": "CSV", "excel.csv": "CSV for Excel", "json": "JSON", "parquet": "Parquet"}
_FILES = {
    "datapackage.json": "every table and column, with sizes and checksums (Data Package)",
    "dataset.jsonld": "the data set for search engines (schema.org)",
    "CHANGES.md": "what moved since the release before",
    "README.txt": "what the files are",
    "CITATION.bib": "the citation",
    "LICENSE.txt": "the licence",
    "SHA256SUMS": "checksums of every file",
}
_LICENCE = "https://creativecommons.org/licenses/by/4.0/"
_CASE = ("gb-metropolitan-police-service", "clearview-ai", "searches")
# Faces scanned and alerts are of passers-by, whoever lives there.
_RATED = {"searches", "requests", "identifications", "arrests"}
# The overview's first chart stands beside the finding, in half of the page.
_HERO = 600
_OTHER_CASE = ("gb-national-crime-agency", "clearview-ai", "searches")


@dataclass(frozen=True)
class Page:
    """What stands at an address."""

    body: bytes
    media_type: str


@dataclass(frozen=True)
class Block:
    """One series on an agency's page. ``drawing`` is None where one number needs no chart;
    ``rate`` is the headline for each 100,000 residents, blank where they are not known."""

    anchor: str
    name: str
    system_id: str
    metric: str
    headline: Claim | None
    rate: str
    claims: list[Claim]
    drawing: Drawing | None
    reports: int


class Site:
    """The pages of one release.

    ``base_url`` is the origin under which readers see them (``https://example.org``); it stands
    in canonical links, cards, the sitemap and the feed. ``explorer`` says whether ``/explore`` is
    there to link to. Raises ValueError for a base_url that is not an origin.
    """

    def __init__(self, release: Release, base_url: str, explorer: bool = True) -> None:
        origin = urlsplit(base_url)
        if origin.scheme not in {"http", "https"} or not origin.netloc or origin.path.strip("/"):
            raise ValueError(f"{base_url!r} is not an origin; write https://example.org")
        self.release = release
        self.base_url = f"{origin.scheme}://{origin.netloc}"
        self.explorer = explorer
        self.record = Record(release)
        self._plain: dict[str, Callable[[], Page]] = {
            "/": self._overview,
            "/agencies/": self._agencies,
            "/systems/": self._systems,
            "/countries/": self._countries,
            "/sources/": self._sources,
            "/gaps/": self._gaps,
            "/method/": self._method,
            "/downloads/": self._downloads,
            "/corrections/": self._corrections,
            "/coverage/": self._coverage_page,
            "/about/": self._about,
            "/agencies/index.json": self._index,
            "/feed.xml": self._feed,
            "/sitemap.xml": self._sitemap,
            "/robots.txt": self._robots,
        }
        self._entries: dict[str, dict[str, Any]] = {
            "agencies": self.record.agencies,
            "systems": self.record.systems,
            "countries": self.record.by_country,
            "sources": self.record.sources,
        }

    def addresses(self) -> list[str]:
        """Every page, in a stable order; social cards are in :meth:`card_addresses`."""
        return [
            *self._plain,
            *(f"/{kind}/{name}/" for kind in _KINDS for name in self._entries[kind]),
        ]

    @cached_property
    def known(self) -> frozenset[str]:
        """The same, to look one up."""
        return frozenset(self.addresses())

    def card_addresses(self) -> list[str]:
        """The PNG of every page that has one of its own, and the site's."""
        return [cards.address(page) for page in ("/", *self._with_card)]

    def page(self, address: str) -> Page | None:
        """What stands at an address, or None. Takes up to half a second."""
        if make := self._plain.get(address):
            return make()
        if page := cards.page_of(address):
            known = page == "/" or page in self._with_card
            return Page(self._card(page), "image/png") if known else None
        found = _ADDRESS.fullmatch(address)
        if not found or found[2] not in self._entries[found[1]]:
            return None
        one = {
            "agencies": self._agency,
            "systems": self._system,
            "countries": self._country,
            "sources": self._source,
        }[found[1]]
        return one(found[2])

    # --- what all pages share ---------------------------------------------------------------

    def _render(
        self,
        kind: str,
        address: str,
        title: str,
        summary: str,
        dataset: dict[str, Any] | None = None,
        **values: Any,
    ) -> Page:
        card = cards.address(address if address in self._with_card else "/")
        html = template(f"site/{kind}.html").render(
            page=address,
            page_title=title,
            summary=summary,
            canonical=self.base_url + address,
            card=self.base_url + card,
            base_url=self.base_url,
            explorer=self.explorer,
            release=self.release,
            record=self.record,
            json_ld=None if dataset is None else _json_for_script(dataset),
            announced=_announced(values),
            gap_words=gap_words,
            partial=partial,
            said_on=said_on,
            stances=STANCES,
            rungs=RUNGS,
            corrected=self._corrected.get(address, []),
            **values,
        )
        return Page(html.encode(), HTML)

    @property
    def source_line(self) -> str:
        """The line inside every chart."""
        return f"Facetally, release {self.release.version} (CC BY 4.0)"

    def _draw(
        self, make: Callable[[], Any], chart: str, key: str, width: int = WIDE
    ) -> Drawing | None:
        """The chart that embeds know by ``chart`` and ``key``."""
        return draw(make, self.source_line, chart, key, width)

    @cached_property
    def _corrections_told(self) -> list[Correction]:
        return corrections.corrections(self.record, self.release.tables["corrections"])

    @cached_property
    def _corrected(self) -> dict[str, list[Correction]]:
        return corrections.by_page(self._corrections_told)

    @cached_property
    def _changes(self) -> changes.Changes | None:
        return changes.read(self.release.path)

    def _dataset(self, name: str, description: str, address: str, **more: Any) -> dict[str, Any]:
        """A schema.org Dataset."""
        tables = self.release.tables
        return {
            "@context": "https://schema.org/",
            "@type": "Dataset",
            "name": name,
            "description": description,
            "url": self.base_url + address,
            "license": _LICENCE,
            "isAccessibleForFree": True,
            "version": self.release.version,
            "creator": {"@type": "Organization", "name": "Facetally", "url": self.base_url + "/"},
            "distribution": [
                {
                    "@type": "DataDownload",
                    "encodingFormat": kind,
                    "contentUrl": f"{self.base_url}/data/latest/bounds.{suffix}",
                }
                for kind, suffix in (
                    ("text/csv", "csv"),
                    ("application/vnd.apache.parquet", "parquet"),
                )
            ],
            "variableMeasured": sorted(set(tables["series"]["metric"].to_list())),
            **more,
        }

    # --- overview ---------------------------------------------------------------------------

    @cached_property
    def _single(self) -> pl.DataFrame:
        return self.release.tables["agencies"].filter(pl.col("level") != "group")

    @cached_property
    def _counted(self) -> dict[str, int]:
        """Single agencies with a count of searches, by whether their own voice gave one."""
        reports = self.release.tables["reports"].filter(pl.col("metric") == "searches")
        reports = reports.join(self._single.select("agency_id"), on="agency_id", how="semi")
        own = reports.group_by("agency_id").agg((pl.col("voice") == "agency").any())["voice"]
        return {"every": own.len(), "others": own.len() - int(own.sum())}

    def _finding(self) -> str:
        every, others = self._counted["every"], self._counted["others"]
        if not every:
            return "How many facial-recognition searches, and who says so?"
        if not others:
            return "Every agency with a count of face searches on record gave one itself"
        agencies = f"{others} of {every} agencies" if every != others else f"all {every} agencies"
        return (
            f"For {agencies} with face searches on record, the number is known only because "
            "somebody else disclosed it"
        )

    def _overview(self) -> Page:
        record = self.record
        open_kinds = Counter(gap["kind"] for gap in record.open_gaps)
        numbers = [
            (len(record.by_country.keys() - {"ZZ"}), "countries"),
            (self._single.height, "agencies on record"),
            (len(record.reports), "reported counts"),
            (len(record.sources), "public documents"),
            (len(record.open_gaps), "open disclosure gaps"),
        ]
        summary = (
            f"{self._finding()}. {len(record.reports)} counts from {len(record.sources)} public "
            f"documents about {self._single.height} agencies, each figure an interval with a proof."
        )
        return self._render(
            "overview",
            "/",
            "Facetally: how many facial-recognition searches, and who says so",
            summary,
            dataset=self._dataset(
                "Facetally: facial-recognition searches by police and other agencies",
                summary,
                "/",
                temporalCoverage=self._coverage(record.series.values()),
                spatialCoverage=[
                    phrases.country_name(code) for code in record.by_country if code != "ZZ"
                ],
            ),
            finding=self._finding(),
            numbers=numbers,
            gap_kinds=[(kind, GAP_KINDS[kind], open_kinds[kind]) for kind in GAP_KINDS],
            ladder=self._ladder(),
            newest=self._newest(),
            changes=self._changes,
            contradicted=[g for g in record.open_gaps if g["kind"] == "contradicted"],
            case=self._case(),
            trend=self._gap_trend(),
            unknown=self._nothing_known(),
        )

    @lru_cache(maxsize=1)  # noqa: B019
    def _ladder(self) -> Drawing | None:
        tables = self.release.tables
        make = partial_of(channel_ladder, tables["reports"], tables["agencies"], "searches")
        return self._draw(make, "channel-ladder", "searches", _HERO)

    @lru_cache(maxsize=1)  # noqa: B019
    def _gap_trend(self) -> Drawing | None:
        gaps = self.release.tables["gaps"]
        make = partial_of(gap_trend, gaps, self.release.as_of)
        return self._draw(make, "gap-trend", "all")

    def _coverage(self, series: Any) -> str:
        rows = list(series)
        if not rows:
            return ""
        first, last = min(r["first_day"] for r in rows), max(r["last_day"] for r in rows)
        return f"{first}/{last}"

    def _newest(self) -> list[Row]:
        """The latest counts from dated sources, one a source and agency."""
        dated = [r for r in self.record.reports.values() if self.record.is_dated(r)]
        dated.sort(key=lambda r: (r["known_from"], r["low"], r["report_id"]), reverse=True)
        seen: set[tuple[str, str]] = set()
        found = []
        for row in dated:
            key = (row["agency_id"], row["source_id"])
            if key not in seen:
                seen.add(key)
                found.append(row)
        return found[:8]

    def _case(self) -> dict[str, Any] | None:
        """The worked example: the Met's window on Clearview AI, else the gravest open gap's."""
        keys = [_CASE] if _CASE in self.record.series else []
        keys += [
            (g["agency_id"], g["system_id"], g["metric"])
            for g in self.record.open_gaps
            if g["system_id"] and g["low"]
        ]
        for key in keys:
            if claim := self.record.headline(key):
                gaps = [g for g in self.record.open_gaps if _of_series(g, key)]
                said = [self.record.statements[i] for g in gaps for i in g["statement_ids"]]
                return {"key": key, "claim": claim, "gap": gaps[0] if gaps else None, "said": said}
        return None

    def _nothing_known(self) -> dict[str, int]:
        """How many agencies on record have only statements, or only a mention."""
        counted = {row["agency_id"] for row in self.record.reports.values()}
        spoke = {row["agency_id"] for row in self.record.statements.values()} - counted
        single = set(self._single["agency_id"].to_list())
        return {
            "spoke": len(spoke & single),
            "named": len(single - counted - spoke),
        }

    # --- agencies ---------------------------------------------------------------------------

    @cached_property
    def _with_card(self) -> set[str]:
        """The pages with a card of their own: those with a figure to show."""
        counted = {row["agency_id"] for row in self.record.reports.values()}
        systems: dict[str, list[SeriesKey]] = {key[1]: [] for key in self.record.series}
        for key in self.record.series:
            systems[key[1]].append(key)
        return {
            "/gaps/",
            "/countries/",
            *(["/coverage/"] if self.release.tables["coverage_countries"].height else []),
            *(f"/agencies/{name}/" for name in counted),
            *(f"/systems/{n}/" for n, keys in systems.items() if self._side_by_side(keys, False)),
            *(
                f"/countries/{code}/"
                for code in self.record.by_country
                if self._side_by_side(self._series_in(code), True)
            ),
        }

    def _series_of(self, agency_id: str) -> list[SeriesKey]:
        keys = [key for key in self.record.series if key[0] == agency_id]
        gaps = {
            (g["agency_id"], g["system_id"], g["metric"]): g["kind"]
            for g in reversed(self.record.open_gaps)
        }
        grave = {"contradicted": 0, "denied": 1}
        keys.sort(
            key=lambda k: (
                grave.get(gaps.get(k, ""), 2),
                -self.record.series[k]["reports"],
                k,
            )
        )
        return keys

    @lru_cache(maxsize=32)  # noqa: B019 (a card follows its page)
    def _block(self, key: SeriesKey) -> Block:
        record = self.record
        claims = record.claims(key)
        rows = record.bounds.get(key, [])
        drawing = None
        if rows:
            bounds = pl.DataFrame(rows, schema=self.release.tables["bounds"].schema)
            frequency = frequency_shown(bounds)
            if sum(row["frequency"] == frequency for row in rows) >= 3:
                reports = self.release.tables["reports"]
                aside = reports.filter(
                    (pl.col("agency_id") == key[0])
                    & (pl.col("system_id") == key[1])
                    & (pl.col("metric") == key[2])
                    & pl.col("report_id").is_in(list(record.set_aside))
                )
                names = record.agency_name(key[0]), record.system_name(key[1])
                drawing = self._draw(
                    lambda: trend(*names, key[2], bounds, aside), "trend", ".".join(key)
                )
        headline = record.headline(key)
        return Block(
            anchor=f"{key[1]}-{key[2].replace('_', '-')}",
            name=record.series_name(key[1], key[2]),
            system_id=key[1],
            metric=key[2],
            headline=headline,
            rate=self._rate(headline) if headline else "",
            claims=claims,
            drawing=drawing,
            reports=record.series[key]["reports"],
        )

    @cached_property
    def _residents(self) -> dict[str, tuple[int, int | None]]:
        """Residents of agencies' areas and the year in which they were counted."""
        table = self.release.tables["coverage_agencies"].filter(pl.col("population").is_not_null())
        columns = ("agency_id", "population", "population_year")
        return {name: (people, year) for name, people, year in table.select(columns).iter_rows()}

    def _rate(self, claim: Claim) -> str:
        """A figure for each 100,000 residents of the agency's area, and when they were counted."""
        if claim.series[0] not in self._residents or claim.series[2] not in _RATED:
            return ""
        people, year = self._residents[claim.series[0]]
        rate = phrases.per_100_000(claim.row["low"], claim.row["high"], people)
        counted = f"{phrases.number(people)} residents" + (f" ({year})" if year else "")
        return f"{rate} per 100,000 of {counted}" if rate else ""

    @lru_cache(maxsize=4)  # noqa: B019
    def _timeline(self, agency_id: str) -> Drawing | None:
        tables = self.release.tables
        mine = pl.col("agency_id") == agency_id
        reports, statements = (tables[t].filter(mine) for t in ("reports", "statements"))
        if reports.height + statements.height < 2 or reports.is_empty():
            return None
        systems = {key: self.record.system_name(key) for key in self.record.systems}
        return self._draw(
            lambda: evidence_timeline(
                self.record.agency_name(agency_id),
                reports,
                statements,
                systems,
                set(self.record.set_aside),
            ),
            "evidence-timeline",
            agency_id,
        )

    def _agency(self, agency_id: str) -> Page:
        record = self.record
        agency = record.agencies[agency_id]
        blocks = [self._block(key) for key in self._series_of(agency_id)]
        # The gravest first, then those with a chart: single numbers share rows after them.
        blocks = blocks[:1] + sorted(blocks[1:], key=lambda block: block.drawing is None)
        gaps = record.of("gaps", "agency_id", agency_id)
        reports = sorted(
            record.of("reports", "agency_id", agency_id),
            key=lambda r: (r["last_day"], r["known_from"], r["report_id"]),
            reverse=True,
        )
        statements = sorted(
            record.of("statements", "agency_id", agency_id),
            key=lambda s: (s["said_latest"], s["statement_id"]),
            reverse=True,
        )
        shown = [g for g in gaps if g["closed_on"] is None]
        lead = self._lead(agency, blocks, shown, statements)
        sources = {row["source_id"] for row in (*reports, *statements)}
        dataset = None
        if reports:
            dataset = self._dataset(
                f"Facial-recognition searches by {agency['name']}",
                lead,
                f"/agencies/{agency_id}/",
                temporalCoverage=self._coverage(
                    record.series[key] for key in self._series_of(agency_id)
                ),
                spatialCoverage=phrases.country_name(agency["country"]),
                variableMeasured=sorted({block.metric for block in blocks}),
                isBasedOn=[
                    record.sources[name]["url"]
                    for name in sorted(sources)
                    if web_address(record.sources[name]["url"])
                ][:20],
            )
        return self._render(
            "agency",
            f"/agencies/{agency_id}/",
            f"{agency['name']}: facial-recognition searches",
            lead,
            dataset=dataset,
            agency=agency,
            lead=lead,
            blocks=blocks,
            gaps=shown,
            closed=[g for g in gaps if g["closed_on"]],
            reports=reports,
            statements=statements,
            duties=record.of("duties", "agency_id", agency_id),
            conflicts=[
                c for c in record.conflicts if c["agency_id"] == agency_id and c["voice"] == "all"
            ],
            members=sorted(record.members.get(agency_id, []), key=record.agency_name),
            timeline=self._timeline(agency_id),
            shown_rungs=_rungs(reports),
            sources=len(sources),
            moved=self._changes.agencies()[agency_id] if self._changes else 0,
        )

    def _lead(
        self, agency: Row, blocks: list[Block], gaps: list[Row], statements: list[Row]
    ) -> str:
        """The finding about an agency in a sentence or two."""
        name = agency["name"]
        if blocks and (claim := blocks[0].headline):
            system = self.record.system_name(claim.series[1])
            kinds = [g["kind"] for g in gaps if _of_series(g, claim.series)]
            if claim.voice == "own":
                return f"{name} disclosed {claim.count} with {system} {claim.when}."
            tail = "the agency's own voice gives no number"
            if claim.voice == "contested" or "contradicted" in kinds:
                tail = "the agency's own account says otherwise"
            elif "denied" in kinds:
                tail = "the agency denied use"
            shown = f"{claim.count} by {name} with {system} {claim.when}"
            return f"Others' evidence shows {shown}; {tail}."
        if statements:
            latest = statements[0]
            return (
                f"No count by {name} is on record. What it said: {STANCES[latest['stance']]} "
                f"({said_on(latest)})."
            )
        return f"No count and no statement by {name} is on record. That says nothing about use."

    def _agencies(self) -> Page:
        record = self.record
        counted = {row["agency_id"] for row in record.reports.values()}
        gaps = Counter(g["agency_id"] for g in record.open_gaps)
        return self._render(
            "agencies",
            "/agencies/",
            "Agencies: facial-recognition searches on record",
            f"{len(record.agencies)} agencies and groups of agencies in "
            f"{len(record.by_country)} countries, with what is on record about each.",
            counted=counted,
            gap_counts=gaps,
            reports=Counter(row["agency_id"] for row in record.reports.values()),
        )

    def _index(self) -> Page:
        record = self.record
        rows = [
            [row["agency_id"], row["name"], phrases.country_name(row["country"])]
            for row in sorted(record.agencies.values(), key=lambda r: r["name"].casefold())
        ]
        return Page(
            json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode(),
            "application/json",
        )

    # --- systems, countries, sources --------------------------------------------------------

    def _compared(self, keys: list[SeriesKey], with_system: bool) -> list[tuple[Compared, Claim]]:
        found = []
        for key in keys:
            claims = [c for c in self.record.claims(key, "R") if c.row["low"] > 0]
            if not claims:
                continue
            claim = max(claims, key=lambda c: c.row["low"])
            name = self.record.agency_name(key[0])
            if with_system:
                name = f"{name}, {self.record.system_name(key[1])}"
            compared = Compared(
                name, claim.period, claim.row["low"], claim.row["high"], claim.voice
            )
            found.append((compared, claim))
        return found

    def _side_by_side(
        self, keys: list[SeriesKey], with_system: bool
    ) -> tuple[str, list[Compared]] | None:
        """The metric with most series, and the largest proven window of each."""
        keys = [key for key in keys if not self._is_group(key[0])]
        for metric, count in Counter(key[2] for key in keys).most_common():
            chosen = [key for key in keys if key[2] == metric]
            rows = [row for row, _ in self._compared(chosen, with_system)]
            if count > 1 and len(rows) > 1:
                return metric, rows
        return None

    def _comparison(
        self, keys: list[SeriesKey], with_system: bool, embed_key: str
    ) -> Drawing | None:
        found = self._side_by_side(keys, with_system)
        if not found:
            return None
        metric, rows = found
        make = partial_of(comparison, rows, metric, _most(rows, metric))
        return self._draw(make, "comparison", embed_key)

    def _system_drawing(self, system_id: str) -> Drawing | None:
        keys = [key for key in self.record.series if key[1] == system_id]
        return self._comparison(keys, False, f"system={system_id}")

    def _country_drawing(self, code: str) -> Drawing | None:
        return self._comparison(self._series_in(code), True, f"country={code}")

    def _series_in(self, code: str) -> list[SeriesKey]:
        ids = {row["agency_id"] for row in self.record.by_country[code]}
        return [key for key in self.record.series if key[0] in ids]

    def _system(self, system_id: str) -> Page:
        record = self.record
        row = record.systems[system_id]
        keys = [key for key in record.series if key[1] == system_id]
        gaps = [g for g in record.open_gaps if g["system_id"] == system_id]
        agencies = {key[0] for key in keys}
        statements = record.of("statements", "system_id", system_id)
        spoke = {s["agency_id"] for s in statements} - agencies
        name = record.system_name(system_id)
        name = f"{name[0].upper()}{name[1:]}"
        lead = (
            f"{len(agencies)} {'agency has' if len(agencies) == 1 else 'agencies have'} counts on "
            f"record for {name}"
        )
        lead += f", {len(spoke)} more only statements" if spoke else ""
        lead += f"; {len(gaps)} disclosure {'gap stands' if len(gaps) == 1 else 'gaps stand'} open."
        return self._render(
            "system",
            f"/systems/{system_id}/",
            f"{name}: searches on record",
            lead,
            system=row,
            name=name,
            lead=lead,
            claims=self._figures(keys),
            drawing=self._system_drawing(system_id),
            gaps=gaps,
            statements=sorted(
                statements, key=lambda s: (s["said_latest"], s["statement_id"]), reverse=True
            ),
        )

    def _is_group(self, agency_id: str) -> bool:
        return bool(self.record.agencies[agency_id]["level"] == "group")

    def _figures(self, keys: list[SeriesKey]) -> list[Claim]:
        """One figure a series: searches first, then by size."""
        found = [claim for key in keys if (claim := self.record.headline(key))]
        order = list(METRICS)
        found.sort(key=lambda c: (order.index(c.series[2]), -c.row["low"], c.series))
        return found

    def _country(self, code: str) -> Page:
        record = self.record
        agencies = record.by_country[code]
        ids = {row["agency_id"] for row in agencies}
        keys = self._series_in(code)
        counted = {key[0] for key in keys if not self._is_group(key[0])}
        own = {
            r["agency_id"]
            for r in record.reports.values()
            if r["agency_id"] in counted and r["voice"] == "agency"
        }
        gaps = [g for g in record.open_gaps if g["agency_id"] in ids]
        name = phrases.country_name(code)
        single = sum(row["level"] != "group" for row in agencies)
        lead = (
            f"{name}: {single} {'agency' if single == 1 else 'agencies'} on record, {len(counted)} "
            f"with a count; {len(own)} gave one {'itself' if len(own) == 1 else 'themselves'}. "
            f"{len(gaps)} disclosure {'gap stands' if len(gaps) == 1 else 'gaps stand'} open."
        )
        coverage = None
        if "coverage_countries" in self.release.tables:
            table = self.release.tables["coverage_countries"].filter(pl.col("country") == code)
            coverage = table.row(0, named=True) if table.height else None
        return self._render(
            "country",
            f"/countries/{code}/",
            f"{name}: facial-recognition searches on record",
            lead,
            code=code,
            name=name,
            lead=lead,
            agencies=agencies,
            claims=self._figures(keys),
            drawing=self._country_drawing(code),
            rates=self._rates(code),
            gaps=gaps,
            coverage=coverage,
            reports=Counter(r["agency_id"] for r in record.reports.values()),
            statements=Counter(s["agency_id"] for s in record.statements.values()),
        )

    def _rates(self, code: str) -> list[tuple[Claim, str]]:
        """Figures of a country's agencies for each 100,000 residents, the largest first."""
        found = [
            (claim, rate)
            for claim in self._figures(
                [k for k in self._series_in(code) if k[0] in self._residents]
            )
            if claim.row["low"] > 0 and (rate := self._rate(claim))
        ]
        order = list(METRICS)

        def size(item: tuple[Claim, str]) -> tuple[int, float]:
            claim = item[0]
            people = self._residents[claim.series[0]][0]
            return order.index(claim.series[2]), -claim.row["low"] / people

        return sorted(found, key=size)

    def _source(self, source_id: str) -> Page:
        record = self.record
        source = record.sources[source_id]
        reports = record.of("reports", "source_id", source_id)
        statements = record.of("statements", "source_id", source_id)
        duties = record.of("duties", "source_id", source_id)
        parts = [
            f"{count} {one if count == 1 else many}"
            for count, one, many in (
                (len(reports), "reported count", "reported counts"),
                (len(statements), "statement", "statements"),
                (len(duties), "duty", "duties"),
            )
            if count
        ]
        lead = f"{source['publisher']}, {record.published(source)}. "
        lead += f"Cited for {phrases.listed(parts)}." if parts else "Kept for context."
        return self._render(
            "source",
            f"/sources/{source_id}/",
            f"{source['title']} ({source['publisher']})",
            lead,
            source=source,
            lead=lead,
            reports=reports,
            statements=statements,
            duties=duties,
            what=SOURCE_KINDS.get(source["kind"], ""),
            linked=web_address(source["url"]),
        )

    def _systems(self) -> Page:
        record = self.record
        agencies: Counter[str] = Counter(
            system for system, _ in {(key[1], key[0]) for key in record.series}
        )
        rows = sorted(record.systems.values(), key=lambda r: (-agencies[r["system_id"]], r["name"]))
        return self._render(
            "systems",
            "/systems/",
            "Face-recognition systems on record",
            f"{len(rows)} face-recognition systems, with the agencies whose counts are on record.",
            systems=rows,
            agency_counts=agencies,
        )

    def _ranking(self) -> Drawing | None:
        tables = self.release.tables
        make = partial_of(ranked_countries, tables["agencies"], tables["reports"])
        return self._draw(make, "countries", "all")

    def _countries(self) -> Page:
        record = self.record
        counted = {row["agency_id"] for row in record.reports.values()}
        gaps = Counter(record.agencies[g["agency_id"]]["country"] for g in record.open_gaps)
        return self._render(
            "countries",
            "/countries/",
            "Countries: facial-recognition searches on record",
            f"What is on record in {len(record.by_country)} countries and areas.",
            drawing=self._ranking(),
            counted=counted,
            gap_counts=gaps,
        )

    def _sources(self) -> Page:
        record = self.record
        rows = sorted(
            record.sources.values(), key=lambda s: (s["publisher"].casefold(), s["title"])
        )
        return self._render(
            "sources",
            "/sources/",
            "Sources: every document that is cited",
            f"All {len(rows)} public documents behind the figures.",
            sources=rows,
        )

    # --- gaps, method and the rest ----------------------------------------------------------

    def _gaps(self) -> Page:
        tables = self.release.tables
        gaps = tables["gaps"].filter(pl.col("closed_on").is_null())
        by_kind = [
            (kind, GAP_KINDS[kind], [g for g in self.record.open_gaps if g["kind"] == kind])
            for kind in GAP_KINDS
        ]
        closed = [g for g in self.record.gaps if g["closed_on"]]
        closed.sort(key=lambda g: (g["closed_on"], g["gap_id"]), reverse=True)
        make = partial_of(gap_matrix, gaps, tables["agencies"])
        matrix = self._draw(make, "gap-matrix", "all")
        summary = (
            f"{matrix.figure.title}."
            if matrix
            else "No disclosure gap stands open in this release."
        )
        return self._render(
            "gaps",
            "/gaps/",
            "Disclosure gaps: what is not disclosed",
            summary,
            by_kind=[item for item in by_kind if item[2]],
            closed=closed,
            matrix=matrix,
            trend=self._gap_trend(),
            unknown=self._nothing_known(),
        )

    def _method(self) -> Page:
        return self._render(
            "method",
            "/method/",
            "Method: how a source's words become a figure",
            "How quantity words become intervals, how intervals combine, what counts as a "
            "disclosure gap, and what Facetally cannot say.",
            rules=wording.RULES,
            case=self._case(),
            other=self.record.headline(_OTHER_CASE) if _OTHER_CASE in self.record.series else None,
            statuses=OBS_STATUS,
            kinds=GAP_KINDS,
            channels=CHANNELS,
            frequencies=FREQUENCIES,
            metrics=METRICS,
            unknown=self._nothing_known(),
            conflicts=[c for c in self.record.conflicts if c["voice"] == "all"],
            example=next(
                (
                    (key, claim)
                    for key in self.record.series
                    for claim in self.record.claims(key, "A")
                    if any(1 < len(proof.evidence) < 5 and proof.sums for proof in claim.proofs)
                ),
                None,
            ),
        )

    def _downloads(self) -> Page:
        tables = [
            {
                "name": table.name,
                "description": table.description,
                "rows": self.release.tables[table.name].height,
                "sizes": [
                    (words, file.name, file.stat().st_size)
                    for suffix, words in _SHAPES.items()
                    if (file := self.release.path / f"{table.name}.{suffix}").is_file()
                ],
                "fields": table.fields,
            }
            for table in RELEASE
        ]
        summary = (
            "All tables of the release as CSV and Parquet, described by a Data Package, under "
            "CC BY 4.0."
        )
        return self._render(
            "downloads",
            "/downloads/",
            "Downloads: the tables behind every figure",
            summary,
            dataset=self._dataset("Facetally", summary, "/downloads/"),
            tables=tables,
            others={n: words for n, words in _FILES.items() if (self.release.path / n).is_file()},
        )

    def _corrections(self) -> Page:
        told = self._corrections_told
        moved = self._changes
        summary = (
            f"{len(told)} {'error of ours has' if len(told) == 1 else 'errors of ours have'} been "
            "put right. What was wrong, since when, what stands there now and why."
            if told
            else "What was wrong and has been put right, what changed between releases, and how "
            "to report an error."
        )
        return self._render(
            "corrections",
            "/corrections/",
            "Corrections and changes",
            summary,
            corrections=told,
            replaced=corrections.replacements(self.record),
            changes=moved,
            drawing=self._draw(lambda: release_changes(moved.told), "changes", "all")
            if moved
            else None,
        )

    def _coverage_page(self) -> Page:
        tables = self.release.tables
        measured = not tables["coverage_countries"].is_empty()
        weak = coverage.weaknesses(self.record, tables["coverage"])
        told = coverage.numbers(self.release, weak) if measured else []
        bodies, by_country, age = self._coverage_drawings() if measured else (None, None, None)
        held = tables["coverage_countries"].filter(pl.col("agencies") > 0)
        summary = (
            f"{bodies.figure.title}. The gaps count only what evidence shows; this page counts "
            "what is missing before any gap can be seen, and which rows are weak."
            if bodies
            else "What is missing before any gap can be seen, and which rows are weak."
        )
        return self._render(
            "coverage",
            "/coverage/",
            "Coverage: what the ledger does not hold",
            summary,
            measured=measured,
            numbers=told,
            bodies=bodies,
            by_country=by_country,
            age=age,
            countries=sorted(
                held.iter_rows(named=True),
                key=lambda r: (-r["agencies"], phrases.country_name(r["country"])),
            ),
            without=coverage.countries_without(tables["coverage_countries"]),
            oldest=coverage.oldest(tables["coverage_agencies"]),
            weaknesses=weak,
        )

    @lru_cache(maxsize=1)  # noqa: B019
    def _coverage_drawings(self) -> tuple[Drawing | None, Drawing | None, Drawing | None]:
        """Registered bodies, agencies by country, and the age of the newest documents."""
        countries = self.release.tables["coverage_countries"]
        agencies = self.release.tables["coverage_agencies"]
        as_of = self.release.as_of
        made = {
            "bodies": lambda: coverage_charts.registered_bodies(countries),
            "countries": lambda: coverage_charts.agencies_by_country(agencies, countries),
            "age": lambda: coverage_charts.newest_documents(agencies, as_of),
        }
        bodies, by_country, age = (self._draw(make, "coverage", key) for key, make in made.items())
        return bodies, by_country, age

    def _about(self) -> Page:
        return self._render(
            "about",
            "/about/",
            "About Facetally",
            "What Facetally is, where its data come from and how to cite it.",
            unknown=self._nothing_known(),
        )

    def _feed(self) -> Page:
        return Page(feed.atom(self.record, self.base_url), "application/atom+xml; charset=utf-8")

    def _sitemap(self) -> Page:
        pages = [a for a in self.addresses() if a.endswith("/")]
        return Page(feed.sitemap(self.base_url, pages), "application/xml")

    def _robots(self) -> Page:
        text = f"User-agent: *\nAllow: /\n\nSitemap: {self.base_url}/sitemap.xml\n"
        return Page(text.encode(), "text/plain; charset=utf-8")

    def _card(self, page: str) -> bytes:
        kind, _, name = page.strip("/").partition("/")
        if kind == "agencies":
            return self._agency_card(name)
        makers: dict[str, Callable[[], Drawing | None]] = {
            "": self._ladder,
            "gaps": self._gap_trend,
            "coverage": lambda: next(filter(None, self._coverage_drawings()), None),
            "countries": partial_of(self._country_drawing, name) if name else self._ranking,
            "systems": partial_of(self._system_drawing, name),
        }
        drawing = makers[kind]()
        title = "No disclosure gap stands open"
        if not kind:
            title = self._finding()
        elif drawing:
            title = drawing.figure.title
            if name:
                subject = self.record.system_name(name)
                if kind == "countries":
                    subject = phrases.country_name(name)
                title = f"{subject[0].upper()}{subject[1:]}. {title}"
        return cards.png(title, drawing, self.source_line)

    def _agency_card(self, agency_id: str) -> bytes:
        keys = self._series_of(agency_id)
        first = self._block(keys[0]) if keys else None
        gaps = [g for g in self.record.of("gaps", "agency_id", agency_id) if not g["closed_on"]]
        lead = self._lead(self.record.agencies[agency_id], [first] if first else [], gaps, [])
        drawing = (first.drawing if first else None) or self._timeline(agency_id)
        return cards.png(lead, drawing, self.source_line)


def _most(rows: list[Compared], metric: str) -> str:
    top = max(rows, key=lambda row: row.low)
    told = phrases.counted_interval(top.low, top.high, metric)
    return f"Most on record: {top.name}, {told}, {top.period}"


def _of_series(row: Row, key: SeriesKey) -> bool:
    return (row["agency_id"], row["system_id"], row["metric"]) == key


def web_address(url: str | None) -> bool:
    """Whether an address from the ledger may become a link: only http and https may."""
    return bool(url) and urlsplit(str(url)).scheme in {"http", "https"}


def _rungs(reports: list[Row]) -> dict[str, str]:
    """The rungs on which reports stand, in the order of the ladder."""
    shown = {rung(row["channel"], row["voice"]) for row in reports}
    return {name: words for name, words in RUNGS.items() if name in shown}


def _announced(values: dict[str, Any]) -> Drawing | None:
    """The chart that other sites show for a page: its own, else the first of its blocks'."""
    blocks = [block.drawing for block in values.get("blocks", [])]
    every = (v for v in (*values.values(), *blocks) if isinstance(v, Drawing))
    return next((drawing for drawing in every if drawing.chart), None)


def _json_for_script(value: dict[str, Any]) -> Markup:
    """JSON that can stand inside a script element whatever it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escaped)
    return Markup(text)
