"""The last step of everything that becomes HTML: what may stand in a post, and the less that may stand in a comment.

`tidied` is not a guard: it makes broken HTML well-formed, as a browser would read it, so that it can be shaped. Nothing
may rewrite what `post`, `comment` and `absolute` return.
"""

import html
import re
from collections.abc import Mapping

import nh3
from pygments.token import STANDARD_TYPES

from lib.markup import nesting
from lib.markup.addresses import is_local

CODE = {"code", "kbd", "pre", "samp", "var"}
EDITS = {"del", "ins", "mark", "s"}
FIGURES = {"details", "figcaption", "figure", "img", "summary"}
LISTS = {"dd", "dl", "dt", "li", "ol", "ul"}
SECTIONS = {"blockquote", "br", "div", "h2", "h3", "h4", "h5", "h6", "hr", "p", "section"}
TABLES = {"caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
WORDS = {"a", "abbr", "b", "cite", "dfn", "em", "i", "q", "small", "span", "strong", "sub", "sup", "time", "u", "wbr"}
POST_TAGS = CODE | EDITS | FIGURES | LISTS | SECTIONS | TABLES | WORDS
COMMENT_TAGS = {"a", "b", "blockquote", "br", "code", "del", "em", "i", "li", "ol", "p", "pre", "strong", "ul"}
SHAPED_TAGS = {"audio", "embed", "h1", "iframe", "object", "param", "picture", "script", "source", "video"}
HIDDEN_TAGS = {"math", "noembed", "noframes", "noscript", "style", "svg", "template", "title"}
FORM_TAGS = {"select", "textarea"}
DROPPED_TAGS = HIDDEN_TAGS | FORM_TAGS
SCHEMES = {"http", "https", "mailto"}

CLASSES: Mapping[str, set[str]] = {
    "a": {"anchor", "footnote-backref"},
    "div": {"highlight", "table"},
    "hr": {"footnotes-sep"},
    "li": {"footnote-item"},
    "ol": {"footnotes-list"},
    "section": {"footnotes"},
    "span": {name for name in STANDARD_TYPES.values() if name},
    "sup": {"footnote-ref"},
    "td": {"left", "right", "center"},
    "th": {"left", "right", "center"},
}
POST_ATTRIBUTES = {
    "a": {"aria-label", "href", "id", "title"},
    "abbr": {"title"},
    "details": {"open"},
    "img": {"alt", "height", "sizes", "src", "srcset", "title", "width"},
    "div": {"aria-label"},
    "li": {"id", "value"},
    "ol": {"reversed", "start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "time": {"datetime"},
    **{f"h{level}": {"id"} for level in range(2, 7)},
}
POST_VALUES = {
    "a": {"rel": {"noopener"}},
    "div": {"role": {"region"}, "tabindex": {"0"}},
    "img": {"decoding": {"async"}, "loading": {"lazy"}},
    "pre": {"tabindex": {"0"}},
    "th": {"scope": {"col", "row"}},
}
COMMENT_VALUES = {"a": {"rel": {"nofollow ugc noopener"}}, "pre": {"tabindex": {"0"}}}
ABSOLUTE_VALUES = {"a": {"rel": POST_VALUES["a"]["rel"] | COMMENT_VALUES["a"]["rel"]}, "th": POST_VALUES["th"]}
READ_ATTRIBUTES = {
    "*": {"align", "class", "id", "style"},
    "embed": {"src", "title"},
    "iframe": {"src", "title"},
    "object": {"aria-label", "data", "title"},
    "param": {"name", "value"},
    "script": {"src"},
    "source": {"src"},
    "th": {"scope"},
    "video": {"src", "title"},
    "audio": {"src", "title"},
}
# Numbers in ids follow a hyphen, so that none can be taken for a comment's anchor (#c<id>) or shadow a DOM property.
OUR_IDS = {"a": r"fnref-[0-9a-f]{6}-\d+(:\d+)?", "li": r"fn-[0-9a-f]{6}-\d+"}
HEADING_ID = re.compile(r"h-[\w-]{1,80}")
CANDIDATE = re.compile(r"(\S+?)(?:\s+[0-9.]{1,7}[wx])?")  # of a srcset, between its commas
NUMBER = re.compile(r"-?\d{1,5}")
NUMBERS = {"colspan", "height", "rowspan", "start", "value", "width"}


def tidied(text: str) -> str:
    """Well-formed HTML of anything: with everything in it that shaping wants to see, so not yet safe to show.

    Raises TooNested for what would take the square of its length.
    """
    text = encodable(text)
    nesting.check(text)
    html = _TIDY.clean(text)
    nesting.check_growth(text, html)
    return html


def post(text: str) -> str:
    return _settled(_POST, text)


def comment(text: str) -> str:
    return _settled(_COMMENT, text)


def absolute(text: str, address: str) -> str:
    """Sanitises a post or a comment again for other programs: addresses are resolved against `address`."""
    return nh3.clean(
        text,
        tags=POST_TAGS,
        attributes={**POST_ATTRIBUTES, "img": POST_ATTRIBUTES["img"] - {"sizes", "srcset"}},
        attribute_filter=_allowed,
        tag_attribute_values=ABSOLUTE_VALUES,
        allowed_classes={},
        link_rel=None,
        url_schemes=SCHEMES,
        url_relative=("rewrite_with_base", address),
    )


def encodable(text: str) -> str:
    """Without what no page can carry: lone surrogates, and control characters but line feed and tab."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    return _CONTROLS.sub("", text)


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    """The value of an attribute if it may stay; called by the sanitiser for each."""
    if attribute == "id":
        return value if _is_our_id(tag, value) else None
    if attribute == "src":
        return value if is_local(value) else None
    if attribute == "srcset":
        return value if _has_only_local(value) else None
    if attribute == "href":
        return None if "\\" in value else value
    if attribute in NUMBERS:
        return value if NUMBER.fullmatch(value) else None
    return value


def _has_only_local(srcset: str) -> bool:
    """Whether each picture of a srcset is this site's own."""
    candidates = [CANDIDATE.fullmatch(part.strip()) for part in srcset.split(",")]
    return all(candidate is not None and is_local(candidate[1]) for candidate in candidates)


def _read_attributes() -> dict[str, set[str]]:
    tags = POST_ATTRIBUTES.keys() | READ_ATTRIBUTES.keys()
    return {tag: POST_ATTRIBUTES.get(tag, set()) | READ_ATTRIBUTES.get(tag, set()) for tag in tags}


def _is_our_id(tag: str, value: str) -> bool:
    if tag in OUR_IDS:
        return re.fullmatch(OUR_IDS[tag], value, re.ASCII) is not None
    return HEADING_ID.fullmatch(value) is not None


def _settled(cleaner: nh3.Cleaner, text: str) -> str:
    """Cleaned until cleaning changes nothing more: taking a tag away may make HTML that reads differently."""
    for _ in range(5):
        text, before = cleaner.clean(text), text
        if text == before:
            return text
    return cleaner.clean(f"<p>{html.escape(text)}</p>")


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TIDY = nh3.Cleaner(
    tags=POST_TAGS | SHAPED_TAGS,
    clean_content_tags=DROPPED_TAGS,
    attributes=_read_attributes(),
    strip_comments=False,
    link_rel=None,
    url_schemes=SCHEMES,
)
_POST = nh3.Cleaner(
    tags=POST_TAGS,
    clean_content_tags=DROPPED_TAGS | {"script"},
    attributes=POST_ATTRIBUTES,
    attribute_filter=_allowed,
    tag_attribute_values=POST_VALUES,
    allowed_classes=CLASSES,
    link_rel=None,
    url_schemes=SCHEMES,
)
_COMMENT = nh3.Cleaner(
    tags=COMMENT_TAGS,
    clean_content_tags=DROPPED_TAGS | {"script"},
    attributes={"a": {"href"}},
    attribute_filter=_allowed,
    tag_attribute_values=COMMENT_VALUES,
    link_rel=None,
    url_schemes=SCHEMES,
)
