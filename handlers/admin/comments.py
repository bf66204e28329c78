"""The moderation queue: look, approve, remove, mark as spam, one or many; change a text; answer.

Every form works without script (303 back to the queue); scripts get JSON, and hear of others' work on channel `staff`.
"""

from typing import Any

from handlers.admin.base import StaffHandler
from handlers.base import staff
from lib.ids import is_id
from models.comments import Attempt, Comment
from models.errors import Invalid, NotFound, SiteError

STATUSES = ("held", "published", "spam")
ACTIONS = ("approve", "delete", "spam")
ON_A_PAGE = 50
MOST_AT_ONCE = 500


class QueueHandler(StaffHandler):
    @staff
    async def get(self) -> None:
        """One page of the queue: `status` held, published or spam; `before` an id to go on from."""
        status = self.get_query_argument("status", "held")
        if status not in STATUSES:
            raise NotFound()
        before = self.get_query_argument("before", "") or None
        found = await self.site.moderation.queue(status, before, ON_A_PAGE)
        shown = found[:ON_A_PAGE]
        posts = await self.site.posts.by_ids(comment.post for comment in shown)
        more = f"/admin/comments/?status={status}&before={shown[-1].id}" if len(found) > ON_A_PAGE else None
        self.page(
            "admin/comments.html",
            status=status,
            comments=[(comment, posts[comment.post]) for comment in shown if comment.post in posts],
            counts=await self.site.moderation.counts(),
            more_path=more,
        )

    @staff
    async def post(self) -> None:
        """Do one thing to many comments; what one of them refuses does not keep the others from it."""
        ids, action = self._ids(), self.text("action")
        if action not in ACTIONS:
            raise Invalid({"action": f"This must be one of {', '.join(ACTIONS)}."})
        changed: list[Comment] = []
        refused: dict[str, str] = {}
        for id in ids:
            try:
                changed += await self._act(action, id)
            except SiteError as error:
                refused[id] = error.message
        done(self, changed, refused)

    async def _act(self, action: str, id: str) -> list[Comment]:
        moderation = self.site.moderation
        if action == "approve":
            return await moderation.approve(id)
        if action == "spam":
            return [await moderation.mark_spam(id)]
        return [await moderation.remove(id)]

    def _ids(self) -> list[str]:
        sent = self.form.get("id") if self.is_json else self.get_body_arguments("id")
        ids = sent if isinstance(sent, list) else [sent]
        if not all(map(is_id, ids)) or not 0 < len(ids) <= MOST_AT_ONCE:
            raise Invalid({"id": f"Please choose 1 to {MOST_AT_ONCE} comments."})
        return list(dict.fromkeys(ids))


class QueuedHandler(StaffHandler):
    @staff
    async def get(self, id: str) -> None:
        """One comment as the queue shows it: what a script asks for when it hears that something changed."""
        comment = await self.site.comments.by_id(id)
        post = await self.site.posts.by_id(comment.post)
        if not self.wants_json:
            return self.page("admin/row.html", comment=comment, post=post)
        row = self.render_string("admin/row.html", comment=comment, post=post).decode()
        self.json({"html": row, "counts": await self.site.moderation.counts()})


class ApprovalHandler(StaffHandler):
    @staff
    async def post(self, id: str) -> None:
        """Approve, and first the held comments that it hangs on."""
        done(self, await self.site.moderation.approve(id))

    @staff
    async def delete(self, id: str) -> None:
        """Take it back into the queue."""
        done(self, [await self.site.moderation.hold(id)])


class TextHandler(StaffHandler):
    @staff
    async def post(self, id: str) -> None:
        text = Attempt.cleaned(self.text("text")).text
        done(self, [await self.site.moderation.rewrite(id, text)])


class ReplyHandler(StaffHandler):
    @staff
    async def post(self, id: str) -> None:
        """Answer a comment; a held one is approved by that."""
        parent = await self.site.comments.by_id(id)
        attempt = Attempt.cleaned(self.text("text"), self.text("name") or self.site.settings.title)
        post = await self.site.posts.by_id(parent.post)
        done(self, await self.site.moderation.reply(post, await self.writer(), attempt, id))


def done(handler: StaffHandler, comments: list[Comment], refused: dict[str, str] | None = None) -> None:
    """What was done, for scripts; for forms, back to where they were."""
    if handler.wants_json:
        return handler.json({"comments": [shortly(comment) for comment in comments], "refused": refused or {}})
    status = handler.text("status")
    handler.redirect(f"/admin/comments/?status={status if status in STATUSES else 'held'}", status=303)


def shortly(comment: Comment) -> dict[str, Any]:
    return {"id": comment.id, "status": comment.status, "post": comment.post}
