"""Program text in posts: highlighted by Pygments with classes (static/css/code.css), in a box that can be scrolled."""

import re
from functools import lru_cache

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from lib.markup.tree import Element, Node, elements, parse, text_of

MAX_HIGHLIGHTED = 100_000
_LANGUAGE = re.compile(r"(?:language-|lang-|brush:\s*)([\w#+.-]+)")
_FORMATTER = HtmlFormatter(nowrap=True)


def code_box(pre: Element, children: list[Node]) -> Element:
    """A `<pre>` as posts show it: highlighted if it names a known language, else with its own shaped children."""
    code = text_of(pre.children)
    lexer = _lexer(language_of(pre))
    if lexer is not None and len(code) <= MAX_HIGHLIGHTED:
        children = parse(highlight(code, lexer, _FORMATTER))
    return Element("div", {"class": "highlight"}, [plain_box(children)])


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
        return get_lexer_by_name(language, stripnl=False) if language else None
    except ClassNotFound:
        return None
