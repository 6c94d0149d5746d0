"""What is known of customers and of prospects alike, and no identifier of either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from portrait_assets.app.lookalike.errors import LookalikeError
from portrait_assets.core.errors import suggestion
from portrait_assets.methods.personal_data.rules import full_years
from portrait_assets.stages.raw.tables.persons import KNOWN_OF_PROSPECTS, PROSPECTS

AGE = "age"
CATEGORIES = tuple(
    c.name for c in PROSPECTS.columns if c.is_category and c.name in KNOWN_OF_PROSPECTS
)
ATTRIBUTES = (AGE, *CATEGORIES)
"""Age, and the categories that prospects have in common with customers."""


@dataclass(frozen=True)
class Shared:
    """The attributes that are learned from, and those that are not known of either side."""

    names: tuple[str, ...]
    not_of_customers: tuple[str, ...]
    not_of_prospects: tuple[str, ...]


def attributes(records: pl.DataFrame, on: date) -> pl.DataFrame:
    """The attributes of records as of a day, a row each; age from the day of birth where known.

    Args:
        records: with the columns of `KNOWN_OF_PROSPECTS`, typed.
        on: the day.
    """
    day = pl.lit(on)
    since = full_years(pl.col("recorded_on"), day).clip(lower_bound=0).fill_null(0)
    age = pl.coalesce(full_years(pl.col("birth_date"), day), pl.col(AGE) + since)
    return records.select(
        age.clip(lower_bound=0).cast(pl.Int64).alias(AGE), *map(pl.col, CATEGORIES)
    )


def shared(
    customers: pl.DataFrame, prospects: pl.DataFrame, leave_out: Sequence[str] = ()
) -> Shared:
    """The attributes that both have values of, and for categories some the same.

    Args:
        customers: their `attributes`.
        prospects: theirs.
        leave_out: attributes that are not to be used.

    Raises:
        LookalikeError: when there is none, or one to be left out is no attribute.
    """
    for name in leave_out:
        if name not in ATTRIBUTES:
            raise LookalikeError(
                f"'{name}' is no attribute that prospects have in common with customers"
                f"{suggestion(name, ATTRIBUTES)}; leave out some of {', '.join(ATTRIBUTES)}."
            )
    usable = [name for name in ATTRIBUTES if name not in leave_out]
    known = {name: customers[name].null_count() < customers.height for name in usable}
    of_prospects = {name: prospects[name].null_count() < prospects.height for name in usable}
    both = [name for name in usable if known[name] and of_prospects[name]]
    alike = tuple(name for name in both if name == AGE or _have_a_value(name, customers, prospects))
    if not alike:
        raise LookalikeError(
            "Customers and prospects have no attribute in common with values on both sides "
            f"(looked at: {', '.join(usable) or 'none'}); provide them in customers.sql and "
            "prospects.sql, in the same words."
        )
    return Shared(
        alike,
        tuple(name for name in usable if not known[name]),
        tuple(name for name in usable if known[name] and name not in alike),
    )


def _have_a_value(name: str, customers: pl.DataFrame, prospects: pl.DataFrame) -> bool:
    words = customers[name].drop_nulls().unique()
    return bool(prospects[name].drop_nulls().is_in(words.implode()).any())
