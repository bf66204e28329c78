"""Sessions of real processes: found by their record, ended, and never confused with foreign processes."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from stack import processes
from tests.running import wait_until


class ProcessesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plog-processes-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "session.json"

    def led(self, script: str) -> subprocess.Popen[bytes]:
        """Starts a shell in a new session and waits until it is ready. SIGHUP is reset: `nohup` may have ignored it."""
        leader = subprocess.Popen(
            ["env", "--default-signal=HUP", "sh", "-c", script],
            cwd=self.folder,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(leader.communicate)
        self.addCleanup(processes.end, lambda: processes.session(leader.pid), 0)
        assert leader.stdout
        leader.stdout.readline()
        processes.record(self.file, leader.pid)
        return leader

    def names(self, *folders: Path) -> list[str]:
        return [process.name for process in processes.left_behind(self.file, *folders or (self.folder,))]

    def test_a_session_is_found_with_its_leader_first(self) -> None:
        self.led("sleep 60 & echo ready; wait")
        wait_until(lambda: self.names() == ["sh", "sleep"])  # the shell's child needs a moment to become `sleep`

    def test_children_of_a_killed_leader_are_found(self) -> None:
        leader = self.led("sleep 60 & echo ready; wait")
        leader.kill()
        leader.wait()
        wait_until(lambda: self.names() == ["sleep"])

    def test_a_running_leader_is_found_with_its_folder_and_environment(self) -> None:
        leader = self.led("sleep 60 & echo ready; wait")
        found = processes.recorded_leader(self.file)
        assert found
        self.assertEqual((found.pid, found.folder), (leader.pid, self.folder))
        self.assertEqual(found.environment()["PATH"], os.environ["PATH"])
        recorded = json.loads(self.file.read_text())
        self.file.write_text(json.dumps(recorded | {"started": 1}))
        self.assertIsNone(processes.recorded_leader(self.file))
        self.file.write_text(json.dumps(recorded))
        leader.kill()
        os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
        self.assertIsNone(processes.recorded_leader(self.file), "a zombie: dead, but its parent has not waited for it")
        leader.wait()
        self.assertIsNone(processes.recorded_leader(self.file))
        self.assertEqual(found.environment(), {})

    def test_a_process_that_has_ended_gets_no_signal_and_has_no_children(self) -> None:
        leader = self.led("sleep 60 & echo ready; wait")
        found = processes.session(leader.pid)[0]
        self.assertEqual(len(found.children()), 1)
        leader.kill()
        leader.wait()
        found.signal(signal.SIGTERM)
        self.assertEqual(found.children(), set())

    def test_processes_in_other_folders_are_not_found(self) -> None:
        self.led("sleep 60 & echo ready; wait")
        self.assertEqual(self.names(self.folder / "elsewhere"), [])

    def test_a_foreign_process_with_the_recorded_pid_is_not_found(self) -> None:
        self.led("sleep 60 & echo ready; wait")
        for name, value in (("started", 1), ("boot", "another")):
            recorded = json.loads(self.file.read_text())
            self.file.write_text(json.dumps(recorded | {name: value}))
            self.assertEqual(self.names(), [], name)
            self.file.write_text(json.dumps(recorded))

    def test_with_a_missing_or_broken_record_no_process_is_found(self) -> None:
        self.assertEqual(self.names(), [])
        self.file.write_text("{")
        self.assertEqual(self.names(), [])

    def test_a_process_that_ignores_sigterm_is_killed(self) -> None:
        leader = self.led("trap '' TERM; echo ready; while true; do sleep 0.1; done")
        processes.end(lambda: processes.left_behind(self.file, self.folder), patience=0.2)
        self.assertEqual(leader.wait(1), -signal.SIGKILL)
        self.assertEqual(self.names(), [])
