"""The site with bundles, as after `bin/bundle`: scripts work as they do with plain files."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, expect

from lib import assets
from tests.browser.base import OPEN_POST, ROOT, BrowserTestCase
from tests.browser.test_live import comment, shown, write_in
from tests.lib.test_assets import need_esbuild
from tests.running import Running


class BundlesTest(BrowserTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        need_esbuild()
        super().setUpClass()
        cls.addClassCleanup(setattr, BrowserTestCase, "_staff_state", BrowserTestCase._staff_state)
        BrowserTestCase._staff_state = None  # sign in again: this is another stack
        cls.running = Running(SITE_PROXIES="127.0.0.1")
        cls.addClassCleanup(cls.running.remove)
        assets.build(ROOT / "static", ROOT / "templates", cls.running.data / "bundles", ROOT / "node_modules")
        cls.running.start()

    def setUp(self) -> None:
        super().setUp()
        self.scripts: list[str] = []

    def visitor(self, *shape: Any, **options: Any) -> BrowserContext:
        context = super().visitor(*shape, **options)
        context.on("request", lambda asked: self.note(asked.url, asked.resource_type))
        return context

    def note(self, address: str, kind: str) -> None:
        if kind in ("script", "stylesheet"):
            self.scripts.append(urlsplit(address).path)

    def assert_only_bundles(self, page: Page) -> None:
        """Assert that all scripts and styles of the page came from bundles, and none came twice."""
        self.assertEqual([path for path in self.scripts if not path.startswith(assets.ADDRESS)], [])
        ran = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        scripts = [address for address in ran if address.endswith(".js")]
        self.assertEqual(len(scripts), len(set(scripts)))

    def test_a_comment_is_written_and_appears_live_elsewhere(self) -> None:
        there, here = self.opened(self.visitor()), self.opened(self.staff())
        write_in(here, "Made of bundles")
        shown(there, "Made of bundles")
        self.assert_only_bundles(here)
        self.assert_only_bundles(there)

    def test_a_comment_written_offline_is_stored_and_posted_later(self) -> None:
        self.expect_faults("net::ERR", "WebSocket connection")
        context = self.visitor()
        page = context.new_page()
        page.goto(OPEN_POST, wait_until="networkidle")
        context.set_offline(True)
        page.locator("form.write textarea").fill("Bundled, in a tunnel")
        page.get_by_role("button", name="Post comment").click()
        expect(page.locator("form.write .outcome")).to_contain_text("saved in this browser")
        context.set_offline(False)
        page.get_by_role("button", name="Post comment").click()
        expect(comment(page, "Bundled, in a tunnel")).to_be_visible()
        self.assert_only_bundles(page)

    def test_the_page_has_one_connection_although_three_scripts_use_it(self) -> None:
        context = self.visitor()
        sockets: list[str] = []
        context.on("page", lambda page: page.on("websocket", lambda socket: sockets.append(socket.url)))
        self.opened(context)
        self.assertEqual(len(sockets), 1)

    def test_home_loads_its_remaining_posts_and_the_queue_is_live(self) -> None:
        home = self.visitor().new_page()
        home.goto("/")
        expect(home.locator("article.post")).to_have_count(10)
        self.assert_only_bundles(home)
        queue = self.staff().new_page()
        queue.goto("/admin/comments/")
        self.wait_live(queue)
        self.assert_only_bundles(queue)
