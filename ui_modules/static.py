"""The scripts, styles and data that a page brings along, as plain tags: a strict Content-Security-Policy wants no
other.

Where bundles were made (bin/bundle), the tags name those. `live.js` and the helpers are never named here: scripts
import them by their plain address, and a second address (`?v=…`) would be a second copy of the module, with a second
connection. Files are named as plain strings in templates, for bin/bundle reads them there.
"""

from collections.abc import Iterator, Mapping

from tornado.web import UIModule

from lib.assets import ADDRESS, Asked, Bundles, is_style
from lib.json import dumps


class Static(UIModule):
    """`{% module Static("css/post.css", "js/comments.js") %}`"""

    def render(self, *paths: str) -> str:
        bundles: Bundles | None = self.handler.settings.get("bundles")
        tags = _bundled(bundles, paths) if bundles else (_tag(path, self.handler.static_url(path)) for path in paths)
        return "\n".join(dict.fromkeys(tags))


class StaticURL(UIModule):
    """`{% module StaticURL("favicon.svg") %}`: the address alone, for tags of another kind."""

    def render(self, path: str) -> str:
        bundles: Bundles | None = self.handler.settings.get("bundles")
        return ADDRESS + bundles.of(path).file if bundles else self.handler.static_url(path)


class JsonLd(UIModule):
    """What search engines read. `dumps` leaves no `<` in it: a title may say `</script>`."""

    def render(self, described: Mapping[str, object]) -> str:
        return f'<script type="application/ld+json">{dumps(described)}</script>'


def _bundled(bundles: Bundles, paths: tuple[str, ...]) -> Iterator[str]:
    for group in Asked("", paths).groups():
        bundle = bundles.of(*group)
        for file in bundle.needs:
            yield f'<link rel="modulepreload" href="{ADDRESS}{file}">'
        yield _tag(group[0], ADDRESS + bundle.file)


def _tag(path: str, address: str) -> str:
    if is_style(path):
        return f'<link rel="stylesheet" href="{address}">'
    return f'<script type="module" src="{address}"></script>'
