"""Rate limits and deduplication by key, in Redis, so that all processes count together.

While Redis is away each process counts for itself: a limit is then less strict, but never absent, and no request is
refused because Redis is away.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lib.redis import Away

MOST_KEPT = 10_000  # keys that a process holds in memory while Redis is away

FUNCTIONS = """
-- Returns the first value that exists under one of the keys, else `value`. Stores it under the keys that have none.
local function first(keys, value, seconds)
    local found = value
    for i = #keys, 1, -1 do found = redis.call('GET', keys[i]) or found end
    for _, key in ipairs(keys) do redis.call('SET', key, found, 'NX', 'EX', seconds) end
    return found
end
-- Records an attempt under each key. Returns for each key the times of its limit-th and (limit + 1)-th newest attempts.
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
# FIRST, then NOTE if the value given is the first. ARGV[1] is the number of FIRST's keys, which come before NOTE's.
FIRST_AND_NOTE = """
local number = tonumber(ARGV[1])
local found = first({unpack(KEYS, 1, number)}, ARGV[2], ARGV[3])
if found ~= ARGV[2] then return {found, {}} end
return {found, note({unpack(KEYS, number + 1)}, ARGV[4], ARGV[5], {unpack(ARGV, 6)})}
"""


class Limits:
    """Counts attempts in a sliding window, and deduplicates values. Never raises because Redis is away."""

    def __init__(self, redis: Any, seconds: Callable[[], float] = time.time) -> None:
        self._note, self._first, self._first_and_note = (
            redis.register_script(FUNCTIONS + script) for script in (NOTE, FIRST, FIRST_AND_NOTE)
        )
        self._seconds = seconds
        self._attempts: dict[str, list[float]] = {}
        self._firsts: dict[str, tuple[float, str]] = {}

    async def exceeded(self, limits: Mapping[str, int], window: int) -> int:
        """Records an attempt under each key, even over the limit. Returns the seconds to wait; 0 if it is allowed.

        `limits` maps keys to the number of attempts allowed within `window` (seconds).
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
        """Deduplicates: returns the first value stored under any of the keys within `window` (seconds).

        That is an earlier caller's value, or else this one. Stores it under all the keys.
        """
        try:
            first: str = await self._first(keys=_first_keys(keys), args=[value, window])
        except Away:
            return self._first_here(keys, value, window)
        return first

    async def first_and_exceeded(
        self, keys: Sequence[str], value: str, limits: Mapping[str, int], window: int
    ) -> tuple[str, int]:
        """`first` and `exceeded` in one round trip.

        A duplicate is not recorded as an attempt: its seconds to wait are 0.
        """
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
        until, first = next((each for each in known if now < each[0] <= now + window), (now + window, value))
        self._firsts |= dict.fromkeys(keys, (until, first))
        return first


def _first_keys(keys: Iterable[str]) -> list[str]:
    return [f"first:{key}" for key in keys]


def _limit_keys(keys: Iterable[str]) -> list[str]:
    return [f"limit:{key}" for key in keys]


def _longest_wait(noted: Iterable[Sequence[Any]], now: float, window: int) -> int:
    """Returns the longest wait in seconds that any key demands.

    `noted` has for each key the times that the script `note` returns: fewer than two mean that the limit is not
    exceeded. After the clock was set back, times may be in the future: those by more than the window do not count.
    """
    waits = [0]
    for newest in noted:
        if len(newest) == 2 and abs(now - float(newest[1])) < window:
            waits.append(min(window, max(1, math.ceil(float(newest[0]) + window - now))))
    return max(waits)


def _bounded(values: dict[str, Any]) -> None:
    if len(values) >= MOST_KEPT:
        values.clear()
