"""Starts a stack for a benchmark, on ports and a data folder of its own, while a block runs.

It ignores all settings in the environment except SITE_MONGO_DRIVER, so that both drivers can be measured.
"""

import os
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from models.site import Site
from settings import Settings
from tests.running import Running
from ui_modules.comments import comment_json


@contextmanager
def stack(**settings: str) -> Iterator[Running]:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    driver = os.environ.get("SITE_MONGO_DRIVER", "motor")
    running = Running(**{"SITE_MONGO_DRIVER": driver, **settings})  # type: ignore[arg-type]
    try:
        running.start()
        yield running
    finally:
        running.remove()


def settings_of(running: Running) -> Settings:
    """Returns the settings of the stack's processes."""
    given = {"SITE_DATA": str(running.data), "SITE_PORT": str(running.port), **running.settings}
    return Settings.from_environment(given)


@asynccontextmanager
async def site_of(running: Running) -> AsyncIterator[Site]:
    """Opens a site in this interpreter, on the stack's servers."""
    site = await Site.open(settings_of(running), comment_json)
    try:
        yield site
    finally:
        await site.close()


def process_url(running: Running) -> str:
    """Returns the address of the first public process, without nginx."""
    return f"http://127.0.0.1:{running.port + 1}"
