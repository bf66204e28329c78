"""The moderation queue: look, approve, remove, mark as spam, one or many; change a text; answer.

Every form works without script (303 back to the queue); scripts get JSON, and hear of others' work on channel `staff`.
An approval names the revision that staff have read; if the comment has changed since, the answer is 409 with its row as
it is now.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from handlers.admin.base import StaffHandler
from handlers.base import staff
from handlers.forms import wants_json
from handlers.live import LiveConnection, Newest
from handlers.problems import problem_of
from lib.channels import unnumbered
from lib.ids import is_id
from models.comments import Attempt, Comment, Status
from models.comments.moderation import LOOKED_AT, UNREAD
from models.errors import Conflict, Invalid, NotAllowed, NotFound, SiteError

ACTIONS = ("approve", "delete", "spam")
ON_A_PAGE = 50
MOST_AT_ONCE = 500


class QueueHandler(StaffHandler):
    @staff
    async def get(self) -> None:
        """One page of the queue: `status` held, published or spam; `before` an id to go on from."""
        status = self.get_query_argument("status", "held")
        if status not in LOOKED_AT:
            raise NotFound()
        before = self.get_query_argument("before", "") or None
        found = await self.site.comments.moderation.queue(Status(status), before, ON_A_PAGE)
        shown = found[:ON_A_PAGE]
        more = f"/admin/comments/?status={status}&before={shown[-1].id}" if len(found) > ON_A_PAGE else ""
        await show(self, shown, status, more_path=more)

    @staff
    async def post(self) -> None:
        """Does one thing to many comments; what one of them refuses does not keep the others from it."""
        ids, action = self._ids(), self.form.text("action")
        if action not in ACTIONS:
            raise Invalid({"action": f"This must be one of {', '.join(ACTIONS)}."})
        read = self._revisions(ids) if action == "approve" else dict.fromkeys(ids, 0)
        changed: list[Comment] = []
        refused: dict[str, SiteError] = {}
        for id in await self.site.comments.moderation.parents_first(read):
            try:
                changed.append(await self._act(action, id, read[id]))
            except SiteError as error:
                refused[id] = error
        await done(self, changed, refused)

    async def _act(self, action: str, id: str, revision: int) -> Comment:
        moderation = self.site.comments.moderation
        if action == "approve":
            return await moderation.approve(id, revision)
        return await (moderation.mark_spam(id) if action == "spam" else moderation.remove(id))

    def _ids(self) -> list[str]:
        ids = self.form.all("id")
        if not all(map(is_id, ids)) or not 0 < len(ids) <= MOST_AT_ONCE:
            raise Invalid({"id": f"Please choose 1 to {MOST_AT_ONCE} comments."})
        return ids

    def _revisions(self, ids: Sequence[str]) -> dict[str, int]:
        """The revision of each comment that staff have read: once per id, in the same order.

        A form without script cannot choose what it sends with a tick, so it sends `shown`, `id:revision` of every row.
        """
        revisions = self.form.all("revision")
        if not revisions:
            shown = dict(row.split(":", 1) for row in self.form.all("shown") if isinstance(row, str) and ":" in row)
            revisions = [shown.get(id) for id in ids]
        if len(revisions) != len(ids):
            raise Invalid({"revision": UNREAD})
        return dict(zip(ids, map(revision_of, revisions), strict=True))


class QueuedHandler(StaffHandler):
    @staff
    async def get(self, id: str) -> None:
        """One comment as the queue shows it: what a script asks for when it hears that something changed."""
        row = await row_json(self, id)
        if not wants_json(self.request):
            return self.finish(row["html"])
        self.json({**row, "counts": await self.site.comments.moderation.counts()})


class ApprovalHandler(StaffHandler):
    @staff
    async def post(self, id: str) -> None:
        revision = revision_of(self.form.last("revision"))
        try:
            await done(self, [await self.site.comments.moderation.approve(id, revision)])
        except Conflict as error:
            await done(self, [], {id: error})

    @staff
    async def delete(self, id: str) -> None:
        """Takes it back into the queue."""
        await done(self, [await self.site.comments.moderation.hold(id)])


class TextHandler(StaffHandler):
    @staff
    async def post(self, id: str) -> None:
        text = Attempt.cleaned(self.form.text("text")).text
        await done(self, [await self.site.comments.moderation.rewrite(id, text)])


class ReplyHandler(StaffHandler):
    @staff
    async def post(self, id: str) -> None:
        """Answers a comment; one that is not published is approved by that, so it needs `revision` too."""
        parent = await self.site.comments.documents.by_id(id)
        post = await self.site.posts.documents.by_id(parent.post)
        attempt = Attempt.cleaned(self.form.text("text"), self.form.text("name") or self.site.settings.title)
        sent = self.form.last("revision")
        revision = None if sent is None else revision_of(sent)
        author, moderation = await self.visitor.writer(), self.site.comments.moderation
        try:
            await done(self, await moderation.reply(post, author, attempt, parent, revision))
        except Conflict as error:
            await done(self, [], {id: error})


def revision_of(value: object) -> int:
    """A revision as JSON (an integer) or a form (digits) carries it."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,15}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid({"revision": UNREAD})
    return value


async def done(
    handler: StaffHandler, comments: Sequence[Comment], refused: Mapping[str, SiteError] | None = None
) -> None:
    """What was done, for scripts; for forms, back to where they were. 409 with their rows if some have changed since
    they were read.
    """
    refused = refused or {}
    stale = [id for id, error in refused.items() if isinstance(error, Conflict)]
    if stale:
        handler.set_status(409)
    if wants_json(handler.request):
        said = {id: error.message for id, error in refused.items()}
        answer = {"comments": [shortly(comment) for comment in comments], "refused": said}
        return handler.json(
            {**answer, **(await stale_json(handler, stale, refused) if stale else {})}, handler.get_status()
        )
    if not stale:
        return handler.redirect(f"/admin/comments/?status={tab(handler)}", status=303)
    rows = await handler.site.comments.documents.by_ids(stale)
    await show(handler, rows, tab(handler), message=refused[stale[0]].message, reply=handler.form.text("text"))


async def show(
    handler: StaffHandler,
    comments: Sequence[Comment],
    status: str,
    more_path: str = "",
    message: str = "",
    reply: str = "",
) -> None:
    """A page of these rows. `reply` is an answer that was begun."""
    posts = await handler.site.posts.documents.by_ids(comment.post for comment in comments)
    rows = [(comment, posts[comment.post]) for comment in comments if comment.post in posts]
    counts = await handler.site.comments.moderation.counts()
    said = {"more_path": more_path, "message": message, "reply": reply}
    handler.page("admin/comments.html", status=status, comments=rows, counts=counts, **said)


async def stale_json(handler: StaffHandler, ids: Sequence[str], refused: Mapping[str, SiteError]) -> dict[str, Any]:
    """The problem, and the rows as they are now; the first one also as `GET /admin/comments/<id>` has it."""
    rows = {id: await row_json(handler, id) for id in ids}
    counts = await handler.site.comments.moderation.counts()
    return {**problem_of(refused[ids[0]]).as_json(), **rows[ids[0]], "rows": rows, "counts": counts}


async def row_json(handler: StaffHandler, id: str) -> dict[str, Any]:
    """A comment as the queue shows it, and the revision that an approval of it must name."""
    comment = await handler.site.comments.documents.by_id(id)
    post = await handler.site.posts.documents.by_id(comment.post)
    html = handler.render_string("admin/row.html", comment=comment, post=post, reply="")
    return {"html": html.decode(), "revision": comment.revision}


def tab(handler: StaffHandler) -> str:
    """The status whose rows a form was sent from."""
    status = handler.form.text("status")
    return status if status in LOOKED_AT else Status.HELD


def shortly(comment: Comment) -> dict[str, str]:
    return {"id": comment.id, "status": comment.status, "post": comment.post}


async def may_follow_staff(connection: LiveConnection, channel: str) -> Newest | None:
    """Only staff may follow what waits for them."""
    member = await connection.visitor.member()
    if member is None or not member.is_staff:
        raise NotAllowed("not-allowed", "This is for the people who run the site.")
    return unnumbered
