"""The servers that Plog brings along, started for real in folders of their own."""

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
from urllib.parse import unquote

from lib import servers

ROOT = Path(__file__).parent.parent.parent


class FolderTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="plog-servers-"))
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)


class ProgramsTest(FolderTestCase):
    def test_the_systems_program_comes_before_the_packaged_one(self) -> None:
        for name in servers.PACKAGED:
            on_path = self.data / name
            on_path.touch(mode=0o755)
            found = servers.programs(name, {"PATH": str(self.data)})
            self.assertEqual(found[0], str(on_path))
            self.assertEqual(found[1:], servers.programs(name, {servers.PACKAGED_ONLY: "1"}))

    def test_the_systems_programs_can_be_hidden_also_those_that_are_not_on_path(self) -> None:
        for name in servers.PACKAGED:
            (self.data / name).touch(mode=0o755)
            for path in servers.programs(name, {"PATH": str(self.data), servers.PACKAGED_ONLY: "1"}):
                self.assertTrue(any(Path(path).is_relative_to(folder) for folder in sys.path), path)


class SocketFolderTest(FolderTestCase):
    def test_sockets_are_in_the_data_folder_where_their_paths_fit(self) -> None:
        self.assertEqual(servers.socket_folder(Path("/srv/plog/var")), Path("/srv/plog/var/run"))

    def test_sockets_of_a_deep_data_folder_are_in_a_short_one(self) -> None:
        deep = Path("/srv") / ("deep" * 30) / "var"
        self.assertLess(len(str(servers.mongo_socket(deep))), servers.SOCKET_LENGTH)
        self.assertEqual(servers.socket_folder(deep), servers.socket_folder(deep))
        self.assertNotEqual(servers.socket_folder(deep), servers.socket_folder(deep / "other"))

    def test_addresses_quote_what_is_special_in_them(self) -> None:
        data = Path("/srv/my blog/var")
        self.assertEqual(servers.mongo_url(data), "mongodb://%2Fsrv%2Fmy%20blog%2Fvar%2Frun%2Fmongo.sock")
        self.assertEqual(unquote(servers.redis_url(data)), "unix:///srv/my blog/var/run/redis.sock")

    def test_the_folder_is_private(self) -> None:
        servers.prepare(self.data)
        self.assertEqual(stat.S_IMODE(servers.socket_folder(self.data).stat().st_mode), 0o700)

    def test_a_short_folder_that_someone_else_prepared_is_refused(self) -> None:
        deep = self.data / ("deep" * 30)
        trap = servers.socket_folder(deep)
        trap.symlink_to(self.data)
        self.addCleanup(trap.unlink)
        with self.assertRaises(servers.Unavailable):
            servers.prepare(deep)


class EmbeddedTest(FolderTestCase):
    def is_up(self) -> bool:
        return servers.answers(servers.mongo_socket(self.data)) and servers.answers(servers.redis_socket(self.data))

    def is_down(self) -> bool:
        return not any(map(servers.answers, (servers.mongo_socket(self.data), servers.redis_socket(self.data))))

    def test_servers_run_as_long_as_the_block(self) -> None:
        with servers.embedded(self.data):
            self.assertTrue(self.is_up())
        self.assertTrue(self.is_down())

    def test_servers_that_are_not_wanted_stay_away(self) -> None:
        with servers.embedded(self.data, mongo=False):
            self.assertFalse(servers.answers(servers.mongo_socket(self.data)))
            self.assertTrue(servers.answers(servers.redis_socket(self.data)))

    def test_stale_sockets_block_nothing(self) -> None:
        servers.prepare(self.data)
        for path in (servers.mongo_socket(self.data), servers.redis_socket(self.data)):
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(str(path))
        self.assertTrue(self.is_down())
        with servers.embedded(self.data):
            self.assertTrue(self.is_up())

    def test_whoever_started_the_servers_leaves_them_to_the_last_who_uses_them(self) -> None:
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

    def test_the_stack_does_not_start_while_a_chore_has_servers_of_its_own(self) -> None:
        with (
            servers.embedded(self.data, mongo=False),
            self.assertRaisesRegex(servers.Unavailable, "bin/site"),
            servers.alone(self.data, patience=0.1),
        ):
            pass
        with servers.alone(self.data, patience=0.1):
            pass

    def test_servers_of_a_chore_that_is_killed_go_with_it(self) -> None:
        script = f"from lib import servers; from pathlib import Path; import time\n\
with servers.embedded(Path({str(self.data)!r})):\n    print('up', flush=True); time.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as chore:
            assert chore.stdout
            self.assertEqual(chore.stdout.readline(), b"up\n")
            os.kill(chore.pid, signal.SIGKILL)
        end = time.monotonic() + servers.STOP_SECONDS
        while not self.is_down() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertTrue(self.is_down())

    def test_a_server_that_cannot_start_is_named(self) -> None:
        servers.prepare(self.data)
        (self.data / "redis" / "appendonlydir").write_text("Redis 7 wants a folder here")
        (self.data / "redis" / "appendonly.aof").mkdir()  # and older ones a file
        with self.assertRaisesRegex(servers.Unavailable, r"redis\.sock"), servers.embedded(self.data, mongo=False):
            pass
