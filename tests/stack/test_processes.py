"""Sessions of real processes: found by what was recorded, ended, and never mistaken for strangers."""

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
        """A shell in a session of its own that says when it is ready. What was ignored under `nohup` it could not trap."""
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

    def test_what_a_killed_leader_left_is_found(self) -> None:
        leader = self.led("sleep 60 & echo ready; wait")
        leader.kill()
        leader.wait()
        wait_until(lambda: self.names() == ["sleep"])

    def test_a_leader_is_known_while_it_lives_with_what_it_was_started_with(self) -> None:
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
        self.assertIsNone(processes.recorded_leader(self.file), "dead, but its parent has not asked for it yet")
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

    def test_what_works_elsewhere_is_left_alone(self) -> None:
        self.led("sleep 60 & echo ready; wait")
        self.assertEqual(self.names(self.folder / "elsewhere"), [])

    def test_a_stranger_with_the_recorded_number_is_left_alone(self) -> None:
        self.led("sleep 60 & echo ready; wait")
        for name, value in (("started", 1), ("boot", "another")):
            recorded = json.loads(self.file.read_text())
            self.file.write_text(json.dumps(recorded | {name: value}))
            self.assertEqual(self.names(), [], name)
            self.file.write_text(json.dumps(recorded))

    def test_a_record_that_is_missing_or_broken_means_nothing_is_left(self) -> None:
        self.assertEqual(self.names(), [])
        self.file.write_text("{")
        self.assertEqual(self.names(), [])

    def test_what_does_not_stop_is_killed(self) -> None:
        leader = self.led("trap '' TERM; echo ready; while true; do sleep 0.1; done")
        processes.end(lambda: processes.left_behind(self.file, self.folder), patience=0.2)
        self.assertEqual(leader.wait(1), -signal.SIGKILL)
        self.assertEqual(self.names(), [])
