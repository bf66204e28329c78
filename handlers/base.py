"""What every handler can do: know the visitor, read a form, show a page, and say what went wrong in people's words.

Every method says who may call it (`@public`, `@visitor`, `@staff`); tests/test_architecture.py holds them to it. Errors
from models are answered here and nowhere else: HTML or JSON, as `Accept` asks.
"""

import functools
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http.client import responses
from typing import Any, NoReturn
from urllib.parse import quote

from tornado.httputil import HTTPServerRequest
from tornado.web import Finish, HTTPError, RequestHandler

from handlers.problems import Problem, problem_of, problem_with
from lib import json, origins
from lib.headers import security_headers
from lib.ids import is_id, new_id
from models.accounts import SESSION_LIFE, Account
from models.comments import Author
from models.errors import AWAY, Invalid, NotAllowed, NotFound, SiteError
from models.posts import Post
from models.site import Site

SAFE = ("GET", "HEAD", "OPTIONS")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
VISITOR_DAYS = 365

Method = Callable[..., Awaitable[None]]
logger = logging.getLogger(__name__)


def public(method: Method) -> Method:
    """Anybody may call this, and nothing is written about them."""
    method.is_for = "public"  # type: ignore[attr-defined]
    return method


def visitor(method: Method) -> Method:
    """Anybody may call this, and from now on is known by a cookie."""

    @functools.wraps(method)
    async def known(self: "BaseHandler", *args: Any) -> None:
        self.give_visitor_cookie()
        await method(self, *args)

    known.is_for = "visitor"  # type: ignore[attr-defined]
    return known


def staff(method: Method) -> Method:
    """Staff may call this. Strangers are asked to sign in, members are refused."""

    @functools.wraps(method)
    async def allowed(self: "BaseHandler", *args: Any) -> None:
        account = await self.account()
        if account is None and not self.wants_json:
            next = self.request.uri if self.request.method in SAFE else "/admin/"
            return self.redirect(f"/signin?next={quote(next or '/')}", status=303)
        if account is None or not account.is_staff:
            raise NotAllowed("staff-only", "This is for the people who run the site.")
        await method(self, *args)

    allowed.is_for = "staff"  # type: ignore[attr-defined]
    return allowed


class BaseHandler(RequestHandler):
    """The one parent of all handlers."""

    @property
    def site(self) -> Site:
        site: Site = self.application.site  # type: ignore[attr-defined]
        return site

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in security_headers(self.site.settings.is_https).items():
            self.set_header(name, value)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Type", "text/html; charset=utf-8")

    def prepare(self) -> None:
        if self.request.method not in SAFE and not is_own_request(self.request, self.site):
            raise NotAllowed("foreign-origin", "This came from another site, so nothing was done.")

    async def head(self, *args: str) -> None:
        """Every page answers HEAD as it answers GET; Tornado leaves the body out."""
        await self.get(*args)  # type: ignore[misc]

    head.is_for = "as get"  # type: ignore[attr-defined]

    # Who asks

    @functools.cached_property
    def author(self) -> Author:
        """The visitor that the signed cookie names, else a new one, whose id only a cookie makes last.

        `writer` says whether that id still counts.
        """
        given = self.get_signed_cookie("visitor", max_age_days=VISITOR_DAYS)
        id = given.decode() if given else ""
        agent = self.request.headers.get("User-Agent", "")
        return Author(id if is_id(id) else new_id(), self.request.remote_ip or "", agent, had_id=bool(given))

    def give_visitor_cookie(self) -> None:
        if not self.author.had_id:
            self._set_signed("visitor", self.author.id, VISITOR_DAYS)

    def renew_visitor(self) -> None:
        """Give this browser a new visitor id, which nobody else can know."""
        self.author = replace(self.author, id=new_id(), had_id=False)
        self.give_visitor_cookie()

    async def account(self) -> Account | None:
        """The member who is signed in here, if one is."""
        if not hasattr(self, "_account"):
            self._account = await self.site.accounts.of_session(self.session) if self.session else None
        return self._account

    @property
    def session(self) -> str:
        """The secret of the session that the cookie carries; empty where there is none."""
        given = self.get_signed_cookie("session", max_age_days=SESSION_LIFE.days)
        return given.decode() if given else ""

    async def known(self) -> Account | None:
        """The account of whoever asks: the member who is signed in, else the anonymous one of the visitor cookie.

        None before a visitor's first act.
        """
        if not hasattr(self, "_known"):
            self._known = await self.account() or await self._anonymous()
        return self._known

    async def _anonymous(self) -> Account | None:
        """The anonymous account of the visitor cookie.

        An id that has become a member's counts only with a session of that member: the cookie may have been copied
        before the sign-in. Without a session it is replaced.
        """
        account = await self.site.accounts.find(self.author.id) if self.author.had_id else None
        if account is None or not account.is_member:
            return account
        self.renew_visitor()
        return None

    async def writer(self) -> Author:
        """Who writes: the member who is signed in, else the visitor of the cookie, else somebody new."""
        account = await self.known()
        if account is None:
            return self.author
        return replace(self.author, id=account.id, is_staff=account.is_staff, had_id=True)

    def give_session_cookie(self, secret: str) -> None:
        self._set_signed("session", secret, SESSION_LIFE.days)

    def _set_signed(self, name: str, value: str, days: int) -> None:
        is_https = self.site.settings.is_https
        self.set_signed_cookie(name, value, expires_days=days, httponly=True, samesite="Lax", secure=is_https)

    # What they sent

    @property
    def wants_json(self) -> bool:
        return "application/json" in self.request.headers.get("Accept", "")

    @property
    def is_json(self) -> bool:
        """Whether what was sent is JSON."""
        return self.request.headers.get("Content-Type", "").startswith("application/json")

    @functools.cached_property
    def form(self) -> dict[str, Any]:
        """What was sent, as JSON or as a form; of a field that came twice the last. Values may still be anything."""
        if self.is_json:
            try:
                sent = json.loads(self.request.body)
            except ValueError as error:
                raise Invalid({"body": "This is not JSON."}) from error
            return sent if isinstance(sent, dict) else {}
        return {name: self.get_body_argument(name, strip=False) for name in self.request.body_arguments}

    def text(self, name: str) -> str:
        """A field that must be text: empty where it is absent, Invalid where it is anything else."""
        value = self.form.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Invalid({name: "This must be text."})
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A number from the query: Invalid where it is none or out of range."""
        text = self.get_query_argument(name, str(default))
        if not re.fullmatch("[0-9]{1,10}", text) or not least <= int(text) <= most:
            raise Invalid({name: f"This must be a number from {least} to {most}."})
        return int(text)

    # What they get

    def page(self, template: str, **context: Any) -> None:
        """Answer with a page made of this template."""
        self.render(template, settings=self.site.settings, now=self.site.clock(), **context)

    def json(self, value: Any, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(value))

    def xml(self, text: str, kind: str) -> None:
        self.set_header("Content-Type", f"application/{kind}; charset=utf-8")
        self.finish(text)

    async def post_at(self, slug: str, whole: bool = True) -> Post:
        """The visible post of this slug. Who reads it by another spelling or a former slug is moved to the right one."""
        posts = self.site.posts
        try:
            post = await (posts.by_slug if whole else posts.with_thread)(slug)
        except NotFound:
            former = await posts.find_by_address(f"/plog/{quote(slug)}")
            if former is None:
                raise
            post = former
        here = "/".join((post.path, *self.request.path.split("/")[3:]))
        if self.request.method in SAFE and self.request.path != here:
            self.move_to(here)
        return post

    async def move_from_former(self, path: str | None = None) -> None:
        """Move to the post that once lived here, or at this path with the same query.

        Looks for the whole query, for its `p=12`, and for none.
        """
        path = path or self.request.path
        parts = tuple(part for part in self.request.query.split("&") if part)
        numbers = [(part,) for part in parts if part.startswith(("p=", "page_id="))][:1]
        for used in dict.fromkeys((parts, *numbers, ())):
            address = path + ("?" + "&".join(used) if used else "")
            post = await self.site.posts.find_by_address(address)
            if post is not None:
                rest = "&".join(part for part in parts if part not in used)
                self.move_to(f"{post.path}{'?' if rest else ''}{rest}", keep_query=False)

    def move_to(self, path: str, keep_query: bool = True) -> NoReturn:
        """Answer 301: this is another spelling of that address."""
        query = f"?{self.request.query}" if keep_query and self.request.query else ""
        self.redirect(path + query, status=301)
        raise Finish()

    def absolute(self, path: str) -> str:
        return self.site.settings.url + path

    # What went wrong

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        problem = problem_of(error) if error else problem_with(status_code)
        super().send_error(problem.status, problem=problem)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        problem: Problem = kwargs["problem"]
        if problem.wait is not None:
            self.set_header("Retry-After", str(problem.wait))
        self.set_header("Vary", "Accept")
        if status_code == 405:
            self.set_header("Allow", ", ".join(self._methods()))
        if self.wants_json:
            self.json(problem.as_json(), status_code)
        else:
            self.page(
                "errors/error.html", status=status_code, title=responses.get(status_code, ""), message=problem.message
            )

    def _methods(self) -> list[str]:
        own = [m for m in METHODS if getattr(type(self), m.lower()) is not getattr(RequestHandler, m.lower())]
        return ["HEAD", *own] if "GET" in own else own

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """What a visitor did wrong is no news; that a server is away is one line; the rest is a bug, with its traceback."""
        if isinstance(value, AWAY):
            logger.warning("%s %s: a server is away: %s", self.request.method, self.request.path, type(value).__name__)
        elif not isinstance(value, SiteError | HTTPError):
            super().log_exception(typ, value, tb)


class NotFoundHandler(BaseHandler):
    """Whatever the admin process does not know, and its folders without their final slash."""

    @public
    async def get(self, *_: str) -> None:
        if self.request.path in ("/admin", "/admin/comments"):
            self.move_to(self.request.path + "/")
        raise NotFound()

    post = put = delete = patch = get


def is_own_request(request: HTTPServerRequest, site: Site) -> bool:
    """Whether a request comes from the site's own pages (or from a program); also asked for every live handshake."""
    return origins.is_own(request.headers, site.settings.url, request.headers.get("Host", ""))
