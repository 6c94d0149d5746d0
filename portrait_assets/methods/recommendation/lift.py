"""How much more often a group takes an item than others do: TGI, lift with its interval, and which
of many stand out.
"""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.statistics.intervals import Z95
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.significance import two_proportions

FALSE_DISCOVERY = 0.05
"""Share of what stands out that does so by chance, at most, on average."""


def lifts(counts: pl.DataFrame, family: list[str]) -> pl.DataFrame:
    """The counts with what they say.

    Args:
        counts: one row per group and item: `customers` of the group with the item, `group_size`,
            `all_customers` with the item and `all_size`, the group's own included.
        family: the columns that name what is tested together.

    Returns:
        Those, with `tgi` (the group's rate over that of all, times 100), `lift` (the group's rate
        over that of all others; null where none of the others has it), `lift_low` and `lift_high`
        (95 %, by the logarithm of the ratio: D. Katz and others 1978, "Obtaining confidence
        intervals for the risk ratio in cohort studies", with half a customer added to each count),
        `p_value` (that both rates are equal, `significance.two_proportions`), `q_value`
        (Y. Benjamini, Y. Hochberg 1995, "Controlling the false discovery rate") and `stands_out`,
        of which at most FALSE_DISCOVERY do so by chance.
    """
    own, size = pl.col("customers"), pl.col("group_size")
    others, rest = pl.col("all_customers") - own, pl.col("all_size") - size
    rate, other_rate = own / size, others / rest
    overall = pl.col("all_customers") / pl.col("all_size")
    is_test = (size > 0) & (rest > 0) & (overall > 0) & (overall < 1)
    middle = ((own + 0.5) / (size + 0.5)).log() - ((others + 0.5) / (rest + 0.5)).log()
    variance = 1 / (own + 0.5) - 1 / (size + 0.5) + 1 / (others + 0.5) - 1 / (rest + 0.5)
    half = Z95 * variance.clip(lower_bound=0).sqrt()
    sides = counts.select(own, size, others.alias("others"), rest.alias("rest"))
    tests = two_proportions(*(sides[name].to_numpy() for name in sides.columns))
    found = counts.with_columns(
        pl.when(overall > 0).then(100 * rate / overall).alias("tgi"),
        pl.when((rest > 0) & (others > 0)).then(rate / other_rate).alias("lift"),
        pl.when(is_test).then((middle - half).exp()).alias("lift_low"),
        pl.when(is_test).then((middle + half).exp()).alias("lift_high"),
        pl.Series("p_value", tests).fill_nan(None),
    )
    tested = false_discovery_rate(pl.col("p_value"))
    found = found.with_columns((tested.over(family) if family else tested).alias("q_value"))
    return found.with_columns((pl.col("q_value") <= FALSE_DISCOVERY).alias("stands_out"))
