"""The live connection: what a client may say, and who may follow what. Nothing said here changes anything but that.

Messages are one table; everything a client hears of others comes through `lib/channels`. Who somebody is comes from the
cookies of the handshake, never from a message.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator
from functools import partial
from typing import Any, cast

from tornado.ioloop import PeriodicCallback
from tornado.web import decode_signed_value

from handlers.base import is_own_request
from lib import json
from lib.clock import Clock
from lib.headers import security_headers
from lib.ids import is_id
from lib.sockjs import GOING_AWAY, TOO_FAST, Connection, Endpoint
from models.accounts import SESSION_LIFE, SESSIONS_CHANNEL, Account, session_id
from models.comments import STAFF_CHANNEL
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

Message = dict[str, Any]


class LiveConnection(Connection):
    """One client. Its messages are answered one after another."""

    session_id = ""  # of the session that its cookie names, whether or not that still runs

    @property
    def site(self) -> Site:
        site: Site = self.context
        return site

    async def opened(self) -> None:
        self._pace = Pace(MOST_A_SECOND)
        self._lookups = Pace(MOST_LOOKUPS, MINUTE)
        self._followed: set[str] = set()
        if secret := self._secret():
            self.session_id = session_id(secret)

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

    async def closed(self) -> None:
        self.site.channels.leave_all(self)

    def sign_out(self) -> None:
        """The session has ended, or lost a right: whoever it was connects again as somebody else."""
        self.close(SIGNED_OUT, "signed-out")

    async def look_again(self) -> None:
        """Sign out who may not follow any more what they follow."""
        if STAFF_CHANNEL not in self._followed:
            return
        try:
            await self._newest(STAFF_CHANNEL)
        except NotAllowed:
            self.sign_out()
        except AWAY:
            pass  # nobody can know; while it is away there is no news for staff either

    async def _answer(self, message: Message) -> None:
        kind = message.get("type")
        say = MESSAGES.get(kind) if isinstance(kind, str) else None
        if say is None:
            return self._refuse(message, "unknown-type", "There is no such type of message.")
        try:
            answer = await say(self, message)
        except SiteError as error:
            return self._refuse(message, error.code, error.message)
        except AWAY:
            return self._refuse(message, "away", "Something behind this site is being restarted.")
        self._reply(message, answer)

    async def follow(self, message: Message) -> Message:
        channel = message.get("channel")
        newest = await self._newest(channel) if isinstance(channel, str) else None
        if newest is None or not isinstance(channel, str):
            raise SiteError("no-channel", "There is no such channel.")
        if len(self._followed | {channel}) > MOST_FOLLOWED:
            raise NotAllowed("not-allowed", f"One connection follows at most {MOST_FOLLOWED} channels.")
        self._followed.add(channel)
        return {"type": "followed", "channel": channel, "n": await self.site.channels.follow(channel, self, newest)}

    async def leave(self, message: Message) -> Message:
        channel = message.get("channel")
        if not isinstance(channel, str) or channel not in self._followed:
            raise SiteError("no-channel", "You do not follow this channel.")
        self._followed.discard(channel)
        self.site.channels.leave(channel, self)
        return {"type": "done"}

    async def ping(self, message: Message) -> Message:
        sent = message.get("sent")
        now = int(self.site.clock().timestamp() * 1000)
        return {
            "type": "pong",
            "sent": sent if isinstance(sent, int | float) and abs(sent) < MOST_SENT else None,
            "now": now,
        }

    async def _newest(self, channel: str) -> Callable[[], Awaitable[int]] | None:
        """Who may follow what: how to read a channel's newest number. None: there is no such channel."""
        kind, _, id = channel.partition(":")
        if kind == "comments" and is_id(id):
            return await self._newest_comment(channel, id)
        if channel == STAFF_CHANNEL:
            account = await self._account()
            if account is None or not account.is_staff:
                raise NotAllowed("not-allowed", "This is for the people who run the site.")
            return _nothing
        return None

    async def _newest_comment(self, channel: str, post_id: str) -> Callable[[], Awaitable[int]] | None:
        """What this process follows already was allowed a moment ago: no need to ask MongoDB, which may be away."""
        if not self.site.channels.follows(channel):
            if not self._lookups.may_go_on(self.site.clock):
                raise SiteError("slow-down", "Those were many channels at once. Please try again in a minute.")
            if not await self.site.posts.has_open_thread(post_id):
                return None
        return lambda: self.site.threads.newest_n(post_id)

    async def _account(self) -> Account | None:
        """The member who is signed in, as the cookie of the handshake says."""
        secret = self._secret()
        return await self.site.accounts.of_session(secret) if secret else None

    def _secret(self) -> str:
        """What the session cookie of the handshake carries; empty where there is none."""
        cookie, key = self.request.cookies.get("session"), self.site.settings.secret
        secret = decode_signed_value(key, "session", cookie.value, SESSION_LIFE.days) if cookie else None
        return secret.decode() if secret else ""

    def _reply(self, message: Message, answer: Message) -> None:
        id = message.get("id")
        self.send(json.dumps(answer | {"id": id} if isinstance(id, str | int) else answer))

    def _refuse(self, message: Message, code: str, sentence: str) -> None:
        self._reply(message, {"type": "error", "code": code, "message": sentence})


def is_too_long(id: object) -> bool:
    return len(id) > LONGEST_ID if isinstance(id, str) else isinstance(id, int) and abs(id) > MOST_ID


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


MESSAGES: dict[str, Callable[[LiveConnection, Message], Awaitable[Message]]] = {
    "follow": LiveConnection.follow,
    "leave": LiveConnection.leave,
    "ping": LiveConnection.ping,
}


class Live(Endpoint):
    """Everything below /live. A foreign page's handshake is refused on every transport.

    It follows the channel on which processes tell each other of sessions that have ended, and closes their connections.
    What it is not told (Redis was away, a session's time is over, somebody is not staff any more) it finds out within
    seconds, by looking again at those who follow what not everybody may.
    """

    def __init__(self, site: Site) -> None:
        headers = security_headers(site.settings.is_https)
        allowed = partial(is_own_request, site=site)
        super().__init__("/live", LiveConnection, site, is_allowed=allowed, headers=headers)
        self._channels = site.channels
        self._looking = PeriodicCallback(self.look_again, LOOK_AGAIN * 1000)

    async def start(self) -> None:
        await self._channels.follow(SESSIONS_CHANNEL, self, _nothing)
        self._looking.start()

    def send(self, text: str) -> None:
        """A message of the channel, as any follower gets it."""
        message = json.loads(text)
        if message["type"] == "event":
            self.sign_out(message["data"]["ended"])

    def sign_out(self, sessions: Collection[str]) -> None:
        for connection in self._clients():
            if connection.session_id in sessions:
                connection.sign_out()

    async def look_again(self) -> None:
        for connection in self._clients():
            await connection.look_again()

    async def close(self, code: int = GOING_AWAY, reason: str = "Going away") -> None:
        self._looking.stop()
        self._channels.leave_all(self)
        await super().close(code, reason)

    def _clients(self) -> Iterator[LiveConnection]:
        return cast(Iterator[LiveConnection], self.connections)


async def restart(endpoint: Live) -> None:
    """Tell everybody to connect again: elsewhere, since this process stops."""
    for connection in endpoint.connections:
        connection.send(json.dumps({"type": "restart"}))
    await endpoint.close()


async def _nothing() -> int:
    return 0
