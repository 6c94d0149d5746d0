"""The report's charts. Every axis has a title, every number its unit, no colour stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from portrait_assets.mart.reading import Row
from portrait_assets.mart.svg import SOFT, Words, draw

BLUE, ORANGE, GREY = "#2f6690", "#d1662f", "#9aa5b1"
# Okabe and Ito's eight, told apart by nearly everyone, without the yellow that vanishes on white.
PALETTE = ["#2f6690", "#d1662f", "#2a9d74", "#b5548b", "#5aa9d6", "#8a6d1f", "#5b4b9a", "#7d8793"]
SEQUENCE = ["#1b4965", "#3a7ca5", "#7fb2d0", "#e0b98d", "#d08548", "#a04a1f"]
LEAST_AUC = 0.4
MONTH_WORDS = {"month": "月份"}


def _data(rows: Sequence[Row]) -> alt.InlineData:
    # Dates and decimals are no JSON; no chart draws them.
    plain = (str, int, float, type(None))
    return alt.InlineData(
        values=[{k: v for k, v in row.items() if isinstance(v, plain)} for row in rows]
    )


def _share(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "axis": alt.Axis(format="%", tickCount=5), **more}


def shares_by_month(
    rows: Sequence[Row],
    order: Sequence[str],
    words: Words,
    what: tuple[str, str],
    colours: Sequence[str],
) -> str:
    """Stacked bars: the share of customers by value, month by month.

    Args:
        rows: `as_of`, `value` (its English label) and `n`.
        order: the labels from the bottom up.
        words: their Chinese.
        what: what the values are, in English and Chinese.
        colours: one per label.
    """
    data = [
        {"month": f"{row['as_of']:%Y-%m}", "value": row["value"], "n": row["n"]}
        | {"place": order.index(row["value"])}
        for row in rows
        if row["value"] in order
    ]
    chart = (
        alt.Chart(_data(data))
        .mark_bar(stroke="white", strokeWidth=0.6)
        .encode(
            x=alt.X("month:O", title="month", axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("n:Q", stack="normalize", **_share("share of customers")),
            order=alt.Order("place:Q"),
            color=alt.Color(
                "value:N",
                title=None,
                scale=alt.Scale(domain=list(order), range=list(colours)),
                legend=alt.Legend(columns=2 if max(map(len, order)) > 16 else 3),
            ),
        )
    )
    known = {**words, **MONTH_WORDS, "share of customers": "客户占比"}
    return draw(chart, known, (f"{what[0]} by month", f"各月{what[1]}"), 300)


def concentration(points: Sequence[Row]) -> str:
    """How much of the spend the highest spenders bring."""
    line = (
        alt.Chart(_data(points))
        .mark_line(color=BLUE, strokeWidth=2.5, point=alt.OverlayMarkDef(color=BLUE, size=22))
        .encode(
            x=alt.X("customers:Q", **_share("share of customers, highest spenders first")),
            y=alt.Y("spend:Q", **_share("share of spend in 12 months")),
        )
    )
    equal = (
        alt.Chart(_data([{"customers": 0, "spend": 0}, {"customers": 1, "spend": 1}]))
        .mark_line(color=GREY, strokeDash=[4, 4])
        .encode(x="customers:Q", y="spend:Q")
    )
    words = {
        "share of customers, highest spenders first": "客户占比(消费由高到低)",
        "share of spend in 12 months": "近12月消费占比",
    }
    return draw(equal + line, words, ("Concentration of spend", "消费集中度"))


def segment_value(segments: Sequence[Row], words: Words) -> str:
    """Share of customers beside share of spend, segment by segment."""
    data = [
        {"segment": row["label"], "what": what, "share": row[column]}
        for row in segments
        for what, column in (("of customers", "share"), ("of spend", "value_share"))
        if row[column] is not None
    ]
    chart = (
        alt.Chart(_data(data))
        .mark_bar(height={"band": 0.86})
        .encode(
            x=alt.X("share:Q", **_share("share")),
            y=alt.Y("segment:N", title=None, sort=[row["label"] for row in segments]),
            yOffset=alt.YOffset("what:N", sort=["of customers", "of spend"]),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=["of customers", "of spend"], range=[GREY, BLUE]),
            ),
        )
    )
    known = {**words, "share": "占比", "of customers": "客户占比", "of spend": "消费占比"}
    label = ("Customers and spend by segment", "各客群客户与消费占比")
    return draw(chart, known, label, 60 + 44 * len(segments))


def scatter(
    points: Sequence[Row],
    explained: Sequence[float],
    order: Sequence[str],
    words: Words,
    colours: Sequence[str],
) -> str:
    """Customers in the plane of the two leading principal components, by segment."""
    titles = [f"component {i} ({share:.0%} of variance)" for i, share in enumerate(explained, 1)]
    chart = (
        alt.Chart(_data(points))
        .mark_circle(size=16, opacity=0.6)
        .encode(
            x=alt.X("x:Q", title=titles[0], axis=alt.Axis(tickCount=6)),
            y=alt.Y("y:Q", title=titles[1], axis=alt.Axis(tickCount=6)),
            color=alt.Color(
                "segment:N",
                title=None,
                scale=alt.Scale(domain=list(order), range=list(colours)),
                legend=alt.Legend(columns=2, symbolType="circle", symbolOpacity=1),
            ),
        )
    )
    zh = [f"主成分{i}(解释方差{share:.0%})" for i, share in enumerate(explained, 1)]
    known = {**words, **dict(zip(titles, zh, strict=True))}
    return draw(chart, known, ("Segments in two dimensions", "客群二维散点图"), 400)


def contacts(rows: Sequence[Row]) -> str:
    """Campaign contacts and responses received, month by month."""
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(height={"band": 0.9}, width={"band": 0.9})
        .encode(
            x=alt.X("month:O", title="month", axis=alt.Axis(labelAngle=-45)),
            xOffset=alt.XOffset("what:N", sort=["contacts", "responses"]),
            y=alt.Y("n:Q", title="records in the month", axis=alt.Axis(format=",.0f", tickCount=5)),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=["contacts", "responses"], range=[GREY, ORANGE]),
            ),
        )
    )
    words = {
        **MONTH_WORDS,
        "contacts": "触达",
        "responses": "响应",
        "records in the month": "当月记录数",
    }
    return draw(chart, words, ("Contacts and responses by month", "各月触达与响应"))


def rates(rows: Sequence[Row], title: tuple[str, str], label: tuple[str, str], words: Words) -> str:
    """Rates with their 95 % intervals, one line each.

    Args:
        rows: `name`, `rate`, `low` and `high`, in the order to show.
        title: of the axis.
        label: what the chart shows.
        words: the Chinese of the names.
    """
    order = [row["name"] for row in rows]
    base = alt.Chart(_data(rows))
    y = alt.Y("name:N", title=None, sort=order)
    bars = base.mark_bar(color="#cfdbe5", height={"band": 0.7}).encode(
        x=alt.X("rate:Q", **_share(title[0])), y=y
    )
    lines = base.mark_rule(color=BLUE, strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y)
    dots = base.mark_point(color=BLUE, filled=True, size=45, opacity=1).encode(x="rate:Q", y=y)
    known = {**words, title[0]: title[1]}
    return draw(bars + lines + dots, known, label, 56 + 30 * len(rows))


def tests(rows: Sequence[Row], words: Words) -> str:
    """Area under the curve of each test with its interval, beside that of the plain rule."""
    order = [row["name"] for row in rows]
    shapes = alt.Scale(domain=["the tag", "the plain rule"], range=["circle", "diamond"])
    colours = alt.Scale(domain=["the tag", "the plain rule"], range=[BLUE, ORANGE])
    points = [
        {"name": row["name"], "what": what, "auc": row[column]}
        for row in rows
        for what, column in (("the tag", "value"), ("the plain rule", "baseline_value"))
        if row[column] is not None
    ]
    y = alt.Y("name:N", title=None, sort=order, axis=alt.Axis(labelLimit=260, grid=True))
    title = "area under the ROC curve (0.5 is chance)"

    def x(column: str) -> alt.X:
        # Every layer says the same, for their scales are put together.
        return alt.X(
            f"{column}:Q",
            title=title,
            scale=alt.Scale(domain=[LEAST_AUC, 1], zero=False, clamp=True),
            axis=alt.Axis(tickCount=6, format=".1f"),
        )

    lines = (
        alt.Chart(_data(rows))
        .mark_rule(color=BLUE, strokeWidth=2.5, opacity=0.55)
        .encode(x=x("low"), x2="high:Q", y=y)
    )
    dots = (
        alt.Chart(_data(points))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            x=x("auc"),
            y=y,
            color=alt.Color("what:N", title=None, scale=colours),
            shape=alt.Shape("what:N", title=None, scale=shapes),
        )
    )
    chance = (
        alt.Chart(_data([{"auc": 0.5}])).mark_rule(color=GREY, strokeDash=[4, 4]).encode(x=x("auc"))
    )
    known = {
        **words,
        "the tag": "标签",
        "the plain rule": "简单规则",
        title: "ROC曲线下面积(0.5为随机)",
    }
    label = ("Backtests: what was said against what happened", "时间外回测结果")
    return draw(chance + lines + dots, known, label, 70 + 26 * len(rows))


def gains(rows: Sequence[Row], words: Words) -> str:
    """Share of those to whom it happened among the customers with the highest scores."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    lines = (
        alt.Chart(_data(rows))
        .mark_line(strokeWidth=2.2, point=alt.OverlayMarkDef(size=24))
        .encode(
            x=alt.X("customers:Q", **_share("share of customers, highest score first")),
            y=alt.Y("gain:Q", **_share("share of hits found")),
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
        alt.Chart(_data([{"customers": 0, "gain": 0}, {"customers": 1, "gain": 1}]))
        .mark_line(color=GREY, strokeDash=[4, 4])
        .encode(x="customers:Q", y="gain:Q")
    )
    known = {
        **words,
        "share of customers, highest score first": "客户占比(得分由高到低)",
        "share of hits found": "命中占比",
    }
    return draw(chance + lines, known, ("Gain curves", "增益曲线"), 320)


def calibration(rows: Sequence[Row]) -> str:
    """The probability that was said against the rate that came."""
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(_data(rows))
    x = alt.X("predicted:Q", **_share("probability said", scale=scale))
    ideal = (
        alt.Chart(_data([{"predicted": 0, "rate": 0}, {"predicted": 1, "rate": 1}]))
        .mark_line(color=GREY, strokeDash=[4, 4])
        .encode(x="predicted:Q", y="rate:Q")
    )
    lines = base.mark_rule(color=BLUE, strokeWidth=2, opacity=0.6).encode(
        x=x, y=alt.Y("low:Q"), y2="high:Q"
    )
    dots = base.mark_point(color=BLUE, filled=True, size=50, opacity=1).encode(
        x=x, y=alt.Y("rate:Q", **_share("share of customers who did", scale=scale))
    )
    words = {"probability said": "预测概率", "share of customers who did": "实际发生率"}
    return draw(ideal + lines + dots, words, ("Calibration", "校准"), 320)


def drift(rows: Sequence[Row], words: Words) -> str:
    """PSI of what moved most, beside what chance would do and the usual bands."""
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
        alt.Chart(_data(rows))
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
        alt.Chart(_data(rows))
        .mark_tick(color=SOFT, thickness=2, size=12)
        .encode(x=alt.X("psi_p95:Q"), y=y)
    )
    bands = (
        alt.Chart(_data([{"at": 0.1}, {"at": 0.25}]))
        .mark_rule(color="#b8741a", strokeDash=[3, 3], opacity=0.7)
        .encode(x="at:Q")
    )
    known = {
        **words,
        "population stability index (logarithmic)": "群体稳定性指数PSI(对数轴)",
        "pass": "通过",
        "warn": "警告",
        "fail": "未通过",
        "not judged": "无法判断",
    }
    return draw(
        bands + noise + dots, known, ("What moved most", "漂移最大的项目"), 70 + 22 * len(rows)
    )


def flow(
    bands: Sequence[Row],
    bars: Sequence[Row],
    colours: dict[str, str],
    words: Words,
    label: tuple[str, str],
) -> str:
    """Who moved where since the month before, as bands between two columns of bars.

    Args:
        bands: points of each band: `band`, `x` (0 to 1), `low`, `high` (customers), `name`.
        bars: `side` (0 or 1), `low`, `high`, `name`, `text`.
        colours: by name.
        words: the Chinese of the texts.
        label: what the chart shows.
    """
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    colour = alt.Color("name:N", scale=scale, legend=None)
    axis = alt.Axis(
        values=[0, 1],
        labelExpr="datum.value < 0.5 ? 'month before' : 'this month'",
        grid=False,
        domain=False,
        ticks=False,
        labelAlign="center",
    )
    x = alt.X("x:Q", title=None, scale=alt.Scale(domain=[-0.75, 1.75], nice=False), axis=axis)
    # Each bar tells its own number, so there is no axis to read it from.
    y = alt.Y("low:Q", scale=alt.Scale(reverse=True, nice=False), axis=None)
    areas = (
        alt.Chart(_data(bands))
        .mark_area(opacity=0.5, interpolate="monotone")
        .encode(x=x, y=y, y2="high:Q", detail="band:N", color=colour)
    )
    blocks = (
        alt.Chart(_data(bars))
        .mark_rect(opacity=1)
        .encode(x=alt.X("x0:Q"), x2="x1:Q", y="low:Q", y2="high:Q", color=colour)
    )
    texts = []
    for side, mark, at in (
        (0, alt.MarkDef(type="text", align="right", dx=-5, fontSize=11), "x0:Q"),
        (1, alt.MarkDef(type="text", align="left", dx=5, fontSize=11), "x1:Q"),
    ):
        told = alt.Chart(_data([bar for bar in bars if bar["side"] == side and bar["text"]]))
        told.mark = mark
        texts.append(told.encode(x=alt.X(at), y="middle:Q", text="text:N"))
    chart = alt.LayerChart(layer=[areas, blocks, *texts])
    known = {**words, "month before": "上月", "this month": "本月"}
    return draw(chart, known, label, 340)
