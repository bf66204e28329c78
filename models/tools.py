"""The tools that every word is built from: one process's servers, page cache, clock and settings. A test replaces one
of them.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import urlsplit

from lib import mongo, redis
from lib.channels import Channels
from lib.clock import Clock
from lib.ids import new_id
from lib.limits import Limits
from lib.mongo import Mongo
from lib.pagecache import PageCache
from lib.redis import Redis
from lib.tokens import Tokens, stored_token
from settings import Settings


@dataclass(frozen=True)
class Tools:
    """`process` names this process among all, `host` this data folder among all on the same servers."""

    settings: Settings
    clock: Clock
    process: str
    host: str
    mongo: Mongo
    redis: Redis
    channels: Channels
    limits: Limits
    tokens: Tokens
    page_cache: PageCache

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> "Tools":
        """The tools that the settings describe. Nothing is connected yet; a server may be away and come back later."""
        process = new_id()
        client = redis.open_redis(settings.redis_url)
        return cls(
            settings=settings,
            clock=clock,
            process=process,
            host=stored_token(settings.data / "host")[:16],
            mongo=Mongo(settings.mongo_url, settings.mongo_driver),
            redis=client,
            channels=Channels(settings.redis_url, process),
            limits=Limits(client, lambda: clock().timestamp()),
            tokens=Tokens(settings.secret),
            page_cache=PageCache(settings.data / "kept"),
        )

    @property
    def own_host(self) -> str:
        """The site's host, with its port: links to it are not foreign."""
        return urlsplit(self.settings.url).netloc

    async def health(self) -> dict[str, dict[str, bool | float | None]]:
        """Each server by name: whether it answers, and in how many milliseconds."""
        pings = {"mongo": self.mongo.ping(), "redis": self.redis.execute_command("PING")}
        return dict(zip(pings, await asyncio.gather(*map(_timed, pings.values())), strict=True))

    async def open(self) -> None:
        await self.channels.start()

    async def close(self) -> None:
        await self.channels.close()
        await self.redis.aclose()
        await self.mongo.close()


async def _timed(ping: Awaitable[object]) -> dict[str, bool | float | None]:
    loop = asyncio.get_running_loop()
    start = loop.time()
    try:
        await ping
    except (*mongo.Away, *redis.Away):
        return {"up": False, "ms": None}
    return {"up": True, "ms": round((loop.time() - start) * 1000, 1)}
