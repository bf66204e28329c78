"""Makes the demo's questions: python demo/questions/make.py writes a CSV file for each genre beside itself.

Run by hand after facts/ or a generator has changed. The same sources make the same bytes. It ends with its own checks:
if a row breaks a rule, every fault is printed and nothing is written.
"""

import csv
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT)  # in place of this folder, whose modules are demo.questions.*

from demo.questions import airports, compass, facts, nations, places  # noqa: E402
from demo.questions.checks import FOLDER, MOST_OF_A_TEMPLATE, faults, repeated  # noqa: E402
from demo.questions.row import FIELDS, Row  # noqa: E402


def main() -> int:
    """Writes the files and prints the counts. Returns 1 if a row breaks a rule."""
    rows = [*facts.rows(), *nations.rows(), *places.rows(), *compass.rows(), *airports.rows()]
    found = _faults(rows)
    if found:
        sys.stderr.write("\n".join([*found, f"{len(found)} faults: nothing was written.", ""]))
        return 1
    _write(rows)
    _print_counts(rows)
    return 0


def _faults(rows: list[Row]) -> list[str]:
    alone = [f"{row.template}: {row.text} [{row.answer}]: {fault}" for row in rows for fault in faults(row.cells())]
    twice = [f"asked twice: {text}" for text in repeated([row.text for row in rows])]
    templates = Counter(row.template for row in rows if not row.template.endswith("-free"))
    many = [f"too many of {name}: {count}" for name, count in templates.items() if count > MOST_OF_A_TEMPLATE]
    return [*alone, *twice, *many]


def _write(rows: list[Row]) -> None:
    genres = defaultdict(list)
    for row in rows:
        genres[row.genre].append(row)
    for path in FOLDER.glob("*.csv"):
        path.unlink()
    for genre, several in genres.items():
        with (FOLDER / f"{genre}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(row.cells() for row in several)


def _print_counts(rows: list[Row]) -> None:
    for title, counts in (
        ("genre", Counter(row.genre for row in rows)),
        ("difficulty", Counter(row.difficulty for row in rows)),
        ("template", Counter(row.template for row in rows)),
    ):
        lines = [f"  {name:<22}{count:>5}" for name, count in sorted(counts.items())]
        sys.stdout.write("\n".join([f"By {title}:", *lines, ""]))
    sys.stdout.write(f"{len(rows)} questions\n")


if __name__ == "__main__":
    raise SystemExit(main())
