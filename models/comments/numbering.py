"""How changes of comments take their numbers, and are written with them. Nobody is told of anything here; changes.py does that.

Every change of what the world sees takes the next number of its post (`n`), by the very write that makes it: greatest + 1,
and on a clash the one after what is greatest by then. `numbers` are all that a comment ever had, unique under its post, so
that an edit, which moves its comment on, leaves no gap that another could slip into: a number that is visible means that all
smaller ones were. Who takes it therefore knows exactly which change it follows, and how the thread stands after both
(`counts`). `told: false` is part of the same write (docs/decisions.md, "Told").
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from weakref import WeakValueDictionary

from lib.clock import Clock
from lib.mongo import DESCENDING, Document, DuplicateKey, Mongo, insert_in_order
from models.comments.comment import Comment
from models.comments.store import NUMBERED
from models.posts import Counts

LONGEST_WAIT = 5  # seconds, for one's turn to take a number
REMEMBERED = 5  # seconds that a turn is, from its making, or as long as somebody waits for it


class Turn(asyncio.Lock):
    """Held by whoever numbers a change of a post in this process, since two at once would only clash.

    `counts` are since the last one, and `is_contended` says that other processes number changes of this post as well.
    TimeoutError for who waits too long: MongoDB is away, and each in turn finds out.
    """

    counts = Counts()
    is_contended = False

    async def __aenter__(self) -> None:
        async with asyncio.timeout(LONGEST_WAIT):
            await self.acquire()


class Numbering:
    """The writes that number changes, and how threads stand by them."""

    def __init__(self, mongo: Mongo, clock: Clock) -> None:
        self._mongo = mongo
        self._comments = mongo["comments"]
        self._clock = clock
        self._turns: WeakValueDictionary[str, Turn] = WeakValueDictionary()

    async def insert(self, post: str, comments: Sequence[Comment], counts: Counts) -> list[Comment | None]:
        """Store new comments of a post; the published ones under the first free numbers, most likely those after `counts`.

        None in the place of one whose id is there already.
        """
        stored: list[Comment | None] = []
        turn = self._turn(post)
        async with turn:
            counts = await self._expected(post, turn, counts)
            while rest := comments[len(stored) :]:
                numbered = list(Comment.all_numbered(rest, counts))
                number, taken = await insert_in_order(self._comments, [self._new_document(c) for c in numbered])
                stored += numbered[:number]
                turn.counts = counts = next((c.counts for c in reversed(numbered[:number]) if c.counts), counts)
                if taken.keys() & {"n", "numbers"}:
                    turn.is_contended = True
                    counts = await self.counts(post)
                elif taken:
                    stored.append(None)
        return stored

    async def save(self, before: Comment, after: Comment) -> Comment | None:
        """Write a changed comment, with the next number if the world sees or saw it. None where it changed meanwhile."""
        unchanged = {"_id": before.id, "revision": before.revision}
        after = replace(after, revision=before.revision + 1)
        if not before.is_numbered and not after.is_published:
            result = await self._comments.update_one(unchanged, {"$set": self._document(after)})
            return after if result.matched_count else None
        async with self._turn(after.post):
            while True:
                numbered = after.numbered(before, await self.counts(after.post))
                change = {"$set": self._document(numbered), "$push": {"numbers": numbered.n}}
                try:
                    result = await self._comments.update_one(unchanged, change)
                except DuplicateKey:
                    continue
                return numbered if result.matched_count else None

    async def correct(self, post: str, counts: Counts) -> None:
        """From now on go on from these counts, if that is still the newest change."""
        await self._comments.update_one({"post": post, "n": counts.n}, {"$set": {"counts": counts}})

    async def counts(self, post: str) -> Counts:
        """How a thread stands, by its newest change."""
        query, fields = {"post": post, "n": NUMBERED}, {"n": 1, "counts": 1}
        newest = await self._comments.find_one(query, fields, sort=[("n", DESCENDING)])
        if newest is None:
            return Counts()
        counts = Counts(*newest.get("counts", ()))
        return counts if counts.n == newest["n"] else (await self.counted(post))[post]

    async def counted(self, *posts: str) -> dict[str, Counts]:
        """How the threads of these posts stand, or all, counted one by one: for where no change says so, or wrongly."""
        chosen: list[Document] = [{"$match": {"post": {"$in": posts}}}] if posts else []
        numbered: Document = {"$match": {"n": NUMBERED}}
        comments, roots = ({"$sum": {"$cond": [{"$eq": it}, 1, 0]}} for it in (["$status", "published"], ["$depth", 0]))
        group: Document = {"$group": {"_id": "$post", "n": {"$max": "$n"}, "comments": comments, "roots": roots}}
        found = await self._mongo.aggregate("comments", [*chosen, numbered, group])
        return {one.pop("_id"): Counts(**one) for one in found}

    def _turn(self, post: str) -> Turn:
        turn = self._turns.get(post)
        if turn is None:
            turn = self._turns[post] = Turn()
            asyncio.get_running_loop().call_later(REMEMBERED, lambda: turn)  # holds it till then
        return turn

    async def _expected(self, post: str, turn: Turn, counts: Counts) -> Counts:
        """How the thread stands as far as is known here; where others write too, a look costs less than a clash."""
        if not turn.is_contended:
            return max(counts, turn.counts, key=attrgetter("n"))  # of the same number the one that was stored
        newest = await self.counts(post)
        turn.is_contended = newest != turn.counts
        return newest

    def _document(self, comment: Comment) -> Document:
        return {**comment.to_document(), "told": False, "changed": self._clock()}

    def _new_document(self, comment: Comment) -> Document:
        return self._document(comment) | ({"numbers": [comment.n]} if comment.is_numbered else {})
