"""Channels of several processes over a real Redis: who hears what, in which order, and after which mishaps."""

import asyncio
import json
import unittest

from lib.channels import Away, Channels, Event, NextEvent
from tests.lib.redis_server import RedisServer


class Listener:
    """Follows, and keeps what it was sent."""

    def __init__(self):
        self.sent = []

    def send(self, text):
        self.sent.append(json.loads(text))

    def of(self, kind):
        return [message for message in self.sent if message["type"] == kind]

    @property
    def numbers(self):
        return [message["n"] for message in self.of("event")]

    @property
    def count(self):
        return ([0] + [message["count"] for message in self.of("here")])[-1]


class Log:
    """Stands in for MongoDB: the newest number of a channel, and how often it was read."""

    def __init__(self, n=0):
        self.n = n
        self.reads = 0
        self.is_away = False

    async def newest(self):
        self.reads += 1
        n = self.n
        await asyncio.sleep(0.005)
        if self.is_away:
            raise OSError("MongoDB is away")
        return n


class ChannelsTestCase(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = RedisServer()

    @classmethod
    def tearDownClass(cls):
        cls.redis.close()

    async def asyncSetUp(self):
        self.now = 1000.0
        self.one, self.two = [await self.process(name) for name in ("8001", "8002")]
        self.log = Log(3)

    async def process(self, name):
        channels = Channels(self.redis.url, name, seconds=lambda: self.now, tick=0.02)
        await channels.start()
        self.addAsyncCleanup(channels.close)
        return channels

    async def until(self, condition, seconds=8):
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    async def following(self, channels, name="c", follower=None):
        follower = follower or Listener()
        await channels.follow(name, follower, self.log.newest)
        return follower

    async def write(self, channels, n, name="c"):
        self.log.n = max(self.log.n, n)
        await channels.publish(Event(name, n, {"change": n}))

    def subscribed(self):
        with self.redis.client() as redis:
            return redis.pubsub_channels()


class TestEvents(ChannelsTestCase):
    async def test_an_event_reaches_followers_in_every_process(self):
        followers = [await self.following(channels) for channels in (self.one, self.two, self.two)]
        await self.write(self.one, 4)
        await self.until(lambda: all(follower.numbers for follower in followers))
        expected = {"type": "event", "channel": "c", "n": 4, "data": {"change": 4}}
        self.assertEqual([follower.of("event") for follower in followers], [[expected]] * 3)

    async def test_only_those_who_follow_that_channel_hear_it(self):
        other = await self.following(self.two, "other")
        follower = await self.following(self.two)
        await self.write(self.one, 4)
        await self.until(lambda: follower.numbers)
        self.assertEqual(other.numbers, [])

    async def test_events_arrive_in_the_order_in_which_they_were_told(self):
        followers = [await self.following(self.two) for _ in range(200)]
        for n in range(4, 104):
            await self.write(self.one, n)
        await self.until(lambda: all(len(follower.numbers) == 100 for follower in followers))
        self.assertTrue(all(follower.numbers == list(range(4, 104)) for follower in followers))

    async def test_no_change_is_lost_if_a_later_one_is_published_first_or_one_twice(self):
        follower = await self.following(self.two)
        for n in (5, 4, 5):
            await self.write(self.one, n)
        await self.until(lambda: len(follower.numbers) == 3)
        self.assertEqual(follower.numbers, [5, 4, 5])

    async def test_events_under_the_next_number_of_a_counter_arrive_in_order_from_however_many_processes(self):
        follower = await self.following(self.two)
        events = [NextEvent("c", "count", {"of": n}) for n in range(50)]
        await asyncio.gather(*(each.publish(event) for event in events for each in (self.one, self.two)))
        await self.until(lambda: len(follower.numbers) == 100)
        self.assertEqual(follower.numbers, list(range(1, 101)))
        self.assertEqual(sorted(event["data"]["of"] for event in follower.of("event")), sorted([*range(50)] * 2))

    async def test_a_redis_that_cannot_count_any_more_says_so_and_publishes_what_needs_no_count(self):
        follower = await self.following(self.two)
        with self.redis.client() as redis:
            redis.config_set("maxmemory", 1)
            try:
                with self.assertRaises(Away):
                    await self.one.publish(Event("c", 4, {}), NextEvent("c", "count", {}), Event("c", 5, {}))
            finally:
                redis.config_set("maxmemory", 0)
        await self.until(lambda: follower.numbers == [4, 5])

    async def test_two_changes_of_one_event_loop_apart_from_each_other(self):
        """Two Channels in one interpreter share nothing."""
        mine, theirs = await self.following(self.one), await self.following(self.two)
        self.one.leave("c", mine)
        await self.write(self.one, 4)
        await self.until(lambda: theirs.numbers)
        self.assertEqual(mine.numbers, [])

    async def test_a_follower_that_raises_harms_nobody(self):
        class Broken(Listener):
            def send(self, text):
                raise ValueError

        await self.following(self.one, follower=Broken())
        follower = await self.following(self.one)
        with self.assertLogs("lib.channels", "ERROR"):
            await self.write(self.one, 4)
            await self.until(lambda: follower.numbers)


class TestFollowing(ChannelsTestCase):
    async def test_the_answer_is_the_newest_number(self):
        self.assertEqual(await self.one.follow("c", Listener(), self.log.newest), 3)

    async def test_the_subscription_is_confirmed_before_the_number_is_read(self):
        seen = []

        async def newest():
            seen.extend(self.subscribed())
            return 3

        await self.one.follow("c", Listener(), newest)
        self.assertEqual(seen, ["live0:c"])

    async def test_a_change_between_reading_and_answering_is_in_the_answer(self):
        async def newest():
            await self.write(self.two, 4)
            await asyncio.sleep(0.05)
            return 3

        self.assertEqual(await self.one.follow("c", Listener(), newest), 4)

    async def test_who_follows_later_is_answered_from_memory(self):
        first = await self.following(self.one)
        await self.write(self.two, 7)
        await self.until(lambda: first.numbers)
        self.assertEqual(await self.one.follow("c", Listener(), self.log.newest), 7)
        self.assertEqual(self.log.reads, 1)

    async def test_many_who_follow_first_at_once_share_one_read(self):
        answers = await asyncio.gather(*(self.one.follow("c", Listener(), self.log.newest) for _ in range(100)))
        self.assertEqual((answers, self.log.reads), ([3] * 100, 1))

    async def test_a_failed_read_is_raised_to_all_who_wait_and_leaves_nothing(self):
        self.log.is_away = True
        asked = [self.one.follow("c", Listener(), self.log.newest) for _ in range(3)]
        self.assertEqual([type(error) for error in await asyncio.gather(*asked, return_exceptions=True)], [OSError] * 3)
        self.assertEqual((self.one._channels, self.one._followed), ({}, {}))
        self.log.is_away = False
        self.assertEqual(await self.one.follow("c", Listener(), self.log.newest), 3)

    async def test_a_follower_that_gives_up_waiting_harms_nobody_else(self):
        given_up = asyncio.create_task(self.one.follow("c", Listener(), self.log.newest))
        patient = asyncio.create_task(self.one.follow("c", Listener(), self.log.newest))
        await asyncio.sleep(0)
        given_up.cancel()
        self.assertEqual(await patient, 3)
        self.assertEqual(len(self.one._followed), 1)

    async def test_a_follower_that_leaves_while_it_waits_does_not_follow(self):
        follower = Listener()
        asked = asyncio.create_task(self.one.follow("c", follower, self.log.newest))
        await asyncio.sleep(0)
        self.one.leave_all(follower)
        await asked
        self.assertEqual((self.one._channels, self.one._followed), ({}, {}))

    async def test_following_twice_is_following_once(self):
        follower = await self.following(self.one)
        await self.following(self.one, follower=follower)
        await self.write(self.two, 4)
        await self.until(lambda: follower.numbers)
        await asyncio.sleep(0.05)
        self.assertEqual(follower.numbers, [4])

    async def test_leaving_and_coming_back_at_once_misses_nothing(self):
        """Confirmations of an earlier subscription must not pass for one of the present."""
        follower = await self.following(self.one)
        for n in range(4, 104):
            self.one.leave("c", follower)
            answer = asyncio.create_task(self.one.follow("c", follower, self.log.newest))
            if n % 3:
                await asyncio.sleep(0)
            await self.write(self.two, n)
            known = await answer
            await self.until(lambda known=known, n=n: known >= n or n in follower.numbers, 2)


class TestLeaving(ChannelsTestCase):
    async def test_a_thousand_who_leave_at_once_leave_nothing_behind(self):
        followers = [Listener() for _ in range(1000)]
        follows = [
            self.one.follow(name, follower, self.log.newest)
            for place, follower in enumerate(followers)
            for name in (f"comments:{place}", f"comments:{place // 10}", "lobby")
        ]
        await asyncio.gather(*follows)
        self.assertEqual(len(self.subscribed()), 1001)
        for follower in followers:
            self.one.leave_all(follower)
        await self.until(lambda: not self.subscribed() and not self.one._gossip)
        state = (
            self.one._channels,
            self.one._followed,
            self.one._subscriber._changed,
            dict(self.one._subscriber._unconfirmed),
            self.one._gossip,
        )
        self.assertEqual(state, ({}, {}, set(), {}, {}))
        self.assertEqual(len(self.one._tasks), 2)
        with self.redis.client() as redis:
            self.assertEqual(redis.keys("*"), [])

    async def test_leaving_what_one_never_followed_does_nothing(self):
        self.one.leave("c", Listener())
        self.one.leave_all(Listener())
        self.assertEqual((self.one._channels, self.one._followed), ({}, {}))


class TestHere(ChannelsTestCase):
    async def counting(self, condition):
        async with asyncio.timeout(8):
            while not condition():
                self.now += 0.5
                await asyncio.sleep(0.02)

    async def test_all_are_told_how_many_follow_in_all_processes(self):
        followers = [await self.following(channels) for channels in (self.one, self.one, self.two)]
        await self.counting(lambda: all(follower.count == 3 for follower in followers))
        self.two.leave_all(followers[2])
        await self.counting(lambda: all(follower.count == 2 for follower in followers[:2]))
        self.assertEqual(followers[0].of("here")[-1], {"type": "here", "channel": "c", "count": 2})

    async def test_they_are_told_at_most_once_a_second(self):
        follower = await self.following(self.one)
        await self.until(lambda: follower.count == 1)
        for _ in range(20):
            await self.following(self.one)
            await asyncio.sleep(0.01)
        self.assertEqual(len(follower.of("here")), 1)
        self.now += 1
        await self.until(lambda: follower.count == 21)
        self.assertEqual(len(follower.of("here")), 2)

    async def test_a_new_follower_gets_the_count_even_if_it_is_the_same(self):
        gone = await self.following(self.one)
        await self.counting(lambda: gone.count == 1)
        newcomer = await self.following(self.one)
        self.one.leave_all(gone)
        await self.counting(lambda: newcomer.count == 1)

    async def test_a_process_that_follows_anew_learns_the_others_counts_at_once(self):
        for _ in range(5):
            await self.following(self.one)
        newcomer = await self.following(self.two)
        await self.until(lambda: self.two._channels["c"].here.elsewhere)  # the clock stands still: nothing was due
        self.now += 1
        await self.until(lambda: newcomer.count == 6)

    async def test_the_count_of_a_process_that_died_expires_after_30_seconds(self):
        follower = await self.following(self.one)
        await self.following(self.two)
        await self.counting(lambda: follower.count == 2)
        while self.two._tasks:  # without a word, unlike `close`
            for task in self.two._tasks:
                task.cancel()
            await asyncio.sleep(0.05)
        self.now += 15
        await asyncio.sleep(0.1)
        self.assertEqual(follower.count, 2)
        self.now += 16
        await self.until(lambda: follower.count == 1)

    async def test_counts_are_kept_alive_while_nothing_changes(self):
        follower = await self.following(self.one)
        await self.following(self.two)
        await self.counting(lambda: follower.count == 2)
        for _ in range(20):
            self.now += 5
            await asyncio.sleep(0.05)
        self.assertEqual(follower.count, 2)


class TestLosingRedis(ChannelsTestCase):
    def tearDown(self):
        if self.redis.process.poll() is not None:
            self.redis.start()

    async def lose(self):
        self.redis.kill()
        with self.assertLogs("lib.channels", "WARNING"):
            await self.until(lambda: not self.one.is_connected and not self.two.is_connected)

    async def find(self):
        await asyncio.to_thread(self.redis.start)
        await self.until(lambda: self.one.is_connected and self.two.is_connected)

    async def test_after_a_kill_followers_are_told_the_newest_number_again_and_then_hear_events(self):
        followers = [await self.following(channels) for channels in (self.one, self.two, self.two)]
        await self.lose()
        self.log.n = 9
        await self.find()
        await self.until(lambda: all(follower.of("followed") for follower in followers))
        self.assertEqual(followers[2].of("followed"), [{"type": "followed", "channel": "c", "n": 9}])
        await self.write(self.one, 10)
        await self.until(lambda: all(follower.numbers == [10] for follower in followers))

    async def test_no_change_is_lost_when_redis_is_killed_amid_them(self):
        follower = await self.following(self.two)
        for n in range(4, 64):
            if n == 20:
                self.redis.kill()
            if n == 40:
                await asyncio.to_thread(self.redis.start)
            try:
                await self.write(self.one, n)
            except Away:
                pass
            await asyncio.sleep(0.01)
        await self.find_again()
        known = max(message["n"] for message in follower.sent if "n" in message)
        self.assertEqual(known, 63)
        caught_up = max(message["n"] for message in follower.of("followed"))
        self.assertTrue(set(range(caught_up + 1, 64)) <= set(follower.numbers))

    async def find_again(self):
        await self.until(lambda: self.one.is_connected and self.two.is_connected)
        await asyncio.sleep(0.2)

    async def test_who_follows_while_redis_is_away_is_answered_and_told_again_later(self):
        await self.lose()
        follower = Listener()
        async with asyncio.timeout(0.5):
            self.assertEqual(await self.one.follow("c", follower, self.log.newest), 3)
        self.log.n = 4
        self.assertEqual(await self.one.follow("c", Listener(), self.log.newest), 4)
        self.assertFalse(self.one.is_connected)
        await self.find()
        await self.until(lambda: follower.of("followed"))
        await self.write(self.two, 5)
        await self.until(lambda: follower.numbers == [5])

    async def test_telling_again_waits_for_mongodb_too(self):
        follower = await self.following(self.one)
        await self.lose()
        self.log.is_away = True
        with self.assertLogs("lib.channels", "WARNING"):
            await self.find()
            await asyncio.sleep(0.1)
        self.log.is_away, self.log.n = False, 12
        await self.until(lambda: follower.of("followed"))
        self.assertEqual(follower.of("followed")[-1]["n"], 12)

    async def test_publishing_says_that_redis_is_away(self):
        await self.lose()
        with self.assertRaises(Away):
            await self.one.publish(Event("c", 4, {}))
        await self.find()
        await self.one.publish(Event("c", 4, {}))

    async def test_a_start_without_redis_goes_on_trying(self):
        self.redis.kill()
        late = await self.process("8003")
        self.assertFalse(late.is_connected)
        await asyncio.to_thread(self.redis.start)
        await self.until(lambda: late.is_connected)
        self.assertEqual(await late.follow("c", Listener(), self.log.newest), 3)

    async def test_a_leaver_while_redis_is_away_is_not_subscribed_again(self):
        follower = await self.following(self.one)
        await self.lose()
        self.one.leave_all(follower)
        await self.find()
        await asyncio.sleep(0.1)
        self.assertEqual(self.subscribed(), [])


class TestHangingRedis(ChannelsTestCase):
    """Redis takes connections and commands, and answers nothing."""

    async def test_who_follows_is_answered_and_catches_up_once_redis_goes_on(self):
        known = await self.following(self.two)
        follower, late = Listener(), Listener()
        with self.redis.hanging():
            async with asyncio.timeout(3):
                self.assertEqual(await self.one.follow("c", follower, self.log.newest), 3)
                with self.assertRaises(Away):
                    async with asyncio.timeout(0.5):  # as models/comments does
                        await self.write(self.one, 4)
                self.assertEqual(await self.one.follow("c", late, self.log.newest), 4)
        await self.until(lambda: follower.of("followed") and late.of("followed"))
        self.assertEqual(follower.of("followed")[-1]["n"], 4)
        await self.write(self.one, 4)  # again, by the worker
        await self.until(lambda: all(each.numbers[-1:] == [4] for each in (known, follower, late)))

    async def test_a_process_stops_without_waiting_for_it(self):
        await self.following(self.one)
        await self.write(self.one, 4)  # on a connection that is kept
        with self.redis.hanging():
            async with asyncio.timeout(4):
                await self.one.close()
