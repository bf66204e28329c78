"""Bundles: what pages bring along, joined and minified by esbuild under names made from their content.

`build` makes them from what templates ask for (bin/bundle); a process looks for them once, when it starts, with
`find_bundles`. They count only for the very sources that they were made of: where those have changed since, or nothing
was ever built, pages name the plain files. Nothing here knows how a tag is written.
"""

from lib.assets.asked import Asked, Broken, asked_in, is_style, missing
from lib.assets.building import Unavailable, build, find_esbuild
from lib.assets.bundles import ADDRESS, Bundle, Bundles, find_bundles

__all__ = [
    "ADDRESS",
    "Asked",
    "Broken",
    "Bundle",
    "Bundles",
    "Unavailable",
    "asked_in",
    "build",
    "find_bundles",
    "find_esbuild",
    "is_style",
    "missing",
]
