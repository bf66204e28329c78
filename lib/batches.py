"""Group commit: things that arrive while a batch is in progress form the next one, so many cost little more than one.

One batch at a time for each key, in order of arrival. There is no delay to collect a batch: the first thing starts at
once. Words of models/ call it to store and to read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")
Work = Callable[[str, Sequence[Thing]], Awaitable[Sequence[Result]]]


class Batches(Generic[Thing, Result]):
    """Calls `work` with a key and at most `most` things. It returns one result for each, in order, or fails for all."""

    def __init__(self, work: Work[Thing, Result], most: int = 10_000) -> None:
        self._work = work
        self._most = most
        self._waiting: dict[str, list[tuple[Thing, asyncio.Future[Result]]]] = {}
        self._working: dict[str, asyncio.Task[None]] = {}

    async def add(self, key: str, thing: Thing) -> Result:
        """Puts a thing into the next batch of a key. Returns its result, or raises what `work` raised."""
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append((thing, result))
        if key not in self._working:
            self._working[key] = asyncio.create_task(self._work_off(key))
        return await result

    async def _work_off(self, key: str) -> None:
        """Works on all batches of a key. A task of its own, because callers of `add` may be cancelled."""
        try:
            while waiting := self._waiting.pop(key, None):
                batch, rest = waiting[: self._most], waiting[self._most :]
                if rest:
                    self._waiting[key] = rest
                if batch := [each for each in batch if not each[1].done()]:  # without cancelled callers
                    await self._work_on(key, batch)
        finally:
            del self._working[key]

    async def _work_on(self, key: str, batch: list[tuple[Thing, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._work(key, [thing for thing, _ in batch])
        except Exception as error:
            for _, result in batch:
                if not result.done():
                    result.set_exception(error)
            return
        except asyncio.CancelledError:  # the event loop is closing
            for _, result in batch:
                result.cancel()
            raise
        for (_, result), each in zip(batch, results, strict=True):
            if not result.done():
                result.set_result(each)
