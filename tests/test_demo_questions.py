"""The demo's questions, as they stand in demo/questions/*.csv: what a battle relies on."""

import unittest
from collections import Counter

from demo.questions.checks import faults, read, repeated
from demo.questions.facts import FOLDER, LISTS, tables

FEWEST = 2000
FEWEST_GENRES = 10
LICENCES = {"MIT", "CC BY 4.0", "Unicode-3.0"}


class DemoQuestionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = list(read())

    def test_there_are_at_least_2000_questions_in_10_genres(self):
        self.assertGreaterEqual(len(self.rows), FEWEST)
        self.assertGreaterEqual(len({row["genre"] for _, row in self.rows}), FEWEST_GENRES)

    def test_every_question_keeps_every_rule(self):
        found = [f"{row['text']} {fault}" for _, row in self.rows for fault in faults(row)]
        self.assertEqual(found, [])

    def test_no_question_is_asked_twice(self):
        self.assertEqual(repeated([row["text"] for _, row in self.rows]), [])

    def test_each_file_holds_one_genre_named_as_it_is(self):
        self.assertEqual({name for name, row in self.rows if name != row["genre"]}, set())

    def test_each_genre_is_large_enough_for_battles_and_mixes_difficulties(self):
        counts = Counter((row["genre"], row["difficulty"]) for _, row in self.rows)
        for genre in {row["genre"] for _, row in self.rows}:
            sizes = [counts[genre, difficulty] for difficulty in ("easy", "medium", "hard")]
            self.assertGreaterEqual(sum(sizes), 70, genre)
            self.assertGreaterEqual(min(sizes), 5, genre)

    def test_every_source_is_under_a_licence_that_allows_passing_it_on(self):
        self.assertLessEqual({row["licence"] for _, row in self.rows}, LICENCES)

    def test_the_answer_stands_in_each_place_about_equally_often(self):
        places = Counter(row["alternatives"].split("|").index(row["answer"]) for _, row in self.rows)
        for place in range(4):
            self.assertGreater(places[place], len(self.rows) * 0.2)

    def test_every_table_of_facts_is_in_the_files(self):
        """Somebody who adds a fact must run make.py."""
        tabled = sum(
            len(table.lines) for path in FOLDER.glob("*.txt") if path.stem not in LISTS for table in tables(path)
        )
        self.assertEqual(sum(row["licence"] == "MIT" and "own" in row["source"] for _, row in self.rows), tabled)


class FaultsTest(unittest.TestCase):
    """Each rule finds its fault, in a row that is otherwise right."""

    def row(self, **changes):
        right = {
            "text": "What is the capital of Austria?",
            "answer": "Vienna",
            "alternatives": "Graz|Vienna|Linz|Salzburg",
            "accepted": "Wien",
            "genre": "countries",
            "difficulty": "easy",
            "explanation": "It lies on the Danube.",
            "source": "Plog's own facts",
            "licence": "MIT",
        }
        return right | changes

    def test_a_right_row_has_none(self):
        self.assertEqual(faults(self.row()), [])

    def test_wrong_rows_have_one(self):
        for changes in (
            {"alternatives": "Graz|Vienna|Linz"},
            {"alternatives": "Graz|Vienna|Linz|GRAZ"},
            {"alternatives": "Graz|Wels|Linz|Salzburg", "accepted": ""},
            {"accepted": "graz"},
            {"accepted": "Vienna"},
            {"text": "Name the capital of Austria"},
            {"text": "Is Vienna the capital of Austria?"},
            {"explanation": "x" * 501},
            {"explanation": " "},
            {"explanation": "It lies on the <b>Danube</b>."},
            {"difficulty": "impossible"},
        ):
            with self.subTest(changes):
                self.assertEqual(len(faults(self.row(**changes))), 1)

    def test_a_text_may_name_all_four_choices(self):
        self.assertEqual(faults(self.row(text="Which is largest: Graz, Linz, Salzburg or Vienna?")), [])

    def test_an_answer_must_be_typeable(self):
        for answer in ("The city of Vienna itself", "“Vienna”"):
            row = self.row(answer=answer, alternatives=f"Graz|{answer}|Linz|Salzburg")
            self.assertEqual(faults(row), ["the answer cannot be typed"])
