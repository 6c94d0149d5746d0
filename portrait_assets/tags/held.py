"""What is held of each tag in a month, counted and coded: what quality cards are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from portrait_assets.tags.distances import Codes
from portrait_assets.tags.expression import NUMERIC
from portrait_assets.tags.rules import day
from portrait_assets.tags.tag import Catalogue, Shape, Tag
from portrait_assets.warehouse.connection import quote

SAMPLE = 100_000
"""Customers whose values are looked at one by one; what is counted is counted over all."""
TOP_FIFTH, OTHERS = "top fifth", "others"


@dataclass(frozen=True)
class Held:
    """The tags of one month.

    `counts` are customers by tag and value, the most frequent first, several values of a customer
    joined into one; numbers are left out. `holders` are customers by tag, `age_months` the mean
    age of its values. `sample` has customer_id and a column per tag, of at most SAMPLE customers:
    everyone of a smaller base. `codes` are the values of the sample by tag as 0, 1, ... in the
    order of `values`, missing ones as -1; those of numbers say whether they are in the top fifth.
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


def count_held(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, as_of: date, sample: int = SAMPLE
) -> Held:
    """Count the tags of the month in tags.tag_rows and tags.portrait_matrix of the connection."""
    tags = catalogue.in_force(f"{as_of:%Y-%m}")
    customers: int = con.execute(
        f"SELECT count(*) FROM tags.portrait_matrix WHERE as_of = {day(as_of)}"
    ).fetchall()[0][0]
    by_number = {number: code for code, number in catalogue.numbers.items()}
    uncounted = [tag.code for tag in tags if is_number(tag) or tag.shape is Shape.MANY]
    without_values = ", ".join(str(catalogue.numbers[code]) for code in uncounted) or "0"
    rows = con.execute(
        "SELECT tag_no, value, sum(n), sum(n * age) FROM (SELECT tag_no, "
        f"CASE WHEN tag_no IN ({without_values}) THEN '' ELSE tag_value END AS value, "
        f"date_diff('month', decided_as_of, {day(as_of)}) AS age, count(*) AS n "
        f"FROM tags.tag_rows WHERE as_of = {day(as_of)} GROUP BY ALL) "
        "GROUP BY ALL ORDER BY tag_no, sum(n) DESC, value"
    ).fetchall()
    counts: dict[str, dict[str, int]] = {tag.code: {} for tag in tags if not is_number(tag)}
    held: dict[str, int] = dict.fromkeys((tag.code for tag in tags), 0)
    ages: dict[str, float] = {}
    for number, value, customers_of_value, age in rows:
        code = by_number[number]
        held[code] = held.get(code, 0) + int(customers_of_value)
        ages[code] = ages.get(code, 0.0) + float(age)
        if code in counts and code not in uncounted:
            counts[code][value] = int(customers_of_value)
    age_months = {code: age / held[code] for code, age in ages.items()}
    for tag in tags:
        if tag.shape is Shape.MANY:
            counts[tag.code] = _combinations(con, tag, as_of)
            held[tag.code] = sum(counts[tag.code].values())
    rows_of_sample = _sample(con, tags, as_of, customers, sample)
    codes, values = _coded(tags, rows_of_sample)
    return Held(customers, held, counts, age_months, rows_of_sample, codes, values)


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
    share = "" if customers <= size else f" AND hash(customer_id) % {-(-customers // size)} = 0"
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
    dense = text.select(pl.all().rank("dense").cast(pl.Int64).fill_null(0) - 1)
    firsts = text.select(pl.all().drop_nulls().unique().sort().implode())
    return (
        {name: dense[name].to_numpy() for name in names},
        {name: firsts[name][0].to_list() for name in names},
    )
