"""Checks of a catalogue before it is used: circles, targets, types, values and classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from portrait_assets.methods.expressions.expression import NUMERIC, RANK_PREFIX, Expression
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.tags.catalogue.reachable import unreachable_value
from portrait_assets.stages.tags.catalogue.tag import (
    Catalogue,
    Kind,
    Shape,
    Status,
    Tag,
    TagError,
    dependency_order,
)
from portrait_assets.storage.duckdb.connection import quote, scratch_database

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "UBIGINT"}


def check_catalogue(catalogue: Catalogue, context: Mapping[str, Column]) -> None:
    """Check circles, targets, types, unreachable values and what lowers a class.

    Args:
        catalogue: the tags, their expressions already checked against the allow-list.
        context: all columns that expressions may read, tags among them.

    Raises:
        TagError: for the first mistake, naming the tag and the line.
    """
    _check_circles(catalogue)
    _check_targets(catalogue)
    con = empty_world(context)
    try:
        kinds = _kinds(catalogue, con)
        for tag in catalogue.tags:
            _check_types(tag, kinds, con)
            _check_reachable(tag, context)
            _check_lowering(tag)
    finally:
        con.close()


def _check_lowering(tag: Tag) -> None:
    """Check that the condition holds on which an operation lowers the tag's class."""
    operation = tag.lowered_by
    if operation is None:
        return
    has_few = operation.most_values is None or 0 < len(tag.values) <= operation.most_values
    if not has_few or (operation.is_ranked and not tag.is_by_rank):
        raise TagError(
            f"{tag.place}: the class of tag {tag.code} is not lowered by {operation.name}, which "
            f"needs {operation.condition}; leave out lowered_by or change its rules."
        )


def empty_world(context: Mapping[str, Column]) -> duckdb.DuckDBPyConnection:
    """A database in memory with one empty table `world` of these columns and their ranks."""
    con = scratch_database(is_sealed=True)
    columns = [f"{quote(name)} {column.type}" for name, column in context.items()]
    columns += [
        f"{quote(RANK_PREFIX + name)} DOUBLE"
        for name, column in context.items()
        if column.type in NUMERIC
    ]
    con.execute(f"CREATE TABLE world ({', '.join(columns)})")
    return con


def bound_types(
    expressions: Sequence[Expression], con: duckdb.DuckDBPyConnection
) -> tuple[str, ...]:
    """The DuckDB types that the expressions give over the columns of `world`.

    One row of nulls is evaluated, so that constants are folded too, and may fail to cast.

    Raises:
        duckdb.Error: when the types clash.
    """
    kinds = ", ".join(f"typeof({expression.sql})" for expression in expressions)
    types: tuple[str, ...] = con.execute(
        f"SELECT {kinds} FROM (SELECT 1) LEFT JOIN world ON true"
    ).fetchall()[0]
    return types


def _check_circles(catalogue: Catalogue) -> None:
    highest = {tag.code: tag for tag in catalogue.tags if tag.status is not Status.RETIRED}
    dependency_order(highest)
    for tag in catalogue.tags:
        # An older version may be active together with the newest of the others.
        if tag.code in highest and highest[tag.code] is not tag:
            dependency_order({**highest, tag.code: tag})


def _check_targets(catalogue: Catalogue) -> None:
    """A prediction that decides other tags names what it is to be measured by."""
    active = [tag for tag in catalogue.tags if tag.status is Status.ACTIVE]
    for tag in active:
        if tag.kind is not Kind.PREDICTIVE or tag.target is not None:
            continue
        decided = sorted(other.code for other in active if tag.code in other.reads)
        if decided:
            example = next(iter(catalogue.targets.derived))
            raise TagError(
                f"{tag.place}: tag {tag.code} predicts, decides {', '.join(decided)} and names no "
                f"target; give one, such as target: {example}, so that it can be compared with a "
                "baseline."
            )


def _kinds(catalogue: Catalogue, con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The type of every expression by its SQL; empty when one clashes, which then is searched."""
    by_sql = {own.sql: own for tag in catalogue.tags for own in tag.expressions}
    try:
        return dict(zip(by_sql, bound_types([*by_sql.values()], con), strict=True))
    except duckdb.Error:
        return {}


def _check_types(tag: Tag, kinds: Mapping[str, str], con: duckdb.DuckDBPyConnection) -> None:
    by_sql = kinds or {own.sql: _bound(tag, own, con) for own in tag.expressions}
    for value in tag.values:
        kind = by_sql[value.when.sql]
        if kind != "BOOLEAN":
            raise TagError(
                f"{value.place}: tag {tag.code}: the rule of '{value.value}' gives {kind}; write a "
                "condition that is true or false."
            )
    if tag.expression is not None and not _fits(by_sql[tag.expression.sql], tag.type):
        raise TagError(
            f"{tag.place}: tag {tag.code} is declared as {tag.type} and its expression gives "
            f"{by_sql[tag.expression.sql]}; change the type or the expression."
        )
    if tag.confidence is not None and not _fits(by_sql[tag.confidence.sql], Type.NUMBER):
        raise TagError(
            f"{tag.place}: the confidence of tag {tag.code} gives {by_sql[tag.confidence.sql]}; "
            "write a number from 0 to 1."
        )


def _bound(tag: Tag, expression: Expression, con: duckdb.DuckDBPyConnection) -> str:
    try:
        return bound_types([expression], con)[0]
    except duckdb.Error as error:
        place = next((v.place for v in tag.values if v.when is expression), tag.place)
        reason = str(error).splitlines()[0].removeprefix("Binder Error: ")
        raise TagError(
            f"{place}: tag {tag.code}: '{expression.text}' has types that clash ({reason})."
        ) from None


def _fits(kind: str, declared: Type) -> bool:
    if kind == str(declared):
        return True
    number = kind in _INTEGERS or kind == "DOUBLE" or kind.startswith("DECIMAL")
    if declared is Type.INTEGER:
        return kind in _INTEGERS
    return declared in NUMERIC and number


def _check_reachable(tag: Tag, context: Mapping[str, Column]) -> None:
    position = unreachable_value(tag.values, tag.shape is Shape.ONE, context)
    if position is not None:
        value = tag.values[position]
        raise TagError(
            f"{value.place}: '{value.value}' of tag {tag.code} can never be reached; its rule is "
            "never true"
            + (" once the values before it are taken" if position else "")
            + "; change the order or the rule."
        )
