"""The tables of wealth segments: the model as rows, who is in which, what each is, the proof."""

from __future__ import annotations

from portrait_assets.schema.columns import (
    count,
    day,
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
from portrait_assets.schema.table import CUSTOMER_ID, month_end_table
from portrait_assets.stages.clusters.contract import CLUSTER_MODEL, CLUSTER_SEGMENT

_integer, _flag, _text, _number, _share = map(required, (integer, flag, text, number, share))

WINNERS = ("first", "champion", "challenger", "none")

_SEGMENT_ID = _integer("segment_id", "Wealth segment", "财富客群编号", minimum=1)
_VERSION = _text("model_version", "Version of the model of wealth segments", "财富客群模型版本")
_NAMES = (_text("name", "Name", "英文名"), _text("name_zh", "Name in Chinese", "中文名"))
_CATEGORY = _text("category", "Category of product", "产品类别")
_IS_OWED = _flag("is_owed", "Whether it is owed", "是否负债")

MODEL_ROW = tuple(c for c in CLUSTER_MODEL.columns if c.name not in ("as_of", "model_version"))
"""What a row of a model is; parts of segments have models of such rows as well."""

WEALTH_MODEL = month_end_table(
    schema="clusters",
    name="wealth_model",
    en="The model of wealth segments: axes and centres as rows",
    zh="财富客群模型（逐行参数）",
    operation=STATISTIC,
    columns=(
        _VERSION,
        *MODEL_ROW,
    ),
    key=("as_of", "part", "item", "position", "key"),
    resting=Resting.ENOUGH,
)

WEALTH_SEGMENT = month_end_table(
    schema="clusters",
    name="wealth_segment",
    en="Which wealth segment each customer is in; none where the source has no balances by product",
    zh="客户所属财富客群",
    operation=SEGMENT,
    columns=(CUSTOMER_ID, _SEGMENT_ID, *_NAMES, _VERSION),
    key=("as_of", "customer_id"),
)

WEALTH_DESCRIPTION = month_end_table(
    schema="clusters",
    name="wealth_description",
    en="The wealth segments: name, size, rule, stability and gap to their neighbours; of few "
    "customers the name and the size alone",
    zh="财富客群概况（客户过少的客群仅列名称与规模）",
    operation=SHARE,
    columns=(
        _SEGMENT_ID,
        *_NAMES,
        _text(
            "status",
            "What became of it since the model before",
            "客群变化",
            allowed=("kept", "new", "split", "merged"),
        ),
        texts(
            "from_segments",
            "Segments of the model before that one which was split or merged is made of",
            "来源客群",
        ),
        count("customers", "Customers", "客户数"),
        _share("share", "Share of customers", "客户占比"),
        number("asset_share", "Share of all that is held", "资产占比", minimum=0, maximum=1),
        text(
            "rule", "Short rule that describes it: amounts held and owed, days, shares", "客群规则"
        ),
        *map(CLUSTER_SEGMENT.column, ("rule_fidelity", "rule_precision", "rule_recall")),
        CLUSTER_SEGMENT.column("stability"),
        share(
            "density_gap",
            "Depth of the shallowest valley to a neighbour: 0 none, 1 nobody between",
            "与相邻客群的密度低谷深度",
        ),
        _VERSION,
    ),
    key=("as_of", "segment_id"),
    resting=Resting.COUNTED,
)

UNSAID_OF_FEW = (
    *("asset_share", "stability", "density_gap"),
    *("rule", "rule_fidelity", "rule_precision", "rule_recall"),
)
"""What is null of a segment that customers have left until few are in it."""

WEALTH_HOLDING = month_end_table(
    schema="clusters",
    name="wealth_holding",
    en="What the customers of each wealth segment hold, owe, and took in the last three months",
    zh="财富客群持有与新增产品",
    operation=SHARE,
    columns=(
        _SEGMENT_ID,
        _CATEGORY,
        _IS_OWED,
        share("holders_share", "Share of its customers who have it; null for few", "持有占比"),
        _share("base_share", "Share of all customers who have it", "总体持有占比"),
        number("tgi", "Target group index: 100 x segment / base", "TGI", minimum=0),
        number(
            "median_amount",
            "Median amount of its holders; null for few",
            "持有者金额中位数",
            unit="currency of the source",
            minimum=0,
        ),
        share("taken_share", "Share who took it in three months; null for few", "新增占比"),
        share("base_taken_share", "Share of all customers who took it", "总体新增占比"),
    ),
    key=("as_of", "segment_id", "category", "is_owed"),
    resting=Resting.ENOUGH,
)

WEALTH_PROOF = month_end_table(
    schema="clusters",
    name="wealth_proof",
    en="What speaks for each number of wealth segments: the one asked for, its neighbours, others",
    zh="财富客群数量论证",
    operation=STATISTIC,
    columns=(
        _integer("segments", "Number of segments", "客群数", minimum=2),
        _flag("is_asked", "Whether it was asked for", "是否为设定数"),
        _flag("is_free", "Whether the data support it best", "是否为自选数"),
        _number(
            "bootstrap_agreement",
            "Mean adjusted Rand index of refits to bootstrap samples",
            "自助法重训一致性",
            maximum=1,
        ),
        _share(
            "density_gap",
            "Depth of the shallowest valley between neighbouring segments",
            "最浅密度低谷深度",
        ),
        _flag("is_supported", "Whether data support it", "数据是否支持"),
        number(
            "log_loss",
            "Loss of the next product in three months by the segments of six months ago",
            "下一产品对数损失",
            unit="nats per customer",
            minimum=0,
        ),
        number(
            "gain",
            "Loss that the number asked for saves against it; in its own row against no segments",
            "设定数相对增益",
            unit="nats per customer",
        ),
        number("gain_low", "Lower limit of it at 95 %", "增益下限", unit="nats per customer"),
        number("gain_high", "Upper limit of it at 95 %", "增益上限", unit="nats per customer"),
        day("proven_on", "Month's end on which it was looked at", "论证日期", nullable=False),
    ),
    key=("as_of", "segments"),
)

WEALTH_DECISION = month_end_table(
    schema="clusters",
    name="wealth_decision",
    en="How many wealth segments were asked for, whether data support them, and which model holds",
    zh="财富客群选用结论",
    operation=STATISTIC,
    columns=(
        _integer("asked", "Segments asked for", "设定客群数", minimum=2),
        count("segments", "Segments made; 0 where none can be", "客群数"),
        integer(
            "free_choice",
            "Most segments that data support; null for none",
            "数据支持的最多客群数",
            minimum=2,
        ),
        flag(
            "is_found",
            "Whether data have as many as asked for, and not more; null before it was looked at",
            "是否为数据本有",
        ),
        _text("winner", "Which model holds", "胜出方", allowed=WINNERS),
        _text("reason", "Why", "理由"),
        text("model_version", "Version of the model that holds", "在用模型版本"),
        _text("statement_en", "In a sentence", "英文结论"),
        _text("statement_zh", "In a sentence, in Chinese", "中文结论"),
    ),
    key=("as_of",),
)
TABLES = (
    WEALTH_SEGMENT,
    WEALTH_MODEL,
    WEALTH_DESCRIPTION,
    WEALTH_HOLDING,
    WEALTH_PROOF,
    WEALTH_DECISION,
)
