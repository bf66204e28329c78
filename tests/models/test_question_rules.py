"""What a question must be like before it is stored. What counts as its answer is in test_battle.py."""

import unittest
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import Invalid
from models.questions import Question, checked
from tests.hostile import quickly, repeated

CAPITAL = Question(
    "q1", "Which city is the capital of Peru?", "Lima", ("Quito", "Lima", "Bogotá", "Sucre"), "Geography"
)
# Words that are often equal, or one edit apart, or equal but for case and accents.
WORDS = st.text("abÁ é", min_size=1, max_size=6)


class QuestionRulesTest(unittest.TestCase):
    def problems(self, **changes: object) -> dict[str, str]:
        """The problems of a question that is fine but for these changes."""
        try:
            checked(replace(CAPITAL, **changes))
        except Invalid as error:
            return error.problems
        return {}

    def test_a_sensible_question_is_kept_as_it_is(self) -> None:
        self.assertEqual(checked(CAPITAL), CAPITAL)

    def test_the_length_of_each_text_is_limited(self) -> None:
        shortest = {"text": 5, "answer": 1, "genre": 1, "explanation": 0, "source": 0, "licence": 0}
        longest = {"text": 200, "answer": 60, "genre": 40, "explanation": 500, "source": 300, "licence": 100}
        for field in shortest:
            for length in (shortest[field], longest[field]):
                word = "x" * length
                changes = {field: word, **({"alternatives": (word, "1", "2", "3")} if field == "answer" else {})}
                self.assertEqual(self.problems(**changes), {}, (field, length))
            self.assertIn(field, self.problems(**{field: "x" * (longest[field] + 1)}))
            if shortest[field]:
                self.assertIn(field, self.problems(**{field: " " * 9 + "x" * (shortest[field] - 1)}))

    def test_all_problems_are_named_at_once(self) -> None:
        problems = self.problems(text="?", genre=" ", alternatives=("Lima",), difficulty="tough")
        self.assertEqual(sorted(problems), ["alternatives", "difficulty", "genre", "text"])

    def test_there_are_exactly_four_different_alternatives_and_one_is_the_answer(self) -> None:
        for wrong in (
            ("Lima", "Quito", "Sucre"),
            ("Lima", "Quito", "Sucre", "Bogotá", "Caracas"),
            ("Lima", "Quito", "QUITO", "Sucre"),
            ("Lima", "Bogotá", "bogota ", "Sucre"),
            ("Lima", "LIMA", "Quito", "Sucre"),
            ("Lima", "Quito", "Sucre", " "),
            ("Lima", "Quito", "Sucre", "x" * 61),
            ("Caracas", "Quito", "Sucre", "Bogotá"),
        ):
            self.assertEqual(list(self.problems(alternatives=wrong)), ["alternatives"], wrong)

    def test_the_answer_among_the_alternatives_is_spelt_as_the_answer_is(self) -> None:
        question = checked(replace(CAPITAL, alternatives=("Quito", " LIMA", "Bogotá", "Sucre")))
        self.assertEqual(question.alternatives, CAPITAL.alternatives)

    def test_accepted_forms_are_different_and_at_most_ten(self) -> None:
        question = checked(
            replace(CAPITAL, accepted=("Lima, Peru", "LIMA", " lima,  peru ", " ", "Ciudad de los Reyes"))
        )
        self.assertEqual(question.accepted, ("Lima, Peru", "Ciudad de los Reyes"))
        self.assertEqual(self.problems(accepted=tuple(f"Lima {n}" for n in range(10))), {})
        self.assertEqual(list(self.problems(accepted=tuple(f"Lima {n}" for n in range(11)))), ["accepted"])
        self.assertEqual(list(self.problems(accepted=("x" * 61,))), ["accepted"])

    def test_an_accepted_form_is_no_wrong_alternative(self) -> None:
        self.assertEqual(list(self.problems(accepted=("bogota",))), ["accepted"])

    def test_an_answer_of_nothing_but_accents_is_refused(self) -> None:
        self.assertIn("answer", self.problems(answer="\u0301"))

    def test_a_wrong_alternative_never_counts_as_a_misspelt_answer(self) -> None:
        land = replace(CAPITAL, may_be_misspelt=True, answer="Iran", alternatives=("Iran", "Iraq", "Oman", "Qatar"))
        self.assertFalse(checked(land).may_be_misspelt)
        other_form = replace(
            land, answer="Persia", accepted=("Iran",), alternatives=("Persia", "Iraq", "Oman", "Qatar")
        )
        self.assertFalse(checked(other_form).may_be_misspelt)
        far = replace(land, alternatives=("Iran", "Oman", "Qatar", "Yemen"))
        self.assertTrue(checked(far).may_be_misspelt)
        short = replace(land, answer="Ob", alternatives=("Ob", "Po", "Don", "Aa"))
        self.assertTrue(checked(short).may_be_misspelt, "no mistake is forgiven in a form this short")

    @settings(deadline=None, max_examples=300)
    @given(WORDS, st.lists(WORDS, min_size=3, max_size=3), st.lists(WORDS, max_size=3))
    def test_exactly_one_alternative_of_a_stored_question_is_right(
        self, answer: str, wrong: list[str], accepted: list[str]
    ) -> None:
        changes = {"answer": answer, "alternatives": (*wrong, answer), "accepted": tuple(accepted)}
        try:
            question = checked(replace(CAPITAL, may_be_misspelt=True, **changes))
        except Invalid:
            return
        right = [alternative for alternative in question.alternatives if question.is_answered_by(alternative)]
        self.assertEqual(right, [question.answer])
        self.assertEqual(checked(question), question)

    def test_texts_are_cleaned(self) -> None:
        dirty = replace(
            CAPITAL,
            text=" Which city\nis the\0 capital of Peru?\u202e",
            answer="Lima\ud800",
            genre="Geo\x07graphy",
            explanation="One.\r\nTwo.\0 ",
        )
        self.assertEqual(checked(dirty), replace(CAPITAL, explanation="One.\nTwo."))

    def test_hostile_texts_take_linear_time(self) -> None:
        for piece in ("a", "\u0301", "a\u0301", " ", "\0", "\ud800", "ﷺ"):
            text = repeated(piece)
            with self.subTest(piece), quickly():
                self.problems(text=text, answer=text, alternatives=(text, "a", text + "b", "c"), accepted=(text,) * 3)


if __name__ == "__main__":
    unittest.main()
