"""The tables of the validation stage: findings, and the evidence that they rest on."""

from __future__ import annotations

from enum import StrEnum
from functools import partial

from portrait_assets.schema.columns import count, day, flag, integer, number, required, text, texts
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import SHARE, STATISTIC
from portrait_assets.schema.table import month_end_table

_integer, _text = required(integer), required(text)


class Verdict(StrEnum):
    """The verdict of a finding."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    NOT_JUDGED = "not judged"


class Area(StrEnum):
    """What a finding is about."""

    CONSERVATION = "conservation"
    CHECKS = "checks"
    SOURCE = "source"
    QUALITY = "quality"
    FEATURES = "features"
    CLUSTERS = "clusters"
    TAGS = "tags"
    DRIFT = "drift"
    BACKTEST = "backtest"
    PREDICTIONS = "predictions"
    PROPOSAL = "proposal"
    FAIRNESS = "fairness"


class Attribute(StrEnum):
    """By what groups of customers are compared."""

    GENDER = "gender"
    AGE = "age"
    REGION = "region"


class Measure(StrEnum):
    """What is compared between groups of customers."""

    SELECTION = "selection rate"  # demographic parity: of all who have a value
    TRUE_POSITIVE = "true positive rate"  # equal opportunity: of those to whom the outcome happened


class Parity(StrEnum):
    """Whether a group is treated as the others are."""

    PARITY = "parity"
    DIFFERS = "differs"
    TOO_FEW = "too few"
    NOT_JUDGED = "not judged"


class Against(StrEnum):
    """Which month a month is compared with."""

    MONTH_BEFORE = "month before"
    BASELINE = "baseline"


class Dimension(StrEnum):
    """Between the values of what customers move."""

    SEGMENT = "segment"
    LIFECYCLE_STAGE = "lifecycle_stage"
    VALUE_TIER = "value_tier"


_count = partial(count, unit="customers")
_VERDICT = _text("verdict", "Verdict", "结论", allowed=tuple(Verdict))
_LOW = number("low", "Lower end of the 95 % interval", "区间下限（95%）")
_HIGH = number("high", "Upper end of the 95 % interval", "区间上限（95%）")
_TEST = _text("test", "What was predicted, and of what", "检验项")
_HORIZON = _integer(
    "horizon_months", "Months in which the outcome was watched", "观察期", unit="months", minimum=1
)
_SAID_ON = day("said_as_of", "Month end of the prediction", "预测截止日", nullable=False)

UNIQUENESS = month_end_table(
    schema="validation",
    name="uniqueness",
    en="How many customers others could find by what they may know of them, without a name",
    zh="准标识符唯一性",
    operation=SHARE,
    columns=(
        texts(
            "quasi_identifiers",
            "What others may know, as far as the source records it",
            "准标识符（数据源已登记者）",
            nullable=False,
        ),
        _integer("k", "What groups are compared with", "k", minimum=1),
        _count("customers", "Customers of the month", "客户数"),
        count(
            "combinations",
            "Different combinations of values; what is not recorded counts as a value",
            "取值组合数（未登记计为一种取值）",
        ),
        _count("unique_customers", "The only ones with their combination", "组合唯一的客户数"),
        _count(
            "customers_below_k",
            "Those whose combination fewer than k have, the only ones included",
            "组合少于k人的客户数",
        ),
    ),
    key=("as_of",),
    resting=Resting.EVERYBODY,
)

VALIDATION_REPORT = month_end_table(
    schema="validation",
    name="validation_report",
    en="Findings on data, features, clusters and tags, as of each month",
    zh="验证报告",
    operation=STATISTIC,
    columns=(
        _text("area", "Area", "领域", allowed=tuple(Area)),
        _text("subject", "What it is about", "对象"),
        _text("metric", "What was measured", "指标"),
        number("value", "Value; null where it cannot be computed", "数值"),
        _LOW,
        _HIGH,
        number("threshold", "Where the verdict turns; null where none", "阈值"),
        _VERDICT,
        _text("advice_en", "What it means and what to do", "建议（英文）"),
        _text("advice_zh", "The same in Chinese", "建议（中文）"),
    ),
    key=("as_of", "area", "subject", "metric"),
)

DRIFT = month_end_table(
    schema="validation",
    name="drift",
    en="How far features, tags, the segment mix and scores have moved",
    zh="漂移",
    operation=STATISTIC,
    columns=(
        _text(
            "kind",
            "What moved; score of a model's predictions, credit score of a card's points",
            "类别",
            allowed=("feature", "tag", "segment mix", "score", "credit score"),
        ),
        _text("subject", "Feature, tag, or target of a score", "对象"),
        _text("against", "Compared with which month", "对比对象", allowed=tuple(Against)),
        day("reference_as_of", "Month compared with", "对比截止日", nullable=False),
        _count("customers", "Customers of the month", "本月客户数"),
        _count("reference_customers", "Customers of the month compared with", "对比月客户数"),
        count("bins", "Bins compared", "分箱数"),
        number("psi", "Population stability index", "群体稳定性指数（PSI）"),
        number("psi_expected", "PSI to expect where nothing changed", "无变化时PSI期望值"),
        number("psi_p95", "95 % point of PSI where nothing changed", "无变化时PSI的95%分位"),
        number(
            "ks",
            "Kolmogorov-Smirnov distance at the percentiles; numbers only",
            "KS距离（百分位）",
            minimum=0,
            maximum=1,
        ),
        number("chi_square", "Chi-square of the two distributions", "卡方统计量"),
        number("p_value", "Probability of such a chi-square by chance", "P值"),
        number("q_value", "False discovery rate over all compared", "错误发现率"),
        flag(
            "is_filling",
            "Its window was not full yet, or it grows with time, so that it had to move",
            "窗口未满或随时间增长",
            nullable=False,
        ),
        _VERDICT,
    ),
    key=("as_of", "kind", "subject", "against"),
    resting=Resting.ENOUGH,
)

BACKTEST = month_end_table(
    schema="validation",
    name="backtest",
    en="What was predicted one to three months ago against what happened since",
    zh="时间外回测",
    operation=STATISTIC,
    columns=(
        _TEST,
        _text("tag_code", "Tag that said it", "标签编码"),
        _text("outcome", "What happened", "结果"),
        _HORIZON,
        _SAID_ON,
        _text("metric", "What was measured", "指标"),
        _count("customers", "Customers judged", "客户数"),
        _count("hits", "Customers to whom it happened", "发生人数"),
        number("value", "Value", "数值"),
        _LOW,
        _HIGH,
        _text("baseline", "The baseline compared with", "对照规则"),
        number("baseline_value", "Its value", "对照值"),
        number("gain_low", "Value less baseline, lower end of 95 %", "增益下限（95%）"),
        number("gain_high", "Value less baseline, upper end of 95 %", "增益上限（95%）"),
        _VERDICT,
    ),
    key=("as_of", "test", "horizon_months", "metric"),
    resting=Resting.ENOUGH,
)

BACKTEST_BUCKET = month_end_table(
    schema="validation",
    name="backtest_bucket",
    en="The same by value of the tag, or by tenth of its score",
    zh="时间外回测分组",
    operation=SHARE,
    columns=(
        _TEST,
        _HORIZON,
        _text("bucket", "Value of the tag, or tenth of its score", "分组"),
        _integer("position", "Order, the highest score first", "次序", minimum=1),
        _SAID_ON,
        _count("customers", "Customers", "客户数"),
        _count("hits", "Customers to whom it happened", "发生人数"),
        number("rate", "Hits / customers", "发生率", unit="share", minimum=0, maximum=1),
        _LOW,
        _HIGH,
        number("predicted", "Mean probability predicted, where one was", "预测概率均值"),
        number("lift", "Rate / that of all", "提升度", minimum=0),
        number(
            "gain",
            "Share of all hits in this and higher buckets",
            "累计捕获率",
            minimum=0,
            maximum=1,
        ),
        number("amount_share", "Share of the later amount", "金额占比"),
    ),
    key=("as_of", "test", "horizon_months", "bucket"),
    resting=Resting.ENOUGH,
)

FAIRNESS = month_end_table(
    schema="validation",
    name="fairness",
    en="How often groups get what tags, models, cards and offers decide, beside all others",
    zh="公平性检验",
    operation=SHARE,
    columns=(
        _text(
            "tag_code",
            "Tag that decides something, or segment; next_product; model or scorecard, with its "
            "target",
            "标签编码（或模型、评分卡及其目标；next_product为下一最佳产品）",
        ),
        _text(
            "tag_value",
            "Value; for a number, the fifth with most of it; for a card, what is suggested; for "
            "next_product, the product",
            "标签值",
        ),
        _text("attribute", "What the groups differ in", "分组属性", allowed=tuple(Attribute)),
        _text("level", "The group; (others) are the small ones together", "组别"),
        _text("measure", "What is compared", "指标", allowed=tuple(Measure)),
        _text("outcome", "Outcome of the customers counted; null for all", "结果", True),
        _SAID_ON,
        integer(
            "customers",
            "Customers of the group who are counted; null below 10",
            "组内客户数",
            unit="customers",
            minimum=0,
        ),
        integer(
            "selected", "Of them, those who have the value", "入选人数", unit="customers", minimum=0
        ),
        number("rate", "Selected / customers", "入选率", unit="share", minimum=0, maximum=1),
        number("rest_rate", "The same of all others", "其他客户入选率", unit="share", minimum=0),
        number("difference", "Rate less that of all others", "差值", minimum=-1, maximum=1),
        _LOW,
        _HIGH,
        number("ratio", "Rate / that of all others", "比值", minimum=0),
        number("p_value", "Probability of such a difference by chance", "P值"),
        number("q_value", "False discovery rate over all judged in the month", "错误发现率"),
        _text("verdict", "Verdict", "结论", allowed=tuple(Parity)),
    ),
    key=("as_of", "tag_code", "tag_value", "attribute", "level", "measure", "outcome"),
    resting=Resting.ENOUGH,
)

MIGRATION = month_end_table(
    schema="validation",
    name="migration",
    en="Customers who moved between segments, stages and tiers since the month before",
    zh="客户迁移",
    operation=SHARE,
    columns=(
        _text("dimension", "Between what", "维度", allowed=tuple(Dimension)),
        _text("value_before", "Value of the month before; null for an entry", "上月取值", True),
        _text("value_after", "Value of the month; null for an exit", "本月取值", True),
        _count("customers", "Customers", "客户数"),
        number("share", "Customers / those of the value before", "占比", minimum=0, maximum=1),
    ),
    key=("as_of", "dimension", "value_before", "value_after"),
    resting=Resting.ENOUGH,
)

TAG_PROPOSAL = month_end_table(
    schema="validation",
    name="tag_proposal",
    en="Draft versions of tags that separate better, out of time, than the active ones",
    zh="标签优化建议",
    operation=SHARE,
    columns=(
        _text("tag_code", "Tag", "标签编码"),
        _integer("tag_version", "Active version", "现行版本", minimum=1),
        _integer("draft_version", "Version proposed", "建议版本", minimum=1),
        _text("outcome", "What it is to foretell, one month on", "预测结果"),
        _text("rule_before", "Rules that change, as they are", "现行规则"),
        _text("rule_after", "The same as proposed", "建议规则"),
        number("fit_auc_before", "AUC of the active version, months fitted on", "拟合期原AUC"),
        number("fit_auc_after", "AUC of the draft, months fitted on", "拟合期建议AUC"),
        number("auc_before", "AUC of the active version, newest month", "时间外原AUC"),
        number("auc_after", "AUC of the draft, newest month", "时间外建议AUC"),
        number("gain_low", "Gain out of time, lower end of 95 %", "增益下限（95%）"),
        number("gain_high", "Gain out of time, upper end of 95 %", "增益上限（95%）"),
        _count("customers", "Customers of the month", "客户数"),
        _count("customers_changing", "Customers whose value would change", "变动客户数"),
        _text("effect", "Customers by value, now and then", "预期效果"),
        _text("draft", "The draft as an entry of tags.yaml", "草案（YAML）"),
    ),
    key=("as_of", "tag_code", "outcome"),
    resting=Resting.ENOUGH,
)
