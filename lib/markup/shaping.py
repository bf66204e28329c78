"""A post's tree as its page wants it: headings below the post's title and linkable, code highlighted, tables that
scroll, media from elsewhere as links. Works on any tree, and on its own results too.
"""

import re
from collections.abc import Callable

from lib.markup import media
from lib.markup.addresses import is_remote, usable
from lib.markup.code import CodeBoxes
from lib.markup.sanitiser import CLASSES
from lib.markup.tree import Element, Node, elements, rebuilt, text_of, written
from lib.text import composed

_ALIGNED = re.compile(r"(?:^|;)\s*text-align:\s*(left|right|center)")


def shaped(nodes: list[Node]) -> list[Node]:
    """The tree of a whole post, shaped; nothing in it is safe before the sanitiser."""
    shaping = _Shaping(has_h1=any(element.tag == "h1" for element in elements(nodes)))
    return shaping.with_targets(shaping.top(nodes))


def opening_of(nodes: list[Node]) -> list[Node] | None:
    """What stands before the cut, without references into what is cut off; None where nothing is cut."""
    cut = next((place for place, node in enumerate(nodes) if isinstance(node, Element) and node.tag == "split"), None)
    if cut is None or not written(nodes[:cut]).strip() or not written(nodes[cut + 1 :]).strip():
        return None
    targets = {f"#{element.attributes.get('id')}" for element in elements(nodes[:cut])}

    def change(element: Element) -> list[Node] | None:
        if "footnote-ref" in element.classes:
            return []
        is_dangling = element.tag == "a" and element.attributes["href"].startswith("#")
        return element.children if is_dangling and element.attributes["href"] not in targets else None

    return rebuilt(nodes[:cut], change)


class _Shaping:
    """One walk over one post: what it has to remember are the ids it gave out."""

    def __init__(self, has_h1: bool) -> None:
        self.shift = 1 if has_h1 else 0
        self.ids: set[str] = set()
        self.numbers: dict[str, int] = {}
        self.renamed: dict[str, str] = {}
        self.code_boxes = CodeBoxes()
        self.tables = 0
        self.links = 0
        self.shapes: dict[str, Callable[[Element], list[Node]]] = {
            "a": self.link,
            "div": self.division,
            "p": self.paragraph,
            "param": _nothing,
            "picture": self.contents,
            "pre": self.code,
            "source": _nothing,
            "split": _nothing,
            "table": self.table,
            "td": self.cell,
            "th": self.cell,
            **dict.fromkeys(media.MEDIA, self.medium),
            **{f"h{level}": self.heading for level in range(1, 7)},
        }

    def top(self, nodes: list[Node]) -> list[Node]:
        """The top level: the cut stays here, and media that became links stand in paragraphs."""
        result: list[Node] = []
        for node in nodes:
            if isinstance(node, Element) and node.tag == "split":
                result.append(node)
            elif isinstance(node, Element) and node.tag in media.MEDIA:
                result.extend(self.paragraph(Element("p", {}, [node])))
            else:
                result.extend(self.node(node))
        return result

    def nodes(self, nodes: list[Node]) -> list[Node]:
        return [part for node in nodes for part in self.node(node)]

    def node(self, node: Node) -> list[Node]:
        if isinstance(node, str):
            return [node]
        return self.shapes.get(node.tag, self.kept)(node)

    def contents(self, element: Element) -> list[Node]:
        return self.nodes(element.children)

    def kept(self, element: Element) -> list[Node]:
        return [Element(element.tag, _attributes(element), self.nodes(element.children))]

    def paragraph(self, element: Element) -> list[Node]:
        """Empty ones are what is left of broken HTML, or of a script that stood in them."""
        children = self.contents(element)
        return [Element("p", _attributes(element), children)] if written(children).strip() else []

    def division(self, element: Element) -> list[Node]:
        """A box of ours is made anew around what is in it."""
        return self.contents(element) if {"highlight", "table"} & set(element.classes) else self.kept(element)

    def link(self, element: Element) -> list[Node]:
        address = usable(element.attributes.get("href", ""))
        if address is None or self.links or "anchor" in element.classes:
            return [] if "anchor" in element.classes else self.contents(element)
        self.links += 1
        children = self.contents(element)
        self.links -= 1
        attributes = {**_attributes(element), "href": address, **({"rel": "noopener"} if is_remote(address) else {})}
        if "footnote-backref" in element.classes:
            attributes["aria-label"] = "Back to the text"
        return [Element("a", attributes, children)]

    def medium(self, element: Element) -> list[Node]:
        if found := media.picture(element):
            return [found]
        return media.as_link(element, self.contents(element), self.links > 0)

    def code(self, element: Element) -> list[Node]:
        inner = element.children
        while len(inner) == 1 and isinstance(inner[0], Element) and inner[0].tag == "code":
            inner = inner[0].children
        return [self.code_boxes.box(element, self.nodes(inner))]

    def table(self, element: Element) -> list[Node]:
        self.tables += 1
        caption = next((text_of(part.children).strip() for part in elements([element]) if part.tag == "caption"), "")
        label = {"aria-label": caption or f"Table {self.tables}"}
        return [Element("div", {"class": "table", "tabindex": "0", "role": "region", **label}, self.kept(element))]

    def cell(self, element: Element) -> list[Node]:
        aligned = _ALIGNED.search(element.attributes.get("style", "").lower())
        side = aligned[1] if aligned else element.attributes.get("align", "").lower()
        cell = Element(element.tag, _attributes(element), self.contents(element))
        if side in CLASSES["td"]:
            cell.attributes["class"] = side
        return [cell]

    def heading(self, element: Element) -> list[Node]:
        children = self.contents(element)
        text = " ".join(text_of(children).split())
        if not text:
            return children
        name = self.heading_id(text)
        self.renamed.setdefault(element.attributes.get("id", name), name)
        if not self.links:
            label = f"Link to “{text}”"
            children += [Element("a", {"class": "anchor", "href": f"#{name}", "aria-label": label}, [" #"])]
        return [Element(f"h{min(6, int(element.tag[1]) + self.shift)}", {"id": name}, children)]

    def heading_id(self, text: str) -> str:
        """An id made of the heading's words, with a number where another heading has it.

        The last number of each id is remembered: to try all of them again takes the square of the number of headings.
        """
        words = re.sub(r"\W+", "-", composed(text).lower())[:60].strip("-") or "section"
        name = base = f"h-{words}"
        while name in self.ids:
            self.numbers[base] = self.numbers.get(base, 1) + 1
            name = f"{base}-{self.numbers[base]}"
        self.ids.add(name)
        return name

    def with_targets(self, nodes: list[Node]) -> list[Node]:
        """Links within the post lead to the ids that its headings have now, however the author named them."""
        for element in elements(nodes):
            href = element.attributes.get("href", "")
            if href.startswith("#") and href[1:] not in self.ids:
                name = self.renamed.get(href[1:], f"h-{href[1:].lower()}")
                element.attributes["href"] = f"#{name}" if name in self.ids else href
        return nodes


def _nothing(element: Element) -> list[Node]:
    return []


def _attributes(element: Element) -> dict[str, str]:
    """An element's attributes for the sanitiser to choose from, with the classes that posts may have."""
    classes = " ".join(name for name in element.classes if name in CLASSES.get(element.tag, ()))
    others = {name: value for name, value in element.attributes.items() if name not in ("class", "style", "align")}
    return {**others, "class": classes} if classes else others
