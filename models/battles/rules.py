"""The rules of a battle: how many questions, how long to think, which questions, and what a right answer is worth."""

from dataclasses import dataclass

TYPED_POINTS = 3
CHOSEN_POINTS = 1  # after the four alternatives were shown


@dataclass(frozen=True)
class Rules:
    """One set of rules. `seconds` are those to think about a question; no `genres` means all of them."""

    id: str = "default"
    name: str = "Default rules"
    questions: int = 10
    seconds: int = 10
    genres: tuple[str, ...] = ()
    has_only_pictures: bool = False
    has_only_alternatives: bool = False

    def points(self, *, has_alternatives: bool) -> int:
        """What a right answer is worth."""
        return CHOSEN_POINTS if has_alternatives or self.has_only_alternatives else TYPED_POINTS


DEFAULT = Rules()
