"""The question itself: frozen and pure. What counts as its answer is decided here and nowhere else."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from lib.spelling import folded, is_one_edit_away
from lib.tokens import digest

FEWEST_LETTERS = 4  # of a form that may be misspelt
DIFFICULTIES = ("easy", "medium", "hard")


class State(StrEnum):
    """From writing to playing: only published questions are played."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    PUBLISHED = "published"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Origin:
    """Where a question was imported from. `digest` is its content's, as it was stored then."""

    kind: str
    host: str
    id: str
    digest: str = ""


@dataclass(frozen=True)
class Question:
    """`alternatives` are the four choices, in the order in which they are shown; the answer is one of them.

    `accepted` are other forms of the answer. `picture` is the id of a picture that belongs to the question. `author` is
    an account's id, empty for an imported question. `difficulty` is one of DIFFICULTIES, or empty if nobody said it.
    Questions that were chosen for a battle have neither `created` nor `origin`.
    """

    id: str
    text: str
    answer: str
    alternatives: tuple[str, ...]
    genre: str
    accepted: tuple[str, ...] = ()
    may_be_misspelt: bool = False
    picture: str | None = None
    explanation: str = ""
    source: str = ""
    licence: str = ""
    author: str = ""
    state: State = State.DRAFT
    difficulty: str = ""
    created: datetime | None = None
    revision: int = 0
    origin: Origin | None = None

    @property
    def wrong(self) -> tuple[str, ...]:
        """The alternatives that are not the answer."""
        answer = folded(self.answer)
        return tuple(alternative for alternative in self.alternatives if folded(alternative) != answer)

    @property
    def content_digest(self) -> str:
        """What tells whether somebody has edited it since: a digest of all that an author writes."""
        lists = ("\n".join(self.alternatives), "\n".join(self.accepted))
        words = (self.text, self.answer, self.genre, self.explanation, self.source, self.licence, self.difficulty)
        return digest(*words, *lists, str(self.may_be_misspelt))

    def is_answered_by(self, text: str) -> bool:
        """Whether a text is the answer: in any case, with or without accents.

        One typing mistake is forgiven where the question allows it, in forms of four letters or more.
        """
        typed = folded(text)
        forms = [folded(form) for form in (self.answer, *self.accepted)]
        if typed in forms or not self.may_be_misspelt:
            return typed in forms
        return any(is_one_edit_away(typed, form) for form in forms if sum(map(str.isalpha, form)) >= FEWEST_LETTERS)

    def disambiguated(self) -> "Question":
        """The question, strict about spelling if a wrong alternative would else count as a misspelt answer."""
        is_ambiguous = any(self.is_answered_by(alternative) for alternative in self.wrong)
        return replace(self, may_be_misspelt=False) if is_ambiguous else self
