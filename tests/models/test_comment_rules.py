"""The checks a comment goes through: pure, one by one and in their order."""

import unittest
from dataclasses import replace

from models.comments.rules import Attempt, Facts, judge

FAIR = Attempt("Thank you, that helped me with my own site.", "Bo")
KNOWN = Facts(own_host="plog.example", has_approved=True)


class ChecksTest(unittest.TestCase):
    def decided(self, attempt: Attempt, facts: Facts = KNOWN, moderation: str = "first") -> tuple[str, str] | None:
        verdict = judge(attempt, facts, moderation)
        return (verdict.outcome, verdict.check) if verdict else None

    def test_nobody_objects_to_a_fair_comment_of_somebody_known(self) -> None:
        self.assertIsNone(self.decided(FAIR))

    def test_nothing_and_only_spaces_are_refused_with_a_sentence_at_the_field(self) -> None:
        for text in ("", "  \n\t "):
            verdict = judge(Attempt.cleaned(text), KNOWN, "first")
            assert verdict is not None
            self.assertEqual(
                (verdict.outcome, dict(verdict.problems)["text"]), ("invalid", "Please write something first.")
            )

    def test_ten_thousand_characters_are_welcome_and_one_more_is_not(self) -> None:
        self.assertIsNone(self.decided(replace(FAIR, text="a" * 10_000)))
        self.assertEqual(self.decided(replace(FAIR, text="a" * 10_001)), ("invalid", "length"))

    def test_a_name_and_an_address_are_optional_but_must_make_sense(self) -> None:
        self.assertIsNone(self.decided(replace(FAIR, name="", email="")))
        self.assertEqual(self.decided(replace(FAIR, name="B" * 101)), ("invalid", "length"))
        self.assertEqual(self.decided(replace(FAIR, email="no address")), ("invalid", "length"))
        self.assertIsNone(self.decided(replace(FAIR, email="bo@localhost")))

    def test_closed_comments_are_closed_to_everybody(self) -> None:
        for facts in (KNOWN, replace(KNOWN, is_trusted=True)):
            self.assertEqual(self.decided(FAIR, replace(facts, is_open=False)), ("closed", "closed"))

    def test_a_program_that_fills_the_trap_waits_for_a_person(self) -> None:
        self.assertEqual(self.decided(replace(FAIR, trap="http://example.com")), ("held", "honeypot"))

    def test_a_trap_that_is_absent_never_counts(self) -> None:
        self.assertIsNone(self.decided(Attempt("Just a text that is long enough.")))

    def test_long_words_seen_elsewhere_are_held_and_short_ones_are_not(self) -> None:
        repeated = replace(KNOWN, is_repeated=True)
        self.assertEqual(self.decided(FAIR, repeated), ("held", "repeated"))
        self.assertIsNone(self.decided(replace(FAIR, text="Thank you!"), repeated))

    def test_who_writes_too_fast_is_told_how_long_to_wait(self) -> None:
        verdict = judge(FAIR, replace(KNOWN, wait=42), "first")
        assert verdict is not None
        self.assertEqual((verdict.outcome, verdict.wait), ("too-many", 42))

    def test_two_links_pass_three_are_held_and_our_own_are_free(self) -> None:
        links = "see https://a.example/x http://b.example "
        self.assertIsNone(self.decided(replace(FAIR, text=links)))
        self.assertIsNone(self.decided(replace(FAIR, text=links + "https://PLOG.example/plog/hello")))
        self.assertEqual(self.decided(replace(FAIR, text=links + "HTTPS://c.example")), ("held", "links"))

    def test_a_substring_counts_in_text_and_name_and_in_any_case(self) -> None:
        facts = replace(KNOWN, substrings=("casino",))
        self.assertEqual(self.decided(replace(FAIR, text="The best CASINO of all"), facts), ("held", "substrings"))
        self.assertEqual(self.decided(replace(FAIR, name="Casino Bo"), facts), ("held", "substrings"))
        self.assertIsNone(self.decided(FAIR, replace(KNOWN, substrings=("",))))

    def test_a_strangers_first_comments_wait_until_one_was_approved(self) -> None:
        self.assertEqual(self.decided(FAIR, replace(KNOWN, has_approved=False)), ("held", "first"))

    def test_all_holds_everybody_but_staff(self) -> None:
        self.assertEqual(self.decided(FAIR, moderation="all"), ("held", "all"))
        self.assertIsNone(self.decided(FAIR, replace(KNOWN, is_trusted=True), "all"))

    def test_none_holds_nothing_and_still_refuses(self) -> None:
        stranger = Facts(is_repeated=True, substrings=("that",))
        self.assertIsNone(self.decided(replace(FAIR, trap="x"), stranger, "none"))
        self.assertEqual(self.decided(FAIR, replace(stranger, is_open=False), "none"), ("closed", "closed"))
        self.assertEqual(self.decided(FAIR, replace(stranger, wait=1), "none"), ("too-many", "rate"))

    def test_what_would_be_held_is_still_refused_when_it_comes_too_fast(self) -> None:
        self.assertEqual(self.decided(replace(FAIR, trap="x"), replace(KNOWN, wait=9)), ("too-many", "rate"))
