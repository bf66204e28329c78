"""Signals to a running nginx. A shell of that name stands in for its master, and `sleep` for its workers."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from stack import nginx, processes
from tests.running import wait_until

WORKERS = "sleep 60 & one=$!; sleep 60 & two=$!; echo ready; while :; do wait; done"


class NginxTest(unittest.TestCase):
    def setUp(self) -> None:
        self.run = Path(tempfile.mkdtemp(prefix="plog-nginx-"))
        self.addCleanup(shutil.rmtree, self.run)

    def master(self, script: str, name: str = "nginx") -> "subprocess.Popen[bytes]":
        """Starts a shell in a new session and writes its pid to the pid file once it is ready."""
        program = self.run / name
        if not program.exists():
            program.symlink_to(Path("/bin/sh").resolve())
        master = subprocess.Popen(
            [
                "env",
                "--default-signal=HUP",
                str(program),
                "-c",
                script,
            ],  # a signal ignored by `nohup` cannot be trapped
            cwd=self.run,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(master.communicate)
        self.addCleanup(processes.end, lambda: processes.session(master.pid), 0)
        assert master.stdout
        self.assertEqual(master.stdout.readline(), b"ready\n")
        (self.run / "nginx.pid").write_text(f"{master.pid}\n")
        return master

    def test_a_reload_is_done_when_all_workers_have_been_replaced(self) -> None:
        renewing = "kill $one $two; sleep 60 & one=$!; sleep 60 & two=$!"
        for on_hup, is_done in ((renewing, True), ("kill $one; sleep 60 & one=$!", False), ("exit", True)):
            self.master(f"trap '{on_hup}' HUP; {WORKERS}")
            self.assertEqual(nginx.reload(self.run, 30 if is_done else 0.5), is_done, on_hup)

    def test_nginx_is_asked_to_reopen_its_logs(self) -> None:
        self.master(f"trap 'touch reopened' USR1; {WORKERS}")
        nginx.reopen_logs(self.run)
        wait_until((self.run / "reopened").exists)

    def test_without_a_running_nginx_reload_returns_at_once(self) -> None:
        self.assertTrue(nginx.reload(self.run, 0))
        nginx.reopen_logs(self.run)

    def test_another_program_with_the_recorded_pid_gets_no_signal(self) -> None:
        stranger = self.master(f"trap 'touch asked' HUP USR1; {WORKERS}", name="stranger")
        self.assertIsNone(nginx.find_master(self.run))
        self.assertTrue(nginx.reload(self.run, 0))
        nginx.reopen_logs(self.run)
        os.kill(stranger.pid, 0)
        self.assertFalse((self.run / "asked").exists())
