"""The tables of credit scores: cards as rows, scores, decisions, and how they came true."""

from __future__ import annotations

from portrait_assets.methods.scorecard.card.parts import Kind
from portrait_assets.methods.scorecard.card.reasons import REASONS
from portrait_assets.methods.scorecard.fitting.banding import ACCEPT, DECLINE, NAMES, REVIEW
from portrait_assets.schema.sensitivity import DECLARED, PREDICTED, SHARE, STATISTIC
from portrait_assets.schema.table import (
    CUSTOMER_ID,
    Column,
    PartitionBy,
    Sensitivity,
    Table,
    Type,
)

ACTIONS = ("fitted", "refitted", "kept", "challenger refused", "no card", "not asked for")
CUT, VINTAGE = "cut", "vintage"
SUGGESTIONS = (ACCEPT, REVIEW, DECLINE)


def _number(name: str, en: str, zh: str, **more: object) -> Column:
    return Column(name, Type.NUMBER, en, zh, **more)  # type: ignore[arg-type]


def _share(name: str, en: str, zh: str, **more: object) -> Column:
    return _number(name, en, zh, minimum=0, maximum=1, **more)


def _text(name: str, en: str, zh: str, **more: object) -> Column:
    return Column(name, Type.TEXT, en, zh, **more)  # type: ignore[arg-type]


def _count(name: str, en: str, zh: str, nullable: bool = False) -> Column:
    return Column(name, Type.INTEGER, en, zh, nullable=nullable, minimum=0)


_TARGET = _text("target", "Target of credit", "信贷目标", nullable=False, operation=DECLARED)
_HORIZON = Column(
    "horizon",
    Type.COUNTER,
    "Months after the month's end in which it is to happen",
    "预测期",
    nullable=False,
    unit="months",
    minimum=1,
    operation=DECLARED,
)
_VERSION = _text(
    "model_version",
    "Version of the card: a hash of its rows",
    "评分卡版本",
    nullable=False,
    operation=DECLARED,
)
_TRAINED_FROM = _text("trained_from", "First base month that it learned from", "训练起始基准月份")
_TRAINED_UNTIL = _text("trained_until", "Last base month that it learned from", "训练截止基准月份")
_JUDGED_ON = _text("judged_on", "Base month that it was judged on", "评判的基准月份")
_FITTED_IN = _text("fitted_in", "Month in which it was fitted", "拟合月份")
_BY_TARGET = ("as_of", "target", "horizon")

SCORECARD = Table(
    schema="predictions",
    name="scorecard",
    en="The card of each target of credit: points by column and bin, scale and bands, as rows",
    zh="信用评分卡（逐行）",
    operation=STATISTIC,
    columns=(
        _TARGET,
        _HORIZON,
        _VERSION,
        Column("item", Type.COUNTER, "Order of the rows", "行次序", nullable=False, minimum=1),
        _text(
            "part",
            "What a row is: card, scale, feature, information, bin, level or band",
            "行类型（评分卡、刻度、特征、信息值、分箱、取值、档位）",
            nullable=False,
            allowed=("card", "scale", "feature", "information", "bin", "level", "band"),
        ),
        _text("feature", "Column of the feature matrix", "特征"),
        Column(
            "bin", Type.INTEGER, "Number of the bin, or place of the column", "分箱号或特征次序"
        ),
        _text(
            "kind",
            f"Kind of bin: {', '.join(Kind)}; form of a column, name of a number or of a band",
            "分箱类型、特征形式、数值名或档位名",
        ),
        _text("level", "Category in the bin; what is suggested for a band", "分箱取值或档位建议"),
        _text("label", "What the bin holds, in words", "分箱说明（英文）"),
        _text("label_zh", "What the bin holds, in Chinese", "分箱说明"),
        _number("low", "Above this, or the code itself", "区间下限（不含）"),
        _number("high", "Up to this, or the code itself", "区间上限（含）"),
        _count("rows", "Customer-months that it was fitted to", "拟合所用客户月数", nullable=True),
        _count("bads", "Those to whom it happened", "其中发生数", nullable=True),
        _share("bad_rate", "Share to whom it happened", "发生率"),
        _number("woe", "Weight of evidence: logarithm of good to bad over that of all", "证据权重"),
        Column(
            "points",
            Type.INTEGER,
            "Points of the bin, of the card to begin with, or the least ones of a band",
            "分值（分箱、基础分或档位下限）",
        ),
        _number("value", "Coefficient, information value or number of the scale", "数值"),
    ),
    key=(*_BY_TARGET, "item"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)

_REASON_EN = "reason: what cost most points against the best bin; null where fewer cost anything"
_ORDINALS = ("First", "Second", "Third", "Fourth")

CREDIT_SCORE = Table(
    schema="predictions",
    name="credit_score",
    en="Credit score of each customer who allows it: points, probability and what is suggested",
    zh="客户信用评分（仅限同意信贷用途者；仅为建议，不构成决定）",
    operation=PREDICTED,
    columns=(
        CUSTOMER_ID,
        _TARGET,
        _HORIZON,
        _VERSION,
        Column(
            "points",
            Type.INTEGER,
            "Points: the more, the less probable",
            "信用分（越高风险越低）",
            nullable=False,
        ),
        _share(
            "probability",
            "Probability of default, or of what the target is, that the points stand for",
            "违约（目标事件）概率",
            nullable=False,
        ),
        _text(
            "band",
            "Band of the points, A the best",
            "档位（A为最佳）",
            nullable=False,
            allowed=tuple(NAMES),
        ),
        _text(
            "suggested",
            "What is suggested for the band; a person decides",
            "建议（由人工决定）",
            nullable=False,
            allowed=SUGGESTIONS,
        ),
        *(
            # They say in which bin of a column a customer lies, which is no less than its value.
            _text(
                f"reason_{place}",
                f"{which} {_REASON_EN}",
                f"第{place}扣分原因（英文）",
                sensitivity=Sensitivity.C2,
            )
            for place, which in enumerate(_ORDINALS[:REASONS], start=1)
        ),
        *(
            _text(
                f"reason_{place}_zh",
                f"{which} reason, in Chinese",
                f"第{place}扣分原因（相对最佳分箱）",
                sensitivity=Sensitivity.C2,
            )
            for place, which in enumerate(_ORDINALS[:REASONS], start=1)
        ),
    ),
    key=("as_of", "customer_id", "target", "horizon"),
    partition_by=PartitionBy.AS_OF,
    published=True,
    published_as_enums=True,
)

CREDIT_DECISION = Table(
    schema="predictions",
    name="credit_decision",
    en="Which card scores each target of credit in the month, or why none does",
    zh="评分卡选用结论",
    operation=STATISTIC,
    columns=(
        _TARGET,
        _HORIZON,
        _text("model_version", "Version of the card; null without one", "评分卡版本（无则为空）"),
        _text("action", "What was done", "处理", nullable=False, allowed=ACTIONS),
        _text("reason_en", "Why, in a sentence", "英文理由", nullable=False),
        _text("reason_zh", "Why, in a sentence, in Chinese", "中文理由", nullable=False),
        _TRAINED_FROM,
        _TRAINED_UNTIL,
        _JUDGED_ON,
        _FITTED_IN,
        _text("tried_in", "Month in which a card was last fitted", "最近拟合评分卡的月份"),
        _share(
            "auc", "Area under the curve of the card in the newest closed window", "最近观察期AUC"
        ),
        _share("challenger_auc", "The same of the month's challenger", "挑战者AUC"),
        _text("baseline", "Best baseline of the windows before that one", "此前最佳基准规则"),
        _share("baseline_auc", "Its area in the newest closed window", "基准规则AUC"),
        _count("scored", "Customers scored", "已评分客户数"),
        _count(
            "not_asked",
            "Customers whom the target does not ask about",
            "目标不涉及的客户数",
            nullable=True,
        ),
        _count(
            "not_allowed",
            "Others who do not allow the use for credit",
            "未同意信贷用途的客户数",
            nullable=True,
        ),
        _text(
            "points_sql",
            "SQL of the points over a row of features.feature_matrix; null without a card",
            "分值SQL（基于特征矩阵，无评分卡则为空）",
        ),
    ),
    key=_BY_TARGET,
    partition_by=PartitionBy.AS_OF,
    published=True,
)

CREDIT_CURVE = Table(
    schema="predictions",
    name="credit_curve",
    en="What approving from a score on would have brought, and how each month's scores came true",
    zh="通过率曲线与各批次表现",
    operation=SHARE,
    columns=(
        _TARGET,
        _HORIZON,
        _text(
            "kind",
            "cut: the window that the month closes, by score cut; vintage: each month scored",
            "类型（cut为当月结束观察期的切分点，vintage为各评分月批次）",
            nullable=False,
            allowed=(CUT, VINTAGE),
        ),
        _text("base_month", "Month at whose end was scored", "评分月份", nullable=False),
        Column(
            "cut", Type.INTEGER, "Least points that would be approved; null of a vintage", "切分点"
        ),
        _count(
            "approved",
            "Customers scored with as many points or more",
            "达到切分点的客户数",
            nullable=True,
        ),
        _share("approval_share", "Their share of all scored", "通过率", nullable=False),
        _share("expected_bad_rate", "Their mean probability", "预期坏样本率", nullable=False),
        _count("known", "Those of whom the outcome is known by the month", "结果已知客户数"),
        _count("bads", "Those to whom it happened", "发生客户数", nullable=True),
        _share("expected_of_known", "Mean probability of those known", "结果已知者预期坏样本率"),
        _share("actual_bad_rate", "Share to whom it happened", "实际坏样本率"),
        _share("low", "Low end of its 95 % interval", "实际坏样本率区间下限"),
        _share("high", "High end of its 95 % interval", "实际坏样本率区间上限"),
        Column(
            "is_apart",
            Type.BOOLEAN,
            "Whether what was expected of those known lies outside of the interval",
            "预期是否落在区间之外",
        ),
        _share("auc", "Area under the curve of the points, of a vintage", "AUC（vintage）"),
        _share("auc_low", "Low end of its 95 % interval", "AUC区间下限"),
        _share("auc_high", "High end of its 95 % interval", "AUC区间上限"),
        _text("baseline", "Baseline that was best before the month scored", "此前最佳基准规则"),
        _share("baseline_auc", "Area under the curve of the baseline", "基准规则AUC"),
    ),
    key=(*_BY_TARGET, "kind", "base_month", "cut"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)
