"""What a question must be like before it is stored. Pure: imports and forms ask the same function."""

from collections.abc import Iterator
from dataclasses import replace

from lib.spelling import folded
from lib.text import cleaned, cleaned_line
from models.errors import Invalid
from models.questions.question import DIFFICULTIES, Question

LENGTHS = {  # fewest and most characters of each text
    "text": (5, 200),
    "answer": (1, 60),
    "genre": (1, 40),
    "explanation": (0, 500),
    "source": (0, 300),
    "licence": (0, 100),
}
ALTERNATIVES = 4
MOST_ACCEPTED = 10
LONGEST_ANSWER = LENGTHS["answer"][1]


def checked(question: Question) -> Question:
    """The question as it is stored: its texts cleaned, and strict about spelling where it has to be.

    Raises Invalid, with a problem for each field that is wrong.
    """
    question = _cleaned(question)
    problems: dict[str, str] = {}
    for field, problem in _problems(question):
        problems.setdefault(field, problem)
    if problems:
        raise Invalid(problems)
    return question.disambiguated()


def _cleaned(question: Question) -> Question:
    """The answer among the alternatives is spelt as the answer is; accepted forms differ from it and each other."""
    answer = cleaned_line(question.answer)
    alternatives = map(cleaned_line, question.alternatives)
    forms = {_form(form): form for form in map(cleaned_line, reversed(question.accepted))}
    for superfluous in ("", _form(answer)):
        forms.pop(superfluous, None)
    return replace(
        question,
        text=cleaned_line(question.text),
        answer=answer,
        alternatives=tuple(answer if _form(text) == _form(answer) else text for text in alternatives),
        genre=cleaned_line(question.genre),
        accepted=tuple(reversed(forms.values())),
        explanation=cleaned(question.explanation),
        source=cleaned_line(question.source),
        licence=cleaned_line(question.licence),
    )


def _problems(question: Question) -> Iterator[tuple[str, str]]:
    for field, (fewest, most) in LENGTHS.items():
        if not fewest <= len(getattr(question, field)) <= most:
            allowed = f"{fewest} to {most}" if fewest else f"at most {most}"
            yield field, f"The {field} must have {allowed} characters."
    if not _form(question.answer):
        yield "answer", "The answer must have a letter or a digit."
    if problem := _problem_of_alternatives(question):
        yield "alternatives", problem
    if problem := _problem_of_accepted(question):
        yield "accepted", problem
    if question.difficulty not in ("", *DIFFICULTIES):
        yield "difficulty", f"The difficulty must be one of {', '.join(DIFFICULTIES)}, or empty."


def _problem_of_alternatives(question: Question) -> str | None:
    forms = set(map(_form, question.alternatives))
    if len(question.alternatives) != ALTERNATIVES or len(forms) != ALTERNATIVES or "" in forms:
        return "There must be exactly four different alternatives."
    if _form(question.answer) not in forms:
        return "One of the alternatives must be the answer."
    if any(len(alternative) > LONGEST_ANSWER for alternative in question.alternatives):
        return f"An alternative must have at most {LONGEST_ANSWER} characters."
    return None


def _problem_of_accepted(question: Question) -> str | None:
    if len(question.accepted) > MOST_ACCEPTED:
        return f"There must be at most {MOST_ACCEPTED} accepted forms of the answer."
    if any(len(form) > LONGEST_ANSWER for form in question.accepted):
        return f"An accepted form must have at most {LONGEST_ANSWER} characters."
    if not set(map(_form, question.accepted)).isdisjoint(map(_form, question.alternatives)):
        return "An accepted form must not be a wrong alternative."
    return None


def _form(text: str) -> str:
    """A text as it is compared. Of one that is too long anyway only the start: folding may make it much longer."""
    return folded(text[: LONGEST_ANSWER + 1])
