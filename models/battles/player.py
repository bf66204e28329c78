"""Who plays: two persons, or a person and a ghost or the computer, whose answers are known beforehand."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    PERSON = "person"
    GHOST = "ghost"
    COMPUTER = "computer"


@dataclass(frozen=True)
class Line:
    """What a ghost or the computer will answer: so long after the question opens."""

    after: int
    text: str
    has_alternatives: bool = False


@dataclass(frozen=True)
class Player:
    """`id` is an account's. `of` is the date of the battle that a ghost was recorded in. `lines` are a ghost's and the
    computer's answers, one for each question; None where it says nothing.
    """

    id: str
    name: str
    kind: Kind = Kind.PERSON
    of: str | None = None
    lines: tuple[Line | None, ...] = ()

    def line(self, number: int) -> Line | None:
        return self.lines[number - 1] if number <= len(self.lines) else None
