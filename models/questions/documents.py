"""The documents of questions, and of who has seen which: every query, write and index of these two collections.

Each question has a random number, `random`. Choosing begins at another random number and reads the next questions in
the order of theirs, from the index alone: twenty for each one that is wanted. Those that nobody has seen lately are
drawn from these by lot. So a question's chance is proportional to the distance over which its neighbours are spread,
which differs by 7 % (standard deviation) where 200 are read; of fewer published questions all have the same chance.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Protocol

from lib.documents import Document, Shape
from lib.mongo import ALL_AT_ONCE, ASCENDING, DuplicateKey, IndexModel, UpdateOne
from models.errors import Conflict, NotFound
from models.questions.question import Origin, Question, State
from models.tools import Tools

QUESTION = Shape(Question, {"id": "_id"})
UNSEEN_FOR = timedelta(days=30)  # after which a question counts as new again
SEEN_KEPT = timedelta(days=90)
DRAWN_FROM = 20  # questions that are read for each one that is wanted
GROWTH = 8  # how many times more are read where too many of them were seen lately
NOT_PLAYED = {"random": 0, "created": 0, "origin": 0}  # what a battle has no use for
CHANGED = "Somebody else has just changed this question. Please look at it again."


class Wanted(Protocol):
    """What the rules of a battle say about its questions; no genres means all of them."""

    @property
    def genres(self) -> tuple[str, ...]: ...
    @property
    def has_only_pictures(self) -> bool: ...


class QuestionDocuments:
    def __init__(self, tools: Tools) -> None:
        self._questions = tools.mongo["questions"]
        self._seen = tools.mongo["seen"]
        self._repeatable_seen = tools.mongo.repeatable("seen")
        self._clock = tools.clock

    async def create_indexes(self) -> None:
        up = ASCENDING
        drawn = [("random", up), ("author", up), ("_id", up)]  # all that drawing needs: it reads no document
        has_picture, has_origin = {"picture": {"$type": "string"}}, {"origin.id": {"$exists": True}}
        origin = [("origin.kind", up), ("origin.host", up), ("origin.id", up)]
        await self._questions.create_indexes(
            [
                IndexModel([("state", up), *drawn]),
                IndexModel([("state", up), ("genre", up), *drawn]),
                IndexModel([("state", up), *drawn], partialFilterExpression=has_picture, name="pictures"),
                IndexModel([("author", up), ("state", up)]),
                IndexModel(origin, unique=True, partialFilterExpression=has_origin),
            ]
        )
        await self._seen.create_indexes(
            [IndexModel("account"), IndexModel("at", expireAfterSeconds=int(SEEN_KEPT.total_seconds()))]
        )

    # One question

    async def by_id(self, id: str) -> Question:
        document = await self._questions.find_one({"_id": id})
        if document is None:
            raise NotFound("There is no such question.")
        return QUESTION.read(document)

    async def find_by_origin(self, origin: Origin) -> Question | None:
        """The question that was imported from there."""
        query = {"origin.kind": origin.kind, "origin.host": origin.host, "origin.id": origin.id}
        document = await self._questions.find_one(query)
        return QUESTION.read(document) if document else None

    async def insert(self, question: Question) -> bool:
        """False if a question of the same origin is there already."""
        try:
            await self._questions.insert_one({**QUESTION.written(question), "random": random.random()})
        except DuplicateKey:
            return False
        return True

    async def save(self, before: Question, after: Question) -> None:
        """Stores a changed question. Conflict if somebody else changed it meanwhile."""
        unchanged = {"_id": before.id, "revision": before.revision}
        result = await self._questions.update_one(unchanged, {"$set": QUESTION.written(after)})
        if not result.matched_count:
            raise Conflict("changed", CHANGED)

    # Questions for a battle

    async def choose(self, rules: Wanted, accounts: Sequence[str], number: int) -> list[Question]:
        """Published questions for these players, in random order; fewer if there are not so many.

        None is by one of them. First come those that neither has seen for 30 days, then those seen the longest ago.
        """
        query, start, most = _playable(rules, accounts), random.random(), DRAWN_FROM * number
        while True:
            ids = await self._next(query, start, most)
            seen = await self.seen(accounts, ids)
            unseen = [id for id in ids if id not in seen]
            if len(unseen) >= number or len(ids) < most:
                break
            most *= GROWTH
        chosen = random.sample(unseen, min(number, len(unseen)))
        chosen += sorted(seen, key=lambda id: seen[id])[: number - len(chosen)]
        random.shuffle(chosen)
        return await self._played(chosen)

    async def seen(self, accounts: Iterable[str], questions: Iterable[str]) -> dict[str, datetime]:
        """Which of these questions one of these accounts has seen within 30 days, and when last."""
        keys = [_seen_key(account, question) for account, question in product(accounts, questions)]
        query = {"_id": {"$in": keys}, "at": {"$gt": self._clock() - UNSEEN_FOR}}
        found = await self._seen.find(query, ("question", "at")).sort([("at", ASCENDING)]).to_list(None)
        return {document["question"]: document["at"] for document in found}

    async def note_seen(self, accounts: Iterable[str], questions: Iterable[str], at: datetime) -> None:
        """Stores that these accounts have seen these questions. Safe to repeat."""
        await self._note((account, question, at) for account, question in product(accounts, questions))

    async def move(self, account: str, to: str) -> None:
        """Gives what an account wrote and has seen to another account. Safe to repeat."""
        await self._questions.update_many({"author": account}, {"$set": {"author": to}})
        found = await self._seen.find({"account": account}).to_list(None)
        await self._note((to, document["question"], document["at"]) for document in found)
        await self._seen.delete_many({"account": account})

    async def _next(self, query: Document, start: float, most: int) -> list[str]:
        """Ids by their random numbers from `start` on; after the greatest number comes the smallest."""
        ids: list[str] = []
        for part in ({"$gte": start}, {"$lt": start}):
            if len(ids) < most:
                found = self._questions.find({**query, "random": part}, {"_id": 1}).sort([("random", ASCENDING)])
                documents = await found.limit(most - len(ids)).batch_size(ALL_AT_ONCE).to_list(None)
                ids += [document["_id"] for document in documents]
        return ids

    async def _played(self, ids: Sequence[str]) -> list[Question]:
        """Questions in the order of these ids."""
        found = await self._questions.find({"_id": {"$in": ids}}, NOT_PLAYED).to_list(None)
        by_id = {document["_id"]: QUESTION.read(document) for document in found}
        return [by_id[id] for id in ids if id in by_id]

    async def _note(self, seen: Iterable[tuple[str, str, datetime]]) -> None:
        writes = list(_noted(seen))
        if writes:
            await self._repeatable_seen.bulk_write(writes, ordered=False)


def _playable(rules: Wanted, accounts: Sequence[str]) -> Document:
    query: Document = {"state": State.PUBLISHED, "author": {"$nin": list(accounts)}}
    if rules.genres:
        query["genre"] = {"$in": list(rules.genres)}
    if rules.has_only_pictures:
        query["picture"] = {"$type": "string"}
    return query


def _noted(seen: Iterable[tuple[str, str, datetime]]) -> Iterator[UpdateOne]:
    for account, question, at in seen:
        key = {"account": account, "question": question}
        change = {"$setOnInsert": key, "$max": {"at": at}}
        yield UpdateOne({"_id": _seen_key(account, question)}, change, upsert=True)


def _seen_key(account: str, question: str) -> str:
    return f"{account}:{question}"
