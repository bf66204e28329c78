"""A thousand simultaneous disconnects leave no connections, files or memory in processes, nginx and Redis."""

import asyncio
from pathlib import Path

from tests.killed.base import IS_LONG, SECONDS, KilledTestCase, resident, within

CROWD = 1000
ROUNDS = 20 if IS_LONG else 3
MEGABYTE = 1024 * 1024
GROWTH = 15 * MEGABYTE  # in all later rounds together; leaking a thousand connections would take more in each round
SPARE = 150  # sockets: nginx keeps some connections alive


class LeavingTest(KilledTestCase):
    async def test_a_thousand_simultaneous_disconnects_leave_no_connections_or_memory(self) -> None:
        await self.written("Something to follow")
        pids = [self.pid(f"--port={port}") for port in self.public_ports]
        keys, files = await self.site.tools.redis.dbsize(), self.open_files(pids)
        sizes = []
        for _ in range(ROUNDS):
            await self.come_and_go()
            await self.becomes(self.is_nobody_there, "no process and no Redis counts them")
            self.assertLessEqual(await self.site.tools.redis.dbsize(), keys)
            await self.becomes(lambda: self.has_closed(pids, files), "their sockets are closed")
            sizes.append([resident(pid) for pid in pids])
        for first, last in zip(sizes[0], sizes[-1], strict=True):
            self.assertLess(last - first, GROWTH)

    async def come_and_go(self) -> None:
        """Half of the followers close their connections and half disappear, all at once."""
        await self.join(CROWD)
        self.assertEqual(sum([await self.connections(port) for port in self.public_ports]), CROWD)
        self.assertEqual(await self.subscribers(), 3)
        leaving, self.followers = self.followers, []
        polite, sudden = leaving[::2], leaving[1::2]
        works = [follower.disconnect() for follower in polite] + [follower.vanish() for follower in sudden]
        await within(SECONDS, works)
        for follower in leaving:
            self.assertEqual((follower.faults, follower.losses), ([], 0))

    async def subscribers(self) -> int:
        """The number of processes subscribed to the post's channel."""
        ((_, number),) = await self.site.tools.redis.pubsub_numsub(f"live0:{self.post.channel}")
        return int(number)

    async def is_nobody_there(self) -> bool:
        counts = await asyncio.gather(*(self.connections(port) for port in self.public_ports))
        return (
            not any(counts)
            and not await self.subscribers()
            and not await self.site.tools.redis.pubsub_channels("*comments:*")
        )

    async def has_closed(self, pids: list[int], before: int) -> bool:
        return self.open_files(pids) <= before + SPARE

    def open_files(self, pids: list[int]) -> int:
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
