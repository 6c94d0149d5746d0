"""Charts of scorecards: approval against what was expected and what came, and vintages."""

from __future__ import annotations

from collections.abc import Sequence

from portrait_assets.methods.drawing.available import can_draw
from portrait_assets.methods.drawing.svg import draw
from portrait_assets.stages.mart.charts.portrait import (
    BLUE,
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

_EXPECTED, _ACTUAL = "expected", "actual"
_SIDES = {_ACTUAL: "实际", _EXPECTED: "预期"}
_RATE = "share to whom it happened"
_WORDS = {**MONTH_WORDS, **_SIDES, _RATE: "发生率"}


def _rate(column: str) -> alt.Y:
    # The same in every layer, since their scales are merged.
    return alt.Y(f"{column}:Q", **share_axis(_RATE))


def _both(rows: Sequence[Row], kept: str) -> list[Row]:
    return [
        {kept: row[kept], "what": what, "rate": row[column]}
        for row in rows
        for what, column in ((_ACTUAL, "actual_bad_rate"), (_EXPECTED, "expected_of_known"))
        if row[column] is not None
    ]


def approval(rows: Sequence[Row], label: tuple[str, str]) -> str:
    """What share would be approved, and how often it then happens: expected and actual.

    Args:
        rows: the cuts of `predictions.credit_curve` of one target.
        label: the target, in English and Chinese.
    """
    known = [row for row in rows if row["actual_bad_rate"] is not None]
    across = "share approved, best scores first"
    x = alt.X("approval_share:Q", **share_axis(across, scale=alt.Scale(domain=[0, 1])))
    band = (
        alt.Chart(data_of(known))
        .mark_area(color=BLUE, opacity=0.18)
        .encode(x=x, y=_rate("low"), y2="high:Q")
    )
    lines = (
        alt.Chart(data_of(_both(known, "approval_share")))
        .mark_line(strokeWidth=2.2, point=alt.OverlayMarkDef(size=20))
        .encode(
            x=x,
            y=_rate("rate"),
            color=colour_of(_SIDES),
            strokeDash=alt.StrokeDash("what:N", title=None, legend=None),
        )
    )
    what = (f"{label[0]}: approval", f"{label[1]}：通过率曲线")
    return draw(band + lines, {**_WORDS, across: "通过率（得分由高到低）"}, what, 280)


def vintages(rows: Sequence[Row], label: tuple[str, str]) -> str:
    """By month of the scores how often it happened since, beside what was expected.

    Args:
        rows: the vintages of `predictions.credit_curve` of one target.
        label: the target, in English and Chinese.
    """
    known = [
        row | {"month": row["base_month"]} for row in rows if row["actual_bad_rate"] is not None
    ]
    x = alt.X("month:O", title="month", axis=alt.Axis(labelAngle=-45))
    intervals = (
        alt.Chart(data_of(known))
        .mark_rule(color=BLUE, strokeWidth=2.5, opacity=0.55)
        .encode(x=x, y=_rate("low"), y2="high:Q")
    )
    dots = (
        alt.Chart(data_of(_both(known, "month")))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            x=x,
            y=_rate("rate"),
            color=colour_of(_SIDES),
            shape=shape_of(_SIDES),
        )
    )
    what = (f"{label[0]}: vintages", f"{label[1]}：各批次表现")
    return draw(intervals + dots, _WORDS, what, 260)
