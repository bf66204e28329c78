"""What is done with questions: add and edit them. Who may do it is decided by the caller."""

from dataclasses import replace

from lib.ids import new_id
from models.errors import Conflict
from models.questions.documents import CHANGED, QuestionDocuments
from models.questions.question import Question
from models.questions.rules import checked
from models.tools import Tools


class QuestionWriting:
    def __init__(self, tools: Tools, documents: QuestionDocuments) -> None:
        self._documents = documents
        self._clock = tools.clock

    async def add(self, question: Question) -> Question:
        """Stores a new question. Invalid if it makes no sense, Conflict if one of the same origin is there already."""
        question = checked(replace(question, id=new_id(), created=self._clock()))
        if not await self._documents.insert(question):
            raise Conflict("known", "This question was imported already.")
        return question

    async def edit(self, question: Question) -> Question:
        """Stores a changed question. Invalid if it makes no sense, Conflict if somebody else changed it meanwhile."""
        before = await self._documents.by_id(question.id)
        if question.revision != before.revision:
            raise Conflict("changed", CHANGED)
        question = checked(replace(question, revision=before.revision + 1))
        await self._documents.save(before, question)
        return question
