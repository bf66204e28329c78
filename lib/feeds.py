"""Feeds and the sitemap as text, from plain values: RSS 2.0, Atom, JSON Feed 1.1, sitemap.xml.

All addresses handed in are absolute, those inside of an entry's HTML too. Everything is escaped here, and characters
that XML cannot carry are left out, so that no text can break a feed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from lib.clock import iso
from lib.json import dumps

MAX_SITEMAP = 50_000
_XML = '<?xml version="1.0" encoding="utf-8"?>\n'
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A post or a comment in a feed; `url` is what a post points to elsewhere, if it does."""

    title: str
    address: str
    published: datetime
    updated: datetime
    html: str
    author: str = ""
    summary: str = ""
    categories: tuple[str, ...] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: `address` is the page it is about, `feed_address` its own."""

    title: str
    address: str
    feed_address: str
    description: str
    language: str
    author: str
    entries: tuple[Entry, ...] = ()

    @property
    def updated(self) -> datetime:
        """The newest change of any entry: the same for the same entries, as ETags want it."""
        return max((entry.updated for entry in self.entries), default=datetime(1970, 1, 1, tzinfo=UTC))


def rss(feed: Feed) -> str:
    items = "".join(f"<item>{''.join(_rss_item(entry))}</item>\n" for entry in feed.entries)
    head = (
        _tag("title", feed.title),
        _tag("link", feed.address),
        _tag("description", feed.description),
        _tag("language", feed.language),
        _tag("lastBuildDate", _rfc822(feed.updated)),
        _tag("atom:link", href=feed.feed_address, rel="self", type="application/rss+xml"),
    )
    namespaces = 'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return f'{_XML}<rss version="2.0" {namespaces}><channel>{"".join(head)}\n{items}</channel></rss>\n'


def atom(feed: Feed) -> str:
    entries = "".join(f"<entry>{''.join(_atom_entry(entry))}</entry>\n" for entry in feed.entries)
    head = (
        _tag("title", feed.title),
        _tag("subtitle", feed.description) if feed.description else "",
        _tag("id", feed.feed_address),
        _tag("link", href=feed.address, rel="alternate", type="text/html"),
        _tag("link", href=feed.feed_address, rel="self", type="application/atom+xml"),
        _tag("updated", iso(feed.updated)),
        f"<author>{_tag('name', feed.author or feed.title)}</author>",
    )
    language = _attributes({"xml:lang": feed.language})
    return f'{_XML}<feed xmlns="http://www.w3.org/2005/Atom"{language}>{"".join(head)}\n{entries}</feed>\n'


def json_feed(feed: Feed) -> str:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.address,
        "feed_url": feed.feed_address,
        "description": feed.description,
        "language": feed.language,
        "authors": _authors(feed.author),
        "items": [_json_item(entry) for entry in feed.entries],
    }
    return dumps(_filled(document)).encode("utf-8", "replace").decode()


def sitemap(pages: Iterable[tuple[str, datetime | None]]) -> str:
    """Addresses with their last change, as many of them as one file may have."""
    urls = [
        f"<url>{_tag('loc', address)}{_tag('lastmod', iso(changed)) if changed else ''}</url>\n"
        for (address, changed), _ in zip(pages, range(MAX_SITEMAP), strict=False)
    ]
    return f'{_XML}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{"".join(urls)}</urlset>\n'


def _rss_item(entry: Entry) -> Iterator[str]:
    yield _tag("title", entry.title)
    yield _tag("link", entry.address)
    yield _tag("guid", entry.address, isPermaLink="true")
    yield _tag("pubDate", _rfc822(entry.published))
    if entry.author:
        yield _tag("dc:creator", entry.author)
    for category in entry.categories:
        yield _tag("category", category)
    yield _tag("description", entry.html)


def _atom_entry(entry: Entry) -> Iterator[str]:
    yield _tag("title", entry.title)
    yield _tag("id", entry.address)
    yield _tag("link", href=entry.address, rel="alternate", type="text/html")
    if entry.url:
        yield _tag("link", href=entry.url, rel="related")
    yield _tag("published", iso(entry.published))
    yield _tag("updated", iso(entry.updated))
    if entry.author:
        yield f"<author>{_tag('name', entry.author)}</author>"
    for category in entry.categories:
        yield _tag("category", term=category)
    if entry.summary:
        yield _tag("summary", entry.summary)
    yield _tag("content", entry.html, type="html")


def _json_item(entry: Entry) -> dict[str, object]:
    return _filled(
        {
            "id": entry.address,
            "url": entry.address,
            "external_url": entry.url,
            "title": entry.title,
            "summary": entry.summary,
            "content_html": entry.html or " ",
            "date_published": iso(entry.published),
            "date_modified": iso(entry.updated),
            "authors": _authors(entry.author),
            "tags": list(entry.categories),
        }
    )


def _authors(name: str) -> list[dict[str, str]]:
    return [{"name": name}] if name else []


def _filled(document: Mapping[str, object]) -> dict[str, object]:
    """Without what is empty, but for the list of entries, which every feed has."""
    return {key: value for key, value in document.items() if value or key == "items"}


def _tag(tag: str, text: str = "", **attributes: str) -> str:
    return f"<{tag}{_attributes(attributes)}>{_speakable(text)}</{tag}>"


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{_speakable(value)}"' for name, value in attributes.items())


def _speakable(text: str) -> str:
    return escape(_UNSPEAKABLE.sub("", text), {'"': "&quot;"})


def _rfc822(date: datetime) -> str:
    return format_datetime(date.astimezone(UTC))
