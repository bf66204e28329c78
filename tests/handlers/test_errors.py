"""Errors as HTML and as JSON, and the security headers of every response."""

import asyncio
from dataclasses import replace
from typing import Any

from tornado.httpclient import HTTPResponse
from tornado.web import Application

from handlers.base import BaseHandler, public
from lib import json
from models.site import Site
from tests.base import SiteTestCase, TestClient
from ui_modules.comments import comment_json

JSON, HTML = {"Accept": "application/json"}, {"Accept": "text/html,application/xhtml+xml"}
PATH = "/plog/hello/comments"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class BrokenHandler(BaseHandler):
    """A page with a bug."""

    @public
    async def get(self) -> None:
        raise ZeroDivisionError("a bug")


class ErrorsTest(SiteTestCase):
    def get_app(self) -> Application:
        app = super().get_app()
        app.add_handlers(".*", [("/broken", BrokenHandler)])
        app.default_router.rules.insert(0, app.default_router.rules.pop(-2))
        return app

    def setUp(self) -> None:
        super().setUp()
        self.post_by("hello")

    def assert_error(self, status: int, code: str, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """Assert that a request gets this error, both as HTML and as JSON."""
        page = self.client.fetch(method, path, headers=HTML, **sent)
        self.assertEqual((page.code, page.headers["Content-Type"]), (status, "text/html; charset=utf-8"))
        self.assertIn(b"</html>", page.body)
        answer = self.client.fetch(method, path, headers=JSON, **sent)
        self.assertEqual((answer.code, answer.headers["Content-Type"]), (status, "application/json; charset=utf-8"))
        result = json.loads(answer.body)
        self.assertEqual(result["error"], code)
        self.assertTrue(result["message"].endswith("."), result)
        return result

    def test_an_unknown_page_answers_404(self) -> None:
        for path in ("/nowhere", "/plog/nothing", "/plog/hello/p9", "/oc-Nothing", "/plog/hello/comments/" + "0" * 12):
            self.assert_error(404, "not-found", "GET", path)
        for method in ("POST", "PUT", "DELETE"):
            self.assert_error(404, "not-found", method, "/nowhere")

    def test_an_unsupported_method_answers_405(self) -> None:
        self.assert_error(405, "error", "POST", "/")
        self.assertEqual(self.client.post("/").headers["Allow"], "HEAD, GET")
        self.assertEqual(self.client.get(f"{PATH}/preview").headers["Allow"], "POST")
        self.assertEqual(self.client.fetch("PATCH", PATH).headers["Allow"], "HEAD, GET, POST")

    def test_invalid_arguments_are_named_by_field(self) -> None:
        result = self.assert_error(422, "invalid", "GET", f"{PATH}?after=x")
        self.assertEqual(list(result["problems"]), ["after"])

    def test_a_forbidden_request_answers_403(self) -> None:
        self.assert_error(403, "not-yours", "DELETE", f"{PATH}/{self.comment()}")

    def comment(self) -> str:
        return str(json.loads(self.client.post(PATH, json_body={"text": "Some words"}).body)["id"])

    def test_a_bug_is_logged_and_its_details_are_not_shown(self) -> None:
        result = self.assert_error(500, "error", "GET", "/broken")
        self.assertNotIn("bug", str(result))
        self.expect_log("Uncaught exception GET /broken")
        self.expect_log("Uncaught exception GET /broken")

    def test_every_answer_carries_the_security_headers(self) -> None:
        etag = self.client.get("/plog/hello").headers["Etag"]
        answers = {
            200: self.client.get("/plog/hello"),
            301: self.client.get("/PLOG/hello"),
            303: self.client.get("/signout"),
            304: self.client.get("/plog/hello", headers={"If-None-Match": etag}),
            400: self.client.get("/plog/%ff"),
            403: self.client.post(PATH, {"text": "x"}, headers={"Sec-Fetch-Site": "cross-site"}),
            404: self.client.get("/nowhere"),
            405: self.client.post("/"),
            422: self.client.post(PATH, {"text": ""}),
            500: self.client.get("/broken"),
        }
        self.expect_log("Uncaught exception GET /broken")
        others = [self.client.get(path) for path in ("/me", "/rss.xml", "/live/info", "/status", "/robots.txt")]
        for status, answer in [*answers.items(), *((200, other) for other in others)]:
            self.assertEqual(answer.code, status)
            self.assertEqual({name: answer.headers.get(name) for name in HEADERS}, HEADERS, answer.effective_url)
            policy = answer.headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("Server", answer.headers, answer.effective_url)


class AwayTest(SiteTestCase):
    """MongoDB is away: nothing listens at the configured address."""

    def setUp(self) -> None:
        super().setUp()
        nowhere = replace(self.settings, mongo_url="mongodb://127.0.0.1:9")
        site = self.run_now(Site.open(nowhere, comment_json, self.clock))
        self._closing.append(site.close)
        self.away = TestClient(self, self.served(self.opened_application(site)))

    def test_pages_answer_503_with_retry_after(self) -> None:
        paths = ("/", "/plog/", "/plog/hello", f"{PATH}?after=0", "/rss.xml", "/oc-Python", "/nowhere")

        async def asked() -> list[HTTPResponse]:
            return await asyncio.gather(*(self.away.fetch_async("GET", path, headers=HTML) for path in paths))

        for path, page in zip(paths, self.run_now(asked()), strict=True):
            self.assertEqual((page.code, page.headers["Retry-After"]), (503, "5"), path)
            self.assertIn(b"try again", page.body.lower())
            self.expect_log("a server is away")

    def test_json_answers_say_so_and_a_comment_is_not_acknowledged(self) -> None:
        answer = self.away.post(PATH, json_body={"text": "Some words"})
        self.assertEqual((answer.code, json.loads(answer.body)["error"]), (503, "away"))
        self.expect_log("a server is away")

    def test_the_status_says_which_server_is_away(self) -> None:
        answer = self.away.get("/status")
        result = json.loads(answer.body)
        self.assertEqual((answer.code, result["ok"]), (503, False))
        self.assertEqual(
            {name: server["up"] for name, server in result["servers"].items()}, {"mongo": False, "redis": True}
        )
