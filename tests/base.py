"""The base of the tests: two sites in one interpreter on real servers, clients with cookies, and a named cast.

`ada` is staff and writes, `bo` and `cy` are visitors without an account, `dee` is a member who must be refused. `site`
stands for this process and `second_site` for another one. MongoDB and Redis are started once for all tests, in a
temporary folder. An unexpected warning or error in the log fails the test.
"""

import asyncio
import atexit
import json
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from tornado.httpclient import HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import AsyncHTTPTestCase, bind_unused_port
from tornado.web import Application

from app import application
from models.comments import Comment
from models.posts import Post
from models.site import Site
from settings import Settings
from stack import servers
from ui_modules.comments import comment_json

T = TypeVar("T")
COLLECTIONS = (
    "accounts",
    "signin_links",
    "sessions",
    "categories",
    "posts",
    "comments",
    "substrings",
    "questions",
    "seen",
    "hits",
    "hit_batches",
    "versions",
    "battles",
    "points",
)
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@cache
def data_folder() -> Path:
    """A temporary data folder; MongoDB and Redis run on it until this interpreter exits."""
    until_exit = ExitStack()
    atexit.register(until_exit.close)
    folder = Path(until_exit.enter_context(tempfile.TemporaryDirectory(prefix="plog-tests-")))
    until_exit.enter_context(servers.embedded(folder))
    return folder


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


class TestClient:
    """An HTTP client with a cookie jar. Never follows redirects; sends JSON (`json_body=`) or a form (`form=`)."""

    __test__ = False

    def __init__(self, testcase: "SiteTestCase", port: int | None = None) -> None:
        self.testcase = testcase
        self.port = port
        self.cookies: SimpleCookie = SimpleCookie()

    def get(self, path: str, **options: Any) -> HTTPResponse:
        return self.fetch("GET", path, **options)

    def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> HTTPResponse:
        return self.fetch("POST", path, form=form, **options)

    def put(self, path: str, **options: Any) -> HTTPResponse:
        return self.fetch("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> HTTPResponse:
        return self.fetch("DELETE", path, **options)

    def signin(self, email: str) -> None:
        """Sign in with a link like the one in the e-mail or from `bin/site signin-link`."""
        link = self.testcase.run_now(self.testcase.site.accounts.signin_link(email))
        assert self.post(link).code == 303

    def fetch(self, method: str, path: str, **options: Any) -> HTTPResponse:
        response = self.testcase.io_loop.run_sync(lambda: self.fetch_async(method, path, **options), timeout=30)
        assert response is not None
        return response

    async def fetch_async(
        self,
        method: str,
        path: str,
        *,
        form: dict[str, Any] | None = None,
        json_body: Any = None,
        headers: dict[str, str] | None = None,
        takes_gzip: bool = True,
    ) -> HTTPResponse:
        sent = dict(headers or {})
        body: str | None = None
        if json_body is not None:
            body = json.dumps(json_body)
            sent |= {"Content-Type": "application/json", "Accept": "application/json"}
        elif form is not None:
            body = urlencode(form, doseq=True)
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif method in ("PUT", "POST"):
            body = ""
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        url = f"http://127.0.0.1:{self.port or self.testcase.get_http_port()}{path}"
        client = self.testcase.http_client
        options = {"follow_redirects": False, "raise_error": False, "allow_nonstandard_methods": True}
        options["decompress_response"] = takes_gzip
        response: HTTPResponse = await client.fetch(url, method=method, headers=sent, body=body, **options)
        self._keep(response)
        return response

    def _keep(self, response: HTTPResponse) -> None:
        for line in response.headers.get_list("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel.value:
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)


def site_with(site: Site, **stand_ins: Any) -> Site:
    """A site on the same tools, except for the stand-ins given by name."""
    return Site(replace(site.tools, **stand_ins), comment_json)


async def approve(site: Site, id: str) -> Comment:
    """Approves the current revision of a comment."""
    return await site.comments.moderation.approve(id, (await site.comments.documents.by_id(id)).revision)


class SiteTestCase(AsyncHTTPTestCase):
    """A test with an empty site. `environment` has its settings."""

    environment: dict[str, str] = {}
    is_admin = False

    def setUp(self) -> None:
        self.log = _Lines()
        logging.getLogger().addHandler(self.log)
        self.clock = HandClock()
        super().setUp()
        self.client = TestClient(self)

    def tearDown(self) -> None:
        self.run_now(self._close_sites())
        super().tearDown()
        logging.getLogger().removeHandler(self.log)
        self.assertEqual(self.log.lines, [], "unexpected lines in the log")

    def get_app(self) -> Application:
        self._closing: list[Callable[[], Awaitable[None]]] = []
        given = {
            "SITE_DATA": str(data_folder()),
            "SITE_SECRET": "a secret for tests that is long enough",
            "SITE_MONGO_DRIVER": driver(),
        }
        self.settings = Settings.from_environment({**given, **self.environment})
        self.site = self.opened_site()
        self.run_now(self._emptied())
        return self.opened_application(self.site, self.is_admin)

    def opened_site(self) -> Site:
        site: Site = self.run_now(Site.open(self.settings, comment_json, self.clock))
        self._closing.append(site.close)
        return site

    def opened_application(self, site: Site, is_admin: bool = False) -> Application:
        app = application(site, is_admin)
        if app.live:
            self.run_now(app.live.start())
            self._closing.append(app.live.close)
        return app

    @property
    def second_site(self) -> Site:
        """A second site on the same servers, as another process has it."""
        if not hasattr(self, "_second_site"):
            self._second_site = self.opened_site()
        return self._second_site

    def second_client(self, is_admin: bool = False) -> TestClient:
        """A new client whose requests go to the second site."""
        return TestClient(self, self.served(self.opened_application(self.second_site, is_admin)))

    def admin_client(self) -> TestClient:
        """A client of Ada's at the admin process, signed in as staff."""
        ada = self.staff_client()
        ada.port = self.served(self.opened_application(self.second_site, is_admin=True))
        return ada

    @cached_property
    def ada(self) -> TestClient:
        """Staff, signed in at the public process."""
        return self.staff_client()

    @cached_property
    def bo(self) -> TestClient:
        """A visitor without an account."""
        return TestClient(self)

    @cached_property
    def cy(self) -> TestClient:
        """Another visitor without an account."""
        return TestClient(self)

    @cached_property
    def dee(self) -> TestClient:
        """A signed-in member who is not staff."""
        return self.client_signed_in("dee@example.com")

    def staff_client(self) -> TestClient:
        """A new client of Ada's, signed in as staff."""
        self.run_now(self.site.accounts.make_staff("ada@example.com"))
        return self.client_signed_in("ada@example.com")

    def client_signed_in(self, email: str) -> TestClient:
        client = TestClient(self)
        client.signin(email)
        return client

    def served(self, app: Application) -> int:
        """Serves an application until the test ends. Returns its port."""
        socket, port = bind_unused_port()
        server = HTTPServer(app, xheaders=True, trusted_downstream=["127.0.0.1"])
        server.add_sockets([socket])

        async def close() -> None:
            server.stop()
            if app.live:
                await app.live.close()  # WebSockets count as connections too
            await server.close_all_connections()

        self._closing.append(close)
        return port

    def get_httpserver_options(self) -> dict[str, Any]:
        return {"xheaders": True, "trusted_downstream": ["127.0.0.1"]}

    def run_now(self, work: Awaitable[T]) -> T:
        """Runs a coroutine to its end from a synchronous test."""

        async def waited() -> T:
            return await work

        return self.io_loop.run_sync(waited, timeout=30)  # type: ignore[return-value]

    def post_by(self, slug: str = "hello", **changes: Any) -> Post:
        """Stores a post and returns it."""
        given = {"title": slug.capitalize(), "text": f"The text of *{slug}*.", "published": START - timedelta(days=1)}
        post = Post(**{"id": "", "slug": slug, "edited": START, **given, **changes})
        return self.run_now(self._stored(post))

    async def _stored(self, post: Post) -> Post:
        """Stores the post and waits until all its consequences are carried out."""
        post = await self.site.posts.writing.add(post)
        await self.site.outbox.flush()
        return post

    async def _emptied(self) -> None:
        await self.site.create_indexes()
        await asyncio.gather(*(self.site.tools.mongo[name].delete_many({}) for name in COLLECTIONS))
        await self.site.tools.redis.flushdb()

    def expect_log(self, text: str) -> None:
        """Expect one log line that contains this text, and accept it."""
        found = next((line for line in self.log.lines if text in line), None)
        self.assertIsNotNone(found, f"no log line contains {text!r}: {self.log.lines}")
        self.log.lines.remove(found)

    async def _close_sites(self) -> None:
        for close in reversed(self._closing):
            await close()


class _Lines(logging.Handler):
    """Collects log lines of level WARNING and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {record.getMessage()}")


def driver() -> str:
    """The MongoDB driver of this run; the tests pass with both drivers."""
    return os.environ.get("SITE_MONGO_DRIVER", "motor")
