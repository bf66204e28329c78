"""A comment's text as HTML: paragraphs, links, `inline code`, code blocks; everything else is shown as it was typed.

Anybody may send anything here, so all of it is linear in the length of the text, and nothing in it is ever requested.
Comments that came as HTML with an import end up with the same few tags.
"""

import re
from collections.abc import Iterable, Iterator

from lib.markup import media, sanitiser
from lib.markup.addresses import is_on, is_remote, usable
from lib.markup.code import plain_box
from lib.markup.nesting import TooNested
from lib.markup.tree import BLOCK, Element, Node, parse, text_of, written

MAX_ADDRESS = 2_000
ENDS = ".,;:!?'*_~]…”\u2019»"  # of sentences and quotations, not of addresses
# Possessive, and starting only where a run of backticks starts: linear, whatever is typed.
_SPECIAL = re.compile(r"(?<!`)(`++)([^`\n]++)\1(?!`)|(?<!\w)https?://[^\s<>\"`\\^{}|]++", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}```[^`]*")
_REL = "nofollow ugc noopener"


def comment_text_html(text: str, own_host: str) -> str:
    """The sanitised HTML of a comment as it was typed; empty if there is nothing in it."""
    lines = sanitiser.encodable(text).split("\n")
    return sanitiser.comment(written(_blocks(lines, own_host)))


def imported_comment_text_html(html: str, own_host: str) -> str:
    """The sanitised HTML of a comment that was HTML where it came from; its source where that is made to be slow."""
    try:
        tidied = sanitiser.tidied(html)
    except TooNested:
        return comment_text_html(html, own_host)
    return sanitiser.comment(written(_in_paragraphs(_shaped(parse(tidied), own_host))))


def _blocks(lines: list[str], own_host: str) -> Iterator[Element]:
    """The paragraphs and code blocks in lines of text. The last, empty line closes whatever is open."""
    paragraph: list[str] = []
    code: list[str] = []
    is_fenced = False
    for line in lines:
        if is_fenced:
            is_fenced = _FENCE.fullmatch(line) is None
            code.append(line if is_fenced else "")
            if not is_fenced:
                yield from _code(code)
                code = []
        elif not paragraph and line.startswith(("    ", "\t")) and (line.strip() or code):
            code.append(line[1:] if line[0] == "\t" else line[4:])
        elif code and not line.strip():
            code.append("")
        else:
            yield from _code(code)
            code = []
            is_fenced = _FENCE.fullmatch(line) is not None
            if line.strip() and not is_fenced:
                paragraph.append(line)
                continue
            yield from _paragraph(paragraph, own_host)
            paragraph = []
    yield from _code(code)
    yield from _paragraph(paragraph, own_host)


def _code(lines: list[str]) -> Iterator[Element]:
    text = "\n".join(lines).strip("\n").rstrip()
    if text:
        yield plain_box([f"{text}\n"])


def _paragraph(lines: list[str], own_host: str) -> Iterator[Element]:
    nodes: list[Node] = []
    for line in lines:
        nodes += [Element("br"), "\n", *_inline(line.strip(), own_host)]
    if nodes:
        yield Element("p", {}, nodes[2:])


def _inline(text: str, own_host: str, has_code: bool = True) -> Iterator[Node]:
    """A piece of text with the links and the code in it."""
    shown = 0
    for found in _SPECIAL.finditer(text):
        part = found[0]
        if part[0] == "`" and not has_code:
            continue
        yield text[shown : found.start()]
        shown = found.end()
        if part[0] == "`":
            yield Element("code", {}, [found[2]])
        else:
            address = _without_end(part)
            yield _link(address, [address], own_host)
            yield part[len(address) :]
    yield text[shown:]


def _without_end(address: str) -> str:
    """An address as it was meant: without the full stop after it, or the bracket or quotation mark around it."""
    unopened = address.count(")") - address.count("(")
    end = len(address)
    while address[end - 1] in ENDS or (address[end - 1] == ")" and unopened > 0):
        unopened -= address[end - 1] == ")"
        end -= 1
    return address[:end]


def _link(address: str, children: list[Node], own_host: str) -> Node:
    if len(address) > MAX_ADDRESS or not is_remote(address):
        return text_of(children)
    return Element("a", {"href": address, **_rel(address, own_host)}, children)


def _rel(address: str, own_host: str) -> dict[str, str]:
    return {} if is_on(address, own_host) else {"rel": _REL}


def _shaped(nodes: Iterable[Node], own_host: str, is_in_link: bool = False) -> list[Node]:
    result: list[Node] = []
    for node in nodes:
        if isinstance(node, Element):
            result += _shaped_element(node, own_host, is_in_link)
        else:
            result += [node] if is_in_link else _inline(node, own_host, has_code=False)
    return result


def _shaped_element(element: Element, own_host: str, is_in_link: bool) -> list[Node]:
    if element.tag in ("pre", "code"):
        text = text_of(element.children)
        return [plain_box([text.strip("\n")]) if element.tag == "pre" else Element("code", {}, [text])]
    address = usable(element.attributes.get("href", "")) if element.tag == "a" else None
    children = _shaped(element.children, own_host, is_in_link or address is not None)
    if element.tag in media.MEDIA:
        return [_as_ugc(node, own_host) for node in media.as_link(element, children, is_in_link)]
    if element.tag == "a":
        is_linked = address is not None and not is_in_link
        return (
            [Element("a", {"href": address, **_rel(address, own_host)}, children)]
            if is_linked and address
            else children
        )
    if element.tag in sanitiser.COMMENT_TAGS:
        return [Element(element.tag, {}, children)]
    return list(_in_paragraphs(children)) if element.tag in BLOCK else children


def _as_ugc(node: Node, own_host: str) -> Node:
    if isinstance(node, Element) and node.tag == "a":
        address = node.attributes["href"]
        return Element("a", {"href": address, **_rel(address, own_host)}, node.children)
    return node


def _in_paragraphs(nodes: list[Node]) -> Iterator[Node]:
    """Whatever stands outside of any block becomes a paragraph of its own."""
    inline: list[Node] = []
    for node in [*nodes, Element("p")]:
        if not (isinstance(node, Element) and node.tag in BLOCK):
            inline.append(node)
            continue
        if text_of(inline).strip():
            yield Element("p", {}, inline)
        inline = []
        if text_of([node]).strip():
            yield node
