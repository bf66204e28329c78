"""Random interleavings over two processes: no follower misses a change or shows one twice.

A trial is a random sequence of loading, loading an old page, posting, approving, editing, removing, publishing late
and reconnecting. CI runs a hundred seeded trials; `bin/test --long` runs ten thousand.
"""

import asyncio
import os
import random
from contextlib import suppress

from lib.channels import Event
from lib.redis import Away
from models.comments import Attempt, Author, Comment, Counts
from models.errors import Conflict, Invalid
from models.posts import Post
from models.site import Site
from tests.base import SiteTestCase, TestClient, approve, site_with
from tests.follower import Follower, Page

IS_LONG = os.environ.get("PLOG_LONG") == "1"
TRIALS = 10_000 if IS_LONG else int(os.environ.get("PLOG_TRIALS", "100"))
SEED = int(os.environ.get("PLOG_SEED", "20261120"))
STEPS = 14
MOST_FOLLOWERS = 4
ADA = Author("ada000000000", "192.0.2.1", is_staff=True)


Sites = tuple[Site, Site]


class Trial:
    """One thread, two processes, and any number of followers."""

    def __init__(self, seed: str, sites: Sites, clients: tuple[TestClient, TestClient], post: Post) -> None:
        self.seed, self.sites, self.clients, self.post = seed, sites, clients, post
        self.random = random.Random(seed)
        self.dying = site_with(sites[0], channels=Nobody()).comments.writing
        self.comments: list[Comment] = []
        self.pages: list[Page] = []
        self.followers: list[Follower] = []
        self.away: list[Follower] = []
        self.history: list[str] = []
        self.written = 0

    def __str__(self) -> str:
        return f"seed {self.seed} after {self.history}"

    async def run(self) -> None:
        steps = (self.load, self.load_old, self.write, self.write, self.hold, self.approve, self.edit)
        steps += (self.remove, self.mark_spam, self.tell_late, self.leave, self.come_back)
        for _ in range(STEPS):
            together = self.random.choices(steps, k=self.random.choice((1, 1, 2, 3)))
            self.history.append(" + ".join(step.__name__ for step in together))
            await asyncio.gather(*(step() for step in together))
        while self.away:
            await self.come_back()

    @property
    def site(self) -> Site:
        return self.random.choice(self.sites)

    @property
    def comment(self) -> Comment | None:
        return self.random.choice(self.comments) if self.comments else None

    async def load(self) -> None:
        response = await self.random.choice(self.clients).fetch_async("GET", self.post.path)
        self.pages.append(Page(response.body.decode()))
        await self.follow(self.pages[-1])

    async def load_old(self) -> None:
        if self.pages:
            await self.follow(self.random.choice(self.pages))

    async def follow(self, page: Page) -> None:
        if len(self.followers) < MOST_FOLLOWERS:
            self.followers.append(Follower(page, self.post.path))
            await self.followers[-1].connect(self.random.choice(self.clients))

    async def write(self) -> None:
        self.written += 1
        parent = self.comment
        is_answer = parent is not None and parent.is_published and self.random.random() < 0.5
        text = f"Comment number {self.written}"
        try:
            added = await self.site.comments.writing.add(
                self.post, ADA, Attempt(text), parent.id if is_answer and parent else None
            )
        except Invalid:  # its parent was removed at the same time
            return
        self.comments.append(added)

    async def hold(self) -> None:
        if comment := self.comment:
            await self.site.comments.moderation.hold(comment.id)

    async def approve(self) -> None:
        if comment := self.comment:
            with suppress(Conflict):  # it was changed in between
                await approve(self.site, comment.id)

    async def edit(self) -> None:
        if comment := self.comment:
            await self.site.comments.moderation.rewrite(comment.id, f"Edited as {self.random.random()}")

    async def remove(self) -> None:
        if comment := self.comment:
            await self.site.comments.moderation.remove(comment.id)

    async def mark_spam(self) -> None:
        if comment := self.comment:
            await self.site.comments.moderation.mark_spam(comment.id)

    async def tell_late(self) -> None:
        """A process dies after storing a change; the worker publishes it later, maybe after newer changes."""
        self.written += 1
        stored = await self.dying.add(self.post, ADA, Attempt(f"Told late, number {self.written}"))
        self.comments.append(stored)
        await self.site.comments.writing.tell(stored)

    async def leave(self) -> None:
        if self.followers:
            follower = self.followers.pop(self.random.randrange(len(self.followers)))
            await follower.disconnect()
            self.away.append(follower)

    async def come_back(self) -> None:
        if self.away:
            follower = self.away.pop()
            self.followers.append(follower)
            await follower.connect(self.random.choice(self.clients))


class Nobody:
    """Channels in a process that dies before it publishes."""

    async def publish(self, *events: Event) -> None:
        raise Away[0]("killed")


class InterleavingsTest(SiteTestCase):
    environment = {"SITE_MODERATION": "none"}

    def test_no_follower_misses_a_change_or_shows_one_twice(self) -> None:
        clients = (self.client, self.second_client())
        for number in range(TRIALS):
            post = self.post_by(f"trial-{number}")
            trial = Trial(f"{SEED}-{number}", (self.site, self.second_site), clients, post)
            self.run_now(self.judge(trial))

    async def judge(self, trial: Trial) -> None:
        await trial.run()
        newest = await self.site.comments.documents.newest_n(trial.post.id)
        fresh = Page((await self.client.fetch_async("GET", trial.post.path)).body.decode())
        self.assertEqual(fresh.n, newest)
        await self.judge_counts(trial)
        for follower in trial.followers:
            try:
                await asyncio.wait_for(follower.arrive(newest), 10)
            except TimeoutError:
                self.fail(f"{trial}: stuck at {follower.n} of {newest}")
            finally:
                await follower.disconnect()
            self.assertEqual(follower.faults, [], trial)
            published = {id: html for id, html in follower.shown.items() if "gone-note" not in html and html}
            expected = {id: html for id, html in fresh.shown.items() if "gone-note" not in html}
            self.assertEqual(published, expected, trial)

    async def judge_counts(self, trial: Trial) -> None:
        """Compares the post's counts with a recount of its comments."""
        there = await self.site.tools.mongo["comments"].find({"post": trial.post.id, "n": {"$gt": 0}}).to_list(None)
        published = sum(document["status"] == "published" for document in there)
        roots = sum(document["depth"] == 0 for document in there)
        newest = max((document["n"] for document in there), default=0)
        post = await self.site.posts.documents.by_id(trial.post.id)
        self.assertEqual(Counts.of(post), Counts(newest, published, roots), trial)
