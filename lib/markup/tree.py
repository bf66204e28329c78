"""HTML as a tree of elements and strings, and back: what shaping works on, between tidying and sanitising.

Reads well-formed HTML (see sanitiser.tidied). Below MAX_DEPTH elements are taken apart and their contents kept, so that
recursing over a tree is always safe. Comments go, but for `<!--split-->`, which becomes an element of that name.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

MAX_DEPTH = 80
VOID = frozenset({"br", "col", "embed", "hr", "img", "param", "source", "split", "wbr"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
TABLES = frozenset({"caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"})
LISTS = frozenset({"dd", "dl", "dt", "li", "ol", "ul"})
BOXES = frozenset({"blockquote", "details", "div", "figcaption", "figure", "hr", "p", "pre", "section", "summary"})
BLOCK = HEADINGS | TABLES | LISTS | BOXES


@dataclass(slots=True)
class Element:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()


Node = Element | str


def parse(html: str) -> list[Node]:
    """The top level of well-formed HTML."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root.children


def written(nodes: Iterable[Node]) -> str:
    """Nodes as HTML, everything escaped."""
    return "".join(_pieces(nodes))


def text_of(nodes: Iterable[Node]) -> str:
    """All text in nodes, as it stands there; a line break for `<br>`, and what pictures are said to show."""
    return "".join(_texts(nodes))


def elements(nodes: Iterable[Node]) -> Iterator[Element]:
    """Every element in nodes, in order of their start."""
    for node in nodes:
        if isinstance(node, Element):
            yield node
            yield from elements(node.children)


def rebuilt(nodes: Iterable[Node], change: Callable[[Element], list[Node] | None]) -> list[Node]:
    """Nodes with some elements replaced: `change` says by what, or None to keep one and look into it."""
    result: list[Node] = []
    for node in nodes:
        if isinstance(node, str):
            result.append(node)
        elif (replaced := change(node)) is not None:
            result.extend(replaced)
        else:
            result.append(Element(node.tag, node.attributes, rebuilt(node.children, change)))
    return result


def _pieces(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield escape(node, quote=False)
            continue
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in node.attributes.items())
        yield f"<{node.tag}{attributes}>"
        if node.tag not in VOID:
            yield from _pieces(node.children)
            yield f"</{node.tag}>"


def _texts(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif node.tag == "br":
            yield "\n"
        elif node.tag == "img":
            yield node.attributes.get("alt", "")
        else:
            yield from _texts(node.children)


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("root")
        self.open = [self.root]
        self.too_deep: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.open[-1].children.append(element)
        elif len(self.open) > MAX_DEPTH:
            self.too_deep.append(tag)
        else:
            self.open[-1].children.append(element)
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self.too_deep:
            if self.too_deep[-1] == tag:
                self.too_deep.pop()
            return
        if any(element.tag == tag for element in self.open[1:]):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        if data.strip().lower() == "split":
            self.open[-1].children.append(Element("split"))
