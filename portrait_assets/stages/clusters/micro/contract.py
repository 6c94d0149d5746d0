"""The tables of micro-segments: who is in which, the models as rows, and what speaks for each."""

from __future__ import annotations

from portrait_assets.schema.columns import count, day, flag, integer, number, required, share, text
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import SEGMENT, STATISTIC
from portrait_assets.schema.table import CUSTOMER_ID, month_end_table
from portrait_assets.stages.clusters.wealth.contract import MODEL_ROW

_integer, _text, _number = required(integer), required(text), required(number)

PARENTS = ("wealth", "cluster")
"""Of which segments the parts are: wealth segments where there are some."""

_PARENT = _text("parent", "Kind of segment that it is a part of", "上级客群类型", allowed=PARENTS)
_SEGMENT_ID = _integer("segment_id", "Segment that it is a part of", "上级客群编号", minimum=1)
_VERSION = _text("model_version", "Version of the model of its parts", "微细分模型版本")

MICRO_SEGMENT = month_end_table(
    schema="clusters",
    name="micro_segment",
    en="Which part of their segment each customer is in; none of a segment without parts",
    zh="客户所属微细分",
    operation=SEGMENT,
    columns=(
        CUSTOMER_ID,
        _PARENT,
        _SEGMENT_ID,
        _integer("micro_id", "Part of the segment", "微细分编号", minimum=1),
        _text("name", "Name", "英文名"),
        _text("name_zh", "Name in Chinese", "中文名"),
        _VERSION,
    ),
    key=("as_of", "customer_id"),
)

MICRO_MODEL = month_end_table(
    schema="clusters",
    name="micro_model",
    en="The models of micro-segments: of each segment with parts the axes and centres as rows",
    zh="微细分模型（逐行参数）",
    operation=STATISTIC,
    columns=(
        _PARENT,
        _SEGMENT_ID,
        _VERSION,
        *MODEL_ROW,
    ),
    key=("as_of", "segment_id", "part", "item", "position", "key"),
    resting=Resting.ENOUGH,
)

MICRO_PROOF = month_end_table(
    schema="clusters",
    name="micro_proof",
    en="Divisions of segments that were tried: what each predicts out of time, and whether it is "
    "taken",
    zh="微细分论证",
    operation=STATISTIC,
    columns=(
        _PARENT,
        _SEGMENT_ID,
        _integer("parts", "Parts", "微细分数", minimum=2),
        _text("outcome", "Later outcome", "后续结果"),
        share("smallest_share", "Share of all customers in the smallest part", "最小占比"),
        count("tests", "Tests that the interval allows for", "检验次数"),
        _number(
            "bootstrap_agreement", "Mean adjusted Rand index of refits", "重训一致性", maximum=1
        ),
        _number(
            "gain",
            "Log-loss of the outcome that the parts save against the segment, out of time",
            "样本外对数损失增益",
            unit="nats per customer",
        ),
        _number("gain_low", "Lower limit of it", "增益下限", unit="nats per customer"),
        _number("gain_high", "Upper limit of it", "增益上限", unit="nats per customer"),
        flag("is_taken", "Whether the parts are taken", "是否采用", nullable=False),
        _text("reason_en", "Why, or why not", "英文理由"),
        _text("reason_zh", "Why, or why not, in Chinese", "中文理由"),
        day("proven_on", "Month's end on which it was tried", "论证日期", nullable=False),
    ),
    key=("as_of", "segment_id", "parts", "outcome"),
)
TABLES = (MICRO_SEGMENT, MICRO_MODEL, MICRO_PROOF)
