"""Many tests at once: how many of those that stand out do so by chance."""

from __future__ import annotations

import polars as pl


def false_discovery_rate(p_value: pl.Expr) -> pl.Expr:
    """Adjusted p-values (q-values) of a family of tests; a null is no test and stays null.

    The step-up procedure of Y. Benjamini, Y. Hochberg (1995), "Controlling the false discovery
    rate". Use it `.over(...)` the columns that identify a family: SciPy's
    `false_discovery_control` takes one family at a time, and no nulls.
    """
    tests = p_value.is_not_null().sum()
    scaled = (p_value * tests / p_value.rank("max")).clip(upper_bound=1)
    falling = p_value.arg_sort(descending=True, nulls_last=True)
    return scaled.gather(falling).cum_min().gather(falling.arg_sort())
