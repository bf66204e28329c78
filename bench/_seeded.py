"""Writes posts and comments by the thousand directly into MongoDB, in the form that the models write.

Some of each are written by the models: if their fields differ from these here, the benchmark fails and names them.
"""

import json
import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import islice
from typing import Any

from cli import DEMO, demo_items
from lib.ids import new_id
from lib.items import Item
from lib.markup import comment_text_html
from lib.mongo import Document
from lib.tokens import digest
from models.comments import Comment, Counts, Status
from models.comments import documents as comments
from models.posts import Post
from models.posts import documents as posts
from models.site import Site

SEED = 20261120
AT_ONCE = 1000  # documents in one write
REPLIES = 0.6  # of all comments
DEEPEST = 6
NEAR = 20  # a reply answers one of this many comments before it
CATEGORIES = 10
KEYWORDS = 200
YEARS = 20  # over which posts are spread
PARAGRAPHS = 3  # of each post, so that 100,000 stay below a gigabyte
OF_STORED_POSTS = {"untold", "changed"}  # fields that the models add to the thing's own
OF_STORED_COMMENTS = {"untold", "changed", "n", "place", "counts", "numbers"}


async def add_post(site: Site, slug: str) -> Post:
    """Adds a post of medium length, the newest one."""
    item = demo_posts()[0]
    categories = tuple([await site.categories.named(name) for name in item.categories])
    now = site.clock()
    post = Post(id="", slug=slug, title=item.title, text=item.text, published=now, edited=now, categories=categories)
    return await site.posts.writing.add(replace(post, keywords=tuple(item.keywords)))


async def add_comments(site: Site, post: Post, number: int) -> None:
    """Adds comments, some levels deep, under a post that has none. The models write the first and the last."""
    if not number:
        return
    written = thread(site, post, number)
    first = next(written)
    await site.comments.writing.bring(post, [first])
    _compare(
        await site.tools.mongo["comments"].find_one({"_id": first.id}), comments.document_of(first), OF_STORED_COMMENTS
    )
    now, numbered = site.clock(), Comment.all_numbered(islice(written, number - 2), Counts(1, 1, 1))
    beside = {"untold": [], "changed": now}
    documents = (
        {**comments.document_of(comment), "numbers": [comment.n], "words": digest(comment.id), **beside}
        for comment in numbered
    )
    await _write(site.tools.mongo["comments"], documents)
    await site.comments.writing.bring(post, list(written))


def thread(site: Site, post: Post, number: int) -> Iterator[Comment]:
    chance, texts = random.Random(SEED), comment_texts(site.tools.own_host)
    near: deque[Comment] = deque(maxlen=NEAR)
    begin = site.clock() - timedelta(minutes=number)
    for minute in range(number):
        text, html = texts[minute % len(texts)]
        blank = Comment(id=new_id(), post=post.id, author=new_id(), text=text, html=html, created=begin)
        said = replace(
            blank, created=begin + timedelta(minutes=minute), name="Cy", status=Status.PUBLISHED, check="passed"
        )
        answered = [comment for comment in near if comment.depth < DEEPEST] if chance.random() < REPLIES else []
        near.append(said.under(chance.choice(answered) if answered else None))
        yield near[-1]


async def add_posts(site: Site, number: int) -> None:
    """Adds short posts over YEARS, the newest (`post-0`) of now. The models write one post of each text."""
    categories = [await site.categories.named(f"Category {n}") for n in range(CATEGORIES)]
    chance, now, samples = random.Random(SEED), site.clock(), []
    apart = timedelta(days=365 * YEARS) / number
    for n, item in enumerate(demo_posts()):
        before = now - timedelta(days=366 * YEARS)
        text = "\n\n".join(item.text.split("\n\n")[:PARAGRAPHS])
        sample = await site.posts.writing.add(
            Post(id="", slug=f"sample-{n}", title=item.title, text=text, published=before, edited=now)
        )
        _compare(
            await site.tools.mongo["posts"].find_one({"_id": sample.id}), posts.document_of(sample), OF_STORED_POSTS
        )
        samples.append(sample)

    def documents() -> Iterator[Document]:
        for n in range(number - len(samples)):
            filed = tuple(chance.sample(categories, chance.choice((1, 1, 2))))
            post = replace(samples[n % len(samples)], id=new_id(), slug=f"post-{n}", published=now - n * apart)
            keywords = tuple(f"word{chance.randrange(KEYWORDS)}" for _ in range(3))
            post = replace(post, categories=filed, keywords=keywords, popularity=chance.random())
            yield {
                **posts.document_of(post),
                "untold": [],
                "changed": now,
            }

    await _write(site.tools.mongo["posts"], documents())
    await site.pages.invalidate_everywhere(None)


@cache
def demo_posts() -> list[Item]:
    """Returns the posts of the demo, those of medium length first."""
    items = sorted((item for item in demo_items() if isinstance(item, Item)), key=lambda item: len(item.text))
    middle = len(items[len(items) // 2].text)
    return sorted(items, key=lambda item: abs(len(item.text) - middle))


def comment_texts(own_host: str) -> list[tuple[str, str]]:
    """Returns the text and the HTML of each comment of the demo."""
    comments = json.loads((DEMO / "comments.json").read_text(encoding="utf-8"))
    return [(comment["text"], comment_text_html(comment["text"], own_host)) for comment in comments]


async def _write(collection: Any, documents: Iterable[Document]) -> None:
    documents = iter(documents)
    while some := list(islice(documents, AT_ONCE)):
        await collection.insert_many(some, ordered=False)


def _compare(stored: Document | None, thing: Document, beside: set[str]) -> None:
    """Asserts that a document of the models has exactly the fields that are written here."""
    assert stored is not None
    differing = stored.keys() ^ (thing.keys() | beside)
    assert not differing, f"models and bench/_seeded.py differ about {sorted(differing)}"
