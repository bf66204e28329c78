"""The embedded servers, MongoDB and Redis, really started in temporary folders."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from contextlib import ExitStack
from pathlib import Path

from settings import mongo_socket, redis_socket, socket_folder
from stack import processes, programs, servers

ROOT = Path(__file__).parent.parent.parent


class FolderTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="plog-servers-"))
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)


class PrepareTest(FolderTestCase):
    def test_the_folder_with_the_sockets_is_private(self) -> None:
        servers.prepare(self.data)
        self.assertEqual(stat.S_IMODE(socket_folder(self.data).stat().st_mode), 0o700)

    def test_a_socket_folder_prepared_by_someone_else_is_refused(self) -> None:
        deep = self.data / ("deep" * 30)
        trap = socket_folder(deep)
        trap.symlink_to(self.data)
        self.addCleanup(trap.unlink)
        with self.assertRaises(programs.Unavailable):
            servers.prepare(deep)


class EmbeddedTest(FolderTestCase):
    def is_up(self) -> bool:
        return servers.answers(mongo_socket(self.data)) and servers.answers(redis_socket(self.data))

    def is_down(self) -> bool:
        return not any(map(servers.answers, (mongo_socket(self.data), redis_socket(self.data))))

    def test_servers_run_until_the_block_ends(self) -> None:
        with servers.embedded(self.data):
            self.assertTrue(self.is_up())
        self.assertTrue(self.is_down())

    def test_only_the_wanted_servers_are_started(self) -> None:
        with servers.embedded(self.data, mongo=False):
            self.assertFalse(servers.answers(mongo_socket(self.data)))
            self.assertTrue(servers.answers(redis_socket(self.data)))

    def test_stale_sockets_do_not_prevent_a_start(self) -> None:
        servers.prepare(self.data)
        for path in (mongo_socket(self.data), redis_socket(self.data)):
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(str(path))
        self.assertTrue(self.is_down())
        with servers.embedded(self.data):
            self.assertTrue(self.is_up())

    def test_servers_run_until_their_last_user_is_done(self) -> None:
        with ExitStack() as second:
            first = ExitStack()
            first.enter_context(servers.embedded(self.data))
            second.enter_context(servers.embedded(self.data))
            leaving = threading.Thread(target=first.close)
            leaving.start()
            leaving.join(0.5)
            self.assertTrue(leaving.is_alive())
            self.assertTrue(self.is_up())
        leaving.join(servers.STOP_SECONDS)
        self.assertTrue(self.is_down())

    def test_the_stack_does_not_start_while_a_chore_runs_its_own_servers(self) -> None:
        with (
            servers.embedded(self.data, mongo=False),
            self.assertRaisesRegex(programs.Unavailable, "bin/site"),
            servers.alone(self.data, patience=0.1),
        ):
            pass
        with servers.alone(self.data, patience=0.1):
            pass

    def test_servers_of_a_killed_chore_stop(self) -> None:
        script = f"from stack import servers; from pathlib import Path; import time\n\
with servers.embedded(Path({str(self.data)!r})):\n    print('up', flush=True); time.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as chore:
            assert chore.stdout
            self.assertEqual(chore.stdout.readline(), b"up\n")
            os.kill(chore.pid, signal.SIGKILL)
        end = time.monotonic() + servers.STOP_SECONDS
        while not self.is_down() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertTrue(self.is_down())

    def test_a_server_that_hangs_is_not_replaced(self) -> None:
        servers.prepare(self.data)
        path = redis_socket(self.data)
        with socket.socket(socket.AF_UNIX) as hanging:
            hanging.bind(str(path))
            hanging.listen()
            before = path.stat().st_ino
            with servers.embedded(self.data, mongo=False, patience=0.1):
                pass
            self.assertEqual(path.stat().st_ino, before)

    def test_a_chore_that_waits_for_the_servers_of_a_start_does_not_hold_it_up(self) -> None:
        servers.prepare(self.data)
        processes.record(processes.record_of(self.data), os.getpid())
        done = threading.Event()

        def chore() -> None:
            with servers.embedded(self.data, mongo=False, patience=5):
                done.set()

        waiting = threading.Thread(target=chore)
        waiting.start()
        with servers.alone(self.data, patience=3):
            self.assertFalse(done.is_set())
        waiting.join()

    def test_a_server_that_supervisord_is_about_to_restart_is_awaited_and_not_started(self) -> None:
        servers.prepare(self.data)
        processes.record(processes.record_of(self.data), os.getpid())
        with servers.embedded(self.data, mongo=False, patience=0.1):
            self.assertFalse(servers.answers(redis_socket(self.data)))

    def test_a_server_that_cannot_start_is_named(self) -> None:
        servers.prepare(self.data)
        (self.data / "redis" / "appendonlydir").write_text("Redis 7 wants a folder here")
        (self.data / "redis" / "appendonly.aof").mkdir()  # and older versions expect a file
        with self.assertRaisesRegex(programs.Unavailable, r"redis\.sock"), servers.embedded(self.data, mongo=False):
            pass
