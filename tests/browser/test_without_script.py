"""Everything works as plain HTML, without scripts: reading, writing, errors and moderation."""

import re

from playwright.sync_api import expect

from tests.browser.base import OPEN_POST, BrowserTestCase


class WithoutScriptTest(BrowserTestCase):
    def test_home_links_to_all_posts(self) -> None:
        page = self.visitor(script=False).new_page()
        page.goto("/")
        expect(page.locator("article.post")).to_have_count(2)
        page.get_by_role("link", name="More posts").click()
        expect(page.locator("article.post")).to_have_count(8)
        expect(page.get_by_role("link", name="Archive", exact=True)).to_be_visible()
        page.goto("/")
        page.get_by_role("link", name="Older posts").click()
        expect(page.locator("article.post")).to_have_count(5)
        self.assertTrue(page.url.endswith("/p2"))

    def test_a_form_sent_by_staff_redirects_to_the_comment(self) -> None:
        page = self.staff(script=False).new_page()
        page.goto(OPEN_POST)
        expect(page.locator(".scripted").first).to_be_hidden()
        page.locator("#text").fill("By form alone")
        page.get_by_role("button", name="Post comment").click()
        written = page.locator(".thread article", has_text="By form alone")
        expect(written).to_be_in_viewport()
        self.assertTrue(page.url.endswith(f"#{written.get_attribute('id')}"))

    def test_a_new_visitor_reads_that_the_first_comment_is_held(self) -> None:
        page = self.visitor(width=320, script=False).new_page()
        page.goto(OPEN_POST)
        self.assertIn("is shown once it is approved", page.content())  # in <noscript>
        page.locator("#text").fill("A stranger's form")
        page.get_by_role("button", name="Post comment").click()
        expect(page).to_have_url(re.compile(r"#c[0-9a-v]{12}$"))

    def test_a_refused_form_comes_back_with_everything_that_was_typed(self) -> None:
        self.expect_faults("422")
        page = self.visitor(script=False).new_page()
        page.goto(OPEN_POST)
        page.locator("form.write").evaluate("(form) => (form.noValidate = true)")
        page.locator("#text").fill("Two lines\nof mine")
        page.locator("#name").fill("Bo & <Co>")
        page.locator("#email").fill("nobody")
        with page.expect_response("**/comments") as answer:
            page.get_by_role("button", name="Post comment").click()
        self.assertEqual(answer.value.status, 422)
        expect(page.locator("#email-problem")).to_contain_text("e-mail")
        expect(page.locator("#text")).to_have_value("Two lines\nof mine")
        expect(page.locator("#name")).to_have_value("Bo & <Co>")
        self.assert_accessible_as_answered(page.content())
        page.locator("#email").fill("")
        page.get_by_role("button", name="Post comment").click()
        expect(page).to_have_url(re.compile(r"#c[0-9a-v]{12}$"))

    def assert_accessible_as_answered(self, html: str) -> None:
        """axe-core is a script, so it checks the same HTML in a browser with scripts."""
        page = self.visitor().new_page()
        page.route("**/again", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
        page.goto("/again")
        self.assert_accessible(page)

    def test_staff_moderate_a_batch(self) -> None:
        texts = ("First of the batch", "Second of the batch")
        for text in texts:
            self.write(self.visitor(), text)
        page = self.staff(script=False).new_page()
        page.goto("/admin/comments/")
        for text in texts:
            page.locator(".row", has_text=text).get_by_role("checkbox").check()
        page.locator(".batch").get_by_role("button", name="Approve").click()
        for text in texts:
            expect(page.locator(".row", has_text=text)).to_have_count(0)
        page.goto(OPEN_POST)
        for text in texts:
            expect(page.locator(".thread article", has_text=text)).to_be_visible()

    def test_staff_edit_and_answer_a_comment(self) -> None:
        self.write(self.visitor(), "Please answer me")
        page = self.staff(script=False).new_page()
        page.goto("/admin/comments/")
        row = page.locator(".row", has_text="Please answer me")
        row.locator("details.edit summary").click()
        row.locator("details.edit textarea").fill("Please answer me soon")
        row.get_by_role("button", name="Save").click()
        row.locator("details.reply summary").click()
        row.locator("details.reply textarea").fill("Here you are")
        row.locator("details.reply").get_by_role("button", name="Reply").click()
        page.goto(OPEN_POST)
        expect(page.locator(".thread article", has_text="Please answer me soon")).to_be_visible()
        expect(page.locator(".replies article", has_text="Here you are")).to_be_visible()
