"""Reads JSON as the API of the Open Trivia Database answers, in each of its encodings; also a list of such questions.

The API is described at https://opentdb.com/api_config.php; its questions are under CC BY-SA 4.0. Of a broken file,
everything before the error is yielded.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_plus

from importing.questions.fitness import named, usable
from lib.items import QuestionItem, Unreadable, Unusable
from lib.text import unescaped

HOST = "opentdb.com"
SOURCE = "Open Trivia Database, https://opentdb.com"
LICENCE = "CC BY-SA 4.0"
BASE64_TYPES = ("bXVsdGlwbGU=", "Ym9vbGVhbg==")  # multiple, boolean

_RESULTS = re.compile(r'"results"\s*:\s*\[')
_GAP = re.compile(r"[\s,]*")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")

Decode = Callable[[str], str]


def is_for(text: str) -> bool:
    """Whether this is JSON with the names that the API uses."""
    return text.lstrip()[:1] in ("{", "[") and ('"correct_answer"' in text or '"response_code"' in text)


def read(text: str, file: str) -> Iterator[QuestionItem | Unusable]:
    """Yields the questions one by one, so that each has its line."""
    place, line, number = _start(text), 1, 0
    read_up_to = 0
    while (place := _after_gap(text, place)) < len(text) and text[place] != "]":
        line += text.count("\n", read_up_to, place)
        read_up_to = place
        number += 1
        try:
            result, place = json.JSONDecoder().raw_decode(text, place)
        except (ValueError, RecursionError):
            yield Unusable(file, line, f"question {number}", "the file is broken here: this is no JSON")
            return
        yield _read_one(result, file, line)
    if place >= len(text):
        yield Unusable(file, None, "", "the file is broken: its list of questions has no end")
    elif not number:
        yield Unusable(file, None, "", "there are no questions in it")


def _start(text: str) -> int:
    """Where the first question begins."""
    if text.lstrip().startswith("["):
        return text.index("[") + 1
    found = _RESULTS.search(text)
    return found.end() if found else len(text)


def _after_gap(text: str, place: int) -> int:
    found = _GAP.match(text, place)
    return found.end() if found else place


def _read_one(result: object, file: str, line: int) -> QuestionItem | Unusable:
    text = ""
    try:
        if not isinstance(result, dict):
            raise Unreadable("is no question")
        decode = _decoder(result)
        text = decode(_string(result, "question"))
        return usable(_item(result, decode, file, line))
    except Unreadable as problem:
        return Unusable(file, line, named(text), problem.reason)


def _item(result: dict[str, Any], decode: Decode, file: str, line: int) -> QuestionItem:
    if decode(str(result.get("type", ""))) == "boolean":
        raise Unreadable("is a true/false question")
    wrong = result.get("incorrect_answers")
    if not isinstance(wrong, list) or not all(isinstance(answer, str) for answer in wrong):
        raise Unreadable("has no list incorrect_answers")
    return QuestionItem(
        origin_kind="opentdb",
        origin_host=HOST,
        origin_id="",
        file=file,
        line=line,
        text=decode(_string(result, "question")),
        answer=decode(_string(result, "correct_answer")),
        wrong=tuple(decode(answer) for answer in wrong),
        genre=decode(_string(result, "category")),
        source=SOURCE,
        licence=LICENCE,
        difficulty=decode(str(result.get("difficulty") or "")),
    )


def _string(result: dict[str, Any], key: str) -> str:
    value = result.get(key, "")
    if not isinstance(value, str):
        raise Unreadable(f"its {key} is no text")
    return value


def _decoder(result: dict[str, Any]) -> Decode:
    """How this question's texts are encoded. Only its type tells base64; URLs have no spaces."""
    if result.get("type") in BASE64_TYPES:
        return _from_base64
    question = _string(result, "question")
    is_url = _PERCENT.search(question) and not any(map(str.isspace, question))
    return unquote_plus if is_url else unescaped


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        raise Unreadable("is not base64, as its type is") from None
