"""What pages need of battles that are over."""

from models.battles.documents import BattleDocuments
from models.battles.record import Record
from models.errors import NotFound


class BattleReading:
    def __init__(self, documents: BattleDocuments) -> None:
        self._documents = documents

    async def record(self, id: str) -> Record:
        """A battle that is over, whether or not MongoDB has it yet. NotFound while it runs."""
        try:
            battle = await self._documents.by_id(id)
        except NotFound:
            return await self._documents.kept(id)
        if not battle.is_over:
            raise NotFound("This battle is not over yet.")
        return Record(battle, tuple(await self._documents.log(id)))
