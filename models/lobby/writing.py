"""Looking for an opponent: seek, be paired, give up looking. Nobody is ever paired with themselves.

A seek is a lease of the connection that seeks. A newer tab takes it over; a closed one ends it after a second, and one
whose network died after six.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from lib.channels import Event
from lib.leases import Leases
from models.accounts import Accounts
from models.battles import Battle, Battles, Player, Rules, state_of
from models.errors import Conflict
from models.lobby.documents import LobbyDocuments, Pair, Seeker
from models.questions import Question
from models.tools import Tools

LIFE = 6000  # milliseconds of a lease
AFTER_CLOSE = 1000  # milliseconds: a reload of the page must not end a seek
STRANDED = 2000  # milliseconds after which the process that found a pair must have died

logger = logging.getLogger(__name__)
Choose = Callable[[Rules, Sequence[str]], Awaitable[Sequence[Question]]]


class LobbyWriting:
    """`choose` chooses the questions for a battle of two accounts."""

    def __init__(
        self, tools: Tools, documents: LobbyDocuments, accounts: Accounts, battles: Battles, choose: Choose
    ) -> None:
        self._documents = documents
        self._accounts = accounts
        self._battles = battles
        self._choose = choose
        self._channels = tools.channels
        self._leases = Leases(tools.redis, "seek", LIFE)

    async def seek(self, seeker: Seeker, rules: Rules) -> None:
        """Looks for an opponent. Both hear of their battle on their own channels, here or when somebody comes."""
        now = await self._battles.writing.now()
        previous = await self._leases.take(seeker.account, seeker.connection, now)
        if previous not in (None, seeker.connection):
            await self._channels.publish(told(seeker.account, {"type": "taken-over", "connection": previous}))
        pair = await self._documents.seek(seeker, now)
        if pair is not None:
            await self._start(pair, rules)

    async def unseek(self, account: str) -> None:
        """Ends a seek. Whoever is paired by now plays."""
        if await self._documents.unseek(account):
            await self._leases.end([account])

    async def renew(self, seekers: Sequence[tuple[str, str]]) -> None:
        """Renews the seeks of these accounts by their connections; processes call it every two seconds."""
        await self._leases.renew(seekers, await self._battles.writing.now())

    async def closed(self, account: str, connection: str) -> None:
        """Ends the seek of a connection that was closed, unless another one takes it over within a second."""
        await self._leases.shorten(account, connection, await self._battles.writing.now() + AFTER_CLOSE)

    async def sweep(self, rules_of: Callable[[str], Rules]) -> None:
        """Ends seeks whose leases have expired, and starts battles of pairs whose process died."""
        now = await self._battles.writing.now()
        for account in await self._leases.expired(now):
            await self.unseek(account)
        for pair in await self._documents.pairs(now - STRANDED):
            await self._start(pair, rules_of(pair.first.rules))

    async def _start(self, pair: Pair, rules: Rules) -> None:
        accounts = (pair.first.account, pair.second.account)
        questions = await self._choose(rules, accounts)
        if len(questions) < rules.questions:
            await self._refuse(pair, "no-questions", "There are not enough questions for these rules.")
            return
        players = (await self._player(accounts[0]), await self._player(accounts[1]))
        try:
            await self._battles.writing.start(rules, questions, players, _paired)
        except Conflict:
            logger.warning("one of the pair %s plays already", accounts)  # in another tab, a moment ago
        await self._documents.forget(pair)
        await self._leases.end(accounts)

    async def _refuse(self, pair: Pair, code: str, message: str) -> None:
        await self._documents.forget(pair)
        error = {"type": "error", "code": code, "message": message}
        await self._channels.publish(told(pair.first.account, error), told(pair.second.account, error))

    async def _player(self, account: str) -> Player:
        name = (await self._accounts.by_id(account)).name
        return Player(account, name or guest_name(account))


def told(account: str, message: Mapping[str, object]) -> Event:
    """A message to all connections of one player."""
    return Event(f"player:{account}", 0, message)


def guest_name(account: str) -> str:
    """The name of somebody who has chosen none: the same for an account everywhere."""
    return f"Guest {int(account, 32) % 9000 + 1000}"


def _paired(battle: Battle) -> list[Event]:
    """What the two players of a new battle are told, each with their own seat."""
    state = state_of(battle, battle.at)
    return [
        told(player.id, {"type": "paired", "battle": battle.id, "you": seat, "state": state})
        for seat, player in enumerate(battle.players)
    ]
