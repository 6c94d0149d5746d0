"""Pictures of a month as PNG: areas and calibration of models, curves of cards, bias of values."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import polars as pl

from portrait_assets.methods.drawing.png import png
from portrait_assets.stages.predictions.credit.contract import CUT, VINTAGE

COLUMNS = 4
SIZE = 150
BLUE, ORANGE, GREY = "#2f6690", "#d1662f", "#9aa5b1"
_COLOURS = {"prediction": BLUE, "baseline": ORANGE}
_SIDES = {"actual": BLUE, "expected": ORANGE}


def of_backtests(tests: pl.DataFrame, tenths: pl.DataFrame) -> dict[str, bytes]:
    """Areas beside those of the baselines, and calibration by tenth; none of nothing.

    Args:
        tests: a month's rows of `predictions.prediction_backtest`.
        tenths: those of `predictions.prediction_calibration`.
    """
    drawn = {}
    known = tests.drop_nulls("auc")
    if known.height:
        drawn["areas"] = png(_areas(known))
    if tenths.height:
        drawn["calibration"] = png(_calibration(tenths))
    return drawn


def of_cards(curve: pl.DataFrame) -> dict[str, bytes]:
    """Approval against what was expected and what came, and vintages; none of nothing.

    Args:
        curve: a month's rows of `predictions.credit_curve`.
    """
    known = curve.drop_nulls("actual_bad_rate")
    cuts, vintages = (known.filter(pl.col("kind") == kind) for kind in (CUT, VINTAGE))
    drawn = {}
    if cuts.height:
        x = alt.X("approval_share:Q", title="share approved", axis=alt.Axis(format="%"))
        drawn["approval"] = png(_rates(cuts, x, "Approval against expected and actual rate"))
    if vintages.height:
        x = alt.X("base_month:O", title="month of the scores")
        drawn["vintages"] = png(_rates(vintages, x, "Vintages: expected and actual rate"))
    return drawn


def of_values(methods: pl.DataFrame) -> dict[str, bytes]:
    """By how much each method missed the total; none of nothing.

    Args:
        methods: a month's rows of `predictions.value_model`.
    """
    judged = methods.drop_nulls("total_bias")
    if judged.is_empty():
        return {}
    chart = (
        alt.Chart(
            _values(judged.select("method", "status", "total_bias")),
            width=360,
            height=alt.Step(26),
            title="Purchases expected of all / actual - 1, newest window",
        )
        .mark_bar()
        .encode(
            x=alt.X("total_bias:Q", title="total bias", axis=alt.Axis(format="+%")),
            y=alt.Y("method:N", title=None, axis=alt.Axis(labelLimit=260)),
            color=_colour("status:N", {"chosen": BLUE, "not chosen": GREY}),
        )
    )
    return {"total_bias": png(chart)}


def _areas(tests: pl.DataFrame) -> alt.LayerChart:
    names = {"auc": "prediction", "baseline_auc": "baseline"}
    points = (
        tests.select("target", *names)
        .rename(names)
        .unpivot(on=list(names.values()), index="target", variable_name="side", value_name="area")
    )
    y = alt.Y("target:N", title=None, axis=alt.Axis(labelLimit=300, grid=True))
    scale = alt.Scale(domain=[0.4, 1], zero=False, clamp=True)
    intervals = (
        alt.Chart(_values(tests.select("target", "auc_low", "auc_high").drop_nulls()))
        .mark_rule(color=BLUE, strokeWidth=2, opacity=0.6)
        .encode(x=alt.X("auc_low:Q", scale=scale), x2="auc_high:Q", y=y)
    )
    dots = (
        alt.Chart(_values(points.drop_nulls()))
        .mark_point(filled=True, size=55, opacity=1)
        .encode(
            x=alt.X("area:Q", title="area under the ROC curve", scale=scale),
            y=y,
            color=_colour("side:N", _COLOURS),
            shape=alt.Shape("side:N", title=None, scale=_scale(_COLOURS, ["circle", "diamond"])),
        )
    )
    layers: alt.LayerChart = (intervals + dots).properties(
        width=420, height=alt.Step(24), title="Scores and baselines, newest closed window"
    )
    return layers


def _calibration(tenths: pl.DataFrame) -> alt.FacetChart:
    base = alt.Chart().encode(
        x=alt.X("predicted_rate:Q", title="predicted", axis=alt.Axis(format="%", tickCount=4))
    )
    ideal = base.mark_line(color=GREY, strokeDash=[4, 4]).encode(y="predicted_rate:Q")
    intervals = base.mark_rule(color=BLUE, opacity=0.6).encode(y="low:Q", y2="high:Q")
    dots = base.mark_point(color=BLUE, filled=True, size=40, opacity=1).encode(
        y=alt.Y("rate:Q", title="happened", axis=alt.Axis(format="%", tickCount=4))
    )
    columns = ("target", "predicted_rate", "rate", "low", "high")
    return _by_target(ideal + intervals + dots, tenths.select(columns), "Calibration")


def _rates(rows: pl.DataFrame, x: alt.X, title: str) -> alt.FacetChart:
    sides = {"actual_bad_rate": "actual", "expected_of_known": "expected"}
    kept = ["target", "approval_share", "base_month"]
    points = rows.rename(sides).unpivot(
        on=list(sides.values()), index=[*kept, "low", "high"], variable_name="side"
    )
    y = alt.Y("value:Q", title="rate", axis=alt.Axis(format="%", tickCount=4))
    intervals = alt.Chart().mark_rule(color=BLUE, opacity=0.4).encode(x=x, y="low:Q", y2="high:Q")
    lines = (
        alt.Chart()
        .mark_line(point=True)
        .encode(
            x=x,
            y=y,
            color=_colour("side:N", _SIDES),
            strokeDash=alt.StrokeDash("side:N", legend=None),
        )
    )
    return _by_target(intervals + lines, points, title)


def _by_target(layers: alt.LayerChart, rows: pl.DataFrame, title: str) -> alt.FacetChart:
    sized = layers.properties(width=SIZE, height=SIZE)
    facets: alt.FacetChart = (
        sized.facet(facet=alt.Facet("target:N", title=None), columns=COLUMNS, data=_values(rows))
        .resolve_scale(x="independent", y="independent")
        .properties(title=title)
    )
    return facets


def _colour(field: str, colours: Mapping[str, str]) -> alt.Color:
    return alt.Color(field, title=None, scale=_scale(colours, list(colours.values())))


def _scale(domain: Mapping[str, str], values: list[str]) -> alt.Scale:
    return alt.Scale(domain=list(domain), range=values)


def _values(rows: pl.DataFrame) -> alt.InlineData:
    return alt.InlineData(values=rows.to_dicts())
