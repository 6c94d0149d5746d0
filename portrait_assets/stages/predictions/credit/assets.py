"""Assets of credit scores: cards of targets of credit, their scores, and how they came true."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.scorecard.card.sql import points_sql
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.probability import rounded
from portrait_assets.stages.predictions.asked import Asked, asked_of
from portrait_assets.stages.predictions.backtests.closed import PAST, windows_until
from portrait_assets.stages.predictions.credit.allowing import Allowing, allowing
from portrait_assets.stages.predictions.credit.card import Card, card_of
from portrait_assets.stages.predictions.credit.contract import (
    CREDIT_CURVE,
    CREDIT_DECISION,
    CREDIT_SCORE,
    SCORECARD,
)
from portrait_assets.stages.predictions.credit.deciding import Before, Decided, Deciding
from portrait_assets.stages.predictions.credit.outcomes.closed import curves, of_credit
from portrait_assets.stages.predictions.credit.scoring import Counts, Key, scores_of
from portrait_assets.stages.predictions.governance.approvals import Approvals, Kind, decision_on
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.dagster.pictures import picture_metadata
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import BEFORE, read

TABLES = (CREDIT_SCORE, SCORECARD, CREDIT_DECISION, CREDIT_CURVE)
READS = (
    *PAST,
    *(read(table, BEFORE) for table in (CREDIT_SCORE, SCORECARD, CREDIT_DECISION, CREDIT_CURVE)),
)


def credit_assets(
    targets: Targets,
    approvals: Approvals,
    partitions: dg.PartitionsDefinition[str],
    smallest: int,
) -> list[dg.AssetsDefinition]:
    """The step that keeps the cards, scores by them, and holds scores against what happened.

    Args:
        targets: of the source.
        approvals: what people decided on models and cards.
        partitions: the source's months.
        smallest: fewest customers of what is listed by itself.
    """

    @tables_asset("credit_scores", TABLES, partitions, reads=READS)
    def credit_scores(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        run = CreditRun(warehouse, targets, approvals, months)
        yield dg.Output(run.scores(), CREDIT_SCORE.name)
        yield dg.Output(run.cards, SCORECARD.name)
        yield dg.Output(run.decisions, CREDIT_DECISION.name)
        # What was scored and decided is stored by now, also of the months of this run.
        curve = curves(warehouse, targets, months, smallest)
        newest = curve.filter(pl.col("as_of") == last_day(months[-1]))
        context.add_asset_metadata(
            picture_metadata("portrait_assets.stages.predictions.pictures.plots:of_cards", newest),
            asset_key(CREDIT_CURVE),
            months[-1],
        )
        yield dg.Output(curve, CREDIT_CURVE.name)

    return [credit_scores]


class CreditRun:
    """The cards of months that are materialized together, carried from one to the next.

    `cards` and `decisions` are complete once all `scores` were taken.
    """

    def __init__(
        self, warehouse: Warehouse, targets: Targets, approvals: Approvals, months: Sequence[str]
    ) -> None:
        self._warehouse, self._targets, self._months = warehouse, of_credit(targets), months
        self._approvals = approvals
        self._windows = windows_until(warehouse, Engine(warehouse.con), months[-1])
        self._before = cards_before(warehouse, months[0])
        self._cards = [SCORECARD.empty()]
        self._decisions: list[dict[str, object]] = []

    def scores(self) -> Iterator[pl.DataFrame]:
        """The rows of `predictions.credit_score`, by month and target."""
        yield CREDIT_SCORE.empty()
        for month in self._warehouse.place.each(self._months):
            asked = asked_of(self._warehouse, self._targets, month)
            if asked:
                yield from self._scores(month, asked)
            else:
                self._before = {}
        self._windows.engine.close()

    @property
    def cards(self) -> pl.DataFrame:
        """The rows of `predictions.scorecard`."""
        return pl.concat(self._cards)

    @property
    def decisions(self) -> pl.DataFrame:
        """The rows of `predictions.credit_decision`."""
        return pl.DataFrame(self._decisions, schema=CREDIT_DECISION.polars_schema)

    def _scores(self, month: str, asked: Sequence[Asked]) -> Iterator[pl.DataFrame]:
        past = Past(self._windows, month, asked)
        allowed = allowing(self._warehouse, month)
        decided = {each: self._decided(past, each, allowed) for each in asked}
        cards = [(each, found.card) for each, found in decided.items() if found.card]
        counts: dict[Key, Counts] = {}
        for each, rows, count in scores_of(
            self._warehouse, self._windows.engine, month, cards, allowed
        ):
            counts[each.key] = count
            yield rows
        for each, found in decided.items():
            self._note(month, each, found, counts.get(each.key))
        self._before = {
            each.key: Before(found.card, found.tried_in, found.baseline)
            for each, found in decided.items()
        }
        self._windows.forget(month)

    def _decided(self, past: Past, asked: Asked, allowed: Allowing) -> Decided:
        decision = decision_on(self._approvals, asked.code, past.month, Kind.SCORECARD)

        def version(wanted: str) -> Card | None:
            return self._version(asked, wanted)

        before = self._before.get(asked.key)
        return Deciding(past, asked, allowed, before, decision, version).decide()

    def _version(self, asked: Asked, version: str) -> Card | None:
        """The card that scored under a version before, in this run or in an earlier one."""
        own = (
            (pl.col("target") == asked.code)
            & (pl.col("horizon") == asked.horizon)
            & (pl.col("model_version") == version)
        )
        stored = self._warehouse.history(SCORECARD, self._months[0])
        decisions = pl.concat(
            [self._warehouse.history(CREDIT_DECISION, self._months[0]), self.decisions]
        ).filter(own)
        if decisions.is_empty():
            return None
        newest = decisions.sort("as_of").row(-1, named=True)
        rows = pl.concat([stored, *self._cards]).filter(own & (pl.col("as_of") == newest["as_of"]))
        return card_of(rows, newest)

    def _note(self, month: str, asked: Asked, found: Decided, counts: Counts | None) -> None:
        head = {"as_of": last_day(month), "target": asked.code, "horizon": asked.horizon}
        card = found.card
        if card is not None:
            self._cards.append(card.rows(head))
        self._decisions.append(
            head
            | {
                "model_version": card.version if card else None,
                "action": found.action,
                "reason_en": found.why.en,
                "reason_zh": found.why.zh,
                "tried_in": found.tried_in,
                "challenger_version": found.challenger_version,
                "name_en": asked.outcome.en,
                "name_zh": asked.outcome.zh,
                "auc": rounded(found.auc),
                "challenger_auc": rounded(found.challenger_auc),
                "baseline": found.baseline,
                "baseline_auc": rounded(found.baseline_auc),
                "points_sql": points_sql(card.scorecard) if card else None,
            }
            | (card.trained if card else {})
            | (counts._asdict() if counts else {"scored": 0})
        )


def cards_before(warehouse: Warehouse, month: str) -> dict[Key, Before]:
    """The cards of the newest month materialized before this one, by target and horizon."""
    rows = warehouse.last_before(SCORECARD, month)
    decisions = warehouse.last_before(CREDIT_DECISION, month)
    if rows is None or decisions is None:
        return {}
    found: dict[Key, Before] = {}
    for decision in decisions.iter_rows(named=True):
        key = (decision["target"], decision["horizon"])
        own = (pl.col("target") == key[0]) & (pl.col("horizon") == key[1])
        card: Card | None = None
        if decision["model_version"] is not None:
            card = card_of(rows.filter(own), decision)
        found[key] = Before(card, decision["tried_in"], decision["baseline"])
    return found
