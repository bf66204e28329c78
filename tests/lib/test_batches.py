"""Batches (group commit): items that arrive during a batch form the next one, and each gets its own result."""

import asyncio
import unittest
from collections.abc import Sequence

from lib.batches import Batches


class Work:
    """Doubles numbers once `may_go_on` is set; fails for numbers below zero."""

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
        """Adds each number. All have arrived when this returns."""
        adding = [asyncio.create_task(self.batches.add(key, thing)) for thing in things]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return adding

    async def test_the_first_item_starts_at_once_and_later_arrivals_form_a_batch(self) -> None:
        first, *others = [*await self.begin(1), *await self.begin(2, 3)]
        self.assertEqual(self.work.done, [("a", [1])])
        self.work.may_go_on.set()
        self.assertEqual(await asyncio.gather(first, *others), [2, 4, 6])
        self.assertEqual(self.work.done, [("a", [1]), ("a", [2, 3])])

    async def test_batches_are_bounded_and_keep_the_order(self) -> None:
        adding = [*await self.begin(0), *await self.begin(*range(1, 9))]
        self.work.may_go_on.set()
        self.assertEqual(await asyncio.gather(*adding), [2 * n for n in range(9)])
        self.assertEqual([things for _, things in self.work.done], [[0], [1, 2, 3], [4, 5, 6], [7, 8]])

    async def test_keys_do_not_wait_for_each_other(self) -> None:
        adding = [*await self.begin(1), *await self.begin(2, key="b")]
        self.assertEqual(self.work.done, [("a", [1]), ("b", [2])])
        self.work.may_go_on.set()
        await asyncio.gather(*adding)

    async def test_a_failure_affects_only_its_own_batch(self) -> None:
        adding = [*await self.begin(1), *await self.begin(-1, 2)]
        self.work.may_go_on.set()
        results = await asyncio.gather(*adding, return_exceptions=True)
        self.assertEqual(results[0], 2)
        self.assertEqual([type(result) for result in results[1:]], [ValueError, ValueError])
        self.assertEqual(await asyncio.gather(*await self.begin(4)), [8])

    async def test_a_cancelled_item_is_left_out_and_affects_no_other(self) -> None:
        first, second, third = [*await self.begin(1), *await self.begin(2, 3)]
        first.cancel()
        second.cancel()
        await asyncio.sleep(0)
        self.work.may_go_on.set()
        self.assertEqual(await third, 6)
        self.assertEqual(self.work.done, [("a", [1]), ("a", [3])])
        self.assertTrue(first.cancelled() and second.cancelled())

    async def test_a_batch_of_cancelled_items_is_not_started(self) -> None:
        first, second = [*await self.begin(1), *await self.begin(2)]
        second.cancel()
        await asyncio.sleep(0)
        self.work.may_go_on.set()
        self.assertEqual((await first, await asyncio.gather(*await self.begin(3))), (2, [6]))
        self.assertEqual(self.work.done, [("a", [1]), ("a", [3])])

    async def test_a_finished_key_leaves_no_state(self) -> None:
        self.work.may_go_on.set()
        await asyncio.gather(*await self.begin(1, 2))
        await asyncio.sleep(0)
        self.assertEqual((self.batches._waiting, self.batches._working), ({}, {}))
