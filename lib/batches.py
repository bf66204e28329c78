"""Group commit: what arrives while work is under way is done together next, so that many at once cost little more than one.

For each key one batch at a time, in the order of arrival. Nobody waits for others to come: the first one's work begins at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")
Work = Callable[[str, Sequence[Thing]], Awaitable[Sequence[Result]]]


class Batches(Generic[Thing, Result]):
    """`work` is given a key and at most `most` things; it returns a result for each, in their order, or fails for all."""

    def __init__(self, work: Work[Thing, Result], most: int = 10_000) -> None:
        self._work = work
        self._most = most
        self._waiting: dict[str, list[tuple[Thing, asyncio.Future[Result]]]] = {}
        self._working: dict[str, asyncio.Task[None]] = {}

    async def add(self, key: str, thing: Thing) -> Result:
        """What the work on this thing results in; raises what it raises."""
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append((thing, result))
        if key not in self._working:
            self._working[key] = asyncio.create_task(self._work_off(key))
        return await result

    async def _work_off(self, key: str) -> None:
        """All that waits under a key, and what arrives meanwhile. A task of its own: whoever waits may be cancelled."""
        try:
            while waiting := self._waiting.pop(key, None):
                batch, rest = waiting[: self._most], waiting[self._most :]
                if rest:
                    self._waiting[key] = rest
                if batch := [each for each in batch if not each[1].done()]:  # some do not wait any more
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
        except asyncio.CancelledError:  # the event loop ends
            for _, result in batch:
                result.cancel()
            raise
        for (_, result), each in zip(batch, results, strict=True):
            if not result.done():
                result.set_result(each)
