"""Assets of the predictions stage: what is active and what it scores, and backtests of it."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.probability import rounded
from portrait_assets.stages.predictions.asked import Asked, asked_of
from portrait_assets.stages.predictions.backtests.closed import (
    BACKTEST_TABLES,
    PAST,
    backtests,
    windows_until,
)
from portrait_assets.stages.predictions.contract import (
    PREDICTION,
    PREDICTION_BACKTEST,
    PREDICTION_DECISION,
    PREDICTION_MODEL,
)
from portrait_assets.stages.predictions.governance.approvals import Approvals, decision_on
from portrait_assets.stages.predictions.learning.active import STORED_AS, Active
from portrait_assets.stages.predictions.learning.champion import Before, Decided, Deciding, decided
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.learning.training import Challengers
from portrait_assets.stages.predictions.scoring import scored
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.dagster.pictures import picture_metadata
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import BEFORE, read

ACTIVE_TABLES = (PREDICTION_MODEL, PREDICTION_DECISION)
TABLES = (PREDICTION, *ACTIVE_TABLES, *BACKTEST_TABLES)
READS = (*PAST, *(read(table, BEFORE) for table in (PREDICTION, *ACTIVE_TABLES)))
KINDS = ("duckdb", "polars", "scikitlearn")
Key = tuple[str, int]


def predictions_assets(
    targets: Targets,
    approvals: Approvals,
    partitions: dg.PartitionsDefinition[str],
    smallest: int,
) -> list[dg.AssetsDefinition]:
    """The step that keeps the models, scores by them, and holds scores against what happened.

    Args:
        targets: of the source.
        approvals: what people decided on models.
        partitions: the source's months.
        smallest: fewest customers of what is listed by itself.
    """

    @tables_asset("predictions", TABLES, partitions, reads=READS, kinds=KINDS)
    def predictions(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        run = Run(warehouse, targets, approvals, months)
        yield dg.Output(run.scores(), PREDICTION.name)
        yield dg.Output(run.models, PREDICTION_MODEL.name)
        yield dg.Output(run.decisions, PREDICTION_DECISION.name)
        # What was scored is stored by now, also of the months of this run.
        found = backtests(warehouse, targets, months, smallest, run.windows)
        is_newest = pl.col("as_of") == last_day(months[-1])
        newest = [rows.filter(is_newest) for rows in found.values()]
        context.add_asset_metadata(
            picture_metadata(
                "portrait_assets.stages.predictions.pictures.plots:of_backtests", *newest
            ),
            asset_key(PREDICTION_BACKTEST),
            months[-1],
        )
        for table, rows in found.items():
            yield dg.Output(rows, table.name)

    return [predictions]


class Run:
    """What is active in months that are materialized together, carried from one to the next.

    `models` and `decisions` are complete once all `scores` were taken.
    """

    def __init__(
        self, warehouse: Warehouse, targets: Targets, approvals: Approvals, months: Sequence[str]
    ) -> None:
        self._warehouse, self._targets, self._approvals = warehouse, targets, approvals
        self._months = months
        self._engine = Engine(warehouse.con)
        self.windows = windows_until(warehouse, self._engine, months[-1])
        self._before = active_before(warehouse, months[0])
        self._models = [PREDICTION_MODEL.empty()]
        self._decisions: list[dict[str, object]] = []

    def scores(self) -> Iterator[pl.DataFrame]:
        """The rows of `predictions.prediction`, by month and target."""
        for month in self._warehouse.place.each(self._months):
            codes = {code for code, _ in self._before}
            asked = asked_of(self._warehouse, self._targets, month, codes)
            past = Past(self.windows, month, asked)
            decided = self._decided(past)
            counts: dict[Key, int] = {}
            active = [(each, found.active) for each, found in decided.items()]
            for (each, _), rows in zip(
                active, scored(self._warehouse, self._engine, month, active), strict=True
            ):
                counts[each.key] = rows.height
                yield rows
            for each, found in decided.items():
                self._note(month, each, found, counts[each.key], past.customers[month])
            self._before = {
                each.key: Before(found.active, found.tried_in) for each, found in decided.items()
            }
            learned = [found.active.learned for found in decided.values()]
            scorers = [each.scorer for each in learned if isinstance(each, PredictionModel)]
            self.windows.forget(month, scorers)
        self._engine.close()

    @property
    def models(self) -> pl.DataFrame:
        """The rows of `predictions.prediction_model`."""
        return pl.concat(self._models)

    @property
    def decisions(self) -> pl.DataFrame:
        """The rows of `predictions.prediction_decision`."""
        return pl.DataFrame(self._decisions, schema=PREDICTION_DECISION.polars_schema)

    def _decided(self, past: Past) -> dict[Asked, Decided]:
        challengers = Challengers()
        deciding = {each: self._deciding(past, each) for each in past.asked}
        champions = [
            (each, of.champion.learned)
            for each, of in deciding.items()
            if of.champion and isinstance(of.champion.learned, PredictionModel)
        ]
        past.score(champions)
        found: dict[Asked, Decided] = {}
        for horizon in {each.horizon: None for each in past.asked}:
            own = (deciding[each] for each in past.asked if each.horizon == horizon)
            found |= decided(own, self.windows.fitted_at_once, challengers)
            self.windows.release()
        return {each: found[each] for each in past.asked}

    def _deciding(self, past: Past, asked: Asked) -> Deciding:
        decision = decision_on(self._approvals, asked.code, past.month)

        def version(wanted: str) -> Active | None:
            return self._version(asked, wanted, past.month)

        before = self._before.get(asked.key)
        return Deciding(past, asked, before, decision, version)

    def _version(self, asked: Asked, version: str, month: str) -> Active | None:
        """What was active under a version before, in this run or in an earlier one."""
        stored = self._warehouse.history(PREDICTION_MODEL, self._months[0])
        rows = pl.concat([stored, *self._models]).filter(
            (pl.col("target") == asked.code)
            & (pl.col("horizon") == asked.horizon)
            & (pl.col("model_version") == version)
        )
        if rows.is_empty():
            return None
        return Active.from_rows(rows.filter(pl.col("as_of") == pl.col("as_of").max()))

    def _note(self, month: str, asked: Asked, found: Decided, rows: int, customers: int) -> None:
        head = {"as_of": last_day(month), "target": asked.code, "horizon": asked.horizon}
        self._models.append(model_rows(found.active, head))
        trained = found.active.trained
        self._decisions.append(
            head
            | {
                "model_version": found.active.version,
                "basis": found.active.basis,
                "family": found.active.family,
                "trained_from": trained.first,
                "trained_until": trained.last,
                "calibrated_on": trained.calibrated_on,
                "fitted_in": trained.fitted_in,
                "name_en": asked.outcome.en,
                "name_zh": asked.outcome.zh,
                "action": found.action,
                "reason_en": found.why.en,
                "reason_zh": found.why.zh,
                "tried_in": found.tried_in,
                "challenger_version": found.challenger_version,
                "auc": rounded(found.auc),
                "challenger_auc": rounded(found.challenger_auc),
                "baseline": found.baseline,
                "baseline_auc": rounded(found.baseline_auc),
                "scored": rows,
                "not_asked": customers - rows,
            }
        )


def model_rows(active: Active, head: dict[str, object]) -> pl.DataFrame:
    """The rows of `predictions.prediction_model` of what is active, `head` its first columns."""
    trained = active.trained
    named = head | {
        "model_version": active.version,
        "basis": active.basis,
        "family": active.family,
        "trained_from": trained.first,
        "trained_until": trained.last,
        "calibrated_on": trained.calibrated_on,
        "fitted_in": trained.fitted_in,
    }
    return (
        active.rows()
        .rename(STORED_AS)
        .with_row_index("item", offset=1)
        .with_columns(pl.lit(value).alias(name) for name, value in named.items())
        .select(pl.col(name).cast(kind) for name, kind in PREDICTION_MODEL.polars_schema.items())
    )


def active_before(warehouse: Warehouse, month: str) -> dict[Key, Before]:
    """What was active in the newest month materialized before this one, by target and horizon."""
    models = warehouse.last_before(PREDICTION_MODEL, month)
    decisions = warehouse.last_before(PREDICTION_DECISION, month)
    if models is None or decisions is None:
        return {}
    tried = {
        (target, horizon): tried_in
        for target, horizon, tried_in in decisions.select(
            "target", "horizon", "tried_in"
        ).iter_rows()
    }
    found: dict[Key, Before] = {}
    for (target, horizon), rows in models.group_by("target", "horizon", maintain_order=True):
        key = (str(target), int(str(horizon)))
        try:
            found[key] = Before(Active.from_rows(rows), tried[key])
        except PredictionError:
            continue  # Of a family that this version does not know: fitted again.
    return found
