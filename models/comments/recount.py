"""Counting threads again: a restored backup may have wrong counts, if people wrote while it was made. The worker does
it every hour.
"""

from models.comments.comment import Counts
from models.comments.documents import CommentDocuments
from models.posts import Posts


async def recount(documents: CommentDocuments, posts: Posts) -> int:
    """Corrects counts that differ from the comments, and returns of how many posts."""
    stored = await posts.documents.threads()  # first: what is written in between only makes the counted ones newer
    counted, corrected = await documents.count_threads(), 0
    for post, wrong in stored.items():
        right = counted.get(post, Counts())
        if right == wrong or right != (await documents.count_threads(post)).get(post, Counts()):
            continue  # nothing is wrong, or somebody is writing
        if await posts.documents.correct_thread(post, wrong, right):
            await documents.correct_counts(post, right)
            await posts.writing.tell(post)
            corrected += 1
    return corrected
