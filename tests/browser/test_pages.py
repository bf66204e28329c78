"""Every kind of page is accessible, has no layout shifts, fits the screen, and can be used by keyboard alone.

tests/browser/base.py asserts that no page sends requests to other sites or logs unexpected lines on the console.
"""

from playwright.sync_api import Page, expect

from tests.browser.base import OPEN_POST, SHAPES, WATCH_SHIFTS, BrowserTestCase

PAGES = ("/", "/plog/", "/plog/one-number")
OTHERS = (
    "/rest/2/10/",
    "/oc-Live/oc-Speed",
    "/plog/sixty-six",
    "/stats/",
    "/quiz/",
    "/quiz/highscores",
    "/signin",
    "/nothing/here",
)
ADMIN_PAGES = ("/admin/comments/",)
OTHER_ADMIN_PAGES = ("/admin/", "/admin/comments/?status=published")
FOCUSED = """() => {
  const { activeElement: it } = document;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
  const box = it.getBoundingClientRect();
  return {
    what: it.id || it.getAttribute("href") || it.textContent.trim(),
    isMarked: (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || boxShadow !== "none",
    isThere: it === document.body || (box.width > 1 && box.height > 1),
  };
}"""


class EveryPageTest(BrowserTestCase):
    def test_pages_are_accessible_and_fit_in_both_schemes_and_widths(self) -> None:
        self.expect_faults("404 \\(Not Found\\)")
        for scheme, width in SHAPES:
            has_others = (scheme == "light") == (width == 320)
            looks = ((self.visitor, PAGES, OTHERS), (self.staff, ADMIN_PAGES, OTHER_ADMIN_PAGES))
            for who, always, others in looks:
                page = who(scheme, width).new_page()
                for path in (*always, *(others if has_others else ())):
                    with self.subTest(path=path, scheme=scheme, width=width):
                        page.goto(path)
                        expect(page.locator("plog-rest:not(.filled)")).to_have_count(0)
                        self.assert_accessible(page)
                        self.assert_fits(page)
                page.context.close()

    def test_a_held_comment_and_an_open_reply_are_accessible(self) -> None:
        held = self.visitor()
        self.write(held, "Held, and looked at")
        for scheme, width in SHAPES:
            with self.subTest(scheme=scheme, width=width):
                context = self.visitor(scheme, width, state=held.storage_state())
                page = self.opened(context)
                page.evaluate("localStorage.setItem('plog:known', 'true')")
                page.reload()
                expect(page.locator(".comment.held .held-note")).to_be_visible()
                self.assert_accessible(page)
                page.locator(".thread .reply").first.click()
                expect(page.locator(".thread form.write")).to_be_visible()
                self.assert_accessible(page)
                self.assert_fits(page)
                context.close()

    def test_home_and_posts_have_no_layout_shifts(self) -> None:
        for _, width in SHAPES[:2]:
            for path in ("/", "/plog/one-number", f"{OPEN_POST}#comments"):
                with self.subTest(path=path, width=width):
                    context = self.visitor(width=width)
                    context.add_init_script(WATCH_SHIFTS)
                    page = context.new_page()
                    page.goto(path, wait_until="networkidle")
                    self.scroll_to_the_end(page)
                    self.assert_still(page)
                    context.close()

    def scroll_to_the_end(self, page: Page) -> None:
        """Scroll in steps, as a reader does, so that lazy parts of the page load."""
        for _ in range(40):
            page.mouse.wheel(0, 600)
            page.evaluate("new Promise(requestAnimationFrame)")
            if page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2"):
                break
        page.wait_for_load_state("networkidle")


class KeyboardTest(BrowserTestCase):
    def test_the_first_tab_stop_skips_to_the_text(self) -> None:
        page = self.visitor().new_page()
        page.goto("/plog/one-number")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the text")).to_be_focused()
        expect(page.locator(".skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()

    def test_every_tab_stop_is_visible_and_in_page_order(self) -> None:
        for path in ("/", OPEN_POST, "/plog/"):
            with self.subTest(path=path):
                page = self.visitor(width=320).new_page()
                page.goto(path, wait_until="networkidle")
                stops = self.stops(page)
                self.assertEqual([stop["what"] for stop in stops[:4]], ["#main", "/", "/", "/plog/"])
                self.assertGreater(len(stops), 15)
                self.assertEqual([stop["what"] for stop in stops if not (stop["isMarked"] and stop["isThere"])], [])

    def stops(self, page: Page) -> list[dict]:
        found: list[dict] = []
        for _ in range(250):
            page.keyboard.press("Tab")
            stop = page.evaluate(FOCUSED)
            if page.evaluate("document.activeElement === document.body"):
                break
            found.append(stop)
        return found

    def test_a_comment_is_written_and_removed_by_keyboard_alone(self) -> None:
        page = self.opened(self.staff())
        self.tab_to(page, "textarea#text")
        page.keyboard.type("With keys alone")
        self.tab_to(page, "form.write button.main")
        page.keyboard.press("Enter")
        own = page.locator(".thread article", has_text="With keys alone")
        expect(own).to_be_visible()
        own.locator(".reply").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".thread form.write textarea")).to_be_focused()
        self.tab_to(page, "form.write .cancel")
        page.keyboard.press("Enter")
        expect(own.locator(".reply")).to_be_focused()
        self.tab_to(page, "article button >> text=Delete")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        expect(own).to_have_count(0)

    def tab_to(self, page: Page, what: str) -> None:
        wanted = page.locator(what).last
        for _ in range(150):
            page.keyboard.press("Tab")
            if wanted.evaluate("(element) => element === document.activeElement"):
                return
        self.fail(f"Tab never comes to {what}")


class StoredTest(BrowserTestCase):
    """What the browser stores for its visitor."""

    def test_a_held_comment_is_shown_after_a_reload(self) -> None:
        page = self.visitor().new_page()
        page.goto(OPEN_POST)
        page.locator("form.write textarea").fill("Still here tomorrow?")
        page.get_by_role("button", name="Post comment").click()
        held = page.locator(".comment.held", has_text="Still here tomorrow?")
        expect(held).to_be_visible()
        page.reload()
        expect(held).to_be_visible()
        expect(held.get_by_role("button", name="Edit")).to_be_visible()

    def test_a_draft_is_stored_until_it_is_posted(self) -> None:
        page = self.visitor().new_page()
        page.goto(OPEN_POST)
        text = page.locator("form.write textarea")
        text.press_sequentially("Half a thou")
        page.wait_for_function(
            "localStorage.getItem('plog:draft:/plog/open-a-second-window/comments')?.includes('thou')"
        )
        page.reload()
        expect(text).to_have_value("Half a thou")
        text.press_sequentially("ght")
        page.get_by_role("button", name="Post comment").click()
        expect(page.locator(".comment.held", has_text="Half a thought")).to_be_visible()
        page.reload()
        expect(page.locator(".comment.held", has_text="Half a thought")).to_be_visible()
        expect(text).to_have_value("")

    def test_a_validation_error_is_shown_at_its_field_and_the_text_stays(self) -> None:
        self.expect_faults("422")
        page = self.visitor().new_page()
        page.goto(OPEN_POST)
        page.locator("form.write").evaluate("(form) => (form.noValidate = true)")
        page.locator("form.write textarea").fill("My words")
        page.locator("#email").fill("nobody")
        page.get_by_role("button", name="Post comment").click()
        expect(page.locator("#email-problem")).to_contain_text("e-mail")
        expect(page.locator("#email")).to_be_focused()
        expect(page.locator("form.write textarea")).to_have_value("My words")
