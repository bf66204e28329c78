"""Channels: what happens in one process reaches whoever follows it in any other, over one Redis subscription each.

Redis keeps nothing of it. Every event carries its number, so that a client which missed one asks for what it lacks; this
module promises only that whoever was answered n hears of everything after n, or is told a newer n when that was lost.
Whoever publishes puts the change in MongoDB first (see `told` in docs/architecture.md).
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from lib.channels.channel import Channel, Event, Follower, Newest
from lib.json import dumps
from lib.redis import Away, Subscription, open_redis

__all__ = ["Away", "Channels", "Event", "Follower", "Newest"]

PATIENCE = 1.0  # seconds that a follower waits for Redis before the answer is read without it
LONGEST_PAUSE = 2.0  # seconds between attempts to reach Redis
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
        self._server = server
        self._seconds = seconds
        self._tick = tick
        self._channels: dict[str, Channel] = {}
        self._followed: dict[Follower, set[str]] = {}
        self._connection = 0  # counts connections to Redis
        self._is_connected = asyncio.Event()
        self._changed: set[str] = set()  # names whose subscription is to be brought in line with `_channels`
        self._has_changed = asyncio.Event()
        self._unconfirmed: Counter[str] = Counter()
        self._gossip: dict[str, str] = {}
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_connected(self) -> bool:
        return self._is_connected.is_set()

    def follows(self, name: str) -> bool:
        """Whether this process follows a channel already."""
        return name in self._channels

    def followers(self, but: str = "") -> int:
        """How many follow something through this process, other than the channel `but`."""
        return sum(1 for names in self._followed.values() if names - {but})

    async def start(self) -> None:
        """Connect, and go on trying in the background where Redis is away."""
        self._spawn(self._stay_connected())
        self._spawn(self._keep_counting())
        await _within(PATIENCE, self._is_connected)

    async def close(self) -> None:
        self._gossip = {name: self._counted(0) for name in self._channels}
        await self._pass_gossip_on()
        self._is_connected.clear()  # what is lost from now on is no news
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
            while not channel.is_current(self._connection):
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

    async def publish(self, *events: Event) -> None:
        """Tell everybody who follows, in all processes, of these changes. Raises one of `Away` if it could not."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for event in events:
                pipe.publish(self._prefix + event.channel, f"{event.n}\n{dumps({'type': 'event', **event._asdict()})}")
            await pipe.execute()

    def _channel(self, name: str, newest: Newest) -> Channel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name, newest)
            self._change(name)
        channel.newest = newest
        return channel

    def _forget_abandoned(self, channel: Channel) -> None:
        if channel.is_abandoned and self._channels.get(channel.name) is channel:
            del self._channels[channel.name]
            self._change(channel.name)
            if channel.here.gossiped:
                self._gossip[channel.name] = self._counted(0)

    def _change(self, name: str) -> None:
        self._changed.add(name)
        self._has_changed.set()

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
        while channel.confirmed == self._connection:
            try:
                await asyncio.shield(self._reading(channel))
            except Exception:
                log.warning("Could not read the newest number of %s", channel.name, exc_info=True)
                await asyncio.sleep(random.uniform(0.5, 1) * LONGEST_PAUSE)
            else:
                return await channel.tell(dumps({"type": "followed", "channel": channel.name, "n": channel.n}))

    # The connection to Redis

    async def _stay_connected(self) -> None:
        pause = 0.05
        while True:
            try:
                await self._hear()
            except* Away as group:
                if self.is_connected:
                    log.warning("Lost Redis: %s", group.exceptions[0])
            except* Exception:
                log.exception("Listening to Redis failed")
            pause = 0.05 if self.is_connected else min(pause * 2, LONGEST_PAUSE)
            self._lose_connection()
            await asyncio.sleep(random.uniform(0.5, 1) * pause)

    async def _hear(self) -> None:
        subscription = Subscription(self._redis)
        try:
            await subscription.open()
            self._connection += 1
            self._changed = set(self._channels)
            self._has_changed.set()
            self._is_connected.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._subscribe(subscription))
                group.create_task(self._listen(subscription))
        finally:
            await subscription.close()

    def _lose_connection(self) -> None:
        self._is_connected.clear()
        self._unconfirmed.clear()
        for channel in self._channels.values():
            channel.confirmed = None
            channel.confirmation.clear()

    async def _subscribe(self, subscription: Subscription) -> None:
        """Bring Redis in line with what is followed, in batches: a thousand who leave at once are one command."""
        while not _is_cancelled() and await self._has_changed.wait():
            names, self._changed = self._changed, set()
            self._has_changed.clear()
            wanted = names & self._channels.keys()
            self._unconfirmed.update(wanted)
            if wanted:
                await subscription.subscribe(self._prefix + name for name in wanted)
            if names - wanted:
                await subscription.unsubscribe(self._prefix + name for name in names - wanted)

    async def _listen(self, subscription: Subscription) -> None:
        while not _is_cancelled():
            kind, name, text = await subscription.heard()
            name = name.removeprefix(self._prefix)
            if kind == "subscribe":
                self._confirm(name)
            elif kind == "message" and name in self._channels:
                await self._receive(self._channels[name], text)

    def _confirm(self, name: str) -> None:
        """A confirmation counts only if no other command for this name is under way: it may be of an earlier follower."""
        self._unconfirmed[name] -= 1
        if self._unconfirmed[name] > 0:
            return
        del self._unconfirmed[name]
        channel = self._channels.get(name)
        if channel is None or name in self._changed:
            return
        channel.confirmed = self._connection
        channel.confirmation.set()
        self._gossip[name] = self._counted(len(channel.followers), is_asking=True)
        self._spawn(self._pass_gossip_on())
        if channel.followers:
            self._spawn(self._tell_again(channel))

    async def _receive(self, channel: Channel, text: str) -> None:
        """Numbers need not rise: of two processes the later may publish first. So nothing is left out, only remembered."""
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
            async with self._redis.pipeline(transaction=False) as pipe:
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


def _is_cancelled() -> bool:
    """redis-py writes under `asyncio.wait_for`, which in Python 3.11 may swallow it (https://bugs.python.org/issue37658)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
