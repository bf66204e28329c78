"""Misses: what is not there is remembered for a few seconds, and never much of it."""

import unittest

from lib.misses import Misses


class MissesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 1000.0
        self.misses = Misses(lambda: self.now, lifetime=3, most=5)

    def test_a_miss_is_remembered_until_its_lifetime_is_over(self) -> None:
        self.misses.add("a")
        self.now += 2.9
        self.assertTrue("a" in self.misses and "b" not in self.misses)
        self.now += 0.2
        self.assertNotIn("a", self.misses)

    def test_it_is_no_longer_remembered_when_the_clock_went_back(self) -> None:
        self.misses.add("a")
        self.now -= 3600
        self.assertNotIn("a", self.misses)

    def test_no_more_than_so_many_are_remembered_and_the_newest_is(self) -> None:
        for name in range(1000):
            self.misses.add(str(name))
            self.assertIn(str(name), self.misses)
            self.assertLessEqual(sum(str(other) in self.misses for other in range(1000)), 5)


if __name__ == "__main__":
    unittest.main()
