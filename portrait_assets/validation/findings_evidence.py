"""Findings on features, tags, drift and backtests: what their tables say, as verdicts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from portrait_assets.features.contract import FEATURES
from portrait_assets.validation.contract import Against, Area, Verdict
from portrait_assets.validation.drift import MODERATE
from portrait_assets.validation.findings import finding
from portrait_assets.validation.outcomes import Claim, Outcome

_CHANCE = 0.5
LEAST_STABLE = 0.7
_NEEDS = {feature.name: feature.needs for feature in FEATURES}
_AGAINST_ZH = {str(Against.MONTH_BEFORE): "上月", str(Against.BASELINE): "基准月"}


def _when(*cases: tuple[pl.Expr, pl.Expr | str], otherwise: pl.Expr | str) -> pl.Expr:
    """The first text whose condition holds."""

    def text(value: pl.Expr | str) -> pl.Expr:
        return pl.lit(value) if isinstance(value, str) else value

    found = text(otherwise)
    for condition, value in reversed(cases):
        found = pl.when(condition).then(text(value)).otherwise(found)
    return found


def feature_health(selection: pl.DataFrame, not_provided: Collection[str]) -> pl.DataFrame:
    """Per feature whether it says anything of its own.

    Args:
        selection: the month's rows of `features.feature_selection`.
        not_provided: canonical tables that the source leaves out.
    """
    lacking = [name for name, needs in _NEEDS.items() if set(needs) <= set(not_provided)]
    rows = selection.with_columns(
        pl.col("reason").fill_null("none").alias("why"),
        (pl.col("feature").is_in(lacking)).alias("lacks"),
        pl.col("other_feature").fill_null(""),
        (pl.col("value") * 100).round(1).alias("percent"),
    )
    why = pl.col("why")
    empty, constant = why == "empty", why == "near-constant"
    same = why.is_in(["duplicated", "collinear"])
    return finding(
        rows,
        Area.FEATURES,
        pl.col("feature"),
        "says something of its own",
        pl.col("value"),
        _when(
            (empty & pl.col("lacks"), str(Verdict.NOT_JUDGED)),
            (empty | constant, str(Verdict.WARN)),
            otherwise=str(Verdict.PASS),
        ),
        (
            _when(
                (empty & pl.col("lacks"), "Null for everyone: the source lacks what it needs."),
                (empty, "Null for everyone although the source has what it needs: check it."),
                (
                    constant,
                    pl.format(
                        "{} % of customers share one value: it tells nobody apart.", "percent"
                    ),
                ),
                (same, pl.format("Says what {} says; clusters leave it out.", "other_feature")),
                otherwise="Tells customers apart.",
            ),
            _when(
                (empty & pl.col("lacks"), "全部为空:数据源缺少所需的表。"),
                (empty, "数据源已提供所需的表,但全部为空:请检查。"),
                (constant, pl.format("{}%的客户取值相同:没有区分力。", "percent")),
                (same, pl.format("与{}信息重复;聚类不使用。", "other_feature")),
                otherwise="具有区分力。",
            ),
        ),
    )


def cluster_quality(decision: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """Whether the cluster model and each of its segments can be trusted.

    Args:
        decision: the month's row of `clusters.cluster_decision`.
        segments: the month's rows of `clusters.cluster_segment`.
    """
    due = pl.col("refit_due")
    agreement = finding(
        decision,
        Area.CLUSTERS,
        pl.lit("cluster model"),
        "agreement of refits",
        pl.col("bootstrap_agreement"),
        _when((pl.col("is_stable"), str(Verdict.PASS)), otherwise=str(Verdict.WARN)),
        (pl.col("statement_en"), pl.col("statement_zh")),
    )
    mix = finding(
        decision,
        Area.CLUSTERS,
        pl.lit("cluster model"),
        "PSI of the mix since the fit",
        pl.col("mix_drift"),
        _when((due, str(Verdict.WARN)), otherwise=str(Verdict.PASS)),
        (
            _when(
                (due, "The mix has moved since the model was fitted: it is due to be fitted anew."),
                otherwise="The mix is still about that on which the model was fitted.",
            ),
            _when(
                (due, "客群结构较建模时已变化:应重新训练。"),
                otherwise="客群结构与建模时基本一致。",
            ),
        ),
    )
    share = (pl.col("stability") * 100).round(0).cast(pl.Int64)
    stable = pl.col("stability") >= LEAST_STABLE
    told = pl.col("stability").is_not_null()
    each = finding(
        segments.sort("segment_id"),
        Area.CLUSTERS,
        pl.format("{} {}", "segment_id", "name_en"),
        "stability",
        pl.col("stability"),
        _when(
            (told & stable, str(Verdict.PASS)),
            (told, str(Verdict.WARN)),
            otherwise=str(Verdict.NOT_JUDGED),
        ),
        (
            _when(
                (told & stable, pl.format("Half of the customers find {} % of it again.", share)),
                (told, pl.format("Half of the customers find only {} % of it again.", share)),
                otherwise="One segment alone cannot be found again or not.",
            ),
            _when(
                (told & stable, pl.format("仅用半数客户即可还原其中{}%。", share)),
                (told, pl.format("仅用半数客户只能还原其中{}%:边界不清。", share)),
                otherwise="只有一个客群,无法判断。",
            ),
        ),
        threshold=LEAST_STABLE,
    )
    return pl.concat([agreement, mix, each])


def tag_cards(quality: pl.DataFrame) -> pl.DataFrame:
    """Per tag what its quality card recommends.

    Args:
        quality: the month's rows of `tags.tag_quality`.
    """
    return finding(
        quality,
        Area.TAGS,
        pl.col("tag_code"),
        "quality card",
        pl.col("coverage"),
        _when(
            (pl.col("recommendation") == "keep", str(Verdict.PASS)),
            otherwise=str(Verdict.WARN),
        ),
        (
            pl.format("{}: {}", pl.col("recommendation"), "reason_en"),
            pl.format(
                "{}:{}",
                pl.col("recommendation").replace(
                    {"keep": "保留", "review": "复核", "retire": "下线"}
                ),
                "reason_zh",
            ),
        ),
    )


def drift_findings(drift: pl.DataFrame) -> pl.DataFrame:
    """A finding per column that moved, and one per kind and comparison on how many did.

    Args:
        drift: the month's rows of `validation.drift`; empty for a month without an earlier one.
    """
    if drift.is_empty():
        return _nothing_earlier()
    against = pl.col("against")
    zh = against.replace(_AGAINST_ZH)
    numbers = (
        pl.col("psi").round(3),
        pl.col("psi_expected").round(3),
        pl.col("psi_p95").round(3),
    )
    told = drift.with_columns(pl.col("reference_as_of").dt.strftime("%Y-%m").alias("then"))
    moved = finding(
        told.filter(pl.col("verdict").is_in([str(Verdict.WARN), str(Verdict.FAIL)])),
        Area.DRIFT,
        pl.format("{} {}", "kind", "subject"),
        pl.format("PSI against the {}", against),
        pl.col("psi"),
        pl.col("verdict"),
        (
            pl.format(
                "PSI {} against {}; without a change {}, in 95 of 100 cases below {}. Find out "
                "what changed before using it as before.",
                numbers[0],
                "then",
                *numbers[1:],
            ),
            pl.format(
                "相对{}的PSI为{};无变化时期望{},95%情况下低于{}。请先查明变化原因再沿用。",
                "then",
                *numbers,
            ),
        ),
        threshold=MODERATE,
    )
    counted = drift.group_by("kind", "against", maintain_order=True).agg(
        pl.len().alias("all"),
        (pl.col("verdict") == Verdict.PASS).sum().alias("still"),
        (pl.col("verdict") == Verdict.NOT_JUDGED).sum().alias("open"),
        pl.col("verdict").is_in([str(Verdict.WARN), str(Verdict.FAIL)]).sum().alias("moved"),
    )
    summary = finding(
        counted,
        Area.DRIFT,
        pl.format("every {}", "kind"),
        pl.format("moved against the {}", against),
        pl.col("moved"),
        _when(
            (pl.col("moved") > 0, str(Verdict.WARN)),
            (pl.col("still") == 0, str(Verdict.NOT_JUDGED)),
            otherwise=str(Verdict.PASS),
        ),
        (
            pl.format(
                "{} of {} moved, {} hold still; {} not judged, because their window is not full "
                "yet or nobody has a value.",
                "moved",
                "all",
                "still",
                "open",
            ),
            pl.format(
                "相对{}:{}项中{}项漂移,{}项稳定;{}项因窗口未满或无取值而无法判断。",
                zh,
                "all",
                "moved",
                "still",
                "open",
            ),
        ),
        threshold=0.0,
    )
    return pl.concat([summary, moved])


def _nothing_earlier() -> pl.DataFrame:
    return _not_judged(
        Area.DRIFT,
        "all",
        "PSI",
        "There is no earlier month to compare with.",
        "没有更早的月份可比较。",
    )


def _not_judged(area: Area, subject: str, metric: str, en: str, zh: str) -> pl.DataFrame:
    return finding(
        pl.DataFrame({"subject": [subject]}),
        area,
        pl.col("subject"),
        metric,
        pl.lit(None),
        pl.lit(str(Verdict.NOT_JUDGED)),
        (pl.lit(en), pl.lit(zh)),
    )


def backtest_findings(
    backtest: pl.DataFrame,
    claims: Sequence[Claim],
    tags: Collection[str],
    not_provided: Collection[str],
    needs: dict[Outcome, str],
) -> pl.DataFrame:
    """Per claim whether it came true, and why where that cannot be told.

    Args:
        backtest: the month's rows of `validation.backtest`.
        claims: every claim that is tested.
        tags: columns of the portrait matrix.
        not_provided: canonical tables that the source leaves out.
        needs: the canonical table that an outcome is read from; transactions for the others.
    """
    areas = backtest.filter(pl.col("metric") == "auc")
    measured = finding(
        areas.with_columns(
            *(pl.col(name).round(3).alias(f"{name}_") for name in ("value", "low", "high")),
            pl.col("baseline_value").round(3).alias("plain"),
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
        answered = claim.outcome is Outcome.ANSWER and claim.tag in tested
        if answered or (claim.tag, str(claim.outcome)) in seen:
            continue
        en, zh = _reason(claim, tags, needs.get(claim.outcome, "transactions"), not_provided)
        missing.append(_not_judged(Area.BACKTEST, claim.name, "AUC", en, zh))
    return pl.concat([measured, *missing])


def _backtest_en() -> pl.Expr:
    numbers = pl.format(
        "{} of {} customers; AUC {} ({} to {}), {} {}.",
        "hits",
        "customers",
        "value_",
        "low_",
        "high_",
        "baseline",
        "plain",
    )
    said = _when(
        (pl.col("verdict") == Verdict.PASS, "It tells them apart, better than the plain rule."),
        (pl.col("verdict") == Verdict.WARN, "Not surely better than the plain rule: use either."),
        (
            pl.col("verdict") == Verdict.FAIL,
            "Worse than the plain rule: see the proposals, or use the plain rule.",
        ),
        otherwise="Too few to judge.",
    )
    return pl.concat_str([said, numbers], separator=" ")


def _backtest_zh() -> pl.Expr:
    numbers = pl.format(
        "{}/{}位客户;AUC {}({}至{}),{}{}。",
        "hits",
        "customers",
        "value_",
        "low_",
        "high_",
        "baseline_zh",
        "plain",
    )
    said = _when(
        (pl.col("verdict") == Verdict.PASS, "区分有效,优于简单规则。"),
        (pl.col("verdict") == Verdict.WARN, "不能确定优于简单规则:二者皆可用。"),
        (pl.col("verdict") == Verdict.FAIL, "不如简单规则:见优化建议,或改用简单规则。"),
        otherwise="样本过少,无法判断。",
    )
    return pl.concat_str([said, numbers])


def _reason(
    claim: Claim, tags: Collection[str], needed: str, not_provided: Collection[str]
) -> tuple[str, str]:
    if claim.tag not in tags:
        return (
            f"The catalogue has no tag {claim.tag}.",
            f"标签目录中没有{claim.tag}。",
        )
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
