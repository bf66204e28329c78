"""Imports: posts, comments and questions from elsewhere, taken over so that it may be repeated without harm.

What came before is known by its origin and not doubled. A post or question that was edited here since it came is kept
as it is, and named; one that changed over there is brought up to date.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any

from lib.documents import Document
from lib.items import CommentItem, Item, QuestionItem, Unusable
from lib.spelling import folded
from lib.text import cleaned, cleaned_line
from lib.tokens import digest
from models.accounts import Accounts
from models.categories import Categories
from models.comments import Comment, Comments, Status, html_of
from models.errors import Conflict, Invalid, SiteError
from models.posts import Post, Posts
from models.questions import Origin, Question, Questions, State, checked
from models.tools import Tools

QUESTIONS_AT_ONCE = 100  # which MongoDB's journal takes together
OUTCOMES = ("added", "updated", "unchanged", "kept", "unusable")


@dataclass(frozen=True)
class Outcome:
    """What became of one item: `what` is one of OUTCOMES; `message` names the item and, where it matters, says why."""

    what: str
    message: str
    comments: int = 0


class Imports:
    """Takes items from the readers in importing/ and puts them where they belong."""

    def __init__(
        self,
        tools: Tools,
        accounts: Accounts,
        categories: Categories,
        posts: Posts,
        comments: Comments,
        questions: Questions,
    ) -> None:
        self._own_host = tools.own_host
        self._accounts = accounts
        self._categories = categories
        self._posts = posts
        self._comments = comments
        self._questions = questions

    async def take(self, items: Iterable[Item | QuestionItem | Unusable]) -> AsyncIterator[Outcome]:
        """Takes items over and says what became of each: posts one after another, questions in batches."""
        for is_question, group in groupby(items, key=lambda item: isinstance(item, QuestionItem)):
            take = self._take_questions if is_question else self._take_others
            async for outcome in take(group):
                yield outcome

    async def _take_others(self, items: Iterable[Any]) -> AsyncIterator[Outcome]:
        for item in items:
            if isinstance(item, Unusable):
                yield unusable(item)
            else:
                async for outcome in self._take_post(item):
                    yield outcome

    async def _take_questions(self, items: Iterable[Any]) -> AsyncIterator[Outcome]:
        rest = iter(items)
        while batch := list(islice(rest, QUESTIONS_AT_ONCE)):
            for outcome in await asyncio.gather(*map(self._take_question, batch)):
                yield outcome

    async def _take_post(self, item: Item) -> AsyncIterator[Outcome]:
        """Stores the post, but for former addresses that other posts have, and then its comments. Names each such
        address.
        """
        name = f"{item.title!r} ({item.origin_id})"
        try:
            origin = {"kind": item.origin_kind, "host": item.origin_host, "id": item.origin_id}
            known = await self._posts.documents.find_by_origin(**origin)
            taken = await self._posts.documents.taken_addresses(item.addresses, known[0].id if known else "")
            free = tuple(address for address in item.addresses if address not in taken)
            post, what = await self._post(replace(item, addresses=free), origin, known)
        except (Conflict, Invalid, UnicodeEncodeError) as error:
            reason = error.message if isinstance(error, SiteError) else "it has a character that is none (a surrogate)"
            yield Outcome("unusable", f"{name}: {reason}")
            return
        brought = await self._comments.writing.bring(post, await self._hung(post, item))
        yield Outcome(what, f"{post.path}  {post.title}", brought)
        for address, path in taken.items():
            yield Outcome("unusable", f"{name}: its former address {address} is that of {path}")

    async def _post(self, item: Item, origin: Document, known: tuple[Post, Document] | None) -> tuple[Post, str]:
        if known is None:
            fresh = await self._as_post(item, None)
            return await self._posts.writing.add(fresh, {**origin, "digest": fresh.content_digest}), "added"
        post, noted = known
        if noted["digest"] != post.content_digest:
            return post, "kept"
        wanted = await self._as_post(item, post)
        if wanted.content_digest == post.content_digest and wanted.addresses == post.addresses:
            return post, "unchanged"
        return await self._posts.writing.edit(wanted, {**origin, "digest": wanted.content_digest}), "updated"

    async def _as_post(self, item: Item, known: Post | None) -> Post:
        """The post that an item describes; where it came before, with all that only this site knows of it."""
        categories = [await self._categories.named(name) for name in item.categories if name.strip()]
        blank = Post(id="", slug=item.slug, title="", published=item.date, edited=item.date)
        return replace(
            known or blank,
            slug=item.slug,
            title=cleaned_line(item.title),
            text=cleaned(item.text),
            format=item.format,
            summary=cleaned_line(item.summary),
            url=item.url or None,
            published=item.date,
            categories=tuple(dict.fromkeys(categories)),
            keywords=tuple(dict.fromkeys(cleaned_line(keyword) for keyword in item.keywords)),
            is_draft=item.is_draft,
            addresses=tuple(dict.fromkeys((*(known.addresses if known else ()), *item.addresses))),
            has_closed_comments=known.has_closed_comments if known else item.has_closed_comments,
        )

    async def _hung(self, post: Post, item: Item) -> list[Comment]:
        """An item's comments in order of their dates, but never before what they answer, hung on each other."""
        hung: dict[str, Comment] = {}
        published: dict[
            str, Comment | None
        ] = {}  # of each comment: itself or the nearest one above it that is published
        for answer in parents_first(item.comments):
            comment = await self._as_comment(post, item, answer)
            parent = _id_of("comment", item, answer.parent) if answer.parent else ""
            comment = comment.under(published.get(parent) if comment.is_published else hung.get(parent))
            hung[comment.id] = comment
            published[comment.id] = comment if comment.is_published else published.get(parent)
        return list(hung.values())

    async def _as_comment(self, post: Post, item: Item, comment: CommentItem) -> Comment:
        """Its ids are made from its origin, so that the same comment is the same however often it comes."""
        origin: Document = {"kind": item.origin_kind, "host": item.origin_host, "id": comment.id}
        author = _id_of("author", item, comment.email.casefold() or comment.name.casefold() or comment.id)
        await self._accounts.acting(author)
        return Comment(
            id=_id_of("comment", item, comment.id),
            post=post.id,
            author=author,
            text=comment.text,
            format="html",
            html=html_of(comment.text, "html", self._own_host),
            created=comment.date,
            name=cleaned_line(comment.name)[:100],
            email=cleaned_line(comment.email)[:254],
            status=Status(comment.status),
            check="import",
            origin=origin,
        )

    async def _take_question(self, item: QuestionItem) -> Outcome:
        try:
            question, what = await self._question(item)
        except (Conflict, Invalid) as error:
            return unusable(Unusable(item.file, item.line, cleaned_line(item.text[:60]), error.message))
        return Outcome(what, question.text)

    async def _question(self, item: QuestionItem) -> tuple[Question, str]:
        """Stores a new question, published. One that came before keeps its state."""
        origin = Origin(item.origin_kind, item.origin_host, item.origin_id)
        known = await self._questions.documents.find_by_origin(origin)
        wanted = checked(_as_question(item, known))
        wanted = replace(wanted, origin=replace(origin, digest=wanted.content_digest))
        if known is None:
            return await self._questions.writing.add(wanted), "added"
        if known.origin is None or known.origin.digest != known.content_digest:
            return known, "kept"
        if wanted.content_digest == known.content_digest:
            return known, "unchanged"
        return await self._questions.writing.edit(wanted), "updated"


def unusable(item: Unusable) -> Outcome:
    place = f"{item.file}:{item.line}" if item.line else item.file
    return Outcome("unusable", f"{place}: {item.item + ': ' if item.item else ''}{item.reason}")


def _as_question(item: QuestionItem, known: Question | None) -> Question:
    """The question that an item describes; where it came before, with all that only this site knows of it.

    The alternatives are in alphabetical order: in foreign files the answer is often the first.
    """
    blank = Question(id="", text="", answer="", alternatives=(), genre="", state=State.PUBLISHED)
    return replace(
        known or blank,
        text=item.text,
        answer=item.answer,
        alternatives=tuple(sorted((item.answer, *item.wrong), key=lambda text: folded(text[:60]))),
        genre=item.genre,
        accepted=item.accepted,
        may_be_misspelt=True,
        explanation=item.explanation,
        source=item.source,
        licence=item.licence,
        difficulty=item.difficulty,
    )


def parents_first(comments: Iterable[CommentItem]) -> list[CommentItem]:
    """Comments by date, each after its parent whatever their dates say; in a circle of answers the oldest is a root."""
    by_date = sorted(comments, key=lambda comment: (comment.date, len(comment.id), comment.id))  # 9 before 10
    rank = {comment.id: place for place, comment in enumerate(by_date)}
    answers: dict[str | None, list[CommentItem]] = defaultdict(list)
    for comment in by_date:
        answers[comment.parent if comment.parent in rank else None].append(comment)
    ordered: dict[str, CommentItem] = {}
    ready, oldest = answers[None], iter(by_date)
    while len(ordered) < len(rank):
        ready = ready or [next(comment for comment in oldest if comment.id not in ordered)]
        ordered |= {comment.id: comment for comment in ready}
        ready = [answer for comment in ready for answer in answers[comment.id] if answer.id not in ordered]
        ready.sort(key=lambda comment: rank[comment.id])
    return list(ordered.values())


def _id_of(kind: str, item: Item, id: str) -> str:
    return digest(kind, item.origin_kind, item.origin_host, id)[:12]
