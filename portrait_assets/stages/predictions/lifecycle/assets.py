"""The asset of the life cycle: spells of each month, and how well stages predicted the next one."""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.predictions.contract import PREDICTION
from portrait_assets.stages.predictions.lifecycle.backtest import backtest_rows, outcomes_of
from portrait_assets.stages.predictions.lifecycle.contract import (
    LIFECYCLE_BACKTEST,
    LIFECYCLE_STAGE,
)
from portrait_assets.stages.predictions.lifecycle.spells import spells
from portrait_assets.stages.predictions.lifecycle.staging import (
    RULE_STAGES_STEP,
    SILENCE,
    SPEND,
    stages_step,
)
from portrait_assets.stages.targets.contract import TARGET
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.stages.targets.labels import labels
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import BEFORE, EVER, THE_MONTH, Scope, read

TABLES = (LIFECYCLE_STAGE, LIFECYCLE_BACKTEST)
READS = (
    read(PREDICTION, THE_MONTH),
    *(read(table, EVER) for table in (FEATURE_MATRIX, CUSTOMER_MONTH)),
    # A warehouse of an older version lacks these of its first months, whose windows are left out.
    *(read(table, THE_MONTH) for table in (UNPROFILED, TARGET)),
    read(LIFECYCLE_STAGE, BEFORE),
)


def lifecycle_assets(
    targets: Targets, partitions: dg.PartitionsDefinition[str], smallest: int
) -> list[dg.AssetsDefinition]:
    """The step that finds each customer's stage of the life cycle.

    Args:
        targets: of the source.
        partitions: the source's months.
        smallest: fewest customers of a window that is judged.
    """

    @tables_asset("lifecycle", TABLES, partitions, reads=READS)
    def lifecycle(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        yield dg.Output(spells_of(warehouse, targets, months), LIFECYCLE_STAGE.name)
        # The stages are stored by now, also those of the months of this run.
        yield dg.Output(backtests(warehouse, targets, months, smallest), LIFECYCLE_BACKTEST.name)

    return [lifecycle]


def spells_of(
    warehouse: Warehouse, targets: Targets, months: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """The rows of `predictions.lifecycle_stage`, month by month."""
    before = _stored(warehouse, next_month(months[0], -1))
    previous = next_month(months[0], -1)
    engine = Engine(warehouse.con)
    for month in warehouse.place.each(months):
        now = engine.frame(stages_step(targets), Scope(month))
        is_next = before is not None and next_month(previous) == month
        before = spells(now, before if is_next else None, last_day(month))
        previous = month
        yield before
    engine.close()


def _stored(warehouse: Warehouse, month: str) -> pl.DataFrame | None:
    if month not in warehouse.materialized(LIFECYCLE_STAGE):
        return None
    return warehouse.read(LIFECYCLE_STAGE, [month])


def backtests(
    warehouse: Warehouse, targets: Targets, months: Sequence[str], smallest: int
) -> pl.DataFrame:
    """The rows of `predictions.lifecycle_backtest` of these months.

    A window of fewer than `smallest` customers has none.
    """
    rows: list[dict[str, object]] = []
    horizons = {targets.derived[name].prediction_horizon for name in (SILENCE, SPEND)}
    horizon = horizons.pop()
    if horizon is None or horizons:
        return LIFECYCLE_BACKTEST.empty()  # Both are known of no window together.
    known: dict[str, pl.DataFrame | None] = {}
    for month in warehouse.place.each(months):
        base, earlier = (next_month(month, -back * horizon) for back in (1, 2))
        known[month] = judged = followed(warehouse, targets, base, month)
        if judged is None or judged.height < smallest:
            continue
        # The window that was judged when it closed, unless that was before these months.
        is_known = base in known
        learned = known.pop(base) if is_known else followed(warehouse, targets, earlier, base)
        if learned is not None and learned.height:
            rows += backtest_rows(learned, judged, month, base)
    return pl.DataFrame(rows, schema=LIFECYCLE_BACKTEST.polars_schema)


def followed(warehouse: Warehouse, targets: Targets, base: str, month: str) -> pl.DataFrame | None:
    """The customers of a month's end by stage, and what they did in the window after it.

    Returns:
        `customer_id`, `stage`, `rule_stage` and `outcome`; None where one of them is not known.
    """
    needed: Mapping[Table, str] = {
        LIFECYCLE_STAGE: base,
        FEATURE_MATRIX: base,
        CUSTOMER_MONTH: base,
        TARGET: month,
        UNPROFILED: month,
    }
    if any(of not in warehouse.materialized(table) for table, of in needed.items()):
        return None
    known = {
        name: labels(warehouse, targets.derived[name], [base], month) for name in (SILENCE, SPEND)
    }
    staged = warehouse.read(LIFECYCLE_STAGE, [base]).filter(pl.col("left_on").is_null())
    by_rule = Engine(warehouse.con).frame(RULE_STAGES_STEP, Scope(base))
    return (
        staged.select("customer_id", "stage")
        .join(by_rule.select("customer_id", "rule_stage"), on="customer_id", how="inner")
        .join(outcomes_of(known), on="customer_id", how="inner")
        .sort("customer_id")
    )
