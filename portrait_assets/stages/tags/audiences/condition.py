"""What selects an audience: a WHERE clause of DuckDB over tags.portrait_matrix.

It is checked against the allow-list of `methods.expressions`; no other user input reaches the
database.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb

from portrait_assets.core.invocation import command
from portrait_assets.methods.expressions.expression import (
    Expression,
    ExpressionError,
    UnknownColumnError,
    parse,
)
from portrait_assets.schema.table import Column, Sensitivity, Type
from portrait_assets.stages.features.contract import PROFILING_ALLOWED
from portrait_assets.stages.tags.catalogue.tag import TagError, of_other_pack
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.tables import existing_types

MATRIX = "tags.portrait_matrix"


def matrix_columns(con: duckdb.DuckDBPyConnection) -> dict[str, Column]:
    """The columns of the portrait matrix in the database, which an audience may read.

    Allowed values and sensitivity come from tags.tag_catalogue.

    Raises:
        TagError: when the database has no portrait matrix.
    """
    types = existing_types(con, MATRIX)
    if not types:
        raise TagError(f"There is no portrait matrix yet; run `{command('run')}` first.")
    known = con.execute(
        "SELECT tag_code, list_distinct(flatten(list(tag_values))), max(sensitivity) "
        "FROM tags.tag_catalogue GROUP BY tag_code"
    ).fetchall()
    facts = {code: (tuple(sorted(values)) or None, level) for code, values, level in known}
    columns = {}
    for name, kind in types.items():
        allowed, level = facts.get(name, (None, "C1"))
        # The published file holds enumerated text as ENUM.
        known_type = str(Type.TEXT) if kind.startswith("ENUM") else kind
        if known_type in set(Type):
            columns[name] = Column(
                name, Type(known_type), name, name, allowed=allowed, sensitivity=Sensitivity(level)
            )
    return columns


def parse_audience(
    text: str,
    columns: Mapping[str, Column],
    clearance: Sensitivity = Sensitivity.C2,
    elsewhere: Mapping[str, str] | None = None,
) -> Expression:
    """The audience's expression, safe to use in a WHERE clause.

    `elsewhere` gives the pack by code of the tags of packs that the source does not have.

    Raises:
        TagError: when it may not be used; the sentence names the part and the remedy.
    """
    try:
        expression = parse(text, columns, ranks=False)
    except UnknownColumnError as error:
        remedy = of_other_pack(error.column, elsewhere or {}) or error
        raise TagError(f"The audience cannot be selected: {remedy}.") from None
    except ExpressionError as error:
        raise TagError(f"The audience cannot be selected: {error}.") from None
    levels = list(Sensitivity)
    for name in expression.columns:
        if levels.index(columns[name].sensitivity) > levels.index(clearance):
            raise TagError(
                f"The audience reads {name}, which is of class {columns[name].sensitivity}, and "
                f"may read up to {clearance}; leave it out or request the clearance."
            )
    return expression


def check_condition(con: duckdb.DuckDBPyConnection, expression: Expression) -> None:
    """Have DuckDB bind the expression to the portrait matrix of the connection.

    Raises:
        TagError: when its types clash, or it is not a condition.
    """
    try:
        kind = con.execute(
            f"SELECT typeof({expression.sql}) FROM (SELECT 1) "
            f"LEFT JOIN (SELECT * FROM {MATRIX} LIMIT 0) ON true"
        ).fetchall()[0][0]
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].removeprefix("Binder Error: ")
        raise TagError(f"The audience cannot be selected: types clash ({reason}).") from None
    if kind != "BOOLEAN":
        raise TagError(
            f"The audience cannot be selected: '{expression.text}' gives {kind}; write a condition "
            "that is true or false."
        )


def of_month(as_of: date) -> str:
    """The condition on rows of the month that ends on that day."""
    return f"as_of = DATE {literal(as_of.isoformat())}"


def profiled(con: duckdb.DuckDBPyConnection, as_of: date) -> str:
    """The condition on the month's rows that are no rows of nulls; old files have none of these."""
    has_column = PROFILING_ALLOWED.name in existing_types(con, MATRIX)
    return of_month(as_of) + (f" AND {PROFILING_ALLOWED.name} IS NOT FALSE" if has_column else "")


def latest_month(con: duckdb.DuckDBPyConnection) -> date:
    """The newest month of the portrait matrix; of a published file, the newest complete one.

    Raises:
        TagError: when it has none.
    """
    published = con.execute(
        "SELECT 1 FROM duckdb_views() WHERE view_name = 'newest_month' "
        "AND database_name = current_database()"
    ).fetchall()
    sql = "SELECT as_of FROM newest_month" if published else f"SELECT max(as_of) FROM {MATRIX}"
    newest: date | None = con.execute(sql).fetchall()[0][0]
    if newest is None:
        raise TagError(f"The portrait matrix has no month yet; run `{command('run')}` first.")
    return newest
