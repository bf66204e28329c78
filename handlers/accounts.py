"""Who somebody is: `/me` for scripts, and signing in and out. A sign-in link shows a button, since scanners follow links."""

from handlers.base import BaseHandler, public, visitor


class MeHandler(BaseHandler):
    @visitor
    async def get(self) -> None:
        """What scripts may show to this visitor alone; never kept."""
        account = await self.account() or await self.site.accounts.find(self.author.id)
        self.set_header("Cache-Control", "no-store")
        self.json(
            {
                "visitor": account.id if account else self.author.id,
                "name": account.name if account else "",
                "member": account is not None and account.is_member,
                "staff": account is not None and account.is_member and account.is_staff,
                "unread": 0,
            }
        )


class SigninHandler(BaseHandler):
    @public
    async def get(self) -> None:
        self.show(token=None)

    def show(self, token: str | None) -> None:
        self.set_header("Cache-Control", "no-store")
        self.page("accounts/signin.html", token=token, next=self.next_path(), message=None)

    def next_path(self) -> str:
        """Where to go afterwards: a path of this site, never another one."""
        path = self.get_argument("next", "/")
        is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
        return path if is_own else "/"


class SigninLinkHandler(SigninHandler):
    @public
    async def get(self, token: str = "") -> None:
        """A button: opening the link changes nothing."""
        self.show(token if await self.site.accounts.has_link(token) else None)

    @visitor
    async def post(self, token: str) -> None:
        """Use the link up and sign in."""
        author = self.author
        secret = await self.site.accounts.sign_in(token, author.id if author.had_id else None, author.agent)
        self.give_session_cookie(secret)
        self.redirect(self.next_path(), status=303)


class SignoutHandler(BaseHandler):
    @public
    async def get(self) -> None:
        self.redirect("/signin", status=303)

    @visitor
    async def post(self) -> None:
        session = self.get_signed_cookie("session")
        if session:
            await self.site.accounts.sign_out(session.decode())
        self.clear_cookie("session")
        self.redirect("/", status=303)
