"""What people wrote, as HTML that is safe to show: posts (Markdown or HTML), comments, imported comments.

Everything goes the same way: made into a tree, shaped (headings, code, media that became links), written out, and
sanitised last. What comes from here is final: store it, show it, never rewrite it.
"""

from lib.markup.comments import comment_text_html, imported_comment_text_html
from lib.markup.nesting import TooNested
from lib.markup.posts import Rendered, absolute_html, post_html
from lib.markup.words import plain

__all__ = [
    "Rendered",
    "TooNested",
    "absolute_html",
    "comment_text_html",
    "imported_comment_text_html",
    "plain",
    "post_html",
]
