"""Bundles: the scripts, styles and pictures of pages, joined and minified by esbuild, under names with a content hash.

bin/bundle calls `build`, which bundles what templates ask for. A process calls `find_bundles` once, when it starts.
Bundles are valid only for the sources that they were built from: if those have changed, or nothing was built, pages
name the plain files. Nothing here writes HTML tags.
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
