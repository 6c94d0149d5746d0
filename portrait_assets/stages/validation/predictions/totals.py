"""Findings on lifetime values: what was expected of all beside what came."""

from __future__ import annotations

import polars as pl

from portrait_assets.stages.predictions.value.comparing import MOST_BIAS
from portrait_assets.stages.validation.contract import Area, Verdict
from portrait_assets.stages.validation.findings.finding import finding, judged

BIAS = "total bias"


def value_findings(methods: pl.DataFrame, contracts: pl.DataFrame) -> pl.DataFrame:
    """Whether all that was expected of customers, or of contracts, was far from what came.

    Args:
        methods: the month's rows of `predictions.value_model`.
        contracts: those of `predictions.contract_model`.
    """
    bias = pl.coalesce("season_bias", "total_bias")
    chosen = methods.filter(pl.col("status") == "chosen").select(
        pl.lit("customer value").alias("subject"), "method", bias.alias("bias")
    )
    by_category = contracts.select(
        pl.format("contract value {}", "category").alias("subject"),
        pl.lit("tenure hazard").alias("method"),
        pl.col("total_bias").alias("bias"),
    )
    value, percent = pl.col("bias"), (pl.col("bias") * 100).round(1)
    return finding(
        pl.concat([chosen, by_category]),
        Area.PREDICTIONS,
        pl.col("subject"),
        BIAS,
        value,
        *judged(
            (
                value.is_null(),
                Verdict.NOT_JUDGED,
                "No window that is over can judge it yet.",
                "尚无已结束的窗口可供评判。",
            ),
            (
                value.abs() > MOST_BIAS,
                Verdict.WARN,
                pl.format(
                    "{} expected {} % more or less of all than came, in the window that decides: "
                    "use the order, and no total.",
                    *("method", percent),
                ),
                pl.format(
                    "{}在评判窗口内总量偏差{}%：请仅使用排序，勿使用合计。", "method", percent
                ),
            ),
            otherwise=(
                Verdict.PASS,
                pl.format("{}: {} % off in total.", "method", percent),
                pl.format("{}：总量偏差{}%。", "method", percent),
            ),
        ),
        threshold=MOST_BIAS,
    )
