"""Distribution of each tag in a month: the counts and coded values that quality cards measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import polars as pl

from portrait_assets.methods.expressions.expression import NUMERIC
from portrait_assets.methods.statistics.agreement import Codes
from portrait_assets.schema.table import POLARS_TYPES
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Shape, Tag
from portrait_assets.stages.tags.evaluation.rules import day
from portrait_assets.stages.tags.evaluation.tag_table import DECIDED, detail_name, details_of
from portrait_assets.storage.duckdb.connection import literal, quote

SAMPLE = 100_000
"""Customers whose single values are compared; counts are over all customers."""
TOP_FIFTH, OTHERS = "top fifth", "others"


@dataclass(frozen=True)
class TagDistributions:
    """How the values of each tag are distributed over the customers of one month.

    `counts` are customers by tag and value, the most frequent first, several values of a customer
    joined into one; numbers are left out. `holders` are customers by tag, `age_months` the mean
    age of its values. `sample` has customer_id and a column per tag, of at most SAMPLE customers:
    all of a smaller base. `codes` are the values of the sample by tag as 0, 1, ... in the order of
    `values`, missing ones as -1; numbers are coded as in the top fifth or not.
    """

    customers: int
    holders: Mapping[str, int]
    counts: Mapping[str, Mapping[str, int]]
    age_months: Mapping[str, float]
    sample: pl.DataFrame
    codes: Mapping[str, Codes]
    values: Mapping[str, Sequence[str]]


def is_number(tag: Tag) -> bool:
    """Whether the tag's values are numbers, which are binned and not counted one by one."""
    return tag.shape is Shape.OPEN and tag.type in NUMERIC


def tag_distributions(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, as_of: date, sample: int = SAMPLE
) -> TagDistributions:
    """The distributions of the month, from tags.portrait_matrix and tags.tag_details."""
    tags = catalogue.active(f"{as_of:%Y-%m}")
    customers, holders = _holders(con, tags, as_of)
    # Most tags need what a small source does not give, and then nobody has a value of them.
    with_value = [tag for tag in tags if holders[tag.code]]
    counts: dict[str, dict[str, int]] = {tag.code: {} for tag in tags if not is_number(tag)}
    counted = [tag for tag in with_value if not is_number(tag) and tag.shape is not Shape.MANY]
    counts |= _counts(con, counted, as_of)
    for tag in with_value:
        if tag.shape is Shape.MANY:
            counts[tag.code] = _combinations(con, tag, as_of)
    ages = {code: 0.0 for code, count in holders.items() if count}
    ages |= _ages(con, catalogue, tags, as_of)
    sampled = _sample(con, with_value, as_of, customers, sample)
    codes, values = _coded(with_value, sampled)
    without_value = [tag for tag in tags if not holders[tag.code]]
    sampled = sampled.with_columns(
        pl.lit(None, _sampled_type(t)).alias(t.code) for t in without_value
    )
    codes |= {tag.code: np.full(sampled.height, -1) for tag in without_value}
    values |= {tag.code: [] for tag in without_value}
    return TagDistributions(customers, holders, counts, ages, sampled, codes, values)


def _sampled_type(tag: Tag) -> pl.DataType:
    return pl.String() if tag.shape is Shape.MANY else POLARS_TYPES[tag.type]


def _holders(
    con: duckdb.DuckDBPyConnection, tags: Sequence[Tag], as_of: date
) -> tuple[int, dict[str, int]]:
    """All customers, and those who hold each tag."""
    counts = "".join(
        f", count(*) FILTER (len({quote(tag.code)}) > 0)"
        if tag.shape is Shape.MANY
        else f", count({quote(tag.code)})"
        for tag in tags
    )
    customers, *holders = con.execute(
        f"SELECT count(*){counts} FROM tags.portrait_matrix WHERE as_of = {day(as_of)}"
    ).fetchall()[0]
    return customers, dict(zip((tag.code for tag in tags), holders, strict=True))


def _counts(
    con: duckdb.DuckDBPyConnection, tags: Sequence[Tag], as_of: date
) -> dict[str, dict[str, int]]:
    """Customers by tag and value, the most frequent first; grouped a column at a time."""
    counts: dict[str, dict[str, int]] = {tag.code: {} for tag in tags}
    selects = [
        f"SELECT {literal(tag.code)} AS code, CAST({quote(tag.code)} AS VARCHAR) AS value, "
        f"count(*) AS n FROM tags.portrait_matrix WHERE as_of = {day(as_of)} "
        f"AND {quote(tag.code)} IS NOT NULL GROUP BY value"
        for tag in tags
    ]
    if selects:
        sql = f"FROM ({' UNION ALL '.join(selects)}) ORDER BY code, n DESC, value"
        for code, value, n in con.execute(sql).fetchall():
            counts[code][value] = n
    return counts


def _ages(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, tags: Sequence[Tag], as_of: date
) -> dict[str, float]:
    """Mean age in months of the values of tags that may be kept, where a customer holds one."""
    details = details_of(catalogue)
    codes = [tag.code for tag in tags if DECIDED in details[tag.code]]
    if not codes:
        return {}
    decided = (quote(detail_name(code, DECIDED)) for code in codes)
    means = ", ".join(f"avg(date_diff('month', {name}, as_of))" for name in decided)
    row = con.execute(
        f"SELECT {means} FROM tags.tag_details WHERE as_of = {day(as_of)}"
    ).fetchall()[0]
    return {code: mean for code, mean in zip(codes, row, strict=True) if mean is not None}


def _combinations(con: duckdb.DuckDBPyConnection, tag: Tag, as_of: date) -> dict[str, int]:
    name = quote(tag.code)
    rows = con.execute(
        f"SELECT array_to_string({name}, ' + ') AS value, count(*) FROM tags.portrait_matrix "
        f"WHERE as_of = {day(as_of)} AND len({name}) > 0 GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    return dict(rows)


def _sample(
    con: duckdb.DuckDBPyConnection,
    tags: Sequence[Tag],
    as_of: date,
    customers: int,
    size: int,
) -> pl.DataFrame:
    """The same customers each month, by a hash of their id; several values joined into one."""
    columns = ["customer_id"]
    for tag in tags:
        name = quote(tag.code)
        joined = f"nullif(array_to_string({name}, ' + '), '') AS {name}"
        columns.append(joined if tag.shape is Shape.MANY else name)
    # Not DuckDB's own hash, which may differ between versions.
    drawn = f" AND md5_number_lower(customer_id) % {-(-customers // size)} = 0"
    share = "" if customers <= size else drawn
    frame: pl.DataFrame = con.sql(
        f"SELECT {', '.join(columns)} FROM tags.portrait_matrix "
        f"WHERE as_of = {day(as_of)}{share} ORDER BY customer_id"
    ).pl()
    return frame


def _coded(
    tags: Sequence[Tag], sample: pl.DataFrame
) -> tuple[dict[str, Codes], dict[str, Sequence[str]]]:
    fifths = {
        tag.code: (pl.col(tag.code) >= pl.col(tag.code).quantile(0.8)).replace_strict(
            {True: TOP_FIFTH, False: OTHERS}, return_dtype=pl.String
        )
        for tag in tags
        if is_number(tag)
    }
    names = [tag.code for tag in tags]
    text = sample.select(
        fifths.get(name, pl.col(name).cast(pl.String)).alias(name) for name in names
    )
    firsts = text.select(pl.all().drop_nulls().unique().sort().implode())
    values = {name: firsts[name][0].to_list() for name in names}
    codes = text.select(
        pl.col(name).cast(pl.Enum(values[name])).to_physical().cast(pl.Int64).fill_null(-1)
        for name in names
    )
    return {name: codes[name].to_numpy() for name in names}, values
