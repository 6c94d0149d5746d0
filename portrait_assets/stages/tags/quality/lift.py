"""Whether a tag predicted what followed: the outcome of the month after, by value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics.agreement import Codes
from portrait_assets.methods.statistics.intervals import exact
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, UNPROFILED
from portrait_assets.stages.tags.catalogue.tag import Tag
from portrait_assets.stages.tags.contract import OUTCOMES
from portrait_assets.stages.tags.quality.advice import Lift
from portrait_assets.stages.tags.quality.distributions import TagDistributions
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.storage.duckdb.connection import literal

_PURCHASE, _RESPONSE = outcome("purchase"), outcome("response")
_CAMPAIGNS = {"response", "campaign", "promotion", "contact_policy"}
Flags = npt.NDArray[np.bool_]
MIN_CUSTOMERS = 30  # With fewer known outcomes a value has no usable lift.


def outcomes_sql(month: str) -> str:
    """The SELECT of what customers did in the month, without those who did nothing.

    It is null of who may not be profiled as of the month: no prediction is judged by it.
    """
    return (
        f"SELECT customer_id, CASE WHEN because IS NULL THEN {_PURCHASE.hit} END AS purchased, "
        f"CASE WHEN because IS NULL AND {_RESPONSE.eligible} THEN {_RESPONSE.hit} END AS responded "
        f"FROM (FROM {CUSTOMER_MONTH.full_name} WHERE month = {literal(month)}) FULL JOIN "
        f"(FROM {UNPROFILED.full_name} WHERE as_of = {literal(last_day(month))}) "
        "USING (customer_id)"
    )


def outcome_of(tag: Tag) -> str:
    """Which of OUTCOMES measures the tag's lift: a response for tags of campaigns."""
    return "responded" if _CAMPAIGNS & set(tag.category) else "purchased"


def most_significant_lifts(
    tags: Sequence[Tag], before: TagDistributions, outcomes: pl.DataFrame
) -> dict[str, Lift]:
    """By tag the lift whose interval lies farthest from 1; no entry where none can be measured.

    Args:
        tags: the tags.
        before: the distributions of the month before.
        outcomes: customer_id with a column per outcome, as `outcomes_sql` gives them.
    """
    followed = before.sample.select("customer_id").join(
        outcomes.with_columns(has_row=True), on="customer_id", how="left", maintain_order="left"
    )
    # A customer without a row bought nothing; whether they would have responded is unknown.
    followed = followed.with_columns(pl.when("has_row").then("purchased").otherwise(False))
    known = {name: followed[name].is_not_null().to_numpy() for name in OUTCOMES}
    happened = {name: followed[name].fill_null(False).to_numpy() for name in OUTCOMES}
    lifts = {}
    for tag in tags:
        name = outcome_of(tag)
        if tag.code in before.codes:
            lift = _most_significant_lift(
                name, before.codes[tag.code], before.values[tag.code], known[name], happened[name]
            )
            if lift is not None:
                lifts[tag.code] = lift
    return lifts


def _most_significant_lift(
    name: str, codes: Codes, values: Sequence[str], known: Flags, happened: Flags
) -> Lift | None:
    if not known.any() or happened[known].all() or not happened[known].any():
        return None
    base = float(happened[known].mean())
    measured = known & (codes >= 0)
    sizes = np.bincount(codes[measured], minlength=len(values))
    hits = np.bincount(codes[measured & happened], minlength=len(values))
    enough = np.flatnonzero(sizes >= MIN_CUSTOMERS)
    sizes, hits = sizes[enough], hits[enough]
    # The value is picked among all of them, so that each interval has to hold for any.
    rates = np.column_stack([hits / sizes, *exact(hits, sizes, len(sizes))])
    lifts = [
        Lift(name, values[position], *lift)
        for position, lift in zip(enough.tolist(), (rates / base).tolist(), strict=True)
    ]
    return max(lifts, key=_significance, default=None)


def _significance(lift: Lift) -> tuple[float, float]:
    distance = max(lift.low - 1, 1 - lift.high)
    return (distance, abs(lift.lift - 1))
