"""Chores: what a process does again and again beside its requests. A failure is logged, and the chore goes on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from lib.pagecache import Unwritable
from models.errors import AWAY

SHORTEST_PAUSE = 0.25  # seconds between rounds of a chore that is woken again and again
logger = logging.getLogger(__name__)


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
