"""What is in demand as it is published: shares, the year before, the season; no small cell."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.schema.table import MONEY_SCALE, POLARS_TYPES, Type
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT
from portrait_assets.stages.market.columns import ALL, DIGITS, EVERYONE, PRODUCT
from portrait_assets.stages.market.demand.contract import DEMAND, ITEM_MONTH, SEASON, TREND
from portrait_assets.stages.market.demand.series import (
    KEYS,
    MONTHS,
    Key,
    Series,
    seasons,
    series_of,
    trends,
)
from portrait_assets.stages.market.shown import or_one, shown
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Step, read, window

_ITEM = ["segment_id", *KEYS]
_TOTAL, _HOLDERS = "what the item is part of", "who bought or gave back"
NOW = read(ITEM_MONTH, THE_MONTH, "item_now")
YEAR_AGO = read(ITEM_MONTH, window(1, 12), "item_year_ago")
SIZES = Step(
    "segment_size",
    (read(CLUSTER_ASSIGNMENT, THE_MONTH),),
    f"SELECT coalesce(segment_id, {EVERYONE}) AS segment_id, count(*) AS size "
    "FROM cluster_assignment GROUP BY GROUPING SETS ((segment_id), ())",
    grain=Grain.ALL,
)
"""Customers by segment, and all of them."""


def history_step(smallest: int) -> Step:
    """The months of what all customers bought and held, of items that once had enough of them."""
    return Step(
        "item_history",
        (read(ITEM_MONTH, window(MONTHS), "items"),),
        f"SELECT month, {', '.join(KEYS)}, category, amount FROM items "
        f"WHERE segment_id = {EVERYONE} "
        f"QUALIFY max(customers) OVER (PARTITION BY {', '.join(KEYS)}) >= {smallest}",
        grain=Grain.ALL,
    )


def demand_steps(smallest: int) -> tuple[Step, ...]:
    """The steps of demand, seasons and trends.

    Args:
        smallest: fewest customers of what is published by itself.
    """

    def demand(
        scope: Scope,
        now: pl.DataFrame,
        year_ago: pl.DataFrame,
        history: pl.DataFrame,
        sizes: pl.DataFrame,
    ) -> pl.DataFrame:
        series = series_of(history, scope.month)
        return demand_rows(scope, with_vanished(now, history), year_ago, sizes, series, smallest)

    def season(scope: Scope, now: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
        return seasons(scope, _published(now, series_of(history, scope.month), enough))

    def trend(scope: Scope, now: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
        return trends(scope, _published(now, series_of(history, scope.month), enough))

    # What rests on it is not counted again, also of a public source.
    enough = max(smallest, SMALLEST_CELL)
    items = history_step(enough)
    return (
        Step(
            "demand",
            (NOW, YEAR_AGO, items, SIZES),
            compute=demand,
            grain=Grain.ALL,
            writes=DEMAND,
        ),
        Step("season", (NOW, items), compute=season, grain=Grain.ALL, writes=SEASON),
        Step("trend", (NOW, items), compute=trend, grain=Grain.ALL, writes=TREND),
    )


def with_vanished(now: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """The rows of the month, and one of nothing for what was bought or held in a year, and is not.

    Args:
        now: rows of `market.item_month`.
        history: those of all customers of several months.
    """
    newest = history.select(pl.col("month").unique().sort()).tail(12)
    before = history.filter(pl.col("item_kind") != PRODUCT).join(newest, on="month", how="semi")
    gone = (
        before.select(*KEYS, "category")
        .unique()
        .join(now, on=KEYS, how="anti")
        .sort(*KEYS)
        .with_columns(
            pl.lit(EVERYONE, pl.Int64).alias("segment_id"),
            pl.lit(0, pl.Int64).alias("customers"),
            pl.lit(0, pl.Int64).alias("lines"),
            pl.lit(0, pl.Int64).alias("without_amount"),
            pl.lit(0).cast(POLARS_TYPES[Type.MONEY]).alias("amount"),
        )
    )
    return pl.concat([now, gone], how="diagonal")


def demand_rows(
    scope: Scope,
    now: pl.DataFrame,
    year_ago: pl.DataFrame,
    sizes: pl.DataFrame,
    series: Mapping[Key, Series],
    smallest: int,
) -> pl.DataFrame:
    """The rows of `market.demand`.

    Args:
        scope: of the month.
        now: rows of `market.item_month` of the month.
        year_ago: those of a year before.
        sizes: `size` by `segment_id`.
        series: of all customers.
        smallest: fewest customers of what is published by itself.
    """
    # Of few then it would not be counted again where many have it now.
    before = year_ago.filter(pl.col("customers") >= max(smallest, SMALLEST_CELL)).select(
        *_ITEM, pl.col("amount").alias("amount_year_before")
    )
    takings = now.filter(pl.col("item_kind") == ALL).select(
        "segment_id", "measure", pl.col("amount").alias("takings")
    )
    amount, then = (pl.col(name).cast(pl.Float64) for name in ("amount", "amount_year_before"))
    whole = pl.col("takings").cast(pl.Float64)
    listed = (
        listed_items(now, smallest)
        .join(before, on=_ITEM, how="left")
        .join(sizes, on="segment_id", how="left")
        .join(takings, on=["segment_id", "measure"], how="left")
        .join(_seasonal(series), on=_ITEM, how="left")
    )
    return (
        listed.with_columns(
            pl.lit(scope.as_of).alias("as_of"),
            (pl.col("customers") / pl.col("size")).round(DIGITS).alias("reach"),
            pl.when(whole > 0).then((amount / whole).round(DIGITS)).alias("amount_share"),
            pl.when(then > 0).then((amount / then - 1).round(DIGITS)).alias("year_on_year"),
            pl.col("seasonal_index").round(DIGITS),
            (pl.col("amount") - pl.col("effect").round(MONEY_SCALE).cast(POLARS_TYPES[Type.MONEY]))
            .cast(POLARS_TYPES[Type.MONEY])
            .alias("adjusted_amount"),
        )
        .select(DEMAND.column_names)
        .sort(*_ITEM)
    )


def listed_items(now: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The rows that may be published: products add up to their category, and categories to all."""
    total = pl.when(pl.col("item_kind") == PRODUCT).then("category")
    rows = now.with_columns(
        total.fill_null("").alias(_TOTAL),
        or_one("customers", "lines", "without_amount").alias(_HOLDERS),
    )
    left = shown(rows, [_HOLDERS], smallest, ["measure", "item_kind", _TOTAL])
    return left.drop(_TOTAL, _HOLDERS)


def _seasonal(series: Mapping[Key, Series]) -> pl.DataFrame:
    """Index and effect of the newest month, of the items that surely have a season."""
    rows = [
        (EVERYONE, *key, index, (index - 1) * own.seasons.level)
        for key, own in series.items()
        if own.seasons and (index := own.index_of_last) is not None
    ]
    names = dict.fromkeys(KEYS, pl.String)
    schema = {"segment_id": pl.Int64, **names, "seasonal_index": pl.Float64, "effect": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _published(now: pl.DataFrame, series: Mapping[Key, Series], smallest: int) -> dict[Key, Series]:
    """The series of items that are listed of all customers, or that nobody has any more."""
    rows = listed_items(now, smallest)
    own = pl.col("segment_id") == EVERYONE
    hidden = now.filter(own).join(rows.filter(own), on=KEYS, how="anti")
    small = set(hidden.select(KEYS).iter_rows())
    return {key: each for key, each in series.items() if key not in small}
