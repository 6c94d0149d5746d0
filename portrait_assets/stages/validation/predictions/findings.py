"""Findings on models and cards: below their baseline, badly calibrated, or failing the placebo."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.statistics.intervals import wilson
from portrait_assets.stages.predictions.backtests.backtest import FEWEST, PLACEBO_DISTANCE
from portrait_assets.stages.predictions.backtests.calibrated import MOST_OFF, how_calibrated
from portrait_assets.stages.predictions.credit.contract import VINTAGE
from portrait_assets.stages.validation.contract import Area, Verdict
from portrait_assets.stages.validation.findings.finding import (
    Judgement,
    finding,
    judged,
    not_judged,
)
from portrait_assets.stages.validation.predictions.fairness import CARD, MODEL

GAIN, CALIBRATION, PLACEBO = "AUC less baseline", "calibration", "placebo AUC"
FACTOR = 2.0
"""From which on what was expected, over what happened, fails and is not only warned of."""


def prediction_findings(tests: pl.DataFrame, tenths: pl.DataFrame) -> pl.DataFrame:
    """Of each model, or baseline in its place: beside the baseline, calibration, and placebo.

    Args:
        tests: the month's rows of `predictions.prediction_backtest`.
        tenths: those of `predictions.prediction_calibration`.
    """
    if tests.is_empty():
        return not_judged(
            Area.PREDICTIONS,
            "all",
            "AUC",
            "No window that this month closes was predicted yet.",
            "本月尚无已结束且此前有预测的观察期。",
        )
    return pl.concat(
        [_beside_baseline(tests), _calibration(how_calibrated(tenths)), _placebo(tests)]
    )


def _subject() -> pl.Expr:
    return pl.format(f"{MODEL} {{}}", "target")


def _beside_baseline(tests: pl.DataFrame) -> pl.DataFrame:
    area, rule = pl.col("auc"), pl.col("baseline_auc")
    is_open = (pl.col("verdict") == "not judged") | area.is_null() | rule.is_null()
    is_rule = pl.col("basis") == "baseline"
    worse, below = pl.col("verdict") == "worse", area < rule
    numbers = (area.round(3), "baseline", rule.round(3))
    fell = (
        pl.format(
            "AUC {} and the baseline {} {}: the model fell below it and is fitted anew; do not act "
            "on its order until it is better again.",
            *numbers,
        ),
        pl.format(
            "AUC为{}，基准规则（{}）为{}：模型低于基准规则，将重新拟合；恢复前请勿据其排序行动。",
            *numbers,
        ),
    )
    beside = (
        pl.format("AUC {} and the baseline {} {}.", *numbers),
        pl.format("AUC为{}，基准规则（{}）为{}。", *numbers),
    )
    return finding(
        tests,
        Area.PREDICTIONS,
        _subject(),
        GAIN,
        area - rule,
        *judged(
            (
                is_open,
                Verdict.NOT_JUDGED,
                "Too few of either outcome for a verdict.",
                "两类结果过少，无法判断。",
            ),
            (
                is_rule,
                Verdict.NOT_JUDGED,
                "The best baseline stands in the place of a model.",
                "以最佳基准规则代替模型。",
            ),
            (worse & below, Verdict.FAIL, *fell),
            (worse, Verdict.FAIL, *beside),
            (below, Verdict.WARN, *fell),
            otherwise=(Verdict.PASS, *beside),
        ),
        threshold=0.0,
        interval=("gain_low", "gain_high"),
    )


def _calibration(judged_by_tenth: pl.DataFrame) -> pl.DataFrame:
    ratio, off = pl.col("calibration"), pl.col("is_off")
    is_far = ratio.is_null() | ~ratio.is_between(1 / FACTOR, FACTOR)
    return finding(
        judged_by_tenth, Area.PREDICTIONS, _subject(), CALIBRATION, ratio, *_came_true(off, is_far)
    )


def _came_true(off: pl.Expr, is_far: pl.Expr) -> Judgement:
    """The verdict on calibration, and what is said of it."""
    error = (pl.col("error") * 100).round(1)
    # Where nothing happened there is no rate that tenths could be off by a share of.
    by_tenth, by_tenth_zh = (
        pl.when(error.is_not_null()).then(pl.format(text, error)).otherwise(pl.lit(""))
        for text in ("; by tenth {} % off on the mean", "；分十分位平均偏差{}%")
    )
    numbers = (pl.col("expected").round(0).cast(pl.Int64), "hits", "customers")
    beyond_chance = (
        pl.format(
            "{} expected and {} happened, of {} customers{}, which is beyond chance. Use the "
            "order, and no probability or total.",
            *numbers,
            by_tenth,
        ),
        pl.format(
            "{}人预期发生、{}人实际发生，共{}位客户{}，超出偶然。请仅使用排序，勿使用概率与合计。",
            *numbers,
            by_tenth_zh,
        ),
    )
    return judged(
        (
            off.is_null(),
            Verdict.NOT_JUDGED,
            "Too few were expected for a verdict.",
            "预期发生过少，无法判断。",
        ),
        (off & is_far, Verdict.FAIL, *beyond_chance),
        (off, Verdict.WARN, *beyond_chance),
        otherwise=(
            Verdict.PASS,
            pl.format("{} expected and {} happened, of {} customers{}.", *numbers, by_tenth),
            pl.format("{}人预期发生、{}人实际发生，共{}位客户{}。", *numbers, by_tenth_zh),
        ),
    )


def _placebo(tests: pl.DataFrame) -> pl.DataFrame:
    events = pl.min_horizontal("hits", pl.col("customers") - pl.col("hits"))
    area = pl.col("placebo_auc")
    few = (events < FEWEST) | area.is_null()
    far = (area - 0.5).abs() > PLACEBO_DISTANCE
    return finding(
        tests,
        Area.PREDICTIONS,
        _subject(),
        PLACEBO,
        area,
        *judged(
            (
                few,
                Verdict.NOT_JUDGED,
                "Too few of either outcome to shuffle.",
                "两类结果过少，无法随机打乱检验。",
            ),
            (
                far,
                Verdict.FAIL,
                "Shuffled outcomes are predicted: something leaks into how it is judged.",
                "随机打乱的标签也能预测：评判过程存在信息泄漏。",
            ),
            otherwise=(
                Verdict.PASS,
                "Shuffled outcomes are not predicted.",
                "随机打乱的标签无法预测。",
            ),
        ),
        threshold=0.5 + PLACEBO_DISTANCE,
    )


def card_findings(curve: pl.DataFrame) -> pl.DataFrame:
    """Of each card whether the newest vintage whose outcome is known came true.

    Args:
        curve: the month's rows of `predictions.credit_curve`.
    """
    known = curve.filter((pl.col("kind") == VINTAGE) & pl.col("auc").is_not_null())
    newest = known.filter(
        pl.col("base_month") == pl.col("base_month").max().over("target", "horizon")
    )
    area, rule, highest = (pl.col(name) for name in ("auc", "baseline_auc", "auc_high"))
    alone = ("base_month", area.round(3))
    numbers = (*alone, "baseline", rule.round(3))
    subject = pl.format(f"{CARD} {{}}", "target")
    compared = (
        pl.format("Scores of {}: AUC {} and the baseline {} {}.", *numbers),
        pl.format("{}的评分：AUC为{}，基准规则（{}）为{}。", *numbers),
    )
    beside = finding(
        newest,
        Area.PREDICTIONS,
        subject,
        GAIN,
        area - rule,
        *judged(
            (
                rule.is_null(),
                Verdict.NOT_JUDGED,
                pl.format("Scores of {}: AUC {}, without a baseline.", *alone),
                pl.format("{}的评分：AUC为{}，无基准规则可比。", *alone),
            ),
            (highest < rule, Verdict.FAIL, *compared),
            (area < rule, Verdict.WARN, *compared),
            otherwise=(Verdict.PASS, *compared),
        ),
        threshold=0.0,
    )
    return pl.concat([beside, _card_calibration(newest, subject)])


def _card_calibration(newest: pl.DataFrame, subject: pl.Expr) -> pl.DataFrame:
    """What was expected of those known, beside the interval of what happened."""
    ratio = pl.col("expected_of_known") / pl.col("actual_bad_rate")
    is_far = ~ratio.is_finite() | ((ratio - 1).abs() > MOST_OFF)
    low, high = wilson(newest["bads"].fill_null(0).to_numpy(), newest["known"].to_numpy())
    expected = pl.col("expected_of_known")
    rows = newest.with_columns(
        pl.Series("rate_low", low, dtype=pl.Float64), pl.Series("rate_high", high, dtype=pl.Float64)
    )
    off = ((expected < pl.col("rate_low")) | (expected > pl.col("rate_high"))) & is_far
    numbers = (
        (expected * pl.col("known")).round(0).cast(pl.Int64),
        *("bads", "known", "base_month"),
    )
    beyond_chance = (
        pl.format(
            "{} expected and {} happened, of {} scored in {}, which is beyond chance: set no cut "
            "by its probabilities.",
            *numbers,
        ),
        pl.format(
            "预期{}人、实际{}人发生，共{}人于{}评分，超出偶然：请勿按其概率设定切分点。", *numbers
        ),
    )
    return finding(
        rows,
        Area.PREDICTIONS,
        subject,
        CALIBRATION,
        pl.when(ratio.is_finite()).then(ratio),
        *judged(
            (off & ~ratio.is_between(1 / FACTOR, FACTOR), Verdict.FAIL, *beyond_chance),
            (off, Verdict.WARN, *beyond_chance),
            otherwise=(
                Verdict.PASS,
                pl.format("{} expected and {} happened, of {} scored in {}.", *numbers),
                pl.format("预期{}人、实际{}人发生，共{}人于{}评分。", *numbers),
            ),
        ),
    )
