"""Who waits for an opponent, in Redis: one waiting list for each set of rules, changed by atomic scripts.

A pair that was found stays in a list of its own until its battle has started: its process may die in between.
"""

import logging
from dataclasses import dataclass

from lib import json
from lib.documents import Malformed, Shape
from models.tools import Tools

MOST_COMPARED = 50  # of those who wait longest
REMEMBERED = 86400  # seconds for which the last opponent is known
SEEKERS = "lobby:seekers"  # by account
PAIRED = "lobby:paired"  # the accounts in PAIRS
PAIRS = "lobby:pairs"  # by the time at which they were found

logger = logging.getLogger(__name__)

# Finds the one who has waited longest, rather not the last opponent. KEYS: the waiting list, seekers, pairs, accounts in
# pairs. ARGV: account, seeker, now, how many to compare, for how long to remember opponents. Returns the pair, or nothing.
SEEK = """
local account = ARGV[1]
if redis.call('SISMEMBER', KEYS[4], account) == 1 then return false end
redis.call('HSET', KEYS[2], account, ARGV[2])
local last = redis.call('GET', 'lobby:last:' .. account)
local found = nil
for _, other in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[4] - 1)) do
    if redis.call('HEXISTS', KEYS[2], other) == 0 then
        redis.call('ZREM', KEYS[1], other)
    elseif other ~= account then
        if other ~= last then found = other break end
        found = found or other
    end
end
if not found then
    redis.call('ZADD', KEYS[1], 'NX', ARGV[3], account)
    return false
end
redis.call('ZREM', KEYS[1], found, account)
local pair = cjson.encode({redis.call('HGET', KEYS[2], found), ARGV[2]})
redis.call('ZADD', KEYS[3], ARGV[3], pair)
redis.call('SADD', KEYS[4], account, found)
redis.call('SET', 'lobby:last:' .. account, found, 'EX', ARGV[5])
redis.call('SET', 'lobby:last:' .. found, account, 'EX', ARGV[5])
return pair
"""
# KEYS: the waiting list, seekers. ARGV: account. Returns whether it was still waiting, not yet paired.
UNSEEK = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
"""


# KEYS: the offers of the player and of the other. ARGV: battle, for how many seconds an offer stands. Returns whether both
# have offered a rematch of this battle now; then both offers are used up.
REMATCH = """
if redis.call('GET', KEYS[2]) == ARGV[1] then
    redis.call('DEL', KEYS[1], KEYS[2])
    return 1
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 0
"""
OFFERED_FOR = 120  # seconds


@dataclass(frozen=True)
class Seeker:
    """Somebody who looks for an opponent; `may_be_watched` says that they agree to spectators."""

    account: str
    rules: str
    connection: str
    may_be_watched: bool = False


@dataclass(frozen=True)
class Pair:
    """Two who play each other, the one who has waited longer first; `text` is how Redis has it."""

    first: Seeker
    second: Seeker
    text: str


SEEKER: Shape[Seeker] = Shape(Seeker, {})


class LobbyDocuments:
    def __init__(self, tools: Tools) -> None:
        self._redis = tools.redis
        self._seek = tools.redis.register_script(SEEK)
        self._unseek = tools.redis.register_script(UNSEEK)
        self._rematch = tools.redis.register_script(REMATCH)

    async def seek(self, seeker: Seeker, now: int) -> Pair | None:
        """Pairs a seeker with somebody who waits for the same rules; None if nobody does: then the seeker waits."""
        keys = [_waiting(seeker.rules), SEEKERS, PAIRS, PAIRED]
        given = (seeker.account, json.dumps(SEEKER.written(seeker)), now, MOST_COMPARED, REMEMBERED)
        found: str | None = await self._seek(keys=keys, args=[*given])
        return _pair(found) if found else None

    async def unseek(self, account: str) -> bool:
        """Takes somebody off the waiting list. False if they were not on it, or are paired by now."""
        seeker = await self.find(account)
        return seeker is not None and bool(await self._unseek(keys=[_waiting(seeker.rules), SEEKERS], args=[account]))

    async def offer_rematch(self, account: str, other: str, battle: str) -> bool:
        """Offers the other player of a battle another one. Returns whether both have done so by now."""
        return bool(await self._rematch(keys=[_offer(account), _offer(other)], args=[battle, OFFERED_FOR]))

    async def cancel_rematch(self, account: str) -> None:
        await self._redis.execute_command("DEL", _offer(account))

    async def find(self, account: str) -> Seeker | None:
        """Somebody who waits, or is paired and will play in a moment."""
        text = await self._redis.execute_command("HGET", SEEKERS, account)
        return SEEKER.read(json.loads(text)) if text else None

    async def waiting(self, rules: str) -> int:
        """How many wait for an opponent by these rules."""
        return int(await self._redis.execute_command("ZCARD", _waiting(rules)))

    async def pairs(self, before: int) -> list[Pair]:
        """Pairs that were found at this time or before and whose battles have not started."""
        found = await self._redis.execute_command("ZRANGEBYSCORE", PAIRS, "-inf", before)
        pairs = []
        for text in found:
            try:
                pairs.append(_pair(text))
            except (ValueError, TypeError, Malformed):
                logger.error("a pair cannot be read, so nobody plays: %s", text)
                await self._redis.execute_command("ZREM", PAIRS, text)
        return pairs

    async def forget(self, pair: Pair) -> None:
        """Forgets a pair, after its battle has started or cannot start."""
        accounts = (pair.first.account, pair.second.account)
        await self._redis.execute_command("ZREM", _waiting(pair.first.rules), *accounts)
        await self._redis.execute_command("HDEL", SEEKERS, *accounts)
        await self._redis.execute_command("SREM", PAIRED, *accounts)
        await self._redis.execute_command("ZREM", PAIRS, pair.text)


def _waiting(rules: str) -> str:
    return f"lobby:waiting:{rules}"


def _offer(account: str) -> str:
    return f"lobby:rematch:{account}"


def _pair(text: str) -> Pair:
    first, second = (SEEKER.read(json.loads(one)) for one in json.loads(text))
    return Pair(first, second, text)
