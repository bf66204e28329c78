"""Random actions at two processes, while the page loses its connection at times: in the end it shows what a freshly
loaded page shows, in the same order. tests/test_interleavings.py tests the script's rules with more random trials.
"""

import random
from contextlib import suppress
from typing import Any

from playwright.sync_api import BrowserContext

from tests.browser.base import BrowserTestCase
from tests.running import wait_until

POST = "/plog/small-checks"
SEEDS = (1, 2, 3)
STEPS = 30


class InterleavingsTest(BrowserTestCase):
    def test_after_random_actions_the_page_equals_a_freshly_loaded_one(self) -> None:
        self.expect_faults("net::ERR", "WebSocket connection")
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.play(random.Random(seed))

    def play(self, chance: random.Random) -> None:
        ada, bo, reader = self.staff(), self.visitor(), self.visitor(width=320)
        page = self.opened(reader, POST)
        story = Story(self, chance, ada, bo)
        for number in range(STEPS):
            what = chance.choice(story.choices)
            what(f"{what.__name__} {number}")
            if chance.random() < 0.2:
                reader.set_offline(chance.random() < 0.5)
        reader.set_offline(False)
        self.wait_live(page)
        fresh = self.visitor().new_page()
        fresh.goto(POST)
        wanted = self.thread(fresh)
        with suppress(AssertionError):
            wait_until(lambda: self.thread(page) == wanted)
        self.assertEqual(self.thread(page), wanted)
        for context in (ada, bo, reader, fresh.context):
            context.close()


class Story:
    """The actions of visitors, each at one process or the other."""

    def __init__(self, test: InterleavingsTest, chance: random.Random, ada: BrowserContext, bo: BrowserContext) -> None:
        self.test = test
        self.chance = chance
        self.ada = ada
        self.bo = bo
        self.written: list[dict[str, Any]] = []
        self.choices = (
            self.write,
            self.write,
            self.answer,
            self.answer,
            self.edit,
            self.remove,
            self.hold,
            self.approve,
        )

    @property
    def port(self) -> int:
        return self.chance.choice(self.test.ports[:2])

    @property
    def one(self) -> dict[str, Any]:
        return self.chance.choice(self.written)

    def write(self, text: str, parent: str = "") -> None:
        self.written.append(self.test.write(self.ada, text, parent, path=POST, port=self.port))

    def answer(self, text: str) -> None:
        known = self.test.ask(self.ada, "GET", f"{POST}/comments?after=0", port=self.port)["comments"]
        above = [change["id"] for change in known if change["status"] == "published"]
        self.write(text, self.chance.choice(above))

    def edit(self, text: str) -> None:
        if self.written:
            self.admin(f"{self.one['id']}/text", text=text)

    def remove(self, text: str) -> None:
        if self.written:
            self.admin("", action="delete", id=[self.written.pop(self.chance.randrange(len(self.written)))["id"]])

    def hold(self, text: str) -> None:
        if self.written:
            self.test.ask(self.ada, "DELETE", f"/admin/comments/{self.one['id']}/approval")

    def approve(self, text: str) -> None:
        if self.written:
            self.test.approve(self.ada, self.one["id"])

    def admin(self, path: str, **form: Any) -> None:
        self.test.ask(self.ada, "POST", f"/admin/comments/{path}", **form)
