"""The post itself: frozen and pure. A post is seen once its date has come, unless it is a draft or archived."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log10
from typing import NamedTuple
from urllib.parse import quote, unquote

from lib.clock import iso
from lib.markup import plain, post_html
from lib.mongo import Document
from lib.tokens import digest
from models.categories import SAFE, Category
from models.errors import Invalid

LONGEST_TITLE = 200
LONGEST_TEXT = 1_000_000
MOST_RELATED = 4


class Counts(NamedTuple):
    """How a thread stands since change `n`: so many comments are published, so many roots ever were."""

    n: int = 0
    comments: int = 0
    roots: int = 0


@dataclass(frozen=True)
class Post:
    """One post. In lists the texts are empty; `categories` are whole things, in the order they were given.

    `description` is what search engines and link previews show: the summary, else how the text begins.
    `comment_count` and `root_count` are those since change `n` of its comments.
    """

    id: str
    slug: str
    title: str
    published: datetime
    edited: datetime
    text: str = ""
    format: str = "markdown"
    html: str = ""
    opening: str | None = None
    summary: str = ""
    description: str = ""
    url: str | None = None
    categories: tuple[Category, ...] = ()
    keywords: tuple[str, ...] = ()
    has_closed_comments: bool = False
    has_hidden_comments: bool = False
    is_archived: bool = False
    is_draft: bool = False
    comment_count: int = 0
    root_count: int = 0
    n: int = 0
    popularity: float = 0.0
    addresses: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return f"/plog/{quote(self.slug, safe=SAFE)}"

    @property
    def channel(self) -> str:
        return f"comments:{self.id}"

    @property
    def tag(self) -> str:
        """Of the pages that show this post: its own, and lists with its date, categories and count of comments."""
        return tag_of_post(self.id)

    @property
    def title_tag(self) -> str:
        """Of the pages that only name it: those of its neighbours and relatives."""
        return f"title:{self.id}"

    @property
    def changed(self) -> datetime:
        """When readers last had something new in it."""
        return max(self.edited, self.published)

    @property
    def counts(self) -> Counts:
        """How its thread stood when this was read."""
        return Counts(self.n, self.comment_count, self.root_count)

    @property
    def takes_comments(self) -> bool:
        return not (self.has_closed_comments or self.has_hidden_comments)

    def is_visible(self, at: datetime) -> bool:
        return self.published <= at and not self.is_archived and not self.is_draft

    def age(self, at: datetime) -> int:
        """Whole years since it was published."""
        birthday_comes = (at.month, at.day) < (self.published.month, self.published.day)
        return at.year - self.published.year - birthday_comes

    @property
    def content_digest(self) -> str:
        """What tells whether somebody has edited it since: a digest of all that an author writes."""
        filed = ",".join(sorted(category.id for category in self.categories))
        words = (self.title, self.slug, self.text, self.format, self.summary, self.url or "", iso(self.published))
        return digest(*words, filed, ",".join(self.keywords), str(self.is_draft))

    @classmethod
    def from_document(cls, document: Document, categories: dict[str, Category]) -> "Post":
        given: Document = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        known = tuple(categories[id] for id in document["categories"] if id in categories)
        given |= {name: tuple(given[name]) for name in ("keywords", "addresses") if name in given}
        return cls(**{**given, "id": document["_id"], "categories": known})

    def to_document(self) -> Document:
        document = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "id"}
        listed = {name: list(getattr(self, name)) for name in ("keywords", "addresses")}
        categories = [category.id for category in self.categories]
        is_listed = not self.is_draft and not self.is_archived
        keys = {"slug_key": self.slug.casefold(), "is_listed": is_listed}
        keys |= {"address_keys": sorted({address_key(address) for address in self.addresses})}
        return {**document, **listed, **keys, "_id": self.id, "categories": categories}


def address_key(address: str) -> str:
    """An address as it is looked for: decoded, in any case, without empty parts or a final slash; its query as it is."""
    path, mark, query = address.partition("?")
    words = [word for word in unquote(path).casefold().split("/") if word]
    return f"/{'/'.join(words)}{mark}{query}"


def popularity(reads: int, age: timedelta) -> float:
    """log10(1 + reads per day): ten times the readers are one more. A day that has begun counts as one."""
    return log10(1 + reads / max(1.0, age / timedelta(days=1)))


def tag_of_post(id: str) -> str:
    return f"post:{id}"


def rendered(post: Post) -> Post:
    """The post with its HTML made anew from its text. Invalid where there is no title, or far too much text."""
    problems = {}
    if not 0 < len(post.title.strip()) <= LONGEST_TITLE:
        problems["title"] = f"A title has 1 to {LONGEST_TITLE} characters."
    if len(post.text) > LONGEST_TEXT:
        problems["text"] = f"A post has at most {LONGEST_TEXT:,} characters."
    if not post.slug or "/" in post.slug:
        problems["slug"] = "A slug is a word for the address, without a slash."
    if problems:
        raise Invalid(problems)
    html = post_html(post.text, post.format)
    return replace(post, html=html.html, opening=html.opening, description=post.summary or plain(html.html, 200))


def ranked(post: Post, others: Iterable[Post]) -> list[Post]:
    """Those most related to a post: by shared categories, then shared keywords, then popularity, then date."""
    categories, keywords = set(post.categories), set(post.keywords)

    def kinship(other: Post) -> tuple[int, int, float, datetime]:
        shared = len(categories.intersection(other.categories)), len(keywords.intersection(other.keywords))
        return *shared, other.popularity, other.published

    return sorted(others, key=kinship, reverse=True)[:MOST_RELATED]
