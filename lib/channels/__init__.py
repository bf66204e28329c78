"""Channels: what happens in one process reaches whoever follows it in any other, over one Redis subscription each.

Redis keeps nothing of it. Every event carries its number, so that a client which missed one asks for what it lacks; this
module promises only that whoever was answered n hears of everything after n, or is told a newer n when that was lost.
Whoever publishes puts the change in MongoDB first (see "Told" in docs/decisions.md).
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from lib.channels.channel import Channel, Event, Follower, Newest, NextEvent
from lib.channels.hearing import LONGEST_PAUSE, Hearing
from lib.channels.publishing import Publisher
from lib.json import dumps
from lib.redis import Away, open_redis

__all__ = ["Away", "Channels", "Event", "Follower", "Newest", "NextEvent"]

PATIENCE = (
    1.0  # seconds that a follower waits for Redis before the answer is read without it, or that counts wait for it
)
READS_AT_ONCE = 16
GOSSIP = "here"

log = logging.getLogger(__name__)


class Channels:
    """What this process follows. `server` is its name among the others, for their counts of who is here."""

    def __init__(
        self, redis_url: str, server: str, *, seconds: Callable[[], float] = time.monotonic, tick: float = 1.0
    ) -> None:
        self._redis = open_redis(redis_url)
        self._prefix = f"live{self._redis.connection_pool.connection_kwargs.get('db') or 0}:"  # pub/sub knows no db
        self._publisher = Publisher(self._redis, self._prefix)
        self._server = server
        self._seconds = seconds
        self._tick = tick
        self._channels: dict[str, Channel] = {}
        self._followed: dict[Follower, set[str]] = {}
        self._hearing = Hearing(self._redis, self._prefix, self)
        self._gossip: dict[str, str] = {}
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_connected(self) -> bool:
        return self._hearing.is_connected.is_set()

    def follows(self, name: str) -> bool:
        """Whether this process follows a channel already."""
        return name in self._channels

    def followers(self, *but: str) -> int:
        """How many follow something through this process, other than these channels."""
        return sum(1 for names in self._followed.values() if names.difference(but))

    async def start(self) -> None:
        """Connect, and go on trying in the background where Redis is away."""
        self._spawn(self._hearing.go_on())
        self._spawn(self._keep_counting())
        await _within(PATIENCE, self._hearing.is_connected)

    async def close(self) -> None:
        self._gossip = {name: self._counted(0) for name in self._channels}
        await self._pass_gossip_on()
        self._hearing.is_connected.clear()  # what is lost from now on is no news
        while self._tasks:  # redis-py may turn a cancellation into a lost connection, from which a loop goes on
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=0.1)
        await self._redis.aclose()

    async def follow(self, name: str, follower: Follower, newest: Newest) -> int:
        """Follow a channel. Returns the number of its newest change; the follower is sent every later one."""
        channel = self._channel(name, newest)
        channel.waiting += 1
        self._followed.setdefault(follower, set()).add(name)
        try:
            while not channel.is_current(self._hearing.number):
                await asyncio.shield(self._reading(channel))
                if channel.confirmed is None:  # Redis is away: `followed` is told again when it is back
                    break
            if name in self._followed.get(follower, ()):  # it may have left while it waited
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
            self._forget_abandoned(channel)

    def leave_all(self, follower: Follower) -> None:
        for name in list(self._followed.get(follower, ())):
            self.leave(name, follower)

    async def publish(self, *events: Event | NextEvent) -> None:
        """Tell everybody who follows, in all processes, of these changes. Raises one of `Away` if it could not."""
        await self._publisher.publish(*events)

    def _channel(self, name: str, newest: Newest) -> Channel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name, newest)
            self._hearing.change(name)
        channel.newest = newest
        return channel

    def _forget_abandoned(self, channel: Channel) -> None:
        if channel.is_abandoned and self._channels.get(channel.name) is channel:
            del self._channels[channel.name]
            self._hearing.change(channel.name)
            if channel.here.gossiped:
                self._gossip[channel.name] = self._counted(0)

    # Reading the newest number: one read for all who ask at the same time, begun after the subscription is confirmed.

    def _reading(self, channel: Channel) -> "asyncio.Task[None]":
        if channel.reading is None or channel.reading.done():
            channel.reading = asyncio.create_task(self._read(channel))
            channel.reading.add_done_callback(lambda done: done.cancelled() or done.exception())  # those who wait know
        return channel.reading

    async def _read(self, channel: Channel) -> None:
        if self.is_connected:
            await _within(PATIENCE, channel.confirmation)
        while True:
            confirmed = channel.confirmed
            async with self._reads:
                channel.n = max(await channel.newest(), channel.n)
            if channel.confirmed in (None, confirmed):  # else Redis came back meanwhile: what we read may be too old
                channel.read = confirmed
                return

    async def _tell_again(self, channel: Channel) -> None:
        """Tell those who followed while Redis was away how far things have gone, so that they catch up."""
        while channel.confirmed == self._hearing.number:
            try:
                await asyncio.shield(self._reading(channel))
            except Exception:
                log.warning("Could not read the newest number of %s", channel.name, exc_info=True)
                await asyncio.sleep(random.uniform(0.5, 1) * LONGEST_PAUSE)
            else:
                return await channel.tell(dumps({"type": "followed", "channel": channel.name, "n": channel.n}))

    # What the subscription hears

    @property
    def names(self) -> Collection[str]:
        return self._channels.keys()

    def confirmed(self, name: str) -> None:
        channel = self._channels.get(name)
        if channel is None:
            return
        channel.confirmed = self._hearing.number
        channel.confirmation.set()
        self._gossip[name] = self._counted(len(channel.followers), is_asking=True)
        self._spawn(self._pass_gossip_on())
        if channel.followers:
            self._spawn(self._tell_again(channel))

    def lost(self) -> None:
        for channel in self._channels.values():
            channel.confirmed = None
            channel.confirmation.clear()

    async def heard(self, name: str, text: str) -> None:
        """Numbers need not rise: of two processes the later may publish first. So nothing is left out, only remembered."""
        channel = self._channels.get(name)
        if channel is None:
            return
        number, _, event = text.partition("\n")
        if number.isdecimal():
            channel.n = max(channel.n, int(number))
            await channel.tell(event)
        elif number == GOSSIP:
            self._hear_gossip(channel, event)

    # Who is here: each process tells the others how many follow it, and they add up.

    def _counted(self, count: int, is_asking: bool = False) -> str:
        return f"{GOSSIP}\n{self._server} {count} {int(is_asking)}"

    def _hear_gossip(self, channel: Channel, text: str) -> None:
        server, count, is_asking = text.rsplit(" ", 2)
        if server == self._server:
            return
        channel.here.heard(server, int(count), self._seconds())
        if is_asking == "1":
            self._gossip[channel.name] = self._counted(len(channel.followers))
            self._spawn(self._pass_gossip_on())

    async def _keep_counting(self) -> None:
        while True:
            await asyncio.sleep(self._tick)
            try:
                for channel in list(self._channels.values()):
                    await self._count(channel)
                await self._pass_gossip_on()
            except Exception:
                log.exception("Counting who is here failed")

    async def _count(self, channel: Channel) -> None:
        here, own, now = channel.here, len(channel.followers), self._seconds()
        if here.is_gossip_due(own, now):
            here.gossiped, here.gossiped_at = own, now
            self._gossip[channel.name] = self._counted(own)
        total = here.total(own, now)
        if here.is_due(own, total, now):
            here.told, here.told_at, here.has_newcomer = total, now, False
            await channel.tell(dumps({"type": "here", "channel": channel.name, "count": total}))

    async def _pass_gossip_on(self) -> None:
        gossip, self._gossip = self._gossip, {}
        if not gossip or not self.is_connected:
            return
        try:
            async with asyncio.timeout(PATIENCE), self._redis.pipeline(transaction=False) as pipe:
                for name, text in gossip.items():
                    pipe.publish(self._prefix + name, text)
                await pipe.execute()
        except Away:
            pass  # counts are told again within seconds

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
