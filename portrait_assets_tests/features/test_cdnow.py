"""Recency and frequency of CDNOW agree with the summary that the package lifetimes ships.

The summary counts days in weeks up to 1997-09-30.
"""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.testing.worlds import cdnow
from portrait_assets.testing.worlds.features import World

pytestmark = pytest.mark.skipif(
    cdnow.folder() is None, reason="the package lifetimes is not installed"
)
LAST = "1997-09"


def test_recency_frequency_and_age_are_those_of_the_summary():
    until = cdnow.sample().filter(pl.col("occurred_at") < pl.date(1997, 10, 1))
    world = World(
        LAST,
        first="1997-01",
        transactions=until.cast({"occurred_at": pl.Datetime}).to_dicts(),
    )
    ours = (
        world.matrix(LAST)
        .join(cdnow.sample_ids(), on="customer_id")
        .select(
            "ID",
            frequency=pl.col("purchase_days_12m") - 1,
            recency=((pl.col("tenure_days") - pl.col("recency_days")) / 7).round(2),
            T=(pl.col("tenure_days") / 7).round(2),
        )
        .sort("ID")
    )
    theirs = cdnow.sample_summary()
    assert ours.height == theirs.height == 2357
    assert ours["frequency"].to_list() == theirs["frequency"].to_list()
    for column in ("recency", "T"):
        assert ours[column].to_list() == pytest.approx(theirs[column].to_list(), abs=0.006)
