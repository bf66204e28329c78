"""The scripts, styles and data that a page brings along, as plain tags: a strict Content-Security-Policy wants no other.

`live.js` and the helpers are never named here: scripts import them by their plain address, and a second address
(`?v=…`) would be a second copy of the module, with a second connection.
"""

from collections.abc import Mapping

from tornado.web import UIModule

from lib.json import dumps


class Static(UIModule):
    """`{% module Static("css/post.css", "js/comments.js") %}`"""

    def render(self, *paths: str) -> str:
        return "\n".join(self._tag(path) for path in paths)

    def _tag(self, path: str) -> str:
        address = self.handler.static_url(path)
        if path.endswith(".css"):
            return f'<link rel="stylesheet" href="{address}">'
        return f'<script type="module" src="{address}"></script>'


class JsonLd(UIModule):
    """What search engines read. `dumps` leaves no `<` in it: a title may say `</script>`."""

    def render(self, described: Mapping[str, object]) -> str:
        return f'<script type="application/ld+json">{dumps(described)}</script>'
