"""Reads Aiken: a line with the question, a line for each choice (`A. Oslo` or `A) Oslo`), and `ANSWER: A`.

https://docs.moodle.org/en/Aiken_format. A question may have several lines here, as long as none between them is empty.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from importing.questions.fitness import named, usable
from lib.items import QuestionItem, Unreadable, Unusable

_CHOICE = re.compile(r"([A-Z])[.)]\s+(\S.*)")
_ANSWER = re.compile(r"ANSWER:\s*(.*)")
_LETTERS = re.compile(r"[A-Z](?:[\s,;&]+[A-Z])*[.)]?")
_ANSWER_LINE = re.compile(r"^[ \t]*+ANSWER:", re.MULTILINE)


@dataclass
class _Draft:
    """What was read of a question so far."""

    line: int
    texts: list[str]
    choices: list[tuple[str, str]] = field(default_factory=list)
    is_complete: bool = False  # an empty line came after its text

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def is_for(text: str) -> bool:
    return _ANSWER_LINE.search(text) is not None


def read(text: str, file: str) -> Iterator[QuestionItem | Unusable]:
    draft: _Draft | None = None
    for number, line in enumerate(map(str.strip, text.split("\n")), 1):
        if answer := _ANSWER.match(line):
            yield _read_one(draft or _Draft(number, []), answer[1], file)
            draft = None
        elif not line:
            if draft:
                draft.is_complete = True
        elif draft and (choice := _CHOICE.match(line)):
            draft.choices.append((choice[1], choice[2]))
        elif draft and not draft.choices and not draft.is_complete:
            draft.texts.append(line)
        else:
            if draft:
                yield _unanswered(draft, file)
            draft = _Draft(number, [line])
    if draft:
        yield _unanswered(draft, file)


def _unanswered(draft: _Draft, file: str) -> Unusable:
    return Unusable(file, draft.line, named(draft.text), "has no line ANSWER: after its choices")


def _read_one(draft: _Draft, answer: str, file: str) -> QuestionItem | Unusable:
    try:
        return usable(_item(draft, answer, file))
    except Unreadable as problem:
        return Unusable(file, draft.line, named(draft.text), problem.reason)


def _item(draft: _Draft, answer: str, file: str) -> QuestionItem:
    if not _LETTERS.fullmatch(answer):
        raise Unreadable("its answer is not the letter of a choice")
    if len(answer.rstrip(".)")) > 1:
        raise Unreadable("has several right answers")
    if len({letter for letter, _ in draft.choices}) < len(draft.choices):
        raise Unreadable("has two choices with one letter")
    choices = dict(draft.choices)
    right = choices.pop(answer[0], "")
    if not right:
        raise Unreadable(f"has no choice {answer[0]}")
    return QuestionItem("aiken", "", "", file, draft.line, draft.text, right, tuple(choices.values()), genre="")
