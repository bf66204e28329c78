"""Plog's performance, measured: `bin/bench` prints every figure, `bin/bench NAME` one module's of this package."""
