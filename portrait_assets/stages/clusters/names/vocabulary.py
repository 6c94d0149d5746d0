"""Vocabulary of segment names: what a high or low number of a feature is called, and when it is so.

A word claims something of customers, and each customer makes it true or not: 'lapsed' is who has
not bought for two months, 'high-spend' who spends more than the median customer. Where too few make
an absolute word true, its `otherwise` compares them with all customers instead.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple


class Business(StrEnum):
    """What customers are to the source: those of a bank hold accounts, those of a shop buy."""

    BANK = "bank"
    SHOP = "shop"


class Term(NamedTuple):
    """A word in English and Chinese.

    A customer makes it true whose value is at least and at most these, in the feature's unit;
    without either, one who is beyond the median of all customers on the word's side.
    """

    en: str
    zh: str
    at_least: float | None = None
    at_most: float | None = None
    otherwise: tuple[str, str] | None = None

    @property
    def is_absolute(self) -> bool:
        """Whether it is true by itself, and not in comparison with all customers."""
        return self.at_least is not None or self.at_most is not None


class Words(NamedTuple):
    """The terms for features whose name matches `pattern`; one theme is named once.

    A side without a term names nobody.
    """

    pattern: str
    theme: str
    high: Term | None
    low: Term | None
    of: Business | None = None


_BRANCH = r"branch|counter|store"
WORDS: tuple[Words, ...] = (
    # The first that matches counts, so that what is particular comes before what is general.
    Words(r"days_between", "frequency", Term("infrequent", "低频"), Term("frequent", "高频")),
    Words(
        r"channel_hhi",
        "channels",
        Term(
            "keeping to one channel",
            "渠道集中",
            at_least=0.9,
            otherwise=("fewer channels", "渠道较少"),
        ),
        Term("several channels", "多渠道", at_most=0.5, otherwise=("more channels", "渠道较多")),
    ),
    Words(
        r"night_line",
        "night",
        Term("night", "凌晨型", at_least=0.5, otherwise=("more at night", "凌晨偏多")),
        None,
    ),
    Words(
        r"morning_line",
        "morning",
        Term("morning", "上午型", at_least=0.5, otherwise=("more in the morning", "上午偏多")),
        Term("less in the morning", "上午偏少"),
    ),
    Words(
        r"typical_hour",
        "hour",
        Term("later in the day", "时段偏晚"),
        Term("earlier in the day", "时段偏早"),
    ),
    Words(
        r"hour_regularity",
        "hours",
        Term("at regular hours", "时段固定"),
        Term("at varying hours", "时段不固定"),
    ),
    Words(
        r"survey_score",
        "satisfaction",
        Term("more satisfied", "满意度较高"),
        Term("less satisfied", "满意度较低"),
    ),
    Words(
        r"accounts_held",
        "accounts",
        Term("several accounts", "多账户", at_least=2, otherwise=("more accounts", "账户较多")),
        Term(
            "at most one account",
            "至多一个账户",
            at_most=1,
            otherwise=("fewer accounts", "账户较少"),
        ),
    ),
    Words(
        r"products_held",
        "products",
        Term("several products", "多产品", at_least=2, otherwise=("more products", "产品较多")),
        Term(
            "at most one product",
            "至多一种产品",
            at_most=1,
            otherwise=("fewer products", "产品较少"),
        ),
    ),
    # How far a category stands out says nothing without the category, nor how a product's
    # withdrawal was taken without the product.
    Words(r"distinct_category_tgi|withdrawal_reaction", "one_of_them", None, None),
    Words(
        r"brand_(share|hhi)",
        "brands",
        Term("focused on few brands", "品牌集中"),
        Term("spread over brands", "品牌分散"),
    ),
    Words(
        r"repeat_rate",
        "repurchase",
        Term("repeat-buying", "复购多"),
        Term("seldom repeat-buying", "复购少"),
    ),
    Words(
        r"novelty",
        "novelty",
        Term("novelty-seeking", "爱尝新"),
        Term("keeping to the usual", "偏好常购"),
    ),
    Words(
        r"quality_level",
        "quality",
        Term("higher-priced products", "偏好高价商品"),
        Term("lower-priced products", "偏好低价商品"),
    ),
    Words(
        r"price_reaction",
        "price_reaction",
        Term("price-sensitive", "价格敏感"),
        Term("price-insensitive", "价格不敏感"),
    ),
    Words(
        r"market_reaction",
        "market",
        Term("with the market", "顺市", at_least=0.4),
        Term("against the market", "逆市", at_most=-0.4),
    ),
    Words(
        r"new_product",
        "new_products",
        Term("buying new products", "偏好新品"),
        Term("seldom buying new products", "少买新品"),
    ),
    Words(
        r"balance_(trend|slope)",
        "balance_trend",
        Term("growing balance", "资产上升", at_least=0.01),
        Term("falling balance", "资产下降", at_most=-0.01),
    ),
    Words(
        r"(spend|amount)_(trend|slope)",
        "spend_trend",
        Term("growing spend", "消费上升", at_least=0.01),
        Term("falling spend", "消费下降", at_most=-0.01),
    ),
    Words(
        r"return", "returns", Term("often returning", "多退货"), Term("seldom returning", "少退货")
    ),
    Words(
        r"response_lag",
        "response_lag",
        Term("slow to respond", "响应慢"),
        Term("quick to respond", "响应快"),
    ),
    Words(
        r"response_recency",
        "response_recency",
        Term("long without response", "久未响应", at_least=90),
        Term("recently responding", "近期响应", at_most=31),
    ),
    Words(
        r"risk_appetite",
        "risk_appetite",
        Term("risk-seeking", "风险偏好高", at_least=3.5, otherwise=("higher-risk", "风险偏好偏高")),
        Term("risk-averse", "风险偏好低", at_most=2, otherwise=("lower-risk", "风险偏好偏低")),
    ),
    Words(
        r"weekend",
        "weekend",
        Term("weekend", "周末型", at_least=0.5, otherwise=("more on weekends", "周末偏多")),
        Term("weekday", "工作日型", at_most=0.15, otherwise=("more on weekdays", "工作日偏多")),
    ),
    Words(
        r"evening",
        "evening",
        Term("evening", "晚间型", at_least=0.5, otherwise=("more in the evening", "晚间偏多")),
        Term("daytime", "日间型", at_most=0.1, otherwise=("less in the evening", "晚间偏少")),
    ),
    Words(
        r"active_month",
        "regularity",
        Term("regular", "稳定活跃", at_least=0.75, otherwise=("more regular", "活跃较稳定")),
        Term("occasional", "偶尔光顾", at_most=0.5, otherwise=("less regular", "活跃较不稳定")),
    ),
    Words(
        r"ticket",
        "ticket",
        Term("large-purchase", "大额单笔"),
        Term("small-purchase", "小额单笔"),
    ),
    Words(
        r"top_category|category_hhi",
        "focus",
        Term(
            "focused on one category",
            "类别集中",
            at_least=0.5,
            otherwise=("narrower in categories", "类别较集中"),
        ),
        Term(
            "spread over categories",
            "类别分散",
            at_most=0.3,
            otherwise=("broader in categories", "类别较分散"),
        ),
    ),
    Words(
        r"recency|days_since",
        "recency",
        Term("lapsed", "沉睡", at_least=60, otherwise=("less recent", "近期较少光顾")),
        Term("recently active", "近期活跃", at_most=31),
    ),
    Words(
        r"own_label|private_label",
        "own_label",
        Term(
            "own-label", "偏好自有产品", at_least=0.5, otherwise=("more own-label", "自有产品偏多")
        ),
        Term(
            "other-brand", "偏好外部产品", at_most=0.1, otherwise=("less own-label", "自有产品偏少")
        ),
    ),
    Words(
        r"loyal",
        "loyalty",
        Term("brand-loyal", "品牌忠诚", at_least=0.7, otherwise=("more brand-loyal", "品牌较忠诚")),
        Term(
            "brand-switching", "品牌多变", at_most=0.4, otherwise=("less brand-loyal", "品牌较多变")
        ),
    ),
    Words(
        r"discount|promo|coupon|price_sens",
        "price",
        Term("deal-seeking", "偏好优惠"),
        Term("full-price", "不用优惠", at_most=0.05, otherwise=("less on discount", "少用优惠")),
    ),
    Words(
        r"respon|uplift|campaign",
        "response",
        Term("campaign-responsive", "营销敏感"),
        Term("campaign-resistant", "营销迟钝"),
    ),
    Words(
        r"frequency|_count|^n_|visits|trips|baskets|orders|purchases",
        "frequency",
        Term("frequent", "高频"),
        Term("infrequent", "低频"),
    ),
    Words(
        r"online|mobile|app_|digital|e_?bank",
        "digital",
        Term("digital", "线上", at_least=0.5, otherwise=("more digital", "线上偏多")),
        Term("offline", "线下", at_most=0.05, otherwise=("less digital", "线上偏少")),
    ),
    Words(
        _BRANCH,
        "branch",
        Term("branch-going", "网点型", at_least=0.5, otherwise=("more at branches", "网点偏多")),
        Term("without branch", "不到网点", at_most=0, otherwise=("less at branches", "网点偏少")),
        of=Business.BANK,
    ),
    Words(
        _BRANCH,
        "branch",
        Term("in-store", "到店型", at_least=0.5, otherwise=("more in store", "到店偏多")),
        Term("never in store", "不到店", at_most=0, otherwise=("less in store", "到店偏少")),
        of=Business.SHOP,
    ),
    Words(
        r"self_service",
        "self_service",
        Term("self-service", "自助型", at_least=0.5, otherwise=("more self-service", "自助偏多")),
        Term(
            "without self-service",
            "不用自助",
            at_most=0,
            otherwise=("less self-service", "自助偏少"),
        ),
    ),
    Words(
        r"phone",
        "phone",
        Term("telephone", "电话型", at_least=0.5, otherwise=("more by telephone", "电话偏多")),
        Term(
            "never by telephone", "不用电话", at_most=0, otherwise=("less by telephone", "电话偏少")
        ),
    ),
    Words(
        r"past_due|overdue|default",
        "past_due",
        Term("past due", "有逾期", at_least=1),
        Term("paying on time", "按时还款", at_most=0),
    ),
    Words(
        r"loan|debt|owed|credit_used|utili[sz]ation",
        "credit",
        Term("borrowing", "用信", at_least=0.01),
        Term("debt-free", "无负债", at_most=0, otherwise=("owing less", "负债偏少")),
    ),
    Words(
        r"balance|deposit|asset|aum",
        "wealth",
        Term("high-balance", "高资产"),
        Term("low-balance", "低资产"),
    ),
    Words(
        r"amount|spend|monetary|value|sales|turnover",
        "amount",
        Term("high-spend", "高消费"),
        Term("low-spend", "低消费"),
    ),
    Words(r"income|salary", "income", Term("high-income", "高收入"), Term("low-income", "低收入")),
    Words(r"\bage\b|^age|_age", "age", Term("older", "年长"), Term("younger", "年轻")),
    Words(
        r"tenure|joined|months_on", "tenure", Term("long-standing", "老客"), Term("newer", "新客")
    ),
    Words(r"complain|feedback_neg", "feedback", Term("complaining", "多投诉", at_least=1), None),
    Words(
        r"diversity|entropy|breadth|categories",
        "breadth",
        Term("many-category", "类别广"),
        Term("few-category", "类别少"),
    ),
)


def words_for(feature: str, business: Business) -> Words | None:
    """The words for a feature in this business; None where the vocabulary has none."""
    return next(
        (
            words
            for words in WORDS
            if words.of in (None, business) and re.search(words.pattern, feature, re.IGNORECASE)
        ),
        None,
    )
