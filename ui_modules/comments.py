"""Comments as HTML and as JSON: one alone for answers and live events, whole threads for pages, all from the same
function.

By f-strings, not by a template for each: the longest thread has thousands. Nothing in here calls itself, so a thread
may be as deep as people make it. `comment.html` was sanitised when it was written; all else is escaped here.
"""

from collections.abc import Iterable
from typing import Any

from tornado.escape import xhtml_escape
from tornado.web import UIModule

from lib.dates import moment_html
from models.comments import Comment, Node, Status
from models.posts import Post

HELD = '<p class="held-note">Held: only you see this until it is approved.</p>'
REPLY = '<a class="reply" href="#write">Reply<span class="unseen"> to {}</span></a>'
REASONS = {
    "honeypot": "filled in the hidden field",
    "repeated": "repeated text",
    "links": "many links",
    "substrings": "a watched word",
    "first": "a first comment",
    "all": "all comments are held",
    "import": "imported",
    "staff": "by staff",
}
REMOVED = {"author": "Removed by its author.", "staff": "Removed by the moderators."}


def comment_html(comment: Comment, is_own: bool = False) -> str:
    """One comment without its replies: no form, picture, svg or script in it.

    What is held again was once seen by all, who now see it gone; only its author goes on seeing it.
    """
    is_gone = comment.is_gone and not (is_own and comment.status == Status.HELD)
    number = f' data-n="{comment.n}"' if comment.n is not None else ""
    place = f' data-place="{comment.place}"' if comment.place is not None else ""
    status = "gone" if is_gone else comment.status
    opened = f'<article class="comment {status}" id="{comment.anchor}"{number}{place}>'
    if is_gone:
        return f'{opened}<p class="gone-note">{REMOVED.get(comment.removed_by or "", "Removed.")}</p></article>'
    name = name_html(comment)
    when = f'<a class="when" href="#{comment.anchor}">{moment_html(comment.created)}</a>'
    edited = ' <span class="edited">edited</span>' if comment.edited else ""
    note, reply = ("", REPLY.format(name)) if comment.is_published else (HELD, "")
    return (
        f'{opened}<header><b class="name">{name}</b> {when}{edited}</header>{note}'
        f'<div class="text">{comment.html}</div><footer>{reply}</footer></article>'
    )


def comment_json(
    comment: Comment, *, is_own: bool = False, is_on_page: bool = True, above: Iterable[Comment] = ()
) -> dict[str, Any]:
    """A comment as answers and events have it: to its author (`is_own`) it is held until it is published, to others
    gone.

    `is_on_page`: whether pages show it at all, be it as a tombstone; `above` are the tombstones that a reply brings
    along.
    """
    unpublished = Status.HELD if is_own else Status.GONE
    json = {
        "id": comment.id,
        "n": comment.n if comment.is_published or not is_own else None,
        "parent": comment.parent,
        "status": Status.PUBLISHED if comment.is_published else unpublished,
        "html": comment_html(comment, is_own) if is_on_page else "",
    }
    tombstones = [
        {"id": gone.id, "parent": gone.parent, "status": Status.GONE, "html": comment_html(gone)} for gone in above
    ]
    return {**json, "above": tombstones} if tombstones else json


def thread_html(nodes: Iterable[Node]) -> str:
    """The comments with their replies nested in them, to be put in an `<ol class="thread">`."""
    parts: list[str] = []
    waiting: list[Node | str] = list(reversed(tuple(nodes)))
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        parts.append(f"<li>{comment_html(node.comment)}")
        waiting.append("</ol></li>" if node.replies else "</li>")
        if node.replies:
            parts.append('<ol class="replies">')
            waiting.extend(reversed(node.replies))
    return "".join(parts)


def name_html(comment: Comment) -> str:
    return xhtml_escape(comment.name) or "Anonymous"


class Thread(UIModule):
    def render(self, nodes: Iterable[Node]) -> str:
        return thread_html(nodes)


class QueueRow(UIModule):
    """A comment in the moderation queue, with what staff may do to it. Its script asks for the same HTML alone."""

    def render(self, comment: Comment, post: Post, reply: str = "") -> bytes:
        """`reply` is an answer that was begun."""
        return self.render_string("admin/row.html", comment=comment, post=post, reply=reply)


class Reason(UIModule):
    """Why a comment is in its state, in words for staff; nothing where nobody objected."""

    def render(self, comment: Comment) -> str:
        reason = REASONS.get(comment.check)
        return f'<span class="reason">{reason}</span>' if reason else ""
