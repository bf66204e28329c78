"""A folder whose files nobody can add, change or remove: not even root, to whom file modes do not apply."""

import os
import subprocess
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REFUSALS = "Read-only file system|Permission denied"  # what the kernel says, to root or to others


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Keeps a folder as it is while the block runs. Skips the test where root may not mount."""
    if os.getuid() == 0:
        with _mounted_read_only(folder):
            yield
        return
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    try:
        for path in folders:
            path.chmod(0o555)
        yield
    finally:
        for path in folders:
            path.chmod(0o755)


@contextmanager
def _mounted_read_only(folder: Path) -> Iterator[None]:
    if _run("mount", "--bind", folder, folder):
        raise unittest.SkipTest("root may not mount here, and no file mode keeps root from writing")
    try:
        assert not _run("mount", "-o", "remount,bind,ro", folder)
        yield
    finally:
        _run("umount", "--lazy", folder)


def _run(*command: str | Path) -> int:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode
