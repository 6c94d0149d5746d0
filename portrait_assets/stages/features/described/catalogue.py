"""The feature catalogue: what each column of the feature matrix means, as rows that can be read."""

from __future__ import annotations

import polars as pl

from portrait_assets.schema.columns import integer, required, text, texts
from portrait_assets.schema.sensitivity import DECLARED
from portrait_assets.schema.table import Sensitivity, month_end_table
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES
from portrait_assets.stages.features.declared.feature import Element
from portrait_assets.stages.features.declared.needs import need_name
from portrait_assets.storage.steps import Grain, Scope, Step

_text = required(text)

FEATURE_CATALOGUE = month_end_table(
    schema="features",
    name="feature_catalogue",
    en="Feature catalogue: what each column of the feature matrix means",
    zh="特征目录",
    operation=DECLARED,
    columns=(
        _text("feature", "Column of the feature matrix", "特征"),
        _text("element", "Element of the portrait", "画像要素", allowed=tuple(Element)),
        _text("name_en", "Name in English", "英文名称"),
        _text("name_zh", "Name in Chinese", "中文名称"),
        _text("formula", "How it is computed", "计算口径"),
        _text("unit", "Unit", "单位", nullable=True),
        integer(
            "window_months",
            "How far it looks back from as_of; null for all history",
            "观察窗口",
            unit="months",
            minimum=1,
        ),
        _text("evidence", "Feature that counts the observations behind it", "证据数特征", True),
        _text("null_means", "What a missing value means; null where none is", "缺失含义", True),
        texts(
            "needs",
            "What the source has to give: cleaned tables, their columns, and what these hold",
            "所需数据",
            nullable=False,
        ),
        _text(
            "sensitivity",
            "Sensitivity class (JR/T 0171-2020)",
            "敏感级别",
            allowed=tuple(Sensitivity),
        ),
        _text(
            "lowered_by",
            "Operation that lowers the class below that of its inputs; null for none",
            "降低敏感级别的运算",
            nullable=True,
        ),
    ),
    key=("as_of", "feature"),
)


def catalogue_rows(scope: Scope) -> pl.DataFrame:
    """The catalogue in the month, a row per feature in the order of the matrix."""
    rows = [
        {
            "as_of": scope.as_of,
            "feature": feature.name,
            "element": str(feature.element),
            "name_en": feature.en,
            "name_zh": feature.zh,
            "formula": feature.formula,
            "unit": feature.unit,
            "window_months": feature.window_months,
            "evidence": feature.evidence,
            "null_means": feature.meaning_of_null,
            "needs": [need_name(need) for need in feature.needs],
            "sensitivity": str(FEATURE_MATRIX.column(feature.name).sensitivity),
            "lowered_by": feature.operation.name if feature.operation else None,
        }
        for feature in FEATURES
    ]
    return pl.DataFrame(rows, schema=FEATURE_CATALOGUE.polars_schema)


CATALOGUE = Step(
    "feature_catalogue",
    (),
    compute=catalogue_rows,
    grain=Grain.ALL,
    writes=FEATURE_CATALOGUE,
)
