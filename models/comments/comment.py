"""The comment itself, frozen and pure: its steps, who may see it, and what follows from a change of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from lib.channels import Event
from lib.documents import Document
from lib.markup import comment_text_html, imported_comment_text_html
from lib.networks import network_of
from lib.tokens import digest
from lib.untold import Consequence
from models.outbox import EnsureAccount, InvalidatePages, PublishEvents
from models.pages import ARCHIVE
from models.posts import Post, channel_of_thread, tag_of_post

LONGEST_TEXT = 10_000
LONGEST_NAME = 100
EDITABLE = timedelta(minutes=15)
STAFF_CHANNEL = "staff"


class Status(StrEnum):
    """`GONE`: removed by its author or by staff; nothing of what was written is left."""

    HELD = "held"
    PUBLISHED = "published"
    SPAM = "spam"
    GONE = "gone"


class Counts(NamedTuple):
    """How a thread stands after change `n`: how many comments are published, and how many roots ever were."""

    n: int = 0
    comments: int = 0
    roots: int = 0

    @classmethod
    def of(cls, post: Post) -> "Counts":
        """As they were stored with the post when it was read."""
        return cls(post.n, post.comment_count, post.root_count)


@dataclass(frozen=True)
class Author:
    """Who writes, as far as the rules care. `had_id` is false for a visitor who is only now given a cookie."""

    id: str
    address: str = ""
    agent: str = ""
    is_staff: bool = False
    had_id: bool = True

    @cached_property
    def network(self) -> str:
        return network_of(self.address)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What rate limits know this visitor by: also by network and browser, until the cookie comes back."""
        return (self.id,) if self.had_id else (digest(self.network, self.agent), self.id)


@dataclass(frozen=True)
class Comment:
    """One comment. `n` numbers its newest change among all changes of its thread; `place` is its first `n` and never
    changes.

    `counts` are its thread's after that change: each change makes them from those of the one before. `address` is the
    network address it was written from. Comments for pages are read without their text and all that is not public.
    """

    id: str
    post: str
    author: str
    html: str
    created: datetime
    text: str = ""
    parent: str | None = None
    root: str = ""
    depth: int = 0
    name: str = ""
    email: str = ""
    status: Status = Status.HELD
    check: str = ""
    n: int | None = None
    place: int | None = None
    counts: Counts | None = None
    edited: datetime | None = None
    removed_by: str | None = None
    address: str = ""
    agent: str = ""
    revision: int = 0
    format: str = "text"
    origin: Document | None = None

    @property
    def anchor(self) -> str:
        return f"c{self.id}"

    @property
    def channel(self) -> str:
        return channel_of_thread(self.post)

    @property
    def tag(self) -> str:
        """The page tag of pages that show its post or the count of its comments."""
        return tag_of_post(self.post)

    @property
    def is_published(self) -> bool:
        return self.status == Status.PUBLISHED

    @property
    def is_numbered(self) -> bool:
        """Whether it was ever published."""
        return self.n is not None

    @property
    def is_gone(self) -> bool:
        """Whether it was published and is not any more: removed, held again, or marked as spam."""
        return self.is_numbered and not self.is_published

    @property
    def is_root(self) -> bool:
        return self.parent is None

    @property
    def edit_until(self) -> datetime:
        return self.created + EDITABLE

    def may_be_edited(self, at: datetime) -> bool:
        """Whether its author may still change or remove it."""
        return at <= self.edit_until and self.status in (Status.HELD, Status.PUBLISHED)

    def may_be_seen_as_own_by(self, author: Author) -> bool:
        """Whether a visitor who has just sent this text may see the comment as its author does: hardly anybody else can
        have repeated a text that nobody else has ever seen.
        """
        return self.author == author.id or (self.status == Status.HELD and not self.is_numbered)

    def may_be_answered_by(self, author: Author) -> bool:
        """Whether it is public, or the author's own that waits for approval."""
        return self.is_published or (self.status == Status.HELD and self.author == author.id)

    def under(self, parent: "Comment | None") -> "Comment":
        """This comment as a reply to another one, or as a root."""
        if parent is None:
            return replace(self, parent=None, root=self.id, depth=0)
        return replace(self, parent=parent.id, root=parent.root, depth=parent.depth + 1)

    def rewritten(self, text: str, own_host: str, at: datetime) -> "Comment":
        """The comment with another text; what was removed stays empty."""
        if self.status == Status.GONE:
            return self
        return replace(self, text=text, html=html_of(text, self.format, own_host), edited=at)

    def judged(self, status: Status, check: str) -> "Comment":
        """The comment after a check or staff decided on it; what was removed stays removed."""
        return self if self.status in (Status.GONE, status) else replace(self, status=status, check=check)

    def removed(self, by: str) -> "Comment":
        """Its place in the thread, without anything that was written."""
        if self.status == Status.GONE:
            return self
        return replace(
            self, status=Status.GONE, removed_by=by, text="", html="", name="", email="", agent="", address=""
        )

    def numbered(self, before: "Comment | None", counts: Counts) -> "Comment":
        """The comment as the next change of a thread with these counts. `before` is the comment before the change, if
        there was one.
        """
        n = counts.n + 1
        was_published = before is not None and before.is_published
        comments = counts.comments + self.is_published - was_published
        roots = counts.roots + (self.is_root and not self.is_numbered)
        return replace(self, n=n, place=self.place or n, counts=Counts(n, comments, roots))

    @classmethod
    def all_numbered(cls, comments: Iterable["Comment"], counts: Counts) -> Iterator["Comment"]:
        """New comments of a thread with these counts, numbered one after another; unpublished ones get no number."""
        for comment in comments:
            new = comment.numbered(None, counts) if comment.is_published else comment
            counts = new.counts or counts
            yield new


def html_of(text: str, format: str, own_host: str) -> str:
    """A comment's text as HTML. `format` is `text` as people type it, or `html` as it was imported."""
    return (imported_comment_text_html if format == "html" else comment_text_html)(text, own_host)


def words_of(text: str) -> str:
    """A digest that is the same for the same words, in any case and spacing: finds reposted texts."""
    return digest(" ".join(text.casefold().split()))


def consequences(comment: Comment, shown: dict[str, Any] | None) -> list[Consequence]:
    """What follows from a change. `shown` is the comment as pages and events show it; None if it was never published.

    Staff get a hint without any text: their page asks the admin process for the row, where sign-in is checked again.
    """
    change = (comment.id, comment.revision)
    hint = Event(STAFF_CHANNEL, 0, {"comment": {"id": comment.id, "status": comment.status, "post": comment.post}})
    tags: tuple[str, ...] = ()
    events: tuple[Event, ...] = (hint,)
    if shown is not None:
        tags = (comment.tag, ARCHIVE)
        events = (hint, Event(comment.channel, comment.n or 0, {"comment": shown}))
    return [
        EnsureAccount(*change, comment.author),
        InvalidatePages(*change, tags),
        PublishEvents(*change, events),
    ]


def consequences_of_import(comment: Comment) -> list[Consequence]:
    """The same kinds for an imported comment, without events."""
    change = (comment.id, comment.revision)
    pages = InvalidatePages(*change, (comment.tag, ARCHIVE))
    return [EnsureAccount(*change, comment.author), pages, PublishEvents(*change, ())]
