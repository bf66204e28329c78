"""Sides that are compared take turns, so that whatever else this machine does falls on all of them; the first turn is warm-up."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterable

from bench._client import Run
from bench._crowd import percentile

TURNS = 5
SECONDS = 2.0  # of each side in each turn
Side = Callable[[float], Awaitable[Run]]  # given its seconds


async def in_turn(*sides: Side) -> list[list[Run]]:
    """The runs of each side, without the first."""
    turns = []
    for _ in range(1 + TURNS):
        turns.append([await side(SECONDS) for side in sides])
        await asyncio.sleep(0.1)
    return [list(runs) for runs in zip(*turns[1:], strict=True)]


def rate(runs: Iterable[Run]) -> float:
    """Answers a second, the median of the turns."""
    return statistics.median(run.per_second for run in runs)


def latency(runs: Iterable[Run], percent: float) -> float:
    """Milliseconds that so many percent of all answers did not exceed."""
    return percentile((time for run in runs for time in run.times), percent)
