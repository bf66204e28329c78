"""Leases in a real Redis, held by two clients as by two processes."""

import asyncio
import unittest

from lib.leases import Leases
from lib.redis import open_redis
from settings import redis_socket
from tests.base import data_folder

LIFE = 6_000


class LeasesTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        clients = [open_redis(f"unix://{redis_socket(data_folder())}?db=3") for _ in range(2)]
        await clients[0].flushdb()
        for client in clients:
            self.addAsyncCleanup(client.aclose)
        self.here, self.there = (Leases(client, "seat", LIFE) for client in clients)

    async def test_whoever_takes_a_lease_ends_that_of_its_holder(self) -> None:
        self.assertIsNone(await self.here.take("bo", "first", 0))
        self.assertEqual(await self.there.take("bo", "second", 10), "first")
        self.assertEqual(await self.here.holder("bo"), "second")
        await self.here.renew([("bo", "first")], 5_000)
        self.assertEqual(await self.here.expired(6_010), ["bo"])

    async def test_a_lease_that_is_renewed_does_not_expire(self) -> None:
        await self.here.take("bo", "first", 0)
        for now in (2_000, 4_000, 6_000):
            self.assertEqual(await self.here.renew([("bo", "first")], now), [])
        self.assertEqual(await self.there.expired(11_999), [])
        self.assertEqual(await self.there.expired(12_000), ["bo"])

    async def test_an_expired_lease_is_reported_until_it_is_settled_once_in_all_processes(self) -> None:
        await self.here.take("bo", "first", 0)
        for leases in (self.here, self.there):
            self.assertEqual(await leases.expired(7_000), ["bo"])
            self.assertFalse(await leases.is_held("bo", 7_000))
        both = await asyncio.gather(self.here.settle("bo", 7_000), self.there.settle("bo", 7_000))
        self.assertEqual((sorted(both), await self.there.expired(8_000)), ([False, True], []))

    async def test_a_lease_that_was_taken_meanwhile_is_not_settled(self) -> None:
        await self.here.take("bo", "first", 0)
        await self.here.expired(7_000)
        await self.there.take("bo", "second", 7_001)
        self.assertFalse(await self.here.settle("bo", 7_000))
        self.assertTrue(await self.here.is_held("bo", 7_000))

    async def test_its_holder_may_come_back_and_that_is_reported_once(self) -> None:
        await self.here.take("bo", "first", 0)
        await self.there.settle("bo", 6_000)
        self.assertEqual(await self.there.renew([("bo", "second")], 7_000), [])
        self.assertEqual(await self.here.renew([("bo", "first")], 7_000), ["bo"])
        self.assertEqual(await self.here.renew([("bo", "first")], 8_000), [])
        self.assertEqual(await self.here.expired(13_000), [])

    async def test_a_lease_is_shortened_by_its_holder_alone_and_never_prolonged(self) -> None:
        await self.here.take("bo", "first", 0)
        await self.there.shorten("bo", "second", 1_000)
        await self.here.shorten("bo", "first", 9_000)
        self.assertEqual(await self.here.expired(5_999), [])
        await self.here.shorten("bo", "first", 1_000)
        self.assertEqual(await self.here.expired(1_000), ["bo"])
