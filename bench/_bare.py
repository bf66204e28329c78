"""What Tornado alone takes: one process, WebSockets, a list in memory. `python -m bench._bare PORT`, the reference."""

import asyncio
import sys

from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler


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


async def main(port: int) -> None:
    known: dict[str, set[Socket]] = {"followers": set()}
    Application([("/live/websocket", Socket, known), ("/publish", Publish, known)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
