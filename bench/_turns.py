"""Sides that are compared take turns, so that whatever else this machine does falls on all of them; the first turn is warm-up.

Every other turn goes the other way round, since what one side leaves behind (lines to count, pages to write back) is done
while the next one is measured.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterable, Iterator

from bench._client import Run
from bench._crowd import percentile

TURNS = 5
SECONDS = 2.0  # of each side in each turn
Side = Callable[[float], Awaitable[Run]]  # given its seconds


async def in_turn(*sides: Side) -> list[list[Run]]:
    """The runs of each side, without the first."""
    runs: list[list[Run]] = [[] for _ in sides]
    for turn, place in places(len(sides)):
        run = await sides[place](SECONDS)
        runs[place] += [run] if turn else []
        await asyncio.sleep(0.1)
    return runs


def places(sides: int, turns: int = TURNS) -> Iterator[tuple[int, int]]:
    """Each turn, counted from the warm-up (0), with the place of the side whose it is."""
    for turn in range(1 + turns):
        for place in range(sides)[:: -1 if turn % 2 else 1]:
            yield turn, place


def rate(runs: Iterable[Run]) -> float:
    """Answers a second, the median of the turns."""
    return statistics.median(run.per_second for run in runs)


def latency(runs: Iterable[Run], percent: float) -> float:
    """Milliseconds that so many percent of all answers did not exceed."""
    return percentile((time for run in runs for time in run.times), percent)
