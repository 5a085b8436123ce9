"""Where tests stand, and where what several of them use."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_unit_tests_stand_in_the_folders_of_what_they_test() -> None:
    unit = ROOT / "tests/unit"
    folders = {path.parent.relative_to(unit) for path in unit.rglob("test_*.py")}

    assert {folder for folder in folders if not (ROOT / folder / "__init__.py").exists()} == {Path("repository")}
    for path in unit.rglob("test_*.py"):
        folder = path.parent.relative_to(unit)
        rooms = {_room(name) for name in imported(path) if name.startswith(f"{folder.parts[0]}.")}
        assert not rooms or folder in rooms, path.relative_to(ROOT)  # none: it asks by a fixture, or runs the command


def _room(name: str) -> Path:
    """The folder of the module that a name is imported from, or is."""
    of = Path(*name.split("."))
    if (ROOT / of / "__init__.py").exists():
        return of
    return of.parent if (ROOT / of.with_suffix(".py")).exists() else of.parent.parent


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom | ast.Import):
            of = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            yield from (of + each.name for each in node.names)


def test_no_test_module_is_imported_by_another() -> None:
    for path in (ROOT / "tests").glob("[!n]*/**/*.py"):  # not node/, which has packages of others
        for name in imported(path):
            modules = name.split(".")[1:] if name.startswith("tests.") else []
            assert not any(module.startswith("test_") for module in modules), f"{path.relative_to(ROOT)}: {name}"


def test_benchmarks_find_what_they_import() -> None:
    for path in (ROOT / "benchmarks").glob("[a-z]*.py"):
        importlib.import_module(f"benchmarks.{path.stem}")
