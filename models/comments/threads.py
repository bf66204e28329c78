"""Threads as they are read: whole on pages, as changes by scripts that catch up and in live events, flat in feeds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lib.mongo import ASCENDING, DESCENDING
from models.comments.comment import Comment
from models.comments.store import NUMBERED, ROOT, CommentStore
from models.comments.thread import ROOTS_ON_A_PAGE, Node, older_pages, page_of, shown, thread
from models.errors import NotFound
from models.posts import Post

MOST_CHANGES = 500  # in one answer
WHOLE = 500  # comments that a page reads in one go; beyond that it reads the threads that it shows


@dataclass(frozen=True)
class CommentsPage:
    """What a page shows: trees, the newest change among them, and the numbers of the pages with older ones."""

    nodes: tuple[Node, ...]
    n: int
    older: range


class Threads:
    """The threads of all posts. `html` renders one comment as it stands on pages: JSON and live events show the same."""

    def __init__(self, store: CommentStore, html: Callable[[Comment], str]) -> None:
        self._store = store
        self._html = html

    async def newest_n(self, post: str) -> int:
        """The number of the newest change under a post; 0 where there was none."""
        return await self._store.newest_n(post)

    async def count(self) -> int:
        """How many comments there are to be read."""
        return await self._store.count({"status": "published"})

    async def under(self, post: Post, page: int | None = None) -> CommentsPage:
        """What the post's own page shows, or the page of older comments with this number (NotFound: there is none)."""
        older = older_pages(post.root_count)
        if page is not None and page not in older:
            raise NotFound("There are no older comments than these.")
        if page is None and post.root_count <= ROOTS_ON_A_PAGE and post.comment_count <= WHOLE:
            return await self._whole(post)
        roots = await self._roots(post, page)
        query = {"root": {"$in": [c.id for c in roots]}, "n": NUMBERED, "depth": {"$gt": 0}}
        return CommentsPage(thread([*roots, *await self._store.shown(query)]), post.n, older)

    async def changes(self, post: Post, after: int) -> tuple[int, list[dict[str, Any]], bool]:
        """All changes numbered above `after`, in order: the newest number among them, they, and whether there are more."""
        query = {"post": post.id, "n": {"$gt": max(0, after)}}
        found = await self._store.shown(query, [("n", ASCENDING)], MOST_CHANGES + 1)
        comments = found[:MOST_CHANGES]
        newest = comments[-1].n or after if comments else after  # not what came since: that is not among them
        return newest, await self.as_changes(comments), len(found) > MOST_CHANGES

    async def as_changes(self, comments: Sequence[Comment]) -> list[dict[str, Any]]:
        """Changes as JSON answers and live events give them. A reply brings the removed comments above it along."""
        tombstones = await self._still_shown([comment for comment in comments if comment.is_gone])
        above = await self._gone_above([comment for comment in comments if comment.is_published])
        return [
            {
                "id": comment.id,
                "n": comment.n,
                "parent": comment.parent,
                "status": "published" if comment.is_published else "gone",
                "html": self._html(comment) if comment.is_published or comment.id in tombstones else "",
                **({"above": [self._tombstone(c) for c in above[comment.id]]} if above.get(comment.id) else {}),
            }
            for comment in comments
        ]

    async def path_of(self, post: Post, comment: Comment) -> str:
        """Where a comment is to be seen. NotFound for one that is shown nowhere."""
        if not comment.is_numbered or not (comment.is_published or await self._still_shown([comment])):
            raise NotFound("There is no such comment.")
        root = comment if comment.is_root else await self._store.by_id(comment.root)
        before = {"post": post.id, "depth": 0, "place": {"$gt": 0, "$lt": root.place}}
        index = await self._store.count(before)
        page = page_of(index, max(post.root_count, index + 1))
        return f"{post.path}{f'/p{page}' if page else ''}#{comment.anchor}"

    async def newest_under(self, post: Post, most: int) -> list[Comment]:
        """Published comments of a post, newest first."""
        query = {"post": post.id, "status": "published"}
        return await self._store.shown(query, [("created", DESCENDING), ("_id", DESCENDING)], most)

    async def _whole(self, post: Post) -> CommentsPage:
        """Everything in one read, by ascending number: changes move to the right of the scan, so none below n is missed."""
        comments = await self._store.shown({"post": post.id, "n": NUMBERED}, [("n", ASCENDING)])
        n = comments[-1].n if comments else 0
        return CommentsPage(thread({c.id: c for c in comments}.values()), n or 0, range(1, 1))

    async def _roots(self, post: Post, page: int | None) -> list[Comment]:
        query = {"post": post.id, **ROOT}
        if page is None:
            return await self._store.shown(query, [("place", DESCENDING)], ROOTS_ON_A_PAGE)
        start = (page - 1) * ROOTS_ON_A_PAGE
        most = min(ROOTS_ON_A_PAGE, post.root_count - ROOTS_ON_A_PAGE - start)
        return await self._store.shown(query, [("place", ASCENDING)], most, start)

    def _tombstone(self, comment: Comment) -> dict[str, Any]:
        return {"id": comment.id, "parent": comment.parent, "status": "gone", "html": self._html(comment)}

    async def _gone_above(self, comments: Iterable[Comment]) -> dict[str, list[Comment]]:
        """What was removed above each reply, topmost first: a page that had dropped it must show it again."""
        replies = [comment for comment in comments if comment.parent]
        if not replies:
            return {}
        query = {"root": {"$in": sorted({c.root for c in replies})}, "n": NUMBERED, "status": {"$ne": "published"}}
        gone = {c.id: c for c in await self._store.shown(query)}
        above: dict[str, list[Comment]] = {}
        for reply in replies:
            line, parent = [], reply.parent
            while parent in gone:
                line.append(gone[parent])
                parent = gone[parent].parent
            above[reply.id] = line[::-1]
        return above

    async def _still_shown(self, gone: Iterable[Comment]) -> set[str]:
        """Which of these are still on the page, as tombstones, for the sake of their replies."""
        roots = sorted({comment.root for comment in gone})
        return shown(thread(await self._store.shown({"root": {"$in": roots}, "n": NUMBERED}))) if roots else set()
