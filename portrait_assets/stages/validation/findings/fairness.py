"""Findings on fairness: of each tag the groups that differ, and what is not known of whom."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from portrait_assets.stages.validation.contract import Area, Attribute, Parity, Verdict
from portrait_assets.stages.validation.fairness.tags import BOTTOM_FIFTH, TOP_FIFTH
from portrait_assets.stages.validation.findings.finding import finding, judged, when

LEAST_KNOWN = 0.5
KNOWN, DIFFERING = "share of whom it is known", "groups that differ"
_NAMED = 3  # Groups named in a finding; the rest are counted.
ZH = {str(Attribute.GENDER): "性别", str(Attribute.AGE): "年龄", str(Attribute.REGION): "地区"}
"""The names of the attributes in Chinese."""
_FIFTHS_ZH = {TOP_FIFTH: "前五分之一", BOTTOM_FIFTH: "后五分之一"}


def fairness_findings(rows: pl.DataFrame, known: Mapping[Attribute, float | None]) -> pl.DataFrame:
    """By attribute how far it is known, and per tag how many groups differ.

    Args:
        rows: the month's rows of FAIRNESS.
        known: by attribute the share of customers of whom it is known.
    """
    return pl.concat([_known(known), _differing(rows)])


def _known(known: Mapping[Attribute, float | None]) -> pl.DataFrame:
    rows = pl.DataFrame(
        [
            {"attribute": str(attribute), "zh": ZH[str(attribute)], "share": share or 0.0}
            for attribute, share in known.items()
        ],
        schema={"attribute": pl.String, "zh": pl.String, "share": pl.Float64},
    )
    share, percent = pl.col("share"), (pl.col("share") * 100).round(1)
    en, zh = pl.col("attribute"), pl.col("zh")
    return finding(
        rows,
        Area.FAIRNESS,
        en,
        KNOWN,
        share,
        *judged(
            (
                share == 0,
                Verdict.NOT_JUDGED,
                pl.format("The {} of no customer is known, so fairness by it is not judged.", en),
                pl.format("没有任何客户的{}已知，无法按其检验公平性。", zh),
            ),
            (
                share < LEAST_KNOWN,
                Verdict.NOT_JUDGED,
                pl.format(
                    "The {} of only {} % of customers is known; what is found is of these.",
                    *(en, percent),
                ),
                pl.format("仅{}%的客户{}已知，结论仅限于这些客户。", percent, zh),
            ),
            otherwise=(
                Verdict.PASS,
                pl.format("The {} of {} % of customers is known.", en, percent),
                pl.format("{}%的客户{}已知。", percent, zh),
            ),
        ),
        threshold=LEAST_KNOWN,
    )


def _group_zh() -> pl.Expr:
    """The attribute and group in Chinese; of words of the source as they are."""
    level = pl.col("level")
    years = (
        level.str.replace(r"^under (\d+)$", "${1}岁以下")
        .str.replace(r"^(\d+) and over$", "${1}岁及以上")
        .str.replace(r"^(\d+)-(\d+)$", "${1}至${2}岁")
    )
    is_age = pl.col("attribute") == str(Attribute.AGE)
    return pl.concat_str(
        pl.col("attribute").replace(ZH), pl.when(is_age).then(years).otherwise(level)
    )


def _differing(rows: pl.DataFrame) -> pl.DataFrame:
    differs = pl.col("verdict") == Parity.DIFFERS
    is_judged = pl.col("verdict").is_in([str(Parity.DIFFERS), str(Parity.PARITY)])
    shown = pl.format(
        "{} {} {} ({} against {})",
        *("attribute", "level", "tag_value"),
        *(pl.col(name).round(3) for name in ("rate", "rest_rate")),
    )
    shown_zh = pl.format(
        "{}的{}（{}，其他客户{}）",
        _group_zh(),
        pl.col("tag_value").replace(_FIFTHS_ZH),
        *(pl.col(name).round(3) for name in ("rate", "rest_rate")),
    )
    by_tag = (
        rows.filter(pl.col("tag_code") != "segment_id")
        .sort(pl.col("difference").abs(), descending=True, nulls_last=True, maintain_order=True)
        .group_by("tag_code", maintain_order=True)
        .agg(
            differs.sum().alias("differing"),
            is_judged.sum().alias("judged"),
            shown.filter(differs).head(_NAMED).str.join("; ").alias("groups"),
            shown_zh.filter(differs).head(_NAMED).str.join("；").alias("groups_zh"),
        )
        .sort("tag_code")
    )
    groups, count = pl.col("groups"), pl.col("differing")
    is_more, rest = count > _NAMED, count - _NAMED
    more = when((is_more, pl.format("; and {} more", rest)), otherwise="")
    more_zh = when((is_more, pl.format("；另有{}组", rest)), otherwise="")
    none = pl.col("judged") == 0
    return finding(
        by_tag,
        Area.FAIRNESS,
        pl.col("tag_code"),
        DIFFERING,
        pl.when(~none).then(count),
        *judged(
            (
                none,
                Verdict.NOT_JUDGED,
                "Too few customers by group are known for a verdict.",
                "各组已知客户过少，无法判断。",
            ),
            (
                count == 0,
                Verdict.PASS,
                "No group was found to get it less or more often by more than a fifth.",
                "未发现任何一组的比率与其他客户相差超过五分之一。",
            ),
            otherwise=(
                Verdict.WARN,
                pl.format(
                    "Differs for {}{}; see whether the rule has a reason that holds for each "
                    "customer, and otherwise change it.",
                    *(groups, more),
                ),
                pl.format(
                    "存在差异：{}{}；请核实规则对每位客户是否有合理依据，否则应修改。",
                    *("groups_zh", more_zh),
                ),
            ),
        ),
        threshold=0.0,
    )
