"""Expressions that users write: parsed, checked against an allow-list, and rendered as SQL.

Only the checked tree is rendered, so that nothing unchecked can reach the database. The same rules
apply to tags and to audiences.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from portrait_assets.core.errors import PortraitError, suggestion
from portrait_assets.schema.table import MONEY_SCALE, Column, Type

MAX_LENGTH = 10_000
AS_MONEY = "money"
RANK = "rank_share"
RANK_PREFIX = "rank_share:"

_NODES: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Column,
        exp.Identifier,
        exp.Literal,
        exp.Boolean,
        exp.Null,
        exp.Paren,
        exp.Tuple,
        exp.And,
        exp.Or,
        exp.Not,
        exp.EQ,
        exp.NEQ,
        exp.GT,
        exp.GTE,
        exp.LT,
        exp.LTE,
        exp.Is,
        exp.In,
        exp.Between,
        exp.Like,
        exp.NullSafeEQ,
        exp.NullSafeNEQ,
        exp.Add,
        exp.Sub,
        exp.Mul,
        exp.Div,
        exp.Mod,
        exp.Neg,
        exp.Case,
        exp.If,
        exp.Coalesce,
        exp.Nullif,
        exp.Abs,
        exp.Least,
        exp.Greatest,
        exp.Round,
        exp.Floor,
        exp.Ceil,
        exp.Exp,
        exp.Ln,
        exp.Pow,
        exp.Sqrt,
        exp.Lower,
        exp.Upper,
        exp.Length,
        exp.StartsWith,
        exp.ArrayContains,
        exp.DateDiff,
    }
)
_CAST_TO = {
    exp.DType.DATE: "DATE",
    exp.DType.BIGINT: "BIGINT",
    exp.DType.DOUBLE: "DOUBLE",
    exp.DType.VARCHAR: "VARCHAR",
    exp.DType.TEXT: "VARCHAR",
    exp.DType.BOOLEAN: "BOOLEAN",
}
_FUNCTIONS = (
    "abs, ceil, coalesce, date_diff, exp, floor, greatest, least, length, list_contains, ln, "
    "lower, money, nullif, power, rank_share, round, sqrt, starts_with, upper"
)
_CLOCK = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.Rand)
_CLOCK_NAMES = {"now", "today", "current_date", "get_current_timestamp", "random", "uuid"}
_DATE_UNITS = {"day", "week", "month", "year"}
COMPARISONS = (
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
)
NUMERIC = frozenset({Type.INTEGER, Type.NUMBER, Type.MONEY, Type.QUANTITY})


class ExpressionError(PortraitError):
    """An expression that cannot be used; the message names the part and the remedy."""


class UnknownColumnError(ExpressionError):
    """An expression that reads a column that is not there, `column` as it is written."""

    def __init__(self, column: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no column {column}{suggestion(column, known)}")
        self.column = column


@dataclass(frozen=True)
class Expression:
    """A checked expression: `text` as written, `sql` for DuckDB with quoted names.

    `columns` are the names it reads, sorted. `ranks` are the columns that it reads through
    rank_share; in `sql` they appear as columns "rank_share:<name>".
    """

    text: str
    sql: str
    columns: tuple[str, ...]
    ranks: tuple[str, ...] = ()

    @property
    def tree(self) -> exp.Expr:
        """The parsed tree of `sql`, cached: copy before changing it."""
        return _tree(self.sql)


@functools.lru_cache(maxsize=4096)
def _tree(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="duckdb")


def parse(text: str, columns: Mapping[str, Column], ranks: bool = True) -> Expression:
    """The expression in its safe form.

    Args:
        text: one SQL expression in DuckDB's dialect.
        columns: the columns that it may read, by name.
        ranks: whether rank_share(column) may be used: the share of customers, 0 to 1, whose
            value is lower (as SQL's percent_rank, over the customers who have a value). An
            audience may not use it, so that it stays a WHERE clause over single rows.

    Raises:
        ExpressionError: when it does not parse, or has a part that is not on the allow-list.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"it is longer than {MAX_LENGTH:,} characters; shorten it")
    try:
        parsed = _parsed(text)
        if len(parsed) != 1:
            raise ExpressionError("it is not one expression; write one condition without ';'")
        lookup = {name.lower(): name for name in columns}
        used_ranks: set[str] = set()
        tree = _checked(parsed[0].copy(), columns, lookup, ranks, used_ranks)
        _check_comparisons(tree, columns)
        sql = tree.sql(dialect="duckdb", identify=True, comments=False)
    except (SqlglotError, RecursionError) as error:
        reason = str(error).splitlines()[0].split(". Line")[0] if str(error) else "too deep"
        raise ExpressionError(f"'{_short(text)}' is not an SQL expression ({reason})") from None
    used = {column.name for column in tree.find_all(exp.Column)}
    read = {name for name in used if not name.startswith(RANK_PREFIX)} | used_ranks
    return Expression(text.strip(), sql, tuple(sorted(read)), tuple(sorted(used_ranks)))


@functools.lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[exp.Expr, ...]:
    """The statements of the text, cached: copy before changing them."""
    return tuple(tree for tree in sqlglot.parse(text, dialect="duckdb") if tree is not None)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def _checked(
    tree: exp.Expr,
    columns: Mapping[str, Column],
    lookup: Mapping[str, str],
    ranks: bool,
    used_ranks: set[str],
) -> exp.Expr:
    """The tree with every node checked, names resolved and functions of our own made SQL."""

    def visit(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            name = _resolve(node, lookup)
            node.replace(new := exp.column(exp.to_identifier(name, quoted=True)))
            return new
        if isinstance(node, exp.Anonymous) and node.name.lower() == RANK:
            return _rank(node, columns, lookup, ranks, used_ranks)
        if isinstance(node, exp.Anonymous) and node.name.lower() == AS_MONEY:
            node = _as_money(node)
        _check_node(node)
        if isinstance(node, (exp.Cast, exp.DateDiff)):
            _check_special(node)
        for child in list(node.iter_expressions()):
            if isinstance(node, exp.Cast) and child is node.args.get("to"):
                continue
            if isinstance(node, exp.DateDiff) and child is node.args.get("unit"):
                continue
            visit(child)
        return node

    return visit(tree)


def _check_node(node: exp.Expr) -> None:
    if type(node) in _NODES or type(node) is exp.Cast:
        unused = ("query", "unnest", "field", "is_global") if isinstance(node, exp.In) else ()
        if any(node.args.get(part) for part in unused):
            raise ExpressionError("it contains a subquery; list the values inside IN (...)")
        if isinstance(node, exp.Is) and not isinstance(
            node.expression, (exp.Null, exp.Boolean, exp.Not)
        ):
            raise ExpressionError("IS may only be followed by NULL, TRUE or FALSE")
        return
    if isinstance(node, _CLOCK) or node.name.lower() in _CLOCK_NAMES:
        raise ExpressionError(
            f"{node.sql(dialect='duckdb')} reads the clock or chance, which would let a month see "
            "the future and change on a rerun; use as_of, the last day of the month"
        )
    if isinstance(node, (exp.Query, exp.Subquery, exp.Exists)):
        raise ExpressionError("it contains a subquery; use only columns of the customer's own row")
    if isinstance(node, (exp.Window, exp.AggFunc)):
        raise ExpressionError(
            f"{_short(node.sql(dialect='duckdb'))} looks at other customers; use rank_share(column)"
        )
    if isinstance(node, exp.Anonymous | exp.Func):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name().lower()
        raise ExpressionError(f"the function {name} is not allowed; allowed are {_FUNCTIONS}")
    raise ExpressionError(
        f"'{_short(node.sql(dialect='duckdb'))}' is a {type(node).__name__}, which is not allowed; "
        "use comparisons, arithmetic, AND, OR, NOT, IN, BETWEEN, LIKE and CASE"
    )


def _check_special(node: exp.Cast | exp.DateDiff) -> None:
    if isinstance(node, exp.DateDiff):
        unit = node.args.get("unit")
        if unit is None or unit.name.lower() not in _DATE_UNITS:
            raise ExpressionError(f"date_diff counts in {', '.join(sorted(_DATE_UNITS))} only")
        return
    to = node.args["to"]
    if not isinstance(to, exp.DataType) or to.this not in _CAST_TO or to.expressions:
        raise ExpressionError(
            f"a cast to {to.sql(dialect='duckdb')} is not allowed; "
            f"allowed are {', '.join(sorted(set(_CAST_TO.values())))}"
        )
    if node.args.get("format") or node.args.get("action"):
        raise ExpressionError("a cast takes a type and nothing else")


def _resolve(node: exp.Column, lookup: Mapping[str, str]) -> str:
    if node.table or not isinstance(node.this, exp.Identifier):
        raise ExpressionError(
            f"'{node.sql(dialect='duckdb')}' names another table; use plain column names"
        )
    name = node.name
    if name.lower() not in lookup:
        raise UnknownColumnError(name, lookup.values())
    return lookup[name.lower()]


def _rank(
    node: exp.Anonymous,
    columns: Mapping[str, Column],
    lookup: Mapping[str, str],
    ranks: bool,
    used: set[str],
) -> exp.Expr:
    if not ranks:
        raise ExpressionError(f"{RANK} belongs in a tag; make a tag of it and select by the tag")
    argument = node.expressions[0] if len(node.expressions) == 1 else None
    if not isinstance(argument, exp.Column):
        raise ExpressionError(f"{RANK} takes one column, such as {RANK}(spend_12m)")
    name = _resolve(argument, lookup)
    if columns[name].type not in NUMERIC:
        raise ExpressionError(f"{RANK}({name}) needs a number, and {name} is {columns[name].type}")
    used.add(name)
    new = exp.column(exp.to_identifier(RANK_PREFIX + name, quoted=True))
    node.replace(new)
    return new


def _as_money(node: exp.Anonymous) -> exp.Expr:
    """The number with the digits that amounts of money have."""
    if len(node.expressions) != 1:
        raise ExpressionError(f"{AS_MONEY} takes one number, such as {AS_MONEY}(spend_12m / 12)")
    new = exp.Round(this=node.expressions[0], decimals=exp.Literal.number(MONEY_SCALE))
    node.replace(new)
    return new


def _check_comparisons(tree: exp.Expr, columns: Mapping[str, Column]) -> None:
    """Check that each literal that a column is compared with is a possible value of it."""
    for name, literals in compared(tree):
        if name in columns:
            for literal in literals:
                _check_literal(columns[name], literal)


def compared(tree: exp.Expr) -> Iterable[tuple[str, list[exp.Expr]]]:
    """Each comparison of a column with literals: the column's name and the literals."""
    for node in tree.walk():
        if isinstance(node, COMPARISONS):
            sides = (node.this, node.expression)
            for side, other in (sides, sides[::-1]):
                if isinstance(side, exp.Column):
                    yield side.name, [other]
        elif isinstance(node, exp.In) and isinstance(node.this, exp.Column):
            yield node.this.name, list(node.expressions)
        elif isinstance(node, exp.Between) and isinstance(node.this, exp.Column):
            yield node.this.name, [node.args["low"], node.args["high"]]
        elif isinstance(node, exp.ArrayContains) and isinstance(node.this, exp.Column):
            yield node.this.name, [node.expression]


def _check_literal(column: Column, literal: exp.Expr) -> None:
    if not isinstance(literal, exp.Literal):
        return
    if literal.is_string and column.type in (*NUMERIC, Type.BOOLEAN):
        raise ExpressionError(
            f"{column.name} is {column.type} and is compared with '{literal.name}'"
        )
    if not literal.is_string and column.type in (Type.TEXT, Type.TEXTS, Type.BOOLEAN, Type.DATE):
        raise ExpressionError(
            f"{column.name} is {column.type} and is compared with the number {literal.name}"
        )
    if column.allowed is not None and literal.name not in column.allowed:
        raise ExpressionError(
            f"{column.name} is never '{literal.name}'{suggestion(literal.name, column.allowed)}; "
            f"its values are {', '.join(column.allowed)}"
        )
