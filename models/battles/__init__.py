"""Battles: two players, the same questions, one fair server. The battle and its rules are pure."""

from models.battles.battle import Battle, Entry, Phase
from models.battles.player import Kind, Line, Player
from models.battles.rules import DEFAULT, Rules

__all__ = ["DEFAULT", "Battle", "Entry", "Kind", "Line", "Phase", "Player", "Rules"]
