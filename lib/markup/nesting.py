"""Refuses HTML that would keep the sanitiser busy for minutes: thousands of elements nested in each other.

An HTML parser visits the open elements at many a tag, and opens formatting that was never closed (`<b>`, `<font>`)
again in each paragraph: 300 KB of that takes minutes or gigabytes. https://html.spec.whatwg.org/multipage/parsing.html
"""

import re

MAX_WORK = 2_000_000
MAX_GROWTH = 8  # a text of nothing but non-breaking spaces grows sixfold

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/<>]*)([^<>]*)")
_HIDDEN = re.compile(r"<!--.*?(?:-->|--!>|\Z)|=\s*\"[^\"]*\"|=\s*'[^']*'", re.DOTALL)  # where a parser may see no tag
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
# A parser closes these itself or ignores them: they never nest without something that is counted in between.
_TABLE_PARTS = {"caption", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"}
_UNCOUNTED = _VOID | _TABLE_PARTS | {"a", "body", "form", "head", "html", "nobr", "p"}
_PICTURES = {"circle", "ellipse", "g", "image", "line", "mspace", "path", "polygon", "polyline", "rect", "stop", "use"}
_ITEMS = {"dd": "dl", "dt": "dl", "li": "ul", "option": "select"}  # one ends another of the same kind
_LISTS = {"dir", "div", "dl", "menu", "ol", "select", "ul"}


class TooNested(ValueError):
    """A person did not write this HTML."""


def check(html: str) -> None:
    """Raises TooNested where the numbers of open elements, counted at each tag, add up to more than MAX_WORK.

    An element counts as open until its own end tag follows its contents: rather too long than too short. So a start tag
    in a comment or an attribute counts, and an end tag there does not.
    """
    work, open_tags = 0, list[str]()
    hidden = (found.span() for found in _HIDDEN.finditer(html))
    begin, end = next(hidden, (len(html), len(html)))
    for found in _TAG.finditer(html):
        name = found[2].lower()
        while end <= found.start():
            begin, end = next(hidden, (len(html), len(html) + 1))
        is_end, is_hidden = bool(found[1]), begin <= found.start()
        if name not in _UNCOUNTED and not (is_end and is_hidden) and not _is_picture(name, found[3], open_tags):
            _count(open_tags, name, is_end)
        work += len(open_tags)
        if work > MAX_WORK:
            raise TooNested(f"HTML with {len(open_tags):,} elements nested in each other")


def check_growth(html: str, tidied: str) -> None:
    """Raises TooNested where HTML has become much longer by closing what was left open."""
    if len(tidied) > MAX_GROWTH * len(html) + 1_000:
        raise TooNested("HTML in which hardly any element is closed")


def _is_picture(name: str, attributes: str, open_tags: list[str]) -> bool:
    """Whether it closes itself: a parser ignores that slash outside of pictures and formulas."""
    return name in _PICTURES and attributes.endswith("/") and ("svg" in open_tags or "math" in open_tags)


def _count(open_tags: list[str], name: str, is_end: bool) -> None:
    last = open_tags[-1] if open_tags else ""
    if not is_end:
        if last in _ITEMS and _ITEMS[last] == _ITEMS.get(name):
            open_tags.pop()
        open_tags.append(name)
    elif last == name:
        open_tags.pop()
    elif last in _ITEMS and name in _LISTS and open_tags[-2:-1] == [name]:
        del open_tags[-2:]
