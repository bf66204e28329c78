"""The readers of questions: what they use, what they skip and why, and hostile files."""

import base64
import codecs
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from importing import UnknownFormat, questions
from importing.questions import READERS, aiken, decoded, gift, opentdb, spreadsheet
from lib.items import QuestionItem, Unusable
from tests.hostile import quickly, repeated

MATERIAL = Path(__file__).parents[1] / "material" / "questions"
READ_BY = {"trivia.json": opentdb, "mixed.csv": spreadsheet, "animals.txt": aiken, "geography.gift.txt": gift}
RESULT = {
    "type": "multiple",
    "difficulty": "medium",
    "category": "Science & Nature",
    "question": "How much is 100% of “1 + 1”?",
    "correct_answer": "2",
    "incorrect_answers": ["1", "3", "11"],
}
ANYTHING = ("x", " ", "\n", "\n ", "x\n", "x\n\n", "a\u0301", "\u0301", "\ud800", "\ufffd", "\ufdd0", "&#", "&#9")
HOSTILE = {  # by reader: how files begin, and how they go on
    opentdb: (
        ("[", '{"results":[', '[{"correct_answer":"'),
        (
            "[",
            "[{",
            '{"a":',
            '"',
            "1",
            "1e",
            "1,",
            ",",
            "{},",
            '{"question":"',
            '\\"',
            "\\ud800",
            "%41",
            "QQ==",
            '"results":[',
        ),
    ),
    gift: (
        ("", "One? {", "[html]One? {=<"),
        (
            *(
                "{",
                "}",
                "{=",
                "{~a",
                "{=a ~b ~c ~d}\n\n",
                "=",
                "~",
                "~%5",
                "~%50%",
                "~%99999999%",
                "####",
                "\\",
                "\\{",
                "::",
            ),
            *("//\n", "$CATEGORY: a/", "$CATEGORY:\n", "a/", "[html]<", "<p", "</p>", "->"),
        ),
    ),
    aiken: (
        ("", "One?\nA. ", "ANSWER: "),
        ("A. ", "A. a\n", "A. a\n\n", "ANSWER: A\n", "A, ", "ANSWER:", "One?\nA. a\nB. b\nC. c\nD. d\nANSWER: A\n"),
    ),
    spreadsheet: (
        ("text,answer,alternatives\n", 'text,answer\n"', "answer\ttext\n"),
        (",", ";", "\t", '"', '",', '"\n', "a,b\n", "text,answer,", "|", "a,b,c|d|e\n", '"a"b\n'),
    ),
}


def parts(found: list[QuestionItem | Unusable]) -> tuple[list[QuestionItem], list[Unusable]]:
    items = [one for one in found if isinstance(one, QuestionItem)]
    return items, [one for one in found if isinstance(one, Unusable)]


class QuestionReadersTest(unittest.TestCase):
    def read(self, text: str, reader: Any) -> list[QuestionItem | Unusable]:
        return list(reader.read(text, "file"))

    def one(self, text: str, reader: Any) -> QuestionItem:
        (item,) = self.read(text, reader)
        self.assertIsInstance(item, QuestionItem, item)
        return item

    def reason(self, text: str, reader: Any) -> str:
        (unusable,) = self.read(text, reader)
        self.assertIsInstance(unusable, Unusable, unusable)
        return unusable.reason

    def file(self, content: bytes) -> Path:
        folder = tempfile.TemporaryDirectory(prefix="plog-importing-")
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "questions"
        path.write_bytes(content)
        return path

    # Which reader

    def test_each_file_has_one_reader_whatever_its_name_is(self) -> None:
        for name, module in READ_BY.items():
            text = decoded((MATERIAL / name).read_bytes())
            self.assertEqual([reader.read for reader in READERS if reader.is_for(text)], [module.read], name)
            renamed = self.file((MATERIAL / name).read_bytes())
            self.assertEqual(len(list(questions.read(renamed))), len(list(questions.read(MATERIAL / name))))

    def test_other_files_are_refused_with_a_list_of_known_formats(self) -> None:
        contents = (b"", b"\0\xff" * 40_000, b"just text", b'{"db": []}', b"<p>{color: red}</p>", b"a,b\n1,2", b"[1]")
        for content in contents:
            with self.subTest(content[:20]), self.assertRaises(UnknownFormat) as caught:
                questions.read(self.file(content))
            for reader in READERS:
                self.assertIn(reader.format, str(caught.exception))

    def test_a_missing_file_and_a_folder_raise_an_os_error(self) -> None:
        for path in (MATERIAL / "none", MATERIAL):
            with self.assertRaises(OSError):
                questions.read(path)

    def test_byte_order_marks_line_ends_and_nuls_make_no_difference(self) -> None:
        text = (MATERIAL / "animals.txt").read_text(encoding="utf-8")
        wanted = self.read(text, aiken)
        for content in (
            codecs.BOM_UTF8 + text.encode(),
            text.encode("utf-16"),
            text.replace("\n", "\r\n").encode(),
            text.replace("\n", "\r").encode(),
            text.replace("o", "o\0").encode(),
        ):
            self.assertEqual(self.read(decoded(content), aiken), wanted)

    def test_a_question_that_is_not_utf_8_is_named_and_the_others_are_used(self) -> None:
        broken = (MATERIAL / "animals.txt").read_bytes().replace(b"Dolphin", b"Dauph\xefn")
        items, unusable = parts(self.read(decoded(broken), aiken))
        self.assertEqual((len(items), unusable[0].line), (1, 1))
        self.assertEqual(unusable[0].reason, "has characters that are not UTF-8")

    # Open Trivia Database

    def test_questions_of_the_open_trivia_database_keep_source_and_licence(self) -> None:
        items, unusable = parts(list(questions.read(MATERIAL / "trivia.json")))
        self.assertEqual([(item.line, item.answer) for item in items], [(2, "Carbon dioxide"), (4, "Vincent van Gogh")])
        art = items[1]
        self.assertEqual(art.text, 'Who painted "Café Terrace at Night", with the sitter\'s chairs left empty?')
        self.assertEqual(art.wrong, ("Paul Cézanne", "Édouard Manet", "Claude Monet"))
        self.assertEqual((art.genre, art.difficulty, art.licence), ("Art", "hard", "CC BY-SA 4.0"))
        self.assertIn("opentdb.com", art.source)
        self.assertEqual(
            [(one.line, one.item, one.reason) for one in unusable],
            [
                (3, "A spider has eight legs.", "is a true/false question"),
                (5, "Which colour do you get from blue and yellow paint?", "has fewer than 3 wrong answers"),
            ],
        )

    def test_every_encoding_of_the_api_gives_the_same_question(self) -> None:
        def encoded(encode: Any, keys: tuple[str, ...]) -> str:
            result: dict[str, Any] = dict(RESULT)
            result |= {key: encode(result[key]) for key in keys}
            result["incorrect_answers"] = [encode(answer) for answer in RESULT["incorrect_answers"]]
            return json.dumps({"response_code": 0, "results": [result]})

        texts = ("category", "question", "correct_answer")
        wanted = self.one(encoded(lambda text: text.replace("&", "&amp;").replace("“", "&ldquo;"), texts), opentdb)
        self.assertEqual((wanted.text, wanted.genre), (RESULT["question"], RESULT["category"]))
        everything = (*texts, "type", "difficulty")
        for encode in (
            lambda text: base64.b64encode(text.encode()).decode(),
            lambda text: quote(text, safe=""),
            quote_plus,
        ):
            self.assertEqual(self.one(encoded(encode, everything), opentdb), wanted)
        mixed = encoded(lambda text: base64.b64encode(text.encode()).decode(), ("type",))
        self.assertEqual(self.reason(mixed, opentdb), "is not base64, as its type is")

    def test_a_list_of_results_without_the_rest_is_read_too(self) -> None:
        self.assertEqual(self.one(json.dumps([RESULT]), opentdb).answer, "2")

    def test_of_a_truncated_answer_everything_before_the_end_is_used(self) -> None:
        text = json.dumps({"results": [RESULT, RESULT]}, indent=1)
        for cut in (-40, -3):
            items, unusable = parts(self.read(text[:cut], opentdb))
            self.assertEqual(len(items), 1 if cut == -40 else 2)
            self.assertIn("broken", unusable[0].reason)

    def test_results_of_other_shapes_are_named(self) -> None:
        for changes, reason in (
            ({"question": 5}, "its question is no text"),
            ({"correct_answer": None}, "its correct_answer is no text"),
            ({"incorrect_answers": "1, 3, 11"}, "has no list incorrect_answers"),
            ({"incorrect_answers": ["1", 3, "11"]}, "has no list incorrect_answers"),
            ({"incorrect_answers": ["1", "3", " 3 "]}, "has fewer than 3 wrong answers"),
            ({"question": " "}, "has no text"),
            ({"correct_answer": ""}, "has no right answer"),
        ):
            self.assertEqual(self.reason(json.dumps([{**RESULT, **changes}]), opentdb), reason, changes)
        self.assertEqual(self.reason('["correct_answer"]', opentdb), "is no question")
        self.assertEqual(self.reason('{"response_code":5,"results":[]}', opentdb), "there are no questions in it")
        self.assertIn("broken", self.reason('{"response_code":5}', opentdb))

    # GIFT

    def test_gift_has_titles_categories_feedback_formats_and_escapes(self) -> None:
        items, _ = parts(list(questions.read(MATERIAL / "geography.gift.txt")))
        highest, river, larger, signs = items
        self.assertEqual((highest.line, highest.genre), (5, "Geography"))
        self.assertEqual(highest.text, "Which mountain is the highest above the sea?")
        self.assertEqual((highest.answer, highest.wrong), ("Mount Everest", ("K2", "Kilimanjaro", "Denali")))
        self.assertEqual(highest.explanation, "Its summit is 8,849 m above the sea.")
        self.assertEqual((river.text, river.answer), ("The river _____ flows through Vienna.", "Danube"))
        self.assertEqual(larger.text, "Which of these is larger than Africa\xa0?")
        self.assertEqual(larger.wrong, ("Europe", "Oceania", "Antarctica"), "the first three of four")
        self.assertEqual((signs.text, signs.genre), ("Which line means that both sides are the same:", "Signs / Marks"))
        self.assertEqual((signs.answer, signs.wrong), ("a = b", ("a ~ b", "a # b", "a { b }")))

    def test_other_types_of_gift_are_named_with_line_and_reason(self) -> None:
        _, unusable = parts(list(questions.read(MATERIAL / "geography.gift.txt")))
        self.assertEqual(
            [(one.line, one.reason) for one in unusable],
            [
                (20, "is a true/false question"),
                (22, "is a numerical question"),
                (24, "is an essay question"),
                (26, "is a short answer question: it has no wrong answers"),
                (28, "is a matching question"),
                (33, "has several right answers, or one that is partly right"),
                (35, "has several right answers"),
                (37, "has no answers"),
            ],
        )

    def test_faults_in_gift_are_named(self) -> None:
        for text, reason in (
            ("One? {=a ~b ~c ~d", "has only one of the two braces around its answers"),
            ("One? =a ~b ~c ~d}", "has only one of the two braces around its answers"),
            ("One? }{=a ~b ~c ~d}", "has only one of the two braces around its answers"),
            ("One? {=a ~b ~c ~d}\nTwo? {=a ~b ~c ~d}", "has more than one pair of braces"),
            ("One? {a =b ~c ~d ~e}", "has a text before its first answer"),
            ("One? {~a ~b ~c ~d}", "has no right answer"),
            ("One? {= ~b ~c ~d}", "has no right answer"),
            ("One? {=a ~b ~c ~}", "has fewer than 3 wrong answers"),
            ("{=a ~b ~c ~d}", "has no text"),
            ('[html]One <img src="x">? {=a ~b ~c ~d}', "needs a picture, a sound or markup"),
            ("[html]One? {=2<sup>8</sup> ~b ~c ~d}", "needs a picture, a sound or markup"),
        ):
            self.assertIn(reason, self.reason(text, gift), text)

    def test_weights_in_gift_decide_what_is_right(self) -> None:
        item = self.one("One? {~%100%a ~%0%b ~%-25%c ~d}", gift)
        self.assertEqual((item.answer, item.wrong), ("a", ("b", "c", "d")))

    def test_what_only_looks_like_html_in_gift_stays(self) -> None:
        self.assertEqual(self.one("Is 1 <2 or 3> 4 &amp; so? {=a ~b ~c ~d}", gift).text, "Is 1 <2 or 3> 4 &amp; so?")

    # Aiken

    def test_aiken_has_choices_with_dots_or_brackets(self) -> None:
        items, unusable = parts(list(questions.read(MATERIAL / "animals.txt")))
        self.assertEqual(items[0].text, "Which of these animals lays eggs?")
        self.assertEqual([(item.line, item.answer) for item in items], [(1, "Platypus"), (9, "six")])
        self.assertEqual(items[1].wrong, ("four", "eight", "ten"))
        self.assertEqual(
            [(one.line, one.reason) for one in unusable],
            [
                (16, "has fewer than 3 wrong answers"),
                (21, "has several right answers"),
                (28, "has no line ANSWER: after its choices"),
                (34, "has no choice E"),
            ],
        )

    def test_faults_in_aiken_are_named(self) -> None:
        choices = "A. a\nB. b\nC. c\nD. d\n"
        for text, reason in (
            ("ANSWER: A", "has no choice A"),
            (f"One?\n{choices}ANSWER: b", "its answer is not the letter of a choice"),
            (f"One?\n{choices}ANSWER:", "its answer is not the letter of a choice"),
            (f"One?\n{choices}C. e\nANSWER: A", "has two choices with one letter"),
        ):
            self.assertEqual(self.reason(text, aiken), reason, text)
        heading, item = self.read(f"Chapter 1\n\nOne?\n{choices}ANSWER: A.", aiken)
        self.assertEqual((heading.item, item.text), ("Chapter 1", "One?"))

    # CSV

    def test_csv_names_its_columns_in_any_case_and_order(self) -> None:
        items, unusable = parts(list(questions.read(MATERIAL / "mixed.csv")))
        metal, planet = items
        self.assertEqual((metal.line, metal.answer, metal.wrong), (2, "Mercury", ("Gallium", "Lead", "Tin")))
        self.assertEqual((metal.accepted, metal.genre), (("Quicksilver", "Hg"), "Science"))
        self.assertEqual(metal.explanation, "It melts at -38.8 °C;\nso it is liquid in most rooms.")
        self.assertEqual((metal.source, metal.licence, metal.difficulty), ("A table of elements", "CC0", "easy"))
        self.assertEqual((planet.line, planet.text), (5, 'Which planet is called the "red" one?'))
        self.assertEqual([one.line for one in unusable], [6, 7, 8])
        self.assertIn("more cells than the header", unusable[1].reason)

    def test_csv_may_have_all_alternatives_in_one_cell_with_the_answer_or_without(self) -> None:
        for delimiter in (",", ";", "\t"):
            for alternatives in ("b|c | d", "d|a|b|c", "A|b|c|d"):
                text = f"answer,alternatives,text\na,{alternatives},One or two?\n".replace(",", delimiter)
                self.assertTrue(spreadsheet.is_for(text))
                self.assertEqual(sorted(self.one(text, spreadsheet).wrong), ["b", "c", "d"])

    def test_a_row_that_is_no_csv_is_named_with_its_line(self) -> None:
        head, row = "text,answer,alternatives\n", "One or two?,a,b|c|d\n"
        items, unusable = parts(self.read(f'{head}{row}"x"y,a,b\n{row}"One,a,b\n{row}', spreadsheet))
        self.assertEqual(len(items), 2)
        self.assertEqual([one.line for one in unusable], [3, 5])

    # All

    def test_the_same_question_is_known_again_wherever_it_stands(self) -> None:
        def id(text: str) -> str:
            return self.one(text, gift).origin_id

        first = id("One or two? {=a ~b ~c ~d}")
        self.assertEqual(first, id("//x\n\n$CATEGORY: y\n\none  or\ntwo? {~c =A ~b ~e}"))
        self.assertNotEqual(first, id("One or two? {=b ~a ~c ~d}"), "the same text with another answer is another one")

    def test_hostile_files_take_linear_time_and_never_raise(self) -> None:
        for module, (heads, pieces) in HOSTILE.items():
            for text in (head + repeated(piece, 100_000) for head in heads for piece in (*pieces, *ANYTHING)):
                with self.subTest(module=module.__name__, text=text[:30]), quickly(1):
                    for found in module.read(text, "file"):
                        self.assertIsInstance(found, QuestionItem | Unusable)

    def test_recognising_a_file_takes_linear_time(self) -> None:
        for piece in {piece for _, pieces in HOSTILE.values() for piece in (*pieces, *ANYTHING)}:
            text = repeated(piece)
            with self.subTest(piece), quickly():
                for reader in READERS:
                    reader.is_for(text)

    def test_deep_nesting_is_named(self) -> None:
        for text in ("[" * 300_000, '{"results":[' + '{"a":' * 60_000, "[" + '{"correct_answer":[' * 60_000):
            with quickly():
                self.assertIn("broken", self.reason(text, opentdb))

    def test_lone_surrogates_in_json_are_read(self) -> None:
        item = self.one(json.dumps([{**RESULT, "correct_answer": "2\ud800"}]), opentdb)
        self.assertEqual(item.answer, "2\ud800", "models clean texts")


if __name__ == "__main__":
    unittest.main()
