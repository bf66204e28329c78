"""`bin/bench [NAME]`: run the figures, print them as a table, and keep them as JSON lines in var/bench/."""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

FOLDER = Path(__file__).parent
KEPT = FOLDER.parent / "var" / "bench"


def main() -> None:
    names = [module.name for module in iter_modules([str(FOLDER)]) if not module.name.startswith("_")]
    chosen = sys.argv[1:] or names
    if unknown := set(chosen) - set(names):
        sys.exit(f"There is no figure {', '.join(sorted(unknown))}; there are {', '.join(names)}.")
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        with open(KEPT / f"{name}.jsonl", "a", encoding="utf-8") as kept:
            for what, value, unit, bound in import_module(f"bench.{name}").figures():
                print(f"{name:8} {what:44} {value:9.2f} {unit:4} {f'(at most {bound:g})' if bound else ''}")
                line = {
                    "at": round(time.time()),
                    "name": name,
                    "what": what,
                    "value": value,
                    "unit": unit,
                    "bound": bound,
                }
                kept.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
