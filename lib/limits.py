"""Limits per key and time, counted in Redis so that all processes count together.

Where Redis is away each process counts for itself: a limit is then less strict, but never absent, and nobody is refused
for the sake of a server that they cannot see.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lib.redis import Away

MOST_KEPT = 10_000  # keys that a process remembers by itself while Redis is away

# Notes an attempt under each key. Returns of each the two that matter: the one that reached the limit, the one beyond it.
NOTE = """
local newest = {}
for i, key in ipairs(KEYS) do
    local most = tonumber(ARGV[i + 2])
    redis.call('LPUSH', key, ARGV[1])
    redis.call('LTRIM', key, 0, most)
    redis.call('EXPIRE', key, ARGV[2])
    newest[i] = redis.call('LRANGE', key, most - 1, most)
end
return newest
"""
# The first value that is under one of the keys, else the one given; puts it under those that have none.
FIRST = """
local first = ARGV[1]
for i = #KEYS, 1, -1 do first = redis.call('GET', KEYS[i]) or first end
for _, key in ipairs(KEYS) do redis.call('SET', key, first, 'NX', 'EX', ARGV[2]) end
return first
"""


class Limits:
    """Counts attempts in a sliding window, and remembers who came first."""

    def __init__(self, redis: Any, seconds: Callable[[], float] = time.time) -> None:
        self._note = redis.register_script(NOTE)
        self._first = redis.register_script(FIRST)
        self._seconds = seconds
        self._attempts: dict[str, list[float]] = {}
        self._firsts: dict[str, tuple[float, str]] = {}

    async def exceeded(self, limits: Mapping[str, int], window: int) -> int:
        """Count an attempt under each key, allowed or not: how long to wait before the next one is (seconds).

        0 while under no key more of them than its limit fell into the window (seconds).
        """
        now, keys = self._seconds(), [f"limit:{key}" for key in limits]
        try:
            noted = await self._note(keys=keys, args=[now, window + 1, *limits.values()])
        except Away:
            noted = [self._noted_here(key, now, most) for key, most in limits.items()]
        return max(_wait([float(moment) for moment in newest], now, window) for newest in noted)

    async def first(self, keys: Sequence[str], value: str, window: int) -> str:
        """The value that was first put under one of the keys within a window (seconds): this one, or an earlier caller's.

        From then on it is under each of them.
        """
        try:
            first: str = await self._first(keys=[f"first:{key}" for key in keys], args=[value, window])
        except Away:
            return self._first_here(keys, value, window)
        return first

    def _noted_here(self, key: str, now: float, most: int) -> list[float]:
        _bounded(self._attempts)
        self._attempts[key] = [now, *self._attempts.get(key, [])[:most]]
        return self._attempts[key][most - 1 :]

    def _first_here(self, keys: Sequence[str], value: str, window: int) -> str:
        _bounded(self._firsts)
        now, known = self._seconds(), [self._firsts.get(key, (0.0, value)) for key in keys]
        until, first = next((kept for kept in known if kept[0] > now), (now + window, value))
        self._firsts |= dict.fromkeys(keys, (until, first))
        return first


def _wait(newest: list[float], now: float, window: int) -> int:
    """How long the attempts that reached a limit and went beyond it make one wait; fewer than two do not."""
    if len(newest) < 2 or newest[1] <= now - window:
        return 0
    return max(1, math.ceil(newest[0] + window - now))


def _bounded(kept: dict[str, Any]) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()
