"""Program text in posts: highlighted by Pygments with classes (static/css/code.css), in a box that can be scrolled."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from time import process_time
from typing import Any

from pygments import format
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from lib.markup.tree import Element, Node, elements, parse, text_of

MAX_HIGHLIGHTED = 100_000
PATIENCE = 2.0  # seconds of processor time for a post: many lexers take quadratic time for text of another language
CUBIC = {"Easytrieve"}  # lexers that take it in one step, where no limit of time helps
Token = tuple[Any, str]  # its type, an object of Pygments, and its text
_LANGUAGE = re.compile(r"(?:language-|lang-|brush:\s*)([\w#+.-]+)")
_FORMATTER = HtmlFormatter(nowrap=True)


class CodeBoxes:
    """The `<pre>` of one post, as the post shows them."""

    def __init__(self) -> None:
        self._left = PATIENCE

    def box(self, pre: Element, children: list[Node]) -> Element:
        """Highlighted if it names a known language and there is time left, else with its own shaped children."""
        code = text_of(pre.children)
        lexer = _lexer(language_of(pre))
        if lexer is not None and len(code) <= MAX_HIGHLIGHTED and self._left > 0:
            start = process_time()
            try:
                children = parse(format(_until(start + self._left, lexer.get_tokens(code)), _FORMATTER))
            except _TooSlow:
                pass
            self._left -= process_time() - start
        return Element("div", {"class": "highlight"}, [plain_box(children)])


class _TooSlow(Exception):
    pass


def _until(end: float, tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        if process_time() > end:
            raise _TooSlow


def plain_box(children: list[Node]) -> Element:
    """A box of code; it takes the keyboard's focus, since a wide one has to be scrolled."""
    return Element("pre", {"tabindex": "0"}, [Element("code", {}, children)])


def language_of(pre: Element) -> str:
    """The language that a `<pre>` or the `<code>` in it names by a class, as Markdown and WordPress write it."""
    for element in elements([pre]):
        if element.tag in ("pre", "code") and (found := _LANGUAGE.search(element.attributes.get("class", ""))):
            return found[1].lower()
    return ""


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        lexer = get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        return None
    return None if lexer is None or lexer.name in CUBIC else lexer
