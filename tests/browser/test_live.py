"""Two windows connected to two processes: changes in one appear in the other, even if connections are lost."""

import os
import signal
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.base import SHAPES, WATCH_SHIFTS, BrowserTestCase
from tests.running import wait_until

NO_WEBSOCKET = """
  window.WebSocket = class {
    readyState = 0;
    constructor() { setTimeout(() => { this.readyState = 3; this.onclose?.(new CloseEvent("close")); }); }
    send() {}
    close() {}
  };
"""


def comment(page: Page, text: str) -> Any:
    return page.locator(".thread article.comment", has_text=text)


def shown(page: Page, text: str) -> Any:
    """A comment by somebody else, after a click on the bar that announces new comments if there is one."""
    expect(comment(page, text)).to_be_attached()
    if not comment(page, text).is_visible():
        page.locator(".news button").click()
    expect(comment(page, text)).to_be_visible()
    return comment(page, text)


def write_in(page: Page, text: str) -> None:
    page.locator("form.write textarea").fill(text)
    page.get_by_role("button", name="Post comment").click()
    expect(comment(page, text)).to_be_visible()


class TwoWindowsTest(BrowserTestCase):
    def windows(self, writer: BrowserContext, reader: BrowserContext) -> tuple[Page, Page]:
        """Two live pages of one post, connected to different processes."""
        here, port = self.opened_on(writer)
        there, _ = self.opened_on(reader, other_than=port)
        there.evaluate("window.isTheSamePage = true")
        return here, there

    def test_a_comment_appears_in_the_other_window_without_a_reload(self) -> None:
        for scheme, width in SHAPES:
            with self.subTest(scheme=scheme, width=width):
                here, there = self.windows(self.staff(scheme, width), self.visitor(scheme, width))
                text = f"Written at {width} px, in {scheme}"
                write_in(here, text)
                expect(here.locator("form.write .outcome")).to_have_text("Posted.")
                shown(there, text)
                self.assertTrue(there.evaluate("window.isTheSamePage"))
                self.assert_fits(there)
                self.assert_fits(here)
                self.assertEqual(self.thread(here), self.thread(there))

    def test_a_held_comment_is_approved_by_keyboard_and_then_live_for_all(self) -> None:
        queue = self.staff().new_page()
        queue.goto("/admin/comments/")
        self.wait_live(queue)
        # Its state is live before the server has counted it: `windows` would take it for the connection of a window.
        wait_until(lambda: queue.evaluate("document.querySelector('plog-live').count > 0"))
        waiting = queue.locator("[data-count=held]")
        before = int(waiting.inner_text())
        here, there = self.windows(self.visitor(), self.visitor(width=320))
        count = there.locator(".thread-head h2").inner_text()
        write_in(here, "I am new here")
        expect(here.locator("form.write .outcome")).to_contain_text("held")
        expect(comment(here, "I am new here").locator(".held-note")).to_be_visible()

        queue.locator(".news button").click()
        row = queue.locator(".row", has_text="I am new here")
        expect(row).to_be_focused()
        expect(waiting).to_have_text(str(before + 1))
        expect(comment(there, "I am new here")).to_have_count(0)
        queue.keyboard.press("a")
        expect(row.locator(".state")).to_have_text("Published")
        expect(waiting).to_have_text(str(before))

        shown(there, "I am new here")
        expect(there.locator(".thread-head h2")).not_to_have_text(count)
        expect(comment(here, "I am new here").locator(".held-note")).to_have_count(0)
        self.assertTrue(there.evaluate("window.isTheSamePage"))
        self.assertEqual(self.thread(here), self.thread(there))

    def test_replies_edits_and_removals_are_live_too(self) -> None:
        here, there = self.windows(self.staff(), self.visitor())
        write_in(here, "Does it rain?")
        comment(here, "Does it rain?").locator(".reply").click()
        expect(here.locator(".thread form.write h3")).to_contain_text("Reply to")
        write_in(here, "It does.")
        id = shown(there, "Does it rain?").get_attribute("id")
        tombstone = f"#{id}.gone .gone-note"
        expect(there.locator(f"#{id} + .replies article", has_text="It does.")).to_be_attached()

        own = comment(here, "It does.")
        own.get_by_role("button", name="Edit").click()
        here.locator(".editing textarea").fill("A better answer")
        here.get_by_role("button", name="Save").click()
        expect(shown(there, "A better answer").locator(".edited")).to_be_visible()

        for text in ("Does it rain?", "A better answer"):
            delete = comment(here, text).get_by_role("button", name="Delete")
            delete.click()
            comment(here, text).get_by_role("button", name="Really delete?").click()
            expect(comment(there, text)).to_have_count(0)
            if text == "Does it rain?":
                for page in (here, there):
                    expect(page.locator(tombstone)).to_have_text("Removed by its author.")
        for page in (here, there):
            expect(page.locator(tombstone)).to_have_count(0)  # it has no replies any more
        self.assertEqual(self.thread(here), self.thread(there))

    def test_new_comments_do_not_move_the_text_being_read(self) -> None:
        ada, reader = self.staff(), self.visitor(width=320)
        reader.add_init_script(WATCH_SHIFTS)
        page = self.opened(reader)
        reply_to = page.locator(".thread > li").nth(1).locator("article").first
        page.locator(".thread > li").nth(2).locator("article").first.evaluate(
            "(item) => item.scrollIntoView({ behavior: 'instant' })"
        )
        where = "() => [...document.querySelectorAll('.thread > li article')].map((item) => item.getBoundingClientRect().top)"
        tops = page.evaluate(where)
        page.evaluate("window.shifts.length = 0")
        self.write(ada, "Above what is read", reply_to.get_attribute("id")[1:])
        for number in (1, 2):
            self.write(ada, f"Far below {number}")
        expect(page.locator(".news button")).to_have_text("3 new comments")
        after = page.evaluate(where.replace("'.thread > li article'", "'.thread > li article:not(.new)'"))
        self.assertEqual(after, tops)
        self.assert_still(page)
        self.assert_accessible(page)
        page.locator(".news button").click()
        expect(comment(page, "Above what is read")).to_be_focused()
        expect(page.locator(".news button")).to_have_count(0)

    def test_new_comments_wait_while_a_reply_is_typed(self) -> None:
        ada = self.staff()
        page = self.visitor().new_page()
        frames: list[str] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
        page.goto("/plog/open-a-second-window#comments")
        self.wait_live(page)
        page.locator(".thread .reply").first.click()
        expect(page.locator(".thread form.write textarea")).to_be_focused()
        page.keyboard.type("I think that")
        self.write(ada, "Said while you typed")
        wait_until(lambda: page.evaluate("1") and any("Said while you typed" in frame for frame in frames))
        self.assertEqual(comment(page, "Said while you typed").count(), 0)
        page.get_by_role("button", name="Cancel reply").click()
        expect(comment(page, "Said while you typed")).to_be_attached()
        expect(page.locator("form.write textarea")).to_have_value("I think that")

    def test_a_comment_that_an_edit_put_on_hold_is_still_shown_to_its_author(self) -> None:
        ada, bo, reader = self.staff(), self.visitor(), self.visitor()
        held = self.write(bo, "Held, then trusted")
        self.approve(ada, held["id"])
        here, there = self.windows(bo, reader)
        write_in(here, "Fine at first")
        shown(there, "Fine at first")
        comment(here, "Fine at first").get_by_role("button", name="Edit").click()
        here.locator(".editing textarea").fill("See http://a.example http://b.example http://c.example")
        here.get_by_role("button", name="Save").click()
        for _ in range(2):
            expect(comment(here, "http://c.example").locator(".held-note")).to_be_visible()
            expect(comment(there, "http://c.example")).to_have_count(0)
            expect(comment(there, "Fine at first")).to_have_count(0)
            here.reload()

    def test_a_reply_to_a_removed_comment_shows_its_tombstone(self) -> None:
        ada, bo = self.staff(), self.visitor()
        above = self.write(bo, "Soon removed")
        self.approve(ada, above["id"])
        answer = self.write(bo, "An answer that waits", above["id"])
        page = self.opened(self.visitor())
        self.ask(ada, "POST", "/admin/comments/", action="delete", id=[above["id"]])
        expect(comment(page, "Soon removed")).to_have_count(0)
        self.approve(ada, answer["id"])
        expect(comment(page, "An answer that waits")).to_be_attached()
        self.assertEqual(self.thread(page), self.thread(self.opened(self.visitor())))


class LostConnectionsTest(BrowserTestCase):
    def test_a_page_reconnects_when_its_process_is_killed_and_misses_nothing(self) -> None:
        self.expect_faults("WebSocket connection", "net::ERR", "502|503")
        ada = self.staff()
        page, port = self.opened_on(self.visitor())
        killed = self.running.pid_of(f"--port={port}")
        os.kill(killed, signal.SIGKILL)
        expect(page.locator("plog-live")).to_have_attribute("data-state", "reconnecting")
        elsewhere = next(other for other in self.ports if other != port)
        self.write(ada, "Said while you were away", port=elsewhere)
        self.wait_live(page)
        expect(comment(page, "Said while you were away")).to_have_count(1)
        self.write(ada, "Said when you were back", port=elsewhere)
        expect(comment(page, "Said when you were back")).to_have_count(1)
        wait_until(lambda: self.running.pid_of(f"--port={port}") not in (0, killed))
        wait_until(lambda: self.is_serving(port))

    def is_serving(self, port: int) -> bool:
        try:
            return self.running.ask("GET", "/status", port=port).code == 200
        except OSError:
            return False

    def test_without_websocket_the_fallback_is_live(self) -> None:
        ada, cy = self.staff(), self.visitor()
        cy.add_init_script(NO_WEBSOCKET)
        asked: list[str] = []
        cy.on("request", lambda request: asked.append(request.url.removeprefix(self.running.url)))
        page = self.opened(cy)
        self.assertIn("/static/js/vendor/sockjs.min.js", asked)
        self.assertTrue(any("/xhr_streaming?" in path for path in asked), asked)
        self.write(ada, "Through the other door")
        shown(page, "Through the other door")

    def test_without_a_live_connection_the_page_polls_every_five_seconds(self) -> None:
        self.expect_faults("net::ERR_FAILED")
        ada, cy = self.staff(), self.visitor()
        cy.add_init_script(NO_WEBSOCKET)
        cy.route("**/live/**", lambda route: route.abort())
        cy.route("**/vendor/**", lambda route: route.abort())
        page = cy.new_page()
        page.goto("/plog/open-a-second-window#comments")
        expect(page.locator("plog-live")).to_have_text("Reconnecting…")
        self.write(ada, "By asking")
        shown(page, "By asking")

    def test_a_page_that_was_offline_catches_up(self) -> None:
        self.expect_faults("net::ERR", "WebSocket connection")
        ada, bo = self.staff(), self.visitor()
        page = self.opened(bo)
        bo.set_offline(True)
        self.write(ada, "Said to nobody there")
        bo.set_offline(False)
        expect(comment(page, "Said to nobody there")).to_have_count(1)

    def test_the_queue_catches_up_too(self) -> None:
        self.expect_faults("net::ERR", "WebSocket connection", "502|503")
        queue = self.staff().new_page()
        with queue.expect_websocket() as socket:
            queue.goto("/admin/comments/")
        self.wait_live(queue)
        self.assertTrue(socket.value.url.endswith("/live/websocket"))
        before = int(queue.locator("[data-count=held]").inner_text())
        queue.context.set_offline(True)
        written = self.write(self.visitor(), "Who missed me?")
        for port in self.ports:
            os.kill(self.running.pid_of(f"--port={port}"), signal.SIGKILL)
        wait_until(lambda: all(map(self.is_serving, self.ports)))
        queue.context.set_offline(False)
        self.wait_live(queue)
        expect(queue.locator(f".row[data-id='{written['id']}']")).to_be_attached()
        expect(queue.locator("[data-count=held]")).to_have_text(str(before + 1))
