"""The site: the tools and the words of one process, opened in order and closed. The only place that wires.

Every process has one, and a test may have two: the second is the other process.
"""

from lib.clock import Clock, utc_now
from lib.logfollower import LogFollower
from models.accounts import Accounts
from models.battles import Battles
from models.categories import Categories
from models.comments import AsJson, Comments
from models.hits import Hits
from models.imports import Imports
from models.lobby import Lobby
from models.outbox import Outbox
from models.pages import Pages
from models.points import Points
from models.posts import Posts
from models.questions import Questions
from models.tools import Tools
from settings import Settings


class Site:
    """One attribute a word. `comment_json` is ui_modules.comments.comment_json: events carry HTML, which models cannot
    make.
    """

    def __init__(self, tools: Tools, comment_json: AsJson) -> None:
        self.tools = tools
        self.settings = tools.settings
        self.clock = tools.clock
        self.pages = Pages(tools)
        self.accounts = Accounts(tools)
        self.outbox = Outbox(tools, self.pages, self.accounts)
        self.categories = Categories(tools, self.outbox)
        self.posts = Posts(tools, self.pages, self.outbox, self.categories)
        self.comments = Comments(tools, self.outbox, self.posts, comment_json)
        self.questions = Questions(tools)
        self.battles = Battles(tools)
        self.points = Points(tools, self.battles)
        self.lobby = Lobby(tools, self.accounts, self.battles, self.questions, self.points)
        self.hits = Hits(tools, LogFollower(tools.settings.data / "log" / "hits.log"))
        self.imports = Imports(tools, self.accounts, self.categories, self.posts, self.comments, self.questions)

    @classmethod
    async def open(cls, settings: Settings, comment_json: AsJson, clock: Clock = utc_now) -> "Site":
        """A site that is ready to serve; its servers may be away and come back later."""
        site = cls(Tools.of(settings, clock), comment_json)
        await site.tools.open()
        return site

    async def close(self) -> None:
        await self.lobby.close()
        await self.battles.writing.close()
        await self.outbox.close()
        await self.tools.close()

    async def create_indexes(self) -> None:
        """Creates the indexes that are missing; safe to repeat, and at once from several processes."""
        for word in (
            self.accounts,
            self.categories,
            self.posts,
            self.comments,
            self.questions,
            self.battles,
            self.points,
            self.hits,
        ):
            await word.documents.create_indexes()

    async def tell_untold(self) -> int:
        """Carries out consequences that were left. Returns of how many changes."""
        return await self.outbox.repeat(self.posts, self.categories, self.comments)

    async def move_merged(self) -> int:
        """Moves what merged accounts wrote and have seen to the members that they became. Returns how many accounts."""
        merged = await self.accounts.documents.merged()
        for account in merged:
            await self.move(account.id)
            await self.accounts.documents.mark_moved(account.id)
        return len(merged)

    async def move(self, visitor: str) -> None:
        """Moves what a visitor wrote and has seen to the member that they have signed in as. Safe to repeat."""
        member = await self.accounts.by_id(visitor)
        if member.id != visitor:
            await self.comments.documents.move(visitor, member.id)
            await self.questions.documents.move(visitor, member.id)

    async def rate_posts(self) -> int:
        """Stores how popular posts are, by how often people read them. Returns how many changed."""
        return await self.posts.documents.rate(await self.hits.documents.reads("/plog/"))
