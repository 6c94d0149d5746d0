"""From which columns of stored tables each column of a step comes, read from the steps' SQL.

Only the columns that values are computed from count, not those that WHERE and JOIN filter by.

    python -m portrait_assets.testing.golden.lineage    # renews features/described/lineage.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage

from portrait_assets.stages.cleaned.categories.columns import CATEGORY_COLUMNS
from portrait_assets.stages.features.assets import STEPS
from portrait_assets.stages.features.described.sensitivity import LINEAGE_FILE, aggregate_of
from portrait_assets.stages.features.matrix import BASES, CUSTOMER_PARTS, FEATURE_MATRIX, PARTS
from portrait_assets.storage.steps import Read, Scope, Source, Step, upstream

Columns = dict[str, frozenset[str]]
"""By column, the columns of stored tables, as schema.table.column, that it is computed from."""
IDENTIFYING = ("month", "customer_id", "source_row", "as_of")
"""Columns that identify a row and describe nothing."""
DECIDING = CATEGORY_COLUMNS.full_name
"""The table that decides which columns are read, and describes nobody."""


def columns_of(*steps: Step) -> dict[Source, Columns]:
    """By step, what each of its columns is computed from, down to tables that no step writes."""
    found: dict[Source, Columns] = {}
    written: dict[str, Columns] = {}
    for source in upstream(*steps):
        if isinstance(source, Read):
            name = source.table.full_name
            own = {column: frozenset({f"{name}.{column}"}) for column in source.table.column_names}
            found[source] = written.get(name, own)
        elif source.compute is None and source is not FEATURE_MATRIX:
            found[source] = (
                _of_parts(found) if source is CUSTOMER_PARTS else _of_step(source, found)
            )
            if source.writes is not None:
                written[source.writes.full_name] = found[source]
    return found


def _of_parts(found: Mapping[Source, Columns]) -> Columns:
    """Each part is a structure: `b.amount` is the column `amount` of the step that is `b`."""
    return {
        f"{letter}.{column}": inputs
        for letter, part in PARTS.items()
        for column, inputs in found[part].items()
    }


def _of_step(step: Step, found: Mapping[Source, Columns]) -> Columns:
    sql = step.sql if isinstance(step.sql, str) else step.sql(Scope("2024-03"))
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    sources = {source.name: found[source] for source in step.reads}
    if CUSTOMER_PARTS in step.reads:
        return _of_fit(tree, found[CUSTOMER_PARTS])
    _pad_unions(tree, sources)
    schema = {name: dict.fromkeys(columns, "VARCHAR") for name, columns in sources.items()}
    nodes = lineage(None, tree, schema, dialect="duckdb", trim_selects=False)
    assert isinstance(nodes, dict)
    return {
        name: frozenset(
            each
            for leaf in node.walk()
            if isinstance(leaf.expression, exp.Table)
            for each in sources.get(leaf.expression.name, {}).get(_column(leaf.name), frozenset())
        )
        for name, node in nodes.items()
    }


def _column(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


def _of_fit(tree: exp.Expr, parts: Columns) -> Columns:
    """The columns of one SELECT over the structures of CUSTOMER_PARTS."""
    return {
        select.alias_or_name: frozenset().union(
            *(parts[f"{column.table}.{column.name}"] for column in select.find_all(exp.Column))
        )
        for select in tree.selects  # type: ignore[attr-defined]
    }


def _pad_unions(tree: exp.Expr, sources: Mapping[str, Columns]) -> None:
    """Give the sides of each UNION BY NAME the same columns, for lineage goes by position."""
    for union in reversed(list(tree.find_all(exp.Union))):
        if union.args.get("by_name"):
            sides = [union.this, union.expression]
            names = [_names(side, sources) for side in sides]
            every = list(dict.fromkeys(name for of_side in names for name in of_side))
            for key, side, own in zip(("this", "expression"), sides, names, strict=True):
                columns = ", ".join(n if n in own else f"NULL AS {n}" for n in every)
                padded = f"SELECT {columns} FROM ({side.sql(dialect='duckdb')}) AS side"
                union.set(key, sqlglot.parse_one(padded, dialect="duckdb"))
            union.set("by_name", False)


def _names(query: exp.Expr, sources: Mapping[str, Columns]) -> list[str]:
    if isinstance(query, exp.Union):
        sides = (_names(query.this, sources), _names(query.expression, sources))
        return list(dict.fromkeys(name for side in sides for name in side))
    names: list[str] = []
    for select in query.selects:  # type: ignore[attr-defined]
        if isinstance(select, exp.Star):
            table = query.find(exp.Table)
            assert table is not None
            names += sources[table.name]
        else:
            names.append(select.alias_or_name)
    return names


def features_lineage() -> dict[str, list[str]]:
    """By column of a monthly aggregate or of a part, the cleaned columns that it comes from."""
    found = columns_of(*STEPS)
    named = {step.writes.name: step for step in STEPS if step.writes and step in found}
    named |= {**PARTS, **BASES}
    return {
        f"{name}.{column}": sorted(
            each
            for each in inputs
            if each.rpartition(".")[2] not in IDENTIFYING and each.rpartition(".")[0] != DECIDING
        )
        for name, step in named.items()
        for column, inputs in found[step].items()
        if column not in IDENTIFYING and aggregate_of(name, column) is None
    }


def renew() -> None:
    """Write the lineage of today's steps."""
    LINEAGE_FILE.write_text(json.dumps(features_lineage(), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    renew()
