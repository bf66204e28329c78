"""Posts: what the maker writes. The thing and its rules are pure; the collections have the verbs.

`Posts` is one at a time, found, written and told; `Lists` is many, as they are read, and `Counting` what others than their
authors make of them. `PostStore` is beneath.
"""

from models.posts.collection import Posts
from models.posts.counting import Counting
from models.posts.lists import Lists
from models.posts.post import Counts, Post, address_key, popularity, ranked, tag_of_post
from models.posts.store import PostStore

__all__ = [
    "Counting",
    "Counts",
    "Lists",
    "Post",
    "PostStore",
    "Posts",
    "address_key",
    "popularity",
    "ranked",
    "tag_of_post",
]
