"""The lobby: where strangers who want to play find each other, whichever processes they are connected to."""

from models.accounts import Accounts
from models.battles import Battles
from models.lobby.documents import LobbyDocuments, Seeker
from models.lobby.writing import Choose, LobbyWriting
from models.tools import Tools

__all__ = ["Lobby", "Seeker"]


class Lobby:
    """Everybody who waits for an opponent."""

    def __init__(self, tools: Tools, accounts: Accounts, battles: Battles, choose: Choose) -> None:
        self.documents = LobbyDocuments(tools)
        self.writing = LobbyWriting(tools, self.documents, accounts, battles, choose)
