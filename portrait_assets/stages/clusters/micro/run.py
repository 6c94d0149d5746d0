"""The micro-segments of months that are materialized together, from one month to the next."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.clustering.asked.model import AskedModel
from portrait_assets.methods.clustering.preparation.preparation import FeatureUse
from portrait_assets.stages.clusters.contract import (
    CLUSTER_ASSIGNMENT,
    CLUSTER_PROFILE,
    CLUSTER_SEGMENT,
)
from portrait_assets.stages.clusters.micro.contract import MICRO_MODEL, MICRO_PROOF, MICRO_SEGMENT
from portrait_assets.stages.clusters.micro.finding import Time, Tried, taken, tried
from portrait_assets.stages.clusters.micro.habits import Habits, habits_of
from portrait_assets.stages.clusters.month_run import MonthRun
from portrait_assets.stages.clusters.names.naming import distinct_names, name_of
from portrait_assets.stages.clusters.names.values import category_names
from portrait_assets.stages.clusters.names.vocabulary import Term, Words
from portrait_assets.stages.clusters.names.words import Label, business_of, words_of_segments
from portrait_assets.stages.clusters.profile import profile_segments
from portrait_assets.stages.clusters.rule import RULE
from portrait_assets.stages.clusters.wealth.contract import WEALTH_SEGMENT
from portrait_assets.stages.features.contract import FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.targets.declared.outcome import Outcome
from portrait_assets.stages.targets.labels import labels, tables_read
from portrait_assets.storage.duckdb.store import Warehouse

HORIZON = 3
"""Months in which outcomes are looked for; a shorter window lies within."""
OUTCOMES = ("silence", "spend", "response", "complaint", "overdue", "product_taken")
"""What parts of a segment may predict."""


class MicroRun(MonthRun):
    """The micro-segments of months in order, models carried from one to the next.

    Args:
        warehouse: with the tables that are read.
        months: that are materialized together.
        all_months: of the source.
        outcomes: the targets that parts are held against.
        smallest: fewest customers that a number may rest on.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        months: Sequence[str],
        all_months: Sequence[str],
        outcomes: Sequence[Outcome],
        smallest: int,
    ) -> None:
        super().__init__(warehouse, months, all_months, smallest)
        self._outcomes = outcomes
        before = warehouse.last_before(MICRO_MODEL, months[0])
        self._parent, self._models = _models_from(before)
        segments = warehouse.last_before(MICRO_SEGMENT, months[0])
        self._names = {} if segments is None else _names_from(segments)
        self._proof = warehouse.last_before(MICRO_PROOF, months[0])

    def _of_month(self, month: str) -> pl.DataFrame:
        parent, segments = self._segments_of(month)
        if parent != self._parent:
            self._parent, self._models, self._names, self._proof = parent, {}, {}, None
        quarter = RULE.challenge.refit_months
        if (self._all.index(month) + 1) % quarter == 0 and segments.height:
            self._search(month)
        if self._proof is not None:
            self._put(MICRO_PROOF, self._proof, month)
        if not self._models:
            return MICRO_SEGMENT.empty()
        return self._assigned(month, segments)

    def _segments_of(self, month: str) -> tuple[str, pl.DataFrame]:
        """The kind of segments that a month's parts are of, and who is in which, with its name."""
        columns = ("customer_id", "segment_id", "name", "name_zh")
        if self._warehouse.materialized(WEALTH_SEGMENT).get(month):
            return "wealth", self._warehouse.read(WEALTH_SEGMENT, [month]).select(columns)
        assigned, named = (
            self._warehouse.read(table, [month]) for table in (CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT)
        )
        names = named.select("segment_id", pl.col("name_en").alias("name"), "name_zh")
        return "cluster", assigned.join(names, on="segment_id").select(columns)

    def _search(self, month: str) -> None:
        times = [self._time(month, ago) for ago in (2 * HORIZON, HORIZON)]
        earlier, later = times
        if earlier is None or later is None:
            return
        divisions = tried(earlier[0], later[0], earlier[1].columns)
        found = taken(divisions)
        kept = self._models
        self._models = {segment: each.model for segment, each in found.items()}
        same = {s for s, m in self._models.items() if s in kept and kept[s].version == m.version}
        self._names = {key: name for key, name in self._names.items() if key[0] in same}
        self._proof = _proof_rows(divisions, found, self._parent, month)

    def _time(self, month: str, ago: int) -> tuple[Time, Habits] | None:
        base = next_month(month, -ago)
        if base not in self._warehouse.materialized(FEATURE_MATRIX):
            return None
        parent, segments = self._segments_of(base)
        if parent != self._parent or segments.is_empty():
            return None
        objected = self._warehouse.read(UNPROFILED, [month]).select("customer_id")
        habits = habits_of(self._engine, base)
        rows = habits.rows.join(objected, on="customer_id", how="anti", maintain_order="left")
        followed = {
            outcome.code: labels(self._warehouse, outcome, [base], month)
            .filter(pl.col("eligible") & pl.col("hit").is_not_null())
            .select("customer_id", pl.col("hit").cast(pl.String).alias("did"))
            for outcome in self._outcomes
            if self._is_known(outcome, base)
        }
        return Time(rows, segments.select("customer_id", "segment_id"), followed), habits

    def _is_known(self, outcome: Outcome, base: str) -> bool:
        if outcome.prediction_horizon is None:
            return False
        closing = next_month(base, outcome.prediction_horizon)
        return all(closing in self._warehouse.materialized(t) for t in tables_read(outcome))

    def _assigned(self, month: str, segments: pl.DataFrame) -> pl.DataFrame:
        habits = habits_of(self._engine, month)
        assigned = []
        for segment, model in sorted(self._models.items()):
            own = segments.filter(pl.col("segment_id") == segment)
            rows = habits.rows.join(own, on="customer_id", how="semi", maintain_order="left")
            if rows.is_empty():
                continue
            parts = model.assign(rows).rename({"segment_id": "micro_id"})
            self._name(month, segment, own, rows, parts, habits)
            version = pl.lit(model.version).alias("model_version")
            stored = model.to_rows().with_columns(version, pl.lit(segment).alias("segment_id"))
            self._put(MICRO_MODEL, stored.with_columns(parent=pl.lit(self._parent)), month)
            names = [self._names[segment, part] for part in parts["micro_id"]]
            assigned.append(
                parts.with_columns(
                    version,
                    pl.lit(self._parent).alias("parent"),
                    pl.lit(segment, pl.Int64).alias("segment_id"),
                    pl.Series("name", [name.en for name in names], pl.String),
                    pl.Series("name_zh", [name.zh for name in names], pl.String),
                    pl.lit(last_day(month)).alias("as_of"),
                )
            )
        return pl.concat(assigned) if assigned else MICRO_SEGMENT.empty()

    def _name(
        self,
        month: str,
        segment: int,
        members: pl.DataFrame,
        rows: pl.DataFrame,
        parts: pl.DataFrame,
        habits: Habits,
    ) -> None:
        """Name the parts after the segment and what tells them apart, once for a model."""
        numbers = [number for of, number in self._names if of == segment]
        if {*parts["micro_id"].unique()} <= {*numbers}:
            return
        parts = parts.rename({"micro_id": "segment_id"})
        uses = [FeatureUse(name, "habit") for name in habits.columns]
        profile = profile_segments(rows, parts, uses, smallest=self._smallest)
        # Habits alone do not tell what customers are to the source.
        business = business_of(self._warehouse.read(CLUSTER_PROFILE, [month]))
        terms = _terms(habits.columns)
        words = words_of_segments(rows, parts, profile, terms=terms, business=business)
        ids = self._models[segment].ids
        found = distinct_names({number: words.get(number, []) for number in ids})
        name, name_zh = members.select("name", "name_zh").row(0)
        for number, own in found.items():
            en, zh = name_of(own)
            self._names[segment, number] = Label(f"{name}: {en}", f"{name_zh}：{zh}")


def _terms(columns: Sequence[str]) -> dict[str, Words]:
    """The words for shares of categories; other habits have those of the vocabulary."""
    found = {}
    for name in columns:
        if name.startswith("category_"):
            en, zh = category_names(name.removeprefix("category_"))
            high, low = Term(f"more {en}", f"{zh}偏多"), Term(f"less {en}", f"{zh}偏少")
            found[name] = Words("", name, high, low)
    found["purchase_rate"] = Words(
        "", "frequency", Term("frequent", "高频"), Term("infrequent", "低频")
    )
    return found


def _proof_rows(
    divisions: Sequence[Tried], found: dict[int, Tried], parent: str, month: str
) -> pl.DataFrame:
    rows = [
        {
            "parent": parent,
            "segment_id": each.segment,
            "parts": each.model.segments,
            "outcome": each.outcome,
            "smallest_share": each.smallest_share,
            "tests": each.tests,
            "bootstrap_agreement": each.agreement,
            "gain": each.saved.mean,
            "gain_low": each.saved.low,
            "gain_high": each.saved.high,
            "is_taken": found.get(each.segment) is each,
            "reason_en": each.reason[0],
            "reason_zh": each.reason[1],
            "proven_on": last_day(month),
        }
        for each in divisions
    ]
    schema = {k: v for k, v in MICRO_PROOF.polars_schema.items() if k != "as_of"}
    return pl.DataFrame(rows, schema=schema)


def _models_from(rows: pl.DataFrame | None) -> tuple[str, dict[int, AskedModel]]:
    if rows is None or rows.is_empty():
        return "", {}
    models = {
        int(str(segment)): AskedModel.from_rows(own)
        for (segment,), own in rows.sort("segment_id").group_by("segment_id", maintain_order=True)
    }
    return rows["parent"][0], models


def _names_from(segments: pl.DataFrame) -> dict[tuple[int, int], Label]:
    rows = segments.select("segment_id", "micro_id", "name", "name_zh").unique().iter_rows()
    return {(segment, number): Label(en, zh) for segment, number, en, zh in rows}
