"""The time from an approval until everybody gets the new page: from each public process, nginx, and the cached file.

It starts when the approval is sent, while other clients request the page all the time, so that renders are in flight.
After each trial the comment is held again. An answer to a request sent after the approval's answer must be new: stale
answers are counted.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from bench._client import Connection, request
from bench._crowd import percentile
from bench._figure import Figure
from bench._seeded import add_comments, add_post
from bench._stack import site_of, stack
from models.comments import Comment
from models.posts import Post
from models.site import Site
from tests.running import Running

TRIALS = 200
WARM_UP = 10
COMMENTS = 50
READERS = 4
REST = 0.005  # seconds between requests of a reader
PATIENCE = 10.0  # seconds


class Trials:
    """Approves and holds one comment in turns, and waits until every reader sees each change."""

    def __init__(self, running: Running, post: Post, comment: Comment, cookie: str) -> None:
        self.row = f"{running.url}/admin/comments/{comment.id}"
        self.approval = f"{self.row}/approval"
        self.cookie = cookie
        self.ports = range(running.port, running.port + 4)  # nginx's, and the public processes'
        self.path = post.path
        self.file = running.data / "kept" / "now" / "pages" / post.path[1:] / "page.html"
        self.mark = f'id="{comment.anchor}"'.encode()
        self.answered: list[float] = []
        self.seen: list[float] = []
        self.old = 0

    async def carry_out(self) -> None:
        async with connected(self.ports[0]) as ada, connected(*self.ports) as lookers:
            for trial in range(WARM_UP + TRIALS):
                _, row = await ada[0].ask(request("GET", self.row, Cookie=self.cookie))
                read = {"revision": json.loads(row)["revision"]}
                began = perf_counter()
                assert (await ada[0].ask(request("POST", self.approval, read, Cookie=self.cookie)))[0] == 200
                answered = perf_counter() - began
                await self.look_for(True, lookers)
                if trial >= WARM_UP:
                    self.answered.append(answered * 1000)
                    self.seen.append((perf_counter() - began) * 1000)
                assert (await ada[0].ask(request("DELETE", self.approval, Cookie=self.cookie)))[0] == 200
                await self.look_for(False, lookers)

    async def look_for(self, is_shown: bool, lookers: list[Connection]) -> None:
        """Waits until everybody answers with the current page, and it is cached."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(
                *(self.ask(is_shown, looker, port) for looker, port in zip(lookers, self.ports, strict=True))
            )
            while (cached := found(self.file)) is None or (self.mark in cached) != is_shown:
                self.old += cached is not None
                await self.ask(is_shown, lookers[0], self.ports[0])

    async def ask(self, is_shown: bool, looker: Connection, port: int) -> None:
        page = request("GET", f"http://127.0.0.1:{port}{self.path}")
        while (self.mark in (await looker.ask(page))[1]) != is_shown:
            self.old += 1


def figures() -> Iterator[Figure]:
    with stack(SITE_DEMO="0", SITE_MODERATION="none") as running:
        trials = asyncio.run(tried(running))
    for percent in (50, 99):
        yield Figure(f"until the approval is answered, p{percent}", percentile(trials.answered, percent), "ms")
    yield Figure("until all and the file are new, p50", percentile(trials.seen, 50), "ms")
    yield Figure("until all and the file are new, p99", percentile(trials.seen, 99), "ms", at_most=250)
    yield Figure("old answers after the approval's own", trials.old, at_most=0)


async def tried(running: Running) -> Trials:
    async with site_of(running) as site:
        post = await add_post(site, "fresh")
        await add_comments(site, post, COMMENTS)
        (comment, *_) = await site.comments.documents.newest_under(post, 1)
        await site.comments.moderation.hold(comment.id)
        trials = Trials(running, post, comment, await signed_in(running, site))
        reading = asyncio.gather(*(read(running.port, post.path) for _ in range(READERS)))
        try:
            await trials.carry_out()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return trials


async def signed_in(running: Running, site: Site) -> str:
    """Returns the cookies of a member of staff."""
    await site.accounts.make_staff("ada@example.com")
    answer = running.ask("POST", await site.accounts.signin_link("ada@example.com"))
    return "; ".join(cookie.partition(";")[0] for cookie in answer.headers.get_all("Set-Cookie", []))


async def read(port: int, path: str) -> None:
    """Requests a page for ever."""
    async with connected(port) as (reader,):
        while True:
            await reader.ask(request("GET", f"http://127.0.0.1:{port}{path}"))
            await asyncio.sleep(REST)


@asynccontextmanager
async def connected(*ports: int) -> AsyncIterator[list[Connection]]:
    connections = [await Connection.to(f"http://127.0.0.1:{port}") for port in ports]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


def found(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
