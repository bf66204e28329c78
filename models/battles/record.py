"""What is left of a battle: how it began, its log and its result. Anybody who has it can compute the battle again. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lib.documents import Document, Malformed, Shape
from models.battles.battle import Battle, Entry
from models.battles.player import Kind
from models.errors import Invalid, SiteError

BATTLE: Shape[Battle] = Shape(Battle, {})
ENTRY: Shape[Entry] = Shape(Entry, {})
FORMAT = 1


@dataclass(frozen=True)
class Finished:
    """A battle that is over, as far as points need to know. `accounts` are those of persons, in the order of seats."""

    accounts: tuple[str, ...]
    began: int
    scores: tuple[int, int]
    ended: str
    winner: int | None = None

    @property
    def is_ranked(self) -> bool:
        """Whether it may count: two persons played, and it was not halted."""
        return len(self.accounts) == 2 and self.ended != "halted"


@dataclass(frozen=True)
class Record:
    """A battle that is over, and all steps that led there."""

    battle: Battle
    log: tuple[Entry, ...]

    @property
    def accounts(self) -> list[str]:
        """Those of the persons who played."""
        return [player.id for player in self.battle.players if player.kind == Kind.PERSON]

    @property
    def running_scores(self) -> list[tuple[int, int]]:
        """The scores of both after each closed question, from 0."""
        scores = [(0, 0)]
        for first, second in self.battle.outcomes:
            scores.append((scores[-1][0] + first.points, scores[-1][1] + second.points))
        return scores

    def as_document(self) -> Document:
        """The record as JSON: without accounts, and without the questions that were never closed."""
        battle = self.battle
        closed = len(battle.outcomes)
        hidden = [replace(question, text="", answer="", alternatives=(), accepted=(), explanation="", source="")
                  for question in battle.questions[closed:]]  # fmt: skip
        players = tuple(
            replace(player, id=str(seat), lines=player.lines[:closed]) for seat, player in enumerate(battle.players)
        )
        start = replace(battle, questions=(*battle.questions[:closed], *hidden), players=(players[0], players[1]))
        document = BATTLE.written(start)
        return {
            "format": FORMAT,
            "began": battle.began,
            **{name: document[name] for name in ("id", "rules", "questions", "players")},
            "log": [ENTRY.written(entry) for entry in self.log],
            "result": result_of(battle),
        }


def result_of(battle: Battle) -> dict[str, Any]:
    return {"scores": list(battle.scores), "winner": battle.winner, "ended": battle.ended}


def recomputed(document: Document) -> dict[str, Any]:
    """The result that the log of a record leads to. Invalid if it is no record, or has a step that rules forbid."""
    try:
        fixed = {name: document[name] for name in ("id", "rules", "questions", "players", "began")}
        read = BATTLE.read({**fixed, "at": document["began"], "due": document["began"]})
        log: Sequence[Entry] = [ENTRY.read(entry) for entry in document["log"]]
        start = Battle.started(read.id, read.rules, read.questions, read.players, read.began)
        return result_of(Battle.replayed(start, log))
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError, Malformed, SiteError) as error:
        raise Invalid({"file": f"This is no log of a battle, or it breaks the rules: {error}"}) from error
