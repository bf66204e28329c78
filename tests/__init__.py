"""The tests. nosetests puts every folder named `lib` on the path, where our `lib/json.py` would pass for `json`."""

import sys
from pathlib import Path

_here = Path(__file__).parent
sys.path[:] = [entry for entry in sys.path if Path(entry) not in (_here / "lib", _here.parent / "lib")]

import app  # noqa: E402, F401  brings every third party in under its own name, before that path comes back
