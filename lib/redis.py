"""The only importer of redis-py: opens a client, subscribes, and names the exceptions that mean that Redis is away.

Redis holds nothing that may not be lost, so timeouts are short: two seconds, one retry on a new connection (the pooled
one may be older than a restart of Redis), then `Away`. `health_check_interval` must stay off: redis-py would ping
inside the handshake of each new connection, and while Redis hangs each ping would connect and ping again, endlessly.
`Away` does not include OSError, so it never hides a failing disk: redis-py turns errors of sockets into its own
ConnectionError.
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
    ResponseError,  # out of memory or disk, loading, read only: as useless as away
    builtins.TimeoutError,  # from an `asyncio.timeout` around a command
)
PATIENCE = 2  # seconds for an attempt
ATTEMPTS = 2
SILENCE = 5  # seconds without a message, after which a subscription sends a PING


class Redis(redis.asyncio.Redis):
    """A client whose commands end within two attempts. redis-py alone makes three, because connecting retries too."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        async with asyncio.timeout(ATTEMPTS * PATIENCE):
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


class _Pool(redis.asyncio.ConnectionPool):
    """Hands out connections without checking them first: the check costs half as much as a command.

    A command on a lost connection fails and is retried on a new one. redis-py itself closes a connection whose command
    was cancelled before the answer came, so no answer is ever taken for that of another command.
    """

    async def ensure_connection(self, connection: Any) -> None:
        await connection.connect()


def open_redis(url: str) -> Redis:
    """Returns a client for `redis://host:port/db` or `unix:///path?db=0`.

    Texts are str. It connects when first used.
    """
    pool = _Pool.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
        retry=Retry(NoBackoff(), ATTEMPTS - 1),
    )
    return cast(Redis, Redis.from_pool(pool))


class Subscription:
    """A connection that receives published messages.

    Unlike redis-py's PubSub it never reconnects by itself: the caller has to know that it may have missed messages.
    """

    def __init__(self, client: Redis) -> None:
        self._connection: Any = client.connection_pool.make_connection()  # type: ignore[no-untyped-call]

    async def open(self) -> None:
        await self._connection.connect()

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)

    async def subscribe(self, names: Iterable[str]) -> None:
        """Subscribes to channels. `receive` returns a `subscribe` for each when Redis confirms it."""
        await self._send("SUBSCRIBE", *names)

    async def unsubscribe(self, names: Iterable[str]) -> None:
        await self._send("UNSUBSCRIBE", *names)

    async def receive(self) -> tuple[str, str, str]:
        """Returns the next (kind, name, text).

        Kinds other than `message` and `subscribe` are to be ignored. Raises `Away`.
        """
        response = await self._read()
        if response is None:
            await self._send("PING")
            response = await self._read()
        if response is None:
            raise ConnectionError("Redis does not answer")
        kind, name, text = response if isinstance(response, list) and len(response) == 3 else ("", "", "")
        return kind, name or "", str(text)

    async def _send(self, *words: str) -> None:
        try:
            await self._connection.send_command(*words, check_health=False)
        except AttributeError as error:  # raised by redis-py if a cancelled read has closed the connection
            raise ConnectionError("the connection is closed") from error

    async def _read(self) -> Any:
        """Returns the next response; None after `SILENCE`."""
        return await self._connection.read_response(timeout=SILENCE, push_request=True)
