"""Reads a WXR file one item at a time: a file of any size needs the memory of its largest post.

Silently skipped is what WordPress deleted or uses internally: trash, automatic drafts, attachments, menus, pingbacks.
All else that cannot be used is yielded as Unusable. Of a broken file, everything before the error is yielded.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from importing.wordpress.items import item_of
from lib.items import Item, Unreadable, Unusable

_NAMESPACE = re.compile(r"\{[^}]*/(export|excerpt|content)/[^}]*\}")
_PREFIXES = {"export": "wp:", "excerpt": "excerpt:", "content": "content:"}
_FORBIDDEN = bytes({*range(32)} - {9, 10, 13})
# Depth of <rss><channel>, counted from the parser's events, because the tree is ahead of them.
CHANNEL = 2
_ADDRESSES = ("wp:base_blog_url", "wp:base_site_url", "link")
_HEAD = 64 * 1024  # bytes that contain the whole start tag of an export's root element
_NO_EXPORT = (ParseError, DefusedXmlException, ValueError, LookupError)  # LookupError: an encoding that Python lacks


def is_for(path: Path) -> bool:
    """Whether this is XML whose root is RSS and declares the namespace of WordPress's exports."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = BytesIO(file.read(_HEAD).lstrip())  # an empty first line, which XML forbids, is reported by `read`
    namespaces: list[str] = []
    try:
        for event, found in iterparse(_Legible(head), events=("start-ns", "start"), forbid_dtd=True):
            if event == "start":
                return found.tag == "rss" and any("/wordpress.org/export/" in uri for uri in namespaces)
            namespaces.append(found[1])
    except _NO_EXPORT:
        pass
    return False


def read(path: Path) -> Iterator[Item | Unusable]:
    """Yields the posts and pages of an export in its order, each followed by its unusable comments."""
    try:
        yield from _read(path)
    except ParseError as problem:
        yield Unusable(str(path), problem.position[0], "", f"the file is broken here: {problem}")
    except (DefusedXmlException, ValueError, LookupError) as problem:
        yield Unusable(str(path), None, "", f"the file is no XML that WordPress exports: {problem}")
    except OSError as problem:
        yield Unusable(str(path), None, "", f"cannot be read: {problem.strerror}")


def _read(path: Path) -> Iterator[Item | Unusable]:
    channel = Element("channel")
    site: dict[str, str] = {}
    slugs: set[str] = set()
    depth = 0
    for event, element in _events(path):
        element.tag = _short(element.tag)
        depth += 1 if event == "start" else -1
        if event == "start":
            channel = element if depth == CHANNEL else channel
        elif depth == CHANNEL and element.tag == "item":
            yield from _item(element, str(path), _host(site), slugs)
            channel.clear()
        elif depth == CHANNEL:
            site.setdefault(element.tag, element.text or "")
    if "wp:wxr_version" not in site:
        yield Unusable(str(path), None, "", "this is no export of WordPress: it has no wxr_version")


class _Legible:
    """Filters out control characters, which WordPress exports but XML forbids.

    Old versions of expat scan an unfinished comment or tag from its start again with each read, which takes quadratic
    time. So each read is as large as all since the last event: https://github.com/libexpat/libexpat/pull/789
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.since_event = 0  # bytes

    def read(self, size: int = -1, /) -> bytes:
        while content := self.file.read(max(size, self.since_event)):
            self.since_event += len(content)
            if legible := content.translate(None, _FORBIDDEN):
                return legible
        return b""


def _events(path: Path) -> Iterator[tuple[str, Element]]:
    with path.open("rb") as file:
        legible = _Legible(file)
        for found in iterparse(legible, events=("start", "end"), forbid_dtd=True):
            legible.since_event = 0
            yield found


def _item(element: Element, file: str, host: str, slugs: set[str]) -> Iterator[Item | Unusable]:
    try:
        item, unusable = item_of(element, host, slugs)
    except Unreadable as problem:
        title = element.findtext("title") or f"item {element.findtext('wp:post_id') or 'without id'}"
        yield Unusable(file, None, title, problem.reason)
        return
    if item:
        yield item
        yield from (Unusable(file, None, name, reason) for name, reason in unusable)


def _short(tag: str) -> str:
    """Returns a tag as WXR spells it (`wp:post_id`), for any version of its namespace; other tags without namespace."""
    found = _NAMESPACE.match(tag)
    return f"{_PREFIXES[found[1]]}{tag[found.end() :]}" if found else tag.rpartition("}")[2]


def _host(site: dict[str, str]) -> str:
    """Returns the blog's host and path: blogs of a network share the host, and each numbers its posts from 1."""
    address = next((site[name] for name in _ADDRESSES if site.get(name)), "")
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    return f"{parts.netloc.lower()}{parts.path.rstrip('/')}"
