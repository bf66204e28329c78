"""First supervisor is killed, so that no process is restarted; then every process is killed."""

import asyncio
import json
from contextlib import suppress

from tests.follower import BROKEN
from tests.killed.base import SECONDS, KilledTestCase, within

CROWD = 60
WRITERS = 6


class KilledEverythingTest(KilledTestCase):
    async def test_the_site_works_without_supervisor_and_bin_run(self) -> None:
        await self.join(CROWD)
        self.running.kill()
        self.kill(self.pid("supervisord"))
        await self.all_have(await self.written("Unwatched, one", "Unwatched, two"))
        self.assertEqual({follower.losses for follower in self.followers}, {0})
        await self.start_again()
        await self.all_have(await self.written("Watched again"))

    async def test_after_everything_was_killed_a_start_brings_back_all_acknowledged_comments(self) -> None:
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
        """Starts the stack again and waits until all followers have reconnected."""
        for follower in self.followers:
            follower.joined = []
        await asyncio.to_thread(self.running.start)
        await within(SECONDS, (follower.join() for follower in self.followers))
        await self.all_up()

    async def write_on(self, writer: int) -> None:
        """Posts comments until there is no answer."""
        number = 0
        with suppress(*BROKEN):
            while (answer := await self.write(f"Comment {number} by {writer}")).code == 201:
                self.acknowledged.add(json.loads(answer.body)["id"])
                number += 1

    async def has_many(self) -> bool:
        return len(self.acknowledged) > 5 * WRITERS
