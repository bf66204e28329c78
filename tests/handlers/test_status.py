"""Monitoring (`/status` and `/metrics`), and the site without Redis."""

import asyncio
from dataclasses import replace

from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from lib import json
from models.site import Site
from tests.base import SiteTestCase, TestClient
from tests.lib.redis_server import RedisServer
from ui_modules.comments import comment_json

CROWD = 90
# Two attempts of 2 s for the limits, 1 s for publishing, and a margin for a busy machine. Without timeouts it never
# ends.
SECONDS = 12


class StatusTest(SiteTestCase):
    def test_the_status_names_the_process_and_each_server(self) -> None:
        answer = self.client.get("/status")
        result = json.loads(answer.body)
        self.assertEqual((answer.code, result["ok"], result["process"]), (200, True, self.site.tools.process))
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        for name in ("mongo", "redis"):
            self.assertTrue(result["servers"][name]["up"])
            self.assertGreaterEqual(result["servers"][name]["ms"], 0)

    def test_metrics_are_in_the_format_of_prometheus(self) -> None:
        answer = self.client.get("/metrics")
        self.assertIn("text/plain; version=0.0.4", answer.headers["Content-Type"])
        lines = answer.body.decode().splitlines()
        self.assertIn('plog_server_up{server="mongo"} 1', lines)
        self.assertIn("plog_live_connections 0", lines)
        for line in lines:
            self.assertRegex(line, r'^(# (TYPE|HELP) \w+ .+|\w+(\{\w+="[^"]*"\})? [0-9.]+)$')

    def test_the_admin_process_serves_status_and_metrics(self) -> None:
        ada = self.admin_client()
        self.assertEqual([ada.get(path).code for path in ("/status", "/metrics")], [200, 200])


class WithoutRedisTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.post_by("hello")
        site = self.run_now(
            Site.open(replace(self.settings, redis_url="unix:///nowhere.sock"), comment_json, self.clock)
        )
        self._closing.append(site.close)
        self.away = TestClient(self, self.served(self.opened_application(site)))

    def test_pages_are_served_as_usual(self) -> None:
        for path in ("/", "/plog/", "/plog/hello", "/plog/hello/comments", "/rss.xml", "/me"):
            self.assertEqual(self.away.get(path).code, 200, path)

    def test_a_comment_is_stored_and_the_worker_carries_out_its_consequences_later(self) -> None:
        answer = self.away.post("/plog/hello/comments", json_body={"text": "Written while Redis was away"})
        self.assertEqual(answer.code, 201)
        again = self.away.post("/plog/hello/comments", json_body={"text": "Written while Redis was away"})
        self.assertEqual(json.loads(again.body)["id"], json.loads(answer.body)["id"])
        self.clock.pass_by(seconds=6)
        self.assertEqual([self.run_now(self.site.tell_untold()) for _ in range(2)], [1, 0])

    def test_each_process_enforces_its_own_limits(self) -> None:
        codes = [self.away.post("/plog/hello/comments", json_body={"text": f"Number {n}"}).code for n in range(6)]
        self.assertEqual(codes, [201] * 5 + [429])

    def test_signing_out_works(self) -> None:
        self.away.signin("ada@example.com")
        self.assertEqual(self.away.post("/signout").code, 303)

    def test_the_status_says_that_redis_is_down_and_the_site_is_up(self) -> None:
        answer = self.away.get("/status")
        result = json.loads(answer.body)
        self.assertEqual(
            (answer.code, result["ok"], result["servers"]["redis"]["up"], result["live"]), (200, True, False, False)
        )
        self.assertIn(b'plog_server_up{server="redis"} 0', self.away.get("/metrics").body)


class HangingRedisTest(SiteTestCase):
    """Redis accepts connections and commands, but never answers."""

    def setUp(self) -> None:
        super().setUp()
        self.post_by("hello")
        self.redis_server = RedisServer()
        self.addCleanup(self.redis_server.close)
        settings = replace(self.settings, redis_url=self.redis_server.url)
        self.hanging_site = self.run_now(Site.open(settings, comment_json, self.clock))
        self._closing.append(self.hanging_site.close)
        self.port = self.served(self.opened_application(self.hanging_site))

    def get_http_client(self) -> AsyncHTTPClient:
        return AsyncHTTPClient(force_instance=True, max_clients=2 * CROWD)

    async def asked_at_once(self) -> list[HTTPResponse]:
        """Sends ninety comments from ninety networks and a request for the status at once. Returns the responses."""
        commenting = [
            TestClient(self, self.port).fetch_async(
                "POST",
                "/plog/hello/comments",
                json_body={"text": f"Comment {n}"},
                headers={"X-Real-IP": f"10.0.{n}.1"},
            )
            for n in range(CROWD)
        ]
        async with asyncio.timeout(SECONDS):
            return await asyncio.gather(*commenting, TestClient(self, self.port).fetch_async("GET", "/status"))

    def test_many_simultaneous_comments_and_the_status_are_answered(self) -> None:
        with self.redis_server.hanging():
            *comments, status = self.run_now(self.asked_at_once())
        self.assertEqual([answer.code for answer in comments], [201] * CROWD)
        result = json.loads(status.body)
        self.assertEqual((status.code, result["ok"], result["servers"]["redis"]["up"]), (200, True, False))
        self.clock.pass_by(seconds=6)
        self.assertEqual([self.run_now(self.site.tell_untold()) for _ in range(2)], [CROWD, 0])
