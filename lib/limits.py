"""Limits per key and time, counted in Redis so that all processes count together.

Where Redis is away each process counts for itself: a limit is then less strict, but never absent, and nobody is refused
for the sake of a server that they cannot see.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any

from lib.redis import Away

MOST_KEPT = 10_000  # keys that a process remembers by itself while Redis is away


class Limits:
    """Counts attempts in a sliding window, and remembers who came first."""

    def __init__(self, redis: Any, seconds: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._seconds = seconds
        self._attempts: dict[str, list[float]] = {}
        self._firsts: dict[str, tuple[float, str]] = {}

    async def exceeded(self, limits: Mapping[str, int], window: int) -> int:
        """Count an attempt under each key, allowed or not: how long to wait before the next one is (seconds).

        0 while under no key more of them than its limit fell into the window (seconds).
        """
        now = self._seconds()
        try:
            attempts = await self._noted(limits, now, window)
        except Away:
            attempts = [self._noted_here(key, now, most) for key, most in limits.items()]
        return max(map(_wait, attempts, limits.values(), repeat(now), repeat(window)), default=0)

    async def first(self, keys: Sequence[str], value: str, window: int) -> str:
        """The value that was first put under one of the keys within a window (seconds): this one, or an earlier caller's.

        From then on it is under each of them.
        """
        try:
            return await self._first([f"first:{key}" for key in keys], value, window)
        except Away:
            return self._first_here(keys, value, window)

    async def _first(self, keys: list[str], value: str, window: int) -> str:
        async with self._redis.pipeline(transaction=True) as pipe:
            for key in keys:
                pipe.set(key, value, nx=True, ex=window).get(key)  # in one command: Redis 7 only
            there = (await pipe.execute())[1::2]
        first = next((found for found in there if found not in (value, None)), value)
        for key, found in zip(keys, there, strict=True):
            if found != first:
                await self._redis.set(key, first, ex=window)
        return _text(first)

    async def _noted(self, limits: Mapping[str, int], now: float, window: int) -> list[list[float]]:
        """The newest attempts under each key, this one among them, newest first."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for name, most in limits.items():
                key = f"limit:{name}"
                pipe.lpush(key, now).ltrim(key, 0, most).expire(key, window + 1).lrange(key, 0, most)
            answers = await pipe.execute()
        return [[float(moment) for moment in newest] for newest in answers[3::4]]

    def _noted_here(self, key: str, now: float, most: int) -> list[float]:
        _bounded(self._attempts)
        self._attempts[key] = [now, *self._attempts.get(key, [])[:most]]
        return self._attempts[key]

    def _first_here(self, keys: Sequence[str], value: str, window: int) -> str:
        _bounded(self._firsts)
        now, known = self._seconds(), [self._firsts.get(key, (0.0, value)) for key in keys]
        until, first = next((kept for kept in known if kept[0] > now), (now + window, value))
        self._firsts |= dict.fromkeys(keys, (until, first))
        return first


def _wait(newest: list[float], most: int, now: float, window: int) -> int:
    if len(newest) <= most or newest[most] <= now - window:
        return 0
    return max(1, math.ceil(newest[most - 1] + window - now))


def _bounded(kept: dict[str, Any]) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
