"""Findings on data, segments and tags, from the tables of all stages: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.stages.cleaned.accounting.account import PARTS
from portrait_assets.stages.features.given import need_in_chinese
from portrait_assets.stages.validation.contract import Area, Verdict
from portrait_assets.stages.validation.findings.finding import finding, judged

SMALLEST_SEGMENT_SHARE = 0.01
LARGEST_SEGMENT_SHARE = 0.9
LOWEST_TAG_COVERAGE = 0.5
LEAST_QUALITY = {
    "completeness": 0.8,
    "validity": 0.95,
    "uniqueness": 0.99,
    "timeliness": 0.99,
    "consistency": 0.95,
}
_QUALITY_ZH = {
    "completeness": "完整性",
    "validity": "有效性",
    "uniqueness": "唯一性",
    "timeliness": "及时性",
    "consistency": "一致性",
}


def conservation(balance: pl.DataFrame) -> pl.DataFrame:
    """Per table that the source provides: lines of the month that went missing on the way.

    Args:
        balance: what `cleaned.account` gives for the month.
    """
    numbers = ("received", *PARTS)
    advice = (
        pl.format(
            "{} rows received = {} kept + {} set aside + {} merged + {} unplaced + {} erased.",
            *numbers,
        ),
        pl.format("收到{}行 = 保留{}行 + 剔除{}行 + 合并{}行 + 未归月{}行 + 删除{}行。", *numbers),
    )
    return finding(
        balance.filter("is_provided"),
        Area.CONSERVATION,
        pl.col("table_name"),
        "rows lost",
        pl.col("lost"),
        *judged((pl.col("lost") == 0, Verdict.PASS, *advice), otherwise=(Verdict.FAIL, *advice)),
        threshold=0.0,
    )


def not_given(lacking: Mapping[str, Sequence[str]], active: pl.DataFrame) -> pl.DataFrame:
    """Per thing that the source does not give: the tags and features without a value for it.

    Args:
        lacking: by feature that nobody has a value of, what the source does not give for it.
        active: the month's rows of `tags.tag_catalogue` that are active.
    """
    features = pl.DataFrame(
        [(need, name) for name, needs in lacking.items() for need in needs],
        schema={"need": pl.String, "name": pl.String},
        orient="row",
    )
    tags = (
        active.select("tag_code", pl.col("lacks").alias("need"))
        .explode("need")
        .drop_nulls("need")
        .rename({"tag_code": "name"})
    )
    causes = (
        _named(features, "feature")
        .join(_named(tags, "tag"), on="need", how="full", coalesce=True)
        .with_columns(pl.col("feature_count", "tag_count").fill_null(0))
        .with_columns(pl.col("feature_names", "tag_names").fill_null("none"))
        .sort("tag_count", "feature_count", "need", descending=[True, True, False])
    )
    numbers = ("need", "tag_count", "tag_names", "feature_count", "feature_names")
    in_chinese = (
        pl.col("need").replace({need: need_in_chinese(need) for need in causes["need"]}),
        "tag_count",
        _in_brackets("tag_names"),
        "feature_count",
        _in_brackets("feature_names"),
    )
    return finding(
        causes,
        Area.SOURCE,
        pl.col("need"),
        "tags without data",
        pl.col("tag_count"),
        pl.lit(str(Verdict.NOT_JUDGED)),
        (
            pl.format(
                "The source gives no {}: {} of the tags ({}) and {} of the features ({}) have no "
                "value.",
                *numbers,
            ),
            pl.format("数据源未提供{}：{}个标签{}与{}个特征{}没有取值。", *in_chinese),
        ),
    )


def held_back(columns: pl.DataFrame) -> pl.DataFrame:
    """Per column that is meant as a category and held back: why, and how to keep it.

    Args:
        columns: the month's rows of `cleaned.category_columns`.
    """
    name = pl.format("{}.{}", "table_name", "column_name")
    return finding(
        columns.filter("is_held"),
        Area.SOURCE,
        name,
        "held back",
        pl.col("distinct_values"),
        pl.lit(str(Verdict.WARN)),
        (
            pl.format(
                "{} looks like free text and is held back, so that its values are null: {}. "
                "Correct the source's SQL, or list it with keep under categories in source.yaml.",
                name,
                "reason_en",
            ),
            pl.format(
                "{}形似自由文本，已扣留，取值为空：{}。请修正数据源的SQL，或在source.yaml的"
                "categories中标为keep。",
                name,
                "reason_zh",
            ),
        ),
    )


def _in_brackets(names: str) -> pl.Expr:
    """The names as a Chinese sentence lists them; nothing where there is none."""
    listed = pl.format("（{}）", pl.col(names).str.replace_all(", ", "、", literal=True))
    return pl.when(pl.col(names) == "none").then(pl.lit("")).otherwise(listed)


def _named(rows: pl.DataFrame, what: str) -> pl.DataFrame:
    """By need how many there are and their names."""
    return rows.group_by("need").agg(
        pl.len().cast(pl.Int64).alias(f"{what}_count"),
        pl.col("name").sort().str.join(", ").alias(f"{what}_names"),
    )


def check_results(results: pl.DataFrame) -> pl.DataFrame:
    """Per check: how many tables it failed on."""
    by_check = (
        results.group_by("check_name")
        .agg(
            (~pl.col("passed")).sum().alias("failed"),
            pl.len().alias("tables"),
            ((~pl.col("passed")) & (pl.col("severity") == "ERROR")).any().alias("is_error"),
            pl.format("{} ({})", "table_name", "detail")
            .filter(~pl.col("passed"))
            .sort()
            .str.join("; ")
            .alias("which"),
            pl.format("{}（{}）", "table_name", "detail")
            .filter(~pl.col("passed"))
            .sort()
            .str.join("；")
            .alias("which_zh"),
        )
        .sort("check_name")
    )
    failed_on = (
        pl.format("Failed on {} of {}: {}.", "failed", "tables", "which"),
        pl.format("{}/{}张表未通过：{}。", "failed", "tables", "which_zh"),
    )
    return finding(
        by_check,
        Area.CHECKS,
        pl.col("check_name"),
        "tables failed",
        pl.col("failed"),
        *judged(
            (
                pl.col("failed") == 0,
                Verdict.PASS,
                pl.format("All {} tables pass.", "tables"),
                pl.format("{}张表全部通过。", "tables"),
            ),
            (pl.col("is_error"), Verdict.FAIL, *failed_on),
            otherwise=(Verdict.WARN, *failed_on),
        ),
        threshold=0.0,
    )


def segment_sizes(segments: pl.DataFrame, smallest: int = EVERY_CELL) -> pl.DataFrame:
    """Per segment its share of the customers, and whether that is too small or large to act on.

    A segment of fewer than `smallest` customers has neither share nor number.
    """
    sizes = segments.sort("segment_id")
    fits = pl.col("share").is_between(SMALLEST_SEGMENT_SHARE, LARGEST_SEGMENT_SHARE)
    few = pl.col("customers") < smallest
    numbers = ("customers", (pl.col("share") * 100).round(1))
    return finding(
        sizes,
        Area.CLUSTERS,
        pl.format("{} {}", "segment_id", "name_en"),
        "share of customers",
        pl.when(~few).then(pl.col("share").round(6)),
        *judged(
            (
                few,
                Verdict.WARN,
                f"Fewer than {smallest} customers: too small to act on.",
                f"不足{smallest}位客户：规模过小，难以运营。",
            ),
            (
                fits,
                Verdict.PASS,
                pl.format("{} customers, {} %.", *numbers),
                pl.format("{}位客户，占{}%。", *numbers),
            ),
            otherwise=(
                Verdict.WARN,
                pl.format("{} customers, {} %: too small or large to act on.", *numbers),
                pl.format("{}位客户，占{}%：规模过小或过大，难以运营。", *numbers),
            ),
        ),
    )


def tag_coverage(holders: pl.DataFrame, codes: list[str], customers: int) -> pl.DataFrame:
    """Per tag the share of customers that have it.

    Args:
        holders: `tag_code` and `holders`, customers with a value.
        codes: all active tags, also those that nobody has.
        customers: customers in the portrait of the month.
    """
    coverage = (
        pl.DataFrame({"tag_code": sorted(codes)}, schema={"tag_code": pl.String})
        .join(holders, on="tag_code", how="left", maintain_order="left")
        .with_columns(share=(pl.col("holders").fill_null(0) / max(customers, 1)).round(6))
    )
    percent = (pl.col("share") * 100).round(1)
    return finding(
        coverage,
        Area.TAGS,
        pl.col("tag_code"),
        "coverage",
        pl.col("share"),
        *judged(
            (
                pl.col("share") >= LOWEST_TAG_COVERAGE,
                Verdict.PASS,
                pl.format("{} % of customers have it.", percent),
                pl.format("覆盖{}%的客户。", percent),
            ),
            otherwise=(
                Verdict.WARN,
                pl.format("Only {} % of customers have it: act on those alone.", percent),
                pl.format("仅覆盖{}%的客户：只宜用于这部分客户。", percent),
            ),
        ),
        threshold=LOWEST_TAG_COVERAGE,
    )


def data_quality(quality: pl.DataFrame) -> pl.DataFrame:
    """Per table and dimension of quality its share against the least that is enough.

    Args:
        quality: the month's rows of `cleaned.quality`; a dimension that could not be measured is
            null there, and not judged here.
    """
    received = quality.filter(pl.col("rows_received") > 0)
    long = received.unpivot(
        on=list(LEAST_QUALITY),
        index=["table_name", "rows_received"],
        variable_name="dimension",
        value_name="share",
    ).with_columns(
        pl.col("dimension").replace_strict(LEAST_QUALITY, return_dtype=pl.Float64).alias("least"),
        pl.col("dimension").replace(_QUALITY_ZH).alias("zh"),
        (pl.col("share") * 100).round(1).alias("percent"),
    )
    numbers, numbers_zh = (
        (dimension, "percent", "rows_received") for dimension in ("dimension", "zh")
    )
    findings = finding(
        long,
        Area.QUALITY,
        pl.col("table_name"),
        pl.col("dimension"),
        pl.col("share"),
        *judged(
            (
                pl.col("share").is_null(),
                Verdict.NOT_JUDGED,
                "Nothing in the source to measure it by.",
                "数据源中没有可据以衡量的内容。",
            ),
            (
                pl.col("share") >= pl.col("least"),
                Verdict.PASS,
                pl.format("{} {} % of {} rows.", *numbers),
                pl.format("{}{}%，共{}行。", *numbers_zh),
            ),
            otherwise=(
                Verdict.WARN,
                pl.format("{} only {} % of {} rows: see cleaned.rejects.", *numbers),
                pl.format("{}仅{}%，共{}行：见cleaned.rejects。", *numbers_zh),
            ),
        ),
    )
    return findings.with_columns(
        pl.col("metric").replace_strict(LEAST_QUALITY, return_dtype=pl.Float64).alias("threshold")
    )
