"""Findings on backtests and proposals: what came true, and what would have predicted it better."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from portrait_assets.stages.targets.declared.outcomes import packaged_targets
from portrait_assets.stages.validation.backtests.claims import Claim
from portrait_assets.stages.validation.contract import Area, Verdict
from portrait_assets.stages.validation.findings.finding import finding, judged, not_judged, when

_CHANCE = 0.5
_NAMED = 5  # Tags named in a finding on all of them.
BASELINES_ZH = {
    **packaged_targets().baseline_names,
    "base rate": "基准率",
    "calibrated": "完全校准",
}


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
    derived = {claim.outcome.code for claim in claims if not claim.outcome.is_of_source}
    is_of_source = ~pl.col("outcome").is_in(derived)
    of_source = areas.filter(is_of_source)
    # Of the many tags that are tested on an outcome of the source, one finding tells; the segments
    # have their own.
    single = areas.filter(~is_of_source | (pl.col("tag_code").is_in(["segment_id"])))
    seen = set(areas.select("tag_code", "outcome").iter_rows())
    missing = [
        not_judged(Area.BACKTEST, claim.name, "AUC", *_reason(claim, tags, not_provided))
        for claim in claims
        if not claim.outcome.is_named_by_source and (claim.tag, claim.outcome.code) not in seen
    ]
    answers = [claim for claim in claims if claim.outcome.is_named_by_source]
    if answers and of_source.is_empty():
        reason = _reason(answers[0], tags, not_provided)
        missing.append(
            not_judged(Area.BACKTEST, f"every tag / {answers[0].outcome}", "AUC", *reason)
        )
    rules = {rule.name: rule.zh for claim in claims for rule in claim.outcome.baselines}
    return pl.concat([_tests(single, BASELINES_ZH | rules), _of_source(of_source), *missing])


def _horizon(text: str) -> pl.Expr:
    months = when(
        (pl.col("horizon_months") == 1, "1 month"),
        otherwise=pl.format("{} months", "horizon_months"),
    )
    return pl.format(f"{text}, {{}} on", months)


def _tests(areas: pl.DataFrame, baselines_zh: Mapping[str, str]) -> pl.DataFrame:
    """A finding per test."""
    return finding(
        areas.with_columns(
            *(pl.col(name).round(3).alias(f"{name}_") for name in ("value", "low", "high")),
            pl.col("baseline_value").round(3).alias("baseline_value_"),
            pl.col("baseline").replace(baselines_zh).alias("baseline_zh"),
        ),
        Area.BACKTEST,
        pl.col("test"),
        _horizon("AUC"),
        pl.col("value"),
        pl.col("verdict"),
        _advice(),
        threshold=_CHANCE,
        interval=("low", "high"),
    )


def _of_source(areas: pl.DataFrame) -> pl.DataFrame:
    """A finding per outcome of the source and horizon: how many tags tell it apart, and which."""
    separates = pl.col("verdict") == Verdict.PASS
    named = pl.format("{} {}", "tag_code", pl.col("value").round(3))
    counted = (
        areas.sort("value", "tag_code", descending=[True, False], nulls_last=True)
        .group_by("outcome", "horizon_months", maintain_order=True)
        .agg(
            pl.len().alias("tags"),
            separates.sum().alias("separate"),
            (pl.col("verdict") == Verdict.NOT_JUDGED).sum().alias("open"),
            named.filter(separates).head(_NAMED).str.join(", ").alias("best"),
            pl.col("hits").max(),
            pl.col("customers").max(),
        )
        .with_columns(
            pl.when(pl.col("best") == "").then(pl.lit("-")).otherwise("best").alias("best")
        )
    )
    numbers = ("separate", "tags", "best", "hits", "customers")
    best_zh = pl.col("best").str.replace_all(", ", "、", literal=True)
    in_chinese = ("separate", "tags", best_zh, "hits", "customers")
    return finding(
        counted,
        Area.BACKTEST,
        pl.format("every tag / {}", "outcome"),
        _horizon("tags that separate"),
        pl.col("separate"),
        when(
            (pl.col("open") == pl.col("tags"), Verdict.NOT_JUDGED),
            (pl.col("separate") > 0, Verdict.PASS),
            otherwise=Verdict.WARN,
        ),
        (
            pl.format(
                "{} of {} tags tell it apart beyond chance (AUC: {}); it happened to {} of {} "
                "customers. All of them: validation.backtest.",
                *numbers,
            ),
            pl.format(
                "{}/{}个标签对其有超出偶然的区分力（AUC：{}）；发生于{}/{}位客户。"
                "全部见validation.backtest。",
                *in_chinese,
            ),
        ),
    )


# It happened to some and not to others, and still there is no area.
_ONE_VALUE = (
    pl.col("value").is_null() & (pl.col("hits") > 0) & (pl.col("hits") < pl.col("customers"))
)


def _advice() -> tuple[pl.Expr, pl.Expr]:
    verdict = pl.col("verdict")
    _, (en, zh) = judged(
        (
            verdict == Verdict.PASS,
            Verdict.PASS,
            "It tells them apart, better than the baseline.",
            "区分有效，优于简单规则。",
        ),
        (
            verdict == Verdict.WARN,
            Verdict.WARN,
            "Not surely better than the baseline: use either.",
            "不能确定优于简单规则：二者皆可用。",
        ),
        (
            verdict == Verdict.FAIL,
            Verdict.FAIL,
            "Worse than the baseline: see the proposals, or use the baseline.",
            "不如简单规则：见优化建议，或改用简单规则。",
        ),
        (
            _ONE_VALUE,
            Verdict.NOT_JUDGED,
            "Everyone has the same value: there is nothing to judge.",
            "所有客户取值相同，无可判断。",
        ),
        otherwise=(Verdict.NOT_JUDGED, "Too few to judge.", "样本过少，无法判断。"),
    )
    numbers = _available(
        ("{} of {} customers", "hits", "customers"),
        ("; AUC {} ({} to {})", "value_", "low_", "high_"),
        (", {} {}", "baseline", "baseline_value_"),
        end=".",
    )
    numbers_zh = _available(
        ("{}/{}位客户", "hits", "customers"),
        ("；AUC {}（{}至{}）", "value_", "low_", "high_"),
        ("，{}{}", "baseline_zh", "baseline_value_"),
        end="。",
    )
    return pl.concat_str([en, numbers], separator=" "), pl.concat_str([zh, numbers_zh])


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
        "尚无可对照的结果：没有更早的月份，或没有已知结果的客户。",
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
                "版本{}可将时间外AUC由{}提高到{}，变动{}/{}位客户：见报告旁的tag_proposals.yaml。",
                *numbers,
            ),
        ),
        threshold=0.0,
        interval=("gain_low", "gain_high"),
    )
