"""Comments: threaded, numbered, moderated, live.

`writing` has what visitors do and `moderation` what staff do; `reading` serves pages and scripts; `documents` has all
queries. The comment itself and the rules are pure.
"""

from collections.abc import AsyncIterator, Sequence

from lib.untold import Consequence, Kinds, Untold
from models.comments.comment import STAFF_CHANNEL, Author, Comment, Counts, Status, html_of
from models.comments.documents import CommentDocuments
from models.comments.moderation import Moderation
from models.comments.numbering import recount
from models.comments.reading import AsJson, CommentReading, CommentsPage, Node, thread
from models.comments.rules import Attempt, Facts, Verdict, judge
from models.comments.writing import CommentWriting
from models.outbox import Outbox
from models.posts import Posts
from models.tools import Tools

__all__ = [
    "STAFF_CHANNEL",
    "AsJson",
    "Attempt",
    "Author",
    "Comment",
    "Comments",
    "CommentsPage",
    "Counts",
    "Facts",
    "Node",
    "Status",
    "Verdict",
    "html_of",
    "judge",
    "thread",
]


class Comments:
    """All comments."""

    def __init__(self, tools: Tools, outbox: Outbox, posts: Posts, as_json: AsJson) -> None:
        self._posts = posts
        self.documents = CommentDocuments(tools)
        self.reading = CommentReading(self.documents, as_json)
        self.writing = CommentWriting(tools, self.documents, self.reading, posts, outbox)
        self.moderation = Moderation(tools, self.documents, self.writing)

    @property
    def untold(self) -> Untold:
        return self.documents.untold

    def left(self, kinds: Kinds) -> AsyncIterator[Sequence[Consequence]]:
        return self.writing.left(kinds)

    async def recount(self) -> int:
        """Corrects wrong counts of threads. Returns of how many posts."""
        return await recount(self.documents, self._posts)
