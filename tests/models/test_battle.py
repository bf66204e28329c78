"""The rules of a battle, and histories that hypothesis makes up. Pure: no server is needed."""

import unittest
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from models.battles import DEFAULT, Battle, Kind, Line, Phase, Player, Rules, computer, state_of
from models.battles.battle import GRACE, LEAD, LONGEST_ABSENCE, LONGEST_LOADING, PAUSE
from models.errors import Conflict, Invalid, NotAllowed
from models.questions import Question
from models.questions.knowledge import Knowledge, estimated

BO, CY = Player("bo", "Bo"), Player("cy", "Cy")
START = 1_000_000
RULES = replace(DEFAULT, questions=3)


def question(n: int, **changes: object) -> Question:
    plain = Question(
        f"q{n}", f"Question {n}?", f"answer {n}", (f"answer {n}", "Rome", "Oslo", "Bern"), "History", explanation="why"
    )
    return replace(plain, **changes)


def started(*questions: Question, rules: Rules = RULES, players: tuple[Player, Player] = (BO, CY)) -> Battle:
    return Battle.started("b", rules, questions or (question(1), question(2), question(3)), players, START)


def opened(battle: Battle) -> Battle:
    """The battle with its next question asked, and the time at which it opens."""
    return battle.time_passed(battle.deadline or 0)


class CourseTest(unittest.TestCase):
    def test_the_first_question_is_asked_three_seconds_after_the_start_and_opens_a_moment_later(self) -> None:
        battle = started()
        self.assertEqual((battle.phase, battle.deadline, battle.what), (Phase.WAITING, START + PAUSE, "started"))
        self.assertIs(battle.time_passed(START + PAUSE - 1), battle)
        asked = battle.time_passed(START + PAUSE)
        self.assertEqual((asked.phase, asked.number, asked.what), (Phase.ASKED, 1, "asked"))
        self.assertEqual(asked.opens_at, START + PAUSE + LEAD)
        self.assertEqual(asked.closes_at, START + PAUSE + LEAD + 10_000)

    def test_a_right_answer_is_worth_three_points_and_closes_the_question(self) -> None:
        battle = opened(started())
        closed = battle.answered(0, 1, "Answer 1", battle.opens_at + 2_500)
        self.assertEqual((closed.phase, closed.scores, closed.what), (Phase.CLOSED, (3, 0), "closed"))
        mine, others = closed.outcomes[0]
        self.assertEqual((mine.outcome, mine.seconds, mine.typed), ("right", 2.5, "Answer 1"))
        self.assertEqual((others.outcome, others.points, others.typed), ("slow", 0, None))

    def test_after_the_alternatives_a_right_answer_is_worth_one_point(self) -> None:
        battle = opened(started())
        shown = battle.with_alternatives(0, 1, battle.opens_at)
        self.assertIs(shown.with_alternatives(0, 1, battle.opens_at + 1), shown)
        self.assertEqual((shown.version, shown.revision), (battle.version, battle.revision + 1))
        self.assertEqual(shown.answered(0, 1, "answer 1", battle.opens_at + 9).scores, (1, 0))

    def test_where_only_alternatives_are_played_a_typed_answer_is_worth_one_point_too(self) -> None:
        battle = opened(started(rules=replace(RULES, has_only_alternatives=True)))
        self.assertEqual(battle.answered(0, 1, "answer 1", battle.opens_at).scores, (1, 0))

    def test_alternatives_may_be_asked_before_the_question_opens_but_it_may_not_be_answered(self) -> None:
        battle = opened(started())
        shown = battle.with_alternatives(1, 1, battle.at)
        self.refused("too-early", shown, 1, 1, "answer 1", battle.opens_at - 1)
        self.assertEqual(shown.answered(1, 1, "answer 1", battle.opens_at).scores, (0, 1))

    def test_after_a_wrong_answer_the_other_player_may_go_on(self) -> None:
        battle = opened(started())
        wrong = battle.answered(0, 1, "no idea", battle.opens_at + 1)
        self.assertEqual(
            (wrong.what, state_of(wrong, 0)["attempts"], state_of(wrong, 0)["closed"]),
            ("attempted", ["wrong", None], None),
        )
        self.refused("already-answered", wrong, 0, 1, "answer 1", battle.opens_at + 2)
        closed = wrong.answered(1, 1, "answer 1", battle.opens_at + 3)
        self.assertEqual([one.outcome for one in closed.outcomes[0]], ["beaten", "right"])

    def test_two_wrong_answers_close_the_question(self) -> None:
        battle = opened(started())
        closed = battle.answered(0, 1, "x", battle.opens_at).answered(1, 1, "y", battle.opens_at + 1)
        self.assertEqual([one.outcome for one in closed.outcomes[0]], ["wrong", "wrong"])
        self.assertEqual((closed.phase, closed.scores), (Phase.CLOSED, (0, 0)))

    def test_a_question_is_closed_a_grace_after_its_time_and_answers_that_arrived_in_time_count_until_then(
        self,
    ) -> None:
        battle = opened(started())
        self.assertEqual(battle.deadline, battle.closes_at + GRACE)
        self.assertIs(battle.time_passed(battle.closes_at + GRACE - 1), battle)
        self.refused("closed", battle, 0, 1, "answer 1", battle.closes_at + 1)
        self.assertEqual(battle.answered(0, 1, "answer 1", battle.closes_at).scores, (3, 0))
        closed = battle.time_passed(battle.closes_at + GRACE)
        self.assertEqual([one.outcome for one in closed.outcomes[0]], ["none", "none"])
        self.refused("closed", closed, 0, 1, "answer 1", battle.closes_at)

    def test_the_first_step_that_is_carried_out_decides_whatever_was_received_first(self) -> None:
        battle = opened(started())
        closed = battle.answered(1, 1, "answer 1", battle.opens_at + 200)
        self.refused("closed", closed, 0, 1, "answer 1", battle.opens_at + 100)

    def test_time_never_runs_backwards_in_the_log(self) -> None:
        battle = opened(started())
        first = battle.answered(0, 1, "x", battle.opens_at + 200)
        second = first.answered(1, 1, "y", battle.opens_at + 100)
        self.assertEqual([entry.at for entry in second.log[-2:]], [battle.opens_at + 200] * 2)
        self.assertEqual(second.log[-1].received, battle.opens_at + 100)

    def test_an_answer_to_another_question_is_refused(self) -> None:
        battle = opened(started())
        for number in (0, 2, -1):
            self.refused("closed", battle, 0, number, "answer 1", battle.opens_at)
        self.refused("closed", started(), 0, 1, "answer 1", START)

    def test_an_answer_has_one_to_a_hundred_characters(self) -> None:
        battle = opened(started())
        self.refused("too-long", battle, 0, 1, "x" * 101, battle.opens_at)
        with self.assertRaises(Invalid):
            battle.answered(0, 1, "  ", battle.opens_at)

    def test_the_battle_ends_right_after_its_last_question(self) -> None:
        battle = started(question(1))
        battle = opened(battle)
        closed = battle.answered(1, 1, "answer 1", battle.opens_at)
        self.assertEqual(closed.deadline, closed.at)
        over = closed.time_passed(closed.at)
        self.assertEqual((over.phase, over.ended, over.winner, over.what), (Phase.OVER, "played", 1, "over"))
        self.assertIsNone(over.deadline)
        self.assertEqual(state_of(over, 0)["closed"]["answer"], "answer 1")

    def test_equal_points_are_a_draw(self) -> None:
        battle = opened(started(question(1)))
        battle = battle.time_passed(battle.deadline).time_passed(battle.deadline + PAUSE)
        self.assertEqual((battle.ended, battle.winner), ("played", None))

    def test_only_its_two_persons_have_a_seat(self) -> None:
        battle = started(players=(BO, Player("cy", "Cy", Kind.GHOST)))
        self.assertEqual(battle.seat_of("bo"), 0)
        for stranger in ("dee", "cy"):
            with self.assertRaises(NotAllowed):
                battle.seat_of(stranger)

    def refused(self, code: str, battle: Battle, seat: int, number: int, text: str, received: int) -> None:
        with self.assertRaises(Conflict) as refusal:
            battle.answered(seat, number, text, received)
        self.assertEqual(refusal.exception.code, code)


class PictureTest(unittest.TestCase):
    def setUp(self) -> None:
        self.battle = opened(started(question(1, picture="p")))

    def test_it_opens_once_both_have_it_on_screen(self) -> None:
        self.assertIsNone(self.battle.opens_at)
        one = self.battle.loaded(0, 1, self.battle.at + 50)
        self.assertIs(one.loaded(0, 1, self.battle.at + 60), one)
        both = one.loaded(1, 1, self.battle.at + 100)
        self.assertEqual((both.what, both.opens_at), ("opened", self.battle.at + 100 + LEAD))

    def test_it_opens_after_five_seconds_at_the_latest(self) -> None:
        self.assertEqual(self.battle.deadline, self.battle.at + LONGEST_LOADING)
        late = self.battle.time_passed(self.battle.at + LONGEST_LOADING)
        self.assertEqual((late.what, late.opens_at), ("opened", late.at + LEAD))

    def test_it_cannot_be_answered_before_it_opens(self) -> None:
        with self.assertRaises(Conflict) as refusal:
            self.battle.answered(0, 1, "answer 1", self.battle.at + 1)
        self.assertEqual(refusal.exception.code, "too-early")

    def test_nobody_waits_for_a_ghost_to_load_it(self) -> None:
        battle = opened(started(question(1, picture="p"), players=(BO, Player("c", "Ghost", Kind.GHOST))))
        self.assertEqual(battle.loaded(0, 1, battle.at).what, "opened")


class AbsenceTest(unittest.TestCase):
    def test_who_returns_in_time_loses_nothing(self) -> None:
        battle = opened(started())
        gone = battle.left(0, battle.at + 10)
        self.assertEqual((gone.what, state_of(gone, 0)["players"][0]["here"]), ("gone", False))
        self.assertIs(gone.left(0, battle.at + 20), gone)
        back = gone.returned(0, battle.at + 9_000)
        self.assertEqual((back.what, back.deadline), ("back", battle.deadline))

    def test_who_stays_away_forfeits_if_a_question_was_closed(self) -> None:
        battle = opened(started())
        battle = battle.answered(0, 1, "answer 1", battle.opens_at).left(0, battle.opens_at)
        over = self.at_end(battle)
        self.assertEqual((over.ended, over.winner), ("forfeit", 1))

    def test_without_a_closed_question_the_battle_counts_for_nobody(self) -> None:
        over = self.at_end(started(rules=replace(RULES, seconds=30)).left(1, START))
        self.assertEqual((over.ended, over.winner), ("halted", None))

    def test_if_both_stay_away_the_battle_counts_for_nobody(self) -> None:
        battle = opened(started())
        battle = battle.answered(0, 1, "answer 1", battle.opens_at)
        over = self.at_end(battle.left(0, battle.at).left(1, battle.at + 9_000))
        self.assertEqual((over.ended, over.winner), ("halted", None))
        self.assertEqual(over.at, battle.at + 9_000 + LONGEST_ABSENCE)

    def test_who_gives_up_forfeits_at_once(self) -> None:
        battle = opened(started())
        self.assertEqual(battle.given_up(0, battle.at).ended, "halted")
        over = battle.answered(0, 1, "answer 1", battle.opens_at).given_up(0, battle.opens_at + 1)
        self.assertEqual((over.ended, over.winner), ("forfeit", 1))
        self.assertIs(over.given_up(1, over.at), over)

    def test_an_outage_moves_everything_that_is_to_come(self) -> None:
        battle = opened(started())
        gone = battle.left(0, battle.at)
        moved = gone.moved(7_000, battle.at + 7_100)
        self.assertEqual((moved.opens_at, moved.closes_at), (battle.opens_at + 7_000, battle.closes_at + 7_000))
        self.assertEqual((moved.deadline, moved.what), (gone.deadline + 7_000, "moved"))

    def at_end(self, battle: Battle) -> Battle:
        while battle.deadline is not None:
            battle = battle.time_passed(battle.deadline)
        return battle


class ComputerTest(unittest.TestCase):
    def lines(self, difficulty: str, seconds: int = 10, number: int = 4000) -> list[Line | None]:
        questions = [question(1, difficulty=difficulty)] * number
        return list(computer(questions, replace(RULES, seconds=seconds), Random(20261120)).lines)

    def share(self, lines: list[Line | None], text: str | None, *, has_alternatives: bool = False) -> float:
        found = [line for line in lines if (line.text if line else None) == text]
        return sum(line is None or line.has_alternatives == has_alternatives for line in found) / len(lines)

    def test_it_answers_as_often_as_players_of_that_question_do(self) -> None:
        for difficulty in ("easy", "medium", "hard", ""):
            lines, expected = self.lines(difficulty), estimated(difficulty)
            self.assertAlmostEqual(self.share(lines, "answer 1"), expected.right, delta=0.03)
            self.assertAlmostEqual(
                self.share(lines, "answer 1", has_alternatives=True), expected.chosen_right, delta=0.03
            )
            self.assertAlmostEqual(self.share(lines, None), expected.slow, delta=0.03)

    def test_it_answers_within_the_time_however_short_that_is(self) -> None:
        for seconds in (5, 10, 30):
            times = [line.after for line in self.lines("hard", seconds) if line]
            self.assertTrue(0 < min(times) <= max(times) < seconds * 1000)

    def test_it_is_sooner_where_more_players_know_the_answer(self) -> None:
        easy, hard = (max(line.after for line in self.lines(one) if line) for one in ("easy", "hard"))
        self.assertLess(easy, hard)

    def test_nothing_is_ever_certain(self) -> None:
        shares = Knowledge(1, 0, 0, 0, 0).shares
        self.assertEqual(min(shares), 0.01)

    def test_it_has_no_seat_that_somebody_could_take(self) -> None:
        battle = started(players=(BO, computer([question(1)], RULES, Random(1))))
        with self.assertRaises(NotAllowed):
            battle.seat_of(battle.players[1].id)


class GhostTest(unittest.TestCase):
    def test_a_ghost_answers_when_its_line_says(self) -> None:
        ghost = Player(
            "c", "Cy", Kind.GHOST, of="2026-11-12", lines=(Line(1_500, "answer 1"), None, Line(900, "wrong"))
        )
        battle = opened(started(players=(BO, ghost)))
        self.assertEqual(battle.deadline, battle.opens_at + 1_500)
        closed = battle.time_passed(battle.deadline + 400)
        self.assertEqual((closed.scores, closed.outcomes[0][1].seconds), ((0, 3), 1.5))
        self.assertEqual(state_of(closed, 0)["players"][1]["of"], "2026-11-12")

    def test_a_person_who_is_right_first_beats_its_line(self) -> None:
        battle = opened(started(players=(BO, Player("c", "Computer", Kind.COMPUTER, lines=(Line(1_500, "answer 1"),)))))
        closed = battle.answered(0, 1, "answer 1", battle.opens_at + 1_499)
        self.assertEqual(closed.scores, (3, 0))
        self.assertEqual(closed.deadline, closed.at + PAUSE)

    def test_a_line_with_alternatives_is_worth_one_point(self) -> None:
        line = Line(1_500, "answer 1", has_alternatives=True)
        battle = opened(started(players=(BO, Player("c", "Computer", Kind.COMPUTER, lines=(line,)))))
        self.assertEqual(battle.time_passed(battle.deadline).scores, (0, 1))


SECRETS = ("answer 1", "answer 2", "Rome", "Oslo", "Bern", "why", "another form")
LINES = st.none() | st.builds(
    Line, st.integers(0, 9_999), st.sampled_from(["answer 1", "answer 2", "x"]), st.booleans()
)


@st.composite
def beginnings(draw: st.DrawFn) -> Battle:
    pictures = [draw(st.sampled_from([None, "p"])) for _ in range(2)]
    questions = [question(n + 1, picture=picture, accepted=("another form",)) for n, picture in enumerate(pictures)]
    ghost = Player("c", "Cy", Kind.GHOST, "2026-11-12", tuple(draw(st.lists(LINES, min_size=2, max_size=2))))
    other = draw(st.sampled_from([CY, ghost]))
    return started(*questions, rules=replace(RULES, questions=2, seconds=draw(st.integers(5, 30))), players=(BO, other))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["time", "time", "time", "answer", "answer", "alternatives", "loaded", "gone", "back", "moved", "give-up"]
        ),
        st.integers(0, 1),
        st.integers(0, 3),
        st.sampled_from(["answer 1", "answer 2", "answer 3", "x"]),
        st.integers(-300, 8_000),
    ),
    max_size=60,
)


class HistoryTest(unittest.TestCase):
    """Whatever players and time do, in any order."""

    def stepped(self, battle: Battle, now: int, what: str, seat: int, number: int, text: str) -> Battle:
        try:
            match what:
                case "time":
                    return battle.time_passed(max(now, battle.deadline or 0))
                case "answer":
                    return battle.answered(seat, number or battle.number, text, now)
                case "alternatives":
                    return battle.with_alternatives(seat, number or battle.number, now)
                case "loaded":
                    return battle.loaded(seat, number or battle.number, now)
                case "gone":
                    return battle.left(seat, now)
                case "back":
                    return battle.returned(seat, now)
                case "moved":
                    return battle.moved(now % 5_000, now)
                case _:
                    return battle.given_up(seat, now) if number == 3 else battle
        except Conflict:
            return battle

    @given(beginnings(), STEPS)
    @settings(max_examples=300, deadline=None)
    def test_every_history_keeps_the_rules(self, start: Battle, steps: list[tuple[str, int, int, str, int]]) -> None:
        battle, now = start, START
        for what, seat, number, text, later in steps:
            now += later
            after = self.stepped(battle, now, what, seat, number, text)
            self.check(battle, after)
            battle = after
        number = 0
        while battle.deadline is not None:
            after = battle.time_passed(battle.deadline)
            self.check(battle, after)
            battle, number = after, number + 1
            self.assertLess(number, 30, "it does not end")
        self.assertTrue(battle.is_over)
        self.assertEqual(Battle.replayed(start, battle.log), battle)

    def check(self, before: Battle, after: Battle) -> None:
        self.assertTrue(all(new >= old for old, new in zip(before.scores, after.scores, strict=True)), "a score fell")
        self.assertEqual(after.outcomes[: len(before.outcomes)], before.outcomes, "a closed question changed")
        self.assertLessEqual(len(after.outcomes), after.number)
        self.assertGreaterEqual(after.at, before.at)
        if before.is_over:
            self.assertEqual(after, before, "something happened after the end")
        if after is not before:
            self.assertEqual(after.revision, before.revision + 1)
            self.assertIn(after.version - before.version, (0, 1))
        if after.version == before.version:
            self.assertEqual(state_of(after, 0), state_of(before, 0), "a change was not published")
        if after.phase == Phase.ASKED:
            shown = str({**state_of(after, 0), "question": None, "players": None})
            self.assertFalse([secret for secret in SECRETS if secret in shown])


class AnswerTest(unittest.TestCase):
    def test_case_accents_and_white_space_do_not_matter(self) -> None:
        one = question(1, answer="São Tomé", accepted=("St. Thomas",))
        for text in ("são tomé", " SAO  TOME ", "Sao Tomé", "st. thomas"):
            self.assertTrue(one.is_answered_by(text), text)
        self.assertFalse(one.is_answered_by("sao tom"))
        self.assertTrue(question(1, answer="Tromsø").is_answered_by("Tromso"))
        self.assertTrue(question(1, answer="Straße").is_answered_by("STRASSE"))

    def test_one_typing_mistake_is_forgiven_where_the_question_allows_it(self) -> None:
        one = question(1, answer="Lisbon", may_be_misspelt=True)
        for text in ("Lisbn", "Lissbon", "Lizbon", "Libson", "isbon", "Lisbo", "Lisbonn"):
            self.assertTrue(one.is_answered_by(text), text)
        for text in ("Lsbn", "Lisobn x", "Li", "Linbos", ""):
            self.assertFalse(one.is_answered_by(text), text)
        self.assertFalse(replace(one, may_be_misspelt=False).is_answered_by("Lisbn"))

    def test_short_answers_and_numbers_must_be_exact(self) -> None:
        self.assertFalse(question(1, answer="Oman"[:3], may_be_misspelt=True).is_answered_by("Om"))
        self.assertFalse(question(1, answer="1912", may_be_misspelt=True).is_answered_by("1913"))
        self.assertTrue(question(1, answer="Oman", may_be_misspelt=True).is_answered_by("Omen"))
