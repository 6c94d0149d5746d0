"""Backtest of the UCI bank's data on its clients against their answer, month by month.

    python -m benchmarks.report_bank /path/to/bank-full.csv.gz

Each client is in the file once, on the day of the call, so that no tag of an earlier month can be
compared with the answer. What can be tested in time is whether the values with more
subscriptions in the months before are those with more in the month: the order of the values is
learned from earlier months only, and the baseline is the base rate. The length of the call is left
out.
"""

from __future__ import annotations

import hashlib
import sys
from functools import partial

import numpy as np
import polars as pl

from portrait_assets.methods.statistics import resampling
from portrait_assets.methods.statistics.discrimination import scores
from portrait_assets.methods.statistics.resampling import GROUPS

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
TESTED = ("job", "marital", "education", "housing", "loan", "contact", "balance_fifth", "age_band")
LEARNED_FROM = 3  # Months before the first that is tested.


def read(path: str) -> pl.DataFrame:
    """The clients with the month of their call, numbered from the first."""
    rows = pl.read_csv(path, separator=";").with_row_index("client")
    number = pl.col("month").replace_strict({name: i for i, name in enumerate(MONTHS)})
    return rows.with_columns(
        # The rows are in the order of dates: a lower month than the one above is of the next year.
        (number + 12 * (number.diff().fill_null(0) < 0).cum_sum()).alias("at"),
        (pl.col("y") == "yes").cast(pl.Int64).alias("hit"),
        (pl.col("age") // 10).cast(pl.String).alias("age_band"),
        pl.col("balance")
        .rank("max")
        .mul(5 / pl.len())
        .ceil()
        .cast(pl.String)
        .alias("balance_fifth"),
        pl.col("client")
        .map_elements(
            lambda i: int(hashlib.md5(str(i).encode()).hexdigest(), 16) % GROUPS, pl.Int64
        )
        .alias("grp"),
    )


def _group(client: int) -> int:
    return int(hashlib.md5(str(client).encode()).hexdigest(), 16) % GROUPS


def _rate(rates: dict[object, float], base: float, value: object) -> float:
    return rates.get(value, base)


def area_within_months(rows: pl.DataFrame, column: str) -> resampling.Interval:
    """Area under the curve among clients called in the same month, over all months tested.

    Months differ in how many subscribe, so that clients are compared with those of their own.
    """
    wins, pairs = np.zeros(resampling.DRAWS + 1), np.zeros(resampling.DRAWS + 1)
    for month in sorted(set(rows["at"]))[LEARNED_FROM:]:
        before, now = rows.filter(pl.col("at") < month), rows.filter(pl.col("at") == month)
        rates = dict(before.group_by(column).agg(pl.col("hit").mean()).iter_rows())
        base = before.select(pl.col("hit").mean()).item()
        order = sorted(set(now[column]), key=partial(_rate, rates, base))
        cells = np.zeros((2, GROUPS, len(order)))
        for group, value, hit in now.select("grp", column, "hit").iter_rows():
            cells[:, group, order.index(value)] += 1, hit
        counts = scores.resampled(cells)
        hits, everyone = counts.hits.sum(axis=1), counts.customers.sum(axis=1)
        compared = hits * (everyone - hits)
        wins += np.nan_to_num(scores.auc(counts)) * compared
        pairs += compared
    return resampling.interval(wins / pairs)


def main() -> None:
    rows = read(sys.argv[1])
    months = rows["at"].n_unique()
    print(f"{rows.height:,} clients, {rows['hit'].sum():,} subscribed, {months} months")
    for column in TESTED:
        area = area_within_months(rows, column)
        print(f"{column:14} AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f}), chance 0.500")


if __name__ == "__main__":
    main()
