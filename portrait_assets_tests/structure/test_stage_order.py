"""A stage reads only tables of earlier stages: checked of the tables that its SQL names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import portrait_assets
from portrait_assets.stages.rooms import FOLDERS as ROOMS

STAGES = Path(portrait_assets.__file__).parent / "stages"
TABLE = re.compile(rf"\b({'|'.join(ROOMS)})\.([a-z_]+|\*)")


def texts(module: ast.Module) -> Iterator[str]:
    """The text of every string but docstrings; what an f-string fills in is an asterisk."""
    nodes = list(ast.walk(module))
    seen = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            seen |= {id(part) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values
            )
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in seen
        ):
            yield node.value


def tables_to_the_right(stage: str, source: str) -> set[str]:
    """The tables of later stages that a module of the stage names.

    Names that come from a contract (`{TABLE.full_name}`) need no look here: the contracts of
    later stages cannot be imported, which `test_definitions` holds.
    """
    later = ROOMS[ROOMS.index(stage) + 1 :]
    return {
        found[0]
        for text in texts(ast.parse(source))
        for found in TABLE.finditer(text)
        if found[1] in later
    }


def test_the_folders_are_the_stages():
    assert {path.parent.name for path in STAGES.glob("*/__init__.py")} == set(ROOMS)


def test_no_stage_names_a_table_of_a_later_one():
    found = {
        f"{path.relative_to(STAGES)} names {table}"
        for path in STAGES.rglob("*.py")
        if path.parent != STAGES
        for table in tables_to_the_right(path.relative_to(STAGES).parts[0], path.read_text())
    }
    assert found == set()


def test_a_table_of_a_later_stage_is_found_wherever_the_sql_stands():
    planted = '''
"""Of tags.portrait_matrix a docstring may tell."""
PLAIN = "SELECT 1 FROM tags.portrait_matrix JOIN cleaned.customers USING (customer_id)"
FILLED = f"SELECT * FROM mart.{name} WHERE month = {literal(month)} AND features.x = 1"
'''
    assert tables_to_the_right("cleaned", planted) == {
        "tags.portrait_matrix",
        "mart.*",
        "features.x",
    }
    assert tables_to_the_right("tags", planted) == {"mart.*"}
    assert tables_to_the_right("mart", planted) == set()
