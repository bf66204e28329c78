"""The live protocol: framing, pace, replies, and who follows which channel. It knows no channel and no message of a
domain.

Those are tables in routes.py, of functions in the words' own handler files. Everything a client hears of others comes
through `lib/channels`. Who somebody is comes from the cookies of the handshake, never from a message.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from tornado.ioloop import PeriodicCallback

from handlers.visitor import Visitor, is_own_request
from lib import json
from lib.channels import unnumbered
from lib.clock import Clock
from lib.headers import security_headers
from lib.ids import new_id
from lib.sockjs import GOING_AWAY, TOO_FAST, Connection, Endpoint
from models.accounts import SESSIONS_CHANNEL, session_id
from models.errors import AWAY, NotAllowed, SiteError
from models.site import Site

LONGEST = 16 * 1024  # bytes of a message
LONGEST_ID = 64  # characters of a message's `id`: echoed over SockJS each takes up to 12 bytes, and a `<` takes 7
MOST_A_SECOND = 20
MOST_LOOKUPS = 20  # a minute: channels that nobody in this process follows yet, since each of them asks MongoDB
MOST_FOLLOWED = 50  # channels of one connection
MINUTE = 60  # seconds
LOOK_AGAIN = 10  # seconds until a process finds out by itself that somebody may not follow a channel any more
SIGNED_OUT = 4001
MOST_SENT = MOST_ID = 2**53  # what a browser can count to

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Newest = Callable[[], Awaitable[int]]  # reads the number of a channel's newest change
MayFollow = Callable[["LiveConnection", str], Awaitable[Newest | None]]
Answer = Callable[["LiveConnection", Message], Awaitable[Message]]


@dataclass(frozen=True)
class LiveChannel:
    """A channel in routes.LIVE: `name`, or a prefix that ends in `:`.

    `may_follow` returns how to read the newest number, None if there is no such channel, and raises NotAllowed. Where
    not everybody may follow (`is_public` is false), it is asked again every 10 s.
    """

    name: str
    may_follow: MayFollow
    is_public: bool

    def has(self, channel: str) -> bool:
        return channel.startswith(self.name) if self.name.endswith(":") else channel == self.name


@dataclass(frozen=True)
class Tables:
    """What clients may follow and send: routes.LIVE."""

    channels: tuple[LiveChannel, ...]
    messages: Mapping[str, Answer]

    def find(self, channel: str) -> LiveChannel | None:
        return next((row for row in self.channels if row.has(channel)), None)


class Role(Protocol):
    """What a connection is for one word, such as a player: made at its first message, closed with the connection."""

    def __init__(self, connection: "LiveConnection") -> None: ...

    async def closed(self) -> None: ...


RoleKind = TypeVar("RoleKind", bound=Role)


class LiveConnection(Connection):
    """One client. Its messages are answered one after another."""

    session_id = ""  # of the session that its cookie names, whether or not that still runs

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.id = new_id()
        self._followed: set[str] = set()
        self._roles: dict[type[Role], Role] = {}

    @property
    def live(self) -> "Live":
        return cast(Live, self.context)

    @property
    def site(self) -> Site:
        return self.live.site

    @property
    def visitor(self) -> Visitor:
        """Who is there, looked up anew each time: a connection may last for hours."""
        return Visitor(self.site, self.request)

    async def opened(self) -> None:
        secret = self.visitor.session
        self.session_id = session_id(secret) if secret else ""
        self._pace = Pace(MOST_A_SECOND)
        self._lookups = Pace(MOST_LOOKUPS, MINUTE)

    async def received(self, text: str) -> None:
        if not self._pace.may_go_on(self.site.clock):
            self._refuse({}, "slow-down", "That was too much at once.")
            return self.close(TOO_FAST, "slow-down")
        if len(text.encode("utf-8", "replace")) > LONGEST:
            return self._refuse({}, "too-long", f"A message has at most {LONGEST:,} bytes.")
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            return self._refuse({}, "bad-json", "A message is one JSON object.")
        if is_too_long(message.get("id")):
            return self._refuse({}, "too-long", f"An id has at most {LONGEST_ID} characters.")
        await self._answer(message)

    def role(self, kind: type[RoleKind]) -> RoleKind:
        """The one role of this kind that the connection has."""
        return cast(RoleKind, self._roles.get(kind) or self._roles.setdefault(kind, kind(self)))

    async def closed(self) -> None:
        self.site.tools.channels.leave_all(self)
        for role in self._roles.values():
            await role.closed()

    def sign_out(self) -> None:
        """The session has ended or lost a right: the client connects again as somebody else."""
        self.close(SIGNED_OUT, "signed-out")

    def count_lookup(self) -> None:
        """Rate-limits what asks MongoDB about a channel that nobody in this process follows."""
        if not self._lookups.may_go_on(self.site.clock):
            raise SiteError("slow-down", "Those were many channels at once. Please try again in a minute.")

    @property
    def follows_in_private(self) -> list[tuple[LiveChannel, str]]:
        """The channels it follows that not everybody may follow, with their rows."""
        rows = ((self.live.tables.find(channel), channel) for channel in self._followed)
        return [(row, channel) for row, channel in rows if row is not None and not row.is_public]

    async def look_again(self) -> None:
        """Signs out a client that may not follow any more what it follows."""
        for row, channel in self.follows_in_private:
            try:
                async with asyncio.timeout(LOOK_AGAIN):
                    await row.may_follow(self, channel)
            except NotAllowed:
                return self.sign_out()
            except (*AWAY, TimeoutError):
                pass  # nobody can know; while MongoDB is away there is no news either

    async def follow(self, message: Message) -> Message:
        channel = message.get("channel")
        row = self.live.tables.find(channel) if isinstance(channel, str) else None
        newest = await row.may_follow(self, channel) if row and isinstance(channel, str) else None
        if newest is None or not isinstance(channel, str):
            raise SiteError("no-channel", "There is no such channel.")
        return {"type": "followed", "channel": channel, "n": await self.join(channel, newest)}

    async def join(self, channel: str, newest: Newest) -> int:
        """Follows a channel that this client may follow. Returns its newest number."""
        if len(self._followed | {channel}) > MOST_FOLLOWED:
            raise NotAllowed("not-allowed", f"One connection follows at most {MOST_FOLLOWED} channels.")
        self._followed.add(channel)
        try:
            return await self.site.tools.channels.follow(channel, self, newest)
        except AWAY:
            self._followed.discard(channel)
            raise

    async def leave(self, message: Message) -> Message:
        channel = message.get("channel")
        if not isinstance(channel, str) or channel not in self._followed:
            raise SiteError("no-channel", "You do not follow this channel.")
        self.part(channel)
        return {"type": "done"}

    def part(self, channel: str) -> None:
        """Leaves a channel that it joined."""
        self._followed.discard(channel)
        self.site.tools.channels.leave(channel, self)

    async def ping(self, message: Message) -> Message:
        sent = message.get("sent")
        echo = sent if isinstance(sent, int | float) and abs(sent) < MOST_SENT else None
        return {"type": "pong", "sent": echo, "now": int(self.site.clock().timestamp() * 1000)}

    async def _answer(self, message: Message) -> None:
        kind = message.get("type")
        answer = self.live.tables.messages.get(kind) if isinstance(kind, str) else None
        if answer is None:
            return self._refuse(message, "unknown-type", "There is no such type of message.")
        try:
            self._reply(message, await answer(self, message))
        except SiteError as error:
            self._refuse(message, error.code, error.message)
        except AWAY:
            self._refuse(message, "away", "Something behind this site is being restarted.")

    def _reply(self, message: Message, answer: Message) -> None:
        id = message.get("id")
        self.send(json.dumps(answer | {"id": id} if is_id(id) else answer))

    def _refuse(self, message: Message, code: str, sentence: str) -> None:
        self._reply(message, {"type": "error", "code": code, "message": sentence})


class Live(Endpoint):
    """Everything below /live. A foreign page's handshake is refused on every transport.

    It follows the channel on which processes tell each other of sessions that have ended, and closes their connections.
    What it is not told (Redis was away, a session's time is over, somebody is not staff any more) it finds out by
    looking again.
    """

    def __init__(self, site: Site, tables: Tables) -> None:
        headers = security_headers(site.settings.is_https)
        super().__init__("/live", LiveConnection, self, is_allowed=partial(is_own_request, site=site), headers=headers)
        self.site = site
        self.tables = tables
        self._looking = PeriodicCallback(self.look_again, LOOK_AGAIN * 1000)

    async def start(self) -> None:
        await self.site.tools.channels.follow(SESSIONS_CHANNEL, self, unnumbered)
        self._looking.start()

    def send(self, text: str) -> None:
        """Takes a message of that channel, as any follower does."""
        message = json.loads(text)
        if message["type"] == "event":
            self.sign_out(message["data"]["ended"])

    def sign_out(self, sessions: Collection[str]) -> None:
        for connection in self._clients():
            if connection.session_id in sessions:
                connection.sign_out()

    async def look_again(self) -> None:
        """All at once: while MongoDB hangs each takes its whole timeout, and those that answer must not wait for it."""
        clients = [each.look_again() for each in self._clients() if each.follows_in_private]
        looked = await asyncio.gather(*clients, return_exceptions=True)
        for error in looked:
            if error is not None:  # one client must not keep the others' rights alive
                logger.error("what a live client may follow could not be looked up", exc_info=error)

    async def restart(self) -> None:
        """Tells all clients to connect again, elsewhere, because this process stops."""
        for connection in self.connections:
            connection.send(json.dumps({"type": "restart"}))
        await self.close()

    async def close(self, code: int = GOING_AWAY, reason: str = "Going away") -> None:
        self._looking.stop()
        self.site.tools.channels.leave_all(self)
        await super().close(code, reason)

    def _clients(self) -> Iterator[LiveConnection]:
        return cast(Iterator[LiveConnection], self.connections)


class Pace:
    """How often somebody does something: at most so many times in each period of so many seconds."""

    def __init__(self, most: int, seconds: int = 1) -> None:
        self._most = most
        self._seconds = seconds
        self._period = 0
        self._count = 0

    def may_go_on(self, clock: Clock) -> bool:
        period = int(clock().timestamp()) // self._seconds
        self._count = self._count + 1 if period == self._period else 1
        self._period = period
        return self._count <= self._most


def is_id(id: object) -> bool:
    return isinstance(id, str | int) and not isinstance(id, bool)


def is_too_long(id: object) -> bool:
    return len(id) > LONGEST_ID if isinstance(id, str) else isinstance(id, int) and abs(id) > MOST_ID
