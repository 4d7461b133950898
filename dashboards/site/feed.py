"""The Atom feed of new disclosures and gaps, and the sitemap."""

from __future__ import annotations

from datetime import UTC, date, datetime
from xml.sax.saxutils import escape, quoteattr

from feedgen.feed import FeedGenerator

from dashboards import phrases
from dashboards.site.record import Record, gap_words

_LONGEST = 60


def atom(record: Record, base_url: str) -> bytes:
    """The newest counts from dated sources and the newest gaps, latest first."""
    entries: list[tuple[date, str, str, str, str]] = []
    for row in record.reports.values():
        if record.is_dated(row):
            count = phrases.counted_interval(row["low"], row["high"], row["metric"])
            when = phrases.during(row["first_day"], row["last_day"])
            title = f"{record.agency_name(row['agency_id'])}: {count} {when}"
            source = record.sources[row["source_id"]]
            words = f"{record.channel(row)}. {source['publisher']}: {source['title']}"
            address = f"/agencies/{row['agency_id']}/#r-{row['report_id']}"
            entries.append((row["known_from"], f"report/{row['report_id']}", title, words, address))
    for gap in record.gaps:
        closed = gap["closed_on"]
        name = record.agency_name(gap["agency_id"])
        kind = phrases.GAP_WORDS[gap["kind"]]
        address = f"/agencies/{gap['agency_id']}/#g-{gap['gap_id']}"
        opened = f"{name}: a disclosure gap opened ({kind})"
        if not any(record.is_dated(record.reports[i]) for i in gap["report_ids"]):
            continue
        entries.append(
            (gap["opened_on"], f"gap/{gap['gap_id']}/opened", opened, gap_words(gap), address)
        )
        if closed:
            title = f"{name}: a disclosure gap closed ({kind})"
            entries.append((closed, f"gap/{gap['gap_id']}/closed", title, gap_words(gap), address))
    entries.sort(key=lambda e: (e[0], e[1]), reverse=True)
    made = FeedGenerator()
    made.id(f"{base_url}/")
    made.title("Facetally: new disclosures and gaps")
    made.subtitle("Facial-recognition searches: counts that became public, and what is missing")
    made.link(href=f"{base_url}/feed.xml", rel="self")
    made.link(href=f"{base_url}/", rel="alternate")
    made.author(name="Facetally")
    made.language("en-GB")
    newest = entries[0][0] if entries else record.release.as_of
    made.updated(_instant(newest))
    for day, name, title, words, address in entries[:_LONGEST]:
        entry = made.add_entry(order="append")
        entry.id(f"tag:facetally,2026:{name}")
        entry.title(title)
        entry.link(href=base_url + address)
        entry.summary(words)
        entry.updated(_instant(day))
        entry.published(_instant(day))
    return bytes(made.atom_str(pretty=False))


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def sitemap(base_url: str, pages: list[str]) -> bytes:
    """All pages for search engines."""
    rows = "".join(f"<url><loc>{escape(base_url + page)}</loc></url>" for page in pages)
    namespace = quoteattr("http://www.sitemaps.org/schemas/sitemap/0.9")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns={namespace}>{rows}</urlset>'.encode()
    )
