"""Disks that refuse writes: read-only, full and small ones. They work for root too, who ignores file modes."""

import os
import resource
import subprocess
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REFUSALS = "Read-only file system|Permission denied"  # the kernel's message to root, and to other users


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Makes a folder read-only while the block runs. Skips the test if root may not mount."""
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
def full(most: int = 0) -> Iterator[None]:
    """Limits the size of files written by this process and the processes that it starts in the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def small(folder: Path, kilobytes: int) -> Iterator[None]:
    """Mounts a disk of this size at a folder. Skips the test if this user may not mount."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs"):
        yield


@contextmanager
def _mounted_read_only(folder: Path) -> Iterator[None]:
    with _mounted(folder, "--bind", str(folder)):
        assert not _run("mount", "-o", "remount,bind,ro", folder)
        yield


@contextmanager
def _mounted(folder: Path, *what: str) -> Iterator[None]:
    if _run("mount", *what, folder):
        raise unittest.SkipTest("this user may not mount anything here")
    try:
        yield
    finally:
        _run("umount", "--lazy", folder)


def _run(*command: str | Path) -> int:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode
