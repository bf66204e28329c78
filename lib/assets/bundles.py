"""The manifest of a build: which bundle was built from which paths. A process reads it once, when it starts."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lib.assets.asked import Broken, asked_in, digest_of

ADDRESS = "/static/bundles/"  # nginx answers from the folder `files` beside the manifest
MANIFEST = "manifest.json"
FILES = "files"  # the folder beside the manifest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bundle:
    """A file, and the files that it imports statically: a page that preloads those saves a round trip."""

    file: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bundles:
    """A build: a digest of its sources, its bundles by the paths each was built from, and the names of its files."""

    sources: str
    by_paths: Mapping[tuple[str, ...], Bundle]
    files: tuple[str, ...]

    def of(self, *paths: str) -> Bundle:
        """Returns the bundle that was built from exactly these paths. Raises LookupError."""
        if paths not in self.by_paths:
            raise LookupError(f"{', '.join(paths)} is in no bundle: a template must name it, where bin/bundle finds it")
        return self.by_paths[paths]


def find_bundles(folder: Path, static: Path, templates: Path) -> Bundles | None:
    """Returns the bundles of these sources.

    None if none were built; also, with a warning, if they are outdated or broken.
    """
    try:
        bundles = read(folder)
        if bundles is None:
            return None
        lost = [file for file in bundles.files if not (folder / FILES / file).exists()]
        if not lost and bundles.sources == digest_of(static, asked_in(templates)):
            return bundles
        trouble = f"lack {', '.join(lost)}" if lost else "were built from other sources"
        logger.warning("the bundles %s, so pages go without: run bin/bundle", trouble)
    except (OSError, ValueError, TypeError, LookupError, Broken) as error:
        logger.warning("the bundles are of no use, so pages go without: %r", error)
    return None


def read(folder: Path) -> Bundles | None:
    manifest = folder / MANIFEST
    if not manifest.exists():
        return None
    kept = json.loads(manifest.read_text(encoding="utf-8"))
    by_paths = {tuple(one["of"]): Bundle(one["file"], tuple(one["needs"])) for one in kept["bundles"]}
    return Bundles(kept["sources"], by_paths, tuple(kept["files"]))


def write(bundles: Bundles, folder: Path, draft: Path) -> None:
    """Replaces the manifest atomically and durably, so that a process reads either this build's or the last one's."""
    made = [{"of": paths, "file": one.file, "needs": one.needs} for paths, one in bundles.by_paths.items()]
    with open(draft, "w", encoding="utf-8") as file:
        json.dump({"sources": bundles.sources, "bundles": made, "files": bundles.files}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / MANIFEST)
