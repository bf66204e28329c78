"""Questions of the quiz. The question itself is pure."""

from models.questions.question import Question

__all__ = ["Question"]
