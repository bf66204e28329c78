"""Looking for an opponent: seek, be paired, give up looking. Nobody is ever paired with themselves."""

import logging
from collections.abc import Callable, Sequence
from random import Random

from lib.channels import Event
from models.accounts import Account, Accounts
from models.battles import Battle, Battles, Kind, Player, Rules, computer, state_of
from models.errors import Conflict, NotAllowed, SiteError
from models.lobby.documents import LobbyDocuments, Pair, Seeker
from models.lobby.presence import Presence, told
from models.questions import Question, Questions
from models.tools import Tools

STRANDED = 2000  # milliseconds after which the process that found a pair must have died

logger = logging.getLogger(__name__)


class LobbyWriting:
    def __init__(
        self,
        tools: Tools,
        documents: LobbyDocuments,
        presence: Presence,
        accounts: Accounts,
        battles: Battles,
        questions: Questions,
    ) -> None:
        self._presence = presence
        self._documents = documents
        self._accounts = accounts
        self._battles = battles
        self._questions = questions
        self._clock = tools.clock
        self._channels = tools.channels
        self._random = Random()

    async def seek(self, seeker: Seeker, rules: Rules) -> None:
        """Looks for an opponent. Both hear of their battle on their own channels, here or when somebody comes."""
        await self._presence.enter(seeker.account, seeker.connection)
        await self._documents.cancel_rematch(seeker.account)
        pair = await self._documents.seek(seeker, await self._battles.writing.now())
        if pair is not None:
            await self._start(pair, rules)

    async def unseek(self, account: str) -> None:
        """Ends a seek. Somebody who is paired by now plays."""
        await self._documents.unseek(account)

    async def play_computer(self, seeker: Seeker, rules: Rules) -> None:
        """Ends a seek and starts a battle against the computer. Somebody who is paired by now plays that battle."""
        if not await self._documents.unseek(seeker.account):
            return
        questions = await self._chosen(rules, [seeker.account])
        players = (await self._player(seeker.account), computer(questions, rules, self._random))
        await self._battles.writing.start(rules, questions, players, _paired)
        await self._note_seen([seeker.account], questions)

    async def offer_rematch(self, id: str, account: str) -> None:
        """Offers the other player of a battle that is over another one, by the same rules. It starts once both have."""
        battle = (await self._battles.reading.record(id)).battle
        other = battle.players[1 - battle.seat_of(account)]
        if other.kind != Kind.PERSON:
            raise NotAllowed("not-allowed", "Only people can agree to play again.")
        if not await self._documents.offer_rematch(account, other.id, id):
            await self._channels.publish(told(other.id, {"type": "rematch", "battle": id}))
            return
        for one in (account, other.id):
            await self._documents.unseek(one)
        questions = await self._chosen(battle.rules, [account, other.id])
        players = (await self._player(battle.players[0].id), await self._player(battle.players[1].id))
        await self._battles.writing.start(battle.rules, questions, players, _paired)
        await self._note_seen([account, other.id], questions)

    async def start_stranded(self, rules_of: Callable[[str], Rules]) -> None:
        """Starts the battles of pairs whose process died."""
        for pair in await self._documents.pairs(await self._battles.writing.now() - STRANDED):
            try:
                await self._start(pair, rules_of(pair.first.rules))
            except SiteError:
                logger.exception("the battle of a pair cannot start")
                await self._documents.forget(pair)

    async def _start(self, pair: Pair, rules: Rules) -> None:
        accounts = (pair.first.account, pair.second.account)
        try:
            questions = await self._chosen(rules, accounts)
        except Conflict as refusal:
            return await self._refuse(pair, refusal)
        players = (await self._player(accounts[0]), await self._player(accounts[1]))
        try:
            await self._battles.writing.start(rules, questions, players, _paired)
            await self._note_seen(accounts, questions)
        except Conflict:  # one of the two plays already, in another tab: the other goes on looking
            await self._documents.forget(pair)
            return await self._seek_again(pair, rules)
        await self._documents.forget(pair)

    async def _seek_again(self, pair: Pair, rules: Rules) -> None:
        for seeker in (pair.first, pair.second):
            if await self._battles.documents.find_id_of(seeker.account) is None:
                found = await self._documents.seek(seeker, await self._battles.writing.now())
                if found is not None:
                    await self._start(found, rules)

    async def _chosen(self, rules: Rules, accounts: Sequence[str]) -> list[Question]:
        """The questions of a battle. Conflict if there are not enough."""
        questions = await self._questions.choose(rules, accounts, rules.questions)
        if len(questions) < rules.questions:
            raise Conflict("no-questions", "There are not enough questions for these rules.")
        return questions

    async def _note_seen(self, accounts: Sequence[str], questions: Sequence[Question]) -> None:
        await self._questions.documents.note_seen(accounts, [question.id for question in questions], self._clock())

    async def _refuse(self, pair: Pair, refusal: Conflict) -> None:
        await self._documents.forget(pair)
        error = {"type": "error", "code": refusal.code, "message": refusal.message}
        await self._channels.publish(told(pair.first.account, error), told(pair.second.account, error))

    async def _player(self, account: str) -> Player:
        return Player(account, player_name(await self._accounts.by_id(account)))


def player_name(account: Account) -> str:
    """The name that others see. Somebody who has chosen none is a guest with a number, the same everywhere."""
    return account.name or f"Guest {int(account.id, 32) % 9000 + 1000}"


def _paired(battle: Battle) -> list[Event]:
    """What the two players of a new battle are told, each with their own seat."""
    state = state_of(battle, battle.at)
    return [
        told(player.id, {"type": "paired", "battle": battle.id, "you": seat, "state": state})
        for seat, player in enumerate(battle.players)
        if player.kind == Kind.PERSON
    ]
