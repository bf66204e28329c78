"""The texts of WordPress as the HTML it would have shown: classic ones get their paragraphs, blocks lose their marks,
captions and code become elements. `<!--more-->` becomes `<!--split-->`. Nothing here is sanitised.
"""

import html
import re
from collections.abc import Iterator

# Where one of these is open, line breaks mean nothing; in any other block they make paragraphs.
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
_BLOCK = re.compile(r"<!--\s*(/?)wp:[^\s]+\s+(?:\{.*?\}\s+)?(/?)-->", re.DOTALL)
_CODE = re.compile(r"\[(code|sourcecode)\b([^\]\n]*)\](.*?)\[/\1\]", re.DOTALL)
_LANGUAGE = re.compile(r"""\b(?:language|lang)\s*=\s*["']?([\w#+.-]+)""")
_CAPTION = re.compile(r"\[caption\b([^\]\n]*)\](.*?)\[/caption\]", re.DOTALL)
_CAPTION_OF = re.compile(r"""\bcaption\s*=\s*(["'])(.*?)\1""")
_PICTURE = re.compile(r"\s*((?:<a\b[^<>]*>\s*)?<img\b[^<>]*>(?:\s*</a>)?)(.*)", re.DOTALL)
_EMBED = re.compile(r"\[embed\b[^\]\n]*\]\s*(https?://[^\s<>\[\]\"]+)\s*\[/embed\]")
_EMPTY_LINE = re.compile(r"\n[ \t]*\n\s*")


def body_html(text: str) -> str:
    """The HTML of a post's body, classic or of blocks, or some of both."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _MORE.sub(SPLIT, _CAPTION.sub(_figure, _EMBED.sub(_linked, _CODE.sub(_pre, text))))
    return "".join(_unblocked(text)).strip()


def paragraphs(text: str) -> str:
    """Paragraphs and line breaks as HTML, outside of what has its own; what WordPress does for classic texts."""
    return "".join(_paragraphs(text.replace("\r\n", "\n"))).strip()


def _unblocked(text: str) -> Iterator[str]:
    """A block's HTML stands as it is; what is outside of all blocks is a classic text."""
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
    closed: list[str] = []
    for part in _PART.split(text):
        is_end, name = _block_tag(part)
        if closed:
            yield part
            if name == closed[-1]:
                closed = closed[:-1] if is_end else [*closed, name]
        elif name or part == SPLIT:
            yield from _in_paragraphs("".join(inline))
            inline = []
            yield f"{part}\n" if is_end or part == SPLIT else part
            closed = [name] if name in CLOSED and not is_end else []
        else:
            inline.append(part)
    yield from _in_paragraphs("".join(inline))


def _block_tag(part: str) -> tuple[bool, str]:
    """Whether a part ends a block, and the block's name; empty for text and for tags within a line."""
    found = _NAME.match(part)
    name = found[2].lower() if found else ""
    return (found[1] == "/", name) if found and name in BLOCKS else (False, "")


def _in_paragraphs(text: str) -> Iterator[str]:
    for paragraph in _EMPTY_LINE.split(text.strip()):
        if paragraph.strip():
            lines = re.sub(r"(?:<br\s*/?>)?[ \t]*\n[ \t]*", "<br>\n", paragraph.strip())
            yield f"<p>{lines}</p>\n"


def _pre(code: re.Match[str]) -> str:
    """Program text; WordPress may have stored it escaped or as it was typed."""
    language = _LANGUAGE.search(code[2])
    text = html.escape(html.unescape(code[3]).strip("\n"), quote=False)
    kind = f' class="language-{language[1]}"' if language else ""
    return f"\n\n<pre><code{kind}>{text}\n</code></pre>\n\n"


def _figure(caption: re.Match[str]) -> str:
    """A picture with its caption, which stands behind it, or in old texts in an attribute."""
    found = _PICTURE.fullmatch(caption[2])
    if not found:
        return caption[0]
    attribute = _CAPTION_OF.search(caption[1])
    words = found[2].strip() or (attribute[2] if attribute else "")
    return f"<figure>{found[1]}<figcaption>{words}</figcaption></figure>"


def _linked(embed: re.Match[str]) -> str:
    address = html.escape(html.unescape(embed[1]))
    return f'<a href="{address}">{address}</a>'
