"""What happened to customers in closed windows, and what was known of them before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from portrait_assets.core.months import last_day, month_range
from portrait_assets.schema.table import Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX, PROFILING_ALLOWED, UNPROFILED
from portrait_assets.stages.identity.persons import ALIAS
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.targets.following import with_facts
from portrait_assets.stages.targets.windows import Lag, Window, base_months
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Step, read

REFUSED = ("gender", "marital_status")
"""Features that no model may use: sex and marriage."""
_NO_INPUT = (*REFUSED, "recorded_days", "observed_months", PROFILING_ALLOWED.name)
"""Those, and what grows with the calendar alone: no model has seen its next value."""
INPUTS = tuple(
    column.name
    for column in FEATURE_MATRIX.columns
    if not column.identifies
    and column.name not in (*_NO_INPUT, *FEATURE_MATRIX.private)
    and column.type is not Type.TEXTS
)
"""The features that models may use."""
_NUMBERS = (Type.MONEY, Type.QUANTITY, Type.SQUARE)
INPUT_TYPES: Mapping[str, pl.DataType] = {
    name: pl.Float64() if FEATURE_MATRIX.column(name).type in _NUMBERS else kind
    for name, kind in FEATURE_MATRIX.polars_schema.items()
    if name in INPUTS
}
"""By feature its type as models read it: amounts of money are numbers."""
LOT = "lot"
LOTS = 1_000_000
_MONTH_OF = "strftime(as_of, '%Y-%m')"
_BASE_MONTH = f"{_MONTH_OF} AS base_month"


def labels_step(asked: Sequence[Asked], month: str, lots: Mapping[str, int]) -> Step:
    """What happened in windows of one length that are over by the month.

    Args:
        asked: targets of one horizon that are not by kind, or one of one kind alone.
        month: what happened until its end is known.
        lots: by base month the lot below which its customers are drawn.

    Returns:
        A step with `base_month`, `customer_id` and, by the code of each target, whether it
        happened: null of whom it does not ask about. Who may not be profiled at the end of the
        window has no row.
    """
    (horizon,) = {each.horizon for each in asked}
    lags = [Window(base, horizon).before(month) for base in lots]
    everyone = dict.fromkeys(lots, LOTS)
    # What compares all customers of a window needs all of them.
    before, after = (
        (everyone, lots) if any(each.outcome.compared for each in asked) else (lots, everyone)
    )
    followed = with_facts(_customers(lags, before), [each.outcome for each in asked], lags)
    hits = ", ".join(
        f"CASE WHEN {each.outcome.eligible} THEN ({each.outcome.hit}) END AS {quote(each.code)}"
        for each in asked
    )
    return Step(
        "labels",
        (followed,),
        f"SELECT base_month, customer_id, {hits} FROM followed "
        f"WHERE {drawn(after)} ORDER BY base_month, customer_id",
        grain=Grain.ALL,
    )


def objecting_step() -> Step:
    """Who may not be profiled as of the step's month, under all identifiers: `customer_id`.

    Past rows stand under the identifier of their time, which may have been given up since.
    """
    return Step(
        "objecting",
        (read(UNPROFILED, THE_MONTH, "now"), ALIAS),
        "SELECT customer_id FROM now UNION SELECT alias_id FROM alias SEMI JOIN now "
        "USING (customer_id) ORDER BY customer_id",
        grain=Grain.ALL,
    )


def askable_step(asked: Asked) -> Step:
    """The customers of the step's month whom a target asks about, as far as that is known then.

    They allow what it is reported for.
    """
    lags = [Lag(-asked.horizon, asked.horizon)]
    condition = replace(asked.outcome, hit="true", amount=None, compared={})
    followed = with_facts(_customers(lags), [condition], lags)
    eligible = condition.eligible if asked.is_known_beforehand else "true"
    return Step(
        "askable",
        (followed,),
        f"SELECT customer_id FROM followed WHERE {eligible} ORDER BY customer_id",
        grain=Grain.ALL,
    )


def _customers(lags: Sequence[Lag], lots: Mapping[str, int] | None = None) -> Step:
    """The customers of the base months, or those of them that are drawn."""

    def sql(scope: Scope) -> str:
        days = literals(last_day(lag.of(scope.month).base_month) for lag in lags)
        return (
            f"SELECT {_BASE_MONTH}, customer_id FROM feature_matrix "
            f"WHERE as_of IN ({days}) AND {drawn(lots or {}, _MONTH_OF)}"
        )

    return Step("predicted_of", (read(FEATURE_MATRIX, base_months(lags)),), sql, in_table=False)


def features_step(month: str, lots: Mapping[str, int], columns: Sequence[str]) -> Step:
    """Features of customers of these months, amounts of money as numbers.

    Args:
        month: the step's own.
        lots: by month the lot below which its customers are drawn.
        columns: which features.

    Returns:
        A step with `base_month`, `customer_id`, `lot` and the columns, by month and customer.
    """
    lags = [Lag(0, len(month_range(base, month)) - 1) for base in lots]
    selected = [
        f"{quote(name)}::DOUBLE AS {quote(name)}"
        if FEATURE_MATRIX.column(name).type in _NUMBERS
        else quote(name)
        for name in columns
    ]
    days = literals(last_day(base) for base in lots)
    lot = f"CAST({_lot(_MONTH_OF)} AS UINTEGER) AS {LOT}"
    return Step(
        "features",
        (read(FEATURE_MATRIX, base_months(lags)),),
        f"SELECT {', '.join([_BASE_MONTH, 'customer_id', lot, *selected])} FROM feature_matrix "
        f"WHERE as_of IN ({days}) AND {drawn(lots, _MONTH_OF)} "
        "ORDER BY base_month, customer_id",
        grain=Grain.ALL,
    )


def drawn(lots: Mapping[str, int], month: str = "base_month") -> str:
    """SQL of whether a customer-month is drawn: its lot is below that of its month."""
    some = {base: below for base, below in lots.items() if below < LOTS}
    if not some:
        return "true"
    cases = "".join(f" WHEN {literal(base)} THEN {below}" for base, below in some.items())
    return f"{_lot(month)} < CASE {month}{cases} ELSE {LOTS} END"


def _lot(month: str) -> str:
    """SQL of the lot of a customer-month, of which `LOTS` are as likely.

    Not by DuckDB's own hash, which may differ between versions.
    """
    return f"md5_number_lower(concat(customer_id, ' ', {month})) % {LOTS}"
