"""The tables of the tags stage."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from portrait_assets.schema.columns import (
    count,
    counter,
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
from portrait_assets.schema.sensitivity import CONFIDENCE, DECLARED, ROWS, SEGMENT, SHARE
from portrait_assets.schema.table import (
    CUSTOMER_ID,
    Column,
    Sensitivity,
    Table,
    Type,
    month_end_table,
)
from portrait_assets.stages.features.contract import EMPTY_ROWS, PROFILING_ALLOWED
from portrait_assets.stages.features.declared.feature import Element
from portrait_assets.stages.raw.tables.persons import PURPOSES
from portrait_assets.stages.tags.catalogue.inputs.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Kind, OnMissing, Shape, Status

OUTCOMES = ("purchased", "responded")
"""Outcomes of the month after, by which lift is measured; see `lift.outcomes_sql`."""

_text = required(text)

_TAG_CODE = _text("tag_code", "Code of the tag", "标签编码")
_TAG_VERSION = integer("tag_version", "Version of the tag", "标签版本", nullable=False, minimum=1)


_TAG_NO = counter(
    "tag_no", "Number of the tag within the month, by tag_code from 1", "当月标签序号"
)


def _all(kinds: type[Element | Kind | Shape | OnMissing | Status | Sensitivity]) -> tuple[str, ...]:
    return tuple(str(kind) for kind in kinds)


TAG_CATALOGUE = month_end_table(
    schema="tags",
    name="tag_catalogue",
    en="Tag catalogue: every version of every tag as it stood for the month",
    zh="标签目录",
    operation=DECLARED,
    columns=(
        _TAG_CODE,
        _TAG_NO,
        _TAG_VERSION,
        flag("in_force", "This version decides the month", "当月生效", nullable=False),
        _text("status", "Status", "状态", allowed=_all(Status)),
        _text("effective_from", "First month in which it holds; null: always", "生效月份", True),
        _text("retired_from", "First month in which it no longer holds", "下线月份", True),
        _text("name_en", "Name in English", "英文名"),
        _text("name_zh", "Name in Chinese", "中文名"),
        _text("description_en", "What it says and what for", "英文说明"),
        _text("description_zh", "What it says and what for, in Chinese", "中文说明"),
        _text("element", "Element of the portrait", "画像要素", allowed=_all(Element)),
        _text("category_1", "Category, level 1", "一级类目"),
        _text("category_2", "Category, level 2", "二级类目"),
        _text("category_3", "Category, level 3", "三级类目"),
        _text("category_zh", "The three levels in Chinese", "中文类目"),
        _text("kind", "Kind of tag", "标签类型", allowed=_all(Kind)),
        _text("target", "Outcome that it stands for; null: none", "预测目标", True),
        _text("purpose", "What it is computed for", "处理目的", True, allowed=PURPOSES),
        _text("shape", "One value, many, or open", "取值方式", allowed=_all(Shape)),
        _text("type", "DuckDB type of its column in portrait_matrix", "字段类型"),
        texts("tag_values", "Values in the order of their rules", "取值"),
        texts("value_names_en", "Names of the values in English", "取值英文名"),
        texts("value_names_zh", "Names of the values in Chinese", "取值中文名"),
        _text("rules", "Rules as written, one value a line", "规则"),
        flag(
            "is_by_rank",
            "Shares of its values are set by its rules, which rank customers (rank_share): they "
            "say nothing of how customers differ, and do not change",
            "取值占比由规则按排名设定，不反映客户差异，也不随时间变化",
        ),
        texts("inputs", "Features and tags that the rules read", "输入"),
        texts("needs", "What the features need that it reads, of the source", "所需数据"),
        texts(
            "lacks",
            "What of it the source does not give, so that nobody has a value; null where it does",
            "缺少的数据",
        ),
        _text(
            "basis",
            "Whether the predictions that it rests on are of models, or of baselines in their "
            "place; null where it rests on none",
            "所依据预测的来源（模型、基准规则或兼有）",
            True,
            allowed=("model", "baseline", "both"),
        ),
        texts(
            "model_versions",
            "By target the version of what predicts, and the method of values",
            "所依据预测的模型版本",
        ),
        _text("owner", "Who answers for it", "负责方"),
        _text("sensitivity", "Sensitivity class", "敏感级别", allowed=_all(Sensitivity)),
        _text(
            "lowered_by",
            "Operation that lowers the class below that of its inputs; null: none",
            "降低敏感级别的运算",
            True,
        ),
        Column("valid_months", Type.INTEGER, "How long a value holds", "有效期", False, "months"),
        _text("on_missing", "What a missing input does", "缺失处理", allowed=_all(OnMissing)),
        _text("definition_hash", "Changes when the rules do", "定义指纹"),
        _text("change", "What differs from the version before", "版本差异", True),
        _text("approved_by", "Who approved the version", "审批人", True),
        _text("approval_reason", "Why", "审批理由", True),
    ),
    key=("as_of", "tag_code", "tag_version"),
)

CUSTOMER_NO = counter(
    "customer_no",
    "Number of the customer within the month, by customer_id from 1",
    "当月客户序号",
    numbers="tags.portrait_matrix",
    operation=ROWS,
)
_HELD = (
    _text("tag_value", "Value; numbers and dates as text", "标签值"),
    share(
        "confidence",
        "How sure the value is",
        "置信度",
        nullable=False,
        unit="0 to 1",
        operation=CONFIDENCE,
    ),
    replace(_TAG_VERSION, operation=DECLARED),
    day(
        "decided_as_of",
        "Month end whose inputs decided the value; earlier than as_of for a value kept",
        "判定截止日",
        nullable=False,
        operation=CONFIDENCE,
    ),
)

ROW_COLUMNS = {column.name: column for column in _HELD}
"""The columns of the tag table beside customer and tag, by name."""


def tag_table_as(stored_as: Table, view_sql: str, level: Sensitivity) -> Table:
    """The contract of the tag table, a view over `stored_as`; see `tag_table.tag_table`.

    Its values are of the class `level`, the highest of the tags.
    """
    value, *details = _HELD
    return month_end_table(
        schema="tags",
        name="tag_table",
        en="Tag table: one row per customer, tag and value",
        zh="标签表",
        columns=(
            CUSTOMER_ID,
            replace(_TAG_CODE, operation=DECLARED),
            replace(value, sensitivity=level),
            *details,
        ),
        key=("as_of", "customer_id", "tag_code", "tag_value"),
        stored_as=stored_as,
        view_sql=view_sql,
    )


def _share(name: str, en: str, zh: str, maximum: float | None = 1) -> Column:
    return number(name, en, zh, unit="share", minimum=0, maximum=maximum)


_count = partial(count, unit="customers")


TAG_QUALITY = month_end_table(
    schema="tags",
    name="tag_quality",
    en="Quality card of every active tag",
    zh="标签质量",
    operation=SHARE,
    columns=(
        _TAG_CODE,
        _TAG_VERSION,
        _count("customers", "Customers of the month", "客户数"),
        _share("coverage", "Customers who hold the tag / all", "覆盖率"),
        count("distinct_values", "Values held", "取值数"),
        _text("top_value", "Most frequent value", "最常见取值", True),
        _share("top_share", "Its customers / those who hold the tag", "最常见取值占比"),
        _text("distribution", "Ten most frequent values with their shares", "取值分布", True),
        number("psi", "Population stability index, month before", "群体稳定性（PSI）"),
        _share("ks", "Kolmogorov-Smirnov distance to the month before; numbers only", "KS距离"),
        _share("share_changed", "Holders of both months whose value changed; no numbers", "变动率"),
        number("age_months", "Mean age of the values", "平均时效", unit="months"),
        _text("overlap_tag", "Tag that says the most similar thing", "最相近标签", True),
        _share("overlap", "Mutual information with it / the larger entropy", "重合度"),
        _text("lift_outcome", "What followed in the month", "后续结果", True, allowed=OUTCOMES),
        _text(
            "lift_value",
            "Value of the month before with the most significant lift",
            "提升取值",
            True,
        ),
        _share("lift", "Outcome rate of its holders / that of the base", "提升度", None),
        _share(
            "lift_low",
            "Lower end of the lift, 95 % for all values of the tag together",
            "提升度下限",
            None,
        ),
        _share(
            "lift_high",
            "Upper end of the lift, 95 % for all values of the tag together",
            "提升度上限",
            None,
        ),
        _text("recommendation", "Advice", "建议", allowed=("keep", "review", "retire")),
        _text("reason_en", "Why", "英文理由"),
        _text("reason_zh", "Why, in Chinese", "理由"),
    ),
    key=("as_of", "tag_code"),
    resting=Resting.ENOUGH,
)

AUDIENCE_MEMBERSHIP = month_end_table(
    schema="tags",
    name="audience_membership",
    en="Members of the saved audiences, and those who left since the month before",
    zh="人群成员",
    columns=(
        _text("audience_code", "Code of the audience", "人群编码", operation=DECLARED),
        CUSTOMER_ID,
        # Who is a member of an audience by age has that age.
        _text(
            "change",
            "Since the month before",
            "较上月",
            allowed=("entered", "stayed", "left"),
            sensitivity=Sensitivity.C2,
        ),
        flag(
            "is_member",
            "Belongs to the audience this month",
            "是否成员",
            nullable=False,
            sensitivity=Sensitivity.C2,
        ),
    ),
    key=("as_of", "audience_code", "customer_id"),
)


def portrait_matrix_table(catalogue: Catalogue) -> Table:
    """The portrait matrix for this catalogue: one column per tag that is or was active.

    A retired tag keeps its column, null from then on, so that past months stay readable. What
    months hold of a tag that the catalogue no longer has stays in the warehouse and is not read.
    """
    segment = tuple(
        replace(c, operation=SEGMENT) for c in SEGMENT_COLUMNS if c.name != "segment_confidence"
    )
    return month_end_table(
        schema="tags",
        name="portrait_matrix",
        en="Portrait matrix: one row per customer, one column per tag",
        zh="客户画像矩阵",
        columns=(
            CUSTOMER_ID,
            CUSTOMER_NO,
            PROFILING_ALLOWED,
            *segment,
            *catalogue.matrix_columns,
        ),
        key=("as_of", "customer_id"),
        published_as_enums=True,
        keeps_former_columns=True,
        empty_rows=EMPTY_ROWS,
    )
