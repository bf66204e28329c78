"""Pairing across two processes, in a real Redis."""

import asyncio
from typing import Any

from lib import json
from lib.channels import unnumbered
from models.battles import DEFAULT, Battles
from models.lobby import Lobby, Presence, Seeker
from models.questions import Question
from tests.base import SiteTestCase

QUESTION = Question("q", "Which is first?", "Rome", ("Rome", "Oslo", "Bern", "Kiel"), "History")
BO, CY, DEE, ADA = (letter * 12 for letter in "bcda")


class LobbyTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.number = DEFAULT.questions
        self.here, self.there = (self.process(site) for site in (self.site, self.second_site))
        for account in (BO, CY, DEE, ADA):
            self.run_now(self.site.accounts.acting(account))

    def process(self, site: Any) -> "Process":
        battles = Battles(site.tools)
        return Process(site, battles, Lobby(site.tools, site.accounts, battles, Chosen(self), site.points))  # type: ignore[arg-type]

    def tearDown(self) -> None:
        for process in (self.here, self.there):
            self.run_now(process.battles.writing.close())
        super().tearDown()

    def sought(self, process: "Process", account: str, connection: str = "tab", rules: str = "default") -> None:
        self.run_now(process.lobby.writing.seek(Seeker(account, rules, connection), DEFAULT))

    def opponent(self, account: str) -> str | None:
        """Who this account plays against now."""
        documents = self.here.battles.documents
        id = self.run_now(documents.find_id_of(account))
        if id is None:
            return None
        return next(player.id for player in self.run_now(documents.by_id(id)).players if player.id != account)

    def waiting(self) -> int:
        return self.run_now(self.here.lobby.documents.waiting("default"))

    def test_two_who_seek_in_different_processes_play_each_other(self) -> None:
        told = {account: Told() for account in (BO, CY)}
        for process, account in ((self.here, BO), (self.there, CY)):
            self.run_now(process.follow(account, told[account]))
        self.sought(self.here, BO)
        self.assertEqual((self.opponent(BO), self.waiting()), (None, 1))
        self.sought(self.there, CY)
        self.assertEqual((self.opponent(BO), self.opponent(CY), self.waiting()), (CY, BO, 0))
        for seat, account in enumerate((BO, CY)):
            paired = self.run_now(told[account].next())
            self.assertEqual((paired["type"], paired["you"]), ("paired", seat))
            self.assertEqual(paired["state"]["players"][seat]["name"], f"Guest {int(account, 32) % 9000 + 1000}")

    def test_nobody_is_paired_with_themselves_and_the_newer_tab_takes_over(self) -> None:
        told = Told()
        self.run_now(self.here.follow(BO, told))
        self.sought(self.here, BO, "older tab")
        self.sought(self.there, BO, "newer tab")
        self.assertEqual((self.opponent(BO), self.waiting()), (None, 1))
        self.assertEqual(self.run_now(told.next()), {"type": "taken-over", "connection": "older tab"})

    def test_those_who_want_other_rules_are_not_paired(self) -> None:
        self.sought(self.here, BO)
        self.sought(self.there, CY, rules="r" * 12)
        self.assertEqual((self.opponent(BO), self.waiting()), (None, 1))

    def test_a_different_opponent_than_last_time_is_preferred_if_there_is_one(self) -> None:
        self.sought(self.here, BO)
        self.sought(self.here, CY)
        self.given_up(BO)
        for account in (BO, DEE):
            self.sought(self.here, account)
        self.given_up(BO)  # BO and DEE were paired: neither had played the other
        self.sought(self.there, DEE)
        self.sought(self.there, CY)
        self.given_up(DEE)
        self.sought(self.here, DEE)
        self.assertEqual(self.waiting(), 1)
        self.sought(self.here, CY)
        self.assertEqual(self.opponent(CY), DEE, "somebody is better than nobody")

    def test_of_several_who_wait_the_last_opponent_comes_last(self) -> None:
        self.sought(self.here, BO)
        self.sought(self.here, CY)
        self.given_up(BO)
        redis = self.site.tools.redis
        self.run_now(redis.zadd("lobby:waiting:default", {CY: 1, DEE: 2}))
        for account in (CY, DEE):
            seeker = json.dumps({"account": account, "rules": "default", "connection": "tab", "may_be_watched": False})
            self.run_now(redis.hset("lobby:seekers", account, seeker))
        self.sought(self.here, BO)
        self.assertEqual(self.opponent(BO), DEE)

    def test_who_stops_looking_is_not_paired(self) -> None:
        self.sought(self.here, BO)
        self.run_now(self.there.lobby.writing.unseek(BO))
        self.run_now(self.there.lobby.writing.unseek(BO))
        self.sought(self.there, CY)
        self.assertEqual((self.opponent(CY), self.waiting()), (None, 1))

    def test_a_closed_tab_ends_a_seek_and_a_reloaded_one_does_not(self) -> None:
        self.sought(self.here, BO, "closed", rules=BO)
        self.sought(self.here, ADA, "before reload", rules=ADA)
        for connection in ("closed", "before reload"):
            self.run_now(self.here.lobby.presence.leave(connection))
        self.sought(self.there, ADA, "after reload", rules=ADA)

        async def swept() -> None:
            while await self.there.lobby.documents.find(BO) is not None:
                await self.there.lobby.presence.sweep()
                await asyncio.sleep(0.05)

        self.run_now(swept())
        self.assertIsNotNone(self.run_now(self.here.lobby.documents.find(ADA)))

    def test_a_player_whose_connection_dies_is_gone_and_may_come_back(self) -> None:
        presences = [Presence(p.site.tools, p.lobby.documents, p.battles, life=300) for p in (self.here, self.there)]
        self.sought(self.here, BO)
        self.sought(self.here, CY)

        def gone() -> list[bool]:
            id = self.run_now(self.here.battles.documents.find_id_of(BO)) or ""
            return [since is not None for since in self.run_now(self.here.battles.documents.by_id(id)).gone]

        async def swept() -> None:
            while not await presences[1].sweep():
                await presences[0].renew()  # of Bo, who has another connection by now
                await asyncio.sleep(0.02)

        self.run_now(presences[1].enter(CY, "dead tab"))  # its process dies: nobody renews this
        self.run_now(presences[0].enter(BO, "new tab"))
        self.run_now(swept())
        self.assertEqual(gone(), [False, True])
        self.run_now(presences[0].enter(CY, "another tab"))
        self.assertEqual(gone(), [False, False])

    def test_a_process_that_was_stopped_for_a_while_brings_its_players_back(self) -> None:
        presence = Presence(self.site.tools, self.here.lobby.documents, self.here.battles, life=50)
        self.sought(self.here, BO)
        self.sought(self.here, CY)
        self.run_now(presence.enter(BO, "tab"))

        async def swept() -> None:
            while not await self.there.lobby.presence.sweep():
                await asyncio.sleep(0.02)

        self.run_now(swept())
        id = self.run_now(self.here.battles.documents.find_id_of(BO)) or ""
        self.assertIsNotNone(self.run_now(self.here.battles.documents.by_id(id)).gone[0])
        self.run_now(presence.renew())
        self.assertIsNone(self.run_now(self.here.battles.documents.by_id(id)).gone[0])

    def test_a_pair_whose_process_died_plays_anyway(self) -> None:
        documents = self.here.lobby.documents
        self.run_now(documents.seek(Seeker(BO, "default", "tab"), 1))
        self.run_now(documents.seek(Seeker(CY, "default", "tab"), 2))  # and then its process dies
        self.assertIsNone(self.opponent(BO))
        self.run_now(self.there.lobby.writing.start_stranded(lambda _: DEFAULT))
        self.assertEqual(self.opponent(BO), CY)
        self.assertEqual(self.run_now(documents.pairs(10**15)), [])

    def test_what_is_left_of_a_seek_never_stops_others(self) -> None:
        """As after a process that died between pairing and the start."""
        redis, documents = self.site.tools.redis, self.here.lobby.documents
        self.run_now(redis.zadd("lobby:waiting:default", {DEE: 1}))
        self.run_now(redis.zadd("lobby:pairs", {"[false, 1]": 1, "odd": 2}))
        self.sought(self.here, BO)
        self.run_now(self.there.lobby.writing.start_stranded(lambda _: DEFAULT))
        for _ in range(2):
            self.expect_log("a pair cannot be read")
        self.assertEqual(self.run_now(documents.pairs(10**15)), [])
        self.sought(self.there, CY)
        self.assertEqual((self.opponent(BO), self.waiting()), (CY, 0))

    def test_somebody_whose_partner_plays_already_goes_on_looking(self) -> None:
        self.sought(self.here, BO)
        self.sought(self.here, ADA)
        documents = self.here.lobby.documents
        for account in (CY, BO):
            self.run_now(documents.seek(Seeker(account, "default", "tab"), 1))  # and then its process dies
        self.run_now(self.there.lobby.writing.start_stranded(lambda _: DEFAULT))
        self.assertEqual((self.opponent(BO), self.opponent(CY)), (ADA, None))
        self.sought(self.here, DEE)
        self.assertEqual(self.opponent(CY), DEE)

    def test_without_enough_questions_both_are_told_and_nobody_plays(self) -> None:
        self.number = 3
        told = Told()
        self.run_now(self.there.follow(BO, told))
        self.sought(self.here, BO)
        self.sought(self.there, CY)
        self.assertEqual(self.run_now(told.next())["code"], "no-questions")
        self.assertEqual((self.opponent(BO), self.waiting()), (None, 0))

    def test_a_hundred_who_seek_at_once_are_all_paired_once(self) -> None:
        accounts = [f"{n:012}" for n in range(100)]

        async def all_at_once() -> None:
            for account in accounts:
                await self.site.accounts.acting(account)
            processes = (self.here, self.there)
            seeks = (
                processes[n % 2].lobby.writing.seek(Seeker(account, "default", "tab"), DEFAULT)
                for n, account in enumerate(accounts)
            )
            await asyncio.gather(*seeks)

        self.run_now(all_at_once())
        opponents = {account: self.opponent(account) for account in accounts}
        self.assertEqual(set(opponents.values()), set(accounts))
        self.assertTrue(all(opponents[opponents[account] or ""] == account for account in accounts))

    def given_up(self, account: str) -> None:
        id = self.run_now(self.here.battles.documents.find_id_of(account))
        assert id is not None
        self.run_now(self.here.battles.writing.give_up(id, account))


class Chosen:
    """Questions that are all the same one, as many as the test has."""

    def __init__(self, test: LobbyTest) -> None:
        self._test = test
        self.documents = self

    async def choose(self, *_: Any) -> list[Question]:
        return [QUESTION] * self._test.number

    async def note_seen(self, *_: Any) -> None: ...


class Process:
    """What one process has of the quiz."""

    def __init__(self, site: Any, battles: Battles, lobby: Lobby) -> None:
        self.site, self.battles, self.lobby = site, battles, lobby

    async def follow(self, account: str, told: "Told") -> None:
        await self.site.tools.channels.follow(f"player:{account}", told, unnumbered)


class Told:
    """A follower of one player's channel."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "event":
            self._messages.put_nowait(message["data"])

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            return await self._messages.get()
