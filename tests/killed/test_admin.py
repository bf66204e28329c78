"""The admin process may block: nobody but its own visitors waits for it."""

import asyncio

from tests.killed.base import KilledTestCase, standing_still

CROWD = 60


class BlockedAdminTest(KilledTestCase):
    async def test_while_the_admin_blocks_pages_comments_and_live_events_go_on(self) -> None:
        await self.join(CROWD)
        with standing_still(self.pid("--admin")):
            for_staff = asyncio.ensure_future(self.visitor().fetch_async("GET", "/admin/"))
            for number in range(10):
                pages = await asyncio.gather(*(self.page() for _ in range(4)))
                self.assertEqual({page.n for page in pages}, {number})
                await self.all_have(await self.written(f"Comment {number}"))
            self.assertFalse(for_staff.done())
        self.assertEqual((await for_staff).code, 303)

    async def test_a_killed_admin_is_back_and_nobody_else_noticed(self) -> None:
        await self.join(CROWD)
        self.kill(self.pid("--admin"))
        await self.all_have(await self.written("One", "Two"))
        self.assertEqual({follower.losses for follower in self.followers}, {0})
        await self.all_up()
