"""Following a log that grows and is cut off, renamed, copied, truncated or lost meanwhile."""

import random
import shutil
import tempfile
import unittest
from itertools import count
from pathlib import Path

from lib.logfollower import LogFollower, Positions


class LogFollowerTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="plog-log-"))
        self.addCleanup(shutil.rmtree, folder)
        self.path = folder / "hits.log"
        self.follower = LogFollower(self.path, most=1000)
        self.positions: Positions = {}
        self.numbers = count(1)
        self.written: list[bytes] = []
        self.found: list[bytes] = []

    def write(self, number: int = 1, path: Path | None = None) -> None:
        lines = [b"line %d" % next(self.numbers) for _ in range(number)]
        self.written += lines
        self.write_raw(b"".join(line + b"\n" for line in lines), path)

    def write_raw(self, text: bytes, path: Path | None = None) -> None:
        with open(path or self.path, "ab") as file:
            file.write(text)

    def read(self) -> None:
        while reading := self.follower.read(self.positions):
            self.positions = reading.positions
            self.found += reading.lines

    def beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())

    def assert_all_once(self) -> None:
        self.read()
        self.assertEqual(sorted(self.found), sorted(self.written))

    def test_a_missing_or_empty_log_has_no_lines(self) -> None:
        self.assertIsNone(self.follower.read({}))
        self.path.touch()
        self.assertIsNone(self.follower.read({}))

    def test_a_large_log_is_read_in_parts(self) -> None:
        self.write(1000)
        self.assertLess(len(self.follower.read({}).lines), 1000)  # type: ignore[union-attr]
        self.assert_all_once()

    def test_an_incomplete_line_is_read_once_it_is_complete(self) -> None:
        self.write()
        self.write_raw(b"half")
        self.read()
        self.assertEqual(self.found, [b"line 1"])
        self.write_raw(b" and half\n")
        self.written.append(b"half and half")
        self.assert_all_once()

    def test_an_incomplete_first_line_is_not_read_yet(self) -> None:
        self.write_raw(b"ha")
        self.assertIsNone(self.follower.read({}))
        self.write_raw(b"lf\n")
        self.written.append(b"half")
        self.assert_all_once()

    def test_a_line_that_is_too_long_is_skipped(self) -> None:
        self.write()
        self.write_raw(b"\0" * 1500 + b"\n")
        self.write()
        self.read()
        self.assertEqual([line for line in self.found if line.startswith(b"line")], self.written)

    def test_a_renamed_log_is_read_to_its_end_while_it_is_still_written(self) -> None:
        self.write(5)
        self.read()
        self.write(5)
        self.path.rename(self.beside(".1"))
        self.write(5, self.beside(".1"))
        self.write(5)
        self.read()
        self.write(5, self.beside(".1"))
        self.assert_all_once()

    def test_two_rotations_between_reads_lose_no_line(self) -> None:
        for suffix in (".2", ".1"):
            self.write(50)
            self.path.rename(self.beside(suffix))
        self.write(50)
        self.assert_all_once()

    def test_a_log_copied_and_truncated_is_not_read_twice(self) -> None:
        self.write(5)
        self.read()
        self.write(5)
        shutil.copy(self.path, self.beside(".1"))
        self.read()
        self.path.write_bytes(b"")
        self.read()
        self.write(20)
        self.assert_all_once()

    def test_lines_unread_before_a_truncation_are_read_from_the_copy(self) -> None:
        self.write(50)
        shutil.copy(self.path, self.beside(".1"))
        self.path.write_bytes(b"")
        self.write(5)
        self.assert_all_once()

    def test_compressed_logs_are_ignored(self) -> None:
        self.write_raw(b"\x1f\x8b\n\n\n", self.beside(".1.gz"))
        self.write()
        self.assert_all_once()

    def test_lines_written_after_a_truncated_end_are_read(self) -> None:
        """A crash of the machine may lose lines that were read already; lines written afterwards are new."""
        self.write(10)
        self.read()
        self.path.write_bytes(b"".join(line + b"\n" for line in self.written[:6]))
        self.read()
        self.write(20)
        self.assert_all_once()

    def test_reading_again_from_earlier_positions_yields_exactly_the_later_lines(self) -> None:
        self.write(5)
        self.read()
        before = self.positions
        self.write(5)
        self.read()
        again = LogFollower(self.path).read(before)
        self.assertEqual(list(again.lines), self.written[5:])  # type: ignore[union-attr]

    def test_a_large_log_is_rotated_once(self) -> None:
        self.write(5)
        self.follower.put_aside(1000)
        self.assertEqual(self.names(), ["hits.log"])
        self.follower.put_aside(10)
        self.follower.put_aside(10)
        self.assertEqual((len(self.names()), self.path.exists()), (1, False))
        self.path.touch()
        self.follower.put_aside(10)
        self.assertEqual((len(self.names()), self.path.exists()), (2, True))
        self.assert_all_once()

    def test_a_rotated_log_is_removed_once_it_is_read_and_unchanged_and_replaced(self) -> None:
        self.write(5)
        self.follower.put_aside(1)
        self.follower.remove_read(self.positions, silent=0)
        self.assertEqual(len(self.names()), 1, "no new log exists yet")
        self.write(5)
        self.follower.remove_read(self.positions, silent=0)
        self.assertEqual(len(self.names()), 2, "it has unread lines")
        self.read()
        self.follower.remove_read(self.positions, silent=3600)
        self.assertEqual(len(self.names()), 2, "it was written to recently")
        self.follower.remove_read(self.positions, silent=0)
        self.assertEqual(self.names(), ["hits.log"])
        self.assert_all_once()

    def test_logs_rotated_by_other_programs_are_never_removed(self) -> None:
        self.write(5)
        self.path.rename(self.beside(".1"))
        self.write(5)
        self.read()
        self.follower.remove_read(self.positions, silent=0)
        self.assertEqual(self.names(), ["hits.log", "hits.log.1"])

    def test_every_line_is_read_once_in_random_orders_of_writes_reads_and_rotations(self) -> None:
        for seed in range(30):
            with self.subTest(seed=seed):
                self.setUp()
                chance = random.Random(seed)
                for _ in range(60):
                    self.happen(chance)
                self.assert_all_once()

    def happen(self, chance: random.Random) -> None:
        kind = chance.choice(("write", "write", "read", "read", "once", "rename", "copy", "own", "remove"))
        if kind == "write":
            self.write(chance.randrange(1, 40))
        elif kind == "read":
            self.read()
        elif kind == "once" and (reading := self.follower.read(self.positions)):
            self.positions = reading.positions
            self.found += reading.lines
        elif kind == "rename" and self.path.exists():
            self.path.rename(self.beside(f".{chance.random()}"))
        elif kind == "copy" and self.path.exists():
            shutil.copy(self.path, self.beside(f".{chance.random()}"))
            self.path.write_bytes(b"")
        elif kind == "own":
            self.follower.put_aside(chance.randrange(1, 2000))
        elif kind == "remove":
            self.follower.remove_read(self.positions, silent=0)
