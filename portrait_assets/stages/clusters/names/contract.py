"""The tables of names: which words each segment's name consists of, and what became of segments."""

from __future__ import annotations

from portrait_assets.schema.columns import day, flag, integer, number, required, share, text, texts
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import SHARE
from portrait_assets.schema.table import month_end_table

EVENTS = ("new", "renamed", "split", "merged", "gone")
FREE, WEALTH = "free", "wealth"
"""The divisions whose segments have events: the free choice, and wealth segments."""

_SEGMENT_ID = integer("segment_id", "Segment", "客群编号", nullable=False, minimum=1)
_text = required(text)

SEGMENT_NAME = month_end_table(
    schema="clusters",
    name="segment_name",
    en="The words of each segment's derived name, what each claims, and of how many it is true",
    zh="客群命名依据",
    operation=SHARE,
    columns=(
        _SEGMENT_ID,
        integer("position", "Order in the name", "次序", nullable=False, minimum=1),
        _text("theme", "What the word is about; a name has one word of each", "主题"),
        _text("en", "Word in English", "英文词"),
        _text("zh", "Word in Chinese", "中文词"),
        text("feature", "Feature that the word is about; null for a word of everyone", "特征"),
        text("level", "Value that the feature has", "取值"),
        flag("is_high", "Whether the feature is high rather than low", "是否偏高", nullable=False),
        number(
            "threshold",
            "Least (or most) value for which the word is true; null: the median of all customers",
            "成立界限（空为全体中位数）",
        ),
        required(share)(
            "true_share",
            "Share of the segment's customers of whom the word is true",
            "成立客户占比",
        ),
        day("named_on", "Month's end since which the name holds", "命名日期", nullable=False),
        number(
            "distance",
            "How far the profile has moved since then, in standard deviations of all customers",
            "命名以来画像位移（标准差）",
            minimum=0,
        ),
    ),
    key=("as_of", "segment_id", "position"),
    resting=Resting.ENOUGH,
)

SEGMENT_EVENT = month_end_table(
    schema="clusters",
    name="segment_event",
    en="What became of segments and their names since the month before, and why",
    zh="客群变更事件",
    operation=SHARE,
    columns=(
        text(
            "division",
            "Whose segment it is: of the free choice, which null means in older months, or wealth",
            "客群体系（free 自选、wealth 财富）",
            allowed=(FREE, WEALTH),
        ),
        _SEGMENT_ID,
        _text("event", "What became of it", "事件", allowed=EVENTS),
        texts("from_segments", "Segments of the month before that it is made of", "来源客群"),
        text("name_before_en", "Name in the month before", "上月英文名"),
        text("name_before_zh", "Name in the month before, in Chinese", "上月中文名"),
        text("name_en", "Name now; null for one that is gone", "英文名"),
        text("name_zh", "Name now in Chinese", "中文名"),
        number(
            "distance",
            "How far the profile moved since it was named; null where it has not been named anew",
            "画像位移（标准差）",
            minimum=0,
        ),
        _text("reason_en", "Why, in a sentence", "英文原因"),
        _text("reason_zh", "Why, in a sentence in Chinese", "中文原因"),
    ),
    key=("as_of", "division", "segment_id"),
    resting=Resting.NOBODY,
)
