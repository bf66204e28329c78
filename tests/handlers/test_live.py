"""The live connection as a browser uses it: a raw WebSocket at /live/websocket."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

from tornado.httpclient import HTTPClientError

from handlers.application import Plog
from handlers.live import SIGNED_OUT, Live, LiveChannel, LiveConnection, Newest, Tables
from lib import json
from lib.channels import unnumbered
from lib.sockjs.library import encoded
from models.comments import Attempt, Author
from models.errors import NotAllowed
from tests.base import START, TestClient, approve
from tests.sockets import LiveTestCase, Socket

ADA = Author("0" * 12, is_staff=True)


class LiveTest(LiveTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.post = self.post_by("hello")

    def live(self, story: Callable[[Socket], Awaitable[None]], client: TestClient | None = None) -> None:
        """Run `story` with an open connection."""

        async def run() -> None:
            socket = await self.open(client)
            try:
                await story(socket)
            finally:
                socket.connection.close()

        self.run_now(run())

    def assert_refused(self, code: str, result: dict[str, Any], **more: Any) -> None:
        self.assertEqual((result["type"], result["code"], result["message"][-1]), ("error", code, "."))
        self.assertEqual({key: result.get(key) for key in more}, more)

    def test_a_comment_written_in_another_process_arrives_within_a_second(self) -> None:
        self.second_site
        bo = Author("1" * 12)

        async def story(socket: Socket) -> None:
            followed = await socket.say(type="follow", channel=self.post.channel, id=7)
            self.assertEqual(followed, {"type": "followed", "channel": self.post.channel, "n": 0, "id": 7})
            held = await self.second_site.comments.writing.add(self.post, bo, Attempt("Held, so nobody hears of it"))
            comment = await self.second_site.comments.writing.add(self.post, ADA, Attempt("Hello from elsewhere"))
            event = await asyncio.wait_for(socket.hear(), 1)
            self.assertEqual((event["type"], event["channel"], event["n"]), ("event", self.post.channel, 1))
            _, (change,), _ = await self.site.comments.reading.changes(self.post, 0)
            self.assertEqual(event["data"], {"comment": change})
            await approve(self.second_site, held.id)
            self.assertEqual((await socket.hear())["data"]["comment"]["id"], held.id)
            await self.second_site.comments.moderation.remove(comment.id)
            gone = await socket.hear()
            self.assertEqual((gone["n"], gone["data"]["comment"]["status"]), (3, "gone"))

        self.live(story)

    def test_the_answer_to_follow_names_the_newest_change(self) -> None:
        self.run_now(self.site.comments.writing.add(self.post, ADA, Attempt("Before anybody came")))

        async def story(socket: Socket) -> None:
            self.assertEqual((await socket.say(type="follow", channel=self.post.channel))["n"], 1)

        self.live(story)

    def test_a_subscriber_that_leaves_gets_no_more_events(self) -> None:
        async def story(socket: Socket) -> None:
            await socket.say(type="follow", channel=self.post.channel)
            self.assertEqual(
                await socket.say(type="leave", channel=self.post.channel, id="x"), {"type": "done", "id": "x"}
            )
            self.assert_refused("no-channel", await socket.say(type="leave", channel=self.post.channel))
            await self.site.comments.writing.add(self.post, ADA, Attempt("Unheard"))
            self.assertEqual((await socket.say(type="ping", sent=1))["type"], "pong")

        self.live(story)

    def test_subscribers_are_told_how_many_are_here(self) -> None:
        async def story(socket: Socket) -> None:
            await socket.say(type="follow", channel=self.post.channel)
            self.assertEqual(await socket.hear("here"), {"type": "here", "channel": self.post.channel, "count": 1})

        self.live(story)

    def test_a_ping_is_answered_with_both_times(self) -> None:
        now = int(START.timestamp() * 1000)

        async def story(socket: Socket) -> None:
            for sent in (1700000000000, 12.5, 0):
                self.assertEqual(await socket.say(type="ping", sent=sent), {"type": "pong", "sent": sent, "now": now})
            for odd in ("1e999", "-1e999", "NaN", '"x"', "[1]", "9" * 400):
                result = await socket.say_text(f'{{"type": "ping", "sent": {odd}, "id": "a"}}')
                self.assertIn(result["type"], ("pong", "error"), odd)

        self.live(story)

    def test_a_valid_id_is_echoed_and_an_invalid_one_is_not(self) -> None:
        async def story(socket: Socket) -> None:
            for id in ("a", 7, "ü<&>", "\ud800"):
                result = await socket.say_text(
                    f'{{"type": "ping", "id": {json.dumps(id)}}}'.encode("utf-8", "replace").decode()
                )
                self.assertIn("id", result)
            self.assertEqual((await socket.say_text('{"type": "ping", "id": "\\ud800"}'))["type"], "pong")
            for odd in ([1], {"a": 1}, None, 1.5):
                self.assertNotIn("id", await socket.say(type="ping", id=odd))

        self.live(story)

    def test_an_id_has_at_most_64_characters(self) -> None:
        async def story(socket: Socket) -> None:
            for longest in ("<" * 64, "😀" * 64, "\x01" * 64, 2**53, -(2**53)):
                result = await socket.say(type="ping", id=longest)
                self.assertEqual((result["type"], result["id"]), ("pong", longest))
                self.assertLess(
                    len(encoded(json.dumps(result))), 1000, "the answer must stay short when SockJS escapes it again"
                )
            for long in ('"' + "x" * 65 + '"', 2**53 + 1, -(2**53) - 1, "9" * 400):
                result = await socket.say_text(f'{{"type": "ping", "id": {long}}}')
                self.assertEqual((result["code"], "id" in result), ("too-long", False), str(long)[:20])

        self.live(story)

    def test_malformed_messages_are_refused_with_a_code_and_do_not_close_the_connection(self) -> None:
        async def story(socket: Socket) -> None:
            for text in ("", "{", "[]", '"x"', "null", "1", "[" * 3000):
                self.assert_refused("bad-json", await socket.say_text(text))
            for kind in ("seeek", None, 1, ["ping"], {"a": 1}, "__init__"):
                self.assert_refused("unknown-type", await socket.say(type=kind, id=1), id=1)

        self.live(story)

    def test_a_message_of_more_than_16_kb_is_too_long(self) -> None:
        async def story(socket: Socket) -> None:
            result = await socket.say_text('{"type": "ping", "id": 1, "x": "%s"}' % ("ü" * 8192))
            self.assert_refused("too-long", result)
            self.assertEqual((await socket.say(type="ping"))["type"], "pong")
            self.assertNotIn("id", await socket.say(type="ping", id=True))

        self.live(story)

    def test_unknown_channels_are_refused(self) -> None:
        odd = ("comments:", "comments:x", f"comments:{'0' * 12}", "posts:1", "", "lobbyy", f"{self.post.channel}:x")

        async def story(socket: Socket) -> None:
            for channel in (*odd, None, 1, [self.post.channel], {"$gt": ""}):
                self.assert_refused("no-channel", await socket.say(type="follow", channel=channel, id=2), id=2)
                self.clock.pass_by(seconds=1)
                self.assert_refused("no-channel", await socket.say(type="leave", channel=channel))

        self.live(story)

    def test_following_many_posts_without_subscribers_is_rate_limited(self) -> None:
        """Following a channel without subscribers costs a read of the database; one with subscribers costs none."""

        async def story(socket: Socket) -> None:
            for n in range(20):
                self.assert_refused("no-channel", await socket.say(type="follow", channel=f"comments:{n:012}"))
                self.clock.pass_by(seconds=1)
            self.assert_refused("slow-down", await socket.say(type="follow", channel=f"comments:{20:012}", id=1), id=1)
            other = await self.open()
            for each in (other, socket):
                self.assertEqual((await each.say(type="follow", channel=self.post.channel))["type"], "followed")
            other.connection.close()
            self.clock.pass_by(seconds=60)
            self.assert_refused("no-channel", await socket.say(type="follow", channel=f"comments:{20:012}"))

        self.live(story)

    def test_posts_that_are_not_visible_cannot_be_followed(self) -> None:
        hidden = [
            self.post_by("future", published=START + timedelta(days=1)),
            self.post_by("draft", is_draft=True),
            self.post_by("archived", is_archived=True),
            self.post_by("hidden", has_hidden_comments=True),
        ]

        async def story(socket: Socket) -> None:
            for post in hidden:
                self.assert_refused("no-channel", await socket.say(type="follow", channel=post.channel))

        self.live(story)

    def test_the_21st_message_within_a_second_closes_the_connection(self) -> None:
        async def story(socket: Socket) -> None:
            for _ in range(20):
                self.assertEqual((await socket.say(type="ping"))["type"], "pong")
            self.assert_refused("slow-down", await socket.say(type="ping"))
            self.assertEqual(await socket.closed(), 4029)

        self.live(story)

    def test_nineteen_messages_a_second_are_always_allowed(self) -> None:
        async def story(socket: Socket) -> None:
            for _ in range(60):
                self.assertEqual((await socket.say(type="ping"))["type"], "pong")
                self.clock.pass_by(seconds=1 / 19)

        self.live(story)

    def test_only_staff_can_follow_the_staff_channel(self) -> None:
        async def refused(socket: Socket) -> None:
            self.assert_refused("not-allowed", await socket.say(type="follow", channel="staff"))

        async def allowed(socket: Socket) -> None:
            self.assertEqual((await socket.say(type="follow", channel="staff"))["type"], "followed")
            comment = await self.site.comments.writing.add(self.post, Author("1" * 12), Attempt("Waiting"))
            news = {"id": comment.id, "status": "held", "post": self.post.id}
            self.assertEqual((await socket.hear())["data"], {"comment": news})

        for client in (self.bo, self.dee):
            self.live(refused, client)
        self.live(allowed, self.ada)

    def test_signing_out_closes_the_live_connections_of_that_session_in_every_process(self) -> None:
        ada, ada_at_home = self.ada, self.staff_client()
        port = self.second_client().port
        secret_of = dict(ada.cookies)

        async def story() -> None:
            sockets = []
            for client, at in ((ada, None), (ada, port), (ada_at_home, port), (self.bo, port)):
                client.port = at
                sockets.append(await self.open(client))
            for socket in sockets[:3]:
                self.assertEqual((await socket.say(type="follow", channel="staff"))["type"], "followed")
            ada.port = None
            self.assertEqual((await ada.fetch_async("POST", "/signout")).code, 303)
            self.assertEqual([await socket.closed() for socket in sockets[:2]], [SIGNED_OUT] * 2)
            ada.cookies |= secret_of  # as if somebody had copied the cookie
            again = await self.open(ada)
            self.assert_refused("not-allowed", await again.say(type="follow", channel="staff"))
            for socket in (again, *sockets[2:]):
                self.assertEqual((await socket.say(type="ping"))["type"], "pong")
            for socket in (again, *sockets):
                socket.connection.close()

        self.run_now(story())

    def test_connections_of_former_staff_are_closed(self) -> None:
        sessions, accounts = self.site.tools.mongo["sessions"], self.site.tools.mongo["accounts"]
        ends = {
            "session deleted": lambda: sessions.delete_many({}),
            "session expired": lambda: sessions.update_many({}, {"$set": {"expires": START}}),
            "no longer staff": lambda: accounts.update_many({}, {"$set": {"is_staff": False}}),
        }

        async def story(socket: Socket, end: Callable[[], Awaitable[Any]]) -> None:
            self.assertEqual((await socket.say(type="follow", channel="staff"))["type"], "followed")
            live = self._app.live  # type: ignore[attr-defined]
            await live.look_again()
            self.assertEqual((await socket.say(type="ping"))["type"], "pong")
            await end()
            await live.look_again()
            self.assertEqual(await socket.closed(), SIGNED_OUT)

        for how, end in ends.items():
            with self.subTest(how):
                self.live(partial(story, end=end), self.staff_client())

    def test_looking_again_at_a_slow_client_does_not_delay_the_others(self) -> None:
        released, may = asyncio.Event(), {"slow": True, "quick": True}

        async def may_follow(connection: LiveConnection, channel: str) -> Newest:
            if not may[channel]:
                if channel == "slow":
                    await released.wait()
                raise NotAllowed("not-allowed", "Not any more.")
            return unnumbered

        async def story() -> None:
            channels = tuple(LiveChannel(channel, may_follow, is_public=False) for channel in may)
            live = Live(self.site, Tables(channels, {"follow": LiveConnection.follow}))
            client = TestClient(self, self.served(Plog(self.site, live, handlers=live.routes)))
            sockets = {channel: await self.open(client) for channel in may}  # they are asked in this order
            for channel, socket in sockets.items():
                self.assertEqual((await socket.say(type="follow", channel=channel))["type"], "followed")
                may[channel] = False
            looking = asyncio.ensure_future(live.look_again())
            self.assertEqual(await sockets["quick"].closed(), SIGNED_OUT)
            released.set()
            await looking
            self.assertEqual(await sockets["slow"].closed(), SIGNED_OUT)
            for socket in sockets.values():
                socket.connection.close()

        self.run_now(story())

    def test_internal_channels_cannot_be_followed(self) -> None:
        async def story(socket: Socket) -> None:
            for channel in ("sessions", "pages", "worker"):
                self.assert_refused("no-channel", await socket.say(type="follow", channel=channel))

        self.live(story, self.ada)

    def test_a_foreign_origin_is_refused_at_the_handshake(self) -> None:
        foreign = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"})
        for headers in foreign:
            with self.assertRaises(HTTPClientError) as caught:
                self.run_now(self.open(**headers))
            self.assertEqual(caught.exception.code, 403, headers)
        socket = self.run_now(self.open(Origin=self.settings.url))
        socket.connection.close()

    def test_a_stopping_process_sends_restart_and_closes(self) -> None:
        async def story(socket: Socket) -> None:
            await socket.say(type="ping")
            await self._app.live.restart()  # type: ignore[attr-defined]
            self.assertEqual(await socket.hear(), {"type": "restart"})
            self.assertEqual(await socket.closed(), 1001)

        self.live(story)

    def test_a_closed_connection_leaves_no_subscription(self) -> None:
        async def story(socket: Socket) -> None:
            await socket.say(type="follow", channel=self.post.channel)
            self.assertEqual(self.site.tools.channels.followers("pages", "sessions"), 1)

        async def gone() -> None:
            while self.site.tools.channels.followers("pages", "sessions"):
                await asyncio.sleep(0.01)

        self.live(story)
        self.run_now(asyncio.wait_for(gone(), 5))
