"""The build: runs esbuild, moves the files into place, and removes the files of old builds."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lib.assets.asked import Broken, asked_in, digest_of, groups_of, missing
from lib.assets.bundles import FILES, Bundle, Bundles, read, write

KEPT_SECONDS = 7 * 24 * 3600  # for open pages, which load files of the build that they came from
SECONDS = 60  # timeout of esbuild
COPIED = ("svg", "png", "jpg", "jpeg", "webp", "ico", "woff2")
OPTIONS = (
    "--bundle",
    "--minify",
    "--splitting",  # a module that two scripts import, or one imports later, becomes a file: a page has live.js once
    "--format=esm",
    "--target=es2022",
    "--charset=utf8",
    "--legal-comments=none",
    "--log-level=warning",
    "--entry-names=[name]-[hash]",
    "--chunk-names=[name]-[hash]",
    "--asset-names=[name]-[hash]",
    *(f"--loader:.{ending}=copy" for ending in COPIED),
)


class Unavailable(Exception):
    """esbuild is not installed."""


def build(static: Path, templates: Path, folder: Path, packages: Path) -> Bundles:
    """Builds the bundles of all that templates ask for. A killed build leaves no manifest that names a missing file.

    Raises Broken or Unavailable.
    """
    asked = asked_in(templates)
    if problems := missing(static, asked):
        raise Broken("\n".join(problems))
    files = folder / FILES
    files.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=folder) as workshop:
        sources = digest_of(static, asked)  # before esbuild reads them: later changes make the build outdated
        outputs = run_esbuild(groups_of(asked), static.resolve(), Path(workshop).resolve(), packages)
        bundles = Bundles(sources, by_paths(outputs), tuple(sorted(outputs)))
        renew_last(folder)
        for name in bundles.files:
            (Path(workshop) / "made" / name).replace(files / name)
        write(bundles, folder, Path(workshop) / "manifest.json")
    remove_old(folder)
    return bundles


def run_esbuild(groups: Iterable[tuple[str, ...]], static: Path, workshop: Path, packages: Path) -> dict[str, Any]:
    """Returns esbuild's description of each output, by file name.

    `of` is added for bundles: the paths they were built from. Raises Broken on any error or warning of esbuild.
    """
    entries = {entry(group, static, workshop / str(number)): group for number, group in enumerate(groups)}
    report = workshop / "report.json"
    command = [find_esbuild(packages), *map(str, entries), *OPTIONS]
    command += [f"--outdir={workshop / 'made'}", f"--metafile={report}"]
    ran = subprocess.run(command, cwd=static, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    if ran.returncode or ran.stderr.strip():  # esbuild warns of what fails in browsers
        raise Broken(ran.stderr.strip() or f"esbuild ended with {ran.returncode}")
    outputs = json.loads(report.read_text(encoding="utf-8"))["outputs"]
    for output in outputs.values():
        if "entryPoint" in output:
            output["of"] = entries.get(Path(os.path.normpath(static / output["entryPoint"])))
    return {Path(path).name: output for path, output in outputs.items()}


def entry(group: tuple[str, ...], static: Path, workshop: Path) -> Path:
    """Returns esbuild's entry point for a group. For several styles it creates one that imports them in order."""
    if len(group) == 1:
        return static / group[0]
    workshop.mkdir()
    made = workshop / ("-".join(Path(path).stem for path in group) + ".css")
    lines = (f"@import {json.dumps(os.path.relpath(static / path, workshop), ensure_ascii=False)};\n" for path in group)
    made.write_text("".join(lines), encoding="utf-8")
    return made


def by_paths(outputs: Mapping[str, Any]) -> dict[tuple[str, ...], Bundle]:
    return {
        output["of"]: Bundle(name, tuple(sorted(imported_by(name, outputs))))
        for name, output in outputs.items()
        if output.get("of")
    }


def imported_by(name: str, outputs: Mapping[str, Any]) -> set[str]:
    """Returns the files that a script imports statically, recursively. esbuild's outputs have no circular imports."""
    direct = {Path(one["path"]).name for one in outputs[name]["imports"] if one["kind"] == "import-statement"}
    return direct.union(*(imported_by(other, outputs) for other in direct))


def find_esbuild(packages: Path) -> str:
    """Returns the path of the native program that npm installed: it runs without node. Raises Unavailable."""
    for program in packages.glob("@esbuild/*/bin/esbuild"):
        if os.access(program, os.X_OK):
            return str(program)
    raise Unavailable(f"There is no esbuild in {packages}; npm ci would put it there.")


def renew_last(folder: Path) -> None:
    """Sets the times of the last build's files to now: they were in use, so their seven days begin."""
    try:
        last = read(folder)
    except (ValueError, TypeError, LookupError):
        return
    for name in last.files if last else ():
        if (folder / FILES / name).exists():
            os.utime(folder / FILES / name)


def remove_old(folder: Path) -> None:
    """Removes files that no build of the last seven days made, and the folders of killed builds."""
    now = read(folder)
    oldest = time.time() - KEPT_SECONDS
    for path in (*(folder / FILES).iterdir(), *folder.glob("building-*")):
        if path.lstat().st_mtime >= oldest or (now and path.name in now.files):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
