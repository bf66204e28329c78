"""The documents of battles: those that run in Redis, changed by one atomic script; those that are over in MongoDB.

A running battle is a hash with its `start` (players, questions, rules), its `state` and its `revision`; its log is a
list. A set of deadlines names all that run. A battle that is over waits in Redis until MongoDB has acknowledged it.
"""

from collections.abc import Sequence

from lib import json
from lib.channels import Event
from lib.documents import Document, Shape
from lib.mongo import ASCENDING, IndexModel
from models.battles.battle import Battle, Entry
from models.battles.player import Kind
from models.battles.record import BATTLE, ENTRY, Finished, Record
from models.errors import NotFound
from models.tools import Tools

FINISHED = Shape(Finished, {})
FIXED = ("id", "rules", "questions", "players", "began")  # fields that never change: stored once
DUE = "battles:due"  # ids of running battles by deadline
OVER = "battles:over"  # ids of finished battles that MongoDB does not have yet, by the time of their end
REPLAYED_FOR = 3600  # seconds that Redis keeps a battle that MongoDB has: pages that show it may still be open
MOST_DUE = 200

# Seats are taken with NX: nobody plays two battles. KEYS: battle, due, seats. ARGV: id, start, state, deadline, then
# pairs of channels and texts. Returns the battle of the first player who has one already, or nothing.
START = """
for i = 3, #KEYS do
    local other = redis.call('GET', KEYS[i])
    if other and redis.call('EXISTS', 'battle:' .. other) == 1 then return other end
end
for i = 3, #KEYS do redis.call('SET', KEYS[i], ARGV[1]) end
redis.call('HSET', KEYS[1], 'start', ARGV[2], 'state', ARGV[3], 'revision', 1)
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
for i = 5, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end
return false
"""
# KEYS: battle, log, due, over, seats. ARGV: id, revision before, revision after, state, deadline (empty: it is over), time,
# channel (empty: nothing to publish), text, then entries of the log. Returns whether nobody else had changed the battle.
SAVE = """
if redis.call('HGET', KEYS[1], 'revision') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[4], 'revision', ARGV[3])
for i = 9, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
if ARGV[5] ~= '' then
    redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
else
    redis.call('ZREM', KEYS[3], ARGV[1])
    redis.call('ZADD', KEYS[4], ARGV[6], ARGV[1])
    for i = 5, #KEYS do
        if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
    end
end
if ARGV[7] ~= '' then redis.call('PUBLISH', ARGV[7], ARGV[8]) end
return 1
"""


class BattleDocuments:
    def __init__(self, tools: Tools) -> None:
        self._redis = tools.redis
        self._channels = tools.channels
        self._mongo = tools.mongo
        self._battles = tools.mongo["battles"]
        self._start = tools.redis.register_script(START)
        self._save = tools.redis.register_script(SAVE)

    async def create_indexes(self) -> None:
        await self._battles.create_indexes(
            [IndexModel([("accounts", ASCENDING), ("rules.id", ASCENDING), ("began", ASCENDING)])]
        )

    # Running battles

    async def by_id(self, id: str) -> Battle:
        """A battle in Redis, running or just over, without its log."""
        start, state = await self._redis.execute_command("HMGET", _key(id), "start", "state")
        if state is None:
            raise NotFound("There is no such battle.")
        return BATTLE.read({**json.loads(start), **json.loads(state)})

    async def find_id_of(self, account: str) -> str | None:
        """The id of the battle that this account plays now."""
        id: str | None = await self._redis.get(_seat(account))
        return id if id and await self._redis.execute_command("EXISTS", _key(id)) else None

    async def start(self, battle: Battle, events: Sequence[Event]) -> str | None:
        """Stores a new battle. If one of its players plays already, stores nothing and returns that battle's id."""
        document = BATTLE.written(battle)
        start = {name: document.pop(name) for name in FIXED}
        del document["log"]
        messages = [part for event in events for part in self._channels.message(event)]
        stored = (battle.id, json.dumps(start), json.dumps(document), battle.due)
        other: str | None = await self._start(keys=[_key(battle.id), DUE, *_seats(battle)], args=[*stored, *messages])
        return other

    async def save(self, before: Battle, after: Battle, event: Event | None) -> bool:
        """Stores what a step made of a battle, with its new entries of the log. False if somebody else changed it."""
        document = {name: value for name, value in BATTLE.written(after).items() if name not in FIXED}
        entries = [json.dumps(entry) for entry in document.pop("log")]
        deadline = "" if after.deadline is None else after.deadline
        message = self._channels.message(event) if event else ("", "")
        changed = (after.id, before.revision, after.revision, json.dumps(document), deadline, after.at)
        keys = [_key(after.id), _log(after.id), DUE, OVER, *_seats(after)]
        return bool(await self._save(keys=keys, args=[*changed, *message, *entries]))

    async def due(self, at: int) -> list[str]:
        """Ids of running battles whose deadlines were at this time or before."""
        ids: list[str] = await self._redis.zrangebyscore(DUE, "-inf", at, start=0, num=MOST_DUE)
        return ids

    async def log(self, id: str) -> list[Entry]:
        return [ENTRY.read(json.loads(entry)) for entry in await self._redis.execute_command("LRANGE", _log(id), 0, -1)]

    # Battles that are over

    async def over(self) -> list[str]:
        """Ids of battles that are over and not in MongoDB yet, oldest first."""
        ids: list[str] = await self._redis.zrange(OVER, 0, MOST_DUE - 1)
        return ids

    async def keep(self, id: str) -> Record:
        """Stores a battle that is over in MongoDB, with its whole log. Safe to repeat, also in two processes at once."""
        record = Record(await self.by_id(id), tuple(await self.log(id)))
        document: Document = BATTLE.written(record.battle)
        document["log"] = [ENTRY.written(entry) for entry in record.log]
        document |= {"accounts": record.accounts, "scores": list(record.battle.scores)}
        del document["id"]
        await self._battles.update_one({"_id": id}, {"$setOnInsert": document}, upsert=True)
        return record

    async def set_aside(self, id: str) -> None:
        """Takes a battle that cannot be read out of all lists; what is left of it stays for somebody to look at."""
        await self._redis.execute_command("ZREM", DUE, id)
        await self._redis.execute_command("ZREM", OVER, id)

    async def release(self, id: str) -> bool:
        """Lets go of a battle in Redis, after MongoDB has it and its points are counted. False if another process has."""
        async with self._redis.pipeline() as pipe:
            pipe.zrem(OVER, id)
            pipe.expire(_key(id), REPLAYED_FOR)
            pipe.expire(_log(id), REPLAYED_FOR)
            removed, *_ = await pipe.execute()
        return bool(removed)

    async def finished_of(self, account: str, rules: str) -> list[Finished]:
        """A player's battles by these rules that MongoDB has, in the order in which they began."""
        fields = ("accounts", "began", "scores", "ended", "winner")
        found = self._battles.find({"accounts": account, "rules.id": rules}, fields).sort([("began", ASCENDING)])
        return [FINISHED.read(document) for document in await found.to_list(None)]

    async def players(self) -> list[tuple[str, str]]:
        """Everybody who has ever finished a battle, by account and rules."""
        group: Document = {"_id": {"account": "$accounts", "rules": "$rules.id"}}
        found = await self._mongo.aggregate("battles", [{"$unwind": "$accounts"}, {"$group": group}])
        return [(document["_id"]["account"], document["_id"]["rules"]) for document in found]

    async def kept(self, id: str) -> Record:
        """A battle that MongoDB has."""
        document = await self._battles.find_one({"_id": id})
        if document is None:
            raise NotFound("There is no such battle.")
        log = tuple(ENTRY.read(entry) for entry in document.pop("log"))
        return Record(BATTLE.read({**document, "id": id}), log)


def _key(id: str) -> str:
    return f"battle:{id}"


def _log(id: str) -> str:
    return f"battle:{id}:log"


def _seat(account: str) -> str:
    return f"seat:{account}"


def _seats(battle: Battle) -> list[str]:
    return [_seat(player.id) for player in battle.players if player.kind == Kind.PERSON]
