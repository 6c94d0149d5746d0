"""How good what was received is: five shares per table and month, as data offices state them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import polars as pl

from portrait_assets.cleaned.contract import QUALITY
from portrait_assets.cleaned.rules import COUNTRY_RULES, CROSS_RULES
from portrait_assets.raw.contract import CANONICAL, Canonical
from portrait_assets.warehouse.contract import Severity, Table

_COUNTS = {"month": pl.String, "table_name": pl.String, "rows_kept": pl.Int64}
_COUNTS |= {"values": pl.Int64, "filled": pl.Int64, "in_time": pl.Int64}


def counted(kept: pl.DataFrame, canonical: Canonical) -> pl.DataFrame:
    """Per month of kept rows: values, those filled, and rows of the month that they fell in.

    A column that the whole frame leaves empty is one that the source does not have.
    """
    there = [
        c.name for c in canonical.columns if len(kept) and kept[c.name].null_count() < len(kept)
    ]
    in_time = pl.lit(None, dtype=pl.Int64)
    if canonical.dated_by in there:
        in_time = (pl.col(canonical.dated_by).dt.strftime("%Y-%m") == pl.col("month")).sum()
    return (
        kept.group_by("month")
        .agg(
            pl.len().cast(pl.Int64).alias("rows_kept"),
            pl.sum_horizontal(pl.lit(0), *(pl.col(name).count() for name in there)).alias("filled"),
            in_time.cast(pl.Int64).alias("in_time"),
        )
        .with_columns(
            pl.lit(canonical.name).alias("table_name"),
            (pl.col("rows_kept") * len(there)).alias("values"),
        )
        .select(pl.col(name).cast(kind) for name, kind in _COUNTS.items())
    )


def quality(
    counts: Iterable[pl.DataFrame],
    rejects: pl.DataFrame,
    made: Callable[[Table], dict[str, int]],
    months: list[str],
) -> pl.DataFrame:
    """The rows of cleaned.quality for these months.

    Args:
        counts: what `counted` gave, of all tables.
        rejects: cleaned.rejects of these months.
        made: rows by month that a table was made with.
        months: the months.
    """
    received = pl.DataFrame(
        [(month, c.name, made(c.raw_table())[month]) for c in CANONICAL for month in months],
        schema={"month": pl.String, "table_name": pl.String, "rows_received": pl.Int64},
        orient="row",
    )
    kept = pl.concat([pl.DataFrame(schema=_COUNTS), *counts])
    kept = kept.group_by("month", "table_name").agg(pl.all().sum())
    across = {
        rule.name for rule in (*CROSS_RULES, *(r for rs in COUNTRY_RULES.values() for r in rs))
    }
    row = pl.struct("source_file", "source_row")
    is_across = pl.col("rule").is_in(list(across))
    is_merged = pl.col("severity") == Severity.MERGED
    broken = rejects.group_by("month", "table_name").agg(
        row.filter(~is_across & ~is_merged).n_unique().alias("invalid"),
        row.filter(is_across).n_unique().alias("inconsistent"),
        row.filter(is_merged).n_unique().alias("merged"),
    )
    together = (
        received.join(kept, on=["month", "table_name"], how="left")
        .join(broken, on=["month", "table_name"], how="left")
        .with_columns(pl.col("rows_kept", "invalid", "inconsistent", "merged").fill_null(0))
    )
    everything = pl.col("rows_received")
    return together.select(
        "month",
        "table_name",
        "rows_received",
        pl.col("rows_kept").cast(pl.Int64),
        _share(pl.col("filled"), pl.col("values")).alias("completeness"),
        _share(everything - pl.col("invalid"), everything).alias("validity"),
        _share(everything - pl.col("merged"), everything).alias("uniqueness"),
        _share(pl.col("in_time"), pl.col("rows_kept")).alias("timeliness"),
        _share(everything - pl.col("inconsistent"), everything).alias("consistency"),
    ).select(QUALITY.column_names)


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    share = part.cast(pl.Float64) / whole.cast(pl.Float64)
    return pl.when(whole > 0).then(share.clip(0, 1).round(6))


def told_shares(quality: pl.DataFrame) -> Iterator[tuple[str, str, dict[str, float]]]:
    """By table and month the shares that are known, for the UI."""
    shares = ("completeness", "validity", "uniqueness", "timeliness", "consistency")
    for row in quality.iter_rows(named=True):
        if told := {name: row[name] for name in shares if row.get(name) is not None}:
            yield row["table_name"], row["month"], told
