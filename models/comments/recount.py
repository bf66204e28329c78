"""Counting threads again: a restored backup may have wrong counts, if people wrote while it was made. The worker does it every hour."""

from models.comments.comment import Counts
from models.comments.documents import CommentDocuments
from models.pages import ARCHIVE, Pages
from models.posts import Posts, tag_of_post


async def recount(documents: CommentDocuments, posts: Posts, pages: Pages) -> int:
    """Corrects counts that differ from the comments, and returns of how many posts."""
    stored = (
        await posts.documents.threads()
    )  # first: if somebody writes in between, the counted ones are newer and nothing is corrected
    counted, corrected = await documents.count_threads(), []
    for post, wrong in stored.items():
        right = counted.get(post, Counts())
        if right == wrong or right != (await documents.count_threads(post)).get(post, Counts()):
            continue  # nothing is wrong, or somebody is writing
        if await posts.documents.correct_thread(post, wrong, right):
            await documents.correct_counts(post, right)
            corrected.append(tag_of_post(post))
    if corrected:
        await pages.invalidate_everywhere([*corrected, ARCHIVE])
    return len(corrected)
