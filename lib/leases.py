"""Leases in Redis: who holds a thing now, until when. A holder renews its leases; whoever takes one ends the other's.

A lease that nobody renewed has expired: `expired` reports it, in all processes, until it is settled. For a while its
holder may still renew it, which is reported too; after that nothing is left of it. All times are in milliseconds, of a
clock that all processes share.
"""

from collections.abc import Iterable
from typing import Any

# The key of all scripts is the sorted set of the times at which leases expire; each holder has a key of its own.
# ARGV: the holder's key, the lease, its new holder, the new time, for how long the holder is remembered.
TAKE = """
local previous = redis.call('GET', ARGV[1])
redis.call('SET', ARGV[1], ARGV[3], 'PX', ARGV[5])
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[2])
return previous
"""
# ARGV: the new time, for how long holders are remembered, then holders' keys, leases and holders. Returns the leases
# that had expired.
RENEW = """
local back = {}
for i = 3, #ARGV, 3 do
    if redis.call('GET', ARGV[i]) == ARGV[i + 2] then
        redis.call('PEXPIRE', ARGV[i], ARGV[2])
        if redis.call('ZADD', KEYS[1], ARGV[1], ARGV[i + 1]) == 1 then back[#back + 1] = ARGV[i + 1] end
    end
end
return back
"""
# ARGV: the holder's key, the lease, its holder, the time at which it now expires at the latest.
SHORTEN = """
if redis.call('GET', ARGV[1]) == ARGV[3] then redis.call('ZADD', KEYS[1], 'XX', 'LT', ARGV[4], ARGV[2]) end
"""
# ARGV: the lease, the time. Returns whether it had expired.
SETTLE = """
local until_when = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not until_when or tonumber(until_when) > tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
"""
MOST_AT_ONCE = 1000
REMEMBERED = 5  # lives of a lease for which the holder of an expired one is remembered


class Leases:
    """The leases of one kind, such as `seat`. Every method raises one of `redis.Away` while Redis is away."""

    def __init__(self, redis: Any, kind: str, life: int) -> None:
        self._redis = redis
        self._kind = kind
        self._keys = (f"leases:{kind}",)
        self._life = life
        self._memory = REMEMBERED * life
        scripts = map(redis.register_script, (TAKE, RENEW, SHORTEN, SETTLE))
        self._take, self._renew, self._shorten, self._settle = scripts

    async def take(self, lease: str, holder: str, now: int) -> str | None:
        """Takes a lease, whoever holds it. Returns who held it before, also if that has expired."""
        given = (self._holder(lease), lease, holder, now + self._life, self._memory)
        previous: str | None = await self._take(keys=self._keys, args=given)
        return previous

    async def renew(self, held: Iterable[tuple[str, str]], now: int) -> list[str]:
        """Renews those of these (lease, holder) pairs that are still so. Returns the leases that had expired."""
        given = [part for lease, holder in held for part in (self._holder(lease), lease, holder)]
        if not given:
            return []
        back: list[str] = await self._renew(keys=self._keys, args=[now + self._life, self._memory, *given])
        return back

    async def shorten(self, lease: str, holder: str, until: int) -> None:
        """Lets a lease expire at this time at the latest, if it is still this holder's."""
        await self._shorten(keys=self._keys, args=[self._holder(lease), lease, holder, until])

    async def expired(self, now: int) -> list[str]:
        """The leases that have expired by now and are not settled yet, longest ago first."""
        expired: list[str] = await self._redis.execute_command(
            "ZRANGEBYSCORE", *self._keys, "-inf", now, "LIMIT", 0, MOST_AT_ONCE
        )
        return expired

    async def settle(self, lease: str, now: int) -> bool:
        """Settles a lease, after everything that follows from its end. False if somebody holds it again, or it was
        settled.
        """
        return bool(await self._settle(keys=self._keys, args=[lease, now]))

    async def is_held(self, lease: str, now: int) -> bool:
        """Whether somebody holds a lease that has not expired."""
        until = await self._redis.execute_command("ZSCORE", *self._keys, lease)
        return until is not None and float(until) > now

    async def count(self) -> int:
        """How many leases there are now."""
        return int(await self._redis.execute_command("ZCARD", *self._keys))

    async def holder(self, lease: str) -> str | None:
        """Who holds a lease, or held it when it expired a moment ago."""
        holder: str | None = await self._redis.execute_command("GET", self._holder(lease))
        return holder

    def _holder(self, lease: str) -> str:
        return f"lease:{self._kind}:{lease}"
