"""Codes of currencies, and which of them the rows of a source are in."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from portrait_assets.core.errors import SourceError
from portrait_assets.core.source_folder import DEFINITION_FILE
from portrait_assets.stages.raw.placing.months import Placing
from portrait_assets.stages.raw.source import Source
from portrait_assets.stages.raw.tables.canonical import CURRENCY
from portrait_assets.stages.raw.tables.events import EXCHANGE_RATES

_USUAL_NAMES = {"RMB": "CNY", "人民币": "CNY"}


def currency_code(text: pl.Expr) -> pl.Expr:
    """The ISO 4217 code that a text stands for, in capitals; null where it is blank."""
    code = text.cast(pl.String).str.strip_chars().str.to_uppercase()
    return pl.when(code != "").then(code.replace(_USUAL_NAMES))


def check_currencies(source: Source, placed: Mapping[str, Placing]) -> None:
    """Check that a source which declares no currency has amounts in one only.

    Raises:
        SourceError: when rows are in several currencies.
    """
    if source.definition.currency is not None:
        return
    tables = [placing for placing in placed.values() if placing.canonical.in_row_currency]
    found = sorted({code for placing in tables for code in _codes(placing)})
    if len(found) > 1:
        raise SourceError(
            f"{source.name}/{DEFINITION_FILE}: amounts are in {', '.join(found)} and no "
            f"currency is declared; write the one that all are to be in, such as "
            f"currency: {found[0]}, and give the rates of the others in {EXCHANGE_RATES.name}.sql."
        )


def _codes(placing: Placing) -> set[str]:
    received = pl.Series(placing.values_of(CURRENCY.name), dtype=pl.String)
    return set(received.to_frame("code").select(currency_code(pl.col("code"))).to_series()) - {None}
