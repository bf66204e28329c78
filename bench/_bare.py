"""The reference: one bare Tornado process without models and templates. `python -m bench._bare PORT [TASKS]`.

It serves WebSockets that broadcast in memory. With a file of tasks (written by bench/_reference.py) it also serves
handlers that send the commands to MongoDB that were recorded from the site, those of one round at once, and answer with
the same bytes, before or after the commands as the site does.
"""

import asyncio
import pickle
import sys
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from bench._commands import Command, Fresh, Task, Tasks, repeated
from lib.cores import keep_to_one_core
from lib.mongo import Mongo


class Socket(WebSocketHandler):
    def initialize(self, followers: set["Socket"]) -> None:
        self.followers = followers

    def on_message(self, message: str | bytes) -> None:
        self.followers.add(self)
        self.write_message('{"type":"followed"}')

    def on_close(self) -> None:
        self.followers.discard(self)


class Publish(RequestHandler):
    def initialize(self, followers: set[Socket]) -> None:
        self.followers = followers

    def post(self) -> None:
        for follower in self.followers:
            follower.write_message(self.request.body.decode())


class Repeat(RequestHandler):
    """Carries out a task, for a GET and for a POST."""

    def initialize(self, task: Task, mongo: Mongo, numbers: "count[int]") -> None:
        self.task, self.mongo, self.numbers = task, mongo, numbers

    async def get(self) -> None:
        fresh = self.task.fresh(next(self.numbers))
        await self.carry_out(self.task.rounds, fresh)
        self.set_status(self.task.status)
        self.set_header("Content-Type", self.task.kind)
        self.finish(self.task.body)
        await self.carry_out(self.task.afterwards, fresh)

    async def carry_out(self, rounds: Iterable[Iterable[Command]], fresh: Fresh) -> None:
        for commands in rounds:
            await asyncio.gather(*(repeated(self.mongo, command, fresh) for command in commands))

    post = get


async def main(port: int, tasks: Tasks) -> None:
    if tasks.driver == "motor":
        keep_to_one_core(port)  # as the site's processes do
    known: dict[str, set[Socket]] = {"followers": set()}
    mongo = Mongo(tasks.mongo_url, tasks.driver) if tasks.mongo_url else None  # tasks without commands need no MongoDB
    repeat: list[Any] = [
        (path, Repeat, {"task": task, "mongo": mongo, "numbers": count(1)}) for path, task in tasks.by_path.items()
    ]
    live = [("/live/websocket", Socket, known), ("/publish", Publish, known)]
    Application([*live, *repeat], log_function=lambda handler: None).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    given = pickle.loads(Path(sys.argv[2]).read_bytes()) if len(sys.argv) > 2 else Tasks()
    asyncio.run(main(int(sys.argv[1]), given))
