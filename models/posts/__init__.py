"""Posts: what the maker writes. `documents` finds them, `reading` serves pages, `writing` adds and edits; the post
itself is pure.
"""

from collections.abc import AsyncIterator, Sequence

from lib.untold import Consequence, Kinds, Untold
from models.categories import Categories
from models.outbox import Outbox
from models.pages import Pages
from models.posts.documents import PostDocuments
from models.posts.post import Post, channel_of_thread, find_post_of_channel, tag_of_post
from models.posts.reading import PostReading
from models.posts.writing import PostWriting
from models.tools import Tools

__all__ = ["Post", "PostDocuments", "Posts", "channel_of_thread", "find_post_of_channel", "tag_of_post"]


class Posts:
    """All posts."""

    def __init__(self, tools: Tools, pages: Pages, outbox: Outbox, categories: Categories) -> None:
        self.documents = PostDocuments(tools, categories.documents)
        self.reading = PostReading(tools, self.documents)
        self.writing = PostWriting(tools, self.documents, pages, outbox)

    @property
    def untold(self) -> Untold:
        return self.documents.untold

    def left(self, kinds: Kinds) -> AsyncIterator[Sequence[Consequence]]:
        return self.writing.left(kinds)
