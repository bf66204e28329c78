"""Who somebody is: `/me` for scripts, and signing in and out. A sign-in link shows a button, since mail scanners follow
links.
"""

from handlers.base import BaseHandler, public, set_signed, visitor
from models.accounts import SESSION_LIFE, SPENT


class MeHandler(BaseHandler):
    @visitor
    async def get(self) -> None:
        """What scripts may show to this visitor alone; never cached."""
        member, account = await self.visitor.member(), await self.visitor.account()
        self.set_header("Cache-Control", "no-store")
        self.json(
            {
                "visitor": account.id if account else self.visitor.author.id,
                "name": account.name if account else "",
                "member": member is not None,
                "staff": member is not None and member.is_staff,
                "unread": 0,
            }
        )


class SigninHandler(BaseHandler):
    @public
    async def get(self) -> None:
        self.show(token=None)

    def show(self, token: str | None, message: str | None = None) -> None:
        self.set_header("Cache-Control", "no-store")
        self.page("accounts/signin.html", token=token, next=self.next_path(), message=message)

    def next_path(self) -> str:
        """Where to go afterwards: a path of this site, never another one."""
        path = self.get_argument("next", "/")
        is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
        return path if is_own else "/"


class SigninLinkHandler(SigninHandler):
    @public
    async def get(self, token: str = "") -> None:
        """A button: opening the link changes nothing."""
        is_open = await self.site.accounts.documents.has_link(token)
        self.show(token if is_open else None, None if is_open else SPENT)

    @visitor
    async def post(self, token: str) -> None:
        """Uses the link up and signs in, with what this visitor wrote; an earlier session in this browser ends.

        The visitor id is renewed: the old one belongs to the member now, and others may have copied its cookie.
        """
        author, earlier = self.visitor.author, self.visitor.session
        secret = await self.site.accounts.sign_in(token, author.id if author.had_id else None, author.agent)
        if earlier:
            await self.site.accounts.sign_out(earlier)
        if author.had_id:
            await self.site.move(author.id)
        self.visitor.renew()
        set_signed(self, "session", secret, SESSION_LIFE.days)
        self.redirect(self.next_path(), status=303)


class SignoutHandler(BaseHandler):
    @public
    async def get(self) -> None:
        self.redirect("/signin", status=303)

    @public
    async def post(self) -> None:
        """Ends the session. The next visitor in this browser is somebody else."""
        if self.visitor.session:
            await self.site.accounts.sign_out(self.visitor.session)
        self.clear_cookie("session")
        self.visitor.renew()
        self.redirect("/", status=303)
