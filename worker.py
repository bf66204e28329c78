"""The background process: what must happen soon, and in nobody's request.

It tells what stayed untold, hears what other hosts forget, counts what nginx answered without asking anybody, rates
posts by that, sweeps kept pages, moves what merged accounts wrote, keeps nginx's logs small, counts comments again in
case that anybody did it wrongly, and drops network addresses after 30 days. Each chore has its own rhythm; one that
fails is logged and tried again, and keeps no other waiting.
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

ROTATED_LOGS = ("access.log", "nginx-errors.log")  # of nginx, which also writes HITS_LOG: models.hits puts that aside
HITS_LOG = "hits.log"
LARGEST_LOG = 32 << 20  # bytes; the log before it is kept too
logger = logging.getLogger("worker")


async def every(seconds: float, chore: Callable[[], Awaitable[int | None]]) -> None:
    """Do a chore again and again, for ever. It says how much it did, where that is worth a line."""
    while True:
        try:
            done = await chore()
            if done:
                logger.info("%s: %d", chore.__name__, done)
        except AWAY as error:
            logger.warning("%s: a server is away: %s", chore.__name__, type(error).__name__)
        except (OSError, Unwritable) as error:  # the disk; timeouts, which are OSErrors too, are in AWAY
            logger.warning("%s: %s", chore.__name__, error)
        except Exception:
            logger.exception("%s failed", chore.__name__)
        await asyncio.sleep(seconds)


def rotate(folder: Path, reopen: Callable[[], None]) -> None:
    """Rename logs that are too large, over the ones before. While any log is missing, `reopen` asks nginx to write new ones."""
    for name in ROTATED_LOGS:
        log = folder / name
        with suppress(FileNotFoundError):
            if log.stat().st_size >= LARGEST_LOG:
                log.replace(f"{log}.1")
    if not all((folder / name).exists() for name in (*ROTATED_LOGS, HITS_LOG)):
        reopen()


async def work(site: Site) -> None:
    """All chores, until cancelled."""
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
