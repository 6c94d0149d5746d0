"""Concept (概念), continued: discounts, the quality that is bought, and the risk that is taken."""

from __future__ import annotations

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.concept import (
    PRIOR_ACCOUNTS,
    PRIOR_LINES,
    SHRUNK,
    base_share,
    concept,
    evidence,
)
from portrait_assets.stages.features.declared.expressions import shrunk_ratio, shrunk_share
from portrait_assets.stages.features.declared.feature import SHARE, Feature

_PRICED = (needs.QUANTITY, needs.BOUGHT_PRODUCT, needs.PRODUCT_CATEGORY)
_RISK = (needs.BALANCES, needs.HELD_PRODUCT, needs.RISK_GRADE)
_LIST_PRICE = "(b.discount_amount + b.amount)"

FEATURES: tuple[Feature, ...] = (
    concept(
        "discounted_share_12m",
        Type.NUMBER,
        "Share bought on discount",
        "折扣消费占比",
        "spend on discounted lines / spend_12m" + SHRUNK,
        base_share("discounted_amount", "amount", "lines"),
        unit=SHARE,
        evidence="lines_12m",
        needs=(needs.DISCOUNTS,),
    ),
    concept(
        "discount_depth_12m",
        Type.NUMBER,
        "Discount depth",
        "平均折扣深度",
        "discount / (discount + amount paid)" + SHRUNK,
        shrunk_share(
            "b.discount_amount",
            _LIST_PRICE,
            "b.lines",
            "base.discount_amount",
            "(base.discount_amount + base.amount)",
            PRIOR_LINES,
        ),
        unit=SHARE,
        evidence="lines_12m",
        needs=(needs.DISCOUNTS,),
    ),
    evidence("lines_12m", "Transaction lines", "交易行数", "b.lines"),
    concept(
        "quality_level_12m",
        Type.NUMBER,
        "Quality level within category",
        "类别内品质水平",
        "amount paid / what the same quantity costs at the category's average price of the month"
        + SHRUNK,
        shrunk_ratio(
            "b.priced_amount",
            "b.usual_cost",
            "b.priced_lines",
            "base.priced_amount",
            "base.usual_cost",
            PRIOR_LINES,
        ),
        unit="times",
        evidence="priced_lines_12m",
        null_means="no line with a unit price and a category in the window",
        needs=_PRICED,
    ),
    evidence(
        "priced_lines_12m",
        "Lines with a unit price",
        "可比价的交易行数",
        "b.priced_lines",
        needs=_PRICED,
    ),
    concept(
        "risk_appetite_12m",
        Type.NUMBER,
        "Risk appetite",
        "风险偏好",
        "balance x risk grade / balance over products with a risk grade, shrunk to the base as if "
        f"by {PRIOR_ACCOUNTS} account-months",
        shrunk_ratio(
            "d.risk_points",
            "d.graded_balance",
            "d.graded_accounts",
            "bd.risk_points",
            "bd.graded_balance",
            PRIOR_ACCOUNTS,
        ),
        unit="grade, 1 low to 5 high",
        evidence="graded_account_months_12m",
        null_means="no balance with a risk grade in the window",
        needs=_RISK,
    ),
    evidence(
        "graded_account_months_12m",
        "Account-months with a risk grade",
        "有风险等级的账户月数",
        "d.graded_accounts",
        "accounts",
        needs=_RISK,
    ),
)
