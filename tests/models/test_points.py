"""Points: which battles count, standings and ranks."""

import unittest

from models.battles import Finished
from models.points import Standing, counted, standing_of
from models.points.standing import DAY
from tests.base import SiteTestCase

BO, CY, DEE = "b" * 12, "c" * 12, "d" * 12


def finished(*accounts: str, began: int = 0, scores: tuple[int, int] = (12, 9), ended: str = "played") -> Finished:
    winner = None if scores[0] == scores[1] else int(scores[1] > scores[0])
    return Finished(accounts or (BO, CY), began, scores, ended, winner)


class StandingTest(unittest.TestCase):
    def test_points_of_all_battles_are_added_and_results_counted(self) -> None:
        battles = [finished(), finished(CY, BO), finished(BO, DEE, scores=(3, 3))]
        self.assertEqual(standing_of(BO, "default", battles), Standing(BO, "default", 24, won=1, lost=1, drawn=1))
        self.assertEqual(standing_of(BO, "default", []), Standing(BO, "default"))

    def test_battles_against_a_ghost_or_the_computer_and_halted_ones_do_not_count(self) -> None:
        self.assertEqual(list(counted([finished(BO), finished(ended="halted")])), [])
        self.assertEqual(len(list(counted([finished(ended="forfeit")]))), 1)

    def test_at_most_three_battles_a_day_of_the_same_two_count(self) -> None:
        """A second browser that always loses brings no more than that."""
        day = [finished(BO, CY, began=n) if n % 2 else finished(CY, BO, began=n) for n in range(10)]
        tomorrow = [finished(BO, CY, began=DAY + n) for n in range(2)]
        others = [finished(BO, DEE, began=n) for n in range(2)]
        self.assertEqual(
            [battle.began for battle in counted([*day, *others, *tomorrow])], [0, 1, 2, 0, 1, DAY, DAY + 1]
        )


class RankTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        for account, points in ((BO, 30), (CY, 30), (DEE, 12), ("e" * 12, 0)):
            self.run_now(self.site.points.documents.store(Standing(account, "default", points)))
        self.run_now(self.site.points.documents.store(Standing(BO, "other", 99)))

    def test_equal_points_share_a_rank_and_leave_no_gap(self) -> None:
        ranks = [
            self.run_now(self.site.points.documents.rank(Standing(account, "default", points)))
            for account, points in ((BO, 30), (CY, 30), (DEE, 12), ("e" * 12, 0))
        ]
        self.assertEqual(ranks, [1, 1, 2, 3])

    def test_the_best_are_those_with_points_by_these_rules(self) -> None:
        best = self.run_now(self.site.points.documents.best("default", 10))
        self.assertEqual([(one.account, one.points) for one in best], [(BO, 30), (CY, 30), (DEE, 12)])

    def test_storing_says_whether_something_changed(self) -> None:
        self.assertFalse(self.run_now(self.site.points.documents.store(Standing(BO, "default", 30))))
        self.assertTrue(self.run_now(self.site.points.documents.store(Standing(BO, "default", 31))))
