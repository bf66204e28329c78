"""Which programs are found, and which one takes precedence."""

import sys
import tempfile
import unittest
from pathlib import Path

from stack import programs


class ProgramsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="plog-programs-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_a_program_of_the_system_takes_precedence_over_the_packaged_one(self) -> None:
        for name in programs.PACKAGED:
            on_path = self.folder / name
            on_path.touch(mode=0o755)
            found = programs.find_all(name, {"PATH": str(self.folder)})
            self.assertEqual(found[0], str(on_path))
            self.assertEqual(found[1:], programs.find_all(name, {programs.PACKAGED_ONLY: "1"}))

    def test_all_programs_of_the_system_can_be_hidden(self) -> None:
        for name in programs.PACKAGED:
            (self.folder / name).touch(mode=0o755)
            for path in programs.find_all(name, {"PATH": str(self.folder), programs.PACKAGED_ONLY: "1"}):
                self.assertTrue(any(Path(path).is_relative_to(folder) for folder in sys.path), path)
