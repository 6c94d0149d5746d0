"""Amounts of money in the one currency of the source: converted, or null where they cannot be."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from portrait_assets.methods.typing.rows import type_rows
from portrait_assets.methods.typing.rules import Conventions, Rule
from portrait_assets.schema.table import MONEY_SCALE, Column, Severity
from portrait_assets.stages.cleaned.contract import CLEANED, original
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.placing.currencies import currency_code
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.events import EXCHANGE_RATES
from portrait_assets.storage.duckdb.store import Warehouse

RATE = "exchange_rate"
NO_RATE = "no exchange rate"
_EXACT = pl.Decimal(38, 12)
_CODE, _DAY, _PLACE = "currency_code", "day_of_row", "place"

RATE_RULES: dict[str, tuple[Rule, ...]] = {
    canonical.name: tuple(
        Rule(
            *(column.name, NO_RATE, Severity.VALUE),
            pl.col(original(column).name).is_not_null() & pl.col(RATE).is_null(),
        )
        for column in canonical.in_row_currency
    )
    for canonical in CANONICAL
    if canonical.in_row_currency
} | {EXCHANGE_RATES.name: (Rule("rate", "not above zero", Severity.ROW, pl.col("rate") <= 0),)}
"""By table; an amount in another currency is null where no rate is known on its row's day."""


@dataclass(frozen=True)
class Conversion:
    """The currency that amounts are to be in, and what units of others are worth in it.

    `rates` has `currency_code`, `quoted_on` and `rate`; each holds from its day up to the next
    of its currency, so that later rates never change what a row was worth.
    """

    currency: str
    rates: pl.DataFrame

    def prepared(self, frame: pl.DataFrame, canonical: Canonical) -> pl.DataFrame:
        """The frame with what `converted` needs, where rows are in another currency.

        Args:
            frame: typed rows of the table.
            canonical: which table it is.

        Returns:
            The frame, and if any of its rows is in another currency also `exchange_rate` and the
            amounts as they are stated, both null for rows in the source's currency.
        """
        if not canonical.in_row_currency:
            return frame
        rows = frame.select(
            currency_code(pl.col("currency")).alias(_CODE),
            pl.col(canonical.dated_by).cast(pl.Date).alias(_DAY),
        ).with_row_index(_PLACE)
        home = pl.select(currency_code(pl.lit(self.currency))).item()
        foreign = rows.filter(pl.col(_CODE) != home)
        if foreign.is_empty():
            return frame
        rated = (
            foreign.drop_nulls(_DAY)
            .sort(_DAY)
            .join_asof(
                self.rates.sort("quoted_on", RATE),
                left_on=_DAY,
                right_on="quoted_on",
                by=_CODE,
                check_sortedness=False,
            )
            .select(_PLACE, RATE)
        )
        rates = rows.join(rated, on=_PLACE, how="left", maintain_order="left")[RATE]
        is_foreign = rows[_PLACE].is_in(foreign[_PLACE].implode())
        return frame.with_columns(
            rates,
            *(
                pl.when(is_foreign).then(pl.col(column.name)).alias(original(column).name)
                for column in canonical.in_row_currency
            ),
        )


def converted(frame: pl.DataFrame, canonical: Canonical) -> pl.DataFrame:
    """The frame with its amounts in the source's currency, and beside them as they were stated."""
    money = canonical.in_row_currency
    if RATE not in frame.columns:
        return frame.with_columns(
            pl.lit(None, dtype=column.polars_type).alias(original(column).name) for column in money
        )
    return frame.with_columns(_in_source_currency(column) for column in money)


def _in_source_currency(column: Column) -> pl.Expr:
    stated = pl.col(original(column).name)
    worth = (stated * pl.col(RATE)).round(MONEY_SCALE, "half_away_from_zero")
    return (
        pl.when(stated.is_null() | pl.col(column.name).is_null())
        .then(pl.col(column.name))
        .otherwise(worth.cast(column.polars_type, strict=False))
        .alias(column.name)
    )


def conversion(
    currency: str | None, raw_rates: pl.DataFrame, conventions: Conventions
) -> Conversion | None:
    """The conversion of a source; None for one that declares no currency, as it has one only.

    Args:
        currency: the currency that the source declares.
        raw_rates: the rows of raw.exchange_rates up to the month.
        conventions: the conventions of the source.
    """
    if currency is None:
        return None
    rows = type_rows(raw_rates, EXCHANGE_RATES, conventions, {})
    kept = rows.against(RATE_RULES[EXCHANGE_RATES.name]).without_duplicates().kept
    rates = kept.select(
        currency_code(pl.col("currency")).alias(_CODE),
        "quoted_on",
        # Decimal, so that half a cent is rounded as it reads.
        pl.col("rate").cast(_EXACT).alias(RATE),
    )
    return Conversion(currency, rates)


def stated_currency(warehouse: Warehouse) -> str | None:
    """The currency that the rows of a source state which declares none; None where they do not."""
    for canonical in CANONICAL:
        if canonical.in_row_currency:
            table = CLEANED[canonical.name].full_name
            stated = warehouse.select(
                f"SELECT currency FROM {table} WHERE trim(currency) <> '' LIMIT 1"
            )
            if len(stated):
                return str(stated.select(currency_code(pl.col("currency"))).item())
    return None
