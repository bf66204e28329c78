"""The commands of `bin/site COMMAND`. They work with or without a running stack, with the same settings.

Each prints what it did, with counts. It skips what it cannot use, names it on stderr, and then exits with 1.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import importing
import importing.questions
from importing import markdown_folder
from lib import mongo, redis
from lib.items import CommentItem, Item, QuestionItem, Unusable
from lib.markup import comment_text_html
from lib.pagecache import Unwritable
from models.battles import recomputed
from models.errors import SiteError
from models.imports import OUTCOMES
from models.site import Site
from settings import BadSetting, Settings
from stack import programs, servers
from ui_modules.comments import comment_json

DEMO = Path(__file__).parent / "demo"
Chore = Callable[[Site, argparse.Namespace], Awaitable[int]]
Found = TypeVar("Found")


async def staff(site: Site, given: argparse.Namespace) -> int:
    """make a member staff"""
    account = await site.accounts.make_staff(given.email)
    print(f"{account.email} is staff. Print a sign-in link with: bin/site signin-link {account.email}")
    return 0


async def signin_link(site: Site, given: argparse.Namespace) -> int:
    """print a sign-in link that works once, for 15 minutes"""
    print(site.settings.url + await site.accounts.signin_link(given.email))
    return 0


async def bring(site: Site, given: argparse.Namespace) -> int:
    """import a folder of Markdown or a WordPress export; safe to repeat"""
    found = opened(Path(given.path), importing.read)
    return 1 if found is None else await take(site, found)


async def bring_questions(site: Site, given: argparse.Namespace) -> int:
    """import and publish questions: Open Trivia Database, GIFT, Aiken or CSV; safe to repeat"""
    found = opened(Path(given.path), importing.questions.read)
    return 1 if found is None else await take(site, found, have_comments=False)


async def demo(site: Site, given: argparse.Namespace) -> int:
    """add the demo site, unless there are other posts"""
    if await site.posts.documents.has_others("demo"):
        print("There are other posts, so the demo site was not added.")
        return 0
    return max(await take(site, demo_items()), await take(site, demo_questions(), have_comments=False))


async def indexes(site: Site, given: argparse.Namespace) -> int:
    """create missing indexes"""
    await site.create_indexes()
    print("All indexes are there.")
    return 0


async def hold(site: Site, given: argparse.Namespace) -> int:
    """from now on hold comments that contain this text; upper and lower case are the same"""
    await site.comments.moderation.hold_substring(given.text)
    print(f"Comments that contain {given.text!r} wait for approval from now on.")
    return 0


async def rename_category(site: Site, given: argparse.Namespace) -> int:
    """rename a category; its old address redirects to the new one"""
    category = await site.categories.rename(given.name, given.to)
    print(f"{given.name} was renamed to {category.name}, at {category.path}")
    return 0


async def forget(site: Site, given: argparse.Namespace) -> int:
    """invalidate cached pages: all, or the one with this address"""
    if given.path:
        site.pages.cache.invalidate_address(given.path)
        print(f"The cached page {given.path} was removed.")
    else:
        try:
            await site.pages.invalidate_everywhere(None)
        except redis.Away:  # not an error: bin/run calls this, and the site starts without Redis
            print("Redis does not answer, so other hosts were not told: run this again when it does.", file=sys.stderr)
        print("All cached pages were removed.")
    return 0


def opened(path: Path, read: Callable[[Path], Iterator[Found]]) -> Iterator[Found] | None:
    """What a reader finds at a path. Says why if it cannot read it, and returns None."""
    try:
        return read(path)
    except FileNotFoundError:
        print(f"{path}: there is no such file or folder", file=sys.stderr)
    except OSError as problem:
        print(f"{path}: cannot be read: {problem.strerror}", file=sys.stderr)
    except importing.UnknownFormat as problem:
        print(problem, file=sys.stderr)
    return None


async def take(site: Site, items: Iterable[Item | QuestionItem | Unusable], *, have_comments: bool = True) -> int:
    """Imports items. Names those that were not imported, and prints counts of all outcomes."""
    await site.create_indexes()
    counts: Counter[str] = Counter()
    number = 0
    async for outcome in site.imports.take(items):
        number += 1
        counts[outcome.what] += 1
        counts["comments"] += outcome.comments
        if outcome.what in ("kept", "unusable"):
            print(f"{outcome.what}: {outcome.message}", file=sys.stderr)
        elif sys.stderr.isatty() and number % 100 == 0:
            print(f"… {number:,}", end="\r", file=sys.stderr)
    comments = f"; {counts['comments']} comments added" if have_comments else ""
    print(", ".join(f"{counts[what]} {what}" for what in OUTCOMES) + comments)
    return 1 if counts["unusable"] else 0


def demo_items() -> Iterator[Item | Unusable]:
    """Yields the posts of demo/ with their comments, as a reader of importing/ does."""
    comments = json.loads((DEMO / "comments.json").read_text(encoding="utf-8"))
    for item in markdown_folder.read(DEMO / "posts"):
        if isinstance(item, Item):
            yield replace(
                item, origin_kind="demo", comments=tuple(_comment(c) for c in comments if c["post"] == item.slug)
            )
        else:
            yield item


def demo_questions() -> Iterator[QuestionItem | Unusable]:
    for file in sorted((DEMO / "questions").glob("*.csv")):
        for item in importing.questions.read(file):
            yield replace(item, origin_kind="demo") if isinstance(item, QuestionItem) else item


def _comment(given: dict[str, Any]) -> CommentItem:
    return CommentItem(
        id=given["id"],
        parent=given.get("parent"),
        name=given["name"],
        email="",
        url=None,
        text=comment_text_html(given["text"], ""),
        date=datetime.fromisoformat(given["date"]),
        status=given.get("status", "published"),
        network=None,
    )


async def points(site: Site, _: argparse.Namespace) -> int:
    """compute all points again from finished battles"""
    wrong = await site.points.recompute_all()
    for standing in wrong:
        print(f"{standing.account}, {standing.rules}: {standing.points} points now", file=sys.stderr)
    print(f"{len(wrong)} standings were wrong.")
    return 0


async def replay(_: Site, given: argparse.Namespace) -> int:
    """compute a battle again from its log, and compare the result with the recorded one"""
    try:
        document = json.loads(Path(given.path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        print(f"{given.path}: {problem}", file=sys.stderr)
        return 1
    result, recorded = recomputed(document), document.get("result")
    first, second = result["scores"]
    print(f"{first} to {second}, {result['ended']}: {'as recorded' if result == recorded else 'NOT as recorded'}")
    return 0 if result == recorded else 1


CHORES: dict[str, tuple[Chore, tuple[str, ...]]] = {
    "staff": (staff, ("email",)),
    "signin-link": (signin_link, ("email",)),
    "import": (bring, ("path",)),
    "import-questions": (bring_questions, ("path",)),
    "points": (points, ()),
    "replay": (replay, ("path",)),
    "demo": (demo, ()),
    "indexes": (indexes, ()),
    "hold": (hold, ("text",)),
    "rename-category": (rename_category, ("name", "to")),
    "forget": (forget, ("path?",)),
}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/site", description="The chores of a Plog site.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (chore, arguments) in CHORES.items():
        command = commands.add_parser(name, help=chore.__doc__, description=chore.__doc__)
        for argument in arguments:
            word, mark, _ = argument.partition("?")
            command.add_argument(word, metavar=word.upper(), nargs=mark or None, type=str if word == "path" else utf8)
        command.set_defaults(chore=chore)
    return parser


def utf8(argument: str) -> str:
    """The type of arguments that are stored. Raises ValueError if it is not UTF-8; file names may be any bytes."""
    argument.encode()
    return argument


async def run(settings: Settings, given: argparse.Namespace) -> int:
    site = await Site.open(settings, comment_json)
    try:
        status: int = await given.chore(site, given)
        return status
    except SiteError as error:
        print(error.message, file=sys.stderr)
    except mongo.Away:
        print("MongoDB does not answer.", file=sys.stderr)
    except Unwritable as error:
        print(error, file=sys.stderr)
    finally:
        await site.close()
    return 1


def main() -> int:
    given = parser().parse_args()
    try:
        settings = Settings.from_environment(os.environ)
        with servers.embedded(settings.data, mongo=settings.is_mongo_embedded, redis=settings.is_redis_embedded):
            return asyncio.run(run(settings, given))
    except (BadSetting, programs.Unavailable, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
