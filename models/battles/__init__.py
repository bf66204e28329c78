"""Battles: two players, the same questions, one fair server.

The battle, its players, turns and rules are pure; `documents` has Redis and MongoDB; `writing` runs battles, and `reading`
has those that are over.
"""

from models.battles.battle import Battle, Entry, Phase
from models.battles.computer import computer
from models.battles.documents import BattleDocuments
from models.battles.player import Kind, Line, Player
from models.battles.reading import BattleReading
from models.battles.record import Finished, Record, recomputed
from models.battles.rules import DEFAULT, Rules
from models.battles.state import state_of
from models.battles.writing import BattleWriting
from models.tools import Tools

__all__ = [
    "DEFAULT",
    "Battle",
    "Battles",
    "Entry",
    "Finished",
    "Kind",
    "Line",
    "Phase",
    "Player",
    "Record",
    "Rules",
    "computer",
    "recomputed",
    "state_of",
]


class Battles:
    """All battles."""

    def __init__(self, tools: Tools) -> None:
        self.documents = BattleDocuments(tools)
        self.reading = BattleReading(self.documents)
        self.writing = BattleWriting(tools, self.documents)
