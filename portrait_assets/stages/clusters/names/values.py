"""Vocabulary of segment names: what a value of a feature is called, and a category of products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ValueWords(NamedTuple):
    """The words for a value of a feature; of one theme a name says one thing."""

    theme: str
    en: str
    zh: str


CATEGORY = "category"
VALUE_WORDS: Mapping[str, ValueWords] = {
    "top_category": ValueWords(CATEGORY, "mostly {}", "以{}为主"),
    "distinct_category": ValueWords(CATEGORY, "more {} than others", "{}明显偏多"),
    "top_brand": ValueWords("brand", "preferring {}", "偏好{}"),
    "best_campaign_type": ValueWords("campaign", "responding to {}", "响应{}"),
}
"""Of features whose values are names of things, with braces where the value stands."""

PRODUCTS_IN_CHINESE = {
    "deposit": "存款",
    "current account": "活期存款",
    "savings": "储蓄",
    "term deposit": "定期存款",
    "structured deposit": "结构性存款",
    "wealth management": "理财",
    "fund": "基金",
    "bond": "债券",
    "precious metal": "贵金属",
    "trust": "信托",
    "insurance": "保险",
    "life": "寿险",
    "health": "健康险",
    "annuity": "年金险",
    "credit card": "信用卡",
    "instalment": "分期",
    "loan": "贷款",
    "consumer loan": "消费贷款",
    "mortgage": "住房贷款",
    "business loan": "经营贷款",
    "other": "其他产品",
}
"""Usual categories of a bank's products, by their English words."""


def words_of_value(feature: str, value: str) -> ValueWords | None:
    """The words for a value of a feature; None where it has none of its own."""
    own = VALUE_WORDS.get(feature)
    if own is None:
        return None
    en, zh = category_names(value) if own.theme == CATEGORY else _quoted(value)
    return own._replace(en=own.en.format(en), zh=own.zh.format(zh))


def category_names(category: str) -> tuple[str, str]:
    """What a category of product is called, in English and Chinese.

    In Chinese a source's own code that is no usual category stands in quotation marks.
    """
    en, zh = _quoted(category)
    return en, PRODUCTS_IN_CHINESE.get(en.casefold(), zh)


def _quoted(name: str) -> tuple[str, str]:
    en = name.replace("_", " ")
    return en, f"“{en}”" if en.isascii() else en
