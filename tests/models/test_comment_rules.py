"""The checks of a new comment, one by one and in their order. Pure: no server is needed."""

import unittest
from dataclasses import replace

from models.comments.rules import Attempt, Facts, judge

FAIR = Attempt("Thank you, that helped me with my own site.", "Bo")
KNOWN = Facts(own_host="plog.example", has_approved=True)


class ChecksTest(unittest.TestCase):
    def decided(self, attempt: Attempt, facts: Facts = KNOWN, moderation: str = "first") -> tuple[str, str] | None:
        verdict = judge(attempt, facts, moderation)
        return (verdict.outcome, verdict.check) if verdict else None

    def test_a_good_comment_by_a_known_author_passes_all_checks(self) -> None:
        self.assertIsNone(self.decided(FAIR))

    def test_an_empty_or_blank_text_is_refused_with_a_message_at_its_field(self) -> None:
        for text in ("", "  \n\t "):
            verdict = judge(Attempt.cleaned(text), KNOWN, "first")
            assert verdict is not None
            self.assertEqual(
                (verdict.outcome, dict(verdict.problems)["text"]), ("invalid", "Please write something first.")
            )

    def test_a_text_has_at_most_ten_thousand_characters(self) -> None:
        self.assertIsNone(self.decided(replace(FAIR, text="a" * 10_000)))
        self.assertEqual(self.decided(replace(FAIR, text="a" * 10_001)), ("invalid", "length"))

    def test_name_and_email_are_optional_but_must_be_valid(self) -> None:
        self.assertIsNone(self.decided(replace(FAIR, name="", email="")))
        self.assertEqual(self.decided(replace(FAIR, name="B" * 101)), ("invalid", "length"))
        self.assertEqual(self.decided(replace(FAIR, email="no address")), ("invalid", "length"))
        self.assertIsNone(self.decided(replace(FAIR, email="bo@localhost")))

    def test_closed_comments_are_closed_to_staff_too(self) -> None:
        for facts in (KNOWN, replace(KNOWN, is_trusted=True)):
            self.assertEqual(self.decided(FAIR, replace(facts, is_open=False)), ("closed", "closed"))

    def test_a_comment_that_fills_the_honeypot_is_held(self) -> None:
        self.assertEqual(self.decided(replace(FAIR, trap="http://example.com")), ("held", "honeypot"))

    def test_a_missing_honeypot_field_is_ignored(self) -> None:
        self.assertIsNone(self.decided(Attempt("Just a text that is long enough.")))

    def test_a_long_text_posted_elsewhere_is_held_and_a_short_one_is_not(self) -> None:
        repeated = replace(KNOWN, is_repeated=True)
        self.assertEqual(self.decided(FAIR, repeated), ("held", "repeated"))
        self.assertIsNone(self.decided(replace(FAIR, text="Thank you!"), repeated))

    def test_a_rate_limited_author_learns_how_long_to_wait(self) -> None:
        verdict = judge(FAIR, replace(KNOWN, wait=42), "first")
        assert verdict is not None
        self.assertEqual((verdict.outcome, verdict.wait), ("too-many", 42))

    def test_two_links_pass_and_three_are_held_and_own_links_do_not_count(self) -> None:
        links = "see https://a.example/x http://b.example "
        self.assertIsNone(self.decided(replace(FAIR, text=links)))
        self.assertIsNone(self.decided(replace(FAIR, text=links + "https://PLOG.example/plog/hello")))
        self.assertEqual(self.decided(replace(FAIR, text=links + "HTTPS://c.example")), ("held", "links"))

    def test_blocked_substrings_are_found_in_text_and_name_in_any_case(self) -> None:
        facts = replace(KNOWN, substrings=("casino",))
        self.assertEqual(self.decided(replace(FAIR, text="The best CASINO of all"), facts), ("held", "substrings"))
        self.assertEqual(self.decided(replace(FAIR, name="Casino Bo"), facts), ("held", "substrings"))
        self.assertIsNone(self.decided(FAIR, replace(KNOWN, substrings=("",))))

    def test_comments_of_an_unknown_author_are_held_until_one_was_approved(self) -> None:
        self.assertEqual(self.decided(FAIR, replace(KNOWN, has_approved=False)), ("held", "first"))

    def test_moderation_all_holds_everybody_but_staff(self) -> None:
        self.assertEqual(self.decided(FAIR, moderation="all"), ("held", "all"))
        self.assertIsNone(self.decided(FAIR, replace(KNOWN, is_trusted=True), "all"))

    def test_moderation_none_holds_nothing_but_still_refuses(self) -> None:
        stranger = Facts(is_repeated=True, substrings=("that",))
        self.assertIsNone(self.decided(replace(FAIR, trap="x"), stranger, "none"))
        self.assertEqual(self.decided(FAIR, replace(stranger, is_open=False), "none"), ("closed", "closed"))
        self.assertEqual(self.decided(FAIR, replace(stranger, wait=1), "none"), ("too-many", "rate"))

    def test_rate_limits_take_precedence_over_holding(self) -> None:
        self.assertEqual(self.decided(replace(FAIR, trap="x"), replace(KNOWN, wait=9)), ("too-many", "rate"))
