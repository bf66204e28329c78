"""Comments under a post: what changed since, the visitor's own, writing, previewing, changing and taking back.

The same addresses serve forms (303 back to the page, or the form again with what is wrong) and scripts (JSON).
"""

from typing import Any

from handlers.addresses import post_at
from handlers.base import BaseHandler, public, visitor
from handlers.forms import number_in_query, wants_json
from handlers.live import LiveConnection, Newest
from handlers.problems import problem_of
from lib.clock import iso
from lib.text import cleaned
from models.comments import Attempt, Comment
from models.errors import AWAY, NotFound, SiteError
from models.posts import Post, find_post_of_channel
from ui_modules.comments import comment_json

NEWEST = 2**31 - 1


class CommentsHandler(BaseHandler):
    @public
    async def get(self, slug: str) -> None:
        """All changes numbered above `after`, or with `mine=1` the visitor's own comments that wait for approval."""
        post = await open_post(self, slug)
        self.set_header("Vary", "Accept")
        if self.get_query_argument("mine", "") == "1":
            self.set_header("Cache-Control", "no-store")
            return self.json({"comments": await self._mine(post)})
        after = number_in_query(self.request, "after", 0, 0, NEWEST)
        n, changes, has_more = await self.site.comments.reading.changes(post, after)
        if "text/html" in self.request.headers.get("Accept", ""):
            self.finish("".join(change["html"] for change in changes))
        else:
            self.json({"n": n, "comments": changes, **({"more": True} if has_more else {})})

    @visitor
    async def post(self, slug: str) -> None:
        """Write a comment."""
        post = None
        try:
            post = await open_post(self, slug)
            attempt = Attempt.cleaned(*(self.form.text(name) for name in ("text", "name", "email", "website")))
            author = await self.visitor.writer()
            comment = await self.site.comments.writing.add(post, author, attempt, self.form.text("parent") or None)
        except (SiteError, *AWAY) as error:
            return self._again(post or self._unread(slug), error)
        if wants_json(self.request):
            is_own = comment.may_be_seen_as_own_by(author)
            self.json(as_own(self, comment) if is_own else as_others(comment), 201)
        else:
            self.redirect(f"{post.path}#{comment.anchor}", status=303)

    async def _mine(self, post: Post) -> list[dict[str, Any]]:
        mine = await self.site.comments.documents.held_of((await self.visitor.writer()).id, post)
        return [as_own(self, comment) for comment in mine]

    def _unread(self, slug: str) -> Post:
        """Stands for a post that cannot be read while MongoDB is away: enough to show the form again."""
        return Post(id="", slug=slug, title="this post", published=self.site.clock(), edited=self.site.clock())

    def _again(self, post: Post, error: Exception) -> None:
        """Without script nothing of what was written may be lost: the form again, with what is wrong."""
        if wants_json(self.request) or isinstance(error, NotFound):
            raise error
        if isinstance(error, AWAY):
            self.log_exception(type(error), error, None)
        problem = problem_of(error)
        self.set_status(problem.status)
        if problem.wait is not None:
            self.set_header("Retry-After", str(problem.wait))
        problems = problem.problems or {"text": problem.message}
        given = {name: cleaned(value) for name, value in self.form.texts().items()}
        self.page("post/comment_again.html", post=post, problems=problems, given=given, message=problem.message)


class PreviewHandler(BaseHandler):
    @public
    async def post(self, slug: str) -> None:
        """The text of a comment as it would stand on the page; nothing is stored."""
        await open_post(self, slug)
        attempt = Attempt.cleaned(self.form.text("text"))
        self.json({"html": await self.site.comments.writing.preview(self.visitor.author, attempt)})


class CommentHandler(BaseHandler):
    @public
    async def get(self, slug: str, id: str = "") -> None:
        """To the page that shows this comment."""
        post = await open_post(self, slug)
        comment = await self.site.comments.documents.by_id_under(post, id)
        self.redirect(await self.site.comments.reading.path_of(post, comment), status=303)

    @visitor
    async def put(self, slug: str, id: str) -> None:
        """Change one's own comment, with the token that its writing gave."""
        post = await open_post(self, slug)
        text = Attempt.cleaned(self.form.text("text")).text
        author = await self.visitor.writer()
        comment = await self.site.comments.writing.edit(post, author, id, self._token(), text)
        self.json(as_own(self, comment))

    @visitor
    async def delete(self, slug: str, id: str) -> None:
        """Take one's own comment back."""
        post = await open_post(self, slug)
        comment = await self.site.comments.writing.remove_own(post, id, self._token())
        self.json({"id": comment.id, "n": comment.n, "status": "gone"})

    def _token(self) -> str:
        return self.request.headers.get("X-Edit-Token") or self.form.text("edit_token")


async def open_post(handler: BaseHandler, slug: str) -> Post:
    """The post, without its texts, as long as its comments may be seen."""
    post = await post_at(handler, slug, is_whole=False)
    if post.has_hidden_comments:
        raise NotFound()
    return post


def as_own(handler: BaseHandler, comment: Comment) -> dict[str, Any]:
    """A comment as its author sees it, with what it takes to change it."""
    token = handler.site.comments.writing.edit_token(comment)
    return {**comment_json(comment, is_own=True), "edit_token": token, "edit_until": iso(comment.edit_until)}


def as_others(comment: Comment) -> dict[str, Any]:
    """A comment for somebody without its author's cookie who sent the same text: what is not public is held, without
    its text.
    """
    return comment_json(comment) if comment.is_published else comment_json(comment, is_own=True) | {"html": ""}


async def may_follow_thread(connection: LiveConnection, channel: str) -> Newest | None:
    """Everybody may follow the comments of a visible post. What this process follows already was allowed a moment ago."""
    post, comments = find_post_of_channel(channel), connection.site.comments.documents
    if post is None:
        return None
    if not connection.site.tools.channels.follows(channel):
        connection.count_lookup()
        if not await connection.site.posts.reading.has_open_thread(post):
            return None
    return lambda: comments.newest_n(post)
