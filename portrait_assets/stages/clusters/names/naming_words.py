"""Vocabulary of segment names: which word a high or low value of a feature earns."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """Words (English, Chinese) for features whose name matches ``pattern``, one theme each."""

    pattern: str
    theme: str
    high: tuple[str, str]
    low: tuple[str, str]


WORDS: tuple[Words, ...] = (
    # The first that matches counts, so that what is particular comes before what is general.
    Words(r"days_between", "frequency", ("infrequent", "低频"), ("frequent", "高频")),
    Words(
        r"balance_(trend|slope)",
        "balance_trend",
        ("growing balance", "资产上升"),
        ("falling balance", "资产下降"),
    ),
    Words(
        r"(spend|amount)_(trend|slope)",
        "spend_trend",
        ("growing spend", "消费上升"),
        ("falling spend", "消费下降"),
    ),
    Words(r"return", "returns", ("often returning", "多退货"), ("seldom returning", "少退货")),
    Words(
        r"response_lag",
        "response_lag",
        ("slow to respond", "响应慢"),
        ("quick to respond", "响应快"),
    ),
    Words(
        r"response_recency",
        "response_recency",
        ("long without response", "久未响应"),
        ("recently responding", "近期响应"),
    ),
    Words(
        r"risk_appetite",
        "risk_appetite",
        ("risk-seeking", "风险偏好高"),
        ("risk-averse", "风险偏好低"),
    ),
    Words(r"weekend", "weekend", ("weekend", "周末型"), ("weekday", "工作日型")),
    Words(r"evening", "evening", ("evening", "晚间型"), ("daytime", "日间型")),
    Words(r"active_month", "regularity", ("regular", "稳定活跃"), ("occasional", "偶尔光顾")),
    Words(r"ticket", "ticket", ("large-purchase", "大额单笔"), ("small-purchase", "小额单笔")),
    Words(
        r"top_category|category_hhi",
        "focus",
        ("focused on one category", "类别集中"),
        ("buying across categories", "类别多样"),
    ),
    Words(r"recency|days_since", "recency", ("lapsed", "沉睡"), ("recently active", "近期活跃")),
    Words(
        r"own_label|private_label",
        "own_label",
        ("own-label loyal", "自有品牌忠诚"),
        ("national-brand", "全国品牌偏好"),
    ),
    Words(r"loyal", "loyalty", ("brand-loyal", "品牌忠诚"), ("brand-switching", "品牌多变")),
    Words(
        r"discount|promo|coupon|price_sens",
        "price",
        ("deal-seeking", "价格敏感"),
        ("full-price", "价格不敏感"),
    ),
    Words(
        r"respon|uplift|campaign",
        "response",
        ("campaign-responsive", "营销敏感"),
        ("campaign-resistant", "营销迟钝"),
    ),
    Words(
        r"frequency|_count|^n_|visits|trips|baskets|orders|purchases",
        "frequency",
        ("frequent", "高频"),
        ("infrequent", "低频"),
    ),
    Words(
        r"online|mobile|app_|digital|e_?bank", "digital", ("digital", "线上"), ("offline", "线下")
    ),
    Words(r"branch|counter|store", "branch", ("branch-going", "网点"), ("branch-shy", "少到店")),
    Words(
        r"loan|debt|owed|credit_used|utili[sz]ation",
        "credit",
        ("credit-using", "用信"),
        ("debt-free", "低负债"),
    ),
    Words(r"balance|deposit|asset|aum", "wealth", ("wealthy", "高资产"), ("low-balance", "低资产")),
    Words(
        r"past_due|overdue|risk|default", "risk", ("high-risk", "高风险"), ("low-risk", "低风险")
    ),
    Words(
        r"amount|spend|monetary|value|sales|turnover",
        "amount",
        ("high-spend", "高额"),
        ("low-spend", "低额"),
    ),
    Words(r"income|salary", "income", ("high-income", "高收入"), ("low-income", "低收入")),
    Words(r"\bage\b|^age|_age", "age", ("older", "年长"), ("younger", "年轻")),
    Words(r"tenure|joined|months_on", "tenure", ("long-standing", "老客"), ("new", "新客")),
    Words(
        r"complain|feedback_neg", "feedback", ("complaining", "多投诉"), ("uncomplaining", "少投诉")
    ),
    Words(
        r"diversity|entropy|breadth|categories",
        "breadth",
        ("many-category", "类别广"),
        ("single-category", "类别专一"),
    ),
)
