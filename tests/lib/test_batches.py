"""Group commit: what arrives meanwhile is done together, each gets its own result, and nothing stays behind."""

import asyncio
import unittest
from collections.abc import Sequence

from lib.batches import Batches


class Work:
    """Doubles what it is given, once it is let go on; numbers below zero make it fail."""

    def __init__(self) -> None:
        self.done: list[tuple[str, list[int]]] = []
        self.may_go_on = asyncio.Event()

    async def __call__(self, key: str, things: Sequence[int]) -> list[int]:
        self.done.append((key, list(things)))
        await self.may_go_on.wait()
        if min(things) < 0:
            raise ValueError("below zero")
        return [2 * thing for thing in things]


class BatchesTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.work = Work()
        self.batches: Batches[int, int] = Batches(self.work, most=3)

    async def begin(self, *things: int, key: str = "a") -> list["asyncio.Task[int]"]:
        """Add each; all have arrived when this returns."""
        adding = [asyncio.create_task(self.batches.add(key, thing)) for thing in things]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return adding

    async def test_the_first_begins_at_once_and_what_arrives_meanwhile_is_done_together(self) -> None:
        first, *others = [*await self.begin(1), *await self.begin(2, 3)]
        self.assertEqual(self.work.done, [("a", [1])])
        self.work.may_go_on.set()
        self.assertEqual(await asyncio.gather(first, *others), [2, 4, 6])
        self.assertEqual(self.work.done, [("a", [1]), ("a", [2, 3])])

    async def test_no_batch_is_larger_than_it_may_be_and_all_are_done_in_their_order(self) -> None:
        adding = [*await self.begin(0), *await self.begin(*range(1, 9))]
        self.work.may_go_on.set()
        self.assertEqual(await asyncio.gather(*adding), [2 * n for n in range(9)])
        self.assertEqual([things for _, things in self.work.done], [[0], [1, 2, 3], [4, 5, 6], [7, 8]])

    async def test_keys_do_not_wait_for_each_other(self) -> None:
        adding = [*await self.begin(1), *await self.begin(2, key="b")]
        self.assertEqual(self.work.done, [("a", [1]), ("b", [2])])
        self.work.may_go_on.set()
        await asyncio.gather(*adding)

    async def test_a_failure_is_everybodys_of_that_batch_and_nobody_elses(self) -> None:
        adding = [*await self.begin(1), *await self.begin(-1, 2)]
        self.work.may_go_on.set()
        results = await asyncio.gather(*adding, return_exceptions=True)
        self.assertEqual(results[0], 2)
        self.assertEqual([type(result) for result in results[1:]], [ValueError, ValueError])
        self.assertEqual(await asyncio.gather(*await self.begin(4)), [8])

    async def test_whoever_is_cancelled_while_waiting_is_left_out_and_takes_nobody_along(self) -> None:
        first, second, third = [*await self.begin(1), *await self.begin(2, 3)]
        first.cancel()
        second.cancel()
        await asyncio.sleep(0)
        self.work.may_go_on.set()
        self.assertEqual(await third, 6)
        self.assertEqual(self.work.done, [("a", [1]), ("a", [3])])
        self.assertTrue(first.cancelled() and second.cancelled())

    async def test_what_nobody_waits_for_any_more_is_not_begun(self) -> None:
        first, second = [*await self.begin(1), *await self.begin(2)]
        second.cancel()
        await asyncio.sleep(0)
        self.work.may_go_on.set()
        self.assertEqual((await first, await asyncio.gather(*await self.begin(3))), (2, [6]))
        self.assertEqual(self.work.done, [("a", [1]), ("a", [3])])

    async def test_nothing_is_left_of_a_key_when_all_is_done(self) -> None:
        self.work.may_go_on.set()
        await asyncio.gather(*await self.begin(1, 2))
        await asyncio.sleep(0)
        self.assertEqual((self.batches._waiting, self.batches._working), ({}, {}))
