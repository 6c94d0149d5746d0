"""Which prospects are customers already, have joined since, or are listed twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from portrait_assets.app.lookalike.stored import Stored
from portrait_assets.methods.linkage.matching import match
from portrait_assets.methods.linkage.model import LinkageSettings
from portrait_assets.stages.raw.definition import Identity

CUSTOMER, JOINED, TWICE = "customer", "joined", "twice"
NO_CUSTOMERS = {
    CUSTOMER: ("a customer when listed", "登记时已是客户"),
    JOINED: ("joined since", "登记后已成为客户"),
    TWICE: ("listed under another identifier too", "以另一编号重复登记"),
}
"""Why a prospect is set aside, in English and Chinese, by code."""
KEYS = (("full_name", "phone"), ("full_name", "email"), ("full_name", "birth_date", "postcode"))
"""What hardly two persons have in common, beside the keys that the source declares."""
THRESHOLD = 0.5
"""More probably one person than two: a prospect too many set aside costs less than a customer
approached as a stranger, who had to be sure for records to be joined."""


def matches(stored: Stored, identity: Identity | None) -> pl.DataFrame:
    """Which prospects are persons that are known.

    Args:
        stored: what is known of customers and prospects.
        identity: how the source finds records of one person.

    Returns:
        `prospect_id`, `aside` (a code of `NO_CUSTOMERS`), and for customers `joined_on`, null where
        it is not known; a row for each prospect that is set aside.
    """
    how = identity or Identity()
    settings = LinkageSettings(THRESHOLD, how.seed, how.max_pairs)
    described = stored.now.drop("recorded_on", "marketing_agreed_on")
    new = described.rename({"prospect_id": "id"})
    keys: Sequence[tuple[str, ...]] = (*how.keys, *KEYS)
    model = stored.model if how.probabilistic else None
    found = match(new, stored.records, keys, model, settings, is_trained=how.probabilistic)
    listed_on = stored.now.select("prospect_id", "recorded_on")
    both = found.rename({"id": "prospect_id"}).join(listed_on, on="prospect_id", how="left")
    since = pl.col("joined_on") > pl.col("recorded_on")
    return (
        both.join(stored.joined, on="matched", how="left")
        .with_columns(
            pl.when(~pl.col("is_known"))
            .then(pl.lit(TWICE))
            .when(since.fill_null(False))
            .then(pl.lit(JOINED))
            .otherwise(pl.lit(CUSTOMER))
            .alias("aside")
        )
        .select("prospect_id", "aside", pl.when("is_known").then("joined_on").alias("joined_on"))
        .sort("prospect_id")
    )


def became_customers(stored: Stored, found: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What became of the prospects that were known by a month and were no customers then.

    Args:
        stored: what is known.
        found: what `matches` gave.
        as_of: the last day of the month.

    Returns:
        `prospect_id` and `joined`, whether they joined after that day.
    """
    known = stored.then.select("prospect_id").join(found, on="prospect_id", how="left")
    after = (pl.col("joined_on") > as_of).fill_null(False)
    is_stranger = pl.col("aside").is_null()
    return known.filter(is_stranger | after).select("prospect_id", joined=after).sort("prospect_id")
