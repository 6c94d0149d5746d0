"""The pictures of a month's predictions by name, drawn by what is only imported where it draws."""

from __future__ import annotations

import polars as pl

from portrait_assets.core.months import last_day


def of_month(rows: pl.DataFrame, month: str) -> pl.DataFrame:
    """The rows of one month."""
    return rows.filter(pl.col("as_of") == last_day(month))


def drawn_backtests(tests: pl.DataFrame, tenths: pl.DataFrame) -> dict[str, bytes]:
    """As `plots.of_backtests`."""
    from portrait_assets.stages.predictions.pictures import plots

    return plots.of_backtests(tests, tenths)


def drawn_cards(curve: pl.DataFrame) -> dict[str, bytes]:
    """As `plots.of_cards`."""
    from portrait_assets.stages.predictions.pictures import plots

    return plots.of_cards(curve)


def drawn_values(methods: pl.DataFrame) -> dict[str, bytes]:
    """As `plots.of_values`."""
    from portrait_assets.stages.predictions.pictures import plots

    return plots.of_values(methods)
