"""Whether groups of customers are among those whom models and cards pick out as often as others.

Of a model it is the fifth on top, who are acted on, and equal opportunity is among those to whom
it then happened. Of a card it is who would be accepted, and among those to whom it did not happen:
a loan is owed to whoever pays it back.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from portrait_assets.methods.scorecard.fitting.banding import ACCEPT
from portrait_assets.stages.predictions.backtests.closed import predicted_windows
from portrait_assets.stages.predictions.contract import PREDICTION, REASONED_BANDS
from portrait_assets.stages.predictions.credit.closed import closed_scores
from portrait_assets.stages.predictions.credit.contract import CREDIT_SCORE
from portrait_assets.stages.targets.outcomes import Targets
from portrait_assets.stages.validation.fairness import TOP_FIFTH
from portrait_assets.stages.validation.picked import Picked, fairness_of_picked
from portrait_assets.storage.duckdb.store import Warehouse

MODEL, CARD = "model", "scorecard"
"""What precedes a target in the place of a tag's code."""
NOT = "not "
"""Precedes an outcome where those are counted to whom it did not happen."""


def model_fairness(warehouse: Warehouse, targets: Targets, month: str) -> pl.DataFrame:
    """The rows of FAIRNESS of a month's models and cards, judged as one family.

    Selection rates are of the month's own scores; true positive rates are of those of the month in
    which the windows began that the month closes. Nothing later than the month is read.

    Args:
        warehouse: with the predictions of the month.
        targets: of the source.
        month: the month.
    """
    picked = [*_of_month(warehouse, month), *_of_windows(warehouse, targets, month)]
    return fairness_of_picked(warehouse, picked, month)


def _of_month(warehouse: Warehouse, month: str) -> Iterator[Picked]:
    """Whom the month's scores pick out, of all that are scored."""
    is_on_top = pl.col("band").is_in(list(REASONED_BANDS))
    for table, kind, value, is_picked in (
        (PREDICTION, MODEL, TOP_FIFTH, is_on_top),
        (CREDIT_SCORE, CARD, ACCEPT, pl.col("suggested") == ACCEPT),
    ):
        if not warehouse.materialized(table).get(month):
            continue
        scores = warehouse.scan(table, [month])
        targets = scores.select(pl.col("target").unique().sort()).collect().to_series()
        for target in targets:
            own = scores.filter(pl.col("target") == target)
            rows = own.select("customer_id", is_picked.alias("selected")).collect()
            yield Picked(f"{kind} {target}", value, month, rows)


def _of_windows(warehouse: Warehouse, targets: Targets, month: str) -> Iterator[Picked]:
    """Whom scores picked out, of those to whom it then happened, or did not where it is a risk."""
    is_on_top = pl.col("band").is_in(list(REASONED_BANDS))
    for window in predicted_windows(warehouse, targets, month):
        rows = window.rows.filter("hit").select("customer_id", is_on_top.alias("selected"))
        code = window.asked.code
        yield Picked(f"{MODEL} {code}", TOP_FIFTH, window.base_month, rows, code)
    if not warehouse.materialized(CREDIT_SCORE):
        return
    for scored in closed_scores(warehouse, targets, month):
        is_accepted = pl.col("suggested") == ACCEPT
        good = scored.rows.filter(~pl.col("hit"))
        rows = good.select("customer_id", is_accepted.alias("selected"))
        code = scored.asked.code
        yield Picked(f"{CARD} {code}", ACCEPT, scored.base_month, rows, f"{NOT}{code}")
