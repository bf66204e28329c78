"""What pages, feeds and scripts need of comments: whole threads, changes to catch up with, and where a comment is
shown. A removed comment is shown, as a tombstone, only where replies need it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from models.comments.comment import Comment
from models.comments.documents import CommentDocuments
from models.errors import NotFound
from models.posts import Post

ROOTS_ON_A_PAGE = 95
MOST_CHANGES = 500  # in one answer
WHOLE = 500  # comments that a page reads at once; with more, it reads only the threads that it shows

AsJson = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Node:
    comment: Comment
    replies: tuple["Node", ...] = ()


@dataclass(frozen=True)
class CommentsPage:
    """What a page shows: trees, the newest change among them, and the numbers of the pages with older ones."""

    nodes: tuple[Node, ...]
    n: int
    older: range


class CommentReading:
    """`as_json` is ui_modules.comments.comment_json: events carry HTML, and what makes HTML is to the right of models."""

    def __init__(self, documents: CommentDocuments, as_json: AsJson) -> None:
        self._documents = documents
        self._as_json = as_json

    async def under(self, post: Post, page: int | None = None) -> CommentsPage:
        """What the post's own page shows, or the page of older comments with this number. NotFound if there is no such
        page.
        """
        older = older_pages(post.root_count)
        if page is not None and page not in older:
            raise NotFound("There are no older comments than these.")
        if page is None and post.root_count <= ROOTS_ON_A_PAGE and post.comment_count <= WHOLE:
            return await self._whole(post)
        roots = await self._roots(post, page)
        replies = await self._documents.replies_under(root.id for root in roots)
        return CommentsPage(thread([*roots, *replies]), post.n, older)

    async def changes(self, post: Post, after: int) -> tuple[int, list[dict[str, Any]], bool]:
        """All changes numbered above `after`, in order: the newest number among them, they as JSON, and whether there
        are more.
        """
        found = await self._documents.changes_after(post, after, MOST_CHANGES + 1)
        comments = found[:MOST_CHANGES]
        newest = comments[-1].n or after if comments else after  # not the thread's newest: that may be missing here
        return newest, await self.as_changes(comments), len(found) > MOST_CHANGES

    async def as_changes(self, comments: Sequence[Comment]) -> list[dict[str, Any]]:
        """Numbered changes as answers and events show them. A reply brings the tombstones above it along."""
        tombstones = await self._still_shown([comment for comment in comments if comment.is_gone])
        above = await self._gone_above([comment for comment in comments if comment.is_published])
        return [
            self._as_json(
                comment,
                is_on_page=comment.is_published or comment.id in tombstones,
                above=above.get(comment.id, ()),
            )
            for comment in comments
        ]

    async def path_of(self, post: Post, comment: Comment) -> str:
        """Where a comment is shown. NotFound for one that is shown nowhere."""
        if not comment.is_numbered or not (comment.is_published or await self._still_shown([comment])):
            raise NotFound("There is no such comment.")
        root = comment if comment.is_root else await self._documents.by_id(comment.root)
        index = await self._documents.roots_before(root)
        page = page_of(index, max(post.root_count, index + 1))
        return f"{post.path}{f'/p{page}' if page else ''}#{comment.anchor}"

    async def _whole(self, post: Post) -> CommentsPage:
        comments = await self._documents.under(post)
        n = comments[-1].n if comments else 0
        return CommentsPage(thread({c.id: c for c in comments}.values()), n or 0, range(1, 1))

    async def _roots(self, post: Post, page: int | None) -> list[Comment]:
        if page is None:
            return await self._documents.newest_roots(post, ROOTS_ON_A_PAGE)
        start = (page - 1) * ROOTS_ON_A_PAGE
        most = min(ROOTS_ON_A_PAGE, post.root_count - ROOTS_ON_A_PAGE - start)
        return await self._documents.oldest_roots(post, start, most)

    async def _gone_above(self, comments: Iterable[Comment]) -> dict[str, list[Comment]]:
        """The tombstones above each reply, topmost first: a page may have dropped them when nothing answered them any
        more.
        """
        replies = [comment for comment in comments if comment.parent]
        if not replies:
            return {}
        gone = {c.id: c for c in await self._documents.gone_in_trees_of({reply.root for reply in replies})}
        above: dict[str, list[Comment]] = {}
        for reply in replies:
            line, parent = [], reply.parent
            while parent in gone:
                line.append(gone[parent])
                parent = gone[parent].parent
            above[reply.id] = line[::-1]
        return above

    async def _still_shown(self, gone: Iterable[Comment]) -> set[str]:
        """The ids of all that is shown in the trees of these: a tombstone is shown while replies need it."""
        roots = {comment.root for comment in gone}
        return shown(thread(await self._documents.trees_of(roots))) if roots else set()


def thread(comments: Iterable[Comment]) -> tuple[Node, ...]:
    """The trees that numbered comments of one post make, each level in order of place."""
    numbered = sorted((c for c in comments if c.is_numbered), key=lambda c: c.place or 0)
    ids = {c.id for c in numbered}
    children: dict[str | None, list[Comment]] = defaultdict(list)
    for comment in numbered:
        children[comment.parent if comment.parent in ids else None].append(comment)
    nodes: dict[str, Node] = {}
    for comment in sorted(numbered, key=lambda c: (c.depth, c.place or 0), reverse=True):  # leaves first: no recursion
        replies = tuple(nodes[reply.id] for reply in children[comment.id] if reply.id in nodes)
        if comment.is_published or replies:
            nodes[comment.id] = Node(comment, replies)
    return tuple(nodes[root.id] for root in children[None] if root.id in nodes)


def shown(nodes: Iterable[Node]) -> set[str]:
    """The ids of all that is on the page."""
    ids, waiting = set(), list(nodes)
    while waiting:
        node = waiting.pop()
        ids.add(node.comment.id)
        waiting.extend(node.replies)
    return ids


def hanging_on(parent: str | None, comments: dict[str, Comment]) -> Comment | None:
    """The nearest numbered comment upwards from `parent`: what a reply hangs on once it is published."""
    above = comments.get(parent) if parent else None
    while above is not None and not above.is_numbered:
        above = comments.get(above.parent) if above.parent else None
    return above


def page_of(index: int, roots: int) -> int | None:
    """The page of older comments that shows the root at `index` (0: oldest); None where the post itself does."""
    return None if index >= roots - ROOTS_ON_A_PAGE else index // ROOTS_ON_A_PAGE + 1


def older_pages(roots: int) -> range:
    """The numbers of the pages of older comments: counted from the oldest, so that they never move."""
    older = max(0, roots - ROOTS_ON_A_PAGE)
    return range(1, -(-older // ROOTS_ON_A_PAGE) + 1)
