"""The tests. nosetests puts every folder named `lib` on `sys.path`, where our `lib/json.py` would shadow `json`."""

import sys
from pathlib import Path

_here = Path(__file__).parent
sys.path[:] = [entry for entry in sys.path if Path(entry) not in (_here / "lib", _here.parent / "lib")]

import app  # noqa: E402, F401  imports all libraries before nosetests changes `sys.path`
