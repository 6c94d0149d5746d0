"""What happened to customers in closed windows, and what was known of them before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from portrait_assets.core.months import last_day, month_range
from portrait_assets.schema.table import Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX, PROFILING_ALLOWED, UNPROFILED
from portrait_assets.stages.identity.persons import ALIAS
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.targets.following import with_facts
from portrait_assets.stages.targets.windows import Lag, Window, base_months
from portrait_assets.storage.duckdb.connection import literals, quote
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Step, read

REFUSED = ("gender", "marital_status")
"""Features that no model may use: sex and marriage."""
_NO_INPUT = (*REFUSED, "observed_months", PROFILING_ALLOWED.name)
"""Those, and what grows with the calendar alone: no model has seen its next value."""
INPUTS = tuple(
    column.name
    for column in FEATURE_MATRIX.columns
    if not column.identifies
    and column.name not in (*_NO_INPUT, *FEATURE_MATRIX.private)
    and column.type is not Type.TEXTS
)
"""The features that models may use."""
_DRAWN = 1_000_000
_MONTH_OF = "strftime(as_of, '%Y-%m')"
_BASE_MONTH = f"{_MONTH_OF} AS base_month"


def labels_step(asked: Sequence[Asked], month: str, bases: Sequence[str], share: float) -> Step:
    """What is known by the month of windows of one length that are over.

    Args:
        asked: targets of one horizon that are not by kind, or one of one kind alone.
        month: what happened until its end is known.
        bases: the base months.
        share: the part of the customer-months that is drawn, by a hash of both.

    Returns:
        A step with `base_month`, `customer_id` and, by the code of each target, whether it
        happened: null of whom it does not ask about. Who may not be profiled at the end of the
        window, or of the month, has no row.
    """
    (horizon,) = {each.horizon for each in asked}
    lags = [Window(base, horizon).before(month) for base in bases]
    # What compares all customers of a window needs all of them.
    before, after = (1.0, share) if any(each.outcome.compared for each in asked) else (share, 1.0)
    followed = with_facts(_customers(lags, before), [each.outcome for each in asked], lags)
    hits = ", ".join(
        f"CASE WHEN {each.outcome.eligible} THEN ({each.outcome.hit}) END AS {quote(each.code)}"
        for each in asked
    )
    return Step(
        "labels",
        (followed, read(UNPROFILED, THE_MONTH, "now"), ALIAS),
        # Past rows stand under the identifier of their time, which may have been given up since.
        f"SELECT base_month, customer_id, {hits} FROM followed ANTI JOIN (SELECT customer_id "
        "FROM now UNION ALL SELECT alias_id FROM alias SEMI JOIN now USING (customer_id)) "
        f"USING (customer_id) WHERE {drawn(after)} ORDER BY base_month, customer_id",
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


def _customers(lags: Sequence[Lag], share: float = 1.0) -> Step:
    """The customers of the base months, or the part of them that is drawn."""

    def sql(scope: Scope) -> str:
        days = literals(last_day(lag.of(scope.month).base_month) for lag in lags)
        return (
            f"SELECT {_BASE_MONTH}, customer_id FROM feature_matrix "
            f"WHERE as_of IN ({days}) AND {drawn(share, _MONTH_OF)}"
        )

    return Step("predicted_of", (read(FEATURE_MATRIX, base_months(lags)),), sql, is_view=True)


def features_step(
    month: str, bases: Sequence[str], columns: Sequence[str], share: float = 1.0
) -> Step:
    """Features of the customers of these months, amounts of money as numbers.

    Args:
        month: the step's own.
        bases: the months.
        columns: which features.
        share: the part of the customer-months that is drawn, by the same hash as labels.

    Returns:
        A step with `base_month`, `customer_id` and the columns.
    """
    lags = [Lag(0, len(month_range(base, month)) - 1) for base in bases]
    money = (Type.MONEY, Type.QUANTITY, Type.SQUARE)
    selected = [
        f"{quote(name)}::DOUBLE AS {quote(name)}"
        if FEATURE_MATRIX.column(name).type in money
        else quote(name)
        for name in columns
    ]
    days = literals(last_day(base) for base in bases)
    return Step(
        "features",
        (read(FEATURE_MATRIX, base_months(lags)),),
        f"SELECT {', '.join([_BASE_MONTH, 'customer_id', *selected])} FROM feature_matrix "
        f"WHERE as_of IN ({days}) AND {drawn(share, _MONTH_OF)} "
        "ORDER BY base_month, customer_id",
        grain=Grain.ALL,
    )


def drawn(share: float, month: str = "base_month") -> str:
    """SQL of whether a customer-month is drawn.

    Not by DuckDB's own hash, which may differ between versions.
    """
    if share >= 1:
        return "true"
    digest = f"md5_number_lower(concat(customer_id, ' ', {month}))"
    return f"{digest} % {_DRAWN} < {int(share * _DRAWN)}"
