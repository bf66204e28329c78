"""The words of some HTML, for summaries, feeds, descriptions: no tags, no footnotes, one space between words."""

from collections.abc import Iterable, Iterator

from lib.markup.tree import BLOCK, Element, Node, parse

_SKIPPED = frozenset(["anchor", "footnote-ref", "footnotes"])


def plain(html: str, limit: int) -> str:
    """At most `limit` characters of the text of sanitised HTML, cut between words where it can be."""
    text = " ".join("".join(_words(parse(html))).split())
    if len(text) <= limit:
        return text
    start = text[: max(0, limit - 1)]
    kept = start if text[len(start)] == " " else start.rpartition(" ")[0]
    return f"{(kept or start).rstrip(' ,;:.-')}…"


def _words(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif not _SKIPPED.isdisjoint(node.classes):
            continue
        else:
            yield from _spaced(node)


def _spaced(element: Element) -> Iterator[str]:
    gap = " " if element.tag in BLOCK or element.tag == "br" else ""
    yield gap
    yield from _words(element.children)
    yield gap
