"""The base of the browser tests: the real stack with the demo site, Chromium, and checks of every page.

A request to another site or an unexpected line on the console fails the test. Each visitor comes from a network of
their own, so that rate limits are not shared. Without Chromium the tests are skipped; under CI=true they fail.
"""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.running import ROOT, Running, wait_until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PUBLIC = (1, 2, 3)  # the public processes' ports, after SITE_PORT
STAFF = "ada@example.com"
OPEN_POST = "/plog/open-a-second-window"
SHAPES = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 320)]
WATCH_SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) if (!shift.hadRecentInput)
      window.shifts.push([shift.value, ...shift.sources.map(({ node }) => node?.nodeName + "." + node?.className)]);
  }).observe({ type: "layout-shift", buffered: true });
"""
THREAD = """() => [...document.querySelectorAll(".thread article.comment")].map((article) => {
  const above = article.closest("li").parentElement.closest("li")?.querySelector(":scope > article").id ?? "";
  return [above, article.id, article.className.replace(" new", ""), article.querySelector(".text, .gone-note").textContent];
})"""


@cache
def stack() -> Running:
    """The stack, started once for all browser tests and stopped when this interpreter exits."""
    running = Running(SITE_PROXIES="127.0.0.1")
    atexit.register(running.remove)
    running.start()
    return running


class BrowserTestCase(unittest.TestCase):
    running: Running
    _networks: Iterator[int] = count(1)
    _staff_state: Any = None

    @classmethod
    def setUpClass(cls) -> None:
        for thing, is_there in (("Chromium", CHROMIUM), ("axe-core (bin/setup test)", AXE.exists())):
            if not is_there and os.environ.get("CI") == "true":
                raise AssertionError(f"{thing} is not installed")
            if not is_there:
                raise unittest.SkipTest(f"{thing} is not installed")
        cls.running = stack()
        expect.set_options(timeout=20_000)
        playwright = sync_playwright().start()
        cls.addClassCleanup(playwright.stop)
        cls.browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self) -> None:
        self.faults: list[str] = []
        self.expected: list[str] = []
        self.addCleanup(lambda: wait_until(lambda: not any(self.followers().values())))

    def tearDown(self) -> None:
        faults = [fault for fault in self.faults if not any(re.search(words, fault) for words in self.expected)]
        self.assertEqual(faults, [])

    def expect_faults(self, *patterns: str) -> None:
        """Allow console lines that match these patterns, for faults that this test causes."""
        self.expected += patterns

    # Visitors

    def visitor(
        self, scheme: str = "light", width: int = 1280, *, script: bool = True, state: Any = None
    ) -> BrowserContext:
        """A new visitor with a browser and a network of their own, whose pages are checked."""
        context = self.browser.new_context(
            base_url=self.running.url,
            viewport={"width": width, "height": 720},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",  # no animation is running while a page is measured
            java_script_enabled=script,
            storage_state=state,
            extra_http_headers={"X-Forwarded-For": f"198.18.{next(self._networks) % 256}.7"},
        )
        self.addCleanup(context.close)
        context.set_default_timeout(20_000)
        context.on("request", self._note_request)
        context.on("console", self._note_line)
        context.on("weberror", lambda error: self.faults.append(f"error: {error.error}"))
        return context

    def staff(self, scheme: str = "light", width: int = 1280, *, script: bool = True) -> BrowserContext:
        """Ada, signed in by a link of `bin/site signin-link`."""
        if self._staff_state is None:
            self.chore("staff", STAFF)
            context = self.visitor()
            page = context.new_page()
            page.goto(self.chore("signin-link", STAFF))
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/")
            BrowserTestCase._staff_state = context.storage_state()
            context.close()
        return self.visitor(scheme, width, script=script, state=self._staff_state)

    def chore(self, *arguments: str) -> str:
        """The output of `bin/site` with these arguments."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SITE_")}
        environment |= {"SITE_DATA": str(self.running.data), "SITE_PORT": str(self.running.port)}
        command = [sys.executable, "cli.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" != self.running.url:
            self.faults.append(f"left the site: {request.url}")

    def _note_line(self, line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            self.faults.append(f"console: {line.text} {line.location.get('url', '')}")

    # Actions

    def opened(self, context: BrowserContext, path: str = OPEN_POST) -> Page:
        """Opens a page, scrolled to its comments, and waits for its live connection."""
        page = context.new_page()
        page.on(
            "websocket", lambda socket: self.assertTrue(socket.url.startswith(self.running.url.replace("http", "ws")))
        )
        page.goto(f"{path}#comments")
        self.wait_live(page)
        return page

    def wait_live(self, page: Page) -> None:
        page.locator("plog-live[data-state=live]").wait_for()

    def opened_on(self, context: BrowserContext, path: str = OPEN_POST, *, other_than: int = 0) -> tuple[Page, int]:
        """Opens a live page. Returns it and the port of the process it is connected to, which is not `other_than`."""
        for _ in range(20):
            before = self.followers()
            page = self.opened(context, path)
            wait_until(lambda before=before: sum(self.followers().values()) > sum(before.values()))
            (port,) = [port for port, number in self.followers().items() if number > before[port]]
            if port != other_than:
                return page, port
            page.close()
            wait_until(lambda before=before: self.followers() == before)
        raise AssertionError("nginx leads every socket to the same process")

    def followers(self) -> dict[int, int]:
        """The number of live connections of each public process, by port."""
        return {port: self._followers(port) for port in self.ports}

    @property
    def ports(self) -> list[int]:
        """The ports of the public processes."""
        return [self.running.port + n for n in PUBLIC]

    def _followers(self, port: int) -> int:
        text = self.running.ask("GET", "/metrics", port=port).body
        return int(re.search(r"^plog_live_connections (\d+)", text, re.MULTILINE)[1])  # type: ignore[index]

    def write(
        self, who: BrowserContext, text: str, parent: str = "", *, path: str = OPEN_POST, port: int = 0
    ) -> dict[str, Any]:
        """Posts a comment by JSON with a visitor's cookies, at nginx or at one process. Returns the JSON answer."""
        return self.ask(who, "POST", f"{path}/comments", port=port, text=text, parent=parent)

    def ask(self, who: BrowserContext, method: str, path: str, *, port: int = 0, **form: Any) -> dict[str, Any]:
        address = f"http://127.0.0.1:{port or self.running.port}{path}"
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        answer = who.request.fetch(address, method=method, headers=headers, data=json.dumps(form))
        self.assertTrue(answer.ok, f"{answer.status} {answer.text()}")
        return answer.json()  # type: ignore[no-any-return]

    def approve(self, who: BrowserContext, id: str) -> None:
        """Approves the current revision of a comment."""
        self.ask(who, "POST", f"/admin/comments/{id}/approval", revision=self.revision(who, id))

    def revision(self, who: BrowserContext, id: str) -> int:
        """The revision in the comment's row."""
        return int(self.ask(who, "GET", f"/admin/comments/{id}")["revision"])

    # Assertions

    def thread(self, page: Page) -> list[list[str]]:
        """Every comment on a page, in order: its parent, id, status and text."""
        return page.evaluate(THREAD)  # type: ignore[no-any-return]

    def assert_accessible(self, page: Page) -> None:
        """Assert that axe-core finds no violation of WCAG 2.2 AA."""
        page.evaluate("Promise.all(document.getAnimations().map(({ finished }) => finished))")
        page.evaluate(AXE.read_text())
        found = page.evaluate("(rules) => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })", RULES)
        violations = [f"{rule['id']}: {node['html'][:160]}" for rule in found["violations"] for node in rule["nodes"]]
        self.assertEqual(violations, [], page.url)

    def assert_fits(self, page: Page) -> None:
        """Assert that nothing is wider than the screen."""
        width = page.evaluate("document.documentElement.scrollWidth")
        self.assertLessEqual(width, page.viewport_size["width"], page.url)  # type: ignore[index]

    def assert_still(self, page: Page) -> None:
        """Assert that there was no layout shift. The page's context must have the script `WATCH_SHIFTS`."""
        self.assertEqual(page.evaluate("window.shifts"), [], page.url)
