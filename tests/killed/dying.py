"""A process of the site that is killed at a line of its choice: `python -m tests.killed.dying POST LINE TEXT`.

It adds a comment as any process does, on the servers that SITE_* name. One of its tools ends it, without a word, at the
first call of one method: after the comment was stored, before the rest of what follows from it was done.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from models.comments import Attempt, Author
from models.site import Site
from settings import Settings
from tests.base import comments_on
from ui_modules.comments import comment_html

LINES = {"counting": "set_counts", "publishing": "publish", "marking": "add"}
ADA = Author("ada000000000", "192.0.2.1", is_staff=True)


class Deadly:
    """A tool, one method of which is the end."""

    def __init__(self, tool: Any, method: str) -> None:
        self._tool, self._method = tool, method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            os.kill(os.getpid(), signal.SIGKILL)
        return getattr(self._tool, name)


async def die(post_id: str, line: str, text: str) -> None:
    site = await Site.open(Settings.from_environment(os.environ), comment_html)
    post = await site.posts.by_id(post_id)
    method = LINES[line]
    deadly = {name: Deadly(getattr(site, name), method) for name in ("counting", "channels", "marks")}
    await comments_on(site, **deadly).add(post, ADA, Attempt(text))


if __name__ == "__main__":
    asyncio.run(die(*sys.argv[1:]))
