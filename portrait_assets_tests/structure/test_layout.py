"""Folders are small enough to be read at a glance, and each says what is in it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import portrait_assets

PACKAGE = Path(portrait_assets.__file__).parent
MOST = 9
LISTS = {
    "app/cli/rooms": "the commands of each room",
    "stages/features/declared": "the features of each element",
    "stages/mart/sections": "the sections of the report",
}
"""Folders of equal things, which no division would make easier to find."""


def crowded(package: Path) -> dict[str, int]:
    """Folders with more modules than fit at a glance, and how many each has."""
    found = {}
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        if len(modules) > MOST:
            found[folder.relative_to(package).as_posix()] = len(modules)
    return found


def test_only_lists_of_equal_things_have_more_than_nine_modules():
    found = crowded(PACKAGE)
    assert {name: many for name, many in found.items() if name not in LISTS} == {}
    assert [name for name in LISTS if name not in found] == [], "they are lists no longer"


@pytest.mark.parametrize(("modules", "is_crowded"), [(MOST, False), (MOST + 1, True)])
def test_the_tenth_module_is_seen(tmp_path: Path, modules: int, is_crowded: bool):
    for name in ("__init__", *(f"m{number}" for number in range(modules))):
        (tmp_path / f"{name}.py").touch()
    assert bool(crowded(tmp_path)) == is_crowded


def test_every_folder_says_what_is_in_it():
    files = {path.parent: path for path in PACKAGE.rglob("__init__.py")}
    without = {path.parent for path in PACKAGE.rglob("*.py")} - files.keys()
    silent = [
        folder.relative_to(PACKAGE).as_posix()
        for folder, path in files.items()
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert (silent, without) == ([], set())
