"""The golden file of the published schema, on which analysts' queries of portrait.duckdb rely.

    python -m portrait_assets.testing.golden.schema [FILE]

writes it for the corner shop, by default the file that this repository's tests compare with.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.table import Table
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.publishing.content import PUBLICATION, TABLE_ROWS, Extract
from portrait_assets.storage.publishing.file import View, publish

GOLDEN_FILE = Path(__file__).parents[3] / "portrait_assets_tests/golden/published_schema.json"
COMMAND = "python -m portrait_assets.testing.golden.schema"
Relation = dict[str, Any]
Schema = dict[str, Relation]
"""By name of a table or view: its kind, comment, key and columns; columns by name, in order."""


def shop_schema() -> Schema:
    """`published_schema` of the corner shop."""
    context = context_of(Settings(data_dir=PACKAGED_SOURCES.parent, source="corner_shop"))
    return published_schema([*context.tables, CHECK_RESULTS], context.views)


def published_schema(tables: Iterable[Table], views: Sequence[View | Extract]) -> Schema:
    """The schema of a file published from these contracts.

    Types and comments are those of a file that is published without rows; units, classes of
    sensitivity and keys are those of the contracts. A view's columns have the unit and class of the
    table that it shows.
    """
    tables = [*tables]
    contracts = {t.full_name: t for t in (*tables, TABLE_ROWS, PUBLICATION)}
    contracts |= {t.stored.full_name: t.stored for t in tables}
    contracts |= {each.table.name: each.table for each in views if isinstance(each, Extract)}
    shown = {v.name: contracts[v.shows] for v in views if isinstance(v, View) and v.shows}
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder) / "warehouse.duckdb", "empty", "run")
        try:
            publish(warehouse, tables, views, Path(folder) / "portrait.duckdb", "empty")
        finally:
            warehouse.close()
        with duckdb.connect(str(Path(folder) / "portrait.duckdb"), read_only=True) as con:
            return dict(sorted(_relations(con, contracts, shown)))


def _relations(
    con: duckdb.DuckDBPyConnection, contracts: dict[str, Table], shown: dict[str, Table]
) -> Iterator[tuple[str, Relation]]:
    found = con.execute(
        "SELECT schema_name, table_name, comment, 'table' FROM duckdb_tables() UNION ALL "
        "SELECT schema_name, view_name, comment, 'view' FROM duckdb_views() WHERE NOT internal"
    ).fetchall()
    columns = _columns(con)
    for schema, relation, comment, kind in found:
        name = relation if schema == "main" else f"{schema}.{relation}"
        contract = contracts.get(name)
        yield (
            name,
            {
                "kind": kind,
                "comment": comment,
                "key": list(contract.key) if contract else [],
                "columns": _described(columns[schema, relation], contract or shown.get(name)),
            },
        )


Columns = list[tuple[str, str, str | None]]
"""Name, type and comment of each column."""


def _columns(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Columns]:
    """Those of each table and view, by schema and name."""
    columns: dict[tuple[str, str], Columns] = {}
    for schema, relation, *column in con.execute(
        "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE NOT internal ORDER BY column_index"
    ).fetchall():
        columns.setdefault((schema, relation), []).append((column[0], column[1], column[2]))
    return columns


def _described(columns: Columns, contract: Table | None) -> dict[str, Any]:
    declared = {column.name: column for column in contract.all_columns} if contract else {}
    return {
        name: {
            "type": type_,
            "unit": declared[name].unit if name in declared else None,
            "sensitivity": str(declared[name].sensitivity) if name in declared else None,
            "comment": comment,
        }
        for name, type_, comment in columns
    }


def breaking(golden: Schema, now: Schema) -> list[str]:
    """The differences that break queries: not what is new, which nobody can read yet."""
    return [each for each in differences(golden, now) if not each.endswith(" is new")]


def differences(golden: Schema, now: Schema) -> list[str]:
    """Where the published schema has changed, each naming table and column; empty if nowhere."""
    changes = [f"{name} is no longer published" for name in golden if name not in now]
    changes += [f"{name} is new" for name in now if name not in golden]
    for name in golden.keys() & now.keys():
        then, this = dict(golden[name]), dict(now[name])
        columns, present = then.pop("columns"), this.pop("columns")
        changes += _changed(name, then, this)
        changes += [f"{name}.{column} is gone" for column in columns if column not in present]
        changes += [f"{name}.{column} is new" for column in present if column not in columns]
        common = [column for column in columns if column in present]
        if common != [column for column in present if column in columns]:
            changes.append(f"{name}: the columns stand in another order")
        for column in common:
            changes += _changed(f"{name}.{column}", columns[column], present[column])
    return sorted(changes)


def _changed(where: str, then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [
        f"{where}: {what} was {then.get(what)!r} and is {now[what]!r}"
        for what in now
        if then.get(what) != now[what]
    ]


def read(path: Path = GOLDEN_FILE) -> Schema:
    """The schema in a golden file."""
    schema: Schema = json.loads(path.read_text(encoding="utf-8"))
    return schema


def write(schema: Schema, path: Path = GOLDEN_FILE) -> None:
    """Write a golden file, with a line for each column so that a change is easy to see."""
    path.parent.mkdir(parents=True, exist_ok=True)
    relations = ",\n".join(f"{_text(name)}: {_relation(schema[name])}" for name in schema)
    path.write_text(f"{{\n{relations}\n}}\n", encoding="utf-8")


def _relation(relation: Relation) -> str:
    rest = [
        f" {_text(what)}: {_text(value)},\n"
        for what, value in relation.items()
        if what != "columns"
    ]
    columns = ",\n".join(f"  {_text(n)}: {_text(c)}" for n, c in relation["columns"].items())
    return f'{{\n{"".join(rest)} "columns": {{\n{columns}\n }}\n}}'


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN_FILE
    write(shop_schema(), target)
    print(target)
