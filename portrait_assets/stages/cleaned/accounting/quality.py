"""How good what was received is: five shares per table and month, as data offices state them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import polars as pl

from portrait_assets.methods.typing.rules import FREE_TEXT
from portrait_assets.schema.table import Severity
from portrait_assets.stages.cleaned.contract import QUALITY
from portrait_assets.stages.cleaned.rows.rules import cross_rule_names
from portrait_assets.stages.raw.amendments import CORRECTIONS_FILE
from portrait_assets.stages.raw.tables.canonical import Canonical

HadValues = Callable[[str, str], bool]
_COUNTS = {
    **dict.fromkeys(("month", "table_name", "column_name"), pl.String),
    **dict.fromkeys(("rows_kept", "rows_delivered", "in_time", "filled"), pl.Int64),
}


def counted(kept: pl.DataFrame, canonical: Canonical) -> pl.DataFrame:
    """Per month and column of kept rows: the rows, those of the month that they fell in, values.

    A correction stands in the month of its day, and its one value says nothing of how complete the
    source's own rows are.
    """
    names = [column.name for column in canonical.columns]
    is_own = pl.col("source_file") != CORRECTIONS_FILE
    in_time = (~is_own).sum()
    own = kept.filter(is_own)
    if any(own[name].count() for name in canonical.dating):
        day, first_day = pl.coalesce(canonical.dating), pl.first("month").str.to_date("%Y-%m")
        in_time = ((day >= first_day) & (day < first_day.dt.offset_by("1mo"))).sum()
    return (
        kept.group_by("month")
        .agg(
            pl.len().alias("rows_kept"),
            is_own.sum().alias("rows_delivered"),
            in_time.alias("in_time"),
            pl.col(names).filter(is_own).count(),
        )
        .unpivot(
            names,
            index=["month", "rows_kept", "rows_delivered", "in_time"],
            variable_name="column_name",
            value_name="filled",
        )
        .with_columns(pl.lit(canonical.name).alias("table_name"))
        .select(pl.col(name).cast(kind) for name, kind in _COUNTS.items())
    )


def _together(counts: Iterable[pl.DataFrame], had_values: HadValues) -> pl.DataFrame:
    """Per table and month; a column without a value so far is one the source does not have.

    So a month has the same shares whether it is materialized alone or with others.
    """
    whole = pl.concat([pl.DataFrame(schema=_COUNTS), *counts])
    by_column = whole.group_by("month", "table_name", "column_name").agg(pl.all().sum())
    so_far = pl.col("filled").cum_sum().over("table_name", "column_name", order_by="month")
    empty = by_column.filter(so_far == 0)
    named = empty.select("table_name", "column_name").unique()
    before = named.filter([had_values(table, column) for table, column in named.iter_rows()])
    missing = empty.join(before, on=named.columns, how="semi")
    counted_columns = pl.concat([by_column.filter(so_far > 0), missing])
    of = ("month", "table_name")
    values = counted_columns.group_by(of).agg(
        pl.col("rows_delivered").sum().alias("values"), pl.col("filled").sum()
    )
    rows = by_column.group_by(of).agg(pl.col("rows_kept", "in_time").first())
    return rows.join(values, on=of, how="left")


def quality(
    counts: Iterable[pl.DataFrame],
    rejects: pl.DataFrame,
    receipts: pl.DataFrame,
    had_values: HadValues = lambda table, column: False,
) -> pl.DataFrame:
    """The rows of cleaned.quality for these months.

    Args:
        counts: what `counted` gave, of all tables.
        rejects: cleaned.rejects of these months.
        receipts: raw.receipts of these months.
        had_values: whether a column of a cleaned table has a value in a month before these.
    """
    received = receipts.select("month", "table_name", "rows_received")
    kept = _together(counts, had_values)
    row = pl.struct("source_file", "source_row")
    is_across = pl.col("rule").is_in(list(cross_rule_names()))
    is_merged = pl.col("severity") == Severity.MERGED
    # A column that is held back is reported once, and is no fault of each of its rows.
    is_held = pl.col("rule") == FREE_TEXT
    broken = rejects.group_by("month", "table_name").agg(
        row.filter(~is_across & ~is_merged & ~is_held).n_unique().alias("invalid"),
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


def known_shares(quality: pl.DataFrame) -> Iterator[tuple[str, str, dict[str, float]]]:
    """By table and month the shares that are known, for the UI."""
    shares = ("completeness", "validity", "uniqueness", "timeliness", "consistency")
    for row in quality.iter_rows(named=True):
        if known := {name: row[name] for name in shares if row.get(name) is not None}:
            yield row["table_name"], row["month"], known
