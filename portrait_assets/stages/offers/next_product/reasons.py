"""Why a product is offered, or none: sentences in English and Chinese, as SQL."""

from __future__ import annotations

from portrait_assets.storage.duckdb.connection import literal

GENERIC = (
    "What most customers have and suits by rule; nothing else of the customer decides it.",
    "按全体客户持有情况推荐，仅作适当性筛选，不依据其他个人信息。",
)
NONE = {
    "nothing_known": (
        "Nothing is known of which products the customer takes.",
        "暂无客户产品偏好信息，不作推荐。",
    ),
    "none_suits": (
        "No product that the customer may take suits by rule.",
        "客户可能购买的产品均未通过适当性匹配，不作推荐。",
    ),
    "none_better": (
        "No suitable product is more probable than for all customers.",
        "适当产品的购买概率均不高于全体客户平均水平，不作推荐。",
    ),
}
"""The sentences of why nothing is offered, by code."""

_FIT_EN = (
    "CASE WHEN p.asks_tolerance AND c.tolerance >= coalesce(p.level, 0) "
    "THEN format('; it needs C{}, the customer is assessed as C{}', coalesce(p.level, 1), "
    "c.tolerance) "
    "WHEN p.asks_tolerance THEN '; the customer is a professional investor' "
    "WHEN p.is_insurance THEN '; insurance needs are assessed' ELSE '' END"
)
_FIT_ZH = (
    "CASE WHEN p.asks_tolerance AND c.tolerance >= coalesce(p.level, 0) "
    "THEN format('；产品要求C{}，客户测评等级为C{}', coalesce(p.level, 1), c.tolerance) "
    "WHEN p.asks_tolerance THEN '；客户为专业投资者' "
    "WHEN p.is_insurance THEN '；已完成保险需求评估' ELSE '' END"
)
_TIMES = "probability / base_probability"


def personal_sql(language: str) -> str:
    """The SQL of the sentence on a personal offer; it reads `c`, `p` and the probabilities."""
    if language == "zh":
        return f"format('购买概率为全体客户的{{:.1f}}倍', {_TIMES}) || {_FIT_ZH} || '。'"
    return (
        f"format('{{:.1f}} times as probable as for all customers', {_TIMES}) || {_FIT_EN} || '.'"
    )


def none_sql(code: str, language: str) -> str:
    """The SQL of the sentence of a code of `NONE`, by a column of codes."""
    place = 1 if language == "zh" else 0
    cases = " ".join(
        f"WHEN {literal(key)} THEN {literal(text[place])}" for key, text in NONE.items()
    )
    return f"CASE {code} {cases} END"
