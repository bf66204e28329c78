"""Battles: their pages, and playing over the live connection. Who plays is known by the handshake's cookies alone.

A player hears what is meant for the player alone (`paired`, `taken-over`) on a channel of their own, and what happens
in the battle on the battle's. Times are taken when a message is received, by the server's clock.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from handlers.base import BaseHandler, public, visitor
from handlers.forms import wants_json
from handlers.live import LiveConnection, Message, Pace
from lib import json
from lib.channels import unnumbered
from lib.sockjs import GOING_AWAY
from models.battles import DEFAULT, Record, state_of
from models.errors import AWAY, Invalid, NotAllowed, SiteError, TooMany
from models.lobby import Seeker, player_name, rules_of, told
from models.points import ranked

MOST_SEEKS = 20  # a minute
MOST_SHOWN = 100
MINUTE = 60  # seconds
SURROGATE = re.compile("[\ud800-\udfff]")  # no character: it could not be stored
DONE: Message = {"type": "done"}


class LobbyHandler(BaseHandler):
    @visitor
    async def get(self) -> None:
        """What a battle is, and the button that seeks one. Gives the cookie without which nobody can play."""
        account = await self.visitor.account()
        self.page(
            "battle/lobby.html",
            rules=DEFAULT,
            name=account.name if account else "",
            canonical=self.site.settings.absolute("/quiz/"),
        )


class NameHandler(BaseHandler):
    @visitor
    async def post(self) -> None:
        """Sets the name that others see in the quiz."""
        account = await self.visitor.account()  # first: a cookie that does not count any more gets a new id
        if account is None:
            account = await self.site.accounts.acting(self.visitor.author.id)
        name = await self.site.accounts.rename(account.id, self.form.text("name"))
        if wants_json(self.request):
            self.json({"name": name})
        else:
            self.redirect("/quiz/", status=303)


class BattleHandler(BaseHandler):
    @visitor
    async def get(self) -> None:
        """The screen of a battle; its script seeks an opponent, or goes on with the battle that runs."""
        self.set_header("Cache-Control", "no-store")
        self.page("battle/battle.html")


class HighscoresHandler(BaseHandler):
    @visitor
    async def get(self) -> None:
        """The players with the most points. Equal points share a rank."""
        best = await self.site.points.documents.best(DEFAULT.id, MOST_SHOWN)
        accounts = await self.site.accounts.documents.by_ids([standing.account for standing in best])
        account = await self.visitor.account()
        self.page(
            "battle/highscores.html",
            rows=[
                (rank, player_name(accounts[standing.account]), standing)
                for rank, standing in ranked(best)
                if standing.account in accounts
            ],
            own=account.id if account else "",
        )


class ReplayHandler(BaseHandler):
    @public
    async def get(self, id: str, ending: str = "") -> None:
        """A battle that is over, for its players and staff: as a page, as the state that events had, or as its log."""
        record = await self.site.battles.reading.record(id)
        account, member = await self.visitor.account(), await self.visitor.member()
        is_player = account is not None and account.id in record.accounts
        if not is_player and not (member is not None and member.is_staff):
            raise NotAllowed("not-allowed", "Only its players can see this battle.")
        self.set_header("Cache-Control", "no-store")
        if ending == ".log.json":
            return self.json(record.as_document())
        if ending == ".json":
            return self.json(state_of(record.battle, record.battle.at))
        self._show(record, record.battle.seat_of(account.id) if is_player and account else 0, is_player=is_player)

    def _show(self, record: Record, own: int, *, is_player: bool) -> None:
        first, second = (player.name for player in record.battle.players)
        names = (first, second)
        if is_player:
            names = ("You", second) if own == 0 else (first, "You")
        self.page(
            "battle/replay.html",
            record=record,
            battle=record.battle,
            own=own,
            names=names,
            title=_title(record, own) if is_player else f"{first} against {second}",
            date=datetime.fromtimestamp(record.battle.began / 1000, UTC),
        )


class Playing:
    """A connection as a player: it follows the player's own channel, and the battle that the player plays."""

    def __init__(self, connection: LiveConnection) -> None:
        self._connection = connection
        self._site = connection.site
        self._account = ""
        self._battle = ""  # the one that this connection follows
        self._waiting: list[Message] | None = None  # messages that are held back
        self._tasks: set[asyncio.Task[Any]] = set()
        self.typing = Pace(1)

    async def account(self) -> str:
        """The account that plays, looked up anew: somebody may sign in or out meanwhile."""
        visitor = self._connection.visitor
        account = await visitor.account()
        if account is None and visitor.author.had_id:
            account = await self._site.accounts.acting(visitor.author.id)
        if account is None:
            raise SiteError("no-visitor", "Please open the page of the quiz first: it gives your browser a name.")
        return account.id

    async def enter(self) -> str:
        """Makes this the connection that plays, instead of an older one. Returns the account."""
        account = await self.account()
        if self._account and self._account != account:
            self._site.tools.channels.leave_all(self)
        self._account = account
        await self._site.tools.channels.follow(f"player:{account}", self, unnumbered)
        await self._site.lobby.presence.enter(account, self._connection.id)
        return account

    @contextmanager
    def answering_first(self) -> Iterator[None]:
        """Holds back what comes while a message is being answered: the answer is sent first."""
        self._waiting = []
        try:
            yield
        finally:
            asyncio.get_running_loop().call_soon(self._send_waiting)

    async def find_running(self, account: str) -> Message | None:
        """What a player is told who comes back to a running battle. It is followed first, so that no change is missed."""
        id = await self._site.battles.documents.find_id_of(account)
        if id is None:
            return None
        await self._follow(id)
        battle = await self._site.battles.documents.by_id(id)
        state = state_of(battle, await self._site.battles.writing.now())
        return {"type": "paired", "battle": id, "you": battle.seat_of(account), "state": state}

    async def closed(self) -> None:
        self._site.tools.channels.leave_all(self)
        await self._site.lobby.presence.leave(self._connection.id)

    def send(self, text: str) -> None:
        """Receives a message for this player, as a follower."""
        event = json.loads(text)
        if event["type"] != "event":
            return
        if self._waiting is not None:
            self._waiting.append(event["data"])
        else:
            self._deliver(event["data"])

    def _send_waiting(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        for message in waiting:
            self._deliver(message)

    def _deliver(self, message: Message) -> None:
        if message["type"] == "taken-over":
            if message["connection"] == self._connection.id:
                self._connection.send(json.dumps({"type": "taken-over"}))
                self._site.tools.channels.leave_all(self)
                self._leave_battle()
            return
        self._connection.send(json.dumps(message))
        if message["type"] == "paired":
            task = asyncio.ensure_future(self._follow_or_leave(message["battle"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _follow_or_leave(self, id: str) -> None:
        """Follows a battle. A client that cannot hear it is made to connect again, and then resumes."""
        try:
            await self._follow(id)
        except (*AWAY, SiteError):
            self._connection.close(GOING_AWAY, "away")

    def _leave_battle(self) -> None:
        if self._battle:
            self._connection.part(f"battle:{self._battle}")
        self._battle = ""

    async def _follow(self, id: str) -> None:
        if self._battle != id:
            self._leave_battle()
        self._battle = id
        await self._connection.join(f"battle:{id}", partial(self._site.battles.writing.newest, id))


async def seek(connection: LiveConnection, message: Message) -> Message:
    """Looks for an opponent; answers `paired` to somebody who plays already."""
    rules = rules_of(_text(message, "rules", "default"))
    playing = connection.role(Playing)
    account = await playing.enter()
    if (running := await playing.find_running(account)) is not None:
        return running
    wait = await connection.site.tools.limits.exceeded({f"seeks:{account}": MOST_SEEKS}, MINUTE)
    if wait:
        raise TooMany(wait)
    lobby, seeker = connection.site.lobby, Seeker(account, rules.id, connection.id, message.get("watch") is True)
    with playing.answering_first():
        await lobby.writing.seek(seeker, rules)
        here, waiting = await asyncio.gather(lobby.presence.count(), lobby.documents.waiting(rules.id))
    return {"type": "seeking", "rules": rules.id, "here": here, "waiting": waiting}


async def unseek(connection: LiveConnection, _: Message) -> Message:
    await connection.site.lobby.writing.unseek(await connection.role(Playing).account())
    return DONE


async def play_computer(connection: LiveConnection, _: Message) -> Message:
    """Ends the seek and plays the computer instead."""
    playing, lobby = connection.role(Playing), connection.site.lobby
    seeker = await lobby.documents.find(await playing.account())
    if seeker is None:
        raise NotAllowed("not-allowed", "Please look for an opponent first.")
    with playing.answering_first():
        await lobby.writing.play_computer(seeker, rules_of(seeker.rules))
    return DONE


async def resume(connection: LiveConnection, _: Message) -> Message:
    """Takes the player's seat in their running battle, with its whole state."""
    playing = connection.role(Playing)
    account = await playing.enter()
    running = await playing.find_running(account)
    if running is None:
        raise SiteError("not-in-battle", "You are not in a battle.")
    return running


async def answer(connection: LiveConnection, message: Message) -> Message:
    received = await connection.site.battles.writing.now()  # first of all: it decides whether it was in time
    id, number, text = _text(message, "battle"), _number(message), _text(message, "text")
    account = await connection.role(Playing).account()
    await connection.site.battles.writing.answer(id, account, number, text, received)
    return DONE


async def alternatives(connection: LiveConnection, message: Message) -> Message:
    """The four choices, to the player who asks alone."""
    id, number = _text(message, "battle"), _number(message)
    account = await connection.role(Playing).account()
    choices = await connection.site.battles.writing.show_alternatives(id, account, number)
    return {"type": "alternatives", "battle": id, "number": number, "choices": list(choices)}


async def loaded(connection: LiveConnection, message: Message) -> Message:
    account = await connection.role(Playing).account()
    await connection.site.battles.writing.note_loaded(_text(message, "battle"), account, _number(message))
    return DONE


async def typing(connection: LiveConnection, message: Message) -> Message:
    """Tells the other player, at most once a second."""
    playing, id = connection.role(Playing), _text(message, "battle")
    account = await playing.account()
    battle = await connection.site.battles.documents.by_id(id)
    seat = battle.seat_of(account)
    if playing.typing.may_go_on(connection.site.clock):
        event = told(battle.players[1 - seat].id, {"type": "typing", "battle": id, "you": 1 - seat})
        await connection.site.tools.channels.publish(event)
    return DONE


async def rematch(connection: LiveConnection, message: Message) -> Message:
    """Offers the other player another battle, or agrees to it."""
    playing, id = connection.role(Playing), _text(message, "battle")
    account = await playing.enter()
    with playing.answering_first():
        await connection.site.lobby.writing.offer_rematch(id, account)
    return DONE


async def give_up(connection: LiveConnection, message: Message) -> Message:
    account = await connection.role(Playing).account()
    await connection.site.battles.writing.give_up(_text(message, "battle"), account)
    return DONE


def _title(record: Record, own: int) -> str:
    if record.battle.ended == "halted":
        return "This battle was stopped"
    if record.battle.winner is None:
        return "A draw"
    return "You won" if record.battle.winner == own else "You lost"


def _text(message: Message, name: str, default: str | None = None) -> str:
    value = message.get(name, default)
    if not isinstance(value, str) or SURROGATE.search(value):
        raise Invalid({name: "This must be text."})
    return value


def _number(message: Message) -> int:
    value = message.get("number")
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid({"number": "This must be a number."})
    return value
