"""What a player does at one question, and how that question went for the player."""

from dataclasses import dataclass
from enum import StrEnum

from models.battles.rules import Rules


class Verdict(StrEnum):
    """How a question went for a player.

    `BEATEN`: the player was wrong, then the other was right. `SLOW`: the other was right before the player answered.
    `NONE`: time ran out.
    """

    RIGHT = "right"
    WRONG = "wrong"
    BEATEN = "beaten"
    SLOW = "slow"
    NONE = "none"


@dataclass(frozen=True)
class Turn:
    """What a player has done at the open question. `seconds` are those from its opening to the attempt."""

    has_loaded: bool = False
    has_alternatives: bool = False
    text: str | None = None
    is_right: bool = False
    seconds: float | None = None

    @property
    def has_attempted(self) -> bool:
        return self.text is not None

    @property
    def public(self) -> str | None:
        return ("right" if self.is_right else "wrong") if self.has_attempted else None


@dataclass(frozen=True)
class Outcome:
    """How a closed question went for a player."""

    outcome: Verdict
    points: int
    seconds: float | None
    typed: str | None
    has_alternatives: bool = False


NOTHING_DONE = (Turn(), Turn())


def outcome_of(own: Turn, other: Turn, rules: Rules) -> Outcome:
    """How a question went for the player of one turn, beside the other player's."""
    if own.is_right:
        outcome, points = Verdict.RIGHT, rules.points(has_alternatives=own.has_alternatives)
    elif own.has_attempted:
        outcome, points = Verdict.BEATEN if other.is_right else Verdict.WRONG, 0
    else:
        outcome, points = Verdict.SLOW if other.is_right else Verdict.NONE, 0
    return Outcome(outcome, points, own.seconds, own.text, own.has_alternatives)
