"""The tables of credit scores: cards as rows, scores, decisions, and how they came true."""

from __future__ import annotations

from portrait_assets.methods.scorecard.card.parts import Kind
from portrait_assets.methods.scorecard.card.reasons import REASONS
from portrait_assets.methods.scorecard.fitting.banding import ACCEPT, DECLINE, NAMES, REVIEW
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
from portrait_assets.schema.sensitivity import DECLARED, PREDICTED, SHARE, STATISTIC
from portrait_assets.schema.table import CUSTOMER_ID, Sensitivity, month_end_table
from portrait_assets.stages.predictions.columns import (
    AGAINST,
    BY_TARGET,
    HORIZON,
    TARGET_NAMES,
    TRAINED_FROM,
    TRAINED_UNTIL,
    WHY,
)

ACTIONS = (
    *("fitted", "refitted", "kept", "challenger refused"),
    *("pinned", "no card", "not asked for"),
)
CUT, VINTAGE = "cut", "vintage"
SUGGESTIONS = (ACCEPT, REVIEW, DECLINE)


_TARGET = text("target", "Target of credit", "信贷目标", nullable=False, operation=DECLARED)
_VERSION = text(
    "model_version",
    "Version of the card: a hash of its rows",
    "评分卡版本",
    nullable=False,
    operation=DECLARED,
)
_JUDGED_ON = text("judged_on", "Base month that it was judged on", "评判的基准月份")
_FITTED_IN = text("fitted_in", "Month in which it was fitted", "拟合月份")

SCORECARD = month_end_table(
    schema="predictions",
    name="scorecard",
    en="The card of each target of credit: points by column and bin, scale and bands, as rows",
    zh="信用评分卡（逐行）",
    operation=STATISTIC,
    columns=(
        _TARGET,
        HORIZON,
        _VERSION,
        counter("item", "Order of the rows", "行次序"),
        text(
            "part",
            "What a row is: card, scale, feature, information, bin, level or band",
            "行类型（评分卡、刻度、特征、信息值、分箱、取值、档位）",
            nullable=False,
            allowed=("card", "scale", "feature", "information", "bin", "level", "band"),
        ),
        text("feature", "Column of the feature matrix", "特征"),
        integer("bin", "Number of the bin, or place of the column", "分箱号或特征次序"),
        text(
            "kind",
            f"Kind of bin: {', '.join(Kind)}; form of a column, name of a number or of a band",
            "分箱类型、特征形式、数值名或档位名",
        ),
        text("level", "Category in the bin; what is suggested for a band", "分箱取值或档位建议"),
        text("label", "What the bin holds, in words", "分箱说明（英文）"),
        text("label_zh", "What the bin holds, in Chinese", "分箱说明"),
        number("low", "Above this, or the code itself", "区间下限（不含）"),
        number("high", "Up to this, or the code itself", "区间上限（含）"),
        count("rows", "Customer-months that it was fitted to", "拟合所用客户月数", nullable=True),
        count("bads", "Those to whom it happened", "其中发生数", nullable=True),
        share("bad_rate", "Share to whom it happened", "发生率"),
        number("woe", "Weight of evidence: logarithm of good to bad over that of all", "证据权重"),
        integer(
            "points",
            "Points of the bin, of the card to begin with, or the least ones of a band",
            "分值（分箱、基础分或档位下限）",
        ),
        number("value", "Coefficient, information value or number of the scale", "数值"),
    ),
    key=(*BY_TARGET, "item"),
    resting=Resting.ENOUGH,
    counts=("rows",),
)

_REASON_EN = "reason: what cost most points against the best bin; null where fewer cost anything"
_ORDINALS = ("First", "Second", "Third", "Fourth")

CREDIT_SCORE = month_end_table(
    schema="predictions",
    name="credit_score",
    en="Credit score of each customer who allows it: points, probability and what is suggested",
    zh="客户信用评分（仅限同意信贷用途者；仅为建议，不构成决定）",
    operation=PREDICTED,
    columns=(
        CUSTOMER_ID,
        _TARGET,
        HORIZON,
        _VERSION,
        integer(
            "points",
            "Points: the more, the less probable",
            "信用分（越高风险越低）",
            nullable=False,
        ),
        probability(
            "probability",
            "Probability of default, or of what the target is, that the points stand for",
            "违约（目标事件）概率",
            nullable=False,
        ),
        text(
            "band",
            "Band of the points, A the best",
            "档位（A为最佳）",
            nullable=False,
            allowed=tuple(NAMES),
        ),
        text(
            "suggested",
            "What is suggested for the band; a person decides",
            "建议（由人工决定）",
            nullable=False,
            allowed=SUGGESTIONS,
        ),
        *(
            # They say in which bin of a column a customer lies, which is no less than its value.
            text(
                f"reason_{place}",
                f"{which} {_REASON_EN}",
                f"第{place}扣分原因（英文）",
                sensitivity=Sensitivity.C2,
            )
            for place, which in enumerate(_ORDINALS[:REASONS], start=1)
        ),
        *(
            text(
                f"reason_{place}_zh",
                f"{which} reason, in Chinese",
                f"第{place}扣分原因（相对最佳分箱）",
                sensitivity=Sensitivity.C2,
            )
            for place, which in enumerate(_ORDINALS[:REASONS], start=1)
        ),
    ),
    key=("as_of", "customer_id", "target", "horizon"),
    published_as_enums=True,
)

CREDIT_DECISION = month_end_table(
    schema="predictions",
    name="credit_decision",
    en="Which card scores each target of credit in the month, or why none does",
    zh="评分卡选用结论",
    operation=STATISTIC,
    columns=(
        _TARGET,
        HORIZON,
        text("model_version", "Version of the card; null without one", "评分卡版本（无则为空）"),
        text("action", "What was done", "处理", nullable=False, allowed=ACTIONS),
        *WHY,
        TRAINED_FROM,
        TRAINED_UNTIL,
        _JUDGED_ON,
        _FITTED_IN,
        text("tried_in", "Month in which a card was last fitted", "最近拟合评分卡的月份"),
        text("challenger_version", "Version of the month's challenger", "挑战者评分卡版本"),
        *TARGET_NAMES,
        share(
            "auc", "Area under the curve of the card in the newest closed window", "最近观察期AUC"
        ),
        share("challenger_auc", "The same of the month's challenger", "挑战者AUC"),
        *AGAINST,
        count("scored", "Customers scored", "已评分客户数"),
        count(
            "not_asked",
            "Customers whom the target does not ask about",
            "目标不涉及的客户数",
            nullable=True,
        ),
        count(
            "not_allowed",
            "Others who do not allow the use for credit",
            "未同意信贷用途的客户数",
            nullable=True,
        ),
        text(
            "points_sql",
            "SQL of the points over a row of features.feature_matrix; null without a card",
            "分值SQL（基于特征矩阵，无评分卡则为空）",
        ),
    ),
    key=BY_TARGET,
)

CREDIT_CURVE = month_end_table(
    schema="predictions",
    name="credit_curve",
    en="What approving from a score on would have brought, and how each month's scores came true",
    zh="通过率曲线与各批次表现",
    operation=SHARE,
    columns=(
        _TARGET,
        HORIZON,
        text(
            "kind",
            "cut: the window that the month closes, by score cut; vintage: each month scored",
            "类型（cut为当月结束观察期的切分点，vintage为各评分月批次）",
            nullable=False,
            allowed=(CUT, VINTAGE),
        ),
        text("base_month", "Month at whose end was scored", "评分月份", nullable=False),
        integer("cut", "Least points that would be approved; null of a vintage", "切分点"),
        count(
            "approved",
            "Customers scored with as many points or more",
            "达到切分点的客户数",
            nullable=True,
        ),
        share("approval_share", "Their share of all scored", "通过率", nullable=False),
        share("expected_bad_rate", "Their mean probability", "预期坏样本率", nullable=False),
        count("known", "Those of whom the outcome is known by the month", "结果已知客户数"),
        count("bads", "Those to whom it happened", "发生客户数", nullable=True),
        share("expected_of_known", "Mean probability of those known", "结果已知者预期坏样本率"),
        share("actual_bad_rate", "Share to whom it happened", "实际坏样本率"),
        share("low", "Low end of its 95 % interval", "实际坏样本率区间下限"),
        share("high", "High end of its 95 % interval", "实际坏样本率区间上限"),
        flag(
            "is_apart",
            "Whether what was expected of those known lies outside of the interval",
            "预期是否落在区间之外",
        ),
        share("auc", "Area under the curve of the points, of a vintage", "AUC（vintage）"),
        share("auc_low", "Low end of its 95 % interval", "AUC区间下限"),
        share("auc_high", "High end of its 95 % interval", "AUC区间上限"),
        text("baseline", "Baseline that was best before the month scored", "此前最佳基准规则"),
        share("baseline_auc", "Area under the curve of the baseline", "基准规则AUC"),
    ),
    key=(*BY_TARGET, "kind", "base_month", "cut"),
    resting=Resting.ENOUGH,
    counts=("approved", "known"),
)
