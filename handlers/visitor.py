"""Who is asking: from the signed cookies of a request or of a live handshake, never from a message.

`visitor` names an anonymous account, `session` a member who has signed in. An anonymous id that has become a member's
counts only with a session of that member, because its cookie may have been copied before the sign-in.
"""

from dataclasses import replace
from functools import cached_property

from tornado.httputil import HTTPServerRequest
from tornado.web import decode_signed_value

from lib import origins
from lib.ids import is_id, new_id
from models.accounts import SESSION_LIFE, Account
from models.comments import Author
from models.site import Site

VISITOR_DAYS = 365


class Visitor:
    """The sender of a request. `is_to_be_remembered`: the answer sets a cookie unless a valid one was sent."""

    def __init__(self, site: Site, request: HTTPServerRequest) -> None:
        self._site = site
        self._request = request
        self._member: Account | None = None
        self._has_looked = False
        self.is_to_be_remembered = False

    @cached_property
    def author(self) -> Author:
        """The visitor that the cookie names, else a new one; `writer` knows whether that id still counts."""
        id = self._cookie("visitor", VISITOR_DAYS)
        agent = self._request.headers.get("User-Agent", "")
        return Author(id if is_id(id) else new_id(), self._request.remote_ip or "", agent, had_id=bool(id))

    @property
    def session(self) -> str:
        """The secret of the session that the cookie carries; empty without one."""
        return self._cookie("session", SESSION_LIFE.days)

    async def member(self) -> Account | None:
        """The member who is signed in here, if one is."""
        if not self._has_looked:
            self._member = (
                await self._site.accounts.documents.account_of_session(self.session) if self.session else None
            )
            self._has_looked = True
        return self._member

    async def account(self) -> Account | None:
        """The member who is signed in, else the anonymous account of the cookie; None before a visitor's first act."""
        if (member := await self.member()) is not None:
            return member
        account = await self._site.accounts.documents.find(self.author.id) if self.author.had_id else None
        if account is not None and account.is_member:
            self.renew()
            return None
        return account

    async def writer(self) -> Author:
        """Who writes, as the account that theirs was merged into if it was; somebody new if the cookie does not count."""
        account = await self.account()
        return replace(self.author, id=account.id, is_staff=account.is_staff, had_id=True) if account else self.author

    def renew(self) -> None:
        """From now on this browser has a new visitor id, which nobody else can know."""
        self.author = replace(self.author, id=new_id(), had_id=False)
        self.is_to_be_remembered = True

    def _cookie(self, name: str, days: int) -> str:
        cookie = self._request.cookies.get(name)
        value = decode_signed_value(self._site.settings.secret, name, cookie.value, days) if cookie else None
        return value.decode() if value else ""


def is_own_request(request: HTTPServerRequest, site: Site) -> bool:
    """Whether a request comes from the site's own pages, or from a program; also asked for every live handshake."""
    return origins.is_own(request.headers, site.settings.url, request.headers.get("Host", ""))
