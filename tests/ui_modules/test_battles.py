"""Words about battles stand in a script and in Python: they must be the same."""

import unittest
from pathlib import Path

from ui_modules.battles import WORDS

SCRIPT = Path(__file__).parents[2] / "static" / "js" / "battle-screen.js"


class WordsTest(unittest.TestCase):
    def test_the_screen_of_a_battle_and_its_replay_name_outcomes_alike(self) -> None:
        script = SCRIPT.read_text(encoding="utf-8")
        for outcome, words in WORDS.items():
            self.assertIn(f'{outcome}: "{words}"', script)
