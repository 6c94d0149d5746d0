"""Charts of backtests and drift: measured values beside what they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from portrait_assets.methods.drawing.available import can_draw
from portrait_assets.methods.drawing.svg import SOFT, Words, draw
from portrait_assets.stages.mart.charts.portrait import (
    BLUE,
    GREY,
    ORANGE,
    PALETTE,
    data_of,
    share_axis,
)
from portrait_assets.storage.published import Row

if can_draw():
    # The extra `pictures`: what only reads these modules does without.
    import altair as alt

LEAST_AUC = 0.4


def rates(rows: Sequence[Row], title: tuple[str, str], label: tuple[str, str], words: Words) -> str:
    """Rates with their 95 % intervals, one line each.

    Args:
        rows: `name`, `rate`, `low` and `high`, in the order to show.
        title: of the axis.
        label: what the chart shows.
        words: the Chinese of the names.
    """
    order = [row["name"] for row in rows]
    base = alt.Chart(data_of(rows))
    y = alt.Y("name:N", title=None, sort=order)
    bars = base.mark_bar(color="#cfdbe5", height={"band": 0.7}).encode(
        x=alt.X("rate:Q", **share_axis(title[0])), y=y
    )
    lines = base.mark_rule(color=BLUE, strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y)
    dots = base.mark_point(color=BLUE, filled=True, size=45, opacity=1).encode(x="rate:Q", y=y)
    known = {**words, title[0]: title[1]}
    return draw(bars + lines + dots, known, label, 56 + 30 * len(rows))


def tests(rows: Sequence[Row], words: Words) -> str:
    """Area under the curve of each test with its interval, beside that of the baseline."""
    order = [row["name"] for row in rows]
    shapes = alt.Scale(domain=["the tag", "the baseline"], range=["circle", "diamond"])
    colours = alt.Scale(domain=["the tag", "the baseline"], range=[BLUE, ORANGE])
    points = [
        {"name": row["name"], "what": what, "auc": row[column]}
        for row in rows
        for what, column in (("the tag", "value"), ("the baseline", "baseline_value"))
        if row[column] is not None
    ]
    y = alt.Y("name:N", title=None, sort=order, axis=alt.Axis(labelLimit=260, grid=True))
    title = "area under the ROC curve (0.5 is chance)"

    def x(column: str) -> alt.X:
        # The same in every layer, since their scales are merged.
        return alt.X(
            f"{column}:Q",
            title=title,
            scale=alt.Scale(domain=[LEAST_AUC, 1], zero=False, clamp=True),
            axis=alt.Axis(tickCount=6, format=".1f"),
        )

    dots = (
        alt.Chart(data_of(points))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            x=x("auc"),
            y=y,
            color=alt.Color("what:N", title=None, scale=colours),
            shape=alt.Shape("what:N", title=None, scale=shapes),
        )
    )
    known = {
        **words,
        "the tag": "标签",
        "the baseline": "基线规则",
        title: "ROC曲线下面积（0.5为随机）",
    }
    label = ("Backtests: predictions against outcomes", "时间外回测结果")
    layers = _level("auc", 0.5, x) + _intervals(rows, x, y) + dots
    return draw(layers, known, label, 70 + 26 * len(rows))


def _intervals(rows: Sequence[Row], x: Callable[[str], alt.X], y: alt.Y) -> alt.Chart:
    """A line from `low` to `high` of each row; `x` gives the axis of a column."""
    lines: alt.Chart = (
        alt.Chart(data_of(rows))
        .mark_rule(color=BLUE, strokeWidth=2.5, opacity=0.55)
        .encode(x=x("low"), x2="high:Q", y=y)
    )
    return lines


def _level(column: str, value: float, x: Callable[[str], alt.X]) -> alt.Chart:
    """A dashed line at the value, which intervals are compared with."""
    line: alt.Chart = (
        alt.Chart(data_of([{column: value}]))
        .mark_rule(color=GREY, strokeDash=[4, 4])
        .encode(x=x(column))
    )
    return line


def gains(rows: Sequence[Row], words: Words) -> str:
    """Share of those to whom it happened among the customers with the highest scores."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    lines = (
        alt.Chart(data_of(rows))
        .mark_line(strokeWidth=2.2, point=alt.OverlayMarkDef(size=24))
        .encode(
            x=alt.X("customers:Q", **share_axis("share of customers, highest score first")),
            y=alt.Y("gain:Q", **share_axis("share of hits found")),
            color=alt.Color(
                "name:N",
                title=None,
                scale=alt.Scale(domain=names, range=PALETTE[: len(names)]),
                legend=alt.Legend(columns=1, symbolType="stroke", labelLimit=400),
            ),
            strokeDash=alt.StrokeDash("name:N", title=None, legend=None),
        )
    )
    chance = (
        alt.Chart(data_of([{"customers": 0, "gain": 0}, {"customers": 1, "gain": 1}]))
        .mark_line(color=GREY, strokeDash=[4, 4])
        .encode(x="customers:Q", y="gain:Q")
    )
    known = {
        **words,
        "share of customers, highest score first": "客户占比（得分由高到低）",
        "share of hits found": "命中占比",
    }
    return draw(chance + lines, known, ("Gain curves", "增益曲线"), 320)


def calibration(rows: Sequence[Row]) -> str:
    """The predicted probability against the rate of those who did."""
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(data_of(rows))
    x = alt.X("predicted:Q", **share_axis("predicted probability", scale=scale))
    ideal = (
        alt.Chart(data_of([{"predicted": 0, "rate": 0}, {"predicted": 1, "rate": 1}]))
        .mark_line(color=GREY, strokeDash=[4, 4])
        .encode(x="predicted:Q", y="rate:Q")
    )
    lines = base.mark_rule(color=BLUE, strokeWidth=2, opacity=0.6).encode(
        x=x, y=alt.Y("low:Q"), y2="high:Q"
    )
    dots = base.mark_point(color=BLUE, filled=True, size=50, opacity=1).encode(
        x=x, y=alt.Y("rate:Q", **share_axis("share of customers who did", scale=scale))
    )
    words = {"predicted probability": "预测概率", "share of customers who did": "实际发生率"}
    return draw(ideal + lines + dots, words, ("Calibration", "校准"), 320)


def differences(rows: Sequence[Row], words: Words) -> str:
    """How much more or less often groups get a value than all others, with 95 % intervals.

    Args:
        rows: `name`, `difference`, `low`, `high` and `verdict`, in the order to show.
        words: the Chinese of the names.
    """
    order = [row["name"] for row in rows]
    verdicts = ["parity", "differs"]
    title = "share of the group less that of all others"
    y = alt.Y("name:N", title=None, sort=order, axis=alt.Axis(labelLimit=320, grid=True))

    def x(column: str) -> alt.X:
        return alt.X(f"{column}:Q", title=title, axis=alt.Axis(tickCount=6, format="+.0%"))

    dots = (
        alt.Chart(data_of(rows))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            x=x("difference"),
            y=y,
            color=alt.Color(
                "verdict:N",
                title=None,
                scale=alt.Scale(domain=verdicts, range=[BLUE, "#a3195b"]),
            ),
            shape=alt.Shape(
                "verdict:N",
                title=None,
                scale=alt.Scale(domain=verdicts, range=["circle", "square"]),
            ),
        )
    )
    known = {
        **words,
        title: "该组占比减去其他客户占比",
        "parity": "均等",
        "differs": "存在差异",
    }
    label = ("Fairness: groups against all others", "公平性：各组与其他客户之差")
    layers = _level("difference", 0, x) + _intervals(rows, x, y) + dots
    return draw(layers, known, label, 70 + 24 * len(rows))


def drift(rows: Sequence[Row], words: Words) -> str:
    """PSI of what moved most, beside what it stays below by chance and the usual bands."""
    order = [row["name"] for row in rows]
    verdicts = ["pass", "warn", "fail", "not judged"]
    x = alt.X(
        "psi:Q",
        title="population stability index (logarithmic)",
        scale=alt.Scale(type="log", domainMin=0.001, clamp=True),
        axis=alt.Axis(values=[0.001, 0.01, 0.1, 1, 10], format="~g"),
    )
    y = alt.Y("name:N", title=None, sort=order, axis=alt.Axis(grid=True))
    dots = (
        alt.Chart(data_of(rows))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "verdict:N",
                title=None,
                scale=alt.Scale(domain=verdicts, range=["#2f6690", "#b8741a", "#a3195b", GREY]),
            ),
            shape=alt.Shape(
                "verdict:N",
                title=None,
                scale=alt.Scale(
                    domain=verdicts, range=["circle", "triangle-up", "square", "diamond"]
                ),
            ),
        )
    )
    noise = (
        alt.Chart(data_of(rows))
        .mark_tick(color=SOFT, thickness=2, size=12)
        .encode(x=alt.X("psi_p95:Q"), y=y)
    )
    bands = (
        alt.Chart(data_of([{"at": 0.1}, {"at": 0.25}]))
        .mark_rule(color="#b8741a", strokeDash=[3, 3], opacity=0.7)
        .encode(x="at:Q")
    )
    known = {
        **words,
        "population stability index (logarithmic)": "群体稳定性指数PSI（对数轴）",
        "pass": "通过",
        "warn": "警告",
        "fail": "未通过",
        "not judged": "无法判断",
    }
    return draw(
        bands + noise + dots, known, ("What moved most", "漂移最大的项目"), 70 + 22 * len(rows)
    )
