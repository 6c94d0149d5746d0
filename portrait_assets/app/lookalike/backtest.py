"""What a score would have been worth: prospects of the seed's month, and who joined since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from portrait_assets.app.lookalike.attributes import attributes
from portrait_assets.app.lookalike.setting_aside import became_customers
from portrait_assets.app.lookalike.stored import Stored
from portrait_assets.methods.lookalike.lookalike import Lookalike
from portrait_assets.methods.statistics.discrimination.paired import auc_interval
from portrait_assets.methods.statistics.distributions.binning import TENTHS
from portrait_assets.methods.statistics.resampling import Interval

FEWEST = 10
"""Who joined, and who did not, from which an area says something."""


@dataclass(frozen=True)
class Backtest:
    """Prospects of the seed's month who were no customers then, and how many joined since.

    `auc` is how well the score orders them by that, and `lift` the share that joined of the tenth
    with the highest scores over that of all; both None where too few joined, or did not.
    """

    prospects: int
    joined: int
    auc: Interval | None
    lift: float | None


def backtest(
    stored: Stored, aside: pl.DataFrame, as_of: date, lookalike: Lookalike, names: Sequence[str]
) -> Backtest | None:
    """How the model's scores, by what was known of prospects then, order them by who joined.

    None where the seed's month is the newest, so that nobody can have joined since, or nobody was
    listed by then.

    Args:
        stored: what is known of customers and prospects.
        aside: what `setting_aside.matches` gave.
        as_of: the last day of the seed's month.
        lookalike: the model.
        names: the attributes that it reads.
    """
    fates = became_customers(stored, aside, as_of)
    if as_of >= stored.newest or fates.is_empty():
        return None
    known = pl.concat(
        [stored.then.select("prospect_id"), attributes(stored.then, as_of)], how="horizontal"
    )
    rows = fates.join(known, on="prospect_id", how="left", maintain_order="left")
    joined = rows["joined"].to_numpy()
    count = int(joined.sum())
    if min(count, len(joined) - count) < FEWEST:
        return Backtest(len(joined), count, None, None)
    margin = lookalike.model.margin(rows.select(names)).round(9)
    order = pl.DataFrame({"margin": -margin, "id": rows["prospect_id"], "joined": joined})
    top = order.sort("margin", "id").head(-(-len(joined) // TENTHS))["joined"]
    lift = (float(top.sum()) / len(top)) / (count / len(joined))
    return Backtest(len(joined), count, auc_interval(margin, joined), lift)
