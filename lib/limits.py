"""Limits per key and time, counted in Redis so that all processes count together.

Where Redis is away each process counts for itself: a limit is then less strict, but never absent, and nobody is refused
for the sake of a server that they cannot see.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lib.redis import Away

MOST_KEPT = 10_000  # keys that a process remembers by itself while Redis is away

FUNCTIONS = """
-- The first value that is under one of the keys, else the one given; puts it under those that have none.
local function first(keys, value, seconds)
    local found = value
    for i = #keys, 1, -1 do found = redis.call('GET', keys[i]) or found end
    for _, key in ipairs(keys) do redis.call('SET', key, found, 'NX', 'EX', seconds) end
    return found
end
-- Notes an attempt under each key. Returns of each the two that matter: the one that reached the limit, the one beyond it.
local function note(keys, moment, seconds, limits)
    local newest = {}
    for i, key in ipairs(keys) do
        local most = tonumber(limits[i])
        redis.call('LPUSH', key, moment)
        redis.call('LTRIM', key, 0, most)
        redis.call('EXPIRE', key, seconds)
        newest[i] = redis.call('LRANGE', key, most - 1, most)
    end
    return newest
end
"""
FIRST = "return first(KEYS, ARGV[1], ARGV[2])"
NOTE = "return note(KEYS, ARGV[1], ARGV[2], {unpack(ARGV, 3)})"
# The keys and arguments of FIRST, of which there are ARGV[1] and 2, then those of NOTE, which it does for the first alone.
FIRST_AND_NOTE = """
local number = tonumber(ARGV[1])
local found = first({unpack(KEYS, 1, number)}, ARGV[2], ARGV[3])
if found ~= ARGV[2] then return {found, {}} end
return {found, note({unpack(KEYS, number + 1)}, ARGV[4], ARGV[5], {unpack(ARGV, 6)})}
"""


class Limits:
    """Counts attempts in a sliding window, and remembers who came first."""

    def __init__(self, redis: Any, seconds: Callable[[], float] = time.time) -> None:
        self._note, self._first, self._first_and_note = (
            redis.register_script(FUNCTIONS + script) for script in (NOTE, FIRST, FIRST_AND_NOTE)
        )
        self._seconds = seconds
        self._attempts: dict[str, list[float]] = {}
        self._firsts: dict[str, tuple[float, str]] = {}

    async def exceeded(self, limits: Mapping[str, int], window: int) -> int:
        """Count an attempt under each key, allowed or not: how long to wait before the next one is (seconds).

        0 while under no key more of them than its limit fell into the window (seconds).
        """
        if not limits:
            return 0
        now = self._seconds()
        try:
            noted = await self._note(keys=_limit_keys(limits), args=[now, window + 1, *limits.values()])
        except Away:
            return self._exceeded_here(limits, now, window)
        return _longest_wait(noted, now, window)

    async def first(self, keys: Sequence[str], value: str, window: int) -> str:
        """The value that was first put under one of the keys within a window (seconds): this one, or an earlier caller's.

        From then on it is under each of them.
        """
        try:
            first: str = await self._first(keys=_first_keys(keys), args=[value, window])
        except Away:
            return self._first_here(keys, value, window)
        return first

    async def first_and_exceeded(
        self, keys: Sequence[str], value: str, limits: Mapping[str, int], window: int
    ) -> tuple[str, int]:
        """Both at once, where only who comes first is counted: `exceeded` is not asked, and 0, for whoever comes later."""
        now = self._seconds()
        firsts, counted = (len(keys), value, window), (now, window + 1, *limits.values())
        try:
            first, noted = await self._first_and_note(
                keys=_first_keys(keys) + _limit_keys(limits), args=[*firsts, *counted]
            )
        except Away:
            first = self._first_here(keys, value, window)
            return first, self._exceeded_here(limits, now, window) if first == value else 0
        return first, _longest_wait(noted, now, window)

    def _exceeded_here(self, limits: Mapping[str, int], now: float, window: int) -> int:
        return _longest_wait([self._noted_here(key, now, most) for key, most in limits.items()], now, window)

    def _noted_here(self, key: str, now: float, most: int) -> list[float]:
        _bounded(self._attempts)
        self._attempts[key] = [now, *self._attempts.get(key, [])[:most]]
        return self._attempts[key][most - 1 :]

    def _first_here(self, keys: Sequence[str], value: str, window: int) -> str:
        _bounded(self._firsts)
        now, known = self._seconds(), [self._firsts.get(key, (0.0, value)) for key in keys]
        until, first = next((kept for kept in known if now < kept[0] <= now + window), (now + window, value))
        self._firsts |= dict.fromkeys(keys, (until, first))
        return first


def _first_keys(keys: Iterable[str]) -> list[str]:
    return [f"first:{key}" for key in keys]


def _limit_keys(keys: Iterable[str]) -> list[str]:
    return [f"limit:{key}" for key in keys]


def _longest_wait(noted: Iterable[Sequence[Any]], now: float, window: int) -> int:
    """How long any of these makes one wait: the attempts that reached a limit and went beyond it; fewer than two do not.

    Attempts may lie in the future, where the clock was set back: those by more than the window do not count.
    """
    waits = [0]
    for newest in noted:
        if len(newest) == 2 and abs(now - float(newest[1])) < window:
            waits.append(min(window, max(1, math.ceil(float(newest[0]) + window - now))))
    return max(waits)


def _bounded(kept: dict[str, Any]) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()
