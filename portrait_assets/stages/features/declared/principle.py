"""Principle (原理): how the customer reacts to what the seller and the market do.

Each reaction is set against what the base does in the same months, or against the customer's own
other months, and moved towards the base when it rests on few observations.
"""

from __future__ import annotations

from typing import Any

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.expressions import ratio, shrunk_ratio, shrunk_share
from portrait_assets.stages.features.declared.feature import NEVER_NULL, SHARE, Element, Feature

BASE_CONTACTS = 5
"""Contacts that the base's response rate counts for."""
# How many responses, months or lines the base's reaction counts for.
PRIOR_RESPONSES = 2
PRIOR_MONTHS = 3
PRIOR_LINES = 20
_ANSWERED = (needs.CONTACTS, needs.RESPONSES)
_BY_TYPE = (*_ANSWERED, needs.CAMPAIGN_TYPE)
_UPLIFT = (needs.AMOUNT, needs.CONTACTS)
# Promotions and usual prices are looked up by way of the product.
_PRODUCT = (needs.PRODUCTS, needs.BOUGHT_PRODUCT)
_DISPLAY = (*_PRODUCT, needs.ON_DISPLAY, needs.DISPLAYS)
_MAILER = (*_PRODUCT, needs.IN_MAILER, needs.MAILERS)
_SHOWN = (
    *_PRODUCT,
    (needs.ON_DISPLAY, needs.IN_MAILER),
    (needs.DISPLAYS, needs.MAILERS),
)
_PRICES = (*_PRODUCT, needs.AMOUNT, needs.QUANTITY)
_FOLLOWED = (needs.AMOUNT, needs.MARKET)
_LAUNCHED = (needs.BOUGHT_PRODUCT, needs.INTRODUCED)
_WITHDRAWN = (needs.AMOUNT, needs.WITHDRAWN, (needs.BOUGHT_PRODUCT, needs.HELD_PRODUCT))


def _principle(
    name: str,
    en: str,
    zh: str,
    formula: str,
    sql: str,
    null_means: str,
    type_: Type = Type.NUMBER,
    **more: Any,
) -> Feature:
    more = {"needs": _ANSWERED, "window_months": 12, **more}
    return Feature(name, Element.PRINCIPLE, type_, en, zh, formula, null_means, sql, **more)


def _count(name: str, en: str, zh: str, formula: str, sql: str, unit: str, **more: Any) -> Feature:
    return _principle(
        name,
        en,
        zh,
        formula,
        f"coalesce({sql}, 0)",
        NEVER_NULL,
        Type.INTEGER,
        unit=unit,
        **more,
    )


def _uplift(name: str) -> str:
    # Odds are millionths of a line.
    return shrunk_ratio(
        f"(1000000.0 * b.{name}_lines)",
        f"b.{name}_odds",
        "b.promotable_lines",
        f"(1000000.0 * base.{name}_lines)",
        f"base.{name}_odds",
        PRIOR_LINES,
    )


_BASE_RATE = "(CAST(bg.responded AS DOUBLE) / bg.contacts)"
_RATE = (
    f"least((coalesce(g.responded, 0) + {BASE_CONTACTS} * {_BASE_RATE}) "
    f"/ (coalesce(g.contacts, 0) + {BASE_CONTACTS}), 1)"
)
_PRICE_MOVES = "(b.cheaper_lines + b.dearer_lines)"
_RESPONSES: tuple[Feature, ...] = (
    _count(
        "contacts_12m",
        "Campaign contacts",
        "活动触达次数",
        "contacts that were not held out as control",
        "g.contacts",
        "contacts",
        needs=(needs.CONTACTS,),
    ),
    _count(
        "responses_12m",
        "Campaign responses",
        "活动响应次数",
        "responses, several to one contact counted each",
        "g.responses",
        "responses",
        needs=(needs.RESPONSES,),
    ),
    _principle(
        "response_rate_12m",
        "Response rate, shrunk to the base",
        "活动响应率（收缩）",
        f"(responded contacts + {BASE_CONTACTS} x base rate) / (contacts + {BASE_CONTACTS})",
        f"CASE WHEN bg.contacts > 0 THEN round({_RATE}, 6) END",
        "nobody was contacted in the window",
        unit=SHARE,
        evidence="contacts_12m",
    ),
    _principle(
        "response_lift_12m",
        "Response rate against the base",
        "活动响应提升度",
        "response_rate_12m / base rate; 1 is like everyone",
        f"CASE WHEN bg.contacts > 0 AND bg.responded > 0 THEN round({_RATE} / {_BASE_RATE}, 6) END",
        "nobody has responded in the window",
        unit="times",
        evidence="contacts_12m",
    ),
    _principle(
        "best_campaign_type",
        "Kind of campaign responded to best",
        "响应最佳的活动类型",
        "kind with the highest best_response_rate_12m of those the customer was contacted by",
        "g.best_type",
        "not contacted in the window",
        Type.TEXT,
        evidence="best_type_contacts_12m",
        needs=_BY_TYPE,
    ),
    _principle(
        "best_response_rate_12m",
        "Response rate to that kind, shrunk to the base's rate of the kind",
        "最佳活动类型响应率（收缩）",
        f"(responded contacts + {BASE_CONTACTS} x base rate of the kind) "
        f"/ (contacts of the kind + {BASE_CONTACTS})",
        "g.best_rate",
        "not contacted in the window",
        unit=SHARE,
        evidence="best_type_contacts_12m",
        needs=_BY_TYPE,
    ),
    _count(
        "best_type_contacts_12m",
        "Contacts of that kind",
        "最佳活动类型触达次数",
        "contacts of best_campaign_type",
        "g.best_contacts",
        "contacts",
        needs=_BY_TYPE,
    ),
    _principle(
        "response_lag_days_12m",
        "Lag of response, shrunk to the base",
        "响应时滞（收缩）",
        "days from contact to first response, mean over responded contacts, the base's mean "
        f"counting for {PRIOR_RESPONSES}",
        shrunk_ratio(
            "g.lag_days",
            "g.responded",
            "g.responded",
            "bg.lag_days",
            "bg.responded",
            PRIOR_RESPONSES,
        ),
        "responded to no contact in the window",
        unit="days",
        evidence="responded_contacts_12m",
    ),
    _count(
        "responded_contacts_12m",
        "Contacted campaigns responded to",
        "已响应活动数",
        "contacted campaigns first responded to in the window",
        "g.responded",
        "responses",
    ),
    _principle(
        "response_recency_days",
        "Days since the last response",
        "距上次响应天数",
        "days from the last response to as_of",
        "{as_of} - g.last_response_on",
        "never responded in the window",
        Type.INTEGER,
        unit="days",
        needs=(needs.RESPONSES,),
    ),
    _principle(
        "campaign_uplift_12m",
        "Uplift in spend during campaigns, shrunk to the base",
        "活动期消费增益（收缩）",
        "spend in months with a contact / what the share of the base's spend in the other months "
        f"lets expect - 1, the base's counting for {PRIOR_MONTHS} months",
        f"CASE WHEN u.expected > 0 THEN round(greatest((u.months * CAST(u.actual AS DOUBLE) "
        f"/ u.expected + {PRIOR_MONTHS} * bu.ratio) / (u.months + {PRIOR_MONTHS}) - 1, -1), 6) END",
        "no month with a contact, or no spend in the others",
        unit="relative",
        evidence="campaign_months_12m",
        needs=_UPLIFT,
    ),
    _count(
        "campaign_months_12m",
        "Months with a contact that the uplift rests on",
        "活动期月数",
        "months with a contact, others with spend to compare with",
        "u.months",
        "months",
        needs=_UPLIFT,
    ),
)
_PROMOTIONS: tuple[Feature, ...] = (
    _principle(
        "promoted_share_12m",
        "Share bought while promoted",
        "促销期购买占比",
        "spend while on display or in a mailing there / spend_12m",
        "CASE WHEN b.promotable_lines > 0 AND b.amount > 0 THEN round(least(greatest("
        "CAST(b.promoted_amount AS DOUBLE) / CAST(b.amount AS DOUBLE), 0), 1), 6) END",
        "no line of a product that was promoted anywhere",
        unit=SHARE,
        evidence="promotable_lines_12m",
        needs=(needs.AMOUNT, *_SHOWN),
    ),
    _principle(
        "display_uplift_12m",
        "Uplift where the product was on display, shrunk to the base",
        "陈列促销提升度（收缩）",
        "lines bought while on display at that place and week / lines to expect from the share of "
        f"places and weeks with a display, the base's counting for {PRIOR_LINES} lines",
        _uplift("display"),
        "no line of a product that was on display anywhere",
        unit="times",
        evidence="promotable_lines_12m",
        needs=_DISPLAY,
    ),
    _principle(
        "mailer_uplift_12m",
        "Uplift where the product was in a mailing, shrunk to the base",
        "邮寄推广提升度（收缩）",
        "lines bought while in a mailing at that place and week / lines to expect from the share "
        f"of places and weeks with a mailing, the base's counting for {PRIOR_LINES} lines",
        _uplift("mailer"),
        "no line of a product that was in a mailing anywhere",
        unit="times",
        evidence="promotable_lines_12m",
        needs=_MAILER,
    ),
    _count(
        "promotable_lines_12m",
        "Lines of products promoted somewhere",
        "有促销产品的交易行数",
        "lines of products on display or in a mailing at some place in the month",
        "b.promotable_lines",
        "lines",
        needs=_SHOWN,
    ),
)
_MARKET: tuple[Feature, ...] = (
    _principle(
        "price_reaction_12m",
        "Reaction to price, shrunk to the base",
        "价格反应（收缩）",
        "lines 5 % below the product's usual price / lines 5 % below or above it, the base's "
        f"share counting for {PRIOR_LINES} lines",
        shrunk_share(
            "b.cheaper_lines",
            _PRICE_MOVES,
            _PRICE_MOVES,
            "base.cheaper_lines",
            "(base.cheaper_lines + base.dearer_lines)",
            PRIOR_LINES,
        ),
        "no line at another than the usual price of earlier months",
        unit=SHARE,
        evidence="price_moves_12m",
        needs=_PRICES,
    ),
    _count(
        "price_moves_12m",
        "Lines at another than the usual price",
        "价格变动的交易行数",
        "lines 5 % or more below or above the product's usual price",
        _PRICE_MOVES,
        "lines",
        needs=_PRICES,
    ),
    _principle(
        "market_reaction_12m",
        "Reaction to the market",
        "市场反应",
        "strongest correlation of the customer's share of the base's monthly spend with the "
        "relative change of a market-wide indicator, mixed with 12 months without any",
        "f.correlation",
        "fewer than six months with both, or nothing varies",
        unit="-1 to 1",
        evidence="market_months_12m",
        needs=_FOLLOWED,
    ),
    _principle(
        "market_indicator",
        "Indicator of that reaction",
        "反应的市场指标",
        "the indicator that market_reaction_12m correlates with",
        "f.indicator",
        "fewer than six months with both, or nothing varies",
        Type.TEXT,
        evidence="market_months_12m",
        needs=_FOLLOWED,
    ),
    _count(
        "market_months_12m",
        "Months that the correlation rests on",
        "市场反应月数",
        "months since the first purchase with a known change of the indicator",
        "f.months",
        "months",
        needs=_FOLLOWED,
    ),
    _principle(
        "new_product_share_12m",
        "Reaction to new products, shrunk to the base",
        "新品反应（收缩）",
        "lines within 182 days of the product's launch / lines of products with a launch day, "
        f"the base's share counting for {PRIOR_LINES} lines",
        shrunk_share(
            "b.new_product_lines",
            "b.dated_product_lines",
            "b.dated_product_lines",
            "base.new_product_lines",
            "base.dated_product_lines",
            PRIOR_LINES,
        ),
        "no line of a product whose launch day is known",
        unit=SHARE,
        evidence="dated_product_lines_12m",
        needs=_LAUNCHED,
    ),
    _count(
        "dated_product_lines_12m",
        "Lines of products with a launch day",
        "有上市日产品的交易行数",
        "lines of products whose day of introduction is known",
        "b.dated_product_lines",
        "lines",
        needs=_LAUNCHED,
    ),
    _principle(
        "withdrawal_reaction_12m",
        "Reaction to a withdrawn product",
        "产品退市反应",
        "(spend after - expected) / (spend after + expected) over up to three months after the "
        "month of withdrawal; expected is the spend before times the base's change; mean over "
        "products",
        ratio("w.reactions", "w.products"),
        "used no product withdrawn in the window, or too late to tell",
        unit="-1 to 1",
        evidence="withdrawn_products_12m",
        needs=_WITHDRAWN,
    ),
    _count(
        "withdrawn_products_12m",
        "Withdrawn products that the customer used",
        "用过的退市产品数",
        "products bought or held in the three months before their withdrawal",
        "w.products",
        "products",
        needs=_WITHDRAWN,
    ),
)
FEATURES: tuple[Feature, ...] = (*_RESPONSES, *_PROMOTIONS, *_MARKET)
