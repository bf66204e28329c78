"""Measures compared sides in turns, so that other load on this machine affects all of them. The first turn is warm-up.

Every other turn has the reverse order, since work that one side leaves behind (lines to count, pages to write back) is
done while the next side is measured.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterable, Iterator

from bench._client import Run
from bench._crowd import percentile

TURNS = 5
SECONDS = 2.0  # of each side in each turn
Side = Callable[[float], Awaitable[Run]]  # runs for these seconds


async def in_turn(*sides: Side) -> list[list[Run]]:
    """Returns the runs of each side, without the warm-up."""
    runs: list[list[Run]] = [[] for _ in sides]
    for turn, place in places(len(sides)):
        run = await sides[place](SECONDS)
        runs[place] += [run] if turn else []
        await asyncio.sleep(0.1)
    return runs


def places(sides: int, turns: int = TURNS) -> Iterator[tuple[int, int]]:
    """Yields each turn, the warm-up being 0, with the index of the side to measure."""
    for turn in range(1 + turns):
        for place in range(sides)[:: -1 if turn % 2 else 1]:
            yield turn, place


def rate(runs: Iterable[Run]) -> float:
    """Returns answers a second: the median of the turns."""
    return statistics.median(run.per_second for run in runs)


def latency(runs: Iterable[Run], percent: float) -> float:
    """Returns the milliseconds that so many percent of all answers did not exceed."""
    return percentile((time for run in runs for time in run.times), percent)
