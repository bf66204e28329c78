"""Leases in Redis: who holds a thing now, until when. A holder renews its leases; whoever takes one ends the other's.

A lease that nobody renewed has expired: it is reported once by `expired`, in one of all processes. Its holder may still
renew it, which is reported too. All times are in milliseconds, of a clock that all processes share.
"""

from collections.abc import Iterable, Sequence
from typing import Any

# KEYS of all scripts: the times at which leases expire (a sorted set), their holders (a hash).
TAKE = """
local previous = redis.call('HGET', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return previous
"""
# ARGV: the new time, then pairs of leases and holders. Returns the leases that had expired.
RENEW = """
local back = {}
for i = 2, #ARGV, 2 do
    if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1] then
        if redis.call('ZADD', KEYS[1], ARGV[1], ARGV[i]) == 1 then back[#back + 1] = ARGV[i] end
    end
end
return back
"""
# ARGV: the lease, its holder, the time at which it now expires at the latest.
SHORTEN = """
if redis.call('HGET', KEYS[2], ARGV[1]) == ARGV[2] then redis.call('ZADD', KEYS[1], 'XX', 'LT', ARGV[3], ARGV[1]) end
"""
# ARGV: the time, how many leases at most.
EXPIRED = """
local expired = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #expired > 0 then redis.call('ZREM', KEYS[1], unpack(expired)) end
return expired
"""
MOST_AT_ONCE = 1000


class Leases:
    """The leases of one kind, such as `seat`. Every method raises one of `redis.Away` while Redis is away."""

    def __init__(self, redis: Any, kind: str, life: int) -> None:
        self._redis = redis
        self._keys = (f"leases:{kind}", f"leases:{kind}:holders")
        self._life = life
        scripts = map(redis.register_script, (TAKE, RENEW, SHORTEN, EXPIRED))
        self._take, self._renew, self._shorten, self._expired = scripts

    async def take(self, lease: str, holder: str, now: int) -> str | None:
        """Takes a lease, whoever holds it. Returns who held it before, also if that has expired."""
        previous: str | None = await self._take(keys=self._keys, args=[lease, holder, now + self._life])
        return previous

    async def renew(self, held: Iterable[tuple[str, str]], now: int) -> list[str]:
        """Renews those of these (lease, holder) pairs that are still so. Returns the leases that had expired."""
        pairs = [part for pair in held for part in pair]
        back: list[str] = await self._renew(keys=self._keys, args=[now + self._life, *pairs]) if pairs else []
        return back

    async def shorten(self, lease: str, holder: str, until: int) -> None:
        """Lets a lease expire at this time at the latest, if it is still this holder's."""
        await self._shorten(keys=self._keys, args=[lease, holder, until])

    async def expired(self, now: int) -> list[str]:
        """The leases that have expired by now and were not reported yet."""
        expired: list[str] = await self._expired(keys=self._keys, args=[now, MOST_AT_ONCE])
        return expired

    async def holder(self, lease: str) -> str | None:
        holder: str | None = await self._redis.execute_command("HGET", self._keys[1], lease)
        return holder

    async def end(self, leases: Sequence[str]) -> None:
        """Ends leases for good."""
        if leases:
            await self._redis.execute_command("HDEL", self._keys[1], *leases)
            await self._redis.execute_command("ZREM", self._keys[0], *leases)
