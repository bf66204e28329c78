"""A Redis server for tests, on a Unix socket in a temporary folder. It can be killed and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError

from stack import programs


class RedisServer:
    def __init__(self, program=None):
        self.program = program or programs.find_redis_server()
        self.folder = tempfile.mkdtemp(prefix="redis-")
        self.socket = Path(self.folder, "s")
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self):
        command = [self.program, "--port", "0", "--unixsocket", str(self.socket), "--dir", self.folder, "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with self.client() as redis:
            while not self._answers(redis):
                assert self.process.poll() is None, f"{self.program} ended with {self.process.returncode}"
                time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait()

    @contextmanager
    def hanging(self):
        """While the block runs, the server accepts connections and commands, but never answers."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def close(self):
        self.kill()
        shutil.rmtree(self.folder)

    def client(self):
        return Redis.from_url(self.url, decode_responses=True)

    @staticmethod
    def _answers(redis):
        try:
            return redis.ping()
        except ConnectionError:
            return False
