"""Whether what a tag said came true: the outcome of the month after, by value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.statistics.agreement import Codes
from portrait_assets.methods.statistics.intervals import wilson
from portrait_assets.stages.features.contract import CUSTOMER_MONTH
from portrait_assets.stages.tags.catalogue.tag import Tag
from portrait_assets.stages.tags.contract import OUTCOMES
from portrait_assets.stages.tags.quality.advice import Lift
from portrait_assets.stages.tags.quality.held import Held
from portrait_assets.storage.duckdb.connection import literal

_CAMPAIGNS = {"response", "campaign", "promotion", "contact_policy"}
Flags = npt.NDArray[np.bool_]
MIN_CUSTOMERS = 30  # Fewer with an outcome tell nothing of a value's lift.


def outcomes_sql(month: str) -> str:
    """The SELECT of what customers did in the month; who did nothing is not in it."""
    return (
        "SELECT customer_id, purchases > 0 AS purchased, "
        "CASE WHEN contacts > 0 THEN responses > 0 END AS responded "
        f"FROM {CUSTOMER_MONTH.full_name} WHERE month = {literal(month)}"
    )


def outcome_of(tag: Tag) -> str:
    """Which of OUTCOMES is to follow upon a tag: a response upon tags of campaigns."""
    return "responded" if _CAMPAIGNS & set(tag.category) else "purchased"


def telling_lifts(tags: Sequence[Tag], said: Held, outcomes: pl.DataFrame) -> dict[str, Lift]:
    """By tag the value whose lift is told from 1 the most; no entry where nothing can be told.

    Args:
        tags: the tags.
        said: what was held the month before.
        outcomes: customer_id with a column per outcome, as `outcomes_sql` gives them.
    """
    followed = said.sample.select("customer_id").join(
        outcomes, on="customer_id", how="left", maintain_order="left"
    )
    # Who is not there bought nothing; whether they would have responded is not known.
    followed = followed.with_columns(pl.col("purchased").fill_null(False))
    known = {name: followed[name].is_not_null().to_numpy() for name in OUTCOMES}
    happened = {name: followed[name].fill_null(False).to_numpy() for name in OUTCOMES}
    found = {}
    for tag in tags:
        name = outcome_of(tag)
        if tag.code in said.codes:
            lift = _telling_lift(
                name, said.codes[tag.code], said.values[tag.code], known[name], happened[name]
            )
            if lift is not None:
                found[tag.code] = lift
    return found


def _telling_lift(
    name: str, codes: Codes, values: Sequence[str], known: Flags, happened: Flags
) -> Lift | None:
    if not known.any() or happened[known].all() or not happened[known].any():
        return None
    base = float(happened[known].mean())
    held = known & (codes >= 0)
    sizes = np.bincount(codes[held], minlength=len(values))
    hits = np.bincount(codes[held & happened], minlength=len(values))
    enough = np.flatnonzero(sizes >= MIN_CUSTOMERS)
    sizes, hits = sizes[enough], hits[enough]
    rates = np.column_stack([hits / sizes, *wilson(hits, sizes)])
    lifts = [
        Lift(name, values[position], *lift)
        for position, lift in zip(enough.tolist(), (rates / base).tolist(), strict=True)
    ]
    return max(lifts, key=_telling, default=None)


def _telling(lift: Lift) -> tuple[float, float]:
    distance = max(lift.low - 1, 1 - lift.high)
    return (distance, abs(lift.lift - 1))
