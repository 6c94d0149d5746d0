"""The report's charts. Every axis has a title, every number its unit, no colour is used alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portrait_assets.methods.drawing.available import can_draw
from portrait_assets.methods.drawing.svg import Words, draw
from portrait_assets.storage.published import Row

if can_draw():
    # The extra `pictures`: what only reads these modules does without.
    import altair as alt

BLUE, ORANGE, GREY = "#2f6690", "#d1662f", "#9aa5b1"
# Okabe and Ito's eight, distinct to nearly everyone, without the yellow that vanishes on white.
PALETTE = ["#2f6690", "#d1662f", "#2a9d74", "#b5548b", "#5aa9d6", "#8a6d1f", "#5b4b9a", "#7d8793"]
SEQUENCE = ["#1b4965", "#3a7ca5", "#7fb2d0", "#e0b98d", "#d08548", "#a04a1f"]
MONTH_WORDS = {"month": "月份"}


def data_of(rows: Sequence[Row]) -> alt.InlineData:
    """The rows as the data of a chart."""
    # Dates and decimals are no JSON; no chart draws them.
    plain = (str, int, float, type(None))
    return alt.InlineData(
        values=[{k: v for k, v in row.items() if isinstance(v, plain)} for row in rows]
    )


def colour_of(sides: Mapping[str, str]) -> alt.Color:
    """The colour of a value by `what` it is: the first of two sides blue, the other orange."""
    return alt.Color(
        "what:N", title=None, scale=alt.Scale(domain=list(sides), range=[BLUE, ORANGE])
    )


def shape_of(sides: Mapping[str, str]) -> alt.Shape:
    """The shape of a point by `what` it is, so that colours are not needed to tell them apart."""
    return alt.Shape(
        "what:N", title=None, scale=alt.Scale(domain=list(sides), range=["circle", "diamond"])
    )


def share_axis(title: str, **more: Any) -> dict[str, Any]:
    """The arguments of an axis that holds shares."""
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
        alt.Chart(data_of(data))
        .mark_bar(stroke="white", strokeWidth=0.6)
        .encode(
            x=alt.X("month:O", title="month", axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("n:Q", stack="normalize", **share_axis("share of customers")),
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
        alt.Chart(data_of(points))
        .mark_line(color=BLUE, strokeWidth=2.5, point=alt.OverlayMarkDef(color=BLUE, size=22))
        .encode(
            x=alt.X("customers:Q", **share_axis("share of customers, highest spenders first")),
            y=alt.Y("spend:Q", **share_axis("share of spend in 12 months")),
        )
    )
    equal = (
        alt.Chart(data_of([{"customers": 0, "spend": 0}, {"customers": 1, "spend": 1}]))
        .mark_line(color=GREY, strokeDash=[4, 4])
        .encode(x="customers:Q", y="spend:Q")
    )
    words = {
        "share of customers, highest spenders first": "客户占比（消费由高到低）",
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
        alt.Chart(data_of(data))
        .mark_bar(height={"band": 0.86})
        .encode(
            x=alt.X("share:Q", **share_axis("share")),
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
        alt.Chart(data_of(points))
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
    zh = [f"主成分{i}（解释方差{share:.0%}）" for i, share in enumerate(explained, 1)]
    known = {**words, **dict(zip(titles, zh, strict=True))}
    return draw(chart, known, ("Segments in two dimensions", "客群二维散点图"), 400)


def contacts(rows: Sequence[Row]) -> str:
    """Campaign contacts and responses received, month by month."""
    chart = (
        alt.Chart(data_of(rows))
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
    # Each bar is labelled with its number, so that no axis is needed.
    y = alt.Y("low:Q", scale=alt.Scale(reverse=True, nice=False), axis=None)
    areas = (
        alt.Chart(data_of(bands))
        .mark_area(opacity=0.5, interpolate="monotone")
        .encode(x=x, y=y, y2="high:Q", detail="band:N", color=colour)
    )
    blocks = (
        alt.Chart(data_of(bars))
        .mark_rect(opacity=1)
        .encode(x=alt.X("x0:Q"), x2="x1:Q", y="low:Q", y2="high:Q", color=colour)
    )
    texts = []
    for side, mark, at in (
        (0, alt.MarkDef(type="text", align="right", dx=-5, fontSize=11), "x0:Q"),
        (1, alt.MarkDef(type="text", align="left", dx=5, fontSize=11), "x1:Q"),
    ):
        labels = alt.Chart(data_of([bar for bar in bars if bar["side"] == side and bar["text"]]))
        labels.mark = mark
        texts.append(labels.encode(x=alt.X(at), y="middle:Q", text="text:N"))
    chart = alt.LayerChart(layer=[areas, blocks, *texts])
    known = {**words, "month before": "上月", "this month": "本月"}
    return draw(chart, known, label, 340)
