"""Concept (概念): what the customer values, read from what is chosen when there is a choice.

Shares that rest on few lines are moved towards the base's; `lines_12m` and the like count
them. Shrinkage: B. Efron, C. Morris (1977), "Stein's paradox in statistics".
"""

from __future__ import annotations

from typing import Any

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.expressions import (
    ratio,
    share,
    share_low,
    shrunk_share,
)
from portrait_assets.stages.features.declared.feature import NEVER_NULL, SHARE, Element, Feature

PRIOR_INDEX_LINES = 5
"""How many lines a target group index of 100 counts for, in each category."""
FEWEST_BUYERS = 30
"""A category of fewer customers sets nobody apart: the base's share is not known well enough."""
PRIOR_LINES = 10
"""How many lines the base's share counts for."""
PRIOR_CHOICES = 5
PRIOR_ACCOUNTS = 6
_NO_PURCHASE = "no purchase in the window"
_CATEGORY = (needs.TRANSACTIONS, needs.CATEGORY)
_BRAND = (needs.BOUGHT_PRODUCT, needs.BRAND)
_CHOICE = (needs.TRANSACTIONS, (*needs.CATEGORY, needs.BRAND))
_OWN_LABEL = (needs.BOUGHT_PRODUCT, needs.OWN_LABEL)
SHRUNK = f", shrunk to the base as if by {PRIOR_LINES} lines"
"""What the formula of such a share says of it."""


def concept(
    name: str, type_: Type, en: str, zh: str, formula: str, sql: str, **more: Any
) -> Feature:
    """A feature of this element over twelve months."""
    more = {"null_means": _NO_PURCHASE, **more}
    return Feature(name, Element.CONCEPT, type_, en, zh, formula, sql=sql, window_months=12, **more)


def evidence(name: str, en: str, zh: str, sql: str, unit: str = "lines", **more: Any) -> Feature:
    """How many observations of the window another feature rests on."""
    return concept(
        name,
        Type.INTEGER,
        en,
        zh,
        "observations in the window",
        f"coalesce({sql}, 0)",
        unit=unit,
        null_means=NEVER_NULL,
        **more,
    )


def base_share(part: str, whole: str, count: str) -> str:
    """SQL of a share of two sums, moved towards the base\'s."""
    return shrunk_share(
        f"b.{part}", f"b.{whole}", f"b.{count}", f"base.{part}", f"base.{whole}", PRIOR_LINES
    )


_CATEGORIES: tuple[Feature, ...] = (
    concept(
        "top_category",
        Type.TEXT,
        "Preferred category",
        "偏好类别",
        "category with the most spend; the first by name where two are equal",
        "c.first_category",
        evidence="category_lines_12m",
        needs=_CATEGORY,
    ),
    concept(
        "top_category_share_12m",
        Type.NUMBER,
        "Share of the preferred category",
        "偏好类别占比",
        "its spend / spend with a known category",
        share("c.first_amount", "c.spend"),
        unit=SHARE,
        evidence="category_lines_12m",
        needs=_CATEGORY,
    ),
    concept(
        "top_category_share_low_12m",
        Type.NUMBER,
        "Share of the preferred category, lower limit",
        "偏好类别占比下限",
        "lower limit of the 95 % interval of its share of lines with a known category",
        share_low("c.first_lines", "c.lines"),
        unit=SHARE,
        evidence="category_lines_12m",
        needs=_CATEGORY,
    ),
    concept(
        "category_count_12m",
        Type.INTEGER,
        "Categories bought",
        "购买类别数",
        "categories with spend above zero",
        "c.categories",
        unit="categories",
        evidence="category_lines_12m",
        needs=_CATEGORY,
    ),
    concept(
        "category_hhi_12m",
        Type.NUMBER,
        "Concentration over categories (Herfindahl-Hirschman index)",
        "类别集中度（HHI）",
        "sum of squared shares of spend by category",
        share("c.squares", "pow(CAST(c.spend AS DOUBLE), 2)"),
        unit="0 to 1",
        evidence="category_lines_12m",
        needs=_CATEGORY,
    ),
    concept(
        "category_diversity_12m",
        Type.NUMBER,
        "Diversity over categories",
        "类别多样性",
        "effective number of categories: 1 / category_hhi_12m",
        ratio("pow(CAST(c.spend AS DOUBLE), 2)", "c.squares"),
        unit="categories",
        evidence="category_lines_12m",
        needs=_CATEGORY,
    ),
    concept(
        "distinct_category",
        Type.TEXT,
        "Category that sets the customer apart",
        "突出类别",
        "category with the highest lower limit of the target group index, of those that "
        f"{FEWEST_BUYERS} customers or more buy",
        "c.index_category",
        evidence="category_lines_12m",
        needs=_CATEGORY,
    ),
    concept(
        "distinct_category_tgi_12m",
        Type.NUMBER,
        "Target group index of that category (TGI)",
        "突出类别目标群体指数（TGI）",
        f"100 x (own lines + {PRIOR_INDEX_LINES}) / (lines to expect from the base's share "
        f"+ {PRIOR_INDEX_LINES})",
        "c.index",
        unit="100 is like everyone",
        evidence="category_lines_12m",
        needs=_CATEGORY,
    ),
    concept(
        "distinct_category_tgi_low_12m",
        Type.NUMBER,
        "Target group index of that category, lower limit",
        "突出类别目标群体指数下限",
        "lower limit of its 95 % interval",
        "c.index_low",
        unit="100 is like everyone",
        evidence="category_lines_12m",
        needs=_CATEGORY,
    ),
    evidence(
        "category_lines_12m",
        "Lines with a known category",
        "已知类别的交易行数",
        "c.lines",
        needs=_CATEGORY,
    ),
)
_BRANDS: tuple[Feature, ...] = (
    concept(
        "top_brand",
        Type.TEXT,
        "Preferred brand",
        "偏好品牌",
        "brand with the most spend; the first by name where two are equal",
        "n.first_brand",
        evidence="brand_lines_12m",
        needs=_BRAND,
    ),
    concept(
        "top_brand_share_12m",
        Type.NUMBER,
        "Share of the preferred brand",
        "偏好品牌占比",
        "its spend / spend with a known brand" + SHRUNK,
        shrunk_share(
            "n.first_amount", "n.spend", "n.lines", "bn.first_amount", "bn.spend", PRIOR_LINES
        ),
        unit=SHARE,
        evidence="brand_lines_12m",
        needs=_BRAND,
    ),
    concept(
        "brand_hhi_12m",
        Type.NUMBER,
        "Concentration over brands (Herfindahl-Hirschman index)",
        "品牌集中度（HHI）",
        "sum of squared shares of spend by brand" + SHRUNK,
        shrunk_share(
            "n.squares",
            "pow(CAST(n.spend AS DOUBLE), 2)",
            "n.lines",
            "bn.squares",
            "bn.spend_squares",
            PRIOR_LINES,
        ),
        unit="0 to 1",
        evidence="brand_lines_12m",
        needs=_BRAND,
    ),
    evidence(
        "brand_lines_12m", "Lines with a known brand", "已知品牌的交易行数", "n.lines", needs=_BRAND
    ),
    concept(
        "brand_loyalty_12m",
        Type.NUMBER,
        "Brand loyalty",
        "品牌忠诚度",
        "share of the first brand of each category in lines, categories bought twice" + SHRUNK,
        shrunk_share(
            "c.loyal_lines",
            "c.loyal_of_lines",
            "c.loyal_of_lines",
            "bl.loyal_lines",
            "bl.loyal_of_lines",
            PRIOR_LINES,
        ),
        unit=SHARE,
        evidence="brand_choice_lines_12m",
        null_means="no category with two lines of known brand in the window",
        needs=(*_CATEGORY, *_BRAND),
    ),
    evidence(
        "brand_choice_lines_12m",
        "Lines of known brand in categories bought twice",
        "可比品牌选择的交易行数",
        "c.loyal_of_lines",
        needs=(*_CATEGORY, *_BRAND),
    ),
    concept(
        "repeat_rate_12m",
        Type.NUMBER,
        "Repeat rate",
        "复购率",
        "choices of category and brand made in two months or more / choices, shrunk to the base as "
        f"if by {PRIOR_CHOICES} choices",
        shrunk_share(
            "x.repeated", "x.choices", "x.choices", "bx.repeated", "bx.choices", PRIOR_CHOICES
        ),
        unit=SHARE,
        evidence="choices_12m",
        null_means="no purchase with a known category or brand in the window",
        needs=_CHOICE,
    ),
    evidence(
        "choices_12m",
        "Choices of category and brand",
        "类别与品牌的选择数",
        "x.choices",
        "choices",
        needs=_CHOICE,
    ),
    concept(
        "novelty_share_3m",
        Type.NUMBER,
        "Novelty seeking",
        "求新倾向",
        "choices of the last three months not made in the nine before / choices of the last three "
        f"months, shrunk to the base as if by {PRIOR_CHOICES} choices",
        "CASE WHEN x.has_earlier THEN "
        + shrunk_share("x.novel", "x.recent", "x.recent", "bx.novel", "bx.recent", PRIOR_CHOICES)
        + " END",
        unit=SHARE,
        evidence="choices_3m",
        null_means="no choice in the last three months, or none before them",
        needs=_CHOICE,
    ),
    evidence(
        "choices_3m",
        "Choices of the last three months",
        "近3月的选择数",
        "x.recent",
        "choices",
        needs=_CHOICE,
    ),
    concept(
        "own_label_share_12m",
        Type.NUMBER,
        "Own-brand share",
        "自有产品占比",
        "spend on products of the seller's own brand / spend on products of known brand" + SHRUNK,
        base_share("own_label_amount", "branded_amount", "branded_lines"),
        unit=SHARE,
        evidence="branded_lines_12m",
        needs=_OWN_LABEL,
    ),
    evidence(
        "branded_lines_12m",
        "Lines of a known brand, own or other",
        "已知是否自有产品的交易行数",
        "b.branded_lines",
        needs=_OWN_LABEL,
    ),
)
FEATURES: tuple[Feature, ...] = (*_CATEGORIES, *_BRANDS)
