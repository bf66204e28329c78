"""What every handler can do: show a page, answer with JSON, and explain errors to people. It knows no domain.

Every method says who may call it (`@public`, `@visitor`, `@staff`); tests/test_architecture.py holds them to it. Errors
of models are answered here and nowhere else: as HTML or JSON, by `Accept`.
"""

import functools
import logging
from collections.abc import Awaitable, Callable
from http.client import responses
from typing import Any, NoReturn, cast
from urllib.parse import quote

from tornado.web import Finish, HTTPError, RequestHandler

from handlers.application import Plog
from handlers.forms import Form, wants_json
from handlers.problems import problem_of, problem_with
from handlers.visitor import VISITOR_DAYS, Visitor, is_own_request
from lib import json
from lib.headers import security_headers
from lib.tokens import without_tokens
from models.errors import AWAY, NotAllowed, NotFound, SiteError
from models.site import Site

SAFE = ("GET", "HEAD", "OPTIONS")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")

Method = Callable[..., Awaitable[None]]
logger = logging.getLogger(__name__)


def public(method: Method) -> Method:
    """Anybody may call this, and nothing is written about them."""
    method.is_for = "public"  # type: ignore[attr-defined]
    return method


def visitor(method: Method) -> Method:
    """Anybody may call this, and is known by a cookie from then on."""

    @functools.wraps(method)
    async def known(self: "BaseHandler", *args: Any) -> None:
        self.visitor.is_to_be_remembered = True
        await method(self, *args)

    known.is_for = "visitor"  # type: ignore[attr-defined]
    return known


def staff(method: Method) -> Method:
    """Staff may call this. Strangers are asked to sign in, members are refused."""

    @functools.wraps(method)
    async def allowed(self: "BaseHandler", *args: Any) -> None:
        member = await self.visitor.member()
        if member is None and not wants_json(self.request):
            next = self.request.uri if self.request.method in SAFE else "/admin/"
            return self.redirect(f"/signin?next={quote(next or '/')}", status=303)
        if member is None or not member.is_staff:
            raise NotAllowed("staff-only", "This is for the people who run the site.")
        await method(self, *args)

    allowed.is_for = "staff"  # type: ignore[attr-defined]
    return allowed


class BaseHandler(RequestHandler):
    """The one parent of all handlers."""

    @functools.cached_property
    def site(self) -> Site:
        return cast(Plog, self.application).site

    @functools.cached_property
    def visitor(self) -> Visitor:
        return Visitor(self.site, self.request)

    @functools.cached_property
    def form(self) -> Form:
        return Form(self.request)

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in security_headers(self.site.settings.is_https).items():
            self.set_header(name, value)
        if without_tokens(path := self.request.path) != path:
            self.set_header("Referrer-Policy", "strict-origin")  # nginx's log of errors names the Referer
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Type", "text/html; charset=utf-8")

    def prepare(self) -> None:
        if self.request.method not in SAFE and not is_own_request(self.request, self.site):
            raise NotAllowed("foreign-origin", "This request came from another site, so it was refused.")

    async def head(self, *args: str) -> None:
        """Every page answers HEAD as it answers GET; Tornado leaves the body out."""
        await self.get(*args)  # type: ignore[misc]

    head.is_for = "as get"  # type: ignore[attr-defined]

    def page(self, template: str, **context: Any) -> None:
        """Answers with a page made of this template."""
        self.render(template, settings=self.site.settings, now=self.site.clock(), **context)

    def json(self, value: Any, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(value))

    def move_to(self, path: str, keep_query: bool = True) -> NoReturn:
        """Answers 301: what was asked for is another spelling of that address."""
        query = f"?{self.request.query}" if keep_query and self.request.query else ""
        self.redirect(path + query, status=301)
        raise Finish()

    def finish(self, chunk: Any = None) -> Any:
        """Gives the visitor a cookie with the answer, if they are to be remembered and have none that counts."""
        if self.visitor.is_to_be_remembered and not self.visitor.author.had_id:
            set_signed(self, "visitor", self.visitor.author.id, VISITOR_DAYS)
        return super().finish(chunk)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        problem = problem_of(error) if error else problem_with(status_code)
        self.set_status(problem.status)
        if problem.wait is not None:
            self.set_header("Retry-After", str(problem.wait))
        self.set_header("Vary", "Accept")
        if problem.status == 405:
            self.set_header("Allow", ", ".join(allowed_methods(type(self))))
        if wants_json(self.request):
            return self.json(problem.as_json(), problem.status)
        title = responses.get(problem.status, "")
        self.page("errors/error.html", status=problem.status, title=title, message=problem.message)

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """A visitor's mistake is no news; a server that is away is one line; the rest is a bug, with its traceback."""
        if isinstance(value, AWAY):
            logger.warning("%s %s: a server is away: %s", self.request.method, self.request.path, type(value).__name__)
        elif not isinstance(value, SiteError | HTTPError):
            super().log_exception(typ, value, tb)


class NotFoundHandler(BaseHandler):
    """Whatever a process does not know."""

    @public
    async def get(self, *_: str) -> None:
        raise NotFound()

    post = put = delete = patch = get


def set_signed(handler: BaseHandler, name: str, value: str, days: int) -> None:
    """Sets a signed cookie that scripts cannot read and other sites cannot send."""
    is_https = handler.site.settings.is_https
    handler.set_signed_cookie(name, value, expires_days=days, httponly=True, samesite="Lax", secure=is_https)


def allowed_methods(handler: type[BaseHandler]) -> list[str]:
    own = [m for m in METHODS if getattr(handler, m.lower()) is not getattr(RequestHandler, m.lower())]
    return ["HEAD", *own] if "GET" in own else own
