"""What is counted about posts, and is not their authors' to write: how their threads stand, how often they are read."""

from collections.abc import Mapping

from lib.clock import Clock
from lib.mongo import ALL_AT_ONCE, Document, Mongo, UpdateOne
from models.posts.post import Counts, address_key, popularity

RATED_AT_ONCE = 1000
LEAST_CHANGE = 1e-5  # of popularity


class Counting:
    """The counts and the popularity of all posts, stored with them."""

    def __init__(self, mongo: Mongo, clock: Clock) -> None:
        self._posts = mongo["posts"]
        self._repeatable = mongo.repeatable("posts")
        self._clock = clock

    async def set_counts(self, id: str, counts: Counts) -> None:
        """Store how a post's thread stands; older news never replace newer.

        Where they are lost they are stored again, since the change that made them is untold until this is done.
        """
        older = {"_id": id, "n": {"$lte": counts.n}}
        await self._repeatable.update_one(older, {"$set": _as_stored(counts)})

    async def all_counts(self) -> dict[str, Counts]:
        """How all threads stand, by the ids of their posts, as `set_counts` has stored it."""
        fields = {"n": 1, "comment_count": 1, "root_count": 1}
        documents = await self._posts.find({}, fields).batch_size(ALL_AT_ONCE).to_list(None)
        return {d["_id"]: Counts(d["n"], d["comment_count"], d["root_count"]) for d in documents}

    async def correct_counts(self, id: str, wrong: Counts, right: Counts) -> bool:
        """Store what was counted instead, whatever its number, if nobody has stored anything else meanwhile."""
        result = await self._posts.update_one({"_id": id, **_as_stored(wrong)}, {"$set": _as_stored(right)})
        return bool(result.matched_count)

    async def rate(self, reads: Mapping[str, int]) -> int:
        """Store how popular the posts at these addresses are, by how often each was read; how many have changed."""
        by_key = {address_key(address): number for address, number in reads.items()}
        keys, changed = sorted(by_key), 0
        for start in range(0, len(keys), RATED_AT_ONCE):
            changed += await self._rate(keys[start : start + RATED_AT_ONCE], by_key)
        return changed

    async def _rate(self, keys: list[str], reads: Mapping[str, int]) -> int:
        slugs = [key.removeprefix("/plog/") for key in keys]
        at_these = {"$or": [{"slug_key": {"$in": slugs}}, {"address_keys": {"$in": keys}}]}
        fields = {"slug_key": 1, "address_keys": 1, "published": 1, "popularity": 1}
        writes = []
        for document in await self._posts.find(at_these, fields).to_list(None):
            own = {f"/plog/{document['slug_key']}", *document["address_keys"]}
            rated = popularity(sum(reads.get(key, 0) for key in own), self._clock() - document["published"])
            if abs(rated - document["popularity"]) >= LEAST_CHANGE:
                writes.append(UpdateOne({"_id": document["_id"]}, {"$set": {"popularity": rated}}))
        if writes:
            await self._posts.bulk_write(writes, ordered=False)
        return len(writes)


def _as_stored(counts: Counts) -> Document:
    return {"n": counts.n, "comment_count": counts.comments, "root_count": counts.roots}
