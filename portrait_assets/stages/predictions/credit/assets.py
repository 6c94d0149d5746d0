"""Assets of credit scores: cards of targets of credit, their scores, and how they came true."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.scorecard.card.sql import points_sql
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.predictions.asked import Asked, asked_of
from portrait_assets.stages.predictions.assets import PAST
from portrait_assets.stages.predictions.closed import past_of
from portrait_assets.stages.predictions.credit.allowing import Allowing, allowing
from portrait_assets.stages.predictions.credit.card import Card, card_of
from portrait_assets.stages.predictions.credit.contract import (
    CREDIT_CURVE,
    CREDIT_DECISION,
    CREDIT_SCORE,
    SCORECARD,
    VINTAGE,
)
from portrait_assets.stages.predictions.credit.curve import Vintage, cut_rows, vintage_row
from portrait_assets.stages.predictions.credit.deciding import Before, Decided, Deciding
from portrait_assets.stages.predictions.credit.scoring import Counts, Key, scores_of
from portrait_assets.stages.predictions.learning.judging import DIGITS
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.outcomes import Targets
from portrait_assets.storage.dagster.asset import tables_asset
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import BEFORE, THE_MONTH, read

TABLES = (CREDIT_SCORE, SCORECARD, CREDIT_DECISION, CREDIT_CURVE)
READS = (
    *PAST,
    *(read(table, THE_MONTH) for table in (CONSENT_DEFAULT, CUSTOMER_CONSENT)),
    *(read(table, BEFORE) for table in (CREDIT_SCORE, SCORECARD, CREDIT_DECISION, CREDIT_CURVE)),
)


def credit_assets(
    targets: Targets, partitions: dg.PartitionsDefinition[str], smallest: int
) -> list[dg.AssetsDefinition]:
    """The step that keeps the cards, scores by them, and holds scores against what happened.

    Args:
        targets: of the source.
        partitions: the source's months.
        smallest: fewest customers of what is listed by itself.
    """

    @tables_asset("credit_scores", TABLES, partitions, reads=READS)
    def credit_scores(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        warehouse = context.resources.warehouse.warehouse
        months = list(context.partition_keys)
        run = CreditRun(warehouse, targets, months)
        yield dg.Output(run.scores(), CREDIT_SCORE.name)
        yield dg.Output(run.cards, SCORECARD.name)
        yield dg.Output(run.decisions, CREDIT_DECISION.name)
        # What was scored and decided is stored by now, also of the months of this run.
        yield dg.Output(curves(warehouse, targets, months, smallest), CREDIT_CURVE.name)

    return [credit_scores]


def of_credit(targets: Targets) -> Targets:
    """The targets of credit."""
    return Targets(tuple(each for each in targets.outcomes if each.is_credit))


class CreditRun:
    """The cards of months that are materialized together, carried from one to the next.

    `cards` and `decisions` are complete once all `scores` were taken.
    """

    def __init__(self, warehouse: Warehouse, targets: Targets, months: Sequence[str]) -> None:
        self._warehouse, self._targets, self._months = warehouse, of_credit(targets), months
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

    @property
    def cards(self) -> pl.DataFrame:
        """The rows of `predictions.scorecard`."""
        return pl.concat(self._cards)

    @property
    def decisions(self) -> pl.DataFrame:
        """The rows of `predictions.credit_decision`."""
        return pl.DataFrame(self._decisions, schema=CREDIT_DECISION.polars_schema)

    def _scores(self, month: str, asked: Sequence[Asked]) -> Iterator[pl.DataFrame]:
        engine = Engine(self._warehouse.con)
        past = past_of(self._warehouse, engine, month, asked)
        allowed = allowing(self._warehouse, month)
        decided = {
            each: Deciding(past, each, allowed, self._before.get(each.key)).decide()
            for each in asked
        }
        cards = [(each, found.card) for each, found in decided.items() if found.card]
        counts: dict[Key, Counts] = {}
        for each, rows, count in scores_of(self._warehouse, engine, month, cards, allowed):
            counts[each.key] = count
            yield rows
        for each, found in decided.items():
            self._note(month, each, found, counts.get(each.key))
        self._before = {
            each.key: Before(found.card, found.tried_in, found.baseline)
            for each, found in decided.items()
        }
        engine.close()

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
                "auc": _rounded(found.auc),
                "challenger_auc": _rounded(found.challenger_auc),
                "baseline": found.baseline,
                "baseline_auc": _rounded(found.baseline_auc),
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


def curves(
    warehouse: Warehouse, targets: Targets, months: Sequence[str], smallest: int
) -> pl.DataFrame:
    """The rows of `predictions.credit_curve` of these months, of which the scores are stored.

    A month's scores of fewer than `smallest` customers have none.
    """
    before = warehouse.last_before(CREDIT_CURVE, months[0])
    vintages = (before if before is not None else CREDIT_CURVE.empty()).filter(
        pl.col("kind") == VINTAGE
    )
    found = [CREDIT_CURVE.empty()]
    for month in warehouse.place.each(months):
        rows = _curves_of(warehouse, of_credit(targets), month, vintages, smallest)
        vintages = rows.filter(pl.col("kind") == VINTAGE)
        found.append(rows)
    return pl.concat(found)


def _curves_of(
    warehouse: Warehouse, targets: Targets, month: str, before: pl.DataFrame, smallest: int
) -> pl.DataFrame:
    """The rows of a month: vintages as they were known before, less what is known anew."""
    asked = asked_of(warehouse, targets, month)
    found = [CREDIT_CURVE.empty()]
    allowed = allowing(warehouse, month) if asked else None
    for each in asked:
        assert allowed is not None
        first = next_month(month, 1 - RULE.most_windows - each.horizon)
        own = (pl.col("target") == each.code) & (pl.col("horizon") == each.horizon)
        is_large = (pl.col("approved") >= smallest) & ~pl.col("known").is_between(1, smallest - 1)
        earlier = before.filter(own & is_large & (pl.col("base_month") >= first))
        scored = _scored(warehouse, each, month)
        closed = _closed(warehouse, each, month, asked, allowed)
        if closed is not None:
            closed = closed.where_enough_are_known(smallest)
        new = [v for v in (closed, scored) if v is not None and v.rows.height >= smallest]
        names = [vintage.base_month for vintage in new]
        carried = earlier.filter(~pl.col("base_month").is_in(names))
        vintages = [carried.with_columns(pl.lit(last_day(month)).alias("as_of"))]
        vintages += [vintage_row(vintage) for vintage in new]
        found.append(pl.concat(vintages).sort("base_month"))
        if closed is not None and closed in new and closed.is_over:
            found.append(cut_rows(closed, smallest))
    return pl.concat(found)


def _scored(warehouse: Warehouse, asked: Asked, month: str) -> Vintage | None:
    """Those that are scored at the month's end; None where nobody is."""
    if not warehouse.materialized(CREDIT_SCORE).get(month):
        return None
    own = (pl.col("target") == asked.code) & (pl.col("horizon") == asked.horizon)
    rows = (
        warehouse.scan(CREDIT_SCORE, [month])
        .filter(own)
        .select("customer_id", "points", "probability")
        .collect()
        .with_columns(pl.lit(None, pl.Boolean).alias("hit"))
        .sort("customer_id")
    )
    return Vintage(asked, month, month, rows) if rows.height else None


def _closed(
    warehouse: Warehouse, asked: Asked, month: str, together: Sequence[Asked], allowed: Allowing
) -> Vintage | None:
    """Those whose window the month closes, with what happened to them; None where nobody is."""
    base = next_month(month, -asked.horizon)
    then = _scored(warehouse, asked, base)
    if then is None:
        return None
    engine = Engine(warehouse.con)
    past = past_of(warehouse, engine, month, together)
    if base not in past.closed(asked.horizon):
        return None
    known = past.known(asked, (base,), only_baselines=True, all_rows=True)
    engine.close()
    rows = then.rows.drop("hit").join(
        allowed.of(known), on="customer_id", how="left", maintain_order="left"
    )
    decision = warehouse.read(CREDIT_DECISION, [base]).filter(
        (pl.col("target") == asked.code) & (pl.col("horizon") == asked.horizon)
    )
    rules = {rule.name: rule for rule in asked.baselines}
    first = asked.baselines[0] if asked.baselines else None
    named = decision["baseline"][0] if decision.height else None
    return replace(then, month=month, rows=rows, baseline=rules.get(named or "", first))


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, DIGITS)
