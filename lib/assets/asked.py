"""Finds the static files that templates ask for, from calls like `{% module Static("css/post.css") %}`.

Called by the build, and by a process that checks whether its bundles are current.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

CALL = re.compile(r"\{%\s*module\s+Static(?:URL)?\((.*?)\)\s*%\}", re.DOTALL)


class Broken(Exception):
    """Bundles cannot be built from these sources. The message names each file, and the template that asks for it."""


@dataclass(frozen=True)
class Asked:
    """The files that one call in a template asks for: paths within static/."""

    template: str
    paths: tuple[str, ...]

    def groups(self) -> Iterator[tuple[str, ...]]:
        """Yields the paths of each bundle to be built: all styles form one, every other file its own."""
        if styles := tuple(path for path in self.paths if is_style(path)):
            yield styles
        yield from ((path,) for path in self.paths if not is_style(path))


def is_style(path: str) -> bool:
    return path.endswith(".css")


def asked_in(templates: Path) -> list[Asked]:
    """Returns what all templates of a folder ask for.

    Raises Broken if a call has arguments other than plain strings.
    """
    return [
        Asked(path.relative_to(templates.parent).as_posix(), _named(path, arguments))
        for path in sorted(templates.rglob("*.html"))
        for arguments in CALL.findall(path.read_text(encoding="utf-8"))
    ]


def missing(static: Path, asked: Iterable[Asked]) -> list[str]:
    """Returns a sentence for each file that a template asks for and that does not exist."""
    named = sorted({(path, one.template) for one in asked for path in one.paths})
    return [
        f"static/{path} is not there, and {who} asks for it" for path, who in named if not (static / path).is_file()
    ]


def groups_of(asked: Iterable[Asked]) -> list[tuple[str, ...]]:
    return sorted({group for one in asked for group in one.groups()})


def digest_of(static: Path, asked: Iterable[Asked]) -> str:
    """Returns a digest of all files of static/ and of what templates ask for."""
    digest = sha256(repr(groups_of(asked)).encode())
    for path in sorted(path for path in static.rglob("*") if path.is_file()):
        digest.update(f"\0{path.relative_to(static)}\0".encode() + sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _named(path: Path, arguments: str) -> tuple[str, ...]:
    try:
        given = ast.literal_eval(f"[{arguments}]")
    except (ValueError, SyntaxError):
        given = []
    if not given or not all(isinstance(one, str) for one in given):
        raise Broken(f"{path}: Static({arguments}) must name its files as plain strings")
    return tuple(given)
