"""The moderation queue while authors edit held comments: only the revision that staff have read is published."""

from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.base import OPEN_POST, SHAPES, BrowserTestCase

QUEUE = "/admin/comments/"


class QueueTest(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bo = self.visitor()

    def opened_queue(self, ada: BrowserContext) -> Page:
        page = ada.new_page()
        page.goto(QUEUE)
        self.wait_live(page)
        return page

    def row(self, page: Page, comment: dict[str, Any]) -> Locator:
        return page.locator(f".row[data-id='{comment['id']}']")

    def edit(self, comment: dict[str, Any], text: str) -> None:
        """Bo edits his held comment."""
        sent = {"text": text, "edit_token": comment["edit_token"]}
        self.ask(self.bo, "PUT", f"{OPEN_POST}/comments/{comment['id']}", **sent)

    def test_approving_an_outdated_revision_publishes_nothing_and_shows_the_new_row(self) -> None:
        self.expect_faults("net::ERR_FAILED", "409")
        for scheme, width in SHAPES:
            with self.subTest(scheme=scheme, width=width):
                self.bo = self.visitor()  # a visitor without an approved comment
                comment = self.write(self.bo, f"Innocent words at {width} px, in {scheme}")
                page = self.opened_queue(self.staff(scheme, width))
                page.route(f"**{QUEUE}{comment['id']}", lambda route: route.abort())  # the row is not updated
                row = self.row(page, comment)
                row.focus()
                self.edit(comment, "Other words")
                page.keyboard.press("a")
                expect(row.locator(".outcome")).to_contain_text("changed since you read it")
                expect(row.locator(".what > .text")).to_have_text("Other words")
                expect(row.locator(".state")).to_have_text("Waiting")
                expect(row).to_be_focused()
                self.assert_accessible(page)
                self.assert_fits(page)
                expect(row.locator(".acts .main")).to_be_enabled()
                page.keyboard.press("a")
                expect(row.locator(".state")).to_have_text("Published")
                page.context.close()

    def test_a_batch_with_an_outdated_revision_publishes_only_the_others(self) -> None:
        self.expect_faults("net::ERR_FAILED", "409")
        changing, other = (self.write(self.bo, text) for text in ("Soon edited", "Never edited"))
        page = self.opened_queue(self.staff())
        page.route(f"**{QUEUE}{changing['id']}", lambda route: route.abort())
        for comment in (changing, other):
            self.row(page, comment).get_by_role("checkbox").check()
        before = int(page.locator("[data-count=held]").inner_text())
        self.edit(changing, "Edited by now")
        page.locator(".batch").get_by_role("button", name="Approve").click()
        expect(page.locator(".batch .outcome")).to_contain_text("changed since you read it")
        expect(self.row(page, changing)).to_contain_text("Edited by now")
        expect(self.row(page, changing).locator(".state")).to_have_text("Waiting")
        expect(self.row(page, changing).get_by_role("checkbox")).not_to_be_checked()
        expect(self.row(page, other).locator(".state")).to_have_text("Published")
        expect(page.locator("[data-count=held]")).to_have_text(str(before - 1))

    def test_a_text_that_changes_on_screen_is_marked_and_cannot_be_approved_at_once(self) -> None:
        comment = self.write(self.bo, "Words as they were")
        page = self.opened_queue(self.staff())
        page.clock.install()  # the clock stands still, so the short lock after an update does not end
        row = self.row(page, comment)
        row.focus()
        page.clock.pause_at("2100-01-01")
        self.edit(comment, "Words as they are")
        expect(row.locator(".outcome")).to_have_text("The text has just changed. Please read it again.")
        expect(row).to_be_focused()
        page.keyboard.press("a")
        expect(row.locator(".acts .main")).to_be_disabled()
        page.clock.run_for(1_000)
        expect(row.locator(".acts .main")).to_be_enabled()
        expect(row.locator(".state")).to_have_text("Waiting")
        page.keyboard.press("a")
        expect(row.locator(".state")).to_have_text("Published")

    def test_a_reply_to_an_outdated_revision_is_not_sent_and_not_lost(self) -> None:
        self.expect_faults("409")
        comment = self.write(self.bo, "A good question")
        page = self.opened_queue(self.staff())
        row = self.row(page, comment)
        row.focus()
        page.keyboard.press("r")
        page.keyboard.type("And its answer")
        self.edit(comment, "A bad question")  # the row is not updated while staff type in it
        row.get_by_role("button", name="Reply").click()
        expect(row.locator(".outcome")).to_contain_text("changed since you read it")
        expect(row.locator(".what > .text")).to_have_text("A bad question")
        expect(row.locator(".reply textarea")).to_have_value("And its answer")
        expect(row.locator(".state")).to_have_text("Waiting")
        row.get_by_role("button", name="Reply").click()
        expect(row.locator(".state")).to_have_text("Published")
