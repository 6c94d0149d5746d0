"""What became of those whom a card scored: windows that a month closes, and the curves of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.stages.predictions.asked import Asked, asked_of
from portrait_assets.stages.predictions.backtests.closed import windows_until
from portrait_assets.stages.predictions.credit.allowing import Allowing, allowing
from portrait_assets.stages.predictions.credit.contract import (
    CREDIT_CURVE,
    CREDIT_DECISION,
    CREDIT_SCORE,
    VINTAGE,
)
from portrait_assets.stages.predictions.credit.outcomes.curve import Vintage, cut_rows, vintage_row
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine


def of_credit(targets: Targets) -> Targets:
    """The targets of credit."""
    return Targets(tuple(each for each in targets.outcomes if each.is_credit))


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


def closed_scores(warehouse: Warehouse, targets: Targets, month: str) -> Iterator[Vintage]:
    """By target of credit those whose window the month closes, with what happened to them."""
    asked = asked_of(warehouse, of_credit(targets), month)
    allowed = allowing(warehouse, month) if asked else None
    for each in asked:
        assert allowed is not None
        closed = _closed(warehouse, each, month, asked, allowed)
        if closed is not None and closed.is_over:
            yield closed


def _scored(warehouse: Warehouse, asked: Asked, month: str) -> Vintage | None:
    """Those that are scored at the month's end; None where nobody is."""
    if not warehouse.materialized(CREDIT_SCORE).get(month):
        return None
    own = (pl.col("target") == asked.code) & (pl.col("horizon") == asked.horizon)
    rows = (
        warehouse.scan(CREDIT_SCORE, [month])
        .filter(own)
        .select("customer_id", "points", "probability", "suggested")
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
    past = Past(windows_until(warehouse, engine, month), month, together)
    if base not in past.closed(asked.horizon):
        return None
    known = past.with_features(past.happened(asked, base), base)
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
