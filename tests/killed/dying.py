"""A process of the site that is killed at a chosen line: `python -m tests.killed.dying POST LINE TEXT`.

It adds a comment as any process does, on the servers named by SITE_*. One of its tools kills it at the first call of
one method: after the comment is stored, and before the rest of its consequences are carried out.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from lib.mongo import Mongo
from models.comments import Attempt, Author
from models.site import Site
from settings import Settings
from tests.base import site_with
from ui_modules.comments import comment_json

COLLECTIONS = {
    "counts": ("posts", "update_one"),
    "account": ("accounts", "bulk_write"),
    "entries": ("comments", "update_many"),
}
LINES = (*COLLECTIONS, "publishing")
ADA = Author("ada000000000", "192.0.2.1", is_staff=True)


class Deadly:
    """A tool that kills the process when one of its methods is called."""

    def __init__(self, tool: Any, method: str) -> None:
        self._tool, self._method = tool, method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            os.kill(os.getpid(), signal.SIGKILL)
        return getattr(self._tool, name)


class DeadlyMongo:
    """A MongoDB that kills the process when one method of one repeatable collection is called."""

    def __init__(self, mongo: Mongo, name: str, method: str) -> None:
        self._mongo, self._name, self._method = mongo, name, method

    def __getitem__(self, name: str) -> Any:
        return self._mongo[name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mongo, name)

    def repeatable(self, name: str) -> Any:
        collection = self._mongo.repeatable(name)
        return Deadly(collection, self._method) if name == self._name else collection


async def die(post_id: str, line: str, text: str) -> None:
    site = await Site.open(Settings.from_environment(os.environ), comment_json)
    post = await site.posts.documents.by_id(post_id)
    if line == "publishing":
        deadly: dict[str, Any] = {"channels": Deadly(site.tools.channels, "publish")}
    else:
        deadly = {"mongo": DeadlyMongo(site.tools.mongo, *COLLECTIONS[line])}
    dying = site_with(site, **deadly)
    await dying.comments.writing.add(post, ADA, Attempt(text))
    await dying.outbox.flush()


if __name__ == "__main__":
    asyncio.run(die(*sys.argv[1:]))
