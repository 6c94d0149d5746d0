"""Whether groups of customers are treated alike, by how often a value is given to each.

Demographic parity compares how often a value is given, equal opportunity how often it is given to
those to whom the outcome then happened: M. Hardt, E. Price, N. Srebro (2016), "Equality of
opportunity in supervised learning". A group differs where chance is ruled out by the false
discovery rate over all that is judged at once, and its rate and that of all others are not within
four fifths of each other: Uniform Guidelines on Employee Selection Procedures (1978), 29 CFR
1607.4 D. So what is certain and small is no difference, nor is what is large and uncertain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.disclosure.cells import are_hidden
from portrait_assets.methods.statistics.intervals import newcombe
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import two_proportions
from portrait_assets.stages.validation.backtests.buckets import OTHERS
from portrait_assets.stages.validation.contract import FAIRNESS, Measure, Parity

LEAST_JUDGED = 30
"""So many customers on each side are needed for a verdict."""
MOST_LEVELS = 20
"""Groups of an attribute that are shown, the largest ones; the others are counted together."""
FALSE_FINDS = 0.05
FOUR_FIFTHS = 0.8
COUNTED = pl.Schema(
    {
        "attribute": pl.String(),
        "level": pl.String(),
        "customers": pl.Int64(),
        "selected": pl.Int64(),
        "tag_code": pl.String(),
        "tag_value": pl.String(),
        "measure": pl.String(),
        "outcome": pl.String(),
        "is_descriptive": pl.Boolean(),
    }
)
"""What is counted of a value in a group: customers who could have it, and who do."""


def with_small_groups_together(counted: pl.DataFrame, within: Sequence[str]) -> pl.DataFrame:
    """The groups, small ones together, with the next smallest where they would follow from others.

    Args:
        counted: `level`, null where it is not known, `customers` and other counts, and `within`.
        within: the columns by which groups add up.
    """
    # In an order of their own, so that of equally small groups the same ones are put together.
    known = counted.drop_nulls("level").sort(*within, "level")
    rank = pl.col("customers").rank("ordinal", descending=True).over(within)
    few = are_hidden(known, "customers", SMALLEST_CELL, within, unsafe=rank > MOST_LEVELS)
    level = pl.when(pl.lit(few)).then(pl.lit(OTHERS)).otherwise(pl.col("level"))
    return known.with_columns(level.alias("level")).group_by(*within, "level").sum()


def judged(counted: pl.DataFrame) -> pl.DataFrame:
    """The counted rows, each with the customers and the selected of all other groups."""
    of = ("tag_code", "tag_value", "outcome", "attribute")
    return counted.with_columns(
        (pl.col("customers").sum().over(of) - pl.col("customers")).alias("rest_customers"),
        (pl.col("selected").sum().over(of) - pl.col("selected")).alias("rest_selected"),
    )


def with_verdicts(rows: pl.DataFrame, month: str) -> pl.DataFrame:
    """The rows of FAIRNESS of a month, from those that `judged` gives."""
    counts = ("selected", "customers", "rest_selected", "rest_customers")
    hits, sizes, other_hits, other_sizes = (rows[name].to_numpy() for name in counts)
    low, high = newcombe(hits, sizes, other_hits, other_sizes)
    is_enough = np.minimum(sizes, other_sizes) >= LEAST_JUDGED
    is_tested = is_enough & ~rows["is_descriptive"].to_numpy()
    p_values = np.full(rows.height, np.nan)
    p_values[is_tested] = two_proportions(
        *(each[is_tested] for each in (hits, sizes, other_hits, other_sizes))
    )
    rate = pl.col("selected") / pl.col("customers")
    rest = pl.col("rest_selected") / pl.col("rest_customers")
    found = rows.with_columns(
        rate.alias("rate"),
        rest.alias("rest_rate"),
        (rate - rest).alias("difference"),
        (rate / rest).alias("ratio"),
        pl.Series("low", low, dtype=pl.Float64),
        pl.Series("high", high, dtype=pl.Float64),
        pl.Series("p_value", p_values, dtype=pl.Float64).fill_nan(None),
        pl.Series("is_enough", is_enough, dtype=pl.Boolean),
    ).with_columns(q_value=false_discovery_rate(pl.col("p_value")))
    apart = pl.min_horizontal("rate", "rest_rate") < FOUR_FIFTHS * pl.max_horizontal(
        "rate", "rest_rate"
    )
    verdict = (
        pl.when(~pl.col("is_enough"))
        .then(pl.lit(str(Parity.TOO_FEW)))
        .when(pl.col("p_value").is_null())
        .then(pl.lit(str(Parity.NOT_JUDGED)))
        .when((pl.col("q_value") <= FALSE_FINDS) & apart)
        .then(pl.lit(str(Parity.DIFFERS)))
        .otherwise(pl.lit(str(Parity.PARITY)))
    )
    is_before = pl.col("measure") == str(Measure.TRUE_POSITIVE)
    predicted_on = (
        pl.when(is_before).then(last_day(next_month(month, -1))).otherwise(last_day(month))
    )
    return _without_small_cells(
        found.with_columns(
            verdict.alias("verdict"),
            predicted_on.alias("said_as_of"),
            pl.lit(last_day(month)).alias("as_of"),
        )
    )


def _without_small_cells(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of FAIRNESS; numbers of fewer than `SMALLEST_CELL` customers are null."""
    numbers = (
        *("customers", "selected", "rate", "rest_rate"),
        *("difference", "ratio", "low", "high"),
    )
    is_shown = pl.min_horizontal("customers", "rest_customers") >= SMALLEST_CELL
    shown = rows.with_columns(
        pl.when(is_shown).then(pl.col(name)).alias(name) for name in numbers
    ).with_columns(pl.col(pl.Float64).fill_nan(None).round(6))
    finite = pl.when(pl.col("ratio").is_finite()).then(pl.col("ratio")).alias("ratio")
    return (
        shown.with_columns(finite)
        .select(FAIRNESS.column_names)
        .cast(FAIRNESS.polars_schema)
        .sort(FAIRNESS.key)
    )
