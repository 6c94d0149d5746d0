"""Names that the report shows, in English and Chinese."""

from __future__ import annotations

from portrait_assets.methods.scorecard.fitting.banding import ACCEPT
from portrait_assets.stages.cleaned.accounting.completeness import ENDS_EARLY, FEW_ROWS, NO_ROWS
from portrait_assets.stages.targets.declared.outcome import LONGEST_HORIZON
from portrait_assets.stages.targets.declared.outcomes import packaged_targets
from portrait_assets.stages.validation.backtests.buckets import OTHERS
from portrait_assets.stages.validation.fairness.offers import ANY, OFFER
from portrait_assets.stages.validation.fairness.tags import BOTTOM_FIFTH, TOP_FIFTH
from portrait_assets.stages.validation.findings import fairness as findings_fairness
from portrait_assets.stages.validation.predictions.fairness import CARD, MODEL
from portrait_assets.stages.validation.predictions.findings import CALIBRATION, GAIN, PLACEBO
from portrait_assets.stages.validation.predictions.totals import BIAS

AREAS = {
    "conservation": ("Conservation of rows", "数据守恒"),
    "checks": ("Checks", "检查"),
    "source": ("Source", "数据源"),
    "quality": ("Data quality", "数据质量"),
    "features": ("Features", "特征"),
    "clusters": ("Segments", "客群"),
    "tags": ("Tags", "标签"),
    "drift": ("Drift", "漂移"),
    "backtest": ("Backtests", "回测"),
    "predictions": ("Predictions", "预测模型"),
    "proposal": ("Proposals", "优化建议"),
    "fairness": ("Fairness", "公平性"),
}
VERDICTS = {
    "pass": ("pass", "通过"),
    "warn": ("warning", "警告"),
    "fail": ("fail", "未通过"),
    "not judged": ("not judged", "无法判断"),
}
MEASURES = {
    "selection rate": ("of all", "全体"),
    "true positive rate": ("of those to whom it happened", "实际发生者"),
    "of good": ("of those to whom it did not happen", "实际未发生者"),
}
ATTRIBUTES = {name: (name, zh) for name, zh in findings_fairness.ZH.items()}
GROUPS = {
    OTHERS: ("all small groups", "其余小组"),
    TOP_FIFTH: ("top fifth", "前五分之一"),
    BOTTOM_FIFTH: ("bottom fifth", "后五分之一"),
    ACCEPT: ("accepted", "建议通过"),
    ANY: ("any product", "任一产品"),
}
MARKS = {"pass": "✓", "warn": "△", "fail": "■", "not judged": "○"}
ELEMENTS = {
    "entity": ("Entity: who they are", "实体：客户是谁"),
    "symbol": ("Symbol: what they do", "符号：客户做什么"),
    "concept": ("Concept: what they value", "概念：客户看重什么"),
    "principle": ("Principle: how they react", "原理：客户如何反应"),
}
OUTCOMES = {code: (outcome.en, outcome.zh) for code, outcome in packaged_targets().derived.items()}
TARGETS = {each.code: (each.en, each.zh) for each in packaged_targets().outcomes}
_PREDICTED = {
    MODEL: "预测模型",
    CARD: "评分卡",
    "score": "预测评分",
    "credit score": "信用评分",
}
"""What precedes a target in the subject of a finding, in Chinese."""


def model_name(subject: str) -> tuple[str, str]:
    """The name of offers, or a model, card or score of a target; the subject where it is none."""
    if subject == OFFER:
        return "next best product", "下一最佳产品"
    for kind, zh in _PREDICTED.items():
        code = subject.removeprefix(f"{kind} ")
        if code != subject:
            of = TARGETS.get(code, (code, code))
            return f"{kind} {of[0]}", f"{zh} {of[1]}"
    return subject, subject


_ON = [
    (f"{months} month{'s' if months > 1 else ''} on", f"{months}个月后")
    for months in range(1, LONGEST_HORIZON + 1)
]
METRICS = {
    "rows lost": "丢失行数",
    "tags without data": "无数据的标签",
    "identifiers in common": "共有编号占比",
    "share cancelled or returned": "撤销或退货占比",
    "tables failed": "未通过的表",
    "share of customers": "客户占比",
    "coverage": "覆盖率",
    "quality card": "质量卡",
    "says something of its own": "是否有独立信息",
    "PSI against the month before": "相对上月PSI",
    "PSI against the baseline": "相对基准月PSI",
    "moved against the month before": "相对上月漂移数",
    "moved against the baseline": "相对基准月漂移数",
    "agreement of refits": "重训一致性",
    "PSI of the mix since segments were chosen": "选型以来结构PSI",
    "stability": "稳定性",
    "completeness": "完整性",
    "validity": "有效性",
    "uniqueness": "唯一性",
    "timeliness": "及时性",
    "consistency": "一致性",
    "PSI": "PSI",
    "AUC": "AUC",
    **{f"AUC, {on}": f"AUC（{zh}）" for on, zh in _ON},
    **{f"tags that separate, {on}": f"有区分力的标签数（{zh}）" for on, zh in _ON},
    "no longer separates": "失去区分力",
    "draft version": "草案版本",
    "share of whom it is known": "已知占比",
    "groups that differ": "存在差异的组数",
    GAIN: "AUC与基准规则之差",
    CALIBRATION: "校准比（预期÷实际）",
    PLACEBO: "随机打乱标签的AUC",
    BIAS: "总量偏差",
}
SEVERITIES = {
    "row": ("row set aside", "整行剔除"),
    "value": ("value set to null", "取值置空"),
    "note": ("noted, kept", "记录并保留"),
    "merged": ("merged with its twin", "与重复行合并"),
    "unplaced": ("line in no month", "未归月"),
}
SUBJECTS = {
    "cluster model": ("the cluster model", "聚类模型"),
    "every feature": ("all features", "全部特征"),
    "every tag": ("all tags", "全部标签"),
    "every segment mix": ("the segment mix", "客群结构"),
    "segment mix segment_id": ("the segment mix", "客群结构"),
    "transactions": ("table transactions", "交易表"),
    "balances": ("table balances", "余额表"),
    "customers": ("table customers", "客户表"),
    "products": ("table products", "产品表"),
    "campaigns": ("table campaigns", "活动表"),
    "contacts": ("table contacts", "触达表"),
    "responses": ("table responses", "响应表"),
    "interactions": ("table interactions", "互动表"),
    "market": ("table market", "市场表"),
    "outcomes": ("table outcomes", "结果表"),
}
SUBJECTS |= ATTRIBUTES
SUBJECTS["customer value"] = ("customer value", "客户价值")
METHODS = {
    "BG/NBD": ("BG/NBD", "BG/NBD模型"),
    "Pareto/NBD": ("Pareto/NBD", "Pareto/NBD模型"),
    "the last window repeats": ("the last window repeats", "上一窗口重复"),
    "boosted trees": ("boosted trees", "提升树"),
}
STATUSES = {
    "chosen": ("chosen", "选用"),
    "not chosen": ("not chosen", "未选用"),
    "unusable": ("unusable", "不可用"),
    "not judged": ("not judged", "无法评判"),
}
BESIDE = {
    "better": ("surely better", "确优于基准"),
    "not surely better": ("not surely better", "未能确证优于基准"),
    "worse": ("surely worse", "确劣于基准"),
    "not judged": ("not judged", "无法判断"),
}
OF_STAGES = {
    "log loss": ("log loss of silence, purchase and high spend", "沉默、购买、高消费的对数损失"),
    "auc": ("AUC of silence", "沉默的AUC"),
}
"""By what stages of the life cycle are judged."""
BASES = {
    "model": ("a model", "模型"),
    "baseline": ("the best baseline", "最佳基准规则"),
}
FAMILIES = {
    "binned": ("weights of bins", "分箱权重"),
    "logistic": ("logistic regression", "逻辑回归"),
    "trees": ("boosted trees", "提升树"),
}
EXTRA = {
    "segment_id": ("Segment", "客群"),
    "(entry)": ("new", "进入"),
    "(exit)": ("gone", "退出"),
}

LATE_ZH = {NO_ROWS: "无数据", FEW_ROWS: "行数过少", ENDS_EARLY: "月末无数据"}
