"""Scores of a month: probability, rank, band and reasons of every customer who is asked about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.months import last_day
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.reasons import reasons
from portrait_assets.methods.prediction.together import margins
from portrait_assets.schema.probability import DIGITS, stored
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.contract import BAND_ENDS, BANDS, PREDICTION, REASONED_BANDS
from portrait_assets.stages.predictions.learning.active import Active
from portrait_assets.stages.predictions.learning.past.labels import INPUTS, askable_step
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope

REASONS = ("reason_1", "reason_2", "reason_3")
_WINDOW = re.compile(r"_\d+m$")


def _families_of_features() -> Mapping[str, str]:
    """By feature the first that has its name, over whatever window."""
    firsts: dict[str, str] = {}
    for name in INPUTS:
        firsts.setdefault(_WINDOW.sub("", name), name)
    return {name: firsts[_WINDOW.sub("", name)] for name in INPUTS}


GROUPS = _families_of_features()
"""Reasons of trees are of groups of features: those of one name over several windows say much the
same, and count as the first of them."""


@dataclass(frozen=True)
class Ordered:
    """Whom a target asks about in a month, in the order of `customer_id`.

    `known` has `customer_id`, the `order` by which they are ranked, and the probability `p`.
    """

    asked: Asked
    active: Active
    known: pl.DataFrame


def scored(
    warehouse: Warehouse, engine: Engine, month: str, active: Sequence[tuple[Asked, Active]]
) -> Iterator[pl.DataFrame]:
    """The rows of `predictions.prediction` of a month, target by target.

    Until its rows are asked for, two numbers of each customer are held of a target.

    Args:
        warehouse: with the feature matrix of the month, which is read in parts.
        engine: on its connection.
        month: the month.
        active: the targets, and what scores each.
    """
    parts = _parts_read(warehouse, month)
    customers, numbers = _numbers(parts, active)
    targets = []
    for asked, scorer in active:
        order, probability = numbers.pop(0)
        known = pl.DataFrame({"customer_id": customers, "order": order, "p": probability})
        if asked.is_of_some:
            askable = engine.frame(askable_step(asked), Scope(month))
            known = known.join(askable, on="customer_id", how="semi", maintain_order="left")
        targets.append(Ordered(asked, scorer, known))
    found = _reasons(parts, targets)
    del parts
    while targets:
        target = targets.pop(0)
        rows = rows_of(target.known, target.asked, target.active, month)
        own = found.pop(target.asked.key, None)
        if own is not None:
            rows = rows.join(own, on="customer_id", how="left", maintain_order="left")
        else:
            rows = rows.with_columns(pl.lit(None, pl.String).alias(name) for name in REASONS)
        yield rows.select(PREDICTION.column_names)


def rows_of(known: pl.DataFrame, asked: Asked, active: Active, month: str) -> pl.DataFrame:
    """The rows of `predictions.prediction` of one target, without reasons.

    Args:
        known: `customer_id`, the `order` by which they are ranked, and the probability `p`.
        asked: the target.
        active: what scores it.
        month: the month.
    """
    probability = known["p"].to_numpy()
    low, high = active.interval(probability)
    order, place = pl.col("order"), _place()
    band = pl.lit(BANDS[-1])
    for end, name in reversed(list(zip(BAND_ENDS, BANDS[:-1], strict=True))):
        band = pl.when(place < end).then(pl.lit(name)).otherwise(band)
    rows = known.with_columns(
        pl.lit(last_day(month)).alias("as_of"),
        pl.lit(asked.code).alias("target"),
        pl.lit(asked.horizon, pl.UInt32).alias("horizon"),
        pl.lit(active.version).alias("model_version"),
        pl.lit(active.basis).alias("basis"),
        pl.Series("score", stored(probability)).fill_nan(None),
        *(
            pl.Series(name, values).fill_nan(None).round(DIGITS)
            for name, values in (("low", low), ("high", high))
        ),
        order.rank("min", descending=True).cast(pl.UInt32).alias("rank"),
        band.alias("band"),
    )
    # Rounded on its own an end may come to lie on the other side. Both skip what is not known.
    return rows.with_columns(
        pl.when(pl.col("low").is_not_null()).then(pl.min_horizontal("low", "score")).alias("low"),
        pl.when(pl.col("high").is_not_null())
        .then(pl.max_horizontal("high", "score"))
        .alias("high"),
    ).drop("order", "p")


def _place() -> pl.Expr:
    """The share of customers who are likelier by `order`; equal ones share the middle."""
    return (pl.col("order").rank("average", descending=True) - 0.5) / pl.len()


def as_inputs(frame: pl.DataFrame) -> pl.DataFrame:
    """The features as models read them: amounts of money as numbers."""
    return frame.select("customer_id", *INPUTS).with_columns(
        pl.selectors.decimal().cast(pl.Float64)
    )


def parts_of_matrix(warehouse: Warehouse, month: str) -> Iterator[pl.DataFrame]:
    """The features of the month's customers, some customers at a time."""
    parts = _parts(warehouse, month)
    for part in range(parts):
        yield as_inputs(warehouse.read_part(FEATURE_MATRIX, month, part, parts, ["customer_id"]))


def _parts(warehouse: Warehouse, month: str) -> int:
    customers = warehouse.materialized(FEATURE_MATRIX)[month]
    return max(1, -(-customers // warehouse.bounds.matrix_customers))


def _parts_read(warehouse: Warehouse, month: str) -> Callable[[], Iterable[pl.DataFrame]]:
    """Gives the parts as often as it is called; where there is one, it is read once."""
    if _parts(warehouse, month) > 1:
        return partial(parts_of_matrix, warehouse, month)
    only = [*parts_of_matrix(warehouse, month)]
    return lambda: only


def _numbers(
    parts_read: Callable[[], Iterable[pl.DataFrame]], active: Sequence[tuple[Asked, Active]]
) -> tuple[pl.Series, list[tuple[Floats, Floats]]]:
    """The customers in order; of each target the order and the probability of all of them."""
    customers: list[pl.Series] = []
    parts: list[list[tuple[Floats, Floats]]] = [[] for _ in active]
    for part in parts_read():
        customers.append(part["customer_id"])
        for own, found in zip(parts, _of_part(part, [each for _, each in active]), strict=True):
            own.append(found)
    together = pl.concat(customers)
    in_order = together.arg_sort().to_numpy()
    numbers = []
    while parts:
        orders, probabilities = zip(*parts.pop(0), strict=True)
        probability = np.concatenate(probabilities)[in_order]
        # By a model customers are ordered by the probability itself: it is held once.
        is_one = orders[0] is probabilities[0]
        order = probability if is_one else np.concatenate(orders)[in_order]
        numbers.append((order, probability))
    return together.gather(in_order), numbers


def _of_part(part: pl.DataFrame, active: Sequence[Active]) -> Iterator[tuple[Floats, Floats]]:
    """The order and the probability of these customers by each of what is active."""
    models = {
        at: each.learned
        for at, each in enumerate(active)
        if isinstance(each.learned, PredictionModel)
    }
    by_model = dict(zip(models, margins([*models.values()], part), strict=True))
    for at, each in enumerate(active):
        if at in models:
            probability = models[at].probability_at(by_model[at])
            yield probability, probability
        else:
            yield each.order(part), each.probability(part)


def _reasons(
    parts_read: Callable[[], Iterable[pl.DataFrame]], targets: Sequence[Ordered]
) -> dict[tuple[str, int], pl.DataFrame]:
    """Reasons by customer of the bands on top, of each target that a model scores."""
    is_reasoned = _place() < BAND_ENDS[len(REASONED_BANDS) - 1]
    wanted = {
        each.asked.key: (
            each.active.learned,
            each.known.filter(is_reasoned).select("customer_id"),
        )
        for each in targets
        if isinstance(each.active.learned, PredictionModel)
    }
    if not wanted:
        return {}
    found: dict[tuple[str, int], list[pl.DataFrame]] = {key: [] for key in wanted}
    for part in parts_read():
        for key, (model, customers) in wanted.items():
            own = part.join(customers, on="customer_id", how="semi", maintain_order="left")
            groups = GROUPS if model.family == "trees" else None
            why = reasons(model, own, groups)
            found[key].append(pl.concat([own.select("customer_id"), why], how="horizontal"))
    return {key: pl.concat(parts) for key, parts in found.items()}
