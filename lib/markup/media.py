"""Media in posts and comments: this site's pictures stay, everything from elsewhere becomes a link with its text.

A page of ours asks no other host for anything: neither pictures, frames, films nor scripts.
"""

from collections.abc import Iterator

from lib.markup.addresses import host_of, is_local, is_remote, usable
from lib.markup.tree import Element, Node

MEDIA = frozenset({"audio", "embed", "iframe", "img", "object", "script", "video"})
_TEXTS = ("alt", "title", "aria-label")
_KEPT = ("title", "width", "height", "srcset", "sizes")  # of a picture; what of it is safe the sanitiser knows


def picture(element: Element) -> Element | None:
    """A picture that may stay, with what is known of its sizes, or None."""
    address = usable(element.attributes.get("src", ""))
    if element.tag != "img" or address is None or not is_local(address):
        return None
    kept = {name: value for name, value in element.attributes.items() if name in _KEPT}
    alt = element.attributes.get("alt", "")
    return Element("img", {"src": address, "alt": alt, **kept, "loading": "lazy", "decoding": "async"})


def as_link(element: Element, children: list[Node], is_in_link: bool) -> list[Node]:
    """What stands for a medium that cannot stay: a link to it; within a link its text; without address its contents."""
    text = next((element.attributes[name].strip() for name in _TEXTS if element.attributes.get(name, "").strip()), "")
    address = next(_addresses(element), None)
    if address is None:
        return [] if element.tag in ("script", "iframe") else children or [text]
    text = text or host_of(address)
    return [text] if is_in_link else [Element("a", {"href": address, "rel": "noopener"}, [text])]


def _addresses(element: Element) -> Iterator[str]:
    for value in _mentioned(element):
        address = usable(value)
        if address is not None and is_remote(address):
            yield address


def _mentioned(element: Element) -> Iterator[str]:
    yield element.attributes.get("src", "")
    yield element.attributes.get("data", "")
    for child in element.children:
        if isinstance(child, Element) and child.tag == "source":
            yield child.attributes.get("src", "")
        elif isinstance(child, Element) and child.tag == "param" and child.attributes.get("name") in ("movie", "src"):
            yield child.attributes.get("value", "")
