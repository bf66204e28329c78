"""Chores, without a server."""

import asyncio
import unittest

from models.chores import every


class EveryTest(unittest.IsolatedAsyncioTestCase):
    async def test_a_chore_that_is_woken_does_not_wait_for_its_interval(self) -> None:
        woken, done = asyncio.Event(), asyncio.Semaphore(0)

        async def chore() -> None:
            done.release()

        running = asyncio.create_task(every(3600, chore, woken))
        self.addCleanup(running.cancel)
        async with asyncio.timeout(5):
            await done.acquire()
            woken.set()
            await done.acquire()
