"""The post itself: frozen and pure. A post is seen once its date has come, unless it is a draft or archived."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log10
from urllib.parse import quote, unquote

from lib.clock import iso
from lib.ids import is_id
from lib.markup import TooNested, plain, post_html
from lib.tokens import digest
from models.categories import SAFE, Category, tag_of_category
from models.errors import Invalid
from models.outbox import InvalidatePages
from models.pages import ARCHIVE, FEEDS, HOME, SITEMAP

LONGEST_TITLE = 500
LONGEST_TEXT = 1_000_000
MOST_RELATED = 4


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
    revision: int = 0

    @property
    def path(self) -> str:
        return f"/plog/{quote(self.slug, safe=SAFE)}"

    @property
    def channel(self) -> str:
        """The live channel of its comments."""
        return channel_of_thread(self.id)

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


def channel_of_thread(post_id: str) -> str:
    return f"comments:{post_id}"


def find_post_of_channel(channel: str) -> str | None:
    """The id of the post whose comments this channel is about; None for any other channel."""
    word, _, id = channel.partition(":")
    return id if word == "comments" and is_id(id) else None


def consequences(post: Post, categories: Iterable[str], neighbours: Iterable[Post]) -> tuple[InvalidatePages]:
    """What follows from a change of a post that is in these categories, or was until then (ids), between these
    neighbours.
    """
    own = (post.tag, post.title_tag, HOME, ARCHIVE, FEEDS, SITEMAP)
    others = (*(other.tag for other in neighbours), *map(tag_of_category, categories))
    return (InvalidatePages(post.id, post.revision, (*own, *others)),)


def rendered(post: Post) -> Post:
    """The post with its HTML made anew from its text. Invalid where there is no title, or a text that nobody can show."""
    problems = {}
    if not 0 < len(post.title.strip()) <= LONGEST_TITLE:
        problems["title"] = f"A title has 1 to {LONGEST_TITLE} characters."
    if len(post.text) > LONGEST_TEXT:
        problems["text"] = f"A post has at most {LONGEST_TEXT:,} characters."
    if not post.slug or "/" in post.slug:
        problems["slug"] = "A slug is a word for the address, without a slash."
    if problems:
        raise Invalid(problems)
    try:
        html = post_html(post.text, post.format)
    except TooNested as error:
        raise Invalid({"text": f"The text cannot be shown: {error}."}) from error
    return replace(post, html=html.html, opening=html.opening, description=post.summary or plain(html.html, 200))


def ranked(post: Post, others: Iterable[Post]) -> list[Post]:
    """Those most related to a post: by shared categories, then shared keywords, then popularity, then date."""
    categories, keywords = set(post.categories), set(post.keywords)

    def kinship(other: Post) -> tuple[int, int, float, datetime]:
        shared = len(categories.intersection(other.categories)), len(keywords.intersection(other.keywords))
        return *shared, other.popularity, other.published

    return sorted(others, key=kinship, reverse=True)[:MOST_RELATED]
