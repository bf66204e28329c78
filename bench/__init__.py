"""Benchmarks: `bin/bench` runs every module here that has `figures`, `bin/bench NAME` one of them."""
