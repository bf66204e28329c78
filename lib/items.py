"""What an import reads from elsewhere, as plain values: posts with their comments, questions, and what could not be used.

The readers in importing/ yield these and never raise for what a file holds; models decide what becomes
of them.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from lib.text import composed


@dataclass(frozen=True, slots=True)
class CommentItem:
    """A comment, its text HTML that nobody has sanitised; a parent may be one that was left out."""

    id: str
    parent: str | None
    name: str
    email: str
    url: str | None
    text: str
    date: datetime
    status: str
    network: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """A post (or a page), and where it came from: `origin_kind`, `origin_host` and `origin_id` know it again."""

    kind: str
    origin_kind: str
    origin_host: str
    origin_id: str
    title: str
    slug: str
    text: str
    format: str
    summary: str
    url: str | None
    date: datetime
    categories: tuple[str, ...]
    keywords: tuple[str, ...]
    is_draft: bool
    addresses: tuple[str, ...]
    comments: tuple[CommentItem, ...] = ()
    is_page: bool = False
    has_closed_comments: bool = False


@dataclass(frozen=True, slots=True)
class QuestionItem:
    """A question with its answer and three wrong ones. Its origin is as an `Item`'s; `file` and `line` are for messages."""

    origin_kind: str
    origin_host: str
    origin_id: str
    file: str
    line: int | None
    text: str
    answer: str
    wrong: tuple[str, ...]
    genre: str
    accepted: tuple[str, ...] = ()
    explanation: str = ""
    source: str = ""
    licence: str = ""
    difficulty: str = ""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something that was left out, and why, for the one who has to mend it."""

    file: str
    line: int | None
    item: str
    reason: str


class Unreadable(Exception):
    """A reader's own: why an item cannot be used, and the line where that shows. Never leaves the readers."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def slug_of(text: str) -> str:
    """A text as the last part of an address: letters and digits of any language, with hyphens between."""
    return re.sub(r"[^\w.]+", "-", composed(text).lower().replace("'", "")).strip("-._")[:100]


def in_utc(date: datetime) -> datetime:
    """A date in UTC; one without a zone is taken to be in it. Raises Unreadable at the ends of time."""
    try:
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except OverflowError:
        raise Unreadable(f"the date {date} is out of range") from None


def distinct(names: list[str]) -> tuple[str, ...]:
    """Names without empty ones and repetitions, in their order; case makes no difference."""
    first: dict[str, str] = {}
    for name in names:
        if stripped := " ".join(name.split()):
            first.setdefault(stripped.casefold(), stripped)
    return tuple(first.values())
