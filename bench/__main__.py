"""`bin/bench [NAME…]`: runs benchmarks, prints their figures and promises, and appends them as JSON lines to
var/bench/.

A broken promise is a result, not an error: the exit code is 0 unless something could not be measured.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import IO

from bench._figure import Figure
from stack.commands import end_when_asked

FOLDER = Path(__file__).parent
RESULTS = FOLDER.parent / "var" / "bench"


def main() -> None:
    chosen = sys.argv[1:] or names()
    if unknown := set(chosen) - set(names()):
        sys.exit(f"There is no figure {', '.join(sorted(unknown))}; there are {', '.join(names())}.")
    end_when_asked("Stopped.")  # SystemExit also ends the stacks
    RESULTS.mkdir(parents=True, exist_ok=True)
    promised: list[str] = []
    broken: list[str] = []
    for name in chosen:
        try:
            for figure in measured(name):
                promised += [row(name, figure)] if figure.promise else []
        except Exception:  # the other benchmarks, which take minutes, go on
            traceback.print_exc()
            broken.append(name)
    if promised:
        print("", "Promised:", *promised, sep="\n")
    if broken:
        sys.exit(f"Could not be measured: {', '.join(broken)}.")


def measured(name: str) -> Iterator[Figure]:
    """Yields the figures of one module, after printing and storing each."""
    with open(RESULTS / f"{name}.jsonl", "a", encoding="utf-8") as file:
        for figure in import_module(f"bench.{name}").figures():
            print(row(name, figure), flush=True)
            write(file, name, figure)
            yield figure


def names() -> list[str]:
    """Returns the modules of this package that have figures."""
    return [module.name for module in iter_modules([str(FOLDER)]) if not module.name.startswith("_")]


def row(name: str, figure: Figure) -> str:
    """Returns a line of the table, with the promise and whether it is kept."""
    value = f"{name:8} {figure.what:48} {figure.value:10.2f} {figure.unit:4}"
    return f"{value} {figure.promise}: {'yes' if figure.is_kept else 'NO'}" if figure.promise else value.rstrip()


def write(file: IO[str], name: str, figure: Figure) -> None:
    line = {"at": round(time.time()), "load": round(os.getloadavg()[0], 2), "name": name, **figure._asdict()}
    line |= {"is_kept": figure.is_kept} if figure.promise else {}
    file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
