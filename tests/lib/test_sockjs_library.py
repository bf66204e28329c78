"""lib/sockjs/overridden.py lists every private name of sockjs-tornado that lib/sockjs overrides or uses."""

import re
import sys
import unittest
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from sockjs.tornado import basehandler, conn, router, session, stats, transports, websocket
from sockjs.tornado.transports import base, pollingbase, streamingbase

from lib.sockjs import connection, endpoint, library, overridden, requests, sessions, sockets

OURS = (connection, endpoint, requests, sessions, sockets)
THEIRS = (basehandler, conn, router, session, stats, transports, websocket, base, pollingbase, streamingbase, library)


def source_of(module: ModuleType) -> str:
    """The source as text: compiling it would warn about invalid escapes."""
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def classes(*modules: ModuleType) -> dict[str, type]:
    return {name: found for module in modules for name, found in vars(module).items() if isinstance(found, type)}


class LibraryTest(unittest.TestCase):
    def test_the_installed_version_is_the_reviewed_one(self) -> None:
        self.assertEqual(version("sockjs-tornado"), overridden.VERSION)

    def test_every_overridden_method_of_the_library_is_listed(self) -> None:
        replaced = defaultdict(set)
        for module in OURS:
            for ours in (found for found in classes(module).values() if found.__module__ == module.__name__):
                names = {name for name in vars(ours) if name == "__init__" or not name.startswith("__")}
                for theirs in (parent for parent in ours.__mro__ if parent.__module__.startswith("sockjs.")):
                    replaced[theirs.__name__] |= names & vars(theirs).keys()
        named = {name: set(names.split()) for name, names in overridden.OVERRIDDEN.items()}
        self.assertEqual({name: names for name, names in replaced.items() if names}, named)

    def test_every_private_name_listed_as_used_exists_in_the_library(self) -> None:
        theirs = classes(*THEIRS)
        for name, used in overridden.USED.items():
            source = source_of(sys.modules[theirs[name].__module__])
            for word in used.split():
                self.assertRegex(source, rf"def {word}\b|self\.{word}\b|\b{word} =", f"{name}.{word}")

    def test_no_unlisted_private_name_of_the_library_is_used(self) -> None:
        named = {
            word for words in (*overridden.USED.values(), *overridden.OVERRIDDEN.values()) for word in words.split()
        }
        modules = {sys.modules[found.__module__] for found in classes(*THEIRS).values()}
        sources = [source_of(module) for module in modules if module.__name__.startswith("sockjs.")]
        private = {word for source in sources for word in re.findall(r"self\.(_[a-z]\w+)", source)}
        for module in OURS:
            source = source_of(module)
            own = {word for word in private if re.search(rf"def {word}\b|self\.{word}(: \S+)? = ", source)}
            used = {word for word in private if re.search(rf"\.{word}\b", source)}
            self.assertLessEqual(
                used - own - {"_finished", "_auto_finish"}, named, module.__name__
            )  # those two are Tornado's
