"""What was predicted of customers at a month's end, beside the facts of the windows after it."""

from __future__ import annotations

from collections.abc import Sequence

from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.schema.table import Table
from portrait_assets.stages.targets.declared.outcome import Outcome
from portrait_assets.stages.targets.following import with_facts
from portrait_assets.stages.targets.windows import Lag, base_months
from portrait_assets.storage.duckdb.connection import literals
from portrait_assets.storage.steps import Grain, Scope, Step, read


def with_targets(
    predicted: Table,
    columns: Sequence[str],
    outcomes: Sequence[Outcome],
    lags: Sequence[Lag],
    one_in: int = 1,
) -> Step:
    """What was predicted of customers, and the facts that outcomes are computed from.

    Args:
        predicted: the as-of table, called p in `columns`, that holds what was predicted.
        columns: which of its columns to keep, as SQL.
        outcomes: whose facts are added.
        lags: in which windows; each customer of a base month has a row for each.
        one_in: take one in so many customers, drawn by a hash.

    Returns:
        A step named `followed` with `base_month`, `horizon`, `customer_id`, `grp` from 0 to GROUPS
        less one, the columns, and all names that the outcomes' SQL refers to.
    """
    return with_facts(predictions(predicted, columns, lags, one_in), outcomes, lags)


def predictions(
    predicted: Table,
    columns: Sequence[str],
    lags: Sequence[Lag],
    one_in: int = 1,
) -> Step:
    """What was predicted of customers at the end of the windows' base months.

    Args:
        predicted: as of `with_targets`.
        columns: likewise.
        lags: the windows.
        one_in: as of `with_targets`.

    Returns:
        A step with `base_month`, `customer_id`, `grp` and the columns.
    """
    # Not DuckDB's own hash, which may differ between versions.
    digest = "md5_number_lower(p.customer_id)"
    drawn = f"AND ({digest} // {GROUPS}) % {one_in} = 0" if one_in > 1 else ""
    selected = ", ".join(
        [*("p.base_month", "p.customer_id", f"({digest} % {GROUPS})::INTEGER AS grp"), *columns]
    )

    def sql(scope: Scope) -> str:
        days = literals({last_day(lag.of(scope.month).base_month) for lag in lags})
        return (
            f"SELECT {selected} FROM (SELECT *, strftime(as_of, '%Y-%m') AS base_month "
            f"FROM predicted) AS p WHERE p.as_of IN ({days}) {drawn}"
        )

    source = read(predicted, base_months(lags), "predicted")
    return Step("predictions", (source,), sql, grain=Grain.ALL)
