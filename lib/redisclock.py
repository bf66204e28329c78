"""The time of Redis in milliseconds: the same in all processes of all hosts, also while somebody sets a host's clock."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

TRIES = 3  # of which the fastest counts: half of its round trip is the largest possible error
VALID = 10.0  # seconds until it is measured again

Now = Callable[[], float]


class RedisClock:
    """Between two measurements, time is what has passed on this process's monotonic clock, which nobody sets."""

    def __init__(self, redis: Any, monotonic: Now = time.monotonic) -> None:
        self._redis = redis
        self._monotonic = monotonic
        self._offset = 0.0  # what to add to the monotonic clock, in seconds
        self._valid_until = float("-inf")
        self._measuring = asyncio.Lock()

    async def now(self) -> int:
        """The time at which this was called. Raises one of `redis.Away` if it must be measured and Redis is away."""
        called = self._monotonic()
        if called >= self._valid_until:
            await self._measure()
        return round((called + self._offset) * 1000)

    async def _measure(self) -> None:
        async with self._measuring:
            if self._monotonic() < self._valid_until:
                return
            _, self._offset = min([await self._measured() for _ in range(TRIES)])
            self._valid_until = self._monotonic() + VALID

    async def _measured(self) -> tuple[float, float]:
        """A round trip's length, and the offset that it shows."""
        start = self._monotonic()
        seconds, microseconds = await self._redis.time()
        end = self._monotonic()
        return end - start, seconds + microseconds / 1_000_000 - (start + end) / 2
