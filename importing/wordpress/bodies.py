"""Converts the texts of WordPress to the HTML that it would show. Does not sanitise it.

Classic texts get paragraphs; block comments are removed; captions and code become elements; `<!--more-->` becomes
`<!--split-->`. Texts may be hostile, so everything takes linear time, even for thousands of unclosed shortcodes and
tags.
"""

import html
import re
from collections.abc import Callable, Iterator

from lib.text import unescaped

# Inside one of these, line breaks have no meaning; inside any other block they make paragraphs.
CLOSED = frozenset(
    {
        "dl",
        "figure",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "iframe",
        "object",
        "ol",
        "p",
        "pre",
        "script",
        "style",
    }
    | {"svg", "table", "textarea", "ul", "video"}
)
OPEN = frozenset({"article", "aside", "blockquote", "center", "details", "div", "footer", "header", "hr", "main"})
BLOCKS = CLOSED | OPEN | {"section", "summary"}
VOID = frozenset({"hr"})
SPLIT = "<!--split-->"

_PART = re.compile(r"(<!--[^<>]*-->|</?[a-zA-Z][^<>]*>)")
_NAME = re.compile(r"<(/?)([a-zA-Z][\w-]*)")
_MORE = re.compile(r"<!--\s*more\b[^<>]*-->")
_BLOCK = re.compile(r"<!--\s*(/?)wp:[^\s<>]+\s+(?:\{[^<>]*\}\s+)?(/?)-->")
_LANGUAGE = re.compile(r"""\b(?:language|lang)\s*=\s*["']?([\w#+.-]+)""")
_CAPTION_OF = re.compile(r"""\bcaption\s*=\s*(["'])(.*?)\1""")
_PICTURE = re.compile(r"\s*((?:<a\b[^<>]*>\s*)?<img\b[^<>]*>(?:\s*</a>)?)(.*)", re.DOTALL)
_EMBED = re.compile(r"\[embed\b[^\[\]\n]*\]\s*(https?://[^\s<>\[\]\"]+)\s*\[/embed\]")
_EMPTY_LINE = re.compile(r"\n[ \t]*\n\s*")
_LINE_END = re.compile(r"(?:<br\s*+/?>)?(?<![ \t])[ \t]*+\n[ \t]*")


def body_html(text: str) -> str:
    """Returns the HTML of a post's body, which may be classic text, blocks, or both."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _EMBED.sub(_linked, _expanded(text, ("code", "sourcecode"), _pre))
    text = _MORE.sub(SPLIT, _expanded(text, ("caption",), _figure))
    return "".join(_unblocked(text)).strip()


def paragraphs(text: str) -> str:
    """Returns classic text with HTML for its paragraphs and line breaks, except inside blocks that have their own."""
    return "".join(_paragraphs(text.replace("\r\n", "\n"))).strip()


def _expanded(text: str, names: tuple[str, ...], change: Callable[[str, str], str | None]) -> str:
    """Replaces each `[name attributes]content[/name]` by `change(attributes, content)`, unless that is None.

    A regular expression would search for each missing end again, which takes quadratic time.
    """
    bracket, line_end = _finder(text, "]"), _finder(text, "\n")
    ends = {name: _finder(text, f"[/{name}]") for name in names}
    pieces, shown = [], 0
    for found in re.finditer(rf"\[({'|'.join(names)})\b", text):
        name, start = found[1], bracket(found.end())
        end = ends[name](start)
        if found.start() < shown or end == len(text) or line_end(found.end()) < start:
            continue
        pieces.append(text[shown : found.start()])
        shown = end + len(f"[/{name}]")
        changed = change(text[found.end() : start], text[start + 1 : end])
        pieces.append(text[found.start() : shown] if changed is None else changed)
    return "".join([*pieces, text[shown:]])


def _finder(text: str, mark: str) -> Callable[[int], int]:
    """Returns a function that finds the next `mark`, or else the text's end. Its argument must never decrease."""
    found = -1

    def at(place: int) -> int:
        nonlocal found
        if found < place:
            found = text.find(mark, place)
            found = len(text) if found < 0 else found
        return found

    return at


def _unblocked(text: str) -> Iterator[str]:
    """Yields the HTML of blocks as it is, and what is outside of all blocks as classic text."""
    depth = shown = 0
    for mark in _BLOCK.finditer(text):
        yield _piece(text[shown : mark.start()], depth)
        shown = mark.end()
        is_end, is_alone = bool(mark[1]), bool(mark[2])
        depth = max(0, depth - 1) if is_end else depth + (not is_alone)
    yield _piece(text[shown:], depth)


def _piece(text: str, depth: int) -> str:
    return text.strip("\n") + "\n" if depth else paragraphs(text) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    inline: list[str] = []
    closed, depth = "", 0  # the closed block around this part, and how many blocks of that name are open
    for part in _PART.split(text):
        is_end, name = _block_tag(part)
        if depth:
            yield part
            if name == closed:
                depth += -1 if is_end else 1
        elif name or part == SPLIT:
            yield from _in_paragraphs("".join(inline))
            inline = []
            yield f"{part}\n" if is_end or part == SPLIT else part
            closed, depth = name, int(name in CLOSED and not is_end)
        else:
            inline.append(part)
    yield from _in_paragraphs("".join(inline))


def _block_tag(part: str) -> tuple[bool, str]:
    """Returns whether a part ends a block, and the block's name; an empty name for text and inline tags."""
    found = _NAME.match(part)
    name = found[2].lower() if found else ""
    return (found[1] == "/", name) if found and name in BLOCKS else (False, "")


def _in_paragraphs(text: str) -> Iterator[str]:
    for paragraph in _EMPTY_LINE.split(text.strip()):
        if paragraph.strip():
            lines = _LINE_END.sub("<br>\n", paragraph.strip())
            yield f"<p>{lines}</p>\n"


def _pre(attributes: str, content: str) -> str:
    """Converts `[code]`, which WordPress may have stored escaped or as it was typed."""
    language = _LANGUAGE.search(attributes)
    text = html.escape(unescaped(content).strip("\n"), quote=False)
    kind = f' class="language-{language[1]}"' if language else ""
    return f"\n\n<pre><code{kind}>{text}\n</code></pre>\n\n"


def _figure(attributes: str, content: str) -> str | None:
    """Converts `[caption]`: the caption follows the picture, or in old texts is an attribute."""
    found = _PICTURE.fullmatch(content)
    if not found:
        return None
    attribute = _CAPTION_OF.search(attributes)
    words = found[2].strip() or (attribute[2] if attribute else "")
    return f"<figure>{found[1]}<figcaption>{words}</figcaption></figure>"


def _linked(embed: re.Match[str]) -> str:
    address = html.escape(unescaped(embed[1]))
    return f'<a href="{address}">{address}</a>'
