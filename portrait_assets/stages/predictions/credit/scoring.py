"""Credit scores of a month: points, probability, band and reasons of whom a card scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.scorecard.card.reasons import reasons
from portrait_assets.schema.probability import stored
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.credit.allowing import Allowing
from portrait_assets.stages.predictions.credit.card import Card
from portrait_assets.stages.predictions.credit.contract import CREDIT_SCORE
from portrait_assets.stages.predictions.learning.past.labels import askable_step
from portrait_assets.stages.predictions.scoring import parts_of_matrix
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope

Key = tuple[str, int]


class Counts(NamedTuple):
    """How many customers were scored, and how many were not, and why."""

    scored: int
    not_asked: int
    not_allowed: int


def scores_of(
    warehouse: Warehouse,
    engine: Engine,
    month: str,
    cards: Sequence[tuple[Asked, Card]],
    allowing: Allowing,
) -> Iterator[tuple[Asked, pl.DataFrame, Counts]]:
    """The rows of `predictions.credit_score` of a month, target by target.

    Args:
        warehouse: with the feature matrix of the month, which is read in parts.
        engine: on its connection.
        month: the month.
        cards: the targets that have a card.
        allowing: who allows the use for credit.
    """
    if not cards:
        return
    customers = _customers(warehouse, month)
    askable = {each.key: _askable(engine, each, month, customers) for each, _ in cards}
    scored = {key: allowing.of(who) for key, who in askable.items()}
    found: dict[Key, list[pl.DataFrame]] = {each.key: [] for each, _ in cards}
    for part in parts_of_matrix(warehouse, month):
        for each, card in cards:
            own = part.join(scored[each.key], on="customer_id", how="semi", maintain_order="left")
            found[each.key].append(rows_of(own, each, card, month))
    for each, _ in cards:
        counts = Counts(
            scored[each.key].height,
            customers.height - askable[each.key].height,
            askable[each.key].height - scored[each.key].height,
        )
        yield each, pl.concat(found[each.key]).sort("customer_id"), counts


def rows_of(features: pl.DataFrame, asked: Asked, card: Card, month: str) -> pl.DataFrame:
    """The rows of `predictions.credit_score` of these customers by one card."""
    of = card.scorecard
    points = of.points(features)
    band = of.band(points)
    suggested: Mapping[str, str] = {each.name: each.suggested for each in of.bands}
    in_chinese = reasons(of, features, chinese=True)
    columns = {
        "customer_id": features["customer_id"],
        "points": points,
        "probability": stored(of.probability(points)),
        "band": band,
        "suggested": band.replace_strict(suggested, return_dtype=pl.String),
    }
    return (
        pl.DataFrame(columns)
        .hstack(reasons(of, features))
        .hstack(in_chinese.rename({name: f"{name}_zh" for name in in_chinese.columns}))
        .with_columns(
            pl.lit(last_day(month)).alias("as_of"),
            pl.lit(asked.code).alias("target"),
            pl.lit(asked.horizon).alias("horizon"),
            pl.lit(card.version).alias("model_version"),
        )
        .select(pl.col(name).cast(kind) for name, kind in CREDIT_SCORE.polars_schema.items())
    )


def _customers(warehouse: Warehouse, month: str) -> pl.DataFrame:
    day = literal(last_day(month))
    return warehouse.select(
        f"SELECT customer_id FROM {FEATURE_MATRIX.full_name} WHERE as_of = DATE {day} "
        "ORDER BY customer_id"
    )


def _askable(engine: Engine, asked: Asked, month: str, customers: pl.DataFrame) -> pl.DataFrame:
    """Whom the target asks about, where that is known beforehand; otherwise everybody."""
    if asked.outcome.eligible == "true" or not asked.is_known_beforehand:
        return customers
    askable = engine.frame(askable_step(asked), Scope(month))
    return customers.join(askable, on="customer_id", how="semi", maintain_order="left")
