"""Charts of the market: parts of a change, trends, seasons, and competitors' gaps."""

from __future__ import annotations

from collections.abc import Sequence

from portrait_assets.methods.drawing.available import can_draw
from portrait_assets.methods.drawing.svg import Words, draw
from portrait_assets.stages.mart.charts.portrait import (
    BLUE,
    MONTH_WORDS,
    ORANGE,
    PALETTE,
    data_of,
    share_axis,
)
from portrait_assets.storage.published import Row

if can_draw():
    # The extra `pictures`: what only reads these modules does without.
    import altair as alt


def parts(rows: Sequence[Row], words: Words) -> str:
    """Bars to both sides of 0: what a change of takings is made of.

    Args:
        rows: `name` and `amount` of each part, in the order to show.
        words: the Chinese of the names.
    """
    title = "part of the change, in the source's currency"
    chart = (
        alt.Chart(data_of(rows))
        .mark_bar(height={"band": 0.7})
        .encode(
            x=alt.X("amount:Q", title=title, axis=alt.Axis(format=",.0f", tickCount=5)),
            y=alt.Y("name:N", title=None, sort=[row["name"] for row in rows]),
            color=alt.condition("datum.amount < 0", alt.value(ORANGE), alt.value(BLUE)),
        )
    )
    known = {**words, title: "变动的组成（本位币）"}
    label = ("What the change of takings is made of", "销售额变动的组成")
    return draw(chart, known, label, 56 + 30 * len(rows))


def trends(rows: Sequence[Row]) -> str:
    """Trends with their 95 % intervals.

    Args:
        rows: `name`, `trend`, `low` and `high`, in the order to show.
    """
    title = "change a month, share of the median"
    base = alt.Chart(data_of(rows))
    y = alt.Y("name:N", title=None, sort=[row["name"] for row in rows])
    lines = base.mark_rule(color=BLUE, strokeWidth=2).encode(
        x=alt.X("low:Q", **share_axis(title)), x2="high:Q", y=y
    )
    dots = base.mark_point(color=BLUE, filled=True, size=45, opacity=1).encode(x="trend:Q", y=y)
    label = ("Trends that are sure", "确定的趋势")
    return draw(lines + dots, {title: "月度变动（占中位数）"}, label, 56 + 26 * len(rows))


def by_month(
    rows: Sequence[Row], order: Sequence[str], what: tuple[str, str], label: tuple[str, str]
) -> str:
    """Lines by month.

    Args:
        rows: `month`, `name` and `value`.
        order: the names, at most as many as there are colours.
        what: what the values are, in English and Chinese.
        label: what the chart shows.
    """
    chart = (
        alt.Chart(data_of(rows))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=18))
        .encode(
            x=alt.X("month:O", title="month", axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("value:Q", title=what[0], scale=alt.Scale(zero=False)),
            color=alt.Color(
                "name:N",
                title=None,
                scale=alt.Scale(domain=list(order), range=PALETTE[: len(order)]),
            ),
            strokeDash=alt.StrokeDash("name:N", legend=None, sort=list(order)),
        )
    )
    return draw(chart, {**MONTH_WORDS, what[0]: what[1]}, label, 300)
