"""Battles over three processes while processes are killed, players drop out and come back, and messages are odd.

Every battle ends, with the result that somebody else computes from its log. CI runs twenty seeded battles;
`bin/test --long` runs a thousand.
"""

import asyncio
import os
import random
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

from lib import json
from lib.ids import new_id
from lib.spelling import folded
from models.battles import Battle, Entry, Player, Record, Rules, state_of
from models.lobby import told
from models.questions import Question
from tests.base import TestClient
from tests.follower import BROKEN, handshake
from tests.killed.base import IS_LONG, SECONDS, KilledTestCase, within

SEED = int(os.environ.get("PLOG_SEED", "20261120"))
BATTLES = 1000 if IS_LONG else 20
AT_ONCE = 100  # battles
KILL_EVERY = 4.0  # seconds
LONGEST = 120.0  # seconds of one battle
CLOSING = 1.0  # seconds
RULES = Rules("short", "Short", questions=4, seconds=5)
CHOICES = ("the right one", "Rome-secret", "Oslo-secret", "Bern-secret")
SECRETS = (*CHOICES, "why-secret", "source-secret", "form-secret")
ODD = (
    "not json",
    {"type": "answer"},
    {"type": "answer", "battle": "x", "number": 1, "text": "x"},
    {"type": "alternatives", "battle": [], "number": {}},
    {"type": "answer", "battle": None, "number": -1, "text": {"$gt": ""}},
    {"type": "give-up", "battle": "0" * 12},
)


def questions() -> list[Question]:
    return [
        Question(new_id(), f"Question {n}?", CHOICES[0], CHOICES, "Any", ("form-secret",), True, None, "why-secret", "source-secret")
        for n in range(RULES.questions)
    ]  # fmt: skip


class Simulated:
    """One player in a browser of their own, who drops out, comes back, and sends some nonsense."""

    def __init__(self, client: TestClient, account: str, chance: random.Random) -> None:
        self.client, self.account, self.chance = client, account, chance
        self.battle = ""
        self.seat = -1
        self.state: dict[str, Any] = {}
        self.faults: list[str] = []
        self.losses = self.returns = 0
        self._seen_asked: dict[int, bool] = {}  # whether this player asked for the choices, by question
        self._later: set[asyncio.Task[None]] = set()

    @property
    def is_over(self) -> bool:
        return bool(self.state.get("phase") == "over")

    async def play(self, url: str) -> None:
        while not self.is_over:
            with suppress(*BROKEN):
                socket = await websocket_connect(self._handshake(url))
                try:
                    await self._say(socket, type="resume", id="resume")
                    await self._hear(socket)
                finally:
                    await self._close(socket)
            if not self.is_over:
                self.losses += 1
                await asyncio.sleep(self.chance.uniform(0.05, 0.5))

    def _handshake(self, url: str) -> Any:
        request = handshake(url)
        request.headers["Cookie"] = "; ".join(f"{name}={one.value}" for name, one in self.client.cookies.items())
        return request

    async def _hear(self, socket: WebSocketClientConnection) -> None:
        while not self.is_over and (text := await socket.read_message()) is not None:
            message = json.loads(text)
            self._check(str(text), message)
            if message.get("code") == "not-in-battle" and message.get("id") == "resume":
                self.state = {**self.state, "phase": "over"}  # it ended while this player was away
            if message["type"] == "paired":
                self._paired(message)
            if message["type"] == "paired" or (
                message["type"] == "event" and message["channel"] == f"battle:{self.battle}"
            ):
                state = message["state"] if message["type"] == "paired" else message["data"]["state"]
                is_news = state.get("number") != self.state.get("number")
                self.state = state
                if state["phase"] == "asked" and is_news:
                    self._do_later(self._attempt(socket, state["number"]))

    async def _close(self, socket: WebSocketClientConnection) -> None:
        for task in self._later:
            task.cancel()
        socket.close()
        with suppress(TimeoutError, *BROKEN):
            async with asyncio.timeout(CLOSING):  # nothing more comes from a connection that was closed before
                while await socket.read_message() is not None:
                    pass

    def _paired(self, message: dict[str, Any]) -> None:
        if self.seat >= 0:
            self.returns += 1
            if message["you"] != self.seat:
                self.faults.append(f"seat {message['you']} instead of {self.seat}")
            if self.state and message["state"]["version"] < self.state["version"]:
                self.faults.append("an older state came back")
        self.battle, self.seat = message["battle"], message["you"]

    def _check(self, text: str, message: dict[str, Any]) -> None:
        """No frame has anything of the answer of an open question, but the choices that this player asked for."""
        state = message.get("state") or message.get("data", {}).get("state", {})
        found = [secret for secret in SECRETS if secret in text]
        if found and not (state.get("closed") or message["type"] == "alternatives"):
            self.faults.append(f"{found} in {message['type']}")
        if message["type"] == "alternatives" and not self._seen_asked.get(message["number"]):
            self.faults.append("choices that were not asked for")
        version = state.get("version", 0)
        if message["type"] == "event" and message["n"] != version:
            self.faults.append(f"event {message['n']} has version {version}")

    async def _attempt(self, socket: WebSocketClientConnection, number: int) -> None:
        chance, battle = self.chance, self.battle
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        if chance.random() < 0.3:
            odd = chance.choice(ODD)
            await socket.write_message(odd if isinstance(odd, str) else json.dumps(odd))
        if chance.random() < 0.15:
            return socket.close()  # comes back, and may answer or not
        what = chance.random()
        if what < 0.25:
            self._seen_asked[number] = True
            await self._say(socket, type="alternatives", battle=battle, number=number)
        if what < 0.85:
            text = chance.choice((CHOICES[0], "THE  right ONE", "the rigth one", "nonsense", CHOICES[1]))
            for _ in range(chance.choice((1, 1, 2))):
                await self._say(socket, type="answer", battle=battle, number=number, text=text)
        if chance.random() < 0.2:
            await asyncio.sleep(chance.uniform(3, 6))
            await self._say(socket, type="answer", battle=battle, number=number, text=CHOICES[0])  # late

    async def _say(self, socket: WebSocketClientConnection, **message: Any) -> None:
        await socket.write_message(json.dumps(message))

    def _do_later(self, work: Any) -> None:
        async def done() -> None:
            with suppress(*BROKEN):
                await work

        task = asyncio.ensure_future(done())
        self._later.add(task)
        task.add_done_callback(self._later.discard)


class SimulatedBattlesTest(KilledTestCase):
    async def test_every_battle_ends_as_its_log_says_whatever_happens_to_processes_and_players(self) -> None:
        chance = random.Random(SEED)
        killing = asyncio.ensure_future(self.kill_on(random.Random(SEED + 1)))
        players: list[Simulated] = []
        records: list[Record] = []
        try:
            for start in range(0, BATTLES, AT_ONCE):
                number = min(AT_ONCE, BATTLES - start)
                of_batch, ids = await self.start_battles(number, chance)
                players += of_batch
                url = f"ws://127.0.0.1:{self.running.port}/live/websocket"
                await within(LONGEST, (player.play(url) for player in of_batch))
                for id in ids:
                    records.append(await self.kept(id))
        finally:
            killing.cancel()
        self.assertEqual([fault for player in players for fault in player.faults], [], f"seed {SEED}")
        for record in records:
            self.check(record)
        returns, losses = sum(player.returns for player in players), sum(player.losses for player in players)
        self.assertGreater(returns, BATTLES / 4)
        inversions = sum(map(inversions_in, (record.log for record in records)))
        print(f"{len(records)} battles, {losses} lost connections, {returns} returns, {inversions} inversions")

    async def start_battles(self, number: int, chance: random.Random) -> tuple[list[Simulated], list[str]]:
        players, ids = [], []
        for _ in range(number):
            two = [await self.player(chance) for _ in range(2)]
            seats = (Player(two[0].account, "One"), Player(two[1].account, "Two"))
            battle = await self.site.battles.writing.start(RULES, questions(), seats, paired)
            players += two
            ids.append(battle.id)
        return players, ids

    async def player(self, chance: random.Random) -> Simulated:
        client = self.visitor()
        sent = {"X-Forwarded-For": f"10.{chance.randrange(256)}.{chance.randrange(256)}.1"}
        me = json.loads((await client.fetch_async("GET", "/me", headers=sent)).body)
        account = await self.site.accounts.acting(me["visitor"])
        return Simulated(client, account.id, random.Random(chance.random()))

    async def kill_on(self, chance: random.Random) -> None:
        while True:
            await asyncio.sleep(KILL_EVERY)
            if pid := self.running.pid_of(f"--port={chance.choice(self.public_ports)}"):
                self.kill(pid)

    async def kept(self, id: str) -> Record:
        """The battle from MongoDB, where some process puts it within a second."""
        async with asyncio.timeout(SECONDS):
            while True:
                if await self.site.tools.mongo["battles"].find_one({"_id": id}) is not None:
                    return await self.site.battles.documents.kept(id)
                await asyncio.sleep(0.05)

    def check(self, record: Record) -> None:
        battle = record.battle
        self.assertTrue(battle.is_over)
        scores, outcomes = computed(record.log, battle.questions)
        self.assertEqual(list(battle.scores), scores, battle.id)
        self.assertEqual([[one.outcome == "right" for one in two] for two in battle.outcomes], outcomes, battle.id)
        begun = Battle.started(battle.id, battle.rules, battle.questions, battle.players, battle.began)
        again = Battle.replayed(begun, record.log)
        self.assertEqual((again.scores, again.winner, again.ended), (battle.scores, battle.winner, battle.ended))


def paired(battle: Battle) -> list[Any]:
    state = state_of(battle, battle.at)
    return [
        told(player.id, {"type": "paired", "battle": battle.id, "you": seat, "state": state})
        for seat, player in enumerate(battle.players)
    ]


def computed(log: Iterable[Entry], questions: tuple[Question, ...]) -> tuple[list[int], list[list[bool]]]:
    """The scores that a log leads to, and who was right at each closed question: without the code under test."""
    scores, outcomes, number = [0, 0], [], 0
    tried: dict[int, bool] = {}
    helped: set[int] = set()
    for entry in log:
        if entry.step == "ask":
            number, tried, helped = number + 1, {}, set()
        elif entry.step == "alternatives" and entry.seat is not None:
            helped.add(entry.seat)
        elif entry.step == "answered" and entry.seat is not None:
            typed, question = folded(entry.text), questions[number - 1]
            is_right = typed in (folded(question.answer), "form-secret") or typed == "the rigth one"
            tried[entry.seat] = is_right
            if is_right:
                scores[entry.seat] += 1 if entry.seat in helped else 3
            if is_right or len(tried) == 2:
                outcomes.append([tried.get(seat, False) for seat in (0, 1)])
        elif entry.step == "close":
            outcomes.append([tried.get(seat, False) for seat in (0, 1)])
    return scores, outcomes


def inversions_in(log: Iterable[Entry]) -> int:
    """How many answers were received before one that was carried out earlier."""
    received = [entry.received for entry in log if entry.received is not None]
    return sum(later < earlier for earlier, later in pairwise(received))
