"""Nobody is left to bring anything back, and then nothing is left at all."""

import asyncio
import json
from contextlib import suppress

from tests.follower import BROKEN
from tests.killed.base import SECONDS, KilledTestCase, within

CROWD = 60
WRITERS = 6


class KilledEverythingTest(KilledTestCase):
    async def test_without_supervisor_and_bin_run_the_site_goes_on(self) -> None:
        await self.join(CROWD)
        self.running.kill()
        self.kill(self.pid("supervisord"))
        await self.all_have(await self.written("Unwatched, one", "Unwatched, two"))
        self.assertEqual({follower.losses for follower in self.followers}, {0})
        await self.start_again()
        await self.all_have(await self.written("Watched again"))

    async def test_when_all_was_killed_at_once_everything_acknowledged_is_there_after_a_start(self) -> None:
        await self.join(CROWD)
        await self.all_have(await self.written("Before"))
        self.acknowledged: set[str] = set()
        writing = [asyncio.ensure_future(self.write_on(writer)) for writer in range(WRITERS)]
        await self.becomes(self.has_many, "comments are accepted")
        pids = [pid for pid, command in self.running.commands().items() if command]
        self.running.kill()
        for pid in pids:
            with suppress(ProcessLookupError):  # nginx's workers end with their master
                self.kill(pid)
        await asyncio.gather(*writing)
        await self.start_again()
        self.assertLessEqual(self.acknowledged, (await self.changes()).keys())
        await self.all_have(await self.written("After the end of everything"))

    async def start_again(self) -> None:
        """Start anew on what is left, and wait for those who had to connect again."""
        for follower in self.followers:
            follower.joined = []
        await asyncio.to_thread(self.running.start)
        await within(SECONDS, (follower.join() for follower in self.followers))
        await self.all_up()

    async def write_on(self, writer: int) -> None:
        """Write until nobody answers any more."""
        number = 0
        with suppress(*BROKEN):
            while (answer := await self.write(f"Comment {number} by {writer}")).code == 201:
                self.acknowledged.add(json.loads(answer.body)["id"])
                number += 1

    async def has_many(self) -> bool:
        return len(self.acknowledged) > 5 * WRITERS
