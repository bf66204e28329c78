"""Comments: threaded, numbered, moderated, live. The thing and its rules are pure; `Comments` has the verbs."""

from models.comments.checks import Attempt, Facts, Verdict, judge
from models.comments.collection import Comments, CommentsPage
from models.comments.comment import Comment
from models.comments.thread import Node, thread

__all__ = ["Attempt", "Comment", "Comments", "CommentsPage", "Facts", "Node", "Verdict", "judge", "thread"]
