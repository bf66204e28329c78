"""The computer as an opponent: it answers as the crowd does, decided on the server before the battle begins. Pure.

If three players in ten know an answer, the computer knows it three times in ten, and the better a question is known the
sooner it answers.
"""

from collections.abc import Iterable
from random import Random

from models.battles.player import Kind, Line, Player
from models.battles.rules import Rules
from models.questions import Question
from models.questions.knowledge import Knowledge, estimated

NAME = "Computer"
ID = "computer"  # no account has it: it has no twelve characters
WELL_KNOWN, KNOWN = 0.5, 0.3  # shares of right answers
SPANS = ((0.2, 0.5), (1 / 3, 0.9), (2 / 3, 0.98))  # when it answers, as shares of the time to think


def computer(questions: Iterable[Question], rules: Rules, random: Random) -> Player:
    """The computer as a player of these questions."""
    lines = tuple(_line(question, estimated(question.difficulty), rules, random) for question in questions)
    return Player(ID, NAME, Kind.COMPUTER, lines=lines)


def _line(question: Question, knowledge: Knowledge, rules: Rules, random: Random) -> Line | None:
    """What it says, or None where it is too slow."""
    outcomes = ("right", "wrong", "chosen right", "chosen wrong", "slow")
    (outcome,) = random.choices(outcomes, knowledge.shares)
    if outcome == "slow":
        return None
    text = question.answer if outcome.endswith("right") else random.choice(question.wrong)
    share = random.uniform(*_span(knowledge.right))
    return Line(round(share * rules.seconds * 1000), text, has_alternatives=outcome.startswith("chosen"))


def _span(right: float) -> tuple[float, float]:
    return SPANS[0] if right >= WELL_KNOWN else SPANS[1] if right >= KNOWN else SPANS[2]
