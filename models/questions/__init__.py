"""Questions of the quiz. The question itself and the rules for what is stored are pure."""

from models.questions.question import DIFFICULTIES, Origin, Question, State
from models.questions.rules import checked

__all__ = ["DIFFICULTIES", "Origin", "Question", "State", "checked"]
