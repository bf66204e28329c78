"""The end of a public process: killed with followers on it, killed before it publishes a change, or asked to stop."""

import asyncio
import json
import os
import signal
import sys
from itertools import count

from tests.follower import LastingFollower
from tests.killed.base import IS_LONG, SECONDS, KilledTestCase, is_gone, within
from tests.killed.dying import LINES
from tests.running import ROOT

CROWD = 1500  # five hundred of them on each process
BACK_WITHIN = 10.0  # seconds
WRITERS = 3
ROUNDS = 5 if IS_LONG else 1


class KilledProcessTest(KilledTestCase):
    async def test_followers_of_a_killed_process_reconnect_soon_and_miss_no_change(self) -> None:
        """Within ten seconds, or within the time that the first connections took if the machine is slower."""
        began = asyncio.get_running_loop().time()
        await self.join(CROWD)
        back_within = max(BACK_WITHIN, asyncio.get_running_loop().time() - began)
        for number in range(ROUNDS):
            await self.kill_one(self.public_ports[number % 3], back_within, f"round {number}")

    async def kill_one(self, port: int, back_within: float, label: str) -> None:
        await self.all_have(await self.written(*(f"Before, {n} of {label}" for n in range(3))))
        for follower in self.followers:
            follower.losses, follower.joined = 0, []
        number, pid = await self.connections(port), self.pid(f"--port={port}")
        self.assertGreater(number, CROWD // 3 * 0.9)
        acknowledged: set[str] = set()
        self.is_over = False
        writing = [
            asyncio.ensure_future(self.write_on(f"{writer} in {label}", acknowledged)) for writer in range(WRITERS)
        ]
        await self.becomes(lambda: self.has_some(acknowledged), "comments are accepted")
        killed_at = asyncio.get_running_loop().time()
        self.kill(pid)
        await self.becomes(lambda: self.has_broken(number), f"{number} lose their connection")
        on_it = [follower for follower in self.followers if follower.losses]
        await within(SECONDS, (follower.join() for follower in on_it))
        self.is_over = True
        await asyncio.gather(*writing)
        soon = sum(follower.joined[0] - killed_at <= back_within for follower in on_it)
        self.assertGreaterEqual(soon, 0.99 * number)
        await self.all_have(await self.written(*(f"After, {n} of {label}" for n in range(3))))
        self.assertLessEqual(acknowledged, (await self.changes()).keys())
        await self.all_up()
        self.assertTrue(is_gone(pid))

    async def write_on(self, writer: str, acknowledged: set[str]) -> None:
        """Posts comments until the end and collects the ids of accepted ones. The killed process may refuse some."""
        for number in count():
            if self.is_over:
                return
            answer = await self.write(f"Meanwhile, {number} by {writer}")
            self.assertIn(answer.code, (201, 503))
            if answer.code == 201:
                acknowledged.add(json.loads(answer.body)["id"])
            await asyncio.sleep(0.4)

    async def has_some(self, acknowledged: set[str]) -> bool:
        return len(acknowledged) > WRITERS

    async def has_broken(self, number: int) -> bool:
        return sum(bool(follower.losses) for follower in self.followers) >= number

    async def test_the_worker_publishes_changes_that_a_killed_process_stored(self) -> None:
        await self.join(30)
        killed = await asyncio.gather(*(self.die_at(line) for line in LINES))
        self.assertEqual(killed, [-signal.SIGKILL] * len(LINES))
        await self.all_have(len(LINES))
        await self.becomes(self.is_outbox_empty, "the outbox is empty")
        self.assertEqual((await self.site.posts.documents.by_id(self.post.id)).comment_count, len(LINES))
        self.assertEqual((await self.page()).shown.keys(), (await self.changes()).keys())
        self.assertEqual({follower.losses for follower in self.followers}, {0})

    async def die_at(self, line: str) -> int:
        command = [sys.executable, "-m", "tests.killed.dying", self.post.id, line, f"Killed before {line}"]
        others = {name: value for name, value in os.environ.items() if not name.startswith("SITE_")}
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env={**others, **self.environment})
        return await process.wait()

    async def is_outbox_empty(self) -> bool:
        return await self.site.tools.mongo["comments"].count_documents({"untold.0": {"$exists": True}}) == 0


class StoppedProcessTest(KilledTestCase):
    async def test_a_stopping_process_sends_restart_and_finishes_requests_in_flight(self) -> None:
        await self.join(60)
        port = self.public_ports[0]
        number, pid = await self.connections(port), self.pid(f"--port={port}")
        under_way = await HalfSent.to(port, self.comments_path, "Half a request when the process was asked to stop")
        os.kill(pid, signal.SIGTERM)
        on_it = await self.asked_to_restart(number)
        with self.assertRaises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        self.assertEqual(await under_way.finished(), "HTTP/1.1 201 Created")
        await within(SECONDS, (follower.join(2) for follower in on_it))
        await self.all_have(await self.written("After the restart"))
        await self.all_up()
        self.assertTrue(is_gone(pid))

    async def asked_to_restart(self, number: int) -> list[LastingFollower]:
        """The followers that got `restart`, once there are this many."""

        async def has_announced() -> bool:
            return sum(follower.restarts for follower in self.followers) == number

        await self.becomes(has_announced, f"{number} are asked to reconnect")
        return [follower for follower in self.followers if follower.restarts]


class HalfSent:
    """A request in flight: a process has read its head and waits for the body of the comment."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        self.reader, self.writer, self.body = reader, writer, body

    @classmethod
    async def to(cls, port: int, path: str, text: str) -> "HalfSent":
        body = json.dumps({"text": text}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
        head += ["Content-Type: application/json", "Accept: application/json", "Expect: 100-continue", "", ""]
        writer.write("\r\n".join(head).encode())
        assert b"100" in await reader.readuntil(b"\r\n\r\n")
        return cls(reader, writer, body)

    async def finished(self) -> str:
        """Sends the rest. Returns the first line of the answer."""
        self.writer.write(self.body)
        answer = await self.reader.read()
        self.writer.close()
        await self.writer.wait_closed()
        return answer.decode().partition("\r\n")[0]
