"""Accounts: one-time sign-in links, sessions, and how a visitor becomes a member."""

import asyncio

from lib.ids import new_id
from models.accounts import Account
from models.comments import Attempt, Author
from models.errors import Invalid, NotAllowed, NotFound
from tests.base import SiteTestCase

BO = "bo@example.com"


class AccountsTest(SiteTestCase):
    environment = {"SITE_STAFF": "Ada@example.com"}

    def link(self, email: str = BO) -> str:
        return self.run_now(self.site.accounts.signin_link(email)).removeprefix("/signin/")

    def sign_in(self, email: str = BO, visitor: str | None = None) -> tuple[str, Account]:
        secret = self.run_now(self.site.accounts.sign_in(self.link(email), visitor, "Firefox"))
        account = self.run_now(self.site.accounts.documents.account_of_session(secret))
        assert account is not None
        return secret, account

    def test_a_link_works_once(self) -> None:
        token = self.link()
        self.assertTrue(self.run_now(self.site.accounts.documents.has_link(token)))
        self.run_now(self.site.accounts.sign_in(token, None, ""))
        self.assertFalse(self.run_now(self.site.accounts.documents.has_link(token)))
        with self.assertRaises(NotAllowed) as caught:
            self.run_now(self.site.accounts.sign_in(token, None, ""))
        self.assertEqual(caught.exception.code, "link-spent")

    def test_simultaneous_uses_of_a_link_in_two_processes_work_once(self) -> None:
        token = self.link()
        self.second_site

        async def both() -> list[object]:
            attempts = (site.accounts.sign_in(token, None, "") for site in (self.site, self.second_site))
            return await asyncio.gather(*attempts, return_exceptions=True)

        self.assertEqual(sorted(type(one).__name__ for one in self.run_now(both())), ["NotAllowed", "str"])

    def test_a_link_expires_after_fifteen_minutes(self) -> None:
        token = self.link()
        self.clock.pass_by(minutes=15)
        self.assertFalse(self.run_now(self.site.accounts.documents.has_link(token)))
        with self.assertRaises(NotAllowed):
            self.run_now(self.site.accounts.sign_in(token, None, ""))

    def test_links_and_sessions_are_not_stored_in_plain_text(self) -> None:
        token = self.link()
        secret, _ = self.sign_in()
        stored = [
            self.run_now(self.site.tools.mongo[name].find({}).to_list(None)) for name in ("signin_links", "sessions")
        ]
        self.assertNotIn(token, str(stored))
        self.assertNotIn(secret, str(stored))

    def test_signing_in_with_a_new_email_makes_the_visitor_a_member(self) -> None:
        visitor = new_id()
        _, account = self.sign_in(visitor=visitor)
        self.assertEqual((account.id, account.email, account.is_member), (visitor, BO, True))

    def test_signing_in_with_a_known_email_merges_the_visitors_account_and_moves_its_comments(self) -> None:
        _, member = self.sign_in()
        visitor = Author(new_id(), "203.0.113.7", "Firefox")
        post = self.post_by("hello")
        comment = self.run_now(self.site.comments.writing.add(post, visitor, Attempt("Written before signing in")))
        _, account = self.sign_in(visitor=visitor.id)
        self.assertEqual(account.id, member.id)
        self.assertEqual(self.run_now(self.site.accounts.by_id(visitor.id)).id, member.id)
        self.run_now(self.site.move(visitor.id))
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(comment.id)).author, member.id)

    def test_a_comment_that_arrives_while_its_visitor_signs_in_is_moved_to_the_member(self) -> None:
        self.sign_in()
        visitor = Author(new_id(), "203.0.113.7", "Firefox")
        post = self.post_by("hello")
        _, member = self.sign_in(visitor=visitor.id)
        self.run_now(self.site.move_merged())
        late = self.run_now(
            self.site.comments.writing.add(post, visitor, Attempt("Sent before the sign-in, stored after it"))
        )
        self.assertEqual(self.run_now(self.site.move_merged()), 1)
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(late.id)).author, member.id)
        self.clock.pass_by(minutes=1, seconds=1)
        self.assertEqual([self.run_now(self.site.move_merged()) for _ in range(2)], [1, 0])

    def test_a_members_own_account_is_never_merged_into_another(self) -> None:
        visitor = new_id()
        _, bo = self.sign_in(visitor=visitor)
        _, cy = self.sign_in("cy@example.com", visitor)
        self.assertNotEqual(bo.id, cy.id)
        self.assertEqual(self.run_now(self.site.accounts.by_id(visitor)).email, BO)

    def test_simultaneous_signins_with_one_new_email_make_one_member(self) -> None:
        tokens = [self.link() for _ in range(4)]
        self.second_site

        async def at_once() -> list[Account | None]:
            sites = (self.site, self.second_site) * 2
            works = (site.accounts.sign_in(t, new_id(), "") for site, t in zip(sites, tokens, strict=True))
            return [
                await self.site.accounts.documents.account_of_session(secret) for secret in await asyncio.gather(*works)
            ]

        self.assertEqual(len({account.id for account in self.run_now(at_once()) if account}), 1)

    def test_emails_are_case_insensitive(self) -> None:
        self.assertEqual(self.sign_in("BO@Example.com ")[1].id, self.sign_in(BO)[1].id)

    def test_a_session_ends_by_signing_out_or_after_ninety_days(self) -> None:
        first, second = self.sign_in()[0], self.sign_in()[0]
        self.run_now(self.site.accounts.sign_out(first))
        self.assertIsNone(self.run_now(self.site.accounts.documents.account_of_session(first)))
        self.assertIsNotNone(self.run_now(self.site.accounts.documents.account_of_session(second)))
        self.clock.pass_by(days=90)
        self.assertIsNone(self.run_now(self.site.accounts.documents.account_of_session(second)))

    def test_only_members_named_in_the_settings_become_staff_by_signing_in(self) -> None:
        self.assertTrue(self.sign_in("ada@example.com")[1].is_staff)
        self.assertFalse(self.sign_in("dee@example.com", new_id())[1].is_staff)

    def test_an_existing_member_named_in_the_settings_becomes_staff_at_the_next_signin(self) -> None:
        self.run_now(self.site.tools.mongo["accounts"].insert_one({"_id": new_id(), "email": "ada@example.com"}))
        self.assertTrue(self.sign_in("ada@example.com")[1].is_staff)

    def test_a_member_can_be_made_staff_before_the_first_signin(self) -> None:
        made = self.run_now(self.site.accounts.make_staff(BO))
        self.assertEqual((self.sign_in()[1], made.is_staff), (made, True))

    def test_an_invalid_email_is_refused(self) -> None:
        for email in ("", "bo", "bo@", "@example.com", "bo@example", "b o@example.com", f"{'x' * 250}@example.com"):
            with self.subTest(email), self.assertRaises(Invalid):
                self.link(email)

    def test_an_unknown_account_is_not_found(self) -> None:
        with self.assertRaises(NotFound):
            self.run_now(self.site.accounts.by_id(new_id()))
