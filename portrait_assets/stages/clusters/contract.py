"""The tables of the clusters room: models as rows, who is in which segment, what each is like."""

from __future__ import annotations

from collections.abc import Collection

from portrait_assets.schema.columns import (
    count,
    flag,
    integer,
    number,
    required,
    share,
    text,
    texts,
)
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import SEGMENT, SHARE, STATISTIC
from portrait_assets.schema.table import CUSTOMER_ID, Type, month_end_table
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES
from portrait_assets.stages.features.declared import credit, lately
from portrait_assets.stages.features.declared.feature import MONEY, Element, Feature

_integer, _flag, _text, _number, _share = map(required, (integer, flag, text, number, share))

# Tenure, region, completeness of the record and the market's moves do not distinguish kinds of
# customers, a band carries less information than the number that it is computed from, and a limit
# of an interval tells of the number of observations.
_NO_KIND = (
    *("tenure_days", "tenure_is_lower_bound", "recorded_days", "observed_months"),
    *("region", "known_attribute_share", "market_indicator"),
)
_BANDS = ("age_band", "age_band_from", "income_band")
_LIMITS = ("top_category_share_low_12m", "distinct_category_tgi_low_12m")
# Weekdays have no low and no high, and Sunday is next to Monday; the share of the one with the most
# lines tells of the number of lines first.
_WEEKDAYS = ("top_weekday_12m", "top_weekday_share_12m")
# What the last month departs from, and how a debt is paid back, is foretold and not a kind.
_OF_A_MOMENT = tuple(feature.name for feature in (*credit.FEATURES, *lately.FEATURES))
_LEVEL_UNITS = ("purchases", "complaints", "visits", "responses", "categories", "months", MONEY)
_LEVELS = ("purchase_days_12m", "spend_spread_12m", "ticket_spread_12m")
_STABLE_LEVELS = ("average_ticket_12m", "average_balance_12m", "category_diversity_12m")
_LONG_WINDOW = 3


def _grows(feature: Feature) -> bool:
    """Whether its level grows with the history until a year has passed, which moves everyone."""
    is_level = feature.unit in _LEVEL_UNITS and feature.name not in _STABLE_LEVELS
    return (feature.window_months or 0) > _LONG_WINDOW and (is_level or feature.name in _LEVELS)


def used_features(private: Collection[str] = FEATURE_MATRIX.private) -> tuple[Feature, ...]:
    """Features of all four elements that distinguish kinds of customers, without private ones."""
    evidence = {feature.evidence for feature in FEATURES}
    unused = (*_NO_KIND, *_BANDS, *_LIMITS, *_WEEKDAYS, *_OF_A_MOMENT)
    return tuple(
        feature
        for feature in FEATURES
        if feature.name not in (*unused, *evidence, *private)
        and feature.type is not Type.TEXTS
        and not _grows(feature)
    )


USED_FEATURES = used_features()
# Customers who differ by degree are divided by what they do and value; who they are describes them.
_DIVIDED_BY = (
    "recency_days",
    "purchases_3m",
    "spend_3m",
    "average_ticket_12m",
    "active_month_share_12m",
    "weekend_spend_share_12m",
    "evening_spend_share_12m",
    "digital_share_12m",
    "branch_share_12m",
    "self_service_share_12m",
    "phone_share_12m",
    "channel_hhi_12m",
    "total_balance",
    "average_balance_12m",
    "owed_balance",
    "credit_utilisation",
    "accounts_held",
    "products_held",
    "max_days_past_due",
    "top_category_share_12m",
    "category_hhi_12m",
    "category_diversity_12m",
    "risk_appetite_12m",
    "own_label_share_12m",
    "discounted_share_12m",
    "discount_depth_12m",
    "response_lift_12m",
)
DIVISION_FEATURES = tuple(feature.name for feature in USED_FEATURES if feature.name in _DIVIDED_BY)
VALUE_FEATURE = "spend_12m"
WINNERS = ("first", "champion", "challenger")

_SEGMENT_ID = _integer("segment_id", "Segment", "客群编号", minimum=1)
_VERSION = _text("model_version", "Version of the cluster model", "模型版本")

CLUSTER_MODEL = month_end_table(
    schema="clusters",
    name="cluster_model",
    en="The active cluster model: parameters and prototypes as rows",
    zh="聚类模型（逐行参数）",
    operation=STATISTIC,
    columns=(
        _VERSION,
        _text("part", "Part of the model", "组成部分"),
        _text("item", "Item of the part", "条目"),
        _integer("position", "Order within the part", "次序"),
        _text("key", "Parameter of the item", "参数名"),
        number("value", "Number", "数值"),
        text("text", "Text", "文本"),
    ),
    key=("as_of", "part", "item", "position", "key"),
    resting=Resting.ENOUGH,
)

CLUSTER_CANDIDATES = month_end_table(
    schema="clusters",
    name="cluster_candidates",
    en="Candidates for the active model, with all scores; not computed is null",
    zh="候选聚类方案",
    operation=STATISTIC,
    columns=(
        _VERSION,
        _text("family", "Family of algorithms", "算法族"),
        _number("parameter", "Parameter of the family, 0 for none", "算法参数"),
        _integer("k", "Segments requested, 0 where the algorithm decides", "设定客群数"),
        _integer("segments", "Number of segments", "客群数", minimum=1),
        _share("smallest_share", "Share of the smallest segment", "最小客群占比"),
        _share("largest_share", "Share of the largest segment", "最大客群占比"),
        number("agreement", "Adjusted Rand index to other families", "算法间一致性", maximum=1),
        number("stability", "Adjusted Rand index to refits on subsets", "子样本稳定性", maximum=1),
        number("score", "Agreement + stability", "综合得分", maximum=2),
        share("purity", "Share of neighbours in the same segment", "近邻纯度"),
        number("separation", "Density separation", "密度分离度", minimum=-1, maximum=1),
        share("clear_share", "Share of customers in a segment behind a valley", "清晰边界占比"),
        number("silhouette", "Mean silhouette", "轮廓系数", minimum=-1, maximum=1),
        _flag("chosen", "Whether it was chosen", "是否选中"),
    ),
    key=("as_of", "family", "parameter", "k"),
)

CLUSTER_DECISION = month_end_table(
    schema="clusters",
    name="cluster_decision",
    en="Which cluster model is active, why, and how far it can be trusted",
    zh="聚类模型选用结论",
    operation=STATISTIC,
    columns=(
        _VERSION,
        _text("algorithm", "Algorithm of the active model", "算法"),
        _integer("segments", "Segments", "客群数", minimum=1),
        _text(
            "nature",
            "Separate segments, a division of a continuum, or one segment",
            "客群性质",
            allowed=("separate", "division", "one"),
        ),
        _text("winner", "Who won", "胜出方", allowed=WINNERS),
        _text("reason", "Why", "理由"),
        _text("chosen_because", "Why the model was chosen", "选型理由"),
        text("challenger_version", "Version of the challenger", "挑战者模型版本"),
        text("challenger_because", "Why the challenger was chosen", "挑战者选型理由"),
        number("champion_silhouette", "Silhouette of the champion", "在用模型轮廓系数"),
        number("challenger_silhouette", "Silhouette of the challenger", "挑战者轮廓系数"),
        share("champion_smallest_share", "Smallest share of the champion", "在用模型最小占比"),
        share("challenger_smallest_share", "Smallest share of the challenger", "挑战者最小占比"),
        _number("margin", "What a challenger must be better by", "胜出门槛"),
        _number(
            "mix_drift",
            "Drift of the mix since segments were last chosen anew: population stability index",
            "客群结构漂移（PSI）",
            minimum=0,
        ),
        _flag("refit_due", "Whether drift of the mix calls for a refit", "是否需重训"),
        _number(
            "bootstrap_agreement",
            "Adjusted Rand index of two bootstrap refits of the active model",
            "自助法重训一致性",
            maximum=1,
        ),
        _flag("is_stable", "Whether the segments are stable", "是否稳定"),
        _text("statement_en", "In a sentence", "英文结论"),
        _text("statement_zh", "In a sentence, in Chinese", "中文结论"),
    ),
    key=("as_of",),
)

CLUSTER_ASSIGNMENT = month_end_table(
    schema="clusters",
    name="cluster_assignment",
    en="Which segment each customer is in",
    zh="客户所属客群",
    operation=SEGMENT,
    columns=(
        CUSTOMER_ID,
        _SEGMENT_ID,
        _number(
            "distance",
            "Distance to the segment's prototype",
            "到原型的距离",
            unit="prepared units",
            minimum=0,
        ),
        _number(
            "confidence",
            "Membership against the next segment",
            "归属置信度",
            unit="0 to 1",
            minimum=0,
            maximum=1,
        ),
        _VERSION,
    ),
    key=("as_of", "customer_id"),
)

CLUSTER_SEGMENT = month_end_table(
    schema="clusters",
    name="cluster_segment",
    en="The segments: name, size, value, origin, quality and a short rule; of few customers the "
    "name and the size alone",
    zh="客群概况（客户过少的客群仅列名称与规模）",
    operation=SHARE,
    columns=(
        _SEGMENT_ID,
        _text("name_en", "Name in English", "英文名"),
        _text("name_zh", "Name in Chinese", "中文名"),
        _flag("name_is_given", "Whether a person gave it", "是否人工命名"),
        count("customers", "Customers", "客户数"),
        _share("share", "Share of customers", "客户占比"),
        number("value_share", "Share of spend in 12 months", "消费占比"),
        _text(
            "status",
            "What became of it since the month before",
            "客群变化",
            allowed=("kept", "new", "split", "merged"),
        ),
        texts("from_segments", "Segments that it is made of", "来源客群"),
        number("silhouette", "Mean silhouette of its customers", "轮廓系数", minimum=-1, maximum=1),
        share("stability", "Share that a random half assigns rightly", "客群稳定性"),
        text("rule", "Short rule that describes it", "客群规则"),
        text("rule_sql", "The rule on the feature matrix, as SQL", "规则SQL"),
        share("rule_fidelity", "Share on whom rule and segment agree", "规则一致率"),
        share("rule_precision", "Share of those in the rule who are in it", "规则查准率"),
        share("rule_recall", "Share of its customers in the rule", "规则查全率"),
        _VERSION,
    ),
    key=("as_of", "segment_id"),
    resting=Resting.COUNTED,
)

UNSAID_OF_FEW = (
    *("value_share", "silhouette", "stability"),
    *("rule", "rule_sql", "rule_fidelity", "rule_precision", "rule_recall"),
)
"""What is null of a segment that customers have left until few are in it."""

CLUSTER_TYPICAL = month_end_table(
    schema="clusters",
    name="cluster_typical",
    en="Typical customers of each segment: those in its middle (medoids)",
    zh="典型客户",
    operation=SEGMENT,
    columns=(
        _SEGMENT_ID,
        _integer("position", "From the most typical", "次序", minimum=1),
        CUSTOMER_ID,
    ),
    key=("as_of", "segment_id", "position"),
)

CLUSTER_MIGRATION = month_end_table(
    schema="clusters",
    name="cluster_migration",
    en="Customers by segment of the month before (null: was not there) and now (null: has left)",
    zh="客群迁移矩阵",
    operation=SHARE,
    columns=(
        integer(
            "from_segment",
            "Segment in the month before; 0 for moves of few customers, pooled",
            "上月客群（0为合并的少量迁移）",
            minimum=0,
        ),
        integer(
            "to_segment",
            "Segment in the month; 0 for moves of few customers, pooled",
            "本月客群（0为合并的少量迁移）",
            minimum=0,
        ),
        _integer("customers", "Customers", "客户数", minimum=1),
        share("share", "Share of the from-segment; null where pooled", "占上月客群比例"),
    ),
    key=("as_of", "from_segment", "to_segment"),
    resting=Resting.ENOUGH,
)

CLUSTER_PROFILE = month_end_table(
    schema="clusters",
    name="cluster_profile",
    en="What sets each segment apart, feature by feature",
    zh="客群画像特征",
    operation=SHARE,
    columns=(
        _SEGMENT_ID,
        _text("element", "Element of the portrait", "画像要素", allowed=tuple(Element)),
        _text("feature", "Feature", "特征"),
        text("level", "Value of a categorical feature", "取值"),
        number("segment_mean", "Mean in the segment; share for a value", "客群均值"),
        number("base_mean", "Mean of all customers; share for a value", "总体均值"),
        number("std_difference", "Difference in standard deviations of the base", "标准化差异"),
        number("tgi", "Target group index: 100 x segment / base", "TGI"),
        number("p_value", "Probability of such a difference by chance", "P值"),
        number("q_value", "False discovery rate over the profile", "错误发现率"),
    ),
    key=("as_of", "segment_id", "feature", "level"),
    resting=Resting.ENOUGH,
)
