"""How changes take their numbers: the next number of the thread, by the very write that makes the change.

Every change of what the public sees takes greatest + 1; unique indexes decide, and after a clash the write is retried
with the number after the greatest by then. A visible number therefore means that all smaller ones are visible. Whoever
takes a number knows which change it follows, hence the counts of the thread after both. Within a process a lock per
post keeps writers from clashing with themselves.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from weakref import WeakValueDictionary

from lib.mongo import DuplicateKey
from models.comments.comment import Comment, Counts
from models.comments.documents import CommentDocuments
from models.posts import Posts

LONGEST_WAIT = 5  # seconds for the lock
REMEMBERED = 5  # seconds that a lock lives, from its making or as long as somebody waits for it


class ThreadLock(asyncio.Lock):
    """Per-post lock; also caches the last counts, and whether other processes number changes of this post too.

    TimeoutError for whoever waits too long: MongoDB is away, and everyone in turn finds out.
    """

    counts = Counts()
    is_contended = False

    async def __aenter__(self) -> None:
        async with asyncio.timeout(LONGEST_WAIT):
            await self.acquire()


class Numbering:
    def __init__(self, documents: CommentDocuments) -> None:
        self._documents = documents
        self._locks: WeakValueDictionary[str, ThreadLock] = WeakValueDictionary()

    async def insert(self, post: str, comments: Sequence[Comment], counts: Counts) -> list[Comment | None]:
        """Inserts new comments of a post, the published ones with numbers. None in place of a comment whose id is
        taken.

        `counts` are the newest that the caller knows; the first free number most likely follows them.
        """
        stored: list[Comment | None] = []
        lock = self._lock(post)
        async with lock:
            counts = await self._expected(post, lock, counts)
            while rest := comments[len(stored) :]:
                numbered = list(Comment.all_numbered(rest, counts))
                inserted, taken = await self._documents.insert(numbered)
                stored += numbered[:inserted]
                lock.counts = counts = next((c.counts for c in reversed(numbered[:inserted]) if c.counts), counts)
                if {"n", "numbers"}.intersection(taken):
                    lock.is_contended = True
                    counts = await self._documents.counts(post)
                elif taken:
                    stored.append(None)
        return stored

    async def save(self, before: Comment, after: Comment) -> Comment | None:
        """Stores a changed comment, numbered if the public sees it or saw it. None if somebody else changed it
        meanwhile.
        """
        after = replace(after, revision=before.revision + 1)
        if not before.is_numbered and not after.is_published:
            return after if await self._documents.save(before, after, is_numbered=False) else None
        async with self._lock(after.post):
            while True:
                numbered = after.numbered(before, await self._documents.counts(after.post))
                try:
                    return numbered if await self._documents.save(before, numbered, is_numbered=True) else None
                except DuplicateKey:
                    continue

    def _lock(self, post: str) -> ThreadLock:
        lock = self._locks.get(post)
        if lock is None:
            lock = self._locks[post] = ThreadLock()
            asyncio.get_running_loop().call_later(REMEMBERED, lambda: lock)  # keeps it alive until then
        return lock

    async def _expected(self, post: str, lock: ThreadLock, counts: Counts) -> Counts:
        """The counts that are probably the newest. Where other processes write too, reading them costs less than a
        clash.
        """
        if not lock.is_contended:
            # With equal numbers the stored counts, which may have been corrected.
            return max(counts, lock.counts, key=attrgetter("n"))
        newest = await self._documents.counts(post)
        lock.is_contended = newest != lock.counts
        return newest


async def recount(documents: CommentDocuments, posts: Posts) -> int:
    """Corrects counts that differ from the comments, and returns of how many posts: a restored backup may have wrong
    ones, if people wrote while it was made. The worker does it every hour.
    """
    stored = await posts.documents.threads()  # first: what is written in between only makes the counted ones newer
    counted, corrected = await documents.count_threads(), 0
    for post, wrong in stored.items():
        right = counted.get(post, Counts())
        if right == wrong or right != (await documents.count_threads(post)).get(post, Counts()):
            continue  # nothing is wrong, or somebody is writing
        if await posts.documents.correct_thread(post, wrong, right):
            await documents.correct_counts(post, right)
            await posts.writing.tell(post)
            corrected += 1
    return corrected
