"""Comments: threaded, numbered, moderated, live. The thing and its rules are pure; the collections have the verbs.

`Comments` is what visitors do, `Moderation` what staff do, `Threads` what is read; `Changes` is how any of it is changed and
told, on top of `Numbering` and `CommentStore`.
"""

from models.comments.changes import STAFF_CHANNEL, Changes
from models.comments.checks import Attempt, Facts, Verdict, judge
from models.comments.collection import Author, Comments
from models.comments.comment import Comment
from models.comments.marks import Marks
from models.comments.moderation import Moderation
from models.comments.numbering import Numbering
from models.comments.store import CommentStore
from models.comments.thread import Node, thread
from models.comments.threads import CommentsPage, Threads

__all__ = [
    "STAFF_CHANNEL",
    "Attempt",
    "Author",
    "Changes",
    "Comment",
    "CommentStore",
    "Comments",
    "CommentsPage",
    "Facts",
    "Marks",
    "Moderation",
    "Node",
    "Numbering",
    "Threads",
    "Verdict",
    "judge",
    "thread",
]
