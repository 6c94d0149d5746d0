"""Audiences (人群圈选): customers selected by a condition, against all customers of the month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl
from sqlglot import exp

from portrait_assets.core.invocation import command
from portrait_assets.methods.expressions.expression import Expression
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import two_proportions
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.features.contract import PROFILING_ALLOWED
from portrait_assets.stages.tags.audiences.condition import (
    MATRIX,
    check_condition,
    latest_month,
    matrix_columns,
    parse_audience,
    profiled,
)
from portrait_assets.stages.tags.catalogue.tag import TagError
from portrait_assets.storage.duckdb.connection import literal, quote

PROFILE_SCHEMA = pl.Schema(
    {
        "tag_code": pl.String(),
        "tag_value": pl.String(),
        "audience": pl.Int64(),
        "base": pl.Int64(),
        "audience_share": pl.Float64(),
        "base_share": pl.Float64(),
        "tgi": pl.Float64(),
        "p_value": pl.Float64(),
        "q_value": pl.Float64(),
    }
)
"""Columns of an audience's profile: one row per tag and value, the strongest difference first."""

OVERLAP_SCHEMA = pl.Schema(
    {
        "audience_code": pl.String(),
        "size": pl.Int64(),
        "both": pl.Int64(),
        "share_of_audience": pl.Float64(),
        "share_of_saved": pl.Float64(),
        "jaccard": pl.Float64(),
    }
)
"""Columns of an audience's overlaps with saved ones; `both` are the customers in the two."""

_HIDDEN = frozenset({"as_of", "customer_id", "customer_no", PROFILING_ALLOWED.name})


@dataclass(frozen=True)
class Audience:
    """The customers that an expression selects in a month, against all of that month (the base)."""

    expression: Expression
    as_of: date
    size: int
    base: int
    profile: pl.DataFrame
    overlaps: pl.DataFrame

    @property
    def share(self) -> float:
        """Size divided by base."""
        return self.size / self.base


def select_audience(
    con: duckdb.DuckDBPyConnection,
    text: str,
    as_of: date | None = None,
    saved: Mapping[str, str] | None = None,
    smallest: int = 1,
) -> Audience:
    """Size, share, profile against the base, and overlaps with saved audiences.

    Args:
        con: a connection to the warehouse or the published file, which is only read.
        text: the expression.
        as_of: the month; the newest when None.
        saved: expressions of saved audiences by code.
        smallest: fewest customers that it may select, and that a sentence may count.

    Raises:
        TagError: when the expression may not be used, the month does not exist, or it selects
            fewer; the sentence then gives how many customers each condition selects.
    """
    columns = matrix_columns(con)
    expression = parse_audience(text, columns)
    month = as_of if as_of is not None else latest_month(con)
    others = {c: parse_audience(t, columns) for c, t in (saved or {}).items()}
    flags = "".join(
        f", coalesce(({other.sql}), false) AS {quote('in:' + code)}"
        for code, other in others.items()
    )
    for each in (expression, *others.values()):
        check_condition(con, each)
    everyone = everyone_of(con, month, expression, flags)
    base, size = everyone.row("count(*), count(*) FILTER (WHERE in_audience)")
    if not base:
        raise TagError(f"The portrait matrix has no row for {month}; choose a month that it has.")
    if size < smallest:
        few = "nobody" if smallest == 1 else f"fewer than {smallest} customers"
        raise TagError(
            f"The audience selects {few} in {month:%Y-%m}: "
            f"{_parts(everyone, expression, smallest)}."
        )
    return Audience(
        expression,
        month,
        size,
        base,
        _profile(everyone, columns, size, base),
        _overlaps(everyone, list(others), size),
    )


@dataclass(frozen=True)
class Everyone:
    """The month's portrait matrix, each row with its membership, as `everyone` in SQL."""

    con: duckdb.DuckDBPyConnection
    sql: str

    def select(self, sql: str) -> duckdb.DuckDBPyRelation:
        """The result of a SELECT from `everyone`."""
        # Each part reads a column or two, so the matrix is not copied for all of them.
        return self.con.sql(f"WITH everyone AS NOT MATERIALIZED ({self.sql}) {sql}")

    def row(self, counts: str) -> tuple[int, ...]:
        """The counts over all customers of the month."""
        row: tuple[int, ...] = self.select(f"SELECT {counts} FROM everyone").fetchall()[0]
        return row


def everyone_of(
    con: duckdb.DuckDBPyConnection, month: date, expression: Expression, flags: str = ""
) -> Everyone:
    """The matrix of the month that ends on that day, with `in_audience` and further columns."""
    return Everyone(
        con,
        f"SELECT *, coalesce(({expression.sql}), false) AS in_audience{flags} "
        f"FROM {MATRIX} WHERE {profiled(con, month)}",
    )


def _parts(everyone: Everyone, expression: Expression, smallest: int) -> str:
    """How many customers each condition selects alone, which shows the strictest one."""
    tree = expression.tree
    parts = list(tree.flatten()) if isinstance(tree, exp.And) else [tree]
    texts = [part.sql(dialect="duckdb") for part in parts]
    if len(texts) == 1:
        return f"loosen it, or list the values with `{command('tags', 'list')}`"
    counts = ", ".join(f"count(*) FILTER (WHERE {text})" for text in texts)
    alone = "; ".join(
        f"{text.replace(chr(34), '')} alone selects {_counted(count, smallest)}"
        for text, count in zip(texts, everyone.row(counts), strict=True)
    )
    return f"{alone}; loosen the strictest, or join with OR"


def _counted(count: int, smallest: int) -> str:
    """The count, of which only a source that shows groups of any size tells more than the bound."""
    if smallest == 1:
        return f"{count:,}"
    return f"fewer than {smallest}" if count < smallest else f"{smallest} or more"


def _profile(
    everyone: Everyone, columns: Mapping[str, Column], size: int, base: int
) -> pl.DataFrame:
    """Shares, TGI (100 x share in the audience / share in the base) and their significance.

    Two-sided test of two proportions, audience against everyone else; q-values after Benjamini
    and Hochberg (1995) over the whole profile.
    """
    counted = count_cells(everyone, columns)
    if counted.is_empty():
        return pl.DataFrame(schema=PROFILE_SCHEMA)
    inside, all_of_them = counted["audience"].to_numpy(), counted["base"].to_numpy()
    p_values = two_proportions(inside, size, all_of_them - inside, base - size)
    shown = counted.with_columns(
        audience_share=(pl.col("audience") / size).round(6),
        base_share=(pl.col("base") / base).round(6),
        tgi=(100 * pl.col("audience") / size / (pl.col("base") / base)).round(1),
        p_value=pl.Series(p_values, nan_to_null=True),
    )
    shown = shown.with_columns(q_value=false_discovery_rate(pl.col("p_value")))
    # Sorted by difference, because the p-values of a large audience underflow to 0.
    order = (pl.col("audience_share") - pl.col("base_share")).abs()
    return (
        shown.sort(order, "tag_code", "tag_value", descending=[True, False, False])
        .select(PROFILE_SCHEMA.names())
        .cast(PROFILE_SCHEMA)
    )


def count_cells(
    everyone: Everyone, columns: Mapping[str, Column], counts: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Customers by `tag_code` and `tag_value`: `audience`, `base`, and further counts.

    Args:
        everyone: the month's matrix.
        columns: those of the matrix, by name.
        counts: conditions over the columns of `everyone`, by the name of their count.
    """
    counts = {"audience": "in_audience", "base": "true", **(counts or {})}
    counted = ", ".join(
        f"count(*) FILTER (WHERE {condition}) AS {quote(name)}"
        for name, condition in counts.items()
    )
    selects = []
    for column in columns.values():
        if column.name in _HIDDEN or not is_enumerable(column):
            continue
        value, source = quote(column.name), "everyone"
        if column.type is Type.TEXTS:
            name = quote("value of " + column.name)
            source, value = f"(SELECT *, unnest({value}) AS {name} FROM everyone)", name
        selects.append(
            f"SELECT {literal(column.name)} AS tag_code, CAST({value} AS VARCHAR) AS tag_value, "
            f"{counted} FROM {source} WHERE {value} IS NOT NULL GROUP BY ALL"
        )
    if not selects:
        names = ("tag_code", "tag_value")
        return pl.DataFrame(
            schema={n: pl.String() for n in names} | {n: pl.Int64() for n in counts}
        )
    cells: pl.DataFrame = everyone.select(" UNION ALL ".join(selects)).pl()
    return cells


def is_enumerable(column: Column) -> bool:
    """Whether the column's values are few and known, so that a profile counts them."""
    if column.type is Type.BOOLEAN or column.name.startswith("segment_name_en"):
        return True
    return column.type in (Type.TEXT, Type.TEXTS) and column.allowed is not None


def _overlaps(everyone: Everyone, codes: Sequence[str], size: int) -> pl.DataFrame:
    rows = []
    for code in codes:
        flag = quote("in:" + code)
        other, both = everyone.row(
            f"count(*) FILTER (WHERE {flag}), count(*) FILTER (WHERE {flag} AND in_audience)"
        )
        rows.append(
            {
                "audience_code": code,
                "size": other,
                "both": both,
                "share_of_audience": round(both / size, 6),
                "share_of_saved": round(both / other, 6) if other else None,
                "jaccard": round(both / (size + other - both), 6),
            }
        )
    return pl.DataFrame(rows, schema=OVERLAP_SCHEMA).sort("jaccard", descending=True)


def members(con: duckdb.DuckDBPyConnection, audience: Audience) -> pl.Series:
    """The customers of the audience, as the matrix has them."""
    rows: pl.DataFrame = con.sql(f"SELECT customer_id FROM {rows_of(con, audience)}").pl()
    return rows["customer_id"]


def rows_of(con: duckdb.DuckDBPyConnection, audience: Audience) -> str:
    """The relation of the audience's rows of the matrix."""
    return (
        f"(SELECT * FROM {MATRIX} WHERE {profiled(con, audience.as_of)} "
        f"AND ({audience.expression.sql}))"
    )
