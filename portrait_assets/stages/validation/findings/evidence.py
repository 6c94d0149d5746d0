"""Findings on features, clusters, tags and drift: verdicts on the rows of their tables."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from portrait_assets.methods.statistics.distributions.stability import MODERATE_SHIFT
from portrait_assets.stages.validation.contract import Against, Area, Verdict
from portrait_assets.stages.validation.findings.finding import finding, judged, not_judged, when

LEAST_STABLE = 0.7
_AGAINST_ZH = {str(Against.MONTH_BEFORE): "上月", str(Against.BASELINE): "基准月"}


def feature_health(
    selection: pl.DataFrame, lacking: Collection[str], filling: Collection[str] = ()
) -> pl.DataFrame:
    """Per feature whether it carries information of its own.

    Args:
        selection: the month's rows of `features.feature_selection`.
        lacking: features that the source does not give what they need for: not judged here.
        filling: features that look back on more months than there are.
    """
    rows = selection.filter(~pl.col("feature").is_in(list(lacking))).with_columns(
        pl.col("reason").fill_null("none").alias("why"),
        pl.col("feature").is_in(list(filling)).alias("fills"),
        pl.col("other_feature").fill_null(""),
        (pl.col("value") * 100).round(1).alias("percent"),
    )
    why = pl.col("why")
    empty = why == "empty"
    return finding(
        rows,
        Area.FEATURES,
        pl.col("feature"),
        "says something of its own",
        pl.col("value"),
        *judged(
            (
                empty & pl.col("fills"),
                Verdict.NOT_JUDGED,
                "Null as yet: it looks back on more months than there are.",
                "暂无取值：回溯期长于现有数据。",
            ),
            (
                empty,
                Verdict.WARN,
                "Null for everyone although the source has what it needs: check it.",
                "数据源已提供所需的表，但全部为空：请检查。",
            ),
            (
                why == "near-constant",
                Verdict.WARN,
                pl.format("{} % of customers share one value: it tells nobody apart.", "percent"),
                pl.format("{}%的客户取值相同：没有区分力。", "percent"),
            ),
            (
                why.is_in(["duplicated", "collinear"]),
                Verdict.PASS,
                pl.format("Says what {} says; clusters leave it out.", "other_feature"),
                pl.format("与{}信息重复；聚类不使用。", "other_feature"),
            ),
            otherwise=(Verdict.PASS, "Tells customers apart.", "具有区分力。"),
        ),
    )


def cluster_quality(decision: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """Whether the cluster model and each of its segments can be trusted.

    Args:
        decision: the month's row of `clusters.cluster_decision`.
        segments: the month's rows of `clusters.cluster_segment`.
    """
    statement = (pl.col("statement_en"), pl.col("statement_zh"))
    agreement = finding(
        decision,
        Area.CLUSTERS,
        pl.lit("cluster model"),
        "agreement of refits",
        pl.col("bootstrap_agreement"),
        *judged(
            (pl.col("is_stable"), Verdict.PASS, *statement), otherwise=(Verdict.WARN, *statement)
        ),
    )
    mix = finding(
        decision,
        Area.CLUSTERS,
        pl.lit("cluster model"),
        "PSI of the mix since segments were chosen",
        pl.col("mix_drift"),
        *judged(
            (
                pl.col("refit_due"),
                Verdict.WARN,
                "The mix has moved since segments were last chosen: they were chosen anew.",
                "客群结构较上次选型时已变化：已重新选型。",
            ),
            otherwise=(
                Verdict.PASS,
                "The mix is still about that of when segments were last chosen.",
                "客群结构与上次选型时基本一致。",
            ),
        ),
    )
    share = (pl.col("stability") * 100).round(0).cast(pl.Int64)
    stabilities = finding(
        segments.sort("segment_id"),
        Area.CLUSTERS,
        pl.format("{} {}", "segment_id", "name_en"),
        "stability",
        pl.col("stability"),
        *judged(
            (
                pl.col("stability").is_null() & (pl.col("share") < 1),
                Verdict.NOT_JUDGED,
                "Too few customers are left in it to judge.",
                "余下客户过少，无法判断。",
            ),
            (
                pl.col("stability").is_null(),
                Verdict.NOT_JUDGED,
                "One segment alone cannot be found again or not.",
                "只有一个客群，无法判断。",
            ),
            (
                pl.col("stability") >= LEAST_STABLE,
                Verdict.PASS,
                pl.format("Half of the customers find {} % of it again.", share),
                pl.format("仅用半数客户即可还原其中{}%。", share),
            ),
            otherwise=(
                Verdict.WARN,
                pl.format("Half of the customers find only {} % of it again.", share),
                pl.format("仅用半数客户只能还原其中{}%：边界不清。", share),
            ),
        ),
        threshold=LEAST_STABLE,
    )
    return pl.concat([agreement, mix, stabilities])


def tag_cards(quality: pl.DataFrame) -> pl.DataFrame:
    """Per tag what its quality card recommends.

    Args:
        quality: the month's rows of `tags.tag_quality` of tags that can be judged.
    """
    return finding(
        quality,
        Area.TAGS,
        pl.col("tag_code"),
        "quality card",
        pl.col("coverage"),
        when((pl.col("recommendation") == "keep", Verdict.PASS), otherwise=Verdict.WARN),
        (
            pl.format("{}: {}", pl.col("recommendation"), "reason_en"),
            pl.format(
                "{}：{}",
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
        pl.col("psi_p95").round(3).clip(lower_bound=0.001),
    )
    dated = drift.with_columns(pl.col("reference_as_of").dt.strftime("%Y-%m").alias("then"))
    moved = finding(
        dated.filter(pl.col("verdict").is_in([str(Verdict.WARN), str(Verdict.FAIL)])),
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
                "相对{}的PSI为{}；无变化时期望{}，95%情况下低于{}。请先查明变化原因再沿用。",
                "then",
                *numbers,
            ),
        ),
        threshold=MODERATE_SHIFT,
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
        when(
            (pl.col("moved") > 0, Verdict.WARN),
            (pl.col("still") == 0, Verdict.NOT_JUDGED),
            otherwise=Verdict.PASS,
        ),
        (
            pl.format(
                "{} of {} moved, {} hold still; {} not judged, because their window is not full "
                "yet, they grow with time, another version scores, or nobody has a value.",
                "moved",
                "all",
                "still",
                "open",
            ),
            pl.format(
                "相对{}：{}项中{}项漂移，{}项稳定；{}项因窗口未满、随时间增长、模型版本不同或无取值而无法判断。",
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
    return not_judged(
        Area.DRIFT,
        "all",
        "PSI",
        "There is no earlier month to compare with but those of buyers alone or without purchases.",
        "没有更早的月份可比较；客户全部有购买的首月，以及首笔购买之前的月份，均不能作为比较基准。",
    )
