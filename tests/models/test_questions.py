"""Questions in MongoDB: stored once, edited by one at a time, chosen for two. The rules are in test_question_rules.py."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from models.battles import Battles, Player, Rules
from models.errors import Conflict, Invalid, NotFound
from models.questions import Origin, Question, State
from models.questions.documents import DRAWN_FROM
from tests.base import START, SiteTestCase

BO, CY, DEE = "b" * 12, "c" * 12, "d" * 12
NONE_CHOSEN = Rules(genres=("Nothing",))


def question(n: int, **changes: Any) -> Question:
    given = Question("", f"Question {n}?", f"answer {n}", (f"answer {n}", "Rome", "Oslo", "Bern"), "History")
    return replace(given, **{"state": State.PUBLISHED, **changes})


class QuestionsTest(SiteTestCase):
    def added(self, *questions: Question) -> list[Question]:
        async def add() -> list[Question]:
            return [await self.site.questions.writing.add(one) for one in questions]

        return self.run_now(add())

    def chosen(self, number: int = 10, *accounts: str, rules: Rules = Rules()) -> list[str]:  # noqa: B008
        """The texts of the chosen questions, sorted."""
        found = self.run_now(self.site.questions.choose(rules, accounts or (BO, CY), number))
        return sorted(one.text for one in found)

    def note(self, account: str, questions: Iterable[Question], **ago: float) -> None:
        at = START - timedelta(**ago)
        self.run_now(self.site.questions.documents.note_seen([account], [one.id for one in questions], at))

    def test_a_question_is_stored_with_all_that_belongs_to_it(self) -> None:
        given = question(1, accepted=("one",), picture="p" * 12, explanation="Why", licence="CC0", difficulty="easy")
        (added,) = self.added(replace(given, author=BO, origin=Origin("csv", "", "1", "digest")))
        self.assertEqual((added.created, added.revision, len(added.id)), (START, 0, 12))
        self.assertEqual(self.run_now(self.site.questions.documents.by_id(added.id)), added)
        with self.assertRaises(NotFound):
            self.run_now(self.site.questions.documents.by_id("0" * 12))

    def test_nothing_that_makes_no_sense_is_stored(self) -> None:
        (added,) = self.added(question(1))
        for work in (self.site.questions.writing.add, self.site.questions.writing.edit):
            with self.assertRaises(Invalid):
                self.run_now(work(replace(added, alternatives=("answer 1",))))
        self.assertEqual(self.chosen(), ["Question 1?"])

    def test_of_two_who_edit_a_question_at_once_one_is_refused(self) -> None:
        (added,) = self.added(question(1))
        self.second_site

        async def both() -> list[Any]:
            sites = (self.site, self.second_site)
            edits = (site.questions.writing.edit(replace(added, genre=f"G{n}")) for n, site in enumerate(sites))
            return await asyncio.gather(*edits, return_exceptions=True)

        self.assertEqual([type(result) for result in self.run_now(both())].count(Conflict), 1)
        with self.assertRaises(Conflict):
            self.run_now(self.site.questions.writing.edit(added))

    def test_a_question_is_imported_once_by_two_processes_at_once(self) -> None:
        origin = Origin("csv", "", "1")
        self.second_site

        async def both() -> list[Any]:
            adds = (site.questions.writing.add(question(1, origin=origin)) for site in (self.site, self.second_site))
            return await asyncio.gather(*adds, return_exceptions=True)

        self.assertEqual([type(result) for result in self.run_now(both())].count(Conflict), 1)
        self.assertEqual(self.run_now(self.site.questions.documents.find_by_origin(origin)).text, "Question 1?")
        self.assertEqual(len(self.added(question(2), question(3))), 2, "those that were written here have no origin")

    def test_only_published_questions_are_chosen(self) -> None:
        self.added(*(question(n, state=state) for n, state in enumerate(State)))
        self.assertEqual(self.chosen(), [f"Question {list(State).index(State.PUBLISHED)}?"])

    def test_rules_choose_genres_and_pictures(self) -> None:
        picture = {"picture": "p" * 12}
        self.added(question(1), question(2, genre="Art"), question(3, genre="Art", **picture), question(4, **picture))
        self.added(question(5, genre="Sport"))
        for rules, expected in (
            (Rules(), "12345"),
            (Rules(genres=("Art",)), "23"),
            (Rules(genres=("Art", "Sport")), "235"),
            (Rules(has_only_pictures=True), "34"),
            (Rules(genres=("Art",), has_only_pictures=True), "3"),
        ):
            self.assertEqual(self.chosen(rules=rules), [f"Question {n}?" for n in expected], rules)

    def test_without_a_question_nobody_can_play(self) -> None:
        self.added(question(1))
        with self.assertRaises(Conflict) as caught:
            self.chosen(rules=NONE_CHOSEN)
        self.assertEqual(caught.exception.code, "no-questions")

    def test_no_question_is_by_one_of_the_players(self) -> None:
        self.added(question(1, author=BO), question(2, author=CY), question(3, author=DEE), question(4))
        self.assertEqual(self.chosen(), ["Question 3?", "Question 4?"])
        self.assertEqual(self.chosen(10, DEE), ["Question 1?", "Question 2?", "Question 4?"])

    def test_questions_that_a_player_saw_within_30_days_are_not_chosen_where_there_are_others(self) -> None:
        added = self.added(*(question(n) for n in range(8)))
        self.note(BO, added[:2], days=29)
        self.note(CY, added[2:4], hours=1)
        self.note(DEE, added[4:])
        self.note(CY, added[4:5], days=31)
        self.assertEqual(self.chosen(4), [f"Question {n}?" for n in (4, 5, 6, 7)])

    def test_where_too_few_are_new_those_seen_the_longest_ago_come_again(self) -> None:
        added = self.added(*(question(n) for n in range(6)))
        for n, days in enumerate((5, 20, 10, 1)):
            self.note(BO, added[n : n + 1], days=days)
        self.note(CY, added[1:2], days=2)  # what counts is who saw it last
        self.assertEqual(self.chosen(4), [f"Question {n}?" for n in (0, 2, 4, 5)])
        self.assertEqual(self.chosen(5), [f"Question {n}?" for n in (0, 1, 2, 4, 5)])
        self.assertEqual(len(self.chosen(10)), 6, "there are no more")

    def test_new_questions_are_found_among_many_that_were_seen(self) -> None:
        added = self.added(*(question(n) for n in range(3 * DRAWN_FROM)))
        self.note(BO, added[:-2])
        for _ in range(10):
            self.assertEqual(self.chosen(2), sorted(one.text for one in added[-2:]))

    def test_what_was_seen_again_counts_from_the_last_time_whatever_is_noted_first(self) -> None:
        added = self.added(question(1), question(2))
        for ago in (40, 3, 20):
            self.note(BO, added[:1], days=ago)
        documents = self.site.questions.documents
        seen = self.run_now(documents.seen([BO, CY], [one.id for one in added]))
        self.assertEqual(seen, {added[0].id: START - timedelta(days=3)})

    def test_what_one_process_notes_the_other_one_knows(self) -> None:
        added = self.added(*(question(n) for n in range(4)))
        ids = [one.id for one in added[:2]]
        self.run_now(self.second_site.questions.documents.note_seen([BO, CY], ids, START))
        self.assertEqual(self.chosen(2), ["Question 2?", "Question 3?"])

    def test_every_question_comes_up_and_the_order_differs(self) -> None:
        added = self.added(*(question(n) for n in range(20)))
        choose = self.site.questions.choose
        battles = [[one.text for one in self.run_now(choose(Rules(), (BO, CY), 10))] for _ in range(40)]
        self.assertEqual({text for texts in battles for text in texts}, {one.text for one in added})
        self.assertTrue(all(len(set(texts)) == 10 for texts in battles))
        self.assertEqual(len({tuple(texts) for texts in battles}), 40)

    def test_as_many_are_drawn_from_wherever_drawing_starts(self) -> None:
        """After the greatest random number comes the smallest: else the last questions would come up more often."""
        self.added(*(question(n) for n in range(3 * DRAWN_FROM)))
        documents = self.site.questions.documents
        for start in (0.0, 0.5, 0.999999, 1.0):
            ids = self.run_now(documents._next({"state": "published"}, start, DRAWN_FROM))
            self.assertEqual(len(set(ids)), DRAWN_FROM, start)

    def test_chosen_questions_start_a_battle_and_come_back_from_redis(self) -> None:
        self.added(*(question(n, licence="CC0", origin=Origin("csv", "", f"{n}")) for n in range(2)))
        chosen = self.run_now(self.site.questions.choose(Rules(questions=2), (BO, CY), 2))
        battles = Battles(self.site.tools)
        players = (Player(BO, "Bo"), Player(CY, "Cy"))
        battle = self.run_now(battles.writing.start(Rules(questions=2), chosen, players))
        try:
            self.assertEqual(self.run_now(battles.documents.by_id(battle.id)).questions, tuple(chosen))
            self.assertEqual(chosen[0].licence, "CC0")
        finally:
            self.run_now(battles.writing.close())

    def test_what_a_visitor_wrote_and_has_seen_moves_to_the_member(self) -> None:
        added = self.added(question(0, author=BO), *(question(n) for n in range(1, 4)))
        self.note(BO, added[1:3], days=1)
        self.note(DEE, added[2:3], days=2)
        documents = self.site.questions.documents
        for _ in range(2):
            self.run_now(documents.move(BO, DEE))
        self.assertEqual(self.run_now(documents.by_id(added[0].id)).author, DEE)
        seen = self.run_now(documents.seen([DEE], [one.id for one in added]))
        self.assertEqual(seen, dict.fromkeys((added[1].id, added[2].id), START - timedelta(days=1)))
        self.assertEqual(self.run_now(documents.seen([BO], [one.id for one in added])), {})

    def test_drawing_reads_the_index_alone(self) -> None:
        self.added(*(question(n) for n in range(30)))
        find = {"find": "questions", "projection": {"_id": 1}, "sort": {"random": 1}, "limit": 5}
        find["filter"] = {"state": "published", "author": {"$nin": [BO]}, "random": {"$gte": 0.5}}
        database = self.site.tools.mongo._database
        plan = self.run_now(database.command({"explain": find, "verbosity": "executionStats"}))
        self.assertEqual(plan["executionStats"]["totalDocsExamined"], 0)
