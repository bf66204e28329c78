"""What lists of posts and the head of a post are made of."""

from collections.abc import Iterable
from datetime import datetime

from tornado.escape import xhtml_escape
from tornado.web import UIModule

from lib.dates import day_html
from lib.markup.addresses import host_of, is_remote
from models.posts import Post

OLD, VERY_OLD = 3, 6  # years


class PostOpening(UIModule):
    """A post in a list: whole, or as far as its author meant it to be read there."""

    def render(self, post: Post) -> bytes:
        return self.render_string("post/opening.html", post=post)


class PostMeta(UIModule):
    """Date, categories and comments of a post: what hangs in the margin beside its title."""

    def render(self, post: Post, is_linked: bool = True) -> str:
        address = f"{post.path}#comments" if is_linked else "#comments"
        parts = [f'<li class="date">{day_html(post.published)}</li>']
        links = (f'<a rel="tag" href="{xhtml_escape(c.path)}">{xhtml_escape(c.name)}</a>' for c in post.categories)
        parts += [f"<li>{link}</li>" for link in links]
        if not post.has_hidden_comments and (post.comment_count or post.takes_comments):
            parts.append(f'<li><a href="{address}">{counted(post.comment_count, "comment")}</a></li>')
        return f'<ul class="meta">{"".join(parts)}</ul>'


class Elsewhere(UIModule):
    """Under a title: where the post points to, by the name of the other site."""

    def render(self, url: str) -> str:
        if not is_remote(url):
            return ""
        host = host_of(url).removeprefix("www.")
        return f'<p class="elsewhere"><a href="{xhtml_escape(url)}" rel="noopener">{xhtml_escape(host)} ↗</a></p>'


class Related(UIModule):
    def render(self, posts: Iterable[Post]) -> str:
        rows = (f'<li><a href="{p.path}">{xhtml_escape(p.title)}</a> {day_html(p.published)}</li>' for p in posts)
        return f'<ul class="related">{"".join(rows)}</ul>'


class AgeNotice(UIModule):
    """Above what was written long ago: a note after three years, a warning after six."""

    def render(self, post: Post, now: datetime) -> str:
        years = post.age(now)
        if years < OLD:
            return ""
        kind = "warning" if years >= VERY_OLD else "note"
        advice = "Much of it may no longer be true." if years >= VERY_OLD else "Some of it may be out of date."
        text = f"<strong>This post is old.</strong> It was written {years} years ago. {advice}"
        return f'<p class="notice {kind}">{text}</p>'


class Counted(UIModule):
    def render(self, number: int, word: str) -> str:
        return counted(number, word)


def counted(number: int, word: str) -> str:
    """1 comment; 2,749 comments."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
