"""The asset of the values of contracts."""

from collections.abc import Iterator, Sequence

import dagster as dg
import numpy as np
import polars as pl

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.months import last_day, month_range, next_month
from portrait_assets.methods.lifetime.contractual import MONTHS_OF_YEAR, TenureHazard
from portrait_assets.schema.table import MONEY_SCALE
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.predictions.value.comparing import HORIZON_MONTHS
from portrait_assets.stages.predictions.value.contracts.accounts import (
    ACCOUNT_MONTH,
    as_of_base,
    contracts,
)
from portrait_assets.stages.predictions.value.contracts.contract import (
    CONTRACT_HAZARD,
    CONTRACT_MODEL,
    CONTRACT_VALUE,
)
from portrait_assets.stages.predictions.value.contracts.valuing import (
    expected,
    hazards,
    of_enough,
    with_tenure,
)
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Read, upstream

TABLES = (CONTRACT_VALUE, CONTRACT_MODEL, CONTRACT_HAZARD)
READS = tuple(each for each in upstream(ACCOUNT_MONTH) if isinstance(each, Read))
FEWEST_MONTHS = 2 * HORIZON_MONTHS
DIGITS = 6


def contract_assets(
    partitions: dg.PartitionsDefinition[str], unit: str | None
) -> list[dg.AssetsDefinition]:
    """The step that values contracts.

    Args:
        partitions: the source's months.
        unit: the currency of the amounts, where the source declares it.
    """

    @tables_asset("contract_value", TABLES, partitions, reads=READS)
    def contract_value(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        run = Contracts(context.resources.warehouse.warehouse, list(context.partition_keys), unit)
        yield dg.Output(run.values(), CONTRACT_VALUE.name)
        yield dg.Output(run.models, CONTRACT_MODEL.name)
        yield dg.Output(run.hazards, CONTRACT_HAZARD.name)

    return [contract_value]


class Contracts:
    """The values of the contracts of months that are materialized together.

    `models` and `hazards` are complete once all `values` were taken.
    """

    def __init__(self, warehouse: Warehouse, months: Sequence[str], unit: str | None) -> None:
        self._warehouse, self._months, self._unit = warehouse, months, unit
        self._models, self._hazards = [CONTRACT_MODEL.empty()], [CONTRACT_HAZARD.empty()]

    def values(self) -> Iterator[pl.DataFrame]:
        """The rows of `predictions.contract_value`, month by month."""
        engine = Engine(self._warehouse.con, materialized=self._warehouse.materialized)
        yield CONTRACT_VALUE.empty()
        for month in self._warehouse.place.each(self._months):
            known = months_known(self._warehouse, month)
            if len(known) >= FEWEST_MONTHS:
                yield self._of_month(engine, month, known[0], known[-1])
        engine.close()

    @property
    def models(self) -> pl.DataFrame:
        """The rows of `predictions.contract_model`."""
        return pl.concat(self._models)

    @property
    def hazards(self) -> pl.DataFrame:
        """The rows of `predictions.contract_hazard`."""
        return pl.concat(self._hazards)

    def _of_month(self, engine: Engine, month: str, first: str, last: str) -> pl.DataFrame:
        base = next_month(last, -HORIZON_MONTHS)
        found = of_enough(contracts(engine, month, base))
        now = with_tenure(found, first, last)
        by_category = hazards(now)
        valued = expected(now, by_category, HORIZON_MONTHS)
        judged = judged_contracts(found, first, base)
        self._hazards.append(hazard_rows(by_category, month))
        self._models.append(model_rows(now, valued, judged, base, month))
        return value_rows(valued, month, self._unit)


def months_known(warehouse: Warehouse, month: str) -> list[str]:
    """All months from the first to the newest by this one with balances."""
    counts = warehouse.materialized(CLEANED["balances"])
    filled = sorted(each for each, rows in counts.items() if rows and each <= month)
    return month_range(filled[0], filled[-1]) if filled else []


def judged_contracts(found: pl.DataFrame, since: str, base: str) -> pl.DataFrame:
    """What was expected at the newest window's beginning, and the margin `earned` in it.

    Args:
        found: rows of `contracts_step`.
        since: the first month with balances.
        base: the month at whose end the window begins.
    """
    then = with_tenure(as_of_base(found), since, base)
    earned = pl.col("later") * pl.col("margin_rate") / MONTHS_OF_YEAR
    return expected(then, hazards(then), HORIZON_MONTHS).with_columns(earned=earned)


def value_rows(valued: pl.DataFrame, month: str, unit: str | None) -> pl.DataFrame:
    """The rows of `predictions.contract_value`."""
    sums = valued.group_by("customer_id", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("contracts"),
        *(_money(pl.col(name).sum()) for name in ("balance", "expected_margin")),
    )
    return (
        sums.sort("customer_id")
        .select(
            pl.lit(last_day(month)).alias("as_of"),
            "customer_id",
            pl.lit(HORIZON_MONTHS, pl.UInt32).alias("horizon"),
            pl.lit(unit, pl.String).alias("unit"),
            *("contracts", "balance", "expected_margin"),
        )
        .select(CONTRACT_VALUE.column_names)
    )


def hazard_rows(by_category: dict[str, TenureHazard], month: str) -> pl.DataFrame:
    """The rows of `predictions.contract_hazard`."""
    rows = [
        (last_day(month), category, tenure, float(value))
        for category, found in sorted(by_category.items())
        for tenure, value in enumerate(found.hazard)
    ]
    names = ["as_of", "category", "tenure", "hazard"]
    frame = pl.DataFrame(rows, {n: CONTRACT_HAZARD.polars_schema[n] for n in names}, orient="row")
    return frame.select(CONTRACT_HAZARD.column_names)


def hazards_from(rows: pl.DataFrame) -> dict[str, TenureHazard]:
    """The hazards by category, from the rows of a month."""
    return {
        str(category): TenureHazard(of.sort("tenure")["hazard"].to_numpy().astype(np.float64))
        for (category,), of in rows.group_by("category", maintain_order=True)
    }


def model_rows(
    now: pl.DataFrame, valued: pl.DataFrame, judged: pl.DataFrame, base: str, month: str
) -> pl.DataFrame:
    """The rows of `predictions.contract_model`.

    A category of which few customers have a contract still has none, and one of which few were
    judged does not say what came of them.
    """
    are_enough = pl.col("customer_id").n_unique().over("category") >= SMALLEST_CELL
    error = (pl.col("expected_margin") - pl.col("earned")).abs().mean()
    bias = pl.col("expected_margin").sum() / pl.col("earned").sum() - 1
    then = (
        judged.filter(are_enough)
        .group_by("category")
        .agg(
            pl.len().cast(pl.Int64).alias("judged"),
            _money(pl.col("expected_margin").sum()).alias("judged_expected"),
            _money(pl.col("earned").sum()).alias("judged_actual"),
            error.round(DIGITS).alias("mean_absolute_error"),
            pl.when(pl.col("earned").sum() > 0).then(bias).round(DIGITS).alias("total_bias"),
        )
    )
    totals = valued.group_by("category").agg(_money(pl.col("expected_margin").sum()))
    few = valued.filter(~are_enough)["category"].unique()
    return (
        now.filter(~pl.col("category").is_in(few.implode()))
        .group_by("category")
        .agg(
            pl.len().cast(pl.Int64).alias("contracts"),
            pl.col("ended").sum().cast(pl.Int64),
        )
        .join(totals, on="category", how="left")
        .join(then, on="category", how="left")
        .sort("category")
        .with_columns(
            pl.lit(last_day(month)).alias("as_of"),
            pl.col("expected_margin").fill_null(0),
            pl.lit(base).alias("judged_after"),
        )
        .select(CONTRACT_MODEL.column_names)
    )


def _money(of: pl.Expr) -> pl.Expr:
    return of.round(MONEY_SCALE).cast(CONTRACT_VALUE.column("balance").polars_type)
