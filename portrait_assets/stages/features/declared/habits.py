"""Symbol (符号), continued: where and when the customer buys, gives back, and speaks up."""

from __future__ import annotations

from typing import Any

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.expressions import ratio, share
from portrait_assets.stages.features.declared.feature import NEVER_NULL, SHARE, Element, Feature

_NEVER = "no purchase in the window"
_WEEKDAYS = (
    *("b.monday_lines", "b.tuesday_lines", "b.wednesday_lines", "b.thursday_lines"),
    *("b.friday_lines", "b.saturday_lines", "b.sunday_lines"),
)
_MOST = f"greatest({', '.join(_WEEKDAYS)})"
_CHANNEL_LINES = "(b.digital_lines + b.branch_lines + b.self_service_lines + b.phone_lines)"
_CHANNEL_SQUARES = " + ".join(
    f"b.{name}_lines * b.{name}_lines" for name in ("digital", "branch", "self_service", "phone")
)
_RESULTANT = "sqrt(pow(CAST(b.hour_x AS DOUBLE), 2) + pow(CAST(b.hour_y AS DOUBLE), 2)) / 1000"


def _habit(
    name: str, en: str, zh: str, formula: str, sql: str, type_: Type = Type.NUMBER, **more: Any
) -> Feature:
    more = {"null_means": _NEVER, "unit": SHARE, **more}
    return Feature(name, Element.SYMBOL, type_, en, zh, formula, sql=sql, window_months=12, **more)


def _channel(name: str, en: str, zh: str, of: str) -> Feature:
    return _habit(
        f"{name}_share_12m",
        en,
        zh,
        f"lines {of} / lines through a known kind of channel",
        share(f"b.{name}_lines", _CHANNEL_LINES),
        needs=(needs.CHANNEL,),
        null_means="no purchase through a known kind of channel in the window",
    )


def _count(name: str, en: str, zh: str, formula: str, need: needs.Need) -> Feature:
    return _habit(
        f"{name}_12m",
        en,
        zh,
        formula,
        f"coalesce(b.{name}, 0)",
        Type.INTEGER,
        unit=name,
        needs=(need,),
        null_means=NEVER_NULL,
    )


FEATURES: tuple[Feature, ...] = (
    _channel("digital", "Digital share", "数字渠道占比", "through app, web and the like"),
    _channel("branch", "Branch share", "网点（门店）占比", "in a branch or shop"),
    _channel("self_service", "Self-service share", "自助渠道占比", "at machines and terminals"),
    _channel("phone", "Telephone share", "电话渠道占比", "by telephone"),
    _habit(
        "channel_hhi_12m",
        "Concentration over channels (Herfindahl-Hirschman index)",
        "渠道集中度（HHI）",
        "sum of squared shares of lines by kind of channel",
        share(f"({_CHANNEL_SQUARES})", f"({_CHANNEL_LINES} * {_CHANNEL_LINES})"),
        unit="0 to 1",
        needs=(needs.CHANNEL,),
        null_means="no purchase through a known kind of channel in the window",
    ),
    _habit(
        "weekend_spend_share_12m",
        "Weekend share of spend",
        "周末消费占比",
        "spend on Saturday and Sunday / spend_12m",
        share("b.weekend_amount", "b.amount"),
        needs=(needs.AMOUNT,),
    ),
    _habit(
        "evening_spend_share_12m",
        "Evening share of spend",
        "晚间消费占比",
        "spend from 18:00 on / spend_12m",
        share("b.evening_amount", "b.amount"),
        needs=(needs.AMOUNT, needs.TIME_OF_DAY),
    ),
    _habit(
        "night_line_share_12m",
        "Night share of lines",
        "凌晨交易占比",
        "lines from 00:00 to 05:59 / lines",
        share("b.night_lines", "b.lines"),
        needs=(needs.TIME_OF_DAY,),
    ),
    _habit(
        "morning_line_share_12m",
        "Morning share of lines",
        "上午交易占比",
        "lines from 06:00 to 11:59 / lines",
        share("b.morning_lines", "b.lines"),
        needs=(needs.TIME_OF_DAY,),
    ),
    _habit(
        "typical_hour_12m",
        "Typical hour",
        "典型交易时刻",
        "circular mean of the hours of the lines on a 24-hour clock",
        "CASE WHEN b.lines > 0 AND (b.hour_x <> 0 OR b.hour_y <> 0) THEN round(fmod("
        "atan2(CAST(b.hour_y AS DOUBLE), CAST(b.hour_x AS DOUBLE)) * 12 / pi() + 24, 24), 2) END",
        unit="hour",
        needs=(needs.TIME_OF_DAY,),
    ),
    _habit(
        "hour_regularity_12m",
        "Regularity of the hour",
        "交易时刻规律性",
        "length of the mean vector of the hours; 1 is always the same hour",
        f"CASE WHEN b.lines > 0 THEN round(least({_RESULTANT} / b.lines, 1), 6) END",
        unit="0 to 1",
        needs=(needs.TIME_OF_DAY,),
    ),
    _habit(
        "top_weekday_12m",
        "Preferred weekday",
        "偏好星期",
        "weekday with the most lines, the earliest in the week where two are equal",
        f"CASE WHEN b.lines > 0 THEN list_position([{', '.join(_WEEKDAYS)}], {_MOST}) END",
        Type.INTEGER,
        unit="1 Monday to 7 Sunday",
    ),
    _habit(
        "top_weekday_share_12m",
        "Share of the preferred weekday",
        "偏好星期占比",
        "its lines / lines",
        share(_MOST, "b.lines"),
    ),
    _habit(
        "return_share_12m",
        "Share of returns",
        "退货（退款）占比",
        "lines that give back / lines",
        share("b.returned_lines", "b.lines"),
        needs=(needs.RETURNS,),
    ),
    _habit(
        "returned_amount_share_12m",
        "Share of spend given back",
        "退款金额占比",
        "amount given back / (spend_12m + amount given back)",
        share("b.returned_amount", "(b.amount + b.returned_amount)"),
        needs=(needs.RETURNS,),
    ),
    _count(
        "complaints",
        "Complaints",
        "投诉次数",
        "interactions of the kind complaint",
        needs.COMPLAINTS,
    ),
    _count("surveys", "Survey answers", "问卷次数", "surveys answered with a score", needs.SURVEYS),
    _habit(
        "survey_score_12m",
        "Survey score",
        "问卷平均分",
        "mean of the scores given, on the source's scale; no reading of texts",
        ratio("b.survey_points", "b.surveys"),
        unit="points",
        needs=(needs.SURVEYS,),
        null_means="no survey answered in the window",
        evidence="surveys_12m",
    ),
    _count(
        "visits",
        "Steps of visits",
        "访问步骤数",
        "steps of visits through any channel",
        needs.VISITS,
    ),
)
