"""Battles over the live connections of two processes, as browsers play them."""

import asyncio
from typing import Any

from lib import json
from models.battles import recomputed
from models.questions import Question, State
from tests.base import START, TestClient
from tests.sockets import LiveTestCase, Socket

SECRETS = ("The answer", "Another form", "Rome", "Oslo", "Bern", "Because it is so", "A source")


def question(n: int) -> Question:
    return Question(
        f"{n:012}",
        f"Which is number {n}?",
        "The answer",
        ("Rome", "Oslo", "Bern", "The answer"),
        "History",
        ("Another form",),
        explanation="Because it is so",
        source="A source",
        state=State.PUBLISHED,
        created=START,
    )


class BattlesTest(LiveTestCase):
    def setUp(self) -> None:
        super().setUp()
        for n in range(12):
            self.run_now(self.site.questions.documents.insert(question(n)))

    def player(self, *, elsewhere: bool = False) -> TestClient:
        """A visitor with a cookie, connected to this process or to the other one."""
        client = self.second_client() if elsewhere else TestClient(self)
        client.get("/me")
        return client

    async def paired(self, bo: TestClient, cy: TestClient) -> tuple[Socket, Socket, dict[str, Any]]:
        first, second = await self.open(bo), await self.open(cy)
        seeking = await first.say(type="seek", rules="default", id=1)
        self.assertEqual(seeking, {"type": "seeking", "rules": "default", "here": 1, "waiting": 1, "id": 1})
        self.assertEqual((await second.say(type="seek"))["type"], "seeking")
        paired = [await socket.hear("paired") for socket in (first, second)]
        self.assertEqual([one["you"] for one in paired], [0, 1])
        return first, second, paired[0]

    def play(self, story: Any) -> None:
        bo, cy = self.player(), self.player(elsewhere=True)

        async def run() -> None:
            first, second, paired = await self.paired(bo, cy)
            try:
                await story(first, second, paired)
            finally:
                first.connection.close()
                second.connection.close()

        self.run_now(run())

    async def event(self, socket: Socket, what: str) -> dict[str, Any]:
        while True:
            event = await socket.hear("event")
            if event["data"]["what"] == what:
                return event

    async def refused(self, code: str, socket: Socket, **message: Any) -> None:
        await socket.connection.write_message(json.dumps(message))
        self.assertEqual((await socket.hear("error"))["code"], code, message)

    def test_two_strangers_in_two_processes_play(self) -> None:
        async def story(first: Socket, second: Socket, paired: dict[str, Any]) -> None:
            battle = paired["battle"]
            asked = await self.event(first, "asked")
            state = asked["data"]["state"]
            self.assertEqual((asked["channel"], asked["n"]), (f"battle:{battle}", state["version"]))
            self.assertEqual(state["question"]["genre"], "History")
            self.assertEqual(state["opens_at"] - state["now"], 400)
            await self.event(second, "asked")
            await self.refused("too-early", first, type="answer", battle=battle, number=1, text="The answer")
            await second.connection.write_message(json.dumps({"type": "alternatives", "battle": battle, "number": 1}))
            choices = (await second.hear("alternatives"))["choices"]
            self.assertEqual(choices, ["Rome", "Oslo", "Bern", "The answer"])
            await asyncio.sleep(0.45)  # until it opens, by the server's clock
            await second.connection.write_message(
                json.dumps({"type": "answer", "battle": battle, "number": 1, "text": "Rome"})
            )
            for socket in (first, second):
                attempted = (await self.event(socket, "attempted"))["data"]["state"]
                self.assertEqual((attempted["attempts"], attempted["closed"]), ([None, "wrong"], None))
            await self.refused("already-answered", second, type="answer", battle=battle, number=1, text="Oslo")
            await first.connection.write_message(
                json.dumps({"type": "answer", "battle": battle, "number": 1, "text": "the  ANSWER"})
            )
            for socket in (first, second):
                closed = (await self.event(socket, "closed"))["data"]["state"]
                self.assertEqual([player["score"] for player in closed["players"]], [3, 0])
                self.assertEqual([one["outcome"] for one in closed["closed"]["outcomes"]], ["right", "beaten"])
            await self.refused("closed", second, type="answer", battle=battle, number=1, text="The answer")
            await second.connection.write_message(json.dumps({"type": "give-up", "battle": battle}))
            over = (await self.event(first, "over"))["data"]["state"]
            self.assertEqual((over["ended"], over["winner"]), ("forfeit", 0))

        self.play(story)

    def test_no_frame_has_the_answer_of_an_open_question(self) -> None:
        async def story(first: Socket, second: Socket, paired: dict[str, Any]) -> None:
            await self.event(second, "asked")
            await second.connection.write_message(
                json.dumps({"type": "alternatives", "battle": paired["battle"], "number": 1})
            )
            await second.hear("alternatives")
            await first.connection.write_message(json.dumps({"type": "resume"}))
            frames = [paired, await self.event(first, "asked"), await first.hear("paired")]
            for frame in frames:
                self.assertFalse([secret for secret in SECRETS if secret in json.dumps(frame)], frame)

        self.play(story)

    def test_a_name_is_shown_unless_somebody_else_has_it(self) -> None:
        bo, cy = self.player(), self.player(elsewhere=True)
        answer = bo.post("/quiz/name", {"name": "  Bo   the  first "})
        self.assertEqual((answer.code, answer.headers["Location"]), (303, "/quiz/"))
        self.assertIn('value="Bo the first"', bo.get("/quiz/").body.decode())
        for name in ("B", "x" * 21, "", "\u202e"):
            self.assertEqual(cy.post("/quiz/name", json_body={"name": name}).code, 422, name)
        self.dee.post("/quiz/name", json_body={"name": "Dée"})
        self.run_now(self.site.accounts.make_staff("ada@example.com"))
        ada = self.staff_client()
        ada.post("/quiz/name", json_body={"name": "Ada Ferris"})
        for name in ("dee", "D.E.E", "ADA FERRIS", "ada-ferris", "Moderator", self.site.settings.title.upper()):
            refused = cy.post("/quiz/name", json_body={"name": name})
            self.assertEqual((refused.code, json.loads(refused.body)["error"]), (409, "name-taken"), name)
        self.assertEqual(
            json.loads(cy.post("/quiz/name", json_body={"name": "Bo the first"}).body)["name"], "Bo the first"
        )

        async def story() -> None:
            _, _, paired = await self.paired(bo, cy)
            self.assertEqual(paired["state"]["players"][0]["name"], "Bo the first")

        self.run_now(story())

    def test_a_cookie_from_before_the_sign_in_renames_no_member(self) -> None:
        bo = self.player()
        stale = TestClient(self)
        stale.cookies.update(bo.cookies)
        bo.post("/quiz/name", {"name": "Bo"})
        bo.signin("bo@example.com")
        self.assertEqual(stale.post("/quiz/name", json_body={"name": "Somebody"}).code, 200)
        self.assertIn('value="Bo"', bo.get("/quiz/").body.decode())

    def test_both_have_to_agree_to_a_rematch_and_seeking_cancels_it(self) -> None:
        async def story(first: Socket, second: Socket, paired: dict[str, Any]) -> None:
            battle = paired["battle"]
            await self.refused("not-found", first, type="rematch", battle=battle)  # it runs
            await first.connection.write_message(json.dumps({"type": "give-up", "battle": battle}))
            for socket in (first, second):
                await self.event(socket, "over")
            offer = json.dumps({"type": "rematch", "battle": battle})
            await first.connection.write_message(offer)
            self.assertEqual(await second.hear("rematch"), {"type": "rematch", "battle": battle})
            await first.connection.write_message(json.dumps({"type": "seek"}))
            await first.hear("seeking")
            await first.connection.write_message(json.dumps({"type": "unseek", "id": "u"}))
            await first.hear("done")
            await second.connection.write_message(offer)
            self.assertEqual((await first.hear("rematch"))["battle"], battle)
            await first.connection.write_message(offer)
            again = [await socket.hear("paired") for socket in (first, second)]
            self.assertEqual([one["you"] for one in again], [0, 1])
            self.assertNotEqual(again[0]["battle"], battle)

        self.play(story)

    def test_somebody_who_waits_may_play_the_computer(self) -> None:
        bo = self.player()

        async def story() -> None:
            socket = await self.open(bo)
            await self.refused("not-allowed", socket, type="computer")
            await socket.say(type="seek")
            self.assertEqual(await socket.say(type="computer", id=3), {"type": "done", "id": 3})
            paired = await socket.hear("paired")
            self.assertEqual([player["kind"] for player in paired["state"]["players"]], ["person", "computer"])
            self.assertEqual(await self.site.lobby.documents.waiting("default"), 0)
            await self.event(socket, "asked")
            await self.refused("not-allowed", socket, type="computer")
            self.assertEqual((await socket.say(type="seek"))["type"], "paired")

        self.run_now(story())

    def test_only_its_players_and_staff_see_a_battle_that_is_over_and_anybody_can_compute_it_again(self) -> None:
        bo, cy = self.player(), self.player(elsewhere=True)

        async def story() -> str:
            first, second, paired = await self.paired(bo, cy)
            battle = paired["battle"]
            await self.event(first, "asked")
            self.assertEqual((await bo.fetch_async("GET", f"/quiz/battles/{battle}")).code, 404, "it runs")
            await asyncio.sleep(0.45)  # until it opens, by the server's clock
            answer = {"type": "answer", "battle": battle, "number": 1, "text": "The answer"}
            await first.connection.write_message(json.dumps(answer))
            await self.event(second, "closed")
            await second.connection.write_message(json.dumps({"type": "give-up", "battle": battle}))
            over = (await self.event(first, "over"))["data"]["state"]
            self.assertEqual(over["replay"], f"/quiz/battles/{battle}")
            return str(over["replay"])

        path = self.run_now(story())
        for who, title in ((bo, "You won"), (cy, "You lost"), (self.staff_client(), "against Guest")):
            page = who.get(path)
            self.assertEqual((page.code, page.headers["Cache-Control"]), (200, "no-store"))
            self.assertIn(title, page.body.decode())
            self.assertIn("Because it is so", page.body.decode())
        for stranger in (self.player(), TestClient(self), self.dee):
            for ending in ("", ".json", ".log.json"):
                self.assertEqual(stranger.get(path + ending).code, 403)
        log = json.loads(bo.get(f"{path}.log.json").body)
        self.assertEqual(recomputed(log), {"scores": [3, 0], "winner": 0, "ended": "forfeit"})
        self.assertEqual([question["answer"] for question in log["questions"]], ["The answer"] + [""] * 9)
        self.assertEqual([player["id"] for player in log["players"]], ["0", "1"])
        self.assertEqual(json.loads(bo.get(f"{path}.json").body)["winner"], 0)
        kept = self.run_now(self.site.battles.writing.keep_finished(self.site.points.count))
        self.assertEqual((len(kept), json.loads(bo.get(f"{path}.log.json").body)), (1, log))
        scores = bo.get("/quiz/highscores").body.decode()
        self.assertRegex(scores, r"<td>1</td>\s*<th scope=\"row\">Guest \d{4} <span class=\"help\">you</span>")
        self.assertEqual(scores.count("<tr"), 2, "only one of the two has points")
        self.assertEqual(self.run_now(self.site.points.recompute_all()), [])

    def test_a_second_tab_takes_the_seat_over(self) -> None:
        bo, cy = self.player(), self.player(elsewhere=True)

        async def story() -> None:
            first, _, paired = await self.paired(bo, cy)
            tab = await self.open(bo)
            resumed = await tab.say(type="resume", id="r")
            self.assertEqual((resumed["type"], resumed["id"], resumed["you"]), ("paired", "r", 0))
            self.assertEqual(resumed["battle"], paired["battle"])
            self.assertEqual(await first.hear("taken-over"), {"type": "taken-over"})
            self.assertEqual((await self.event(tab, "asked"))["channel"], f"battle:{paired['battle']}")
            again = await tab.say(type="seek")
            self.assertEqual((again["type"], again["battle"]), ("paired", paired["battle"]))

        self.run_now(story())

    def test_who_plays_is_the_cookies_visitor_whatever_a_message_says(self) -> None:
        stranger = self.player()

        async def story(first: Socket, second: Socket, paired: dict[str, Any]) -> None:
            battle, third = paired["battle"], await self.open(stranger)
            await self.event(first, "asked")
            as_bo = {"you": 0, "account": "b" * 12, "player": 0}
            for kind in ("answer", "alternatives", "give-up", "typing", "loaded"):
                await self.refused("not-in-battle", third, type=kind, battle=battle, number=1, text="x", **as_bo)
            await self.refused("not-in-battle", third, type="resume", battle=battle, **as_bo)
            await self.refused("no-channel", third, type="follow", channel=f"battle:{battle}")
            nobody = await self.open(TestClient(self))
            await self.refused("no-visitor", nobody, type="seek")

        self.play(story)

    def test_malformed_messages_are_refused_and_change_nothing(self) -> None:
        async def story(first: Socket, second: Socket, paired: dict[str, Any]) -> None:
            battle = paired["battle"]
            await self.event(first, "asked")
            for odd in (None, 1, [], {}, {"$gt": ""}):
                await self.refused("invalid", first, type="answer", battle=odd, number=1, text="x")
                await self.refused(
                    "invalid", first, type="answer", battle=battle, number=1, text=odd if odd != 1 else 2
                )
            sent = json.dumps({"type": "answer", "battle": battle, "number": 1, "text": "?"})
            escaped = sent.replace("?", "\\ud800")
            await first.connection.write_message(escaped)
            self.assertEqual((await first.hear("error"))["code"], "invalid")
            for number in (None, "1", True, [1], 1.5):
                await self.refused("invalid", first, type="alternatives", battle=battle, number=number)
            await self.refused("not-found", first, type="answer", battle="x", number=1, text="x")
            await self.refused("unknown-rules", first, type="seek", rules="odd")
            state = await self.site.battles.documents.by_id(battle)
            self.assertEqual(state.revision, 2)

        self.play(story)

    def test_the_other_player_is_told_that_somebody_types_at_most_once_a_second(self) -> None:
        async def story(first: Socket, second: Socket, paired: dict[str, Any]) -> None:
            for _ in range(3):
                await first.connection.write_message(json.dumps({"type": "typing", "battle": paired["battle"]}))
            self.assertEqual(await second.hear("typing"), {"type": "typing", "battle": paired["battle"], "you": 1})
            await second.connection.write_message(json.dumps({"type": "ping", "sent": 1}))
            self.assertEqual((await second.hear("typing", "pong"))["type"], "pong")

        self.play(story)

    def test_somebody_who_stops_looking_is_not_paired(self) -> None:
        bo, cy = self.player(), self.player(elsewhere=True)

        async def story() -> None:
            first, second = await self.open(bo), await self.open(cy)
            await first.say(type="seek")
            self.assertEqual(await first.say(type="unseek", id=2), {"type": "done", "id": 2})
            self.assertEqual((await second.say(type="seek"))["waiting"], 1)

        self.run_now(story())
