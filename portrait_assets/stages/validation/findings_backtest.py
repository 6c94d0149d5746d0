"""Findings on backtests and proposals: what came true, and what would have predicted it better."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from portrait_assets.stages.validation.claims import Claim
from portrait_assets.stages.validation.contract import Area, Verdict
from portrait_assets.stages.validation.findings import finding
from portrait_assets.stages.validation.findings_evidence import not_judged, when

_CHANCE = 0.5


def backtest_findings(
    backtest: pl.DataFrame,
    claims: Sequence[Claim],
    tags: Collection[str],
    not_provided: Collection[str],
) -> pl.DataFrame:
    """Per claim whether it came true, or why that cannot be judged.

    Args:
        backtest: the month's rows of `validation.backtest`.
        claims: every claim that is tested.
        tags: columns of the portrait matrix.
        not_provided: canonical tables that the source leaves out.
    """
    areas = backtest.filter(pl.col("metric") == "auc")
    measured = finding(
        areas.with_columns(
            *(pl.col(name).round(3).alias(f"{name}_") for name in ("value", "low", "high")),
            pl.col("baseline_value").round(3).alias("baseline_value_"),
            pl.col("baseline")
            .replace({"last month repeated": "沿用上月", "base rate": "基准率"})
            .alias("baseline_zh"),
        ),
        Area.BACKTEST,
        pl.col("test"),
        pl.format(
            "AUC, {} on",
            pl.when(pl.col("horizon_months") == 1)
            .then(pl.lit("1 month"))
            .otherwise(pl.format("{} months", "horizon_months")),
        ),
        pl.col("value"),
        pl.col("verdict"),
        (_backtest_en(), _backtest_zh()),
        threshold=_CHANCE,
        interval=("low", "high"),
    )
    tested = set(areas["tag_code"].to_list())
    seen = {
        (row["tag_code"], row["outcome"])
        for row in areas.select("tag_code", "outcome").iter_rows(named=True)
    }
    missing = []
    for claim in claims:
        answered = claim.outcome.is_named_by_source and claim.tag in tested
        if answered or (claim.tag, str(claim.outcome)) in seen:
            continue
        en, zh = _reason(claim, tags, not_provided)
        missing.append(not_judged(Area.BACKTEST, claim.name, "AUC", en, zh))
    return pl.concat([measured, *missing])


def _backtest_en() -> pl.Expr:
    numbers = _available(
        ("{} of {} customers", "hits", "customers"),
        ("; AUC {} ({} to {})", "value_", "low_", "high_"),
        (", {} {}", "baseline", "baseline_value_"),
        end=".",
    )
    judgement = when(
        (pl.col("verdict") == Verdict.PASS, "It tells them apart, better than the baseline."),
        (pl.col("verdict") == Verdict.WARN, "Not surely better than the baseline: use either."),
        (
            pl.col("verdict") == Verdict.FAIL,
            "Worse than the baseline: see the proposals, or use the baseline.",
        ),
        otherwise="Too few to judge.",
    )
    return pl.concat_str([judgement, numbers], separator=" ")


def _backtest_zh() -> pl.Expr:
    numbers = _available(
        ("{}/{}位客户", "hits", "customers"),
        (";AUC {}({}至{})", "value_", "low_", "high_"),
        (",{}{}", "baseline_zh", "baseline_value_"),
        end="。",
    )
    judgement = when(
        (pl.col("verdict") == Verdict.PASS, "区分有效,优于简单规则。"),
        (pl.col("verdict") == Verdict.WARN, "不能确定优于简单规则:二者皆可用。"),
        (pl.col("verdict") == Verdict.FAIL, "不如简单规则:见优化建议,或改用简单规则。"),
        otherwise="样本过少,无法判断。",
    )
    return pl.concat_str([judgement, numbers])


def _available(*parts: tuple[str, *tuple[str, ...]], end: str) -> pl.Expr:
    """The parts that have their numbers, such as no AUC where it happened to nobody."""
    texts = (pl.format(text, *columns).fill_null("") for text, *columns in parts)
    return pl.concat_str([*texts, pl.lit(end)])


def _reason(claim: Claim, tags: Collection[str], not_provided: Collection[str]) -> tuple[str, str]:
    if claim.tag not in tags:
        return (
            f"The catalogue has no tag {claim.tag}.",
            f"标签目录中没有{claim.tag}。",
        )
    needed = claim.outcome.needs
    if needed in not_provided:
        return f"The source has no {needed}.", f"数据源没有{needed}表。"
    return (
        "Nothing happened yet that it could be held against: no earlier month, or nobody of whom "
        "it is known.",
        "尚无可对照的结果:没有更早的月份,或没有已知结果的客户。",
    )


def proposal_findings(proposals: pl.DataFrame) -> pl.DataFrame:
    """A finding per draft version that is proposed.

    Args:
        proposals: the month's rows of `validation.tag_proposal`.
    """
    rows = proposals.with_columns(
        *(pl.col(name).round(3).alias(f"{name}_") for name in ("auc_before", "auc_after"))
    )
    numbers = ("draft_version", "auc_before_", "auc_after_", "customers_changing", "customers")
    return finding(
        rows,
        Area.PROPOSAL,
        pl.format("{} / {}", "tag_code", "outcome"),
        "draft version",
        pl.col("auc_after") - pl.col("auc_before"),
        pl.lit(str(Verdict.WARN)),
        (
            pl.format(
                "Version {} would raise the AUC out of time from {} to {} and change {} of {} "
                "customers: look at tag_proposals.yaml beside the report.",
                *numbers,
            ),
            pl.format(
                "版本{}可将时间外AUC由{}提高到{},变动{}/{}位客户:见报告旁的tag_proposals.yaml。",
                *numbers,
            ),
        ),
        threshold=0.0,
        interval=("gain_low", "gain_high"),
    )
