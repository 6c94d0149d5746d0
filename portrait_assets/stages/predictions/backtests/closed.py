"""The windows that a month closes, with what was predicted of them and what happened since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.predictions.asked import Asked, asked_of
from portrait_assets.stages.predictions.backtests.backtest import (
    Closed,
    backtest_row,
    calibration_rows,
)
from portrait_assets.stages.predictions.contract import (
    PREDICTION,
    PREDICTION_BACKTEST,
    PREDICTION_CALIBRATION,
    PREDICTION_DECISION,
    PREDICTION_MODEL,
)
from portrait_assets.stages.predictions.learning.active import Active
from portrait_assets.stages.predictions.learning.baseline import Steps, fitted_steps
from portrait_assets.stages.predictions.learning.past import Past
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.assets import TABLES as TARGET_TABLES
from portrait_assets.stages.targets.outcomes import Targets
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import EVER, THE_MONTH, read

BACKTEST_TABLES = (PREDICTION_BACKTEST, PREDICTION_CALIBRATION)
PAST = (
    *(read(table, EVER) for table in (IDENTITY_MAP, CUSTOMER_ALIAS)),
    *(read(table, EVER) for table in (FEATURE_MATRIX, CUSTOMER_MONTH)),
    # A warehouse of an older version lacks these of its first months, whose windows are left out.
    *(read(table, THE_MONTH) for table in (UNPROFILED, *TARGET_TABLES)),
)
"""What is read of the past."""
STORED = ("customer_id", "score", "rank", "band", "model_version", "basis")
"""What is read of the scores of then."""


def backtests(
    warehouse: Warehouse, targets: Targets, months: Sequence[str], smallest: int
) -> dict[Table, pl.DataFrame]:
    """The rows of the tables of backtests of these months, of which the scores are stored.

    A window of fewer than `smallest` customers has none.
    """
    rows: dict[Table, list[dict[str, object]]] = {table: [] for table in BACKTEST_TABLES}
    for month in warehouse.place.each(months):
        for closed in closed_windows(warehouse, targets, month):
            if closed.rows.height >= smallest:
                rows[PREDICTION_BACKTEST].append(backtest_row(closed))
                rows[PREDICTION_CALIBRATION] += calibration_rows(closed, smallest)
    return {table: pl.DataFrame(found, schema=table.polars_schema) for table, found in rows.items()}


def past_of(warehouse: Warehouse, engine: Engine, month: str, asked: Sequence[Asked]) -> Past:
    """What is known by a month, of the months whose targets are stored."""
    customers = {m: n for m, n in warehouse.materialized(FEATURE_MATRIX).items() if m <= month}
    stored = [warehouse.materialized(table) for table in (UNPROFILED, *TARGET_TABLES)]
    known = frozenset(m for m in customers if all(m in months for months in stored))
    return Past(engine, month, customers, asked, known)


def closed_windows(warehouse: Warehouse, targets: Targets, month: str) -> Iterator[Closed]:
    """The windows that a month closes of which something was predicted, with what happened."""
    asked = asked_of(warehouse, targets, month)
    past = past_of(warehouse, Engine(warehouse.con), month, asked)
    predicted = warehouse.materialized(PREDICTION)
    for base in sorted({next_month(month, -each.horizon) for each in asked}):
        if not predicted.get(base):
            continue
        decisions = warehouse.read(PREDICTION_DECISION, [base])
        models = warehouse.read(PREDICTION_MODEL, [base])
        for each in asked:
            if next_month(month, -each.horizon) != base or base not in past.closed(each.horizon):
                continue
            own = (pl.col("target") == each.code) & (pl.col("horizon") == each.horizon)
            then = models.filter(own)
            if then.is_empty():
                continue
            scores = warehouse.scan(PREDICTION, [base]).filter(own & pl.col("score").is_not_null())
            stored = scores.select(*STORED).collect()
            known = past.known(each, (base,), only_baselines=True, all_rows=True)
            rows = known.join(stored, on="customer_id", how="inner").sort("customer_id")
            if rows.height:
                (named,) = decisions.filter(own)["baseline"]
                rule = _baseline_then(past, each, base, named)
                yield Closed(each, month, base, rows, Active.from_rows(then), rule)


def _baseline_then(past: Past, asked: Asked, base: str, named: str | None) -> Steps:
    """The baseline that was best before, with its rates in the windows that were over by then.

    The one that is declared first where none was the best yet.
    """
    rules = {rule.name: rule for rule in reversed(asked.baselines)}
    rule = rules.get(named or "", asked.baselines[0] if asked.baselines else None)
    closed = past.closed(asked.horizon)
    over = tuple(each for each in closed if next_month(each, asked.horizon) <= base)
    windows = over[-RULE.recent_windows :]
    return fitted_steps(rule, past.known(asked, windows, only_baselines=True))
