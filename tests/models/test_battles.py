"""Battles that run in Redis, in two processes at once: steps, deadlines, the end. The rules are in test_battle.py."""

import asyncio
from typing import Any

from lib import json
from models.battles import Battle, Battles, Entry, Kind, Line, Phase, Player, Record, Rules
from models.errors import Conflict, NotAllowed, NotFound
from models.questions import Question
from tests.base import SiteTestCase

BO, CY = Player("b" * 12, "Bo"), Player("c" * 12, "Cy")
RULES = Rules(questions=2)


def question(n: int) -> Question:
    return Question(f"q{n}", f"Question {n}?", f"answer {n}", (f"answer {n}", "Rome", "Oslo", "Bern"), "History")


class BattlesTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.battles, self.others = Battles(self.site.tools), Battles(self.second_site.tools)
        self.addCleanup(lambda: None)

    def tearDown(self) -> None:
        for battles in (self.battles, self.others):
            self.run_now(battles.writing.close())
        super().tearDown()

    def started(self, *players: Player) -> Battle:
        first, second = players or (BO, CY)
        return self.run_now(self.battles.writing.start(RULES, [question(1), question(2)], (first, second)))

    def passed(self, id: str, *, battles: Battles | None = None) -> Battle:
        """The battle after its next deadline, as if that were now."""
        battles = battles or self.battles

        def step(battle: Battle) -> Battle:
            return battle.time_passed(battle.deadline or 0)

        return self.run_now(battles.writing.change(id, step))

    def answered(self, battle: Battle, player: Player, text: str, battles: Battles | None = None) -> Battle:
        writing = (battles or self.battles).writing
        return self.run_now(writing.answer(battle.id, player.id, battle.number, text, battle.opens_at or 0))

    def test_a_battle_is_played_in_two_processes(self) -> None:
        battle = self.passed(self.started().id)
        battle = self.answered(battle, BO, "no idea")
        battle = self.answered(battle, CY, "answer 1", self.others)
        self.assertEqual((battle.phase, battle.scores), (Phase.CLOSED, (0, 3)))
        battle = self.passed(battle.id, battles=self.others)
        battle = self.answered(battle, CY, "answer 2")
        over = self.passed(battle.id, battles=self.others)
        self.assertEqual((over.winner, over.ended, over.scores), (1, "played", (0, 6)))

    def test_followers_in_all_processes_hear_each_published_change_once_and_in_order(self) -> None:
        battle = self.started()
        heard = Heard()
        self.run_now(self.second_site.tools.channels.follow(f"battle:{battle.id}", heard, one))
        battle = self.passed(battle.id)
        self.run_now(self.battles.writing.show_alternatives(battle.id, BO.id, 1))
        self.answered(battle, BO, "no idea")
        self.answered(battle, CY, "no idea either", self.others)
        self.run_now(heard.until(3))
        self.assertEqual([(event["n"], event["data"]["what"]) for event in heard.events],
                         [(2, "asked"), (3, "attempted"), (4, "closed")])  # fmt: skip

    def test_two_answers_at_once_are_carried_out_one_after_the_other(self) -> None:
        battle = self.passed(self.started().id)

        async def both() -> list[Any]:
            given = (battle.id, BO.id), (battle.id, CY.id)
            writers = (self.battles.writing, self.others.writing)
            answers = (
                writing.answer(*who, 1, "answer 1", battle.opens_at or 0)
                for writing, who in zip(writers, given, strict=True)
            )
            return await asyncio.gather(*answers, return_exceptions=True)

        results = self.run_now(both())
        self.assertEqual(sorted(type(result).__name__ for result in results), ["Battle", "Conflict"])
        stored = self.run_now(self.battles.documents.by_id(battle.id))
        self.assertEqual(sum(stored.scores), 3)

    def test_nobody_plays_two_battles(self) -> None:
        battle = self.started()
        with self.assertRaises(Conflict):
            self.started(CY, Player("d" * 12, "Dee"))
        self.assertEqual(self.run_now(self.battles.documents.find_id_of(CY.id)), battle.id)
        self.assertIsNone(self.run_now(self.battles.documents.find_id_of("d" * 12)))
        self.run_now(self.battles.writing.give_up(battle.id, BO.id))
        self.assertIsNone(self.run_now(self.battles.documents.find_id_of(CY.id)))
        self.started(CY, Player("d" * 12, "Dee"))

    def test_strangers_cannot_answer(self) -> None:
        battle = self.passed(self.started().id)
        with self.assertRaises(NotAllowed):
            self.run_now(self.battles.writing.answer(battle.id, "d" * 12, 1, "answer 1", battle.opens_at or 0))
        with self.assertRaises(NotFound):
            self.run_now(self.battles.writing.answer("x" * 12, BO.id, 1, "answer 1", 0))

    def test_the_process_that_set_a_deadline_carries_it_out(self) -> None:
        battle = self.run_now(self.battles.writing.start(Rules(questions=1), [question(1)], (BO, CY)))
        heard = Heard()
        self.run_now(self.site.tools.channels.follow(f"battle:{battle.id}", heard, one))
        self.run_now(heard.until(1))
        asked = heard.events[0]["data"]["state"]
        self.assertEqual((asked["phase"], asked["number"]), ("asked", 1))
        self.assertLess(asked["now"] - battle.due, 250)

    def test_another_process_carries_out_what_a_dead_one_left(self) -> None:
        battle = self.started()
        self.run_now(self.battles.writing.close())  # its timers died
        self.run_now(self.others.writing.sweep())
        self.assertEqual(self.run_now(self.others.documents.by_id(battle.id)).phase, Phase.WAITING)

        async def swept() -> Battle:
            while not await self.others.writing.sweep():
                await asyncio.sleep(0.1)
            return await self.others.documents.by_id(battle.id)

        self.assertEqual(self.run_now(swept()).phase, Phase.ASKED)

    def test_a_battle_that_is_over_moves_to_mongodb_once_with_its_whole_log(self) -> None:
        ghost = Player("g" * 12, "Gus", Kind.GHOST, of="2026-11-12", lines=(Line(1, "Rome"), None))
        start = self.started(BO, ghost)
        battle = self.passed(start.id)
        self.answered(battle, BO, "answer 1")
        self.run_now(self.battles.writing.give_up(start.id, BO.id))

        counted: list[str] = []

        async def count(record: Record) -> None:
            counted.append(record.battle.id)

        async def both() -> list[int]:
            return await asyncio.gather(
                self.battles.writing.keep_finished(count), self.others.writing.keep_finished(count)
            )

        self.assertEqual(sum(len(kept) for kept in self.run_now(both())), 1)
        self.assertEqual(self.run_now(self.battles.writing.keep_finished(count)), [])
        record = self.run_now(self.battles.reading.record(start.id))
        self.assertEqual(record, self.run_now(self.battles.documents.kept(start.id)))
        kept, log = record.battle, record.log
        self.assertEqual((kept.ended, kept.winner, kept.players), ("forfeit", 1, start.players))
        self.assertEqual([entry.step for entry in log], ["ask", "answered", "give-up"])
        self.assertEqual(Battle.replayed(start, log).outcomes, kept.outcomes)

    def test_a_battle_that_cannot_be_read_is_set_aside_and_holds_up_no_other(self) -> None:
        battle, redis = self.started(), self.site.tools.redis
        self.run_now(redis.zadd("battles:due", {"0" * 12: 1, "1" * 12: 2}))
        self.run_now(redis.zadd("battles:over", {"0" * 12: 1}))
        self.run_now(redis.hset("battle:111111111111", mapping={"start": "{}", "state": "[]"}))
        self.run_now(self.battles.writing.give_up(battle.id, BO.id))
        self.run_now(self.others.writing.sweep())
        kept = self.run_now(self.others.writing.keep_finished(self.site.points.count))
        self.assertEqual([record.battle.id for record, _ in kept], [battle.id])
        self.assertEqual(self.run_now(self.battles.documents.due(10)), [])
        for _ in range(2):
            self.expect_log("was set aside")

    def test_a_battle_is_replayed_from_its_stored_log(self) -> None:
        start = self.started()
        battle = self.passed(start.id)
        for text in ("answer 1", "answer 2"):
            self.answered(battle, BO, text)
            battle = self.passed(start.id)
        self.assertTrue(battle.is_over)
        log: list[Entry] = self.run_now(self.battles.documents.log(start.id))
        replayed = Battle.replayed(start, log)
        self.assertEqual((replayed.scores, replayed.winner, replayed.at), (battle.scores, 0, battle.at))


class Heard:
    """A follower that remembers events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._more = asyncio.Event()

    def send(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "event":
            self.events.append(message)
            self._more.set()

    async def until(self, number: int) -> None:
        async with asyncio.timeout(10):
            while len(self.events) < number:
                await self._more.wait()
                self._more.clear()


async def one() -> int:
    return 1
