"""The size of pages and their bundles as nginx sends them to a browser, without pictures.

Measured are home of the demo site, and a post with 50 comments. For comparison: the plain files in static/.
"""

import asyncio
import gzip
import http.client
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from bench._figure import Figure
from cli import demo_items
from lib import assets
from lib.items import Item
from models.site import Site
from settings import Settings
from tests.running import ROOT, Running
from ui_modules.comments import comment_json

KILOBYTE = 1024
COMMENTS = 50
ADDRESS = "/plog/weight"
STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)"')
SCRIPT = re.compile(r'<(?:script type="module" src|link rel="modulepreload" href)="([^"]+)"')
IMPORT = re.compile(r'(?:\bfrom|\bimport)\s*"\./([^"]+)"')


def figures() -> Iterator[Figure]:
    running = Running()
    try:
        assets.build(ROOT / "static", ROOT / "templates", running.data / "bundles", ROOT / "node_modules")
        running.start()
        asyncio.run(add_post(running))
        yield from post(running)
        yield from home(running)
    finally:
        running.remove()


async def add_post(running: Running) -> None:
    """Adds a copy of the demo's longest post, with comments from all posts of the demo."""
    settings = Settings.from_environment({"SITE_DATA": str(running.data), "SITE_PORT": str(running.port)})
    site = await Site.open(settings, comment_json)
    try:
        items = [item for item in demo_items() if isinstance(item, Item)]
        published = (comment for item in items for comment in item.comments if comment.status == "published")
        comments = [replace(one, id=str(n), parent=None) for n, one in enumerate(islice(published, COMMENTS))]
        assert len(comments) == COMMENTS, f"the demo has only {len(comments)} comments"
        longest = max(items, key=lambda item: len(item.text))
        heavy = replace(longest, origin_kind="bench", slug="weight", addresses=(), comments=tuple(comments))
        async for outcome in site.imports.take([heavy]):
            assert outcome.comments == COMMENTS, outcome
    finally:
        await site.close()


def post(running: Running) -> Iterator[Figure]:
    page = fetched(running, ADDRESS)
    html = text_of(page)
    assert html.count('<article class="comment') == COMMENTS, "comments are missing"
    styles, scripts = STYLE.findall(html), imported(running, SCRIPT.findall(html))
    assert all(address.startswith(assets.ADDRESS) for address in styles + scripts), "the page does not use the bundles"
    yield Figure("post, 50 comments: the page, gzipped", len(page) / KILOBYTE, "KB")
    yield Figure("post: its styles, gzipped", weight(running, styles), "KB")
    yield Figure("post: its scripts, gzipped", weight(running, scripts), "KB", at_most=8)
    everything = [ADDRESS, *styles, *scripts]
    yield Figure("post: all that it fetches, gzipped", weight(running, everything), "KB", at_most=50)
    yield Figure("post: requests until it is live", len(everything))
    yield from without_bundles(running)


def without_bundles(running: Running) -> Iterator[Figure]:
    """Yields the size of the post with the plain files of static/."""
    styles = [f"/static/css/{name}.css" for name in ("site", "post", "code", "comments")]
    scripts = imported(running, ["/static/js/me.js", "/static/js/comments.js"])
    everything = [ADDRESS, *styles, *scripts]
    yield Figure("unbundled: scripts", weight(running, scripts), "KB")
    yield Figure("unbundled: all that it fetches", weight(running, everything), "KB")
    yield Figure("unbundled: requests until it is live", len(everything))


def home(running: Running) -> Iterator[Figure]:
    page = fetched(running, "/")
    html = text_of(page)
    needed = [*STYLE.findall(html), *imported(running, SCRIPT.findall(html))]
    yield Figure("home: its first answer, uncompressed", len(html.encode()) / KILOBYTE, "KB", at_most=25)
    yield Figure("home: with styles and scripts, gzipped", weight(running, ["/", *needed]), "KB")
    pictures = re.findall(r"<img\b[^>]*>", html + text_of(fetched(running, "/rest/2/10/")))
    unsized = [one for one in pictures if not all(f" {name}=" in one for name in ("width", "height", "loading"))]
    yield Figure("home: pictures without size or lazy loading", len(unsized))


def imported(running: Running, scripts: Iterable[str]) -> list[str]:
    """Returns scripts with all that they import statically."""
    found = list(dict.fromkeys(scripts))
    for address in found:  # the list grows during the loop
        found += [one for one in named(running, address) if one not in found]
    return found


def named(running: Running, address: str) -> list[str]:
    folder = address.partition("?")[0].rpartition("/")[0]
    names = IMPORT.findall(text_of(fetched(running, address)))
    return [f"{folder}/{name}" for name in dict.fromkeys(names)]


def weight(running: Running, addresses: Iterable[str]) -> float:
    """Returns the size of these files as they are sent, in kilobytes."""
    return sum(len(fetched(running, address)) for address in addresses) / KILOBYTE


def fetched(running: Running, address: str) -> bytes:
    """Returns a body as nginx sends it to browsers: gzipped, unless it is too short."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    try:
        connection.request("GET", address, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        assert answer.status == 200, (address, answer.status)
        return answer.read()
    finally:
        connection.close()


def text_of(body: bytes) -> str:
    return (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body).decode()
