"""Converts one `<item>` of a WXR file to an Item, and its `<wp:comment>`s to CommentItems."""

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree.ElementTree import Element

from importing.wordpress.bodies import body_html, paragraphs
from lib.items import CommentItem, Item, Unreadable, distinct, in_utc, slug_of
from lib.markup.addresses import is_remote
from lib.text import unescaped

KINDS = ("post", "page")
LEFT_OUT = ("trash", "auto-draft", "inherit")
PUBLISHED = ("publish", "future")
COMMENT_STATES = {"1": "published", "approved": "published", "0": "held", "hold": "held", "spam": "spam"}
PINGS = ("pingback", "trackback")
_TAG = re.compile(r"<[^<>]*>")


def item_of(element: Element, host: str, slugs: set[str]) -> tuple[Item | None, list[tuple[str, str]]]:
    """Returns the post of an element, None if it is to be skipped; and its unusable comments with the reasons.

    `slugs` are those used so far. A page may have the slug of a post: its number is then appended. Raises Unreadable.
    """
    if _text(element, "wp:post_type") not in KINDS or _text(element, "wp:status") in LEFT_OUT:
        return None, []
    number = _text(element, "wp:post_id")
    if not number.isascii() or not number.isdigit():
        raise Unreadable("has no post_id")
    date = _date(element, "wp:post_date")
    title = _words(_text(element, "title")) or f"Untitled {number}"
    slug = _slug(element, title, number, slugs)
    comments, unusable = _comments(element, title)
    is_open = _text(element, "wp:status") in PUBLISHED and not _text(element, "wp:post_password")
    item = Item(
        kind="post",
        origin_kind="wordpress",
        origin_host=host,
        origin_id=number,
        title=title,
        slug=slug,
        text=body_html(element.findtext("content:encoded") or ""),
        format="html",
        summary=_words(_text(element, "excerpt:encoded")),
        url=None,
        date=date,
        categories=_names(element, "category"),
        keywords=_names(element, "post_tag", "tag"),
        is_draft=not is_open,
        addresses=_addresses(element),
        comments=tuple(comments),
        is_page=_text(element, "wp:post_type") == "page",
        has_closed_comments=_text(element, "wp:comment_status") == "closed",
    )
    return item, unusable


def _comments(element: Element, title: str) -> tuple[list[CommentItem], list[tuple[str, str]]]:
    comments: list[CommentItem] = []
    unusable: list[tuple[str, str]] = []
    for part in element.findall("wp:comment"):
        state = COMMENT_STATES.get(_text(part, "wp:comment_approved"))
        if state is None or _text(part, "wp:comment_type") in PINGS:
            continue
        try:
            comments.append(_comment(part, state))
        except Unreadable as problem:
            unusable.append((f"comment {_text(part, 'wp:comment_id')} on {title}", problem.reason))
    return comments, unusable


def _comment(element: Element, state: str) -> CommentItem:
    number, parent = _text(element, "wp:comment_id"), _text(element, "wp:comment_parent")
    text = paragraphs(_text(element, "wp:comment_content"))
    if not number or not text:
        raise Unreadable("has no text" if number else "has no comment_id")
    return CommentItem(
        id=number,
        parent=parent if parent not in ("", "0") else None,
        name=_words(_text(element, "wp:comment_author")),
        email=_text(element, "wp:comment_author_email"),
        url=_url(element, "wp:comment_author_url"),
        text=text,
        date=_date(element, "wp:comment_date"),
        status=state,
        network=_text(element, "wp:comment_author_IP") or None,
    )


def _date(element: Element, name: str) -> datetime:
    """Returns a date in UTC. A draft has no date in UTC: its local date is used instead."""
    for value in (_text(element, f"{name}_gmt"), _text(element, name)):
        try:
            return in_utc(datetime.strptime(value, "%Y-%m-%d %H:%M:%S"))
        except ValueError:
            continue
    raise Unreadable("has no usable date")


def _slug(element: Element, title: str, number: str, slugs: set[str]) -> str:
    slug = slug_of(unquote(_text(element, "wp:post_name"))) or slug_of(title) or f"post-{number}"
    if slug.casefold() in slugs:
        slug = f"{slug}-{number}"
    slugs.add(slug.casefold())
    return slug


def _names(element: Element, *domains: str) -> tuple[str, ...]:
    parts = (part for part in element.findall("category") if part.get("domain") in domains)
    return distinct([_words(part.text or "") for part in parts])


def _addresses(element: Element) -> tuple[str, ...]:
    return distinct([*_link_path(_text(element, "link")), *_number_path(_text(element, "guid"))])


def _link_path(link: str) -> Iterator[str]:
    try:
        parts = urlsplit(link)
    except ValueError:
        return
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if path.startswith("/") and path != "/":
        yield path


def _number_path(guid: str) -> Iterator[str]:
    """Yields the path of a guid if WordPress answers it: `…/?p=12` or `…/?page_id=12`. A guid may be anything."""
    for path in _link_path(guid):
        query = parse_qs(path.partition("?")[2])
        if "p" in query or "page_id" in query:
            yield path


def _url(element: Element, name: str) -> str | None:
    """Returns the address of another site; None for anything else that people typed there."""
    url = _text(element, name)
    return url if is_remote(url) else None


def _text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _words(text: str) -> str:
    """Returns a title, name or excerpt, which may contain HTML, as text on one line."""
    return " ".join(unescaped(_TAG.sub("", text)).split())
