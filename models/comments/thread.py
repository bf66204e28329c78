"""How comments hang together on a page: pure. A removed comment is shown, as a tombstone, only where replies need it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from models.comments.comment import Comment

ROOTS_ON_A_PAGE = 95


@dataclass(frozen=True)
class Node:
    comment: Comment
    replies: tuple["Node", ...] = ()


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
