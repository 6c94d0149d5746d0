"""The wealth segments of months that are materialized together, from one month to the next."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.clustering.asked.model import AskedModel
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.month_run import MonthRun
from portrait_assets.stages.clusters.names.words import Label
from portrait_assets.stages.clusters.wealth.choosing import Chosen, chosen
from portrait_assets.stages.clusters.wealth.contract import (
    WEALTH_DECISION,
    WEALTH_DESCRIPTION,
    WEALTH_HOLDING,
    WEALTH_MODEL,
    WEALTH_PROOF,
    WEALTH_SEGMENT,
)
from portrait_assets.stages.clusters.wealth.description import description_rows, holding_rows, named
from portrait_assets.stages.clusters.wealth.inputs import Wealth, wealth_of, without_objectors
from portrait_assets.stages.clusters.wealth.proof import Later, in_words, prove
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.targets.contract import PRODUCT_TARGET
from portrait_assets.storage.duckdb.store import Warehouse

HORIZON = 3
"""Months in which the next product is looked for."""
NOTHING = "none"
VERDICT = ("free_choice", "is_found", "statement_en", "statement_zh")


class WealthRun(MonthRun):
    """The wealth segments of months in order, the model carried from one to the next.

    Args:
        warehouse: with the tables that are read.
        months: that are materialized together.
        all_months: of the source.
        asked: how many segments.
        smallest: fewest customers that a number may rest on.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        months: Sequence[str],
        all_months: Sequence[str],
        asked: int,
        smallest: int,
    ) -> None:
        super().__init__(warehouse, months, all_months, smallest)
        self._asked = asked
        self._segments, model, described, self._proof, decided = (
            _before(warehouse, table, months[0])
            for table in (
                WEALTH_SEGMENT,
                WEALTH_MODEL,
                WEALTH_DESCRIPTION,
                WEALTH_PROOF,
                WEALTH_DECISION,
            )
        )
        self._model = None if model is None else AskedModel.from_rows(model)
        self._names = {} if described is None else _names(described)
        self._verdict: dict[str, object] = {} if decided is None else decided.row(0, named=True)

    def _of_month(self, month: str) -> pl.DataFrame:
        wealth = wealth_of(self._engine, month)
        if not wealth.is_known:
            self._forget()
            return WEALTH_SEGMENT.empty()
        choice = chosen(wealth, self._all.index(month) + 1, self._model, self._asked)
        if choice.model is None:
            self._forget()
            self._verdict = _not_made(self._asked)
        elif choice.fitted is not None:
            self._prove(wealth, choice.fitted, month)
        self._decide(choice, month)
        if choice.model is None:
            return WEALTH_SEGMENT.empty()
        return self._describe(choice, choice.model, wealth, month)

    def _describe(
        self, choice: Chosen, model: AskedModel, wealth: Wealth, month: str
    ) -> pl.DataFrame:
        is_new = choice.winner in ("first", "challenger")
        assigned = model.assign(wealth.features, self._segments)
        if is_new or not self._names:
            self._names = named(model, wealth, assigned, self._names, self._smallest)
        taken = self._taken(month).select("customer_id", "category")
        self._model = model
        if self._proof is not None:
            self._put(WEALTH_PROOF, self._proof, month)
        self._put(WEALTH_MODEL, _versioned(model.to_rows(), model), month)
        described = description_rows(model, wealth, assigned, self._names, is_new, self._smallest)
        self._put(WEALTH_DESCRIPTION, described, month)
        self._put(WEALTH_HOLDING, holding_rows(wealth, assigned, taken, self._smallest), month)
        called = pl.DataFrame(
            [(segment, *name) for segment, name in self._names.items()],
            schema={"segment_id": pl.Int64, "name": pl.String, "name_zh": pl.String},
            orient="row",
        )
        named_ = assigned.join(called, on="segment_id", maintain_order="left")
        self._segments = _versioned(named_, model).with_columns(as_of=pl.lit(last_day(month)))
        return self._segments

    def _prove(self, wealth: Wealth, model: AskedModel, month: str) -> None:
        proof = prove(wealth, model, *(self._later(month, ago) for ago in (2 * HORIZON, HORIZON)))
        self._proof = proof.rows.with_columns(proven_on=pl.lit(last_day(month)))
        self._verdict = dict(
            zip(VERDICT, (proof.free, proof.is_found, *proof.statement), strict=True)
        )

    def _later(self, month: str, ago: int) -> Later | None:
        """The customers of a month some time ago, and what they took in the months after it."""
        base = next_month(month, -ago)
        closing = next_month(base, HORIZON)
        needed = ((FEATURE_MATRIX, base), (PRODUCT_TARGET, closing))
        if any(each not in self._warehouse.materialized(table) for table, each in needed):
            return None
        wealth = without_objectors(wealth_of(self._engine, base), self._engine, month)
        if not wealth.is_known:
            return None
        kinds = wealth.holdings["category"].unique().implode()
        taken = self._taken(closing).filter(pl.col("category").is_in(kinds))
        # Of several products the first by name.
        first = taken.group_by("customer_id").agg(pl.col("category").min().alias("did"))
        did = wealth.features.select("customer_id").join(
            first, on="customer_id", how="left", maintain_order="left"
        )
        return Later(wealth, did.with_columns(pl.col("did").fill_null(NOTHING)))

    def _taken(self, month: str) -> pl.DataFrame:
        """What customers took in the window that the month closes."""
        if month not in self._warehouse.materialized(PRODUCT_TARGET):
            return PRODUCT_TARGET.empty()
        rows = self._warehouse.read(PRODUCT_TARGET, [month])
        return rows.filter(pl.col("horizon") == HORIZON)

    def _decide(self, choice: Chosen, month: str) -> None:
        model = choice.model
        decision = {
            "asked": self._asked,
            "segments": model.segments if model else 0,
            "winner": choice.winner,
            "reason": choice.reason,
            "model_version": model.version if model else None,
            **{name: self._verdict.get(name) for name in VERDICT},
        }
        schema = {"free_choice": pl.Int64, "is_found": pl.Boolean, "model_version": pl.String}
        self._put(WEALTH_DECISION, pl.DataFrame([decision], schema_overrides=schema), month)

    def _forget(self) -> None:
        self._model, self._segments, self._proof = None, None, None
        self._names, self._verdict = {}, {}


def _before(warehouse: Warehouse, table: Table, month: str) -> pl.DataFrame | None:
    """The rows of the newest month before this one, None for none."""
    rows = warehouse.last_before(table, month)
    return None if rows is None or rows.is_empty() else rows


def _names(described: pl.DataFrame) -> dict[int, Label]:
    rows = described.sort("segment_id").select("segment_id", "name", "name_zh").iter_rows()
    return {segment: Label(en, zh) for segment, en, zh in rows}


def _versioned(rows: pl.DataFrame, model: AskedModel) -> pl.DataFrame:
    return rows.with_columns(model_version=pl.lit(model.version))


def _not_made(asked: int) -> dict[str, object]:
    en, zh = in_words(asked)
    return {
        "statement_en": f"{en.capitalize()} wealth segments cannot be made of these customers yet.",
        "statement_zh": f"目前尚无法将客户划分为{zh}个财富客群。",
    }
