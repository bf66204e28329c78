"""The one door to Redis: opens a client, hears what is published, and names the exceptions that mean "it is not there".

Everything in Redis may be lost without harm, so nobody waits for it long: two seconds, one more attempt on a new
connection (the kept one may be from before Redis was started again), then `Away`. There is no `health_check_interval`:
redis-py would ping inside the handshake of each new connection, and while Redis hangs each ping would connect and ping
again, without end. `Away` has no OSError of a disk: redis-py turns those of its sockets into its own ConnectionError.
"""

import asyncio
import builtins
from collections.abc import Iterable
from typing import Any, cast

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

Away = (
    ConnectionError,
    TimeoutError,
    ResponseError,  # no memory or disk left, loading, read only: as good as away
    builtins.TimeoutError,  # of an `asyncio.timeout` around a command
)
PATIENCE = 2  # seconds for an attempt
ATTEMPTS = 2
SILENCE = 5  # seconds without a word, after which a subscription asks whether Redis is still there


class Redis(redis.asyncio.Redis):
    """A client whose commands each end within two attempts; redis-py alone makes three, since connecting has its own."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        async with asyncio.timeout(ATTEMPTS * PATIENCE):
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


class _Pool(redis.asyncio.ConnectionPool):
    """Hands out a connection without looking at it first, which costs as much as half a command.

    One that is lost is found out by its command, which is sent again on a new one; one that was left before its answer came
    was closed by redis-py there and then.
    """

    async def ensure_connection(self, connection: Any) -> None:
        await connection.connect()


def open_redis(url: str) -> Redis:
    """A client of `redis://host:port/db` or `unix:///path?db=0`; texts come back as str. Connects when first used."""
    pool = _Pool.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
        retry=Retry(NoBackoff(), ATTEMPTS - 1),
    )
    return cast(Redis, Redis.from_pool(pool))


class Subscription:
    """One connection that hears what is published.

    Unlike redis-py's PubSub it never connects again by itself: whoever listens must notice that it missed something.
    """

    def __init__(self, client: Redis) -> None:
        self._connection: Any = client.connection_pool.make_connection()  # type: ignore[no-untyped-call]

    async def open(self) -> None:
        await self._connection.connect()

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)

    async def subscribe(self, names: Iterable[str]) -> None:
        """Ask for these; Redis answers each with a `subscribe` among what `heard` returns."""
        await self._send("SUBSCRIBE", *names)

    async def unsubscribe(self, names: Iterable[str]) -> None:
        await self._send("UNSUBSCRIBE", *names)

    async def heard(self) -> tuple[str, str, str]:
        """The next (kind, name, text); kind is `message`, `subscribe` or something of no interest. Raises `Away`."""
        word = await self._word()
        if word is None:
            await self._send("PING")
            word = await self._word()
        if word is None:
            raise ConnectionError("Redis does not answer")
        kind, name, text = word if isinstance(word, list) and len(word) == 3 else ("", "", "")
        return kind, name or "", str(text)

    async def _send(self, *words: str) -> None:
        try:
            await self._connection.send_command(*words, check_health=False)
        except AttributeError as error:  # redis-py's, where a cancelled read has closed the connection meanwhile
            raise ConnectionError("the connection is closed") from error

    async def _word(self) -> Any:
        return await self._connection.read_response(timeout=SILENCE, push_request=True)
