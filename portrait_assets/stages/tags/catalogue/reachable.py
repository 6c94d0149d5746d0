"""Finding a value that no customer could ever hold.

Rules made of comparisons of single columns with constants split every column into a few regions
within which nothing changes. One representative of each region and each combination of columns
is a complete world: a value that nobody in it gets is unreachable. Rules with arithmetic are only
compared as text and folded for constants.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence

import duckdb
from sqlglot import exp
from sqlglot.optimizer.simplify import simplify

from portrait_assets.methods.expressions.expression import (
    COMPARISONS,
    NUMERIC,
    RANK_PREFIX,
    Expression,
    compared,
)
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.tags.catalogue.tag import TagValue
from portrait_assets.storage.duckdb.connection import literal, quote, scratch_database

MAX_WORLD = 20_000
_LOGIC = (
    exp.And,
    exp.Or,
    exp.Not,
    exp.Paren,
    *COMPARISONS,
    exp.Is,
    exp.In,
    exp.Between,
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Neg,
    exp.ArrayContains,
)


def unreachable_value(
    values: Sequence[TagValue], first_match: bool, context: Mapping[str, Column]
) -> int | None:
    """The position of the first value that no customer can have; None when none is provably so.

    With `first_match` a customer has the first value whose rule matches.
    """
    folded = [_folded(value.when) for value in values]
    for position, rule in enumerate(folded):
        if rule in ("FALSE", "NULL"):
            return position
        if first_match and any(before in (rule, "TRUE") for before in folded[:position]):
            return position
    trees = [value.when.tree for value in values]
    columns = sorted({column.name for tree in trees for column in tree.find_all(exp.Column)})
    if not columns or not all(_simple(value.when) for value in values):
        return None
    domains = [_representatives(name, trees, context) for name in columns]
    size = 1
    for domain in domains:
        size *= len(domain)
    if size > MAX_WORLD:
        return None
    return _tried(columns, domains, values, first_match)


# A process that reads a catalogue reads it again for each of its commands and runs, and nearly all
# rules are those of the packs.
@functools.lru_cache(maxsize=4096)
def _folded(rule: Expression) -> str:
    """The rule's SQL with what is constant in it evaluated."""
    sql: str = simplify(rule.tree.copy()).sql(dialect="duckdb")
    return sql


@functools.lru_cache(maxsize=4096)
def _simple(rule: Expression) -> bool:
    """Whether the rule only compares single columns with constants."""
    for node in rule.tree.walk():
        if not isinstance(node, _LOGIC):
            return False
        if isinstance(node, exp.Binary) and not isinstance(node, exp.Connector | exp.Is):
            sides = (node.this, node.expression)
            if sum(isinstance(side, exp.Column) for side in sides) != 1:
                return False
        if isinstance(node, exp.In | exp.Between) and not isinstance(node.this, exp.Column):
            return False
    return True


def _representatives(
    name: str, trees: Sequence[exp.Expr], context: Mapping[str, Column]
) -> list[str]:
    """SQL constants, one of each region that the rules distinguish, NULL among them."""
    constants: list[exp.Expr] = [
        each
        for tree in trees
        for column, literals in compared(tree)
        if column == name
        for each in literals
    ]
    if name.startswith(RANK_PREFIX):
        return ["NULL", *_numbers(constants, 0, 1)]
    column = context[name]
    if column.type is Type.BOOLEAN:
        return ["NULL", "TRUE", "FALSE"]
    if column.type is Type.TEXT:
        texts = column.allowed or [*(each.name for each in constants), "\x01another"]
        return ["NULL", *dict.fromkeys(literal(text) for text in texts)]
    if column.type is Type.TEXTS:
        texts = column.allowed or [each.name for each in constants]
        return ["NULL", "[]::VARCHAR[]", *(f"[{literal(text)}]" for text in texts)]
    if column.type in NUMERIC:
        whole = column.type is Type.INTEGER
        return ["NULL", *_numbers(constants, column.minimum, column.maximum, whole)]
    days = sorted({each.name for each in constants if isinstance(each, exp.Literal)})
    return ["NULL", *(f"DATE {literal(d)} + INTERVAL ({n}) DAY" for d in days for n in (-1, 0, 1))]


def _numbers(
    constants: Sequence[exp.Expr],
    minimum: float | None,
    maximum: float | None,
    whole: bool = False,
) -> list[str]:
    bounds = {float(bound) for bound in (minimum, maximum) if bound is not None}
    written = {float(each.sql(dialect="duckdb")) for each in constants if _is_number(each)}
    cuts = sorted(written | bounds) or [0.0]
    points = {cuts[0] - 1, cuts[-1] + 1, *cuts}
    points |= {(low + high) / 2 for low, high in itertools.pairwise(cuts)}
    if whole:
        points = {float(math.floor(cut) + by) for cut in cuts for by in (-1, 0, 1, 2)}
    return [
        repr(point)
        for point in sorted(points)
        if (minimum is None or point >= minimum) and (maximum is None or point <= maximum)
    ]


def _is_number(node: exp.Expr) -> bool:
    inner = node.this if isinstance(node, exp.Neg) else node
    return isinstance(inner, exp.Literal) and not inner.is_string


def _tried(
    columns: Sequence[str],
    domains: Sequence[Sequence[str]],
    values: Sequence[TagValue],
    first_match: bool,
) -> int | None:
    worlds = ", ".join(
        f"(SELECT unnest([{', '.join(domain)}]) AS {quote(name)})"
        for name, domain in zip(columns, domains, strict=True)
    )
    if first_match:
        whens = " ".join(
            f"WHEN {value.when.sql} THEN {position} WHEN ({value.when.sql}) IS NULL THEN -1"
            for position, value in enumerate(values)
        )
        rows = _rows(f"SELECT DISTINCT CASE {whens} END FROM {worlds}")
        reached = {row[0] for row in rows}
    else:
        counts = ", ".join(f"count(*) FILTER (WHERE {value.when.sql})" for value in values)
        (row,) = _rows(f"SELECT {counts} FROM {worlds}")
        reached = {position for position, count in enumerate(row) if count}
    return next((at for at in range(len(values)) if at not in reached), None)


@functools.lru_cache(maxsize=4096)
def _rows(sql: str) -> list[tuple[int | None, ...]]:
    """What a query gives that reads no table."""
    return _nothing().cursor().execute(sql).fetchall()


@functools.cache
def _nothing() -> duckdb.DuckDBPyConnection:
    """A database without tables, in memory."""
    return scratch_database(is_sealed=True)
