"""What a player has reached by one set of rules: points, and battles won, lost and drawn. Pure.

It is always computed anew from finished battles, never added up. Only battles between two persons who met in the lobby
count, and of the same two at most three a day (UTC): with a second browser one could win for ever.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from models.battles import Finished

MOST_A_DAY = 3  # battles of the same two
DAY = 86_400_000  # milliseconds


@dataclass(frozen=True)
class Standing:
    """`points` are those of all questions that the player answered in battles that count."""

    account: str
    rules: str
    points: int = 0
    won: int = 0
    lost: int = 0
    drawn: int = 0


def counted(battles: Iterable[Finished]) -> Iterator[Finished]:
    """The battles that count, of those of one player in the order in which they began."""
    of_a_day: Counter[tuple[int, tuple[str, ...]]] = Counter()
    for battle in battles:
        if not battle.is_ranked:
            continue
        key = (battle.began // DAY, tuple(sorted(battle.accounts)))
        of_a_day[key] += 1
        if of_a_day[key] <= MOST_A_DAY:
            yield battle


def standing_of(account: str, rules: str, battles: Iterable[Finished]) -> Standing:
    """The standing that these battles of a player lead to; given in the order in which they began."""
    points, results = 0, Counter[str]()
    for battle in counted(battles):
        seat = battle.accounts.index(account)
        points += battle.scores[seat]
        results["drawn" if battle.winner is None else "won" if battle.winner == seat else "lost"] += 1
    return Standing(account, rules, points, results["won"], results["lost"], results["drawn"])


def ranked(best: Sequence[Standing]) -> list[tuple[int, Standing]]:
    """Each of the best players with the rank from 1. Equal points share a rank, and leave no gap behind them."""
    distinct = sorted({standing.points for standing in best}, reverse=True)
    return [(1 + distinct.index(standing.points), standing) for standing in best]
