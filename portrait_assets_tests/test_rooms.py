"""A room is one object: what is assembled from it, and where it may print."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import portrait_assets

PACKAGE = Path(portrait_assets.__file__).parent
PRINTS = {"rich", "typer", "click"}


def printing(text: str) -> Iterator[str]:
    """What a module does that only the command line may."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.split(".")[0] in PRINTS)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in PRINTS:
                yield module
            case ast.Call(func=ast.Name(id="print")):
                yield "print"


def test_nothing_but_the_command_line_prints():
    found = {
        path.relative_to(PACKAGE).as_posix(): calls
        for path in PACKAGE.rglob("*.py")
        if PACKAGE / "app" / "cli" not in path.parents
        and (calls := list(printing(path.read_text(encoding="utf-8"))))
    }
    assert found == {}
    assert list(printing("import rich\nfrom rich.table import Table\nprint(1)")) == [
        "rich",
        "rich.table",
        "print",
    ]
