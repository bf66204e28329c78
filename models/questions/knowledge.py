"""How well a question is known: the shares of players who were right, wrong or too slow. Pure.

Until a question was played often enough its knowledge is estimated from its difficulty, so that the computer can play on
a new site.
"""

from dataclasses import dataclass

LEAST = 0.01  # of each share: nothing is ever certain


@dataclass(frozen=True)
class Knowledge:
    """Shares of first attempts, which add up to 1. The middle two were made after the alternatives were shown."""

    right: float
    wrong: float
    chosen_right: float
    chosen_wrong: float
    slow: float

    @property
    def shares(self) -> tuple[float, ...]:
        """Each at least one per cent, in the order of the fields."""
        return tuple(
            max(LEAST, share) for share in (self.right, self.wrong, self.chosen_right, self.chosen_wrong, self.slow)
        )


ESTIMATED = {
    "easy": Knowledge(0.50, 0.08, 0.27, 0.05, 0.10),
    "medium": Knowledge(0.30, 0.14, 0.28, 0.13, 0.15),
    "hard": Knowledge(0.12, 0.18, 0.25, 0.22, 0.23),
}


def estimated(difficulty: str) -> Knowledge:
    """What to expect of a question that was hardly played yet; of one without a difficulty, the middle."""
    return ESTIMATED.get(difficulty, ESTIMATED["medium"])
