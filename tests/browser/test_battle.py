"""Two browsers play a battle, by keyboard and on a phone, each state looked at by axe."""

import csv
from functools import cache

from playwright.sync_api import Page, expect

from tests.browser.base import BrowserTestCase
from tests.running import ROOT


@cache
def questions() -> dict[str, dict[str, str]]:
    """The demo's questions by their text."""
    files = (ROOT / "demo" / "questions").glob("*.csv")
    return {row["text"]: row for file in files for row in csv.DictReader(file.read_text("utf-8").splitlines())}


def asked(page: Page) -> dict[str, str]:
    """The question on the page, as the demo has it."""
    return questions()[page.locator("#question").text_content() or ""]


class BattleTest(BrowserTestCase):
    def player(self, scheme: str = "light", width: int = 1280) -> Page:
        page = self.visitor(scheme, width).new_page()
        page.goto("/quiz/")
        page.get_by_role("link", name="Play").click()
        return page

    def pair(self) -> tuple[Page, Page]:
        """Two pages that are paired: a wide light one that has waited, and a narrow dark one."""
        first = self.player()
        expect(first.get_by_text("Looking for an opponent…")).to_be_visible()
        return first, self.player("dark", 320)

    def check(self, *pages: Page) -> None:
        for page in pages:
            self.assert_accessible(page)
            self.assert_fits(page)

    def until_question(self, number: int, *pages: Page) -> None:
        for page in pages:
            expect(page.get_by_text(f"Question {number} of 10")).to_be_visible()
            expect(page.locator("quiz-battle[data-open]")).to_be_attached()

    def test_two_strangers_play_and_every_state_is_accessible(self) -> None:
        first, second = self.pair()
        for page in (first, second):
            expect(page.get_by_text("Get ready!")).to_be_visible()
        self.until_question(1, first, second)
        self.check(first, second)
        first.keyboard.type("no idea")
        expect(second.get_by_text("is typing…")).to_be_visible()
        first.keyboard.press("Enter")
        expect(first.get_by_text("That is wrong.")).to_be_visible()
        expect(second.get_by_text("answered, and was wrong")).to_be_visible()
        second.get_by_role("button", name="Show four choices").click()
        self.check(first, second)
        choices = second.locator(".choices button").all_text_contents()
        second.keyboard.press(str(1 + [choice.split(" ", 1)[1] for choice in choices].index(asked(second)["answer"])))
        for page, words in ((first, "wrong, and beaten to it"), (second, "Right! 1 point.")):
            expect(page.locator(".status")).to_contain_text(words)
            expect(page.locator(".explanation")).to_have_text(asked(page)["explanation"])
        self.check(first, second)
        self.until_question(2, first, second)
        second.keyboard.type(asked(second)["answer"].upper())
        second.keyboard.press("Enter")
        expect(second.locator(".you .score")).to_have_text("4")
        first.get_by_role("button", name="Give up").click()
        expect(second.get_by_role("heading", name="You won!")).to_be_focused()
        expect(first.get_by_role("heading", name="You lost")).to_be_focused()
        self.check(first, second)
        replay = first.context.new_page()
        replay.goto(first.locator(".replay").get_attribute("href") or "")
        expect(replay.get_by_role("heading", name="You lost")).to_be_visible()
        self.check(replay)
        replay.close()
        first.get_by_role("button", name="Rematch").click()
        expect(second.get_by_text("wants a rematch.")).to_be_visible()
        second.get_by_role("button", name="Rematch").click()
        for page in (first, second):
            expect(page.get_by_text("Get ready!")).to_be_visible()
            expect(page.locator(".you .score")).to_have_text("0")

    def test_a_reload_and_a_lost_network_lose_nothing(self) -> None:
        self.expect_faults("ERR_INTERNET_DISCONNECTED")
        first, second = self.pair()
        self.until_question(1, first, second)
        first.keyboard.type(asked(first)["answer"])
        first.keyboard.press("Enter")
        expect(second.locator(".other .score")).to_have_text("3")
        first.on("dialog", lambda dialog: dialog.accept())
        first.reload()
        expect(first.locator(".you .score")).to_have_text("3")
        second.context.set_offline(True)
        second.context.set_offline(False)
        self.until_question(2, first, second)
        expect(second.locator(".other .score")).to_have_text("3")
        second.get_by_role("button", name="Give up").click()
        expect(first.get_by_role("heading", name="You won!")).to_be_visible()

    def test_the_computer_plays_when_nobody_is_there(self) -> None:
        page = self.player()
        self.check(page)
        page.get_by_role("button", name="Play the computer instead").click()
        expect(page.get_by_text("You play against Computer.")).to_be_visible()
        self.until_question(1, page)
        page.keyboard.type(asked(page)["answer"])
        page.keyboard.press("Enter")
        expect(page.locator(".you .score")).to_have_text("3")
        page.get_by_role("button", name="Give up").click()
        expect(page.get_by_role("button", name="Rematch")).to_be_hidden()
        expect(page.get_by_role("button", name="Somebody else")).to_be_visible()
