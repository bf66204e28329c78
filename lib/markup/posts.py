"""A post's text, Markdown or HTML, as the HTML of its page and of its opening (what stands before `<!--split-->`)."""

from dataclasses import dataclass
from hashlib import sha256

from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin

from lib.markup import sanitiser
from lib.markup.shaping import opening_of, shaped
from lib.markup.tree import Element, Node, parse, rebuilt, written

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).use(footnote_plugin)


@dataclass(frozen=True, slots=True)
class Rendered:
    html: str
    opening: str | None


def post_html(text: str, format: str) -> Rendered:
    """The sanitised HTML of a post; `format` is `markdown` or `html`. Raises TooNested for what nobody has written by
    hand.
    """
    if format not in ("markdown", "html"):
        raise ValueError(f"no such format: {format}")
    text = sanitiser.encodable(text)
    html = _markdown_html(text) if format == "markdown" else text
    nodes = shaped(parse(sanitiser.tidied(html)))
    opening = opening_of(nodes)
    whole = [node for node in nodes if not (isinstance(node, Element) and node.tag == "split")]
    return Rendered(_sanitised(whole), None if opening is None else _sanitised(opening))


def absolute_html(html: str, address: str) -> str:
    """The HTML of a post or a comment for feeds and letters: with absolute links, without our page's anchors and boxes."""
    return sanitiser.absolute(written(rebuilt(parse(html), _without_furniture)), address)


def _sanitised(nodes: list[Node]) -> str:
    return sanitiser.post(written(nodes).strip())


def _markdown_html(text: str) -> str:
    """Footnotes are named after the text, so that two posts on one page keep theirs apart."""
    return str(_MARKDOWN.render(text, {"docId": sha256(text.encode()).hexdigest()[:6]}))


def _without_furniture(element: Element) -> list[Node] | None:
    if "anchor" in element.classes:
        return []
    return rebuilt(element.children, _without_furniture) if element.tag == "div" and element.classes else None
