"""Charts of models and of lifetime values, beside what they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portrait_assets.methods.drawing.available import can_draw
from portrait_assets.methods.drawing.svg import Words, draw
from portrait_assets.stages.mart.charts.portrait import (
    BLUE,
    GREY,
    MONTH_WORDS,
    colour_of,
    data_of,
    shape_of,
    share_axis,
)
from portrait_assets.storage.published import Row

if can_draw():
    # The extra `pictures`: what only reads these modules does without.
    import altair as alt

AREAS = ("auc", "auc_low", "auc_high", "baseline_auc")
"""What `areas_by_model` needs of each, beside its name."""
PREDICTION, BASELINE = "the prediction", "the baseline"
_SIDES = {PREDICTION: "预测", BASELINE: "基准规则"}
_AREA = "area under the ROC curve (0.5 is chance)"
_WORDS = {**MONTH_WORDS, **_SIDES, _AREA: "ROC曲线下面积（0.5为随机）"}


def _area_axis() -> dict[str, Any]:
    """Title, scale and axis of an area: the same in every layer, since their scales are merged."""
    scale = alt.Scale(domain=[0.4, 1], zero=False, clamp=True)
    return {"title": _AREA, "scale": scale, "axis": alt.Axis(tickCount=6, format=".1f")}


def _chance() -> alt.Chart:
    base = alt.Chart(data_of([{"value": 0.5}]))
    line: alt.Chart = base.mark_rule(color=GREY, strokeDash=[4, 4])
    return line


def _intervals(rows: Sequence[Row]) -> alt.Chart:
    known = [row for row in rows if row["auc_low"] is not None]
    lines: alt.Chart = alt.Chart(data_of(known)).mark_rule(
        color=BLUE, strokeWidth=2.5, opacity=0.55
    )
    return lines


def _both(rows: Sequence[Row], column: str, of_baseline: str, *kept: str) -> list[Row]:
    """Two rows of each, for prediction and baseline, with `what` it is and its `value`."""
    return [
        {key: row[key] for key in kept} | {"what": what, "value": row[name]}
        for row in rows
        for what, name in ((PREDICTION, column), (BASELINE, of_baseline))
        if row[name] is not None
    ]


def areas_by_month(rows: Sequence[Row], label: tuple[str, str]) -> str:
    """The area of each window's predictions with its interval, beside that of the baseline.

    Args:
        rows: of `predictions.prediction_backtest`, the oldest first.
        label: the target, in English and Chinese.
    """
    known = [row for row in rows if row["auc"] is not None]
    named = [row | {"month": row["base_month"]} for row in known]
    x = alt.X("month:O", title="month", axis=alt.Axis(labelAngle=-45))
    y = alt.Y("value:Q", **_area_axis())
    chance = _chance().encode(y=y)
    intervals = _intervals(named).encode(x=x, y=alt.Y("auc_low:Q", **_area_axis()), y2="auc_high:Q")
    base = alt.Chart(data_of(_both(named, "auc", "baseline_auc", "month")))
    lines = base.mark_line(strokeWidth=1.6).encode(x=x, y=y, color=colour_of(_SIDES))
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=x, y=y, color=colour_of(_SIDES), shape=shape_of(_SIDES)
    )
    what = (f"{label[0]}: area by month", f"{label[1]}：各月AUC")
    return draw(chance + intervals + lines + dots, _WORDS, what, 260)


def areas_by_model(rows: Sequence[Row], words: Words) -> str:
    """The area of each model in its newest window with its interval, beside the baseline.

    Args:
        rows: `name` and `AREAS`, in the order to show.
        words: the Chinese of the names.
    """
    y = alt.Y(
        "name:N",
        title=None,
        sort=[row["name"] for row in rows],
        axis=alt.Axis(labelLimit=260, grid=True),
    )
    x = alt.X("value:Q", **_area_axis())
    chance = _chance().encode(x=x)
    intervals = _intervals(rows).encode(x=alt.X("auc_low:Q", **_area_axis()), x2="auc_high:Q", y=y)
    dots = (
        alt.Chart(data_of(_both(rows, "auc", "baseline_auc", "name")))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(x=x, y=y, color=colour_of(_SIDES), shape=shape_of(_SIDES))
    )
    what = ("Models in their newest closed window", "各模型最近已结束观察期")
    return draw(chance + intervals + dots, {**_WORDS, **words}, what, 70 + 26 * len(rows))


def calibrated(rows: Sequence[Row], label: tuple[str, str]) -> str:
    """What was predicted of each tenth, also by the baseline, against the rate of it.

    Args:
        rows: of `predictions.prediction_calibration` of one window.
        label: the target, in English and Chinese.
    """
    predicted = [row["predicted_rate"] for row in rows]
    predicted += [row["baseline_predicted_rate"] or 0.0 for row in rows]
    most = min(1.0, 1.1 * max(*predicted, *(row["high"] for row in rows)))
    scale = alt.Scale(domain=[0, most], nice=True)
    across, up = "mean predicted probability of the tenth", "share to whom it happened"
    x = alt.X("value:Q", **share_axis(across, scale=scale))
    y = alt.Y("rate:Q", **share_axis(up, scale=scale))
    ideal = (
        alt.Chart(data_of([{"value": 0, "rate": 0}, {"value": most, "rate": most}]))
        .mark_line(color=GREY, strokeDash=[4, 4])
        .encode(x=x, y=y)
    )
    intervals = (
        alt.Chart(data_of([row | {"value": row["predicted_rate"]} for row in rows]))
        .mark_rule(color=BLUE, strokeWidth=2, opacity=0.6)
        .encode(x=x, y=alt.Y("low:Q", **share_axis(up, scale=scale)), y2="high:Q")
    )
    dots = (
        alt.Chart(data_of(_both(rows, "predicted_rate", "baseline_predicted_rate", "rate")))
        .mark_point(filled=True, size=55, opacity=1)
        .encode(x=x, y=y, color=colour_of(_SIDES), shape=shape_of(_SIDES))
    )
    words = {**_SIDES, across: "该十分位平均预测概率", up: "实际发生率"}
    what = (f"{label[0]}: calibration by tenth", f"{label[1]}：分十分位校准")
    return draw(ideal + intervals + dots, words, what, 260)


def biases(rows: Sequence[Row]) -> str:
    """By how much each method missed the total, in the newest window and in the season before.

    Args:
        rows: of `predictions.value_model`, with the names of the method as `en` and `zh`.
    """
    windows = {"newest window": "total_bias", "same season a year before": "season_bias"}
    title = "purchases expected of all / actual - 1"
    data = [
        {"name": row["en"], "window": window, "bias": row[column]}
        for row in rows
        for window, column in windows.items()
        if row[column] is not None
    ]
    shown = [name for name in windows if any(row["window"] == name for row in data)]
    chart = (
        alt.Chart(data_of(data))
        .mark_bar()
        .encode(
            x=alt.X("bias:Q", title=title, axis=alt.Axis(format="+.0%", tickCount=5)),
            y=alt.Y("name:N", title=None, sort=[row["en"] for row in rows]),
            yOffset=alt.YOffset("window:N", sort=shown),
            color=alt.Color(
                "window:N", title=None, scale=alt.Scale(domain=shown, range=[BLUE, "#7fb2d0"])
            ),
        )
    )
    words = {row["en"]: row["zh"] for row in rows} | {
        title: "预期购买总量÷实际−1",
        "newest window": "最近窗口",
        "same season a year before": "去年同期",
    }
    return draw(chart, words, ("Total bias of the methods", "各方法总量偏差"), 70 + 44 * len(rows))


def value_by_tenth(rows: Sequence[Row]) -> str:
    """The share of all expected spend by tenth of the customers.

    Args:
        rows: `tenth`, 1 those of most value, and `share`.
    """
    across = "tenth of customers, those of most value first"
    chart = (
        alt.Chart(data_of(rows))
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("tenth:O", title=across, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("share:Q", **share_axis("share of all expected spend")),
        )
    )
    words = {across: "客户十分位（价值由高到低）", "share of all expected spend": "预期消费占比"}
    return draw(chart, words, ("Expected spend by tenth", "分十分位预期消费"), 260)
