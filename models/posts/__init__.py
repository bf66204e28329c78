"""Posts: what the maker writes. The thing and its rules are pure; `Posts` has the verbs."""

from models.posts.collection import Posts
from models.posts.post import Counts, Post, address_key, popularity, ranked, tag_of_post

__all__ = ["Counts", "Post", "Posts", "address_key", "popularity", "ranked", "tag_of_post"]
