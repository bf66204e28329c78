"""The background process of a host: everything that must happen soon, but not within a request.

It publishes scheduled posts, retries the outbox, receives other hosts' invalidations, counts hits from nginx's log,
rates posts by them, sweeps the page cache, moves what merged accounts wrote, rotates nginx's logs, corrects counts of
comments, and removes network addresses after 30 days. Each chore has its own interval. A failure is logged and retried,
and does not delay other chores.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from tornado.log import enable_pretty_logging

from handlers.routes import COUNTED
from lib.logs import mask_logs
from lib.networks import without_addresses
from lib.pagecache import Unwritable
from lib.tokens import without_tokens
from models.errors import AWAY
from models.site import Site
from settings import BadSetting, Settings
from stack import nginx
from ui_modules.comments import comment_json

ROTATED_LOGS = ("access.log", "nginx-errors.log")  # written by nginx
HITS_LOG = "hits.log"  # written by nginx; models.hits renames it
LARGEST_LOG = 32 << 20  # bytes; the previous log stays too
SHORTEST_PAUSE = 0.25  # seconds between rounds of a chore that is woken again and again
logger = logging.getLogger("worker")


async def every(seconds: float, chore: Callable[[], Awaitable[int | None]], woken: asyncio.Event | None = None) -> None:
    """Runs a chore forever, with pauses, which end early when `woken` is set. If it returns a number other than 0, that
    is logged.
    """
    woken = woken or asyncio.Event()
    while True:
        woken.clear()
        try:
            done = await chore()
            if done:
                logger.info("%s: %d", chore.__name__, done)
        except AWAY as error:
            logger.warning("%s: a server is away: %s", chore.__name__, type(error).__name__)
        except (OSError, Unwritable) as error:  # a failing disk; timeouts are OSErrors too, but belong to AWAY
            logger.warning("%s: %s", chore.__name__, error)
        except Exception:
            logger.exception("%s failed", chore.__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await woken.wait()
                await asyncio.sleep(SHORTEST_PAUSE)


def rotate(folder: Path, reopen: Callable[[], None]) -> None:
    """Renames large logs, replacing the previous ones. If any log is missing, `reopen` makes nginx create new ones."""
    for name in ROTATED_LOGS:
        log = folder / name
        with suppress(FileNotFoundError):
            if log.stat().st_size >= LARGEST_LOG:
                log.replace(f"{log}.1")
    if not all((folder / name).exists() for name in (*ROTATED_LOGS, HITS_LOG)):
        reopen()


async def work(site: Site) -> None:
    """Runs all chores until cancelled."""
    data = site.settings.data
    reopen = partial(nginx.reopen_logs, data / "run")

    async def rotate_logs() -> None:
        rotate(data / "log", reopen)

    async def count_hits() -> None:
        await site.hits.count(COUNTED)

    await asyncio.gather(
        every(1, site.posts.writing.show_due),
        every(1, site.tell_untold),
        every(2, count_hits),
        every(2, rotate_logs),
        every(5, site.pages.catch_up),
        every(60, site.move_merged),
        every(300, site.rate_posts),
        every(300, site.pages.sweep),
        every(3600, site.comments.documents.forget_addresses),
        every(3600, site.hits.documents.forget_old),
        every(3600, site.comments.recount),
    )


async def serve(settings: Settings) -> None:
    site = await Site.open(settings, comment_json)
    await site.pages.listen()
    await site.outbox.listen()
    working = asyncio.ensure_future(work(site))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        await site.close()


def main() -> None:
    enable_pretty_logging()
    mask_logs(logging.getLogger(), without_addresses, without_tokens)
    try:
        settings = Settings.from_environment(os.environ)
    except BadSetting as error:
        sys.exit(str(error))
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
