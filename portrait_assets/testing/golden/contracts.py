"""The golden file of what contracts hold rows to: domains, nulls, keys, and who a row is about.

    python -m portrait_assets.testing.golden.contracts [FILE]

writes it for the tables of the corner shop, published or not, and those that sources may provide.
It shows that a contract has changed, not that it is right. Names, types, units and descriptions
stand in that of the published schema.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.sensitivity import Operation
from portrait_assets.schema.table import Column, Table
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.testing.golden.file import FOLDER, changes, write

GOLDEN_FILE = FOLDER / "contracts.json"
COMMAND = "python -m portrait_assets.testing.golden.contracts"
_ELSEWHERE = ("schema", "name", "en", "zh", "columns", "type", "unit", "view_sql", "empty_rows")

Contracts = Mapping[str, list[str]]
"""By table, and by table and column, what is declared otherwise than by default."""


def shop_contracts() -> Contracts:
    """`contracts` of all tables of the corner shop, and of those that sources may provide."""
    context = context_of(Settings(data_dir=PACKAGED_SOURCES.parent, source="corner_shop"))
    return contracts([*context.tables, CHECK_RESULTS, *CANONICAL_BY_NAME.values()])


def contracts(tables: Iterable[Table | Canonical]) -> Contracts:
    """What these tables and each of their columns hold rows to."""
    found: dict[str, list[str]] = {}
    for table in tables:
        name = f"source.{table.name}" if isinstance(table, Canonical) else table.full_name
        columns = table.columns if isinstance(table, Canonical) else table.all_columns
        found[name] = _declared(table)
        found |= {f"{name} {column.name}": _declared(column) for column in columns}
    return found


def _declared(of: Table | Canonical | Column) -> list[str]:
    return [
        f"{each.name}: {_text(getattr(of, each.name))}"
        for each in fields(of)
        if each.name not in _ELSEWHERE and getattr(of, each.name) != each.default
    ]


def _text(value: Any) -> str:
    if isinstance(value, Table):
        return value.full_name
    if isinstance(value, Operation):
        lowered = ", ".join(f"{high} to {low}" for high, low in value.lowers.items())
        return f"{value.name} ({lowered})"
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    return str(value.value if isinstance(value, Enum) else value)


def differences(golden: Contracts, now: Contracts) -> list[str]:
    """What is declared otherwise or no more; a table or column that is new is no difference."""
    return changes(golden, {name: now[name] for name in golden if name in now})


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN_FILE
    write(shop_contracts(), target)
    print(target)
