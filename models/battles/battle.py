"""The battle itself: frozen and pure. Each step returns the changed battle; it knows no server and no clock.

A step that is not allowed raises Conflict or NotAllowed with the code that clients get, and changes nothing. All times
are the server's, in milliseconds. `at` is when a step was carried out; it never runs backwards within a battle, and the
order of steps decides. `received` is when an answer arrived, which decides whether it was in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from models.battles.player import Kind, Player
from models.battles.rules import Rules
from models.battles.turn import NOTHING_DONE, Outcome, Turn, outcome_of
from models.errors import Conflict, Invalid, NotAllowed
from models.questions import Question

PAUSE = 3000  # before the first question, and between questions
LEAD = 400  # from asking to opening, so that both screens open a question together
LONGEST_LOADING = 5000  # of a picture
GRACE = 150  # from the end of time to closing: answers that arrived in time may still be on their way through a process
LONGEST_ABSENCE = 15_000  # after which a player forfeits
LONGEST_ANSWER = 100  # characters

Seat = int  # 0 or 1


class Phase(StrEnum):
    WAITING = "waiting"
    ASKED = "asked"
    CLOSED = "closed"
    OVER = "over"


class Ended(StrEnum):
    """`HALTED`: it counts for nobody."""

    PLAYED = "played"
    FORFEIT = "forfeit"
    HALTED = "halted"


@dataclass(frozen=True)
class Entry:
    """One step in the log, with what it takes to repeat it."""

    step: str
    at: int
    seat: Seat | None = None
    text: str = ""
    received: int | None = None
    by: int = 0


@dataclass(frozen=True)
class Battle:
    """`number` is that of the newest question, from 1; 0 before the first.

    `version` counts published states: events have it as their number. `revision` counts all changes: saving compares
    it. `what` names the newest published change. `due` is when the next question is asked, or the battle ends.
    """

    id: str
    rules: Rules
    questions: tuple[Question, ...]
    players: tuple[Player, Player]
    at: int
    due: int
    began: int = 0
    phase: Phase = Phase.WAITING
    number: int = 0
    opens_at: int | None = None
    closes_at: int | None = None
    turns: tuple[Turn, Turn] = NOTHING_DONE
    outcomes: tuple[tuple[Outcome, Outcome], ...] = ()
    gone: tuple[int | None, int | None] = (None, None)
    ended: Ended | None = None
    winner: Seat | None = None
    version: int = 1
    revision: int = 1
    what: str = "started"
    log: tuple[Entry, ...] = ()

    @classmethod
    def started(
        cls, id: str, rules: Rules, questions: Iterable[Question], players: tuple[Player, Player], at: int
    ) -> "Battle":
        return cls(id, rules, tuple(questions), players, at, due=at + PAUSE, began=at)

    @classmethod
    def replayed(cls, start: "Battle", log: Iterable[Entry]) -> "Battle":
        """The battle that these steps make of its start: what anybody can compute again from a log."""
        battle = start
        for entry in log:
            battle = battle._repeated(entry)
        return battle

    @property
    def question(self) -> Question | None:
        return self.questions[self.number - 1] if self.number else None

    @property
    def scores(self) -> tuple[int, int]:
        first, second = (sum(outcomes[seat].points for outcomes in self.outcomes) for seat in (0, 1))
        return first, second

    @property
    def is_over(self) -> bool:
        return self.phase == Phase.OVER

    @property
    def deadline(self) -> int | None:
        """When `time_passed` has something to do next; None after the end."""
        return min(self._dues(), default=None)

    def seat_of(self, account: str) -> Seat:
        """The seat of this person. NotAllowed for everybody else."""
        for seat, player in enumerate(self.players):
            if player.id == account and player.kind == Kind.PERSON:
                return seat
        raise NotAllowed("not-in-battle", "You do not play in this battle.")

    # Steps of players

    def answered(self, seat: Seat, number: int, text: str, received: int) -> "Battle":
        """After a player's only attempt at the open question. A right one closes it, and so does the second wrong one."""
        if len(text) > LONGEST_ANSWER:
            raise Conflict("too-long", f"An answer has at most {LONGEST_ANSWER} characters.")
        if not text.strip():
            raise Invalid({"text": "An answer needs a text."})
        self._check_asked(seat, number)
        if self.opens_at is None or received < self.opens_at:
            raise Conflict("too-early", "The question is not open yet.")
        if received > (self.closes_at or 0):
            raise Conflict("closed", "The question is closed.")
        return self._attempted(seat, text, received, "answered")

    def with_alternatives(self, seat: Seat, number: int, at: int) -> "Battle":
        """After a player has seen the four choices: from now on right is worth less. Asked again, nothing changes."""
        self._check_asked(seat, number)
        if self.turns[seat].has_alternatives:
            return self
        turns = self._turns_with(seat, has_alternatives=True)
        return self._step(Entry("alternatives", at, seat), None, turns=turns)

    def loaded(self, seat: Seat, number: int, at: int) -> "Battle":
        """After a player's picture is on the screen; the question opens once both have it."""
        if self.phase != Phase.ASKED or number != self.number or self.opens_at is not None:
            return self
        if self.turns[seat].has_loaded:
            return self
        turns = self._turns_with(seat, has_loaded=True)
        after = self._step(Entry("loaded", at, seat), None, turns=turns)
        return after if after._needs_loading else replace(after, **after._opened(after.at)).published("opened")

    def left(self, seat: Seat, at: int) -> "Battle":
        """After a player's lease ran out."""
        if self.is_over or self.gone[seat] is not None or self.players[seat].kind != Kind.PERSON:
            return self
        return self._step(Entry("gone", at, seat), "gone", gone=self._gone_with(seat, max(at, self.at)))

    def returned(self, seat: Seat, at: int) -> "Battle":
        if self.is_over or self.gone[seat] is None:
            return self
        return self._step(Entry("back", at, seat), "back", gone=self._gone_with(seat, None))

    def given_up(self, seat: Seat, at: int) -> "Battle":
        """After a player has left for good."""
        if self.is_over:
            return self
        return self._step(Entry("give-up", at, seat), "over", **self._forfeited(seat))

    # Steps of time

    def time_passed(self, at: int) -> "Battle":
        """After the one thing that is due earliest, or unchanged if nothing is due by now."""
        dues = self._dues()
        if not dues or at < min(dues):
            return self
        step = dues[min(dues)]
        if step in ("line-0", "line-1"):
            seat = int(step[-1])
            line = self.players[seat].line(self.number)
            assert line is not None
            turns = self._turns_with(seat, has_alternatives=line.has_alternatives)
            return replace(self, turns=turns)._attempted(seat, line.text, min(dues), "line", at=at)
        return self._passed(step, at)

    def moved(self, by: int, at: int) -> "Battle":
        """After all deadlines moved by so many milliseconds, in which nobody could play because Redis was away."""
        if self.is_over:
            return self

        def later(moment: int | None) -> int | None:
            return None if moment is None else moment + by

        return self._step(
            Entry("moved", at, by=by),
            "moved",
            due=self.due + by,
            opens_at=later(self.opens_at),
            closes_at=later(self.closes_at),
            gone=tuple(map(later, self.gone)),
        )

    def published(self, what: str) -> "Battle":
        """The battle as a new published state."""
        return replace(self, version=self.version + 1, what=what)

    def _check_asked(self, seat: Seat, number: int) -> None:
        if self.phase != Phase.ASKED or number != self.number:
            raise Conflict("closed", "The question is closed.")
        if self.turns[seat].has_attempted:
            raise Conflict("already-answered", "You have answered this question.")

    def _attempted(self, seat: Seat, text: str, received: int, step: str, at: int | None = None) -> "Battle":
        assert self.question is not None
        is_right = self.question.is_answered_by(text)
        seconds = round((received - (self.opens_at or received)) / 1000, 3)
        turns = self._turns_with(seat, text=text, is_right=is_right, seconds=seconds)
        entry = Entry(step, received if at is None else at, seat, text, received)
        if is_right or turns[1 - seat].has_attempted:
            return self._step(entry, "closed", **self._closed(turns, max(entry.at, self.at)))
        return self._step(entry, "attempted", turns=turns)

    def _closed(self, turns: tuple[Turn, Turn], at: int) -> dict[str, Any]:
        outcomes = tuple(outcome_of(turns[seat], turns[1 - seat], self.rules) for seat in (0, 1))
        is_last = self.number == len(self.questions)
        due = at if is_last else at + PAUSE
        return {"phase": Phase.CLOSED, "turns": turns, "outcomes": (*self.outcomes, outcomes), "due": due}

    def _asked(self, at: int) -> dict[str, Any]:
        number = self.number + 1
        asked = {"phase": Phase.ASKED, "number": number, "turns": NOTHING_DONE}
        if self.questions[number - 1].picture is None:
            return asked | self._opened(at)
        return asked | {"opens_at": None, "closes_at": None, "due": at + LONGEST_LOADING}

    def _opened(self, at: int) -> dict[str, Any]:
        opens_at = at + LEAD
        return {"opens_at": opens_at, "closes_at": opens_at + self.rules.seconds * 1000}

    def _forfeited(self, seat: Seat) -> dict[str, Any]:
        """What changes when a player forfeits: the other wins, if at least one question was closed."""
        if not self.outcomes:
            return {"phase": Phase.OVER, "ended": Ended.HALTED}
        return {"phase": Phase.OVER, "ended": Ended.FORFEIT, "winner": 1 - seat}

    def _finished(self) -> dict[str, Any]:
        first, second = self.scores
        winner = None if first == second else int(second > first)
        return {"phase": Phase.OVER, "ended": Ended.PLAYED, "winner": winner}

    def _passed(self, step: str, at: int) -> "Battle":
        now = max(at, self.at)
        if step == "halt":
            return self._step(Entry("halt", at), "over", phase=Phase.OVER, ended=Ended.HALTED)
        if step.startswith("forfeit"):
            return self._step(Entry("forfeit", at, int(step[-1])), "over", **self._forfeited(int(step[-1])))
        if step == "close":
            return self._step(Entry("close", at), "closed", **self._closed(self.turns, now))
        if step == "open":
            return self._step(Entry("open", at), "opened", **self._opened(now))
        if self.number == len(self.questions):
            return self._step(Entry("finish", at), "over", **self._finished())
        return self._step(Entry("ask", at), "asked", **self._asked(now))

    def _dues(self) -> dict[int, str]:
        """What time will do, by when. Of two things at the same moment one waits for the next call."""
        if self.is_over:
            return {}
        dues = self._dues_of_absence()
        if self.phase != Phase.ASKED:
            dues.setdefault(self.due, "next")
        elif self.opens_at is None:
            dues.setdefault(self.due, "open")
        else:
            dues.setdefault((self.closes_at or 0) + GRACE, "close")
            for seat, player in enumerate(self.players):
                line = player.line(self.number)
                if line is not None and not self.turns[seat].has_attempted:
                    dues.setdefault(self.opens_at + line.after, f"line-{seat}")
        return dues

    def _dues_of_absence(self) -> dict[int, str]:
        first, second = self.gone
        if first is not None and second is not None:
            return {max(first, second) + LONGEST_ABSENCE: "halt"}
        return {since + LONGEST_ABSENCE: f"forfeit-{seat}" for seat, since in enumerate(self.gone) if since is not None}

    @property
    def _needs_loading(self) -> bool:
        people = (turn for turn, player in zip(self.turns, self.players, strict=True) if player.kind == Kind.PERSON)
        return not all(turn.has_loaded for turn in people)

    def _turns_with(self, seat: Seat, **changes: Any) -> tuple[Turn, Turn]:
        changed = replace(self.turns[seat], **changes)
        return (changed, self.turns[1]) if seat == 0 else (self.turns[0], changed)

    def _gone_with(self, seat: Seat, since: int | None) -> tuple[int | None, int | None]:
        return (since, self.gone[1]) if seat == 0 else (self.gone[0], since)

    def _step(self, entry: Entry, what: str | None, **changes: Any) -> "Battle":
        """The battle after a step: `what` names it where the public state has changed."""
        entry = replace(entry, at=max(entry.at, self.at))
        after = replace(self, at=entry.at, revision=self.revision + 1, log=(*self.log, entry), **changes)
        return after.published(what) if what else after

    def _repeated(self, entry: Entry) -> "Battle":
        if entry.step == "answered" and entry.seat is not None and entry.received is not None:
            return self.answered(entry.seat, self.number, entry.text, entry.received)
        if entry.step == "moved":
            return self.moved(entry.by, entry.at)
        if entry.seat is None or entry.step in ("line", "forfeit"):
            return self.time_passed(entry.at)
        if entry.step in ("loaded", "alternatives"):
            step = self.loaded if entry.step == "loaded" else self.with_alternatives
            return step(entry.seat, self.number, entry.at)
        return {"gone": self.left, "back": self.returned, "give-up": self.given_up}[entry.step](entry.seat, entry.at)
