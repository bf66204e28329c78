"""How the worker rotates log files. No server is needed."""

import tempfile
import unittest
from pathlib import Path

import worker

LOGS = ("access.log", "nginx-errors.log", "hits.log")


class RotateTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="plog-logs-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.asked = 0
        for name in LOGS:
            (self.folder / name).write_text("one line\n")

    def reopen(self) -> None:
        self.asked += 1

    def test_small_logs_are_left_alone(self) -> None:
        worker.rotate(self.folder, self.reopen)
        self.assertEqual((self.asked, sorted(path.name for path in self.folder.iterdir())), (0, sorted(LOGS)))

    def test_a_large_log_replaces_the_previous_rotated_one(self) -> None:
        log, before = self.folder / "access.log", self.folder / "access.log.1"
        before.write_text("old\n")
        with open(log, "ab") as file:
            file.truncate(worker.LARGEST_LOG)
        worker.rotate(self.folder, self.reopen)
        self.assertEqual((self.asked, log.exists(), before.stat().st_size), (1, False, worker.LARGEST_LOG))

    def test_nginx_is_asked_to_reopen_logs_until_all_exist(self) -> None:
        for name in LOGS:
            with self.subTest(name):
                self.asked = 0
                (self.folder / name).unlink()
                worker.rotate(self.folder, self.reopen)
                worker.rotate(self.folder, self.reopen)
                (self.folder / name).touch()
                worker.rotate(self.folder, self.reopen)
                self.assertEqual(self.asked, 2)
