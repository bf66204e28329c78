"""What happens to battles while they run: start, the steps of players, deadlines, the end.

Nobody owns a battle. Every change is: load, take a pure step, save if nobody else changed it meanwhile. A deadline is a
timer in the process that set it; `sweep` finds those of processes that died. Whoever comes first carries a step out, and
the others find nothing to do.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from lib.channels import Event
from lib.documents import Malformed
from lib.ids import new_id
from lib.redisclock import RedisClock
from models.battles.battle import Battle
from models.battles.documents import BattleDocuments
from models.battles.player import Player
from models.battles.record import Record
from models.battles.rules import Rules
from models.battles.state import state_of
from models.errors import AWAY, Conflict, NotFound
from models.questions import Question
from models.tools import Tools

TRIES = 20
LATE = 250  # milliseconds after a deadline, at which its timer must have died with its process

logger = logging.getLogger(__name__)
Step = Callable[[Battle], Battle]
Counted = TypeVar("Counted")
BROKEN = (NotFound, Malformed, ValueError, TypeError)  # what reading such a battle raises


class BattleWriting:
    def __init__(self, tools: Tools, documents: BattleDocuments) -> None:
        self._documents = documents
        self._clock = RedisClock(tools.redis)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def now(self) -> int:
        """The server's time in milliseconds: when a message was received, if it is asked first of all."""
        return await self._clock.now()

    async def start(
        self,
        rules: Rules,
        questions: Sequence[Question],
        players: tuple[Player, Player],
        told: Callable[[Battle], Sequence[Event]] = lambda _: (),
    ) -> Battle:
        """Starts a battle of two players, who are `told` in the same step. Conflict if one of them plays already."""
        battle = Battle.started(new_id(), rules, questions, players, await self.now())
        if await self._documents.start(battle, [*told(battle), _event(battle)]):
            raise Conflict("not-allowed", "One of the two is playing already.")
        self._set_timer(battle, battle.at)
        return battle

    async def answer(self, id: str, account: str, number: int, text: str, received: int) -> Battle:
        return await self.change(id, lambda battle: battle.answered(battle.seat_of(account), number, text, received))

    async def show_alternatives(self, id: str, account: str, number: int) -> tuple[str, ...]:
        """The four choices, for the player who asked alone."""
        at = await self.now()
        battle = await self.change(id, lambda battle: battle.with_alternatives(battle.seat_of(account), number, at))
        return battle.question.alternatives if battle.question else ()

    async def note_loaded(self, id: str, account: str, number: int) -> None:
        at = await self.now()
        await self.change(id, lambda battle: battle.loaded(battle.seat_of(account), number, at))

    async def give_up(self, id: str, account: str) -> None:
        at = await self.now()
        await self.change(id, lambda battle: battle.given_up(battle.seat_of(account), at))

    async def note_gone(self, id: str, account: str) -> None:
        at = await self.now()
        await self.change(id, lambda battle: battle.left(battle.seat_of(account), at))

    async def note_back(self, id: str, account: str) -> None:
        at = await self.now()
        await self.change(id, lambda battle: battle.returned(battle.seat_of(account), at))

    async def newest(self, id: str) -> int:
        """The number of the newest published state of a battle."""
        return (await self._documents.by_id(id)).version

    async def change(self, id: str, step: Step) -> Battle:
        """Loads a battle, takes a pure step, and saves it; again if somebody else changed it in between."""
        for _ in range(TRIES):
            before = await self._documents.by_id(id)
            after = step(before)
            if after is before:
                return before
            event = _event(after) if after.version != before.version else None
            if await self._documents.save(before, after, event):
                self._set_timer(after, await self.now())
                return after
        raise Conflict("not-allowed", "Too much happens in this battle at once. Please try again.")

    async def sweep(self) -> int:
        """Carries out what is overdue because its process died. Returns of how many battles."""
        late = await self._documents.due(await self.now() - LATE)
        for id in late:
            try:
                await self._pass_time(id)
            except BROKEN:
                await self._set_aside(id)
            except Conflict:
                pass  # others are busy with it
        return len(late)

    async def keep_finished(self, count: Callable[[Record], Awaitable[Counted]]) -> list[tuple[Record, Counted]]:
        """Moves battles that are over to MongoDB, and counts their points. Returns those that this process has moved.

        A battle is released last: if a process dies in between, another one counts again, with the same result.
        """
        kept = []
        for id in await self._documents.over():
            try:
                record = await self._documents.keep(id)
                counted = await count(record)
                if await self._documents.release(id):
                    kept.append((record, counted))
            except BROKEN:
                await self._set_aside(id)
        return kept

    async def close(self) -> None:
        """Forgets all timers: other processes carry out what is due."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _set_aside(self, id: str) -> None:
        """A battle that is missing or cannot be read must not hold up others."""
        logger.exception("battle %s was set aside", id)
        await self._documents.set_aside(id)

    async def _pass_time(self, id: str) -> None:
        at = await self.now()
        battle = await self.change(id, lambda battle: battle.time_passed(at))
        if id not in self._timers:  # nothing was due yet, by a clock that was measured anew meanwhile
            self._set_timer(battle, at)

    def _set_timer(self, battle: Battle, now: int) -> None:
        if timer := self._timers.pop(battle.id, None):
            timer.cancel()
        if battle.deadline is not None:
            seconds = max(0, battle.deadline - now) / 1000
            later = asyncio.get_running_loop().call_later
            self._timers[battle.id] = later(seconds, partial(self._time_is_up, battle.id))

    def _time_is_up(self, id: str) -> None:
        self._timers.pop(id, None)
        task = asyncio.create_task(self._try_to_pass_time(id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try_to_pass_time(self, id: str) -> None:
        try:
            await self._pass_time(id)
        except AWAY:
            pass  # the sweep does it once Redis is back
        except Exception:
            logger.exception("a deadline of battle %s could not be carried out", id)


def _event(battle: Battle) -> Event:
    return Event(f"battle:{battle.id}", battle.version, {"what": battle.what, "state": state_of(battle, battle.at)})
