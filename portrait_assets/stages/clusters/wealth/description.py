"""What the wealth segments of a month are: names, sizes, rules, what they hold and take."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.asked.model import FIT_ROWS, AskedModel
from portrait_assets.methods.clustering.asked.support import density_gaps
from portrait_assets.methods.clustering.preparation.preparation import FeatureUse
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.methods.clustering.rules import segment_rules
from portrait_assets.methods.clustering.selection.evidence import pairwise_recovery
from portrait_assets.schema.table import MONEY_SCALE
from portrait_assets.stages.clusters.names.naming import distinct_names, name_of
from portrait_assets.stages.clusters.names.values import category_names
from portrait_assets.stages.clusters.names.vocabulary import Business, Term, Words
from portrait_assets.stages.clusters.names.words import Label, words_of_segments
from portrait_assets.stages.clusters.profile import profile_segments
from portrait_assets.stages.clusters.wealth.contract import (
    UNSAID_OF_FEW,
    WEALTH_DESCRIPTION,
    WEALTH_HOLDING,
)
from portrait_assets.stages.clusters.wealth.inputs import ASSETS, FLOW, TENURE, TRAITS, Wealth

QUALITY_ROWS = 1_000
HIGHER_TOLERANCE = ("higher risk tolerance", "风险承受力偏高")
LOWER_TOLERANCE = ("lower risk tolerance", "风险承受力偏低")
Names = Mapping[int, Label]
"""By segment its name in English and Chinese."""


def named(
    model: AskedModel, wealth: Wealth, assigned: pl.DataFrame, before: Names, smallest: int
) -> dict[int, Label]:
    """The names of the segments: as before for those that were kept, and true of most customers.

    Args:
        model: that holds.
        wealth: the customers of the month.
        assigned: their customer_id and segment_id.
        before: the names of the month before.
        smallest: fewest customers of a level that is listed by itself, and of a segment that
            words are found for.
    """
    became = dict(zip(model.ids, model.status, strict=True))
    kept = {s: before[s] for s in model.ids if s in before and became[s] == "kept"}
    if len(kept) == model.segments:
        return kept
    uses = [FeatureUse(name, "wealth") for name in (*wealth.amounts, ASSETS, *TRAITS)]
    profile = profile_segments(wealth.features, assigned, uses, smallest=smallest)
    profile = profile.filter(pl.col("customers") >= smallest)
    terms = _terms(wealth.amounts)
    words = words_of_segments(
        wealth.features, assigned, profile, terms=terms, business=Business.BANK
    )
    candidates = {segment: words.get(segment, []) for segment in model.ids if segment not in kept}
    taken = {-segment: name for segment, name in kept.items()}
    found = distinct_names(candidates, taken=taken)
    return kept | {segment: name_of(own) for segment, own in found.items()}


def _terms(amounts: tuple[str, ...]) -> dict[str, Words]:
    """The words for what is held and owed, for tenure in logarithms and for the flow."""
    found = {
        TENURE: Words("", "tenure", Term("long-standing", "老客"), Term("newer", "新客")),
        FLOW: Words(
            "",
            "flow",
            Term("growing assets", "资产流入", at_least=0.005),
            Term("falling assets", "资产流出", at_most=-0.005),
        ),
        "risk_tolerance": Words(
            "",
            "risk_appetite",
            Term("high risk tolerance", "风险承受力高", 4, otherwise=HIGHER_TOLERANCE),
            Term("low risk tolerance", "风险承受力低", at_most=2, otherwise=LOWER_TOLERANCE),
        ),
        ASSETS: Words("", "assets", Term("high assets", "高资产"), Term("low assets", "低资产")),
    }
    for name in amounts:
        side, _, category = name.partition("_")
        has, has_zh = ("holding", "持有") if side == "held" else ("owing", "欠")
        en, zh = category_names(category)
        more, less = (f"more {en}", f"{zh}偏多"), (f"less {en}", f"{zh}偏少")
        found[name] = Words(
            "",
            name,
            Term(f"{has} {en}", f"{has_zh}{zh}", at_least=0.01, otherwise=more),
            Term(f"no {en}", f"无{zh}", at_most=0, otherwise=less),
        )
    return found


def description_rows(
    model: AskedModel,
    wealth: Wealth,
    assigned: pl.DataFrame,
    names: Names,
    is_new: bool,
    smallest: int,
) -> pl.DataFrame:
    """The rows of `clusters.wealth_description`, without the month.

    Of a segment of fewer than `smallest` customers they have no more than name, size and origin,
    and the shares of what is held are of what the others hold, whose rules tell them apart alone.
    """
    of_all = pl.col("held").filter(pl.col("customers") >= smallest).sort().sum()
    sizes = (
        wealth.features.select("customer_id", ASSETS)
        .join(assigned, on="customer_id")
        .group_by("segment_id")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col(ASSETS).sort().sum().alias("held"),
        )
        .with_columns(
            (pl.col("customers") / wealth.features.height).round(6).alias("share"),
            pl.when(of_all > 0).then((pl.col("held") / of_all).round(6)).alias("asset_share"),
        )
    )
    enough = sizes.filter(pl.col("customers") >= smallest)
    others = assigned.join(enough, on="segment_id", how="semi")
    uses = [FeatureUse(name, "wealth") for name in (*wealth.amounts, *TRAITS)]
    known = [use for use in uses if wealth.features[use.name].null_count() < assigned.height]
    rules = segment_rules(wealth.features, others, known).rename(
        {name: f"rule_{name}" for name in ("fidelity", "precision", "recall")}
    )
    segments = pl.DataFrame(
        {
            "segment_id": model.ids,
            "status": model.status if is_new else ["kept"] * model.segments,
            "from_segments": _origins(model, is_new),
            "name": [names[segment].en for segment in model.ids],
            "name_zh": [names[segment].zh for segment in model.ids],
        },
        schema_overrides={"segment_id": pl.Int64, "from_segments": pl.List(pl.String)},
    ).with_columns(model_version=pl.lit(model.version))
    return (
        segments.join(sizes, on="segment_id", how="left")
        .with_columns(pl.col("customers", "share").fill_null(0))
        .join(rules, on="segment_id", how="left")
        .join(_quality(model, wealth), on="segment_id", how="left")
        .with_columns(pl.when(pl.col("customers") >= smallest).then(pl.col(UNSAID_OF_FEW)))
        .sort("segment_id")
        .select(name for name in WEALTH_DESCRIPTION.column_names if name != "as_of")
    )


def _origins(model: AskedModel, is_new: bool) -> list[list[str]]:
    """By segment those of the model before that one which was split or merged is made of."""
    if not (is_new and model.origins):
        return [[] for _ in model.ids]
    return [
        [str(each) for each in origins] if status in ("split", "merged") else []
        for status, origins in zip(model.status, model.origins, strict=True)
    ]


def _quality(model: AskedModel, wealth: Wealth) -> pl.DataFrame:
    points = model.space.points(canonical_sample(wealth.features, FIT_ROWS))
    places = nearest_rows(points, model.centres)
    gaps = density_gaps(points, places, model.centres)
    recovered = pairwise_recovery(points[:QUALITY_ROWS], places[:QUALITY_ROWS])
    return pl.DataFrame(
        {
            "segment_id": model.ids,
            "density_gap": [round(gap, 6) for gap in gaps],
            "stability": [
                round(recovered[place], 6) if place in recovered else None
                for place in range(model.segments)
            ],
        },
        schema_overrides={"segment_id": pl.Int64, "stability": pl.Float64},
    )


def holding_rows(
    wealth: Wealth, assigned: pl.DataFrame, taken: pl.DataFrame, smallest: int
) -> pl.DataFrame:
    """The rows of `clusters.wealth_holding`, without the month.

    Shares and amounts of fewer than `smallest` customers, or of all but so few, are null, and a
    segment of so few has none.

    Args:
        wealth: the customers of the month.
        assigned: their customer_id and segment_id.
        taken: customer_id and category of what customers took in the last three months.
        smallest: fewest customers that a number may rest on.
    """
    sizes = assigned.group_by("segment_id").agg(pl.len().alias("n"))
    sizes = sizes.filter(pl.col("n") >= smallest)
    everyone = max(1, assigned.height)
    has = wealth.holdings.filter(pl.col("amount") > 0).join(assigned, on="customer_id")
    took = taken.unique(["customer_id", "category"]).join(assigned, on="customer_id")
    kinds = has.select("category", "is_owed").unique()
    by = ["segment_id", "category", "is_owed"]
    holdings = has.group_by(by).agg(
        pl.len().alias("holders"),
        pl.col("amount").median().round(MONEY_SCALE).alias("median_amount"),
    )
    every = has.group_by("category", "is_owed").agg(pl.len().alias("all_holders"))
    takers = took.group_by("segment_id", "category").agg(pl.len().alias("takers"))
    all_takers = took.group_by("category").agg(pl.len().alias("all_takers"))
    lines = (
        sizes.join(kinds, how="cross")
        .join(holdings, on=by, how="left")
        .join(every, on=["category", "is_owed"], how="left")
        .join(takers, on=["segment_id", "category"], how="left")
        .join(all_takers, on="category", how="left")
        .with_columns(pl.col("holders", "takers", "all_takers").fill_null(0))
    )
    shown = {c: _is_shown(c, smallest) for c in ("holders", "takers")}
    base = pl.col("all_holders") / everyone
    share = (pl.col("holders") / pl.col("n")).round(6)
    return (
        lines.with_columns(
            base_share=base.round(6),
            holders_share=pl.when(shown["holders"]).then(share),
            tgi=pl.when(shown["holders"]).then((100 * share / base).round(2)),
            median_amount=pl.when(pl.col("holders") >= smallest).then("median_amount"),
            taken_share=pl.when(shown["takers"]).then((pl.col("takers") / pl.col("n")).round(6)),
            base_taken_share=pl.when(pl.col("all_takers") >= smallest).then(
                (pl.col("all_takers") / everyone).round(6)
            ),
        )
        .sort(by)
        .select(name for name in WEALTH_HOLDING.column_names if name != "as_of")
    )


def _is_shown(count: str, smallest: int) -> pl.Expr:
    """Whether neither those who have it nor those who lack it are few."""
    parts = (pl.col(count), pl.col("n") - pl.col(count))
    return pl.all_horizontal((part == 0) | (part >= smallest) for part in parts)
