"""Channels: an event published by one process reaches the followers in all processes, over one Redis subscription each.

Redis stores no events. Every event carries a number, so that a client which missed one can ask for it. The guarantee: a
follower that got the answer n receives every event after n, or, if some were lost, a newer n. Publishers store the
change in MongoDB first (see the outbox in docs/architecture.md). handlers/live.py, models/pages.py and
models/outbox.py follow. Channels between processes may do without numbers (`unnumbered`).
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from lib.channels.channel import Channel, Event, Follower, Newest, NextEvent, unnumbered
from lib.channels.publishing import Publisher
from lib.channels.subscriber import LONGEST_PAUSE, Subscriber
from lib.json import dumps
from lib.redis import Away, open_redis

__all__ = ["Away", "Channels", "Event", "Follower", "Newest", "NextEvent", "unnumbered"]

PATIENCE = 1.0  # seconds to wait for Redis before going on without it
READS_AT_ONCE = 16
GOSSIP = "here"  # marks a message between processes: how many follow a channel in each

log = logging.getLogger(__name__)


class Channels:
    """The channels that this process follows. `server` is its unique name in the counts of followers."""

    def __init__(
        self, redis_url: str, server: str, *, seconds: Callable[[], float] = time.monotonic, tick: float = 1.0
    ) -> None:
        self._redis = open_redis(redis_url)
        self._prefix = (
            f"live{self._redis.connection_pool.connection_kwargs.get('db') or 0}:"  # pub/sub is not separated by db
        )
        self._publisher = Publisher(self._redis, self._prefix)
        self._server = server
        self._seconds = seconds
        self._tick = tick
        self._channels: dict[str, Channel] = {}
        self._followed: dict[Follower, set[str]] = {}
        self._subscriber = Subscriber(self._redis, self._prefix, self)
        self._gossip: dict[str, str] = {}  # by channel: the count to publish next
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_connected(self) -> bool:
        return self._subscriber.is_connected.is_set()

    def follows(self, name: str) -> bool:
        """Whether anybody in this process follows a channel."""
        return name in self._channels

    def followers(self, *except_for: str) -> int:
        """The number of followers in this process of any channel except these."""
        return sum(1 for names in self._followed.values() if names.difference(except_for))

    async def start(self) -> None:
        """Connects to Redis; retries in the background if it is away."""
        self._spawn(self._subscriber.run())
        self._spawn(self._count_forever())
        await _within(PATIENCE, self._subscriber.is_connected)

    async def close(self) -> None:
        """Tells other processes that nobody follows here any longer, and ends all tasks and connections."""
        self._gossip = {name: self._gossip_text(0) for name in self._channels}
        await self._publish_gossip()
        self._subscriber.is_connected.clear()  # so that the lost connection is not logged
        while self._tasks:  # cancel again: redis-py may turn a cancellation into a lost connection, which is retried
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=0.1)
        await self._redis.aclose()

    async def follow(self, name: str, follower: Follower, newest: Newest) -> int:
        """Follows a channel.

        Returns its newest number; the follower is sent every later event. Raises what `newest` raises.
        """
        channel = self._channel(name, newest)
        channel.waiting += 1
        self._followed.setdefault(follower, set()).add(name)
        try:
            while not channel.is_current(self._subscriber.connection):
                await asyncio.shield(self._reading(channel))
                if channel.confirmed is None:  # Redis is away; when it is back, `_send_newest` sends `followed`
                    break
            if name in self._followed.get(follower, ()):  # it may have left meanwhile
                channel.followers[follower] = None
                channel.here.has_newcomer = True
            return channel.n
        finally:
            channel.waiting -= 1
            if follower not in channel.followers:
                self.leave(name, follower)

    def leave(self, name: str, follower: Follower) -> None:
        names = self._followed.get(follower, set())
        names.discard(name)
        if not names:
            self._followed.pop(follower, None)
        channel = self._channels.get(name)
        if channel is not None:
            channel.followers.pop(follower, None)
            self._remove_abandoned(channel)

    def leave_all(self, follower: Follower) -> None:
        for name in list(self._followed.get(follower, ())):
            self.leave(name, follower)

    async def publish(self, *events: Event | NextEvent) -> None:
        """Publishes events to the followers in all processes. Raises one of `Away` if some were not published."""
        await self._publisher.publish(*events)

    def message(self, event: Event) -> tuple[str, str]:
        """The Redis channel and the text of an event, for a script that publishes it in one step with a change."""
        return self._publisher.message(event)

    def _channel(self, name: str, newest: Newest) -> Channel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name, newest)
            self._subscriber.update(name)
        channel.newest = newest
        return channel

    def _remove_abandoned(self, channel: Channel) -> None:
        if channel.is_abandoned and self._channels.get(channel.name) is channel:
            del self._channels[channel.name]
            self._subscriber.update(channel.name)
            if channel.here.gossiped:
                self._gossip[channel.name] = self._gossip_text(0)

    # Reading the newest number, after the subscription is confirmed

    def _reading(self, channel: Channel) -> "asyncio.Task[None]":
        """Single-flight: returns the read in flight, or starts one."""
        if channel.reading is None or channel.reading.done():
            channel.reading = asyncio.create_task(self._read(channel))
            channel.reading.add_done_callback(lambda done: done.cancelled() or done.exception())  # marks it as seen
        return channel.reading

    async def _read(self, channel: Channel) -> None:
        if self.is_connected:
            await _within(PATIENCE, channel.confirmation)
        while True:
            confirmed = channel.confirmed
            async with self._reads:
                channel.n = max(await channel.newest(), channel.n)
            # If Redis has reconnected meanwhile, this number may be too old.
            if channel.confirmed in (None, confirmed):
                channel.read = confirmed
                return

    async def _send_newest(self, channel: Channel) -> None:
        """Sends followers the newest number after a reconnection, so that they can ask for what they missed."""
        while channel.confirmed == self._subscriber.connection:
            try:
                await asyncio.shield(self._reading(channel))
            except Exception:
                log.warning("Could not read the newest number of %s", channel.name, exc_info=True)
                await asyncio.sleep(random.uniform(0.5, 1) * LONGEST_PAUSE)
            else:
                return await channel.send(dumps({"type": "followed", "channel": channel.name, "n": channel.n}))

    # Called by the subscriber

    @property
    def names(self) -> Collection[str]:
        return self._channels.keys()

    def confirmed(self, name: str) -> None:
        channel = self._channels.get(name)
        if channel is None:
            return
        channel.confirmed = self._subscriber.connection
        channel.confirmation.set()
        self._gossip[name] = self._gossip_text(len(channel.followers), is_asking=True)
        self._spawn(self._publish_gossip())
        if channel.followers:
            self._spawn(self._send_newest(channel))

    def lost(self) -> None:
        for channel in self._channels.values():
            channel.confirmed = None
            channel.confirmation.clear()

    async def received(self, name: str, text: str) -> None:
        """Sends every event on.

        Numbers may arrive out of order: a process may publish 12 before another publishes 11.
        """
        channel = self._channels.get(name)
        if channel is None:
            return
        number, _, event = text.partition("\n")
        if number.isdecimal():
            channel.n = max(channel.n, int(number))
            await channel.send(event)
        elif number == GOSSIP:
            self._receive_gossip(channel, event)

    # Counting followers: each process publishes its own count, and adds up those of the others

    def _gossip_text(self, count: int, is_asking: bool = False) -> str:
        return f"{GOSSIP}\n{self._server} {count} {int(is_asking)}"

    def _receive_gossip(self, channel: Channel, text: str) -> None:
        server, count, is_asking = text.rsplit(" ", 2)
        if server == self._server:
            return
        channel.here.received(server, int(count), self._seconds())
        if is_asking == "1":
            self._gossip[channel.name] = self._gossip_text(len(channel.followers))
            self._spawn(self._publish_gossip())

    async def _count_forever(self) -> None:
        while True:
            await asyncio.sleep(self._tick)
            try:
                for channel in list(self._channels.values()):
                    await self._count(channel)
                await self._publish_gossip()
            except Exception:
                log.exception("Counting who is here failed")

    async def _count(self, channel: Channel) -> None:
        here, own, now = channel.here, len(channel.followers), self._seconds()
        if here.is_gossip_due(own, now):
            here.gossiped, here.gossiped_at = own, now
            self._gossip[channel.name] = self._gossip_text(own)
        total = here.total(own, now)
        if here.is_due(own, total, now):
            here.sent, here.sent_at, here.has_newcomer = total, now, False
            await channel.send(dumps({"type": "here", "channel": channel.name, "count": total}))

    async def _publish_gossip(self) -> None:
        gossip, self._gossip = self._gossip, {}
        if not gossip or not self.is_connected:
            return
        try:
            async with asyncio.timeout(PATIENCE), self._redis.pipeline(transaction=False) as pipe:
                for name, text in gossip.items():
                    pipe.publish(self._prefix + name, text)
                await pipe.execute()
        except Away:
            pass  # counts are published again within seconds

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Waits for an event, at most so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
