"""Reads GIFT, the text format of Moodle: `Which city …? {=Oslo ~Bergen ~Molde ~Tromsø}`, with empty lines between.

https://docs.moodle.org/en/GIFT_format. Only questions with one right and three wrong answers are used. Their genre is
the last part of the category, their explanation is the general feedback.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from importing.questions.fitness import named, usable
from lib.items import QuestionItem, Unreadable, Unusable
from lib.text import unescaped

BLANK = "_____"  # where the answers stand within the sentence
TRUE_FALSE = ("t", "f", "true", "false")

# While the controls around them are found, escaped characters are noncharacters:
# https://unicode.org/faq/private_use#nonchar1
_CONTROLS = "~=#{}:\\n"
_SAFE = {control: chr(0xFDD0 + place) for place, control in enumerate(_CONTROLS)}
_RESTORED = {ord(safe): "\n" if control == "n" else control for control, safe in _SAFE.items()}
_NONCHARACTER = re.compile(r"[\ufdd0-\ufdef]")
_ESCAPED = re.compile(r"\\([~=#{}:\\n])")

_CATEGORY = re.compile(r"\$CATEGORY:\s*(.*)")
_SLASH = re.compile(r"(?<!/)/(?!/)")
_FORMAT = re.compile(r"\[(html|moodle|plain|markdown)\]")
_ANSWER = re.compile(r"[~=][^~=]*")
_WEIGHT = re.compile(r"%(-?[0-9]{1,3}(?:\.[0-9]{0,9})?)%")
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"</?(?:p|br|div|li|ul|ol|h[1-6])\b[^<>]*>", re.IGNORECASE)
_NEEDED = re.compile(r"<(?:img|audio|video|object|iframe|svg|math|su[bp]|table)\b|@@PLUGINFILE@@", re.IGNORECASE)
_RECOGNISED = re.compile(r"(?<!\\)\{\s*(?:[~=#]|(?:TRUE|FALSE|T|F)\b)|^\$CATEGORY:", re.MULTILINE)


class _Block(NamedTuple):
    """The lines of one question, without comments, and the number of the first."""

    line: int
    text: str


def is_for(text: str) -> bool:
    """Whether there are answers in braces, or a category."""
    return _RECOGNISED.search(text) is not None


def read(text: str, file: str) -> Iterator[QuestionItem | Unusable]:
    genre = ""
    for block in _blocks(text):
        if category := _CATEGORY.fullmatch(block.text):
            genre = _genre(category[1])
        else:
            yield _read_one(block, genre, file)


def _blocks(text: str) -> Iterator[_Block]:
    """Blocks between empty lines; a category is one, whatever follows it."""
    lines: list[str] = []
    start = 0
    for number, line in enumerate([*map(str.strip, text.split("\n")), ""], 1):
        if line.startswith("//"):
            continue
        if lines and (not line or _CATEGORY.match(lines[0])):
            yield _Block(start, "\n".join(lines))
            lines = []
        if line:
            start = start if lines else number
            lines.append(line)


def _genre(path: str) -> str:
    """The last part of a category's path, in which `//` is a slash: `$course$/top/Default for Geography`."""
    last = _SLASH.split(path.strip())[-1].replace("//", "/").removeprefix("Default for ").strip()
    return "" if last in ("top", "$course$") else last


def _read_one(block: _Block, genre: str, file: str) -> QuestionItem | Unusable:
    try:
        return usable(_item(block, genre, file))
    except Unreadable as problem:
        return Unusable(file, block.line, named(block.text), problem.reason)


def _item(block: _Block, genre: str, file: str) -> QuestionItem:
    text = _ESCAPED.sub(lambda found: _SAFE[found[1]], _NONCHARACTER.sub("", block.text))
    question, inside = _parted(_untitled(text))
    answers, _, explanation = inside.rpartition("####") if "####" in inside else (inside, "", "")
    format, question = _format(question.strip(), "moodle")
    _refuse_others(answers.strip())
    right, wrong = _answers(answers, format)
    return QuestionItem(
        origin_kind="gift",
        origin_host="",
        origin_id="",
        file=file,
        line=block.line,
        text=_plain(question, format),
        answer=right,
        wrong=tuple(wrong),
        genre=genre,
        explanation=_plain(explanation, format),
    )


def _untitled(text: str) -> str:
    """Without `::title::` before it."""
    _, mark, rest = text[2:].partition("::") if text.startswith("::") else ("", "", "")
    return rest.strip() if mark else text


def _parted(text: str) -> tuple[str, str]:
    """The question, with a blank where its answers stand before its end, and what is in the braces."""
    before, opening, rest = text.partition("{")
    inside, closing, after = rest.partition("}")
    if not opening and "}" not in text:
        raise Unreadable("has no answers")
    if not opening or not closing or "}" in before:
        raise Unreadable("has only one of the two braces around its answers")
    if "{" in inside or "{" in after or "}" in after:
        raise Unreadable("has more than one pair of braces: two questions need an empty line between them")
    return f"{before}{BLANK}{after}" if after.strip() else before, inside


def _refuse_others(answers: str) -> None:
    """Raises Unreadable for all types of questions but multiple choice, which alone has `~`."""
    if not answers:
        raise Unreadable("is an essay question")
    if answers.startswith("#"):
        raise Unreadable("is a numerical question")
    if "~" in answers:
        return
    if answers.partition("#")[0].strip().casefold() in TRUE_FALSE:
        raise Unreadable("is a true/false question")
    if "->" in answers:
        raise Unreadable("is a matching question")
    raise Unreadable("is a short answer question: it has no wrong answers")


def _answers(answers: str, format: str) -> tuple[str, list[str]]:
    """The right answer and the wrong ones. Weights (`~%50%`) are per cent; feedback (`#…`) is left out."""
    right: list[str] = []
    wrong: list[str] = []
    if not answers.strip().startswith(("~", "=")):
        raise Unreadable("has a text before its first answer")
    for piece in _ANSWER.findall(answers):
        given = piece[1:].partition("#")[0].strip()
        found = _WEIGHT.match(given)
        weight = float(found[1]) if found else 100 * (piece[0] == "=")
        if 0 < weight < 100:
            raise Unreadable("has several right answers, or one that is partly right")
        text = _plain(given[found.end() :] if found else given, format)
        if text:
            (right if weight > 0 else wrong).append(text)
    if len(right) > 1:
        raise Unreadable("has several right answers")
    return right[0] if right else "", wrong


def _format(text: str, otherwise: str) -> tuple[str, str]:
    """The format that a text begins with, such as `[html]`, and the rest."""
    found = _FORMAT.match(text)
    return (found[1], text[found.end() :]) if found else (otherwise, text)


def _plain(text: str, format: str) -> str:
    """A text without markup and escapes."""
    format, text = _format(text.strip(), format)
    text = text.translate(_RESTORED)
    if _NEEDED.search(text):
        raise Unreadable("needs a picture, a sound or markup")
    return unescaped(_TAG.sub("", _BREAK.sub(" ", text))).strip() if format == "html" else text.strip()
