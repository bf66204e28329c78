"""Feeds and the sitemap as text, from plain values: RSS 2.0, Atom, JSON Feed 1.1, sitemap.xml.

All addresses handed in are absolute, those inside of an entry's HTML too. ElementTree escapes everything; characters
that XML cannot carry are left out here, so that no text can break a feed. Names carry the usual prefixes (`dc:creator`)
as they are: ElementTree would make up prefixes, or keep them in a registry that is the same for the whole process.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import islice
from xml.etree.ElementTree import Element, SubElement, tostring

from lib.clock import iso
from lib.json import dumps

MAX_SITEMAP = 50_000
_XML = '<?xml version="1.0" encoding="utf-8"?>\n'
_ATOM = "http://www.w3.org/2005/Atom"
_DC = "http://purl.org/dc/elements/1.1/"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
    root = Element("rss", {"version": "2.0", "xmlns:atom": _ATOM, "xmlns:dc": _DC})
    channel = _add(root, "channel")
    _add(channel, "title", feed.title)
    _add(channel, "link", feed.address)
    _add(channel, "description", feed.description)
    _add(channel, "language", feed.language)
    _add(channel, "lastBuildDate", _rfc822(feed.updated))
    _add(channel, "atom:link", href=feed.feed_address, rel="self", type="application/rss+xml")
    for entry in feed.entries:
        _rss_item(_add(channel, "item"), entry)
    return _written(root)


def atom(feed: Feed) -> str:
    root = Element("feed", {"xmlns": _ATOM, "xml:lang": _legible(feed.language)})
    _add(root, "title", feed.title)
    if feed.description:
        _add(root, "subtitle", feed.description)
    _add(root, "id", feed.feed_address)
    _add(root, "link", href=feed.address, rel="alternate", type="text/html")
    _add(root, "link", href=feed.feed_address, rel="self", type="application/atom+xml")
    _add(root, "updated", iso(feed.updated))
    _add(_add(root, "author"), "name", feed.author or feed.title)
    for entry in feed.entries:
        _atom_entry(_add(root, "entry"), entry)
    return _written(root)


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
    root = Element("urlset", {"xmlns": _SITEMAP})
    for address, changed in islice(pages, MAX_SITEMAP):
        url = _add(root, "url")
        _add(url, "loc", address)
        if changed:
            _add(url, "lastmod", iso(changed))
    return _written(root)


def _rss_item(item: Element, entry: Entry) -> None:
    _add(item, "title", entry.title)
    _add(item, "link", entry.address)
    _add(item, "guid", entry.address, isPermaLink="true")
    _add(item, "pubDate", _rfc822(entry.published))
    if entry.author:
        _add(item, "dc:creator", entry.author)
    for category in entry.categories:
        _add(item, "category", category)
    _add(item, "description", entry.html)


def _atom_entry(element: Element, entry: Entry) -> None:
    _add(element, "title", entry.title)
    _add(element, "id", entry.address)
    _add(element, "link", href=entry.address, rel="alternate", type="text/html")
    if entry.url:
        _add(element, "link", href=entry.url, rel="related")
    _add(element, "published", iso(entry.published))
    _add(element, "updated", iso(entry.updated))
    if entry.author:
        _add(_add(element, "author"), "name", entry.author)
    for category in entry.categories:
        _add(element, "category", term=category)
    if entry.summary:
        _add(element, "summary", entry.summary)
    _add(element, "content", entry.html, type="html")


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


def _add(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    element = SubElement(parent, tag, {name: _legible(value) for name, value in attributes.items()})
    element.text = _legible(text)
    return element


def _legible(text: str) -> str:
    return _FORBIDDEN.sub("", text)


def _written(root: Element) -> str:
    return f"{_XML}{tostring(root, encoding='unicode')}\n"


def _rfc822(date: datetime) -> str:
    return format_datetime(date.astimezone(UTC))
