"""The rules of the architecture, checked in the sources: imports, access to storage, permissions and documentation."""

import ast
import sys
import unittest
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from bench.__main__ import names as figure_names
from cli import CHORES
from handlers import routes
from handlers.admin.base import StaffHandler
from handlers.base import BaseHandler
from handlers.caching import CachedHandler
from settings import NAMES, Settings

ROOT = Path(__file__).parent.parent
ROOMS = {
    "lib": {"lib"},
    "settings": {"lib"},
    "models": {"lib", "models"},
    "ui_modules": {"lib", "models", "ui_modules"},
    "handlers": {"lib", "models", "ui_modules", "handlers"},
    "app": {"lib", "models", "ui_modules", "handlers", "settings", "stack"},
    "cli": {"lib", "models", "ui_modules", "settings", "stack", "importing"},
    "worker": {"lib", "models", "ui_modules", "handlers", "settings", "stack"},
    "stack": {"lib", "settings", "stack"},
    "importing": {"lib", "importing"},
}
MODEL_ORDER = (
    "errors",
    "chores",
    "tools",
    "pages",
    "accounts",
    "outbox",
    "categories",
    "posts",
    "comments",
    "questions",
    "battles",
    "points",
    "lobby",
    "hits",
    "imports",
    "site",
)
MOST_ARGUMENTS = 6  # of a constructor
MOST_ATTRIBUTES = 16  # of the site; eight domains are moving in
SHARED_TOOLS = {
    "lib.redis",
    "lib.mongo",
    "lib.documents",
    "lib.clock",
    "lib.json",
    "lib.text",
}  # lib modules that other lib modules may import
SHARED_HANDLERS = {
    "handlers.addresses",
    "handlers.admin.base",
    "handlers.application",
    "handlers.base",
    "handlers.caching",
    "handlers.forms",
    "handlers.live",
    "handlers.problems",
    "handlers.visitor",
}
FRONT_DOORS = {
    "pymongo": {"lib.mongo"},
    "motor": {"lib.mongo"},
    "bson": {"lib.mongo"},
    "msgspec": {"lib.documents"},
    "redis": {"lib.redis"},
    "sockjs": {"lib.sockjs"},
    "ujson": {"lib.json"},
    "nh3": {"lib.markup"},
    "markdown_it": {"lib.markup"},
    "mdit_py_plugins": {"lib.markup"},
    "pygments": {"lib.markup"},
    "yaml": {"importing.markdown_folder"},
    "defusedxml": {"importing.wordpress"},
    "supervisor": {"stack.supervision"},
    "psutil": {"stack.processes"},
    "tornado": {"app", "worker", "stack.configuration", "handlers", "ui_modules", "lib.serving", "lib.sockjs"},
}
METHODS = ("get", "post", "put", "delete", "patch")


def modules() -> Iterator[tuple[str, Path]]:
    for room in ROOMS:
        top = ROOT / f"{room}.py"
        yield from [(room, top)] if top.exists() else []
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path) -> set[str]:
    """Every module that a file imports, including submodules imported from packages of this project."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name for name in names if is_module(name)} or {module}
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def word(module: str) -> str:
    """The second part of a module's name: `models.comments.rules` is in comments."""
    return ".".join(module.split(".")[:2])


class ImportsTest(unittest.TestCase):
    def test_packages_import_only_the_packages_they_may(self) -> None:
        for module, path in modules():
            room = module.partition(".")[0]
            for name in imports(path):
                top = name.partition(".")[0]
                is_exception = module in ("models.site", "models.tools") and top == "settings"
                if top in ROOMS and not is_exception:
                    self.assertIn(top, ROOMS[room], f"{module} imports {name}")

    def test_the_top_level_has_only_entry_points_and_settings(self) -> None:
        self.assertEqual({path.name for path in ROOT.glob("*.py")}, {"app.py", "cli.py", "worker.py", "settings.py"})

    def test_models_import_only_models_earlier_in_the_order(self) -> None:
        for module, path in modules():
            if module.startswith("models."):
                own = MODEL_ORDER.index(word(module).removeprefix("models."))
                for name in imports(path):
                    if name.startswith("models."):
                        other = MODEL_ORDER.index(word(name).removeprefix("models."))
                        self.assertLessEqual(other, own, f"{module} imports {name}")

    def test_lib_modules_import_only_shared_lib_modules(self) -> None:
        for module, path in modules():
            if module.startswith("lib."):
                for name in imports(path):
                    if name.startswith("lib.") and word(name) != word(module):
                        self.assertIn(word(name), SHARED_TOOLS, f"{module}: {name}")

    def test_handlers_do_not_import_one_another(self) -> None:
        for module, path in modules():
            if module.startswith("handlers.") and module != "handlers.routes":
                for name in imports(path):
                    if name.startswith("handlers."):
                        self.assertIn(name, SHARED_HANDLERS, module)

    def test_each_third_party_library_is_imported_only_by_its_wrappers(self) -> None:
        third_parties = set()
        for module, path in modules():
            for name in imports(path):
                top = name.partition(".")[0]
                if top in sys.stdlib_module_names or top in ROOMS:
                    continue
                third_parties.add(top)
                doors = FRONT_DOORS.get(top, set())
                self.assertTrue(any(f"{module}.".startswith(f"{door}.") for door in doors), f"{module} imports {name}")
        self.assertEqual(third_parties, set(FRONT_DOORS), "FRONT_DOORS has a library that is not imported")

    def test_only_storage_modules_access_collections(self) -> None:
        for module, path in modules():
            if module.startswith("models.") and module.rpartition(".")[2] != "documents":
                text = path.read_text(encoding="utf-8")
                self.assertNotRegex(text, r"mongo\[|\.repeatable\(|\"\$", module)

    def test_constructors_have_few_arguments(self) -> None:
        for module, path in modules():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                    number = len(node.args.args) + len(node.args.kwonlyargs) - 1
                    is_library = module.startswith("lib.sockjs")  # prescribed by the library
                    self.assertTrue(number <= MOST_ARGUMENTS or is_library, f"{module}: {number} arguments")

    def test_the_site_has_few_attributes(self) -> None:
        tree = ast.parse((ROOT / "models" / "site.py").read_text(encoding="utf-8"))
        assigned = {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        }
        self.assertLessEqual(len(assigned), MOST_ATTRIBUTES, assigned)

    def test_every_module_has_a_docstring(self) -> None:
        for module, path in modules():
            self.assertTrue(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), module)

    def test_no_module_or_class_holds_state(self) -> None:
        """A list, dict or set in a module or class must be a constant, named in capitals."""
        for module, path in modules():
            tree = ast.parse(path.read_text(encoding="utf-8"))
            bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
            for statement in (statement for body in bodies for statement in body):
                targets = statement.targets if isinstance(statement, ast.Assign) else []
                for target in targets:
                    if isinstance(target, ast.Name) and isinstance(statement.value, ast.List | ast.Dict | ast.Set):
                        self.assertTrue(target.id.isupper() or target.id.startswith("__"), f"{module}.{target.id}")


class HandlersTest(unittest.TestCase):
    def handlers(self) -> list[tuple[str, type]]:
        table = [*routes.EVERYWHERE, *routes.PUBLIC, *routes.ADMIN]
        return [(page.pattern, page.handler) for page in table]

    def test_every_handler_method_declares_who_may_call_it(self) -> None:
        for pattern, handler in self.handlers():
            own = [getattr(handler, name) for name in METHODS if is_own(handler, name)]
            self.assertTrue(own, pattern)
            for method in own:
                self.assertIn(getattr(method, "is_for", None), ("public", "visitor", "staff"), f"{pattern} {method}")

    def test_every_admin_handler_is_for_staff(self) -> None:
        for page in routes.ADMIN:
            self.assertTrue(issubclass(page.handler, StaffHandler), page.pattern)
            for name in METHODS:
                if is_own(page.handler, name):
                    self.assertEqual(getattr(page.handler, name).is_for, "staff", f"{page.pattern} {name}")

    def test_cached_routes_have_caching_handlers_and_counted_routes_are_cached(self) -> None:
        for page in routes.PUBLIC:
            is_caching = issubclass(page.handler, CachedHandler)
            self.assertTrue(is_caching or not page.is_cached, page.pattern)
            self.assertTrue(page.is_cached or not page.is_counted, page.pattern)

    def test_the_base_handler_stays_small(self) -> None:
        own = [name for name, value in vars(BaseHandler).items() if callable(value) or hasattr(value, "func")]
        self.assertLessEqual(len(own), 12, own)


class LinesTest(unittest.TestCase):
    def test_templates_styles_and_scripts_have_at_most_120_characters_per_line(self) -> None:
        """The formatters do not wrap long comments, and there is none for templates."""
        folders = (("templates", "*.html"), ("static/css", "*.css"), ("static/js", "*.js"), ("tests/js", "*.js"))
        for path in (path for folder, name in folders for path in (ROOT / folder).rglob(name)):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                self.assertLessEqual(len(line), 120, f"{path.relative_to(ROOT)}:{number}")


class DocumentsTest(unittest.TestCase):
    operations = property(lambda self: (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
    interface = property(lambda self: (ROOT / "docs" / "interface.md").read_text(encoding="utf-8"))

    def test_every_setting_is_documented(self) -> None:
        self.assertEqual(len(NAMES), len(fields(Settings)))
        for name in NAMES:
            self.assertTrue(f"`{name}`" in self.operations, name)

    def test_every_chore_is_documented(self) -> None:
        for name in CHORES:
            self.assertTrue(f"`bin/site {name}" in self.interface, name)

    def test_every_command_is_documented(self) -> None:
        for path in (ROOT / "bin").glob("[!_]*"):
            if path.stem != "setup":
                self.assertIn(f"`bin/{path.name}", self.interface)

    def test_every_figure_is_documented(self) -> None:
        for name in figure_names():
            self.assertTrue(f"`bin/bench {name}`" in self.interface, name)

    def test_every_route_is_documented(self) -> None:
        for page in [*routes.EVERYWHERE, *routes.PUBLIC, *routes.ADMIN]:
            self.assertTrue(f"`{readable(page.pattern)}`" in self.interface, readable(page.pattern))


def is_own(handler: type, name: str) -> bool:
    return getattr(handler, name) is not getattr(BaseHandler, name)


def readable(pattern: str) -> str:
    """A route's pattern as the documents write it: `/plog/<slug>/p<n>`."""
    words = {
        routes.SLUG: "<slug>",
        routes.ID: "<id>",
        routes.CATEGORIES: "<categories>",
        routes.CATEGORY: "<categories>",
        routes.TOKEN: "<token>",
        "(2)/(10)": "<from>/<to>",
        routes.FEED: "<feed>",
        routes.RECORD: "",
        routes.PAGE: "p<n>",
        "()": "",
        "([0-9]{1,2})/([0-9]{1,2})": "<from>/<to>",
        "([0-9]{4})": "<year>",
        "\\": "",
    }
    for given, said in words.items():
        pattern = pattern.replace(given, said)
    return pattern
