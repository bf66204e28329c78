"""Sessions of real processes: found by what was recorded, ended, and never mistaken for strangers."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from lib import processes


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
        self.assertEqual(self.names(), ["sh", "sleep"])

    def test_what_a_killed_leader_left_is_found(self) -> None:
        leader = self.led("sleep 60 & echo ready; wait")
        leader.kill()
        leader.wait()
        self.assertEqual(self.names(), ["sleep"])

    def test_a_program_has_read_its_configuration_when_all_its_workers_are_other_ones(self) -> None:
        renewing = "kill $one $two; sleep 60 & one=$!; sleep 60 & two=$!"
        for on_hup, is_done in ((renewing, True), ("kill $one; sleep 60 & one=$!", False), ("exit", True)):
            master = self.led(
                f"trap '{on_hup}' HUP; sleep 60 & one=$!; sleep 60 & two=$!; echo; while :; do wait; done"
            )
            (self.folder / "pid").write_text(str(master.pid))
            self.assertEqual(processes.reload(self.folder / "pid", "sh", 30 if is_done else 0.5), is_done, on_hup)
        self.assertTrue(processes.reload(self.folder / "none", "sh", 0))

    def test_a_leader_is_known_while_it_lives_with_what_it_was_started_with(self) -> None:
        leader = self.led("sleep 60 & echo ready; wait")
        found = processes.recorded_leader(self.file)
        assert found
        self.assertEqual((found.pid, found.folder), (leader.pid, self.folder))
        self.assertEqual(processes.environment(leader.pid)["PATH"], os.environ["PATH"])
        recorded = json.loads(self.file.read_text())
        self.file.write_text(json.dumps(recorded | {"started": 1}))
        self.assertIsNone(processes.recorded_leader(self.file))
        self.file.write_text(json.dumps(recorded))
        leader.kill()
        leader.wait()
        self.assertIsNone(processes.recorded_leader(self.file))
        self.assertEqual(processes.environment(leader.pid), {})

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
