"""The windows that a month closes, with what was predicted of them and what happened since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

import polars as pl

from portrait_assets.core.machine.threads import in_threads
from portrait_assets.core.months import next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
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
from portrait_assets.stages.predictions.learning.active import bins_from
from portrait_assets.stages.predictions.learning.baseline import Steps, fitted_steps
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.learning.past.windows import Windows
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.assets import TABLES as TARGET_TABLES
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import EVER, THE_MONTH, read

BACKTEST_TABLES = (PREDICTION_BACKTEST, PREDICTION_CALIBRATION)
PAST = (
    *(read(table, EVER) for table in (IDENTITY_MAP, CUSTOMER_ALIAS)),
    *(read(table, EVER) for table in (FEATURE_MATRIX, CUSTOMER_MONTH)),
    # A warehouse of an older version lacks these of its first months, whose windows are left out.
    *(
        read(table, THE_MONTH)
        for table in (UNPROFILED, CUSTOMER_CONSENT, CONSENT_DEFAULT, *TARGET_TABLES)
    ),
)
"""What is read of the past."""
STORED = ("customer_id", "score", "rank", "band", "model_version", "basis")
"""What is read of the scores of then."""


def backtests(
    warehouse: Warehouse,
    targets: Targets,
    months: Sequence[str],
    smallest: int,
    windows: Windows | None = None,
) -> dict[Table, pl.DataFrame]:
    """The rows of the tables of backtests of these months, of which the scores are stored.

    A window of fewer than `smallest` customers has none. `windows` are those of the months, where
    they were read already.
    """
    rows: dict[Table, list[dict[str, object]]] = {table: [] for table in BACKTEST_TABLES}
    windows = windows or windows_until(warehouse, Engine(warehouse.con), months[-1])
    for month in warehouse.place.each(months):
        closed = closed_windows(warehouse, targets, month, windows)
        large = (each for each in closed if each.rows.height >= smallest)
        # One is read while another is judged.
        for backtest, calibration in in_threads(partial(_rows_of, smallest=smallest), large):
            rows[PREDICTION_BACKTEST].append(backtest)
            rows[PREDICTION_CALIBRATION] += calibration
    return {table: pl.DataFrame(found, schema=table.polars_schema) for table, found in rows.items()}


def _rows_of(closed: Closed, smallest: int) -> tuple[dict[str, object], list[dict[str, object]]]:
    return backtest_row(closed), [*calibration_rows(closed, smallest)]


def windows_until(warehouse: Warehouse, engine: Engine, month: str) -> Windows:
    """Windows that are over by a month, of the months whose targets are stored."""
    stored = sorted(warehouse.materialized(FEATURE_MATRIX).items())
    customers = {each: count for each, count in stored if each <= month}
    others = [warehouse.materialized(table) for table in (UNPROFILED, *TARGET_TABLES)]
    known = frozenset(each for each in customers if all(each in months for months in others))
    return Windows(engine, month, customers, known)


class Predicted(NamedTuple):
    """What was predicted of a window, and what happened.

    `rows` are of the customers of whom the outcome is known, in the order of their identifiers:
    `customer_id`, `hit` and `STORED`. `past` is what is known by the month that closes the window.
    """

    past: Past
    asked: Asked
    base_month: str
    rows: pl.DataFrame

    @property
    def is_own(self) -> pl.Expr:
        """Which rows of a table of predictions are of the target."""
        return (pl.col("target") == self.asked.code) & (pl.col("horizon") == self.asked.horizon)


def predicted_windows(
    warehouse: Warehouse, targets: Targets, month: str, windows: Windows | None = None
) -> Iterator[Predicted]:
    """The windows that a month closes of which something was predicted, by base month."""
    asked = asked_of(warehouse, targets, month)
    past = Past(windows or windows_until(warehouse, Engine(warehouse.con), month), month, asked)
    stored = warehouse.materialized(PREDICTION)
    for each in sorted(asked, key=lambda each: -each.horizon):
        base = next_month(month, -each.horizon)
        if not stored.get(base) or base not in past.closed(each.horizon):
            continue
        found = Predicted(past, each, base, past.happened(each, base))
        scores = warehouse.scan(PREDICTION, [base]).filter(
            found.is_own & pl.col("score").is_not_null()
        )
        rows = found.rows.join(scores.select(*STORED).collect(), on="customer_id", how="inner")
        if rows.height:
            yield found._replace(rows=rows.sort("customer_id"))


def closed_windows(
    warehouse: Warehouse, targets: Targets, month: str, windows: Windows
) -> Iterator[Closed]:
    """The same with the bins of what scored them, and the baseline beside it."""
    predicted = predicted_windows(warehouse, targets, month, windows)
    for base, of_base in groupby(predicted, key=lambda window: window.base_month):
        decisions = warehouse.read(PREDICTION_DECISION, [base])
        models = warehouse.scan(PREDICTION_MODEL, [base]).filter(pl.col("part") == "bin").collect()
        for window in of_base:
            past, asked = window.past, window.asked
            (named,) = decisions.filter(window.is_own)["baseline"]
            rows = past.with_features(window.rows, base)
            bins = bins_from(models.filter(window.is_own))
            baseline = _baseline_then(past, asked, base, named)
            yield Closed(asked, month, base, rows, bins, baseline)


def _baseline_then(past: Past, asked: Asked, base: str, named: str | None) -> Steps:
    """The baseline that was best before, with its rates in the windows that were over by then.

    The one that is declared first where none was the best yet.
    """
    rules = {rule.name: rule for rule in reversed(asked.baselines)}
    rule = rules.get(named or "", asked.baselines[0] if asked.baselines else None)
    closed = past.closed(asked.horizon)
    over = tuple(each for each in closed if next_month(each, asked.horizon) <= base)
    return fitted_steps(rule, past.known(asked, over[-RULE.recent_windows :]))
