"""The tables of the predictions stage: models as rows, scores, decisions and backtests."""

from __future__ import annotations

from portrait_assets.schema.columns import (
    count,
    counter,
    flag,
    integer,
    number,
    probability,
    share,
    text,
)
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import DECLARED, PREDICTED, RANK, SHARE, STATISTIC
from portrait_assets.schema.table import CUSTOMER_ID, month_end_table
from portrait_assets.stages.predictions.columns import (
    AGAINST,
    BY_TARGET,
    HORIZON,
    TARGET_NAMES,
    TRAINED_FROM,
    TRAINED_UNTIL,
    WHY,
)

BASES = ("model", "baseline")
BANDS = ("highest", "high", "middle", "low", "lowest")
"""From the likeliest customers to the least likely."""
BAND_ENDS = (0.05, 0.2, 0.5, 0.8)
"""The share of customers, from the likeliest on, at which each band but the last one ends."""
REASONED_BANDS = BANDS[:2]
"""The bands whose customers have reasons: a fifth of all, those who are acted on."""
ACTIONS = (
    "kept",
    "fitted",
    "refitted",
    "recalibrated",
    "challenger refused",
    "pinned",
    "baseline",
)


_TARGET = text("target", "What is predicted", "预测目标", nullable=False, operation=DECLARED)
_VERSION = text(
    "model_version",
    "Version of the model or baseline: a hash of its rows",
    "模型版本",
    nullable=False,
    operation=DECLARED,
)
_BASIS = text(
    "basis",
    "Whether the score is of a model, or of the best baseline in its place",
    "预测依据（模型或基准规则）",
    nullable=False,
    allowed=BASES,
    operation=DECLARED,
)
_FAMILY = text(
    "family", "Family of models, or name of the baseline", "模型族或基准规则名", nullable=False
)
_CALIBRATED_ON = text(
    "calibrated_on", "Base month that it was chosen and calibrated on", "选型与校准的基准月份"
)
_FITTED_IN = text("fitted_in", "Month in which it was fitted", "拟合月份", nullable=False)

PREDICTION_MODEL = month_end_table(
    schema="predictions",
    name="prediction_model",
    en="The active model or baseline of each target: all that scores, as rows",
    zh="预测模型（逐行参数）",
    operation=STATISTIC,
    columns=(
        _TARGET,
        HORIZON,
        _VERSION,
        counter("item", "Order of the rows", "行次序"),
        _BASIS,
        _FAMILY,
        TRAINED_FROM,
        TRAINED_UNTIL,
        _CALIBRATED_ON,
        _FITTED_IN,
        text("part", "Part of the model", "组成部分", nullable=False),
        integer("position", "Order within the part", "部分内次序", nullable=False),
        text("feature", "Feature", "特征"),
        text("level", "Value of a categorical feature", "特征取值"),
        text("key", "Which number or text it is", "参数名"),
        number("value", "Number", "数值"),
        text("text", "Text", "文本"),
        integer("tree", "Tree", "树编号"),
        integer("left_node", "Node up to the threshold", "左子节点"),
        integer("right_node", "Node above the threshold", "右子节点"),
        number("threshold", "Threshold", "阈值"),
        flag("missing_left", "Whether missing values go left", "缺失值归左"),
        integer("rows", "Customer-months behind it", "依据的客户月数", minimum=0),
    ),
    key=(*BY_TARGET, "item"),
    resting=Resting.ENOUGH,
    counts=("rows",),
)

PREDICTION = month_end_table(
    schema="predictions",
    name="prediction",
    en="How probably each customer does what is predicted, and why",
    zh="客户预测结果",
    operation=PREDICTED,
    columns=(
        CUSTOMER_ID,
        _TARGET,
        HORIZON,
        _VERSION,
        _BASIS,
        probability(
            "score",
            "Calibrated probability; null while no window is over that would tell a rate",
            "校准概率（尚无已结束观察期时为空）",
        ),
        share("low", "Low end of the 95 % interval of the rate at such scores", "概率区间下限"),
        share("high", "High end of the 95 % interval", "概率区间上限"),
        counter(
            "rank",
            "Place among those scored, 1 is the likeliest; equal ones share the first place",
            "名次（1为最可能，并列同名次）",
            operation=RANK,
        ),
        text(
            "band",
            "Band of the rank: the likeliest 5 %, to 20 %, to 50 %, to 80 %, and the rest",
            "名次档（前5%、至20%、至50%、至80%、其余）",
            nullable=False,
            allowed=BANDS,
            operation=RANK,
        ),
        *(
            text(
                f"reason_{place}",
                f"{which} reason: the feature, and whether it raises (+) or lowers (-) the "
                "probability; of the two bands on top of a model",
                f"第{place}理由（特征及升+降-方向；仅模型的前两档）",
            )
            for place, which in enumerate(("First", "Second", "Third"), start=1)
        ),
    ),
    key=("as_of", "customer_id", "target", "horizon"),
    published_as_enums=True,
)

PREDICTION_DECISION = month_end_table(
    schema="predictions",
    name="prediction_decision",
    en="Which model or baseline predicts each target in the month, and why",
    zh="预测模型选用结论",
    operation=STATISTIC,
    columns=(
        _TARGET,
        HORIZON,
        _VERSION,
        _BASIS,
        _FAMILY,
        TRAINED_FROM,
        TRAINED_UNTIL,
        _CALIBRATED_ON,
        _FITTED_IN,
        *TARGET_NAMES,
        text("action", "What was done", "处理", nullable=False, allowed=ACTIONS),
        *WHY,
        text("tried_in", "Month in which a challenger was last fitted", "最近拟合挑战者的月份"),
        text("challenger_version", "Version of the month's challenger", "挑战者模型版本"),
        share("auc", "Area under the curve in the newest closed window", "最近观察期AUC"),
        share("challenger_auc", "The same of the challenger", "挑战者AUC"),
        *AGAINST,
        count("scored", "Customers scored", "已评分客户数"),
        count("not_asked", "Customers whom the target does not ask about", "目标不涉及的客户数"),
    ),
    key=BY_TARGET,
)

_CLOSED = (
    _TARGET,
    HORIZON,
    text("base_month", "Month at whose end it was predicted", "预测基准月份", nullable=False),
    _VERSION,
    _BASIS,
)

PREDICTION_BACKTEST = month_end_table(
    schema="predictions",
    name="prediction_backtest",
    en="What was predicted, beside what happened in the window that the month closes",
    zh="预测回测",
    operation=SHARE,
    columns=(
        *_CLOSED,
        count("customers", "Customers of whom the outcome is known", "结果已知客户数"),
        count("hits", "Those to whom it happened", "发生客户数"),
        share("auc", "Area under the curve of the scores as of then", "AUC"),
        share("auc_low", "Low end of its 95 % interval", "AUC区间下限"),
        share("auc_high", "High end of its 95 % interval", "AUC区间上限"),
        text("baseline", "Baseline that was best before the base month", "此前最佳基准规则"),
        share("baseline_auc", "Area under the curve of the baseline", "基准规则AUC"),
        number("gain_low", "Low end of the interval of the difference", "AUC差区间下限"),
        number("gain_high", "High end of the interval of the difference", "AUC差区间上限"),
        number("lift", "Rate of the tenth on top / rate of all", "首十分位提升度", minimum=0),
        number("baseline_lift", "The same of the baseline", "基准规则首十分位提升度", minimum=0),
        share("brier", "Brier score: mean squared error of the probability", "Brier评分"),
        share(
            "baseline_brier",
            "The same of the baseline, with its rates in the windows over by the base month",
            "基准规则Brier评分",
        ),
        share("base_brier", "The same of the rate of all", "基准率Brier评分"),
        share("predicted_rate", "Mean probability", "平均预测概率"),
        share("rate", "Share to whom it happened", "实际发生率"),
        number("calibration", "Mean probability / rate: 1 is calibrated", "整体校准比", minimum=0),
        number(
            "calibration_error",
            "Mean distance of probability and rate over tenths of the score",
            "十分位校准误差",
            minimum=0,
        ),
        share(
            "placebo_auc",
            "Mean area of the same scores when outcomes are shuffled: 0.5 by chance",
            "随机打乱标签的AUC",
        ),
        number(
            "psi",
            "Population stability index of the scores against those it was calibrated on",
            "评分分布PSI",
            minimum=0,
        ),
        text(
            "verdict",
            "Beside the baseline: better, not surely better, worse, or not judged",
            "与基准规则相比的结论",
            nullable=False,
            allowed=("better", "not surely better", "worse", "not judged"),
        ),
    ),
    key=BY_TARGET,
    resting=Resting.ENOUGH,
)

PREDICTION_CALIBRATION = month_end_table(
    schema="predictions",
    name="prediction_calibration",
    en="Probability beside rate by tenths of the score, in the window that the month closes",
    zh="预测校准（分十分位）",
    operation=SHARE,
    columns=(
        *_CLOSED,
        counter("tenth", "Tenth of the scores, 1 is the likeliest", "十分位"),
        count("customers", "Customers", "客户数"),
        count("hits", "Those to whom it happened", "发生客户数"),
        share("predicted_rate", "Mean probability", "平均预测概率", nullable=False),
        share(
            "baseline_predicted_rate",
            "Mean probability of the same customers by the baseline; null where it had no rates",
            "基准规则平均预测概率（尚无比率时为空）",
        ),
        share("rate", "Share to whom it happened", "实际发生率", nullable=False),
        share("low", "Low end of the rate's 95 % interval", "发生率区间下限", nullable=False),
        share("high", "High end of the rate's 95 % interval", "发生率区间上限", nullable=False),
    ),
    key=(*BY_TARGET, "tenth"),
    resting=Resting.ENOUGH,
)
