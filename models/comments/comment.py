"""The comment itself: frozen and pure. What may happen to it, and to whom it is shown, without a server in sight."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lib.markup import comment_html, imported_comment_html
from lib.mongo import Document
from lib.tokens import digest
from models.posts import Counts, tag_of_post

LONGEST_TEXT = 10_000
LONGEST_NAME = 100
EDITABLE = timedelta(minutes=15)
NUMBER = ("id", "n", "place", "counts")  # stored under another name, or only by the write that takes a number


@dataclass(frozen=True)
class Comment:
    """One comment. `n` numbers its newest change among all of its post; `place` is its first `n` and never changes.

    `counts` are its post's since that change: each has them from the one before, so nobody has to count.

    What pages show was read without its text and all that is nobody else's business.
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
    status: str = "held"
    check: str = ""
    n: int | None = None
    place: int | None = None
    counts: Counts | None = None
    edited: datetime | None = None
    removed_by: str | None = None
    network: str = ""
    agent: str = ""
    revision: int = 0
    format: str = "text"
    origin: Document | None = None

    @property
    def anchor(self) -> str:
        return f"c{self.id}"

    @property
    def channel(self) -> str:
        """Where changes of its thread are told."""
        return f"comments:{self.post}"

    @property
    def tag(self) -> str:
        """Of the pages that show its post, or how many comments that has."""
        return tag_of_post(self.post)

    @property
    def is_published(self) -> bool:
        return self.status == "published"

    @property
    def is_numbered(self) -> bool:
        """Whether the world has ever seen it."""
        return self.n is not None

    @property
    def is_gone(self) -> bool:
        """Whether the world saw it once and no more: removed, held again, or found to be spam."""
        return self.is_numbered and not self.is_published

    @property
    def is_root(self) -> bool:
        return self.parent is None

    @property
    def edit_until(self) -> datetime:
        return self.created + EDITABLE

    def may_be_edited(self, at: datetime) -> bool:
        """Whether its author may still change or remove it."""
        return at <= self.edit_until and self.status in ("held", "published")

    def under(self, parent: "Comment | None") -> "Comment":
        """This comment, hung on another one or made a root."""
        if parent is None:
            return replace(self, parent=None, root=self.id, depth=0)
        return replace(self, parent=parent.id, root=parent.root, depth=parent.depth + 1)

    def rewritten(self, text: str, own_host: str, at: datetime) -> "Comment":
        """The comment with another text; what was removed stays empty."""
        if self.status == "gone":
            return self
        return replace(self, text=text, html=html_of(text, self.format, own_host), edited=at)

    def judged(self, status: str, check: str) -> "Comment":
        """The comment after somebody (a check, or staff) decided on it; what was removed stays removed."""
        return self if self.status in ("gone", status) else replace(self, status=status, check=check)

    def removed(self, by: str) -> "Comment":
        """What is left of it: its place in the thread. Nothing of what was written stays."""
        if self.status == "gone":
            return self
        return replace(self, status="gone", removed_by=by, text="", html="", name="", email="", agent="", network="")

    def numbered(self, before: "Comment | None", counts: Counts) -> "Comment":
        """The comment as the next change of a thread that stands so; `before` it was this, or None if it is new."""
        n = counts.n + 1
        was_published = before is not None and before.is_published
        comments = counts.comments + self.is_published - was_published
        roots = counts.roots + (self.is_root and not self.is_numbered)
        return replace(self, n=n, place=self.place or n, counts=Counts(n, comments, roots))

    @classmethod
    def all_numbered(cls, comments: Iterable["Comment"], counts: Counts) -> Iterator["Comment"]:
        """New comments of a thread that stands so, one after the other; those that are not published have no number."""
        for comment in comments:
            new = comment.numbered(None, counts) if comment.is_published else comment
            counts = new.counts or counts
            yield new

    @classmethod
    def from_document(cls, document: Document) -> "Comment":
        given = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        if "counts" in given:
            given["counts"] = Counts(*document["counts"])
        return cls(**{**given, "id": document["_id"]})

    def to_document(self) -> Document:
        kept = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in NUMBER}
        number = {"n": self.n, "place": self.place, "counts": self.counts} if self.counts else {}
        return {**kept, **number, "_id": self.id, "words": words_of(self.text)}


def html_of(text: str, format: str, own_host: str) -> str:
    """What a comment's text looks like: `text` as people type it, `html` as it came from elsewhere."""
    return (imported_comment_html if format == "html" else comment_html)(text, own_host)


def words_of(text: str) -> str:
    """What is compared to find the same text again: its words, in any case and spacing."""
    return digest(" ".join(text.casefold().split()))
