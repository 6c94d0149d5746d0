"""The asset of customers' values: the method that did best before, and what it expects."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.lifetime.values import values_of
from portrait_assets.schema.describe import asset_key
from portrait_assets.stages.features.contract import CUSTOMER_MONTH
from portrait_assets.stages.predictions.value.comparing import (
    Kept,
    by_kept,
    compared,
    too_little,
    too_short,
)
from portrait_assets.stages.predictions.value.contract import (
    CUSTOMER_VALUE,
    VALUE_MODEL,
    VALUE_PARAMETER,
)
from portrait_assets.stages.predictions.value.history import MONTHS, history_of
from portrait_assets.stages.predictions.value.rows import (
    Row,
    kept_from,
    model_rows,
    parameter_rows,
    value_rows,
    without_values,
)
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.dagster.pictures import picture_metadata
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import BEFORE, Read, read, upstream

TABLES = (CUSTOMER_VALUE, VALUE_MODEL, VALUE_PARAMETER)
READS = (
    *(each for each in upstream(MONTHS) if isinstance(each, Read)),
    *(read(table, BEFORE) for table in (VALUE_MODEL, VALUE_PARAMETER)),
)


def value_assets(
    partitions: dg.PartitionsDefinition[str], unit: str | None
) -> list[dg.AssetsDefinition]:
    """The step that values customers.

    Args:
        partitions: the source's months.
        unit: the currency of the amounts, where the source declares it.
    """

    @tables_asset(
        "customer_value", TABLES, partitions, reads=READS, kinds=("duckdb", "polars", "scikitlearn")
    )
    def customer_value(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        run = Values(context.resources.warehouse.warehouse, list(context.partition_keys), unit)
        yield dg.Output(run.values(), CUSTOMER_VALUE.name)
        newest = run.models.filter(pl.col("as_of") == last_day(run.months[-1]))
        context.add_asset_metadata(
            picture_metadata("portrait_assets.stages.predictions.pictures.plots:of_values", newest),
            asset_key(VALUE_MODEL),
            run.months[-1],
        )
        yield dg.Output(run.models, VALUE_MODEL.name)
        yield dg.Output(run.parameters, VALUE_PARAMETER.name)

    return [customer_value]


class Values:
    """The values of months that are materialized together, methods carried from one to the next.

    `models` and `parameters` are complete once all `values` of the `months` were taken.
    """

    def __init__(self, warehouse: Warehouse, months: Sequence[str], unit: str | None) -> None:
        self._warehouse, self.months, self._unit = warehouse, months, unit
        self._kept = kept_before(warehouse, months[0])
        self._models: list[Row] = []
        self._parameters: list[Row] = []

    def values(self) -> Iterator[pl.DataFrame]:
        """The rows of `predictions.customer_value`, month by month."""
        engine = Engine(self._warehouse.con, materialized=self._warehouse.materialized)
        for month in self._warehouse.place.each(self.months):
            yield self._of_month(engine, month)
        engine.close()

    @property
    def models(self) -> pl.DataFrame:
        """The rows of `predictions.value_model`."""
        return pl.DataFrame(self._models, schema=VALUE_MODEL.polars_schema)

    @property
    def parameters(self) -> pl.DataFrame:
        """The rows of `predictions.value_parameter`."""
        return pl.DataFrame(self._parameters, schema=VALUE_PARAMETER.polars_schema)

    def _of_month(self, engine: Engine, month: str) -> pl.DataFrame:
        # Of months without events nothing needs to be read.
        months = self._warehouse.materialized(CUSTOMER_MONTH)
        first = min((each for each, rows in months.items() if rows), default=month)
        if short := too_short(min(first, month), month):
            return self._without(month, short)
        with history_of(engine, month) as history:
            if little := too_little(history, month):
                return self._without(month, little)
            kept = self._kept
            if kept is None or not kept.is_kept_in(month):
                kept, predicted, method = compared(history, month)
            else:
                predicted, method = by_kept(history, month, kept)
        # A method that cannot be used this month has no interval that was found for another.
        spreads = kept.spreads if method == kept.method else None
        rows = value_rows(values_of(predicted, method, spreads), method, month, self._unit)
        self._models += model_rows(kept, method, month, rows.height)
        self._parameters += parameter_rows(kept, month)
        self._kept = kept
        return rows

    def _without(self, month: str, why: tuple[str, str]) -> pl.DataFrame:
        self._kept = None
        self._models += without_values(month, *why)
        return CUSTOMER_VALUE.empty()


def kept_before(warehouse: Warehouse, month: str) -> Kept | None:
    """What gave values in the newest month materialized before this one."""
    models = warehouse.last_before(VALUE_MODEL, month)
    parameters = warehouse.last_before(VALUE_PARAMETER, month)
    if models is None or parameters is None or models.is_empty() or parameters.is_empty():
        return None
    if models["as_of"][0] != parameters["as_of"][0]:
        return None
    return kept_from(models, parameters)
