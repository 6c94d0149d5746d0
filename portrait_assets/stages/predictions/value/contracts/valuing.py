"""The hazard of contracts by tenure, and the margin to expect of each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.methods.disclosure.holders import holders_of, names_in
from portrait_assets.methods.lifetime.contractual import (
    TenureHazard,
    contractual_value,
    tenure_hazard,
)
from portrait_assets.methods.lifetime.errors import LifetimeError

OLDER = 10_000
"""Months of tenure of contracts that are older than the data: the last hazard is theirs."""


def _number(name: str) -> pl.Expr:
    """A number of the months in a column, as YYYY-MM, that counts on from year to year."""
    parts = pl.col(name).str.split("-")
    year, month = (parts.list.get(place).cast(pl.Int64) for place in (0, 1))
    return year * 12 + month


def with_tenure(contracts: pl.DataFrame, since: str, until: str) -> pl.DataFrame:
    """Contracts with `tenure`, `ended` and whether they are `older` than the data.

    Args:
        contracts: rows of `contracts_step`.
        since: the first month with balances.
        until: the newest one by which contracts are known: what was not seen in it has ended.
    """
    return contracts.with_columns(
        tenure=_number("last") - _number("first"),
        ended=pl.col("last") < until,
        older=pl.col("first") == since,
    )


def of_enough(contracts: pl.DataFrame) -> pl.DataFrame:
    """The contracts of the categories that enough customers have had: others tell of few."""
    return contracts.filter(pl.col("customer_id").n_unique().over("category") >= SMALLEST_CELL)


def hazards(contracts: pl.DataFrame) -> dict[str, TenureHazard]:
    """The hazard by category; none of a category of which nothing was observed for a month.

    Each month's is of enough customers, that of the longest tenures too.

    Contracts that are older than the data count where no others were observed: how long they have
    lasted is not known.

    Args:
        contracts: rows of `with_tenure`.
    """
    found = {}
    for (category,), rows in contracts.group_by("category", maintain_order=True):
        younger = rows.filter(~pl.col("older"))
        for each in (younger, rows):
            at_risk = each.filter((pl.col("tenure") > 0) | pl.col("ended"))
            holders = holders_of(names_in(at_risk))
            if holders.are_few_of(at_risk.height):
                continue
            tenure = at_risk["tenure"].to_numpy().astype(np.int64)
            try:
                found[str(category)] = tenure_hazard(
                    *(np.zeros(len(tenure), dtype=np.int64), tenure, at_risk["ended"].to_numpy()),
                    least=holders.enough,
                )
            except LifetimeError:
                continue
            break
    return found


def expected(
    contracts: pl.DataFrame, by_category: Mapping[str, TenureHazard], months: int
) -> pl.DataFrame:
    """The contracts that have not ended, with `expected_margin` in the months ahead.

    Args:
        contracts: rows of `with_tenure`.
        by_category: hazards; contracts of other categories are left out.
        months: how many are ahead.
    """
    there = contracts.filter(~pl.col("ended"), pl.col("category").is_in(list(by_category)))
    valued = [there.clear().with_columns(expected_margin=pl.lit(None, pl.Float64))]
    for (category,), rows in there.group_by("category", maintain_order=True):
        tenure = rows.select(pl.when("older").then(OLDER).otherwise("tenure")).to_series()
        margin = contractual_value(
            by_category[str(category)],
            tenure.to_numpy().astype(np.int64),
            rows["balance"].to_numpy(),
            rows["margin_rate"].to_numpy(),
            months,
        )
        valued.append(rows.with_columns(expected_margin=pl.Series(margin)))
    return pl.concat(valued)
