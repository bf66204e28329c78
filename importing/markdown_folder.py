"""Reads posts from a folder of Markdown files with YAML front matter, as Jekyll, Hugo and similar programs write them.

A file is recognised by its path in the folder, so the folder may be moved. Whatever a file contains, nothing here
raises or takes more than linear time: a file that cannot be used is yielded as Unusable, with its name and line.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from lib.items import Item, Unreadable, Unusable, distinct, in_utc, slug_of
from lib.markup.addresses import is_remote

SUFFIXES = (".md", ".markdown")

_DATED = re.compile(r"(\d{4}-\d\d-\d\d)-(.+)")
_FRONT = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_ZONE = re.compile(r"(?<!\s)\s++([+-]\d\d:?\d\d|Z)$")
_HEADING = re.compile(r"\s*#[ \t]+([^\n]+)")
_CLOSING_MARKS = re.compile(r"(?<![ \t])[ \t]++#*[ \t]*$")
MAX_FRONT_MATTER = 100_000
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
# What PyYAML raises for values that contradict their type (`!!bool x`, `!!timestamp x`, `"\UFFFFFFFF"`).
BROKEN_VALUES = (ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)


class _Loader(yaml.SafeLoader):
    """Reads YAML of a bounded size, which includes the value of an alias (`*name`) each time that the alias is used.

    Nine lines of aliases can expand to a billion values: https://en.wikipedia.org/wiki/Billion_laughs_attack
    Numbers stay text: a title may be 1.10 or 12:30, and Python does not convert a number of 5,000 digits back to text.
    """

    yaml_constructors = yaml.SafeLoader.yaml_constructors | dict.fromkeys(NUMBERS, yaml.SafeLoader.construct_yaml_str)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.size = 0
        self.sizes: dict[yaml.Node | None, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        is_alias, before = self.check_event(yaml.AliasEvent), self.size
        line = self.current_event.start_mark.line + 2
        node = super().compose_node(parent, index)
        if is_alias and node not in self.sizes:
            raise Unreadable("its front matter has an alias within what it stands for", line)
        if is_alias:
            self.size += self.sizes[node]
        else:
            self.size += 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
            self.sizes[node] = self.size - before
        if self.size > MAX_FRONT_MATTER:
            raise Unreadable(f"its front matter is larger than {MAX_FRONT_MATTER:,} characters, aliases included", line)
        return node


class _File(NamedTuple):
    """A parsed file; `name` is its path in the folder."""

    name: str
    front: dict[str, Any]
    body: str


def is_for(path: Path) -> bool:
    """Whether this is a folder, or a file with a suffix of Markdown: its content does not identify it."""
    return path.is_dir() or path.suffix.lower() in SUFFIXES


def read(path: Path) -> Iterator[Item | Unusable]:
    """Yields every post in a folder and its subfolders, by name; reads one file as a folder with one file."""
    taken: dict[str, str] = {}
    for file in _files(path):
        name = file.relative_to(path if path.is_dir() else path.parent).as_posix()
        try:
            item = _item(_parsed(file, name))
            if taken.setdefault(item.slug.casefold(), name) != name:
                raise Unreadable(f"its address {item.slug} is the same as that of {taken[item.slug.casefold()]}")
            yield item
        except Unreadable as problem:
            yield Unusable(_printable(str(file)), problem.line, _printable(name), problem.reason)
    if not taken:
        yield Unusable(str(path), None, path.name, "there is no usable Markdown file (.md with front matter) in it")


def _files(path: Path) -> list[Path]:
    """Returns Markdown files that are not hidden. Hugo's `_index.md` describes a folder and is no post."""
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [
        file
        for file in found
        if file.suffix.lower() in SUFFIXES
        and file.name != "_index.md"
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]


def _parsed(file: Path, name: str) -> _File:
    if name != _printable(name):
        raise Unreadable("its name is not UTF-8")
    try:
        content = file.read_bytes()
    except OSError as problem:
        raise Unreadable(f"cannot be read: {problem.strerror}") from None
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as problem:
        raise Unreadable("is not UTF-8", content.count(b"\n", 0, problem.start) + 1) from None
    return _File(name, *_split(text))


def _split(text: str) -> tuple[dict[str, Any], str]:
    if text.startswith("+++"):
        raise Unreadable("its front matter is TOML; only YAML between --- lines is read", 1)
    found = _FRONT.match(text)
    if not found:
        reason = "its front matter has no end (---)" if text.startswith("---") else "has no front matter (---)"
        raise Unreadable(reason, 1)
    return _front(found[1]), text[found.end() :].lstrip("\n")


def _front(text: str) -> dict[str, Any]:
    try:
        front = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 2 if problem.problem_mark else None
        raise Unreadable(f"its front matter is no YAML: {problem.problem}", line) from None
    except (yaml.YAMLError, *BROKEN_VALUES) as problem:
        raise Unreadable(f"its front matter is no YAML: {problem}", 1) from None
    if not isinstance(front, dict):
        raise Unreadable("its front matter has no keys", 1)
    return {str(key).lower(): value for key, value in front.items()}


def _item(file: _File) -> Item:
    title, body = _title(file)
    return Item(
        kind="post",
        origin_kind="markdown",
        origin_host="",
        origin_id=file.name,
        title=title,
        slug=_slug(file),
        text=body,
        format="markdown",
        summary=_string(file, "summary", "description", "excerpt"),
        url=_external(_string(file, "url")),
        date=_date(file),
        categories=distinct([*_names(file.front.get("categories")), *_names(file.front.get("category"), spaced=True)]),
        keywords=distinct([*_names(file.front.get("keywords")), *_names(file.front.get("tags"))]),
        is_draft=_is_draft(file),
        addresses=_addresses(file),
        has_closed_comments=_has_closed_comments(file),
    )


def _title(file: _File) -> tuple[str, str]:
    """Returns the title, and the text; without its first heading if that is the title."""
    if title := _string(file, "title"):
        return title, file.body
    found = _HEADING.match(file.body)
    if found and (title := _CLOSING_MARKS.sub("", found[1])):
        return title, file.body[found.end() :].lstrip("\n")
    raise Unreadable("has no title", 1)


def _slug(file: _File) -> str:
    """Returns the slug of the front matter, else the file's name without date; for `index.md` the folder's."""
    place = Path(file.name)
    stem = place.parent.name if place.stem == "index" and place.parent.name else place.stem
    dated = _DATED.fullmatch(stem)
    slug = slug_of(_string(file, "slug")) or slug_of(dated[2] if dated else stem)
    if not slug:
        raise Unreadable("has no name that can be its address", 1)
    return slug


def _date(file: _File) -> datetime:
    value = file.front.get("date")
    if value is None:
        dated = next((found for part in reversed(Path(file.name).parts) if (found := _DATED.match(part))), None)
        value = dated[1] if dated else None
    if value is None:
        raise Unreadable("has no date, neither in its front matter nor in its name (2015-03-01-hello.md)", 1)
    return in_utc(_datetime(value))


def _datetime(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    try:
        return datetime.fromisoformat(_ZONE.sub(r"\1", str(value).strip().replace("UTC", "Z")))
    except ValueError:
        raise Unreadable(f"its date “{value}” is not understood (2015-03-01 10:00 +01:00)", 1) from None


def _is_draft(file: _File) -> bool:
    is_unpublished = file.front.get("published") is False
    return file.front.get("draft") is True or is_unpublished or "_drafts" in Path(file.name).parts


def _has_closed_comments(file: _File) -> bool:
    """Whether it says `comments: closed`, or `false` as Jekyll's users write."""
    return str(file.front.get("comments")).strip().lower() in ("closed", "false")


def _addresses(file: _File) -> tuple[str, ...]:
    """Returns former paths of the post. Jekyll's patterns (`/:year/:title`) are no paths; Hugo's `url` may be one."""
    values: list[str] = []
    for key in ("aliases", "redirect_from", "permalink", "url"):
        value = file.front.get(key)
        parts = [str(part).strip() for part in (value if isinstance(value, list) else [value]) if part]
        values += [part for part in parts if key != "url" or not _external(part)]
    return distinct([_path(value) for value in values])


def _path(value: str) -> str:
    """Returns the path and query of an address or a path; empty for `/`, a pattern, or an invalid address."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    path = f"/{parts.path.lstrip('/')}" + (f"?{parts.query}" if parts.query else "")
    return "" if path == "/" or ":" in parts.path else path


def _printable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def _external(value: str) -> str | None:
    """Returns the address of another site; None for a path. Raises Unreadable if it is invalid."""
    if not value.lower().startswith(("http://", "https://")):
        return None
    if not is_remote(value):
        raise Unreadable(f"its url “{value}” is no address", 1)
    return value


def _string(file: _File, *keys: str) -> str:
    """Returns the first of these values that exists, as one line."""
    values = (file.front.get(key) for key in keys)
    found = next((value for value in values if isinstance(value, str | int | float) and value is not False), "")
    return " ".join(str(found).split())


def _names(value: object, spaced: bool = False) -> list[str]:
    """Returns the names of a list, or of a string with commas or else spaces; only commas where names are `spaced`."""
    if isinstance(value, list):
        return [str(name) for name in value if isinstance(name, str | int | float)]
    if not isinstance(value, str | int | float):
        return []
    return str(value).split("," if spaced or "," in str(value) else None)
