"""A blocked or killed admin process affects only its own visitors."""

import asyncio

from tests.killed.base import KilledTestCase, standing_still

CROWD = 60


class BlockedAdminTest(KilledTestCase):
    async def test_a_blocked_admin_process_delays_no_pages_comments_or_events(self) -> None:
        await self.join(CROWD)
        with standing_still(self.pid("--admin")):
            for_staff = asyncio.ensure_future(self.visitor().fetch_async("GET", "/admin/"))
            for number in range(10):
                pages = await asyncio.gather(*(self.page() for _ in range(4)))
                self.assertEqual({page.n for page in pages}, {number})
                await self.all_have(await self.written(f"Comment {number}"))
            self.assertFalse(for_staff.done())
        self.assertEqual((await for_staff).code, 303)

    async def test_a_killed_admin_process_is_restarted_and_visitors_are_not_affected(self) -> None:
        await self.join(CROWD)
        self.kill(self.pid("--admin"))
        await self.all_have(await self.written("One", "Two"))
        self.assertEqual({follower.losses for follower in self.followers}, {0})
        await self.all_up()
