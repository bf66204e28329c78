"""Misses: a bounded cache of missing things, valid for a few seconds."""

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

    def test_a_miss_is_dropped_when_the_clock_is_set_back(self) -> None:
        self.misses.add("a")
        self.now -= 3600
        self.assertNotIn("a", self.misses)

    def test_the_number_of_misses_is_bounded_and_the_newest_is_remembered(self) -> None:
        for name in range(1000):
            self.misses.add(str(name))
            self.assertIn(str(name), self.misses)
            self.assertLessEqual(sum(str(other) in self.misses for other in range(1000)), 5)


if __name__ == "__main__":
    unittest.main()
