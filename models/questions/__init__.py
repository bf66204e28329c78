"""Questions of the quiz.

`writing` adds and edits them; `documents` has all queries, and who has seen which. The question itself and the rules
for what is stored are pure.
"""

from collections.abc import Sequence

from models.errors import Conflict
from models.questions.documents import QuestionDocuments, Wanted
from models.questions.question import DIFFICULTIES, Origin, Question, State
from models.questions.rules import checked
from models.questions.writing import QuestionWriting
from models.tools import Tools

__all__ = ["DIFFICULTIES", "Origin", "Question", "Questions", "State", "checked"]


class Questions:
    """All questions."""

    def __init__(self, tools: Tools) -> None:
        self.documents = QuestionDocuments(tools)
        self.writing = QuestionWriting(tools, self.documents)

    async def choose(self, rules: Wanted, accounts: Sequence[str], number: int) -> list[Question]:
        """Questions for these players, as `documents.choose` finds them. Conflict if there is none."""
        chosen = await self.documents.choose(rules, accounts, number)
        if not chosen:
            raise Conflict("no-questions", "There are no questions for these rules.")
        return chosen
