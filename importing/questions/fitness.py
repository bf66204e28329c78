"""What all readers of questions share: what makes an item usable, how it is known again, and how messages name it."""

from dataclasses import replace

from lib.items import QuestionItem, Unreadable, distinct
from lib.text import cleaned_line
from lib.tokens import digest

WRONG = 3  # alternatives beside the answer
GENRE = "General Knowledge"  # of questions that do not say theirs
NOT_TEXT = "\ufffd"


def usable(item: QuestionItem) -> QuestionItem:
    """The item with an id, and with the first three of its wrong answers. Raises Unreadable if it cannot be used.

    A question is known again by its text and its answer: none of these formats has an id.
    """
    wrong = distinct([answer for answer in item.wrong if same(answer) != same(item.answer)])
    if not same(item.text):
        raise Unreadable("has no text")
    if not same(item.answer):
        raise Unreadable("has no right answer")
    if len(wrong) < WRONG:
        raise Unreadable(f"has fewer than {WRONG} wrong answers")
    texts = (item.text, item.answer, *wrong, item.genre, *item.accepted, item.explanation, item.source, item.licence)
    if any(NOT_TEXT in text for text in texts):
        raise Unreadable("has characters that are not UTF-8")
    id = digest(same(item.text), same(item.answer))[:32]
    return replace(item, origin_id=id, wrong=wrong[:WRONG], genre=item.genre or GENRE)


def same(text: str) -> str:
    """A text as it is compared: its words."""
    return cleaned_line(text).casefold()


def named(text: str) -> str:
    """The start of a question's text, for messages."""
    start = cleaned_line(text[:200])
    return start if len(start) <= 60 else f"{start[:59]}…"
