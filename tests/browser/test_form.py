"""The comment form when the network fails: it says so, stores the text, and works again without a reload."""

import re
from typing import Any

from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.base import OPEN_POST, SHAPES, BrowserTestCase
from tests.browser.test_live import comment, write_in
from tests.running import Running

DRAFT = f"plog:draft:{OPEN_POST}/comments"
NOT_POSTED = re.compile("not posted.*saved in this browser")
OFFLINE = ("net::ERR", "WebSocket connection")


def text_in(page: Page) -> Any:
    return page.locator("form.write textarea")


def post(page: Page) -> None:
    page.get_by_role("button", name="Post comment").click()


def outcome(page: Page) -> Any:
    return page.locator("form.write .outcome")


class WithoutNetworkTest(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.expect_faults(*OFFLINE)

    def opened_then_offline(self, context: BrowserContext) -> Page:
        """Opens a page that goes offline before its reader scrolls to the comments."""
        page = context.new_page()
        page.goto(OPEN_POST, wait_until="networkidle")
        context.set_offline(True)
        return page

    def test_a_comment_is_stored_offline_and_posted_once_the_network_is_back(self) -> None:
        for scheme, width in SHAPES:
            with self.subTest(scheme=scheme, width=width):
                context = self.visitor(scheme, width)
                page = self.opened_then_offline(context)
                text_in(page).fill(f"Written in a tunnel, {scheme}, {width} px")
                post(page)
                expect(outcome(page)).to_have_text(NOT_POSTED)
                self.assert_accessible(page)
                self.assert_fits(page)
                context.set_offline(False)
                post(page)
                expect(comment(page, f"in a tunnel, {scheme}, {width} px")).to_be_visible()
                expect(text_in(page)).to_have_value("")

    def test_a_reply_is_stored_offline_and_posted_too(self) -> None:
        context = self.staff()
        page = self.opened_then_offline(context)
        page.locator(".thread .reply").first.click()
        text_in(page).fill("Answered in a tunnel")
        page.get_by_role("button", name="Preview").click()
        expect(outcome(page)).to_contain_text("cannot be reached")
        post(page)
        expect(outcome(page)).to_have_text(NOT_POSTED)
        context.set_offline(False)
        post(page)
        expect(page.locator(".replies article", has_text="Answered in a tunnel")).to_be_visible()

    def test_a_page_scrolled_to_its_comments_offline_is_live_once_the_network_is_back(self) -> None:
        context = self.visitor(width=320)
        page = context.new_page()
        page.goto("/plog/one-number", wait_until="networkidle")
        context.set_offline(True)
        page.locator("plog-comments").scroll_into_view_if_needed()
        expect(page.locator("plog-live")).to_have_text("Reconnecting…")
        context.set_offline(False)
        self.wait_live(page)

    def test_the_page_says_so_if_the_browser_cannot_store_a_text(self) -> None:
        context = self.visitor()
        context.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full'); };")
        page = self.opened_then_offline(context)
        text_in(page).fill("Nowhere to go")
        post(page)
        expect(outcome(page)).to_contain_text("keep this page open")
        expect(text_in(page)).to_have_value("Nowhere to go")


class KilledServerTest(BrowserTestCase):
    """The server, which is this test's own, stops between loading the page and posting."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.running = Running(SITE_PROXIES="127.0.0.1")
        cls.addClassCleanup(cls.running.remove)
        cls.running.start()

    def test_a_text_can_be_posted_when_the_server_is_back(self) -> None:
        self.expect_faults(*OFFLINE, "502|503")
        page = self.visitor().new_page()
        page.goto(OPEN_POST, wait_until="networkidle")
        self.running.stop()
        text_in(page).fill("Sent to nobody")
        post(page)
        expect(outcome(page)).to_have_text(NOT_POSTED)
        self.running.start()
        post(page)
        expect(comment(page, "Sent to nobody")).to_be_visible()


class DraftTest(BrowserTestCase):
    def opened_at(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.goto(OPEN_POST)
        return page

    def draft(self, page: Page) -> Any:
        return page.evaluate("(name) => JSON.parse(localStorage.getItem(name))", DRAFT)

    def test_a_draft_is_stored_from_the_first_key_on(self) -> None:
        page = self.opened_at(self.visitor())
        text_in(page).press("H")
        self.assertEqual(self.draft(page), {"text": "H", "parent": ""})
        page.reload()
        expect(text_in(page)).to_have_value("H")

    def test_text_typed_before_the_script_loads_is_stored(self) -> None:
        context = self.visitor()
        waiting: list[Route] = []

        def hold(route: Route) -> None:
            waiting.append(route)

        context.route("**/js/comments.js*", hold)
        page = context.new_page()
        page.goto(OPEN_POST, wait_until="commit")
        text_in(page).press_sequentially("Early")
        waiting[0].continue_()
        page.wait_for_function("(name) => localStorage.getItem(name)", arg=DRAFT)
        self.assertEqual(self.draft(page)["text"], "Early")

    def test_a_restored_reply_keeps_its_parent(self) -> None:
        above = self.write(self.staff(), "Who answers me?")
        for scheme, width in SHAPES:
            with self.subTest(scheme=scheme, width=width):
                page = self.opened_at(self.staff(scheme, width))
                text = f"A reply, restored, {scheme}, {width} px"
                page.locator(f"#c{above['id']} .reply").click()
                text_in(page).fill(text)
                page.reload()
                form = page.locator(f"#c{above['id']} + form.write")
                expect(form.locator("h3")).to_contain_text("Reply to")
                expect(form.locator("textarea")).to_have_value(text)
                self.assert_accessible(page)
                self.assert_fits(page)
                post(page)
                expect(page.locator(f"#c{above['id']} ~ .replies article", has_text=text)).to_be_visible()
                self.assertIsNone(self.draft(page))

    def test_a_cancelled_reply_is_restored_as_a_root_comment(self) -> None:
        page = self.opened_at(self.visitor())
        page.locator(".thread .reply").first.click()
        text_in(page).fill("Rather for everybody")
        page.get_by_role("button", name="Cancel reply").click()
        page.reload()
        expect(page.locator("#write form.write textarea")).to_have_value("Rather for everybody")
        expect(page.locator("form.write h3")).to_have_text("Write a comment")
        self.assertEqual(page.locator("[name=parent]").input_value(), "")

    def test_a_reply_to_a_removed_comment_becomes_a_root_comment(self) -> None:
        self.expect_faults("422")
        for is_restored in (False, True):
            with self.subTest(restored=is_restored):
                ada, bo = self.staff(), self.visitor()
                above = self.write(ada, "Soon gone")
                page = self.opened_at(bo)
                page.locator(f"#c{above['id']} .reply").click()
                text_in(page).fill("But I was answering")
                self.ask(ada, "POST", "/admin/comments/", action="delete", id=[above["id"]])
                if is_restored:
                    page.reload()
                    expect(page.locator("form.write h3")).to_have_text("Reply to a comment that is not on this page")
                post(page)
                expect(outcome(page)).to_contain_text("not here any more")
                expect(page.locator("#write form.write textarea")).to_have_value("But I was answering")
                post(page)
                expect(comment(page, "But I was answering")).to_be_visible()

    def test_a_draft_of_the_previous_version_is_restored(self) -> None:
        page = self.opened_at(self.visitor())
        page.evaluate("(name) => localStorage.setItem(name, JSON.stringify('Kept since last week'))", DRAFT)
        page.reload()
        expect(page.locator("#write form.write textarea")).to_have_value("Kept since last week")


class ScriptsTest(BrowserTestCase):
    def test_without_its_script_the_form_posts_as_html(self) -> None:
        self.expect_faults("net::ERR_FAILED")
        context = self.staff()
        context.route(re.compile(r"/js/(comments|comment-form)\.js"), lambda route: route.abort())
        page = context.new_page()
        page.goto(OPEN_POST)
        text_in(page).fill("Without a script that works")
        post(page)
        page.wait_for_url(re.compile(r"#c[0-9a-v]{12}$"))
        expect(comment(page, "Without a script that works")).to_be_visible()

    def test_no_script_is_requested_after_the_page_has_loaded(self) -> None:
        """A later import could fail, and a browser may remember a failed import for the lifetime of the page."""
        context = self.staff()
        page = context.new_page()
        page.goto(OPEN_POST, wait_until="networkidle")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
        page.locator("plog-comments").scroll_into_view_if_needed()
        self.wait_live(page)
        page.locator(".thread .reply").first.click()
        write_in(page, "Nothing left to load")
        comment(page, "Nothing left to load").get_by_role("button", name="Edit").click()
        self.assertEqual([line for line in asked if ".js" in line], [])

    def test_a_new_reader_requests_nothing_dynamic(self) -> None:
        context = self.visitor()
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url.removeprefix(self.running.url)))
        page = self.opened(context)
        page.wait_for_load_state("networkidle")
        pages = [path for path in asked if not path.startswith(("/static/", "/favicon", "data:"))]
        self.assertEqual(pages, [OPEN_POST])
