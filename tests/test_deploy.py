"""`bin/deploy`: a commit is pushed, and the running site changes to it without a failed request."""

import asyncio
import atexit
import fcntl
import http.client
import json
import os
import random
import threading
import unittest
from contextlib import ExitStack
from functools import cache
from itertools import count

from tests.checkouts import Checkouts, path
from tests.killed.base import ADDRESSES, SETTINGS, KilledTestCase, is_gone
from tests.running import Running

CROWD = 30
WRITERS, READERS = 4, 4
FASTEST, SLOWEST = 0.0, 0.15  # seconds between two requests of one client
SETTLED = 40  # comments before a deploy begins
FOOTER = "Made with Plog, a live blog"
PATHS = (
    "/",
    "/?uncached={n}",
    "{post}",
    "{post}?uncached={n}",
    "{post}/comments?after={n}",
    "/me",
    "/static/css/site.css",
)


@cache
def checkouts() -> Checkouts:
    """The origin and its clone, removed when this interpreter exits."""
    found = Checkouts.of_plog()
    atexit.register(found.remove)
    return found


@cache
def served() -> Running:
    """The site that runs from the clone."""
    until_exit = ExitStack()
    atexit.register(until_exit.close)
    running = Running(root=checkouts().clone, PATH=path(), **SETTINGS)
    until_exit.callback(running.remove)
    running.start()
    return running


class DeployTestCase(KilledTestCase):
    stack = staticmethod(served)

    async def asyncSetUp(self) -> None:
        self.checkouts = await asyncio.to_thread(checkouts)
        await super().asyncSetUp()

    async def deploy(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Runs a deploy and checks its exit code. Returns its output. Only SITE_DATA is given; the rest is the site's."""
        environment = {"SITE_DATA": str(self.running.data), **environment}
        ran = await asyncio.to_thread(self.checkouts.deploy, *arguments, **environment)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stdout + ran.stderr

    def pids(self) -> set[int]:
        """The processes that run the site's own code."""
        parts = [*(f"--port={port}" for port in range(self.running.port + 1, self.running.port + 5)), "worker.py"]
        return {self.pid(part) for part in parts}

    def others(self) -> set[int]:
        return {self.pid(name) for name in ("mongod", "redis-server", "nginx: master", "supervisord")}


class DeployTest(DeployTestCase):
    async def test_a_deploy_replaces_all_processes_and_no_request_fails(self) -> None:
        await self.join(CROWD)
        before, others = self.pids(), self.others()
        crowd = Crowd(self.running, self.post.path)
        with crowd:
            await self.becomes(crowd.has_settled, "comments are accepted")
            self.checkouts.commit({"templates/base.html": (FOOTER, "The second version of Plog")})
            said = await self.deploy()
        self.assertEqual(crowd.failures, [])
        self.assertIn("all processes run this version", said)
        self.assertFalse(before & self.pids())
        self.assertEqual(others, self.others())
        for address in ("/", self.post.path, self.post.path, "/nothing", "/?uncached"):
            self.assertIn("The second version of Plog", self.running.get(address).body)
        self.assertLessEqual(crowd.accepted, (await self.changes()).keys())
        await self.all_have(await self.written("After the deploy"))
        for follower in self.followers:
            self.assertEqual(follower.losses, follower.restarts, "a connection was lost without a `restart` message")
        self.assertGreaterEqual(sum(follower.restarts for follower in self.followers), CROWD)

    async def test_a_version_that_does_not_start_is_refused_and_other_versions_can_be_deployed(self) -> None:
        before, good = self.pids(), self.checkouts.head
        self.checkouts.commit({"app.py": ("def main() -> None:\n", "def main() -> None:\n    sys.exit('broken')\n")})
        said = await self.deploy(code=1)
        name = f"public-{self.running.port + 1}"
        for words in (f"{name} did not come up", f"{self.running.data}/log/{name}.log", f"bin/deploy {good}\n"):
            self.assertIn(words, said)
        gone = {pid for pid in before if is_gone(pid)}
        self.assertEqual((len(gone), self.pid(f"--port={self.running.port + 2}") in before), (1, True))
        self.assertEqual({self.running.get("/?uncached").code for _ in range(6)}, {200})
        await self.written("While one is stopped")
        self.checkouts.undo()

        self.assertIn(f"to {good}", await self.deploy(good))
        self.assertFalse(before & self.pids())
        self.assertIn("bin/deploy main", await self.deploy(code=1), "after going back, a deploy needs a named branch")

        self.checkouts.commit({"nginx/nginx.conf": ("text/css css;", "text/css css style;")})
        nginx, worker, before = self.pid("nginx: master"), self.pid("nginx: worker"), self.pids()
        await asyncio.to_thread(self.kill_deploy, "main")
        self.assertIn("all processes run this version", await self.deploy())
        self.assertFalse(before & self.pids())
        await self.becomes(lambda: self.has_read(worker), "nginx has read its new configuration")
        self.assertEqual(nginx, self.pid("nginx: master"))

    def kill_deploy(self, revision: str) -> None:
        """Starts a deploy and kills it after its first process is up."""
        with self.checkouts.deploying(revision, SITE_DATA=str(self.running.data)) as process:
            assert process.stdout
            self.assertTrue(any(" is up" in line for line in process.stdout))
            process.kill()

    async def has_read(self, worker: int) -> bool:
        return is_gone(worker)


class RefusedDeployTest(DeployTestCase):
    """A deploy that is refused says why and restarts nothing."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.before = self.pids()

    async def asyncTearDown(self) -> None:
        self.assertEqual(self.before, self.pids())
        self.assertTrue(self.running.is_up("/?uncached"))

    async def test_sources_that_cannot_be_bundled_are_refused(self) -> None:
        await self.refused(
            "static/css/none.css is not there", "templates/base.html", '"css/site.css"', '"css/none.css"'
        )

    async def test_an_invalid_nginx_configuration_is_refused(self) -> None:
        await self.refused("nginx refuses", "nginx/nginx.conf", "sendfile on;", "sendfile perhaps;")

    async def test_an_nginx_configuration_that_needs_a_restart_is_refused(self) -> None:
        await self.refused(
            "nginx goes on with what it had", "nginx/nginx.conf", "$live_address zone", "$remote_addr zone"
        )
        self.assertIn("nginx has a new configuration", await self.deploy())
        self.before = self.pids()

    async def test_a_changed_supervisor_configuration_is_refused(self) -> None:
        await self.refused("start Plog again", "supervisor/supervisord.conf", "stopwaitsecs = 5", "stopwaitsecs = 4")

    async def refused(self, words: str, file: str, old: str, new: str) -> None:
        self.checkouts.commit({file: (old, new)})
        self.assertIn(words, await self.deploy(code=1))
        self.checkouts.undo()
        self.checkouts.catch_up()

    async def test_uncommitted_changes_are_refused(self) -> None:
        file = self.checkouts.clone / "README.md"
        text = file.read_text()
        file.write_text("Mine")
        self.assertRegex(await self.deploy(code=1), "changes that are in no commit.*\n.*README.md")
        file.write_text(text)

    async def test_another_data_folder_than_the_running_sites_is_refused(self) -> None:
        self.assertIn(f"SITE_DATA={self.running.data} bin/deploy", await self.deploy(code=1, SITE_DATA="var"))

    async def test_a_simultaneous_second_deploy_is_refused(self) -> None:
        lock = os.open(self.running.data / "run" / "deploy.lock", os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        self.assertIn("another deploy is at work", await self.deploy(code=1))


class StoppedDeployTest(unittest.TestCase):
    def test_deploying_a_stopped_site_prepares_the_next_start(self) -> None:
        checkouts = Checkouts.of_plog()
        self.addCleanup(checkouts.remove)
        commit = checkouts.commit({"README.md": ("# Plog", "# Plog, anew")})
        ran = checkouts.deploy()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn(f"to {commit}\nDeploy: Plog does not run; the next bin/run serves this version", ran.stdout)
        self.assertEqual(checkouts.head, commit)


class Crowd:
    """Visitors that read and write over keep-alive connections while the block runs."""

    def __init__(self, running: Running, post: str) -> None:
        self.running, self.post = running, post
        self.failures: list[str] = []
        self.accepted: set[str] = set()
        self.asked = 0
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._write) for _ in range(WRITERS)]
        self._threads += [threading.Thread(target=self._read) for _ in range(READERS)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    async def has_settled(self) -> bool:
        return len(self.accepted) > SETTLED

    def _write(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=30)
        while not self._is_over.wait(random.uniform(FASTEST, SLOWEST)):
            number = next(ADDRESSES)
            headers = {"Content-Type": "application/json", "Accept": "application/json"}
            headers["X-Forwarded-For"] = f"10.{number >> 8 & 255}.{number & 255}.1"
            body = json.dumps({"text": f"Meanwhile, {number}"})
            if content := self._ask(connection, "POST", f"{self.post}/comments", 201, body, headers):
                self.accepted.add(json.loads(content)["id"])
        connection.close()

    def _read(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=30)
        for n in count():
            if self._is_over.wait(random.uniform(FASTEST, SLOWEST)):
                break
            self._ask(connection, "GET", PATHS[n % len(PATHS)].format(post=self.post, n=n), 200, None, {})
        connection.close()

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        wanted: int,
        body: str | None,
        headers: dict[str, str],
    ) -> bytes | None:
        self.asked += 1
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.failures.append(f"{method} {path}: {error!r}")
            return None
        if answer.status != wanted:
            self.failures.append(f"{method} {path}: {answer.status} {content[:200]!r}")
            return None
        return content


if __name__ == "__main__":
    unittest.main()
