"""A published file made of a few frames instead of a run: thirty customers in three segments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.table import PartitionBy, Table, Type
from portrait_assets.stages.features.described.catalogue import catalogue_rows as feature_rows
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.views import NEWEST_MONTH_VIEW
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.publishing.file import publish
from portrait_assets.storage.steps import Scope
from portrait_assets_tests.mart import small_models

MARCH, APRIL = date(2024, 3, 31), date(2024, 4, 30)
Row = dict[str, Any]
DEFAULTS: dict[Type, object] = {
    Type.TEXT: "text",
    Type.TEXTS: [],
    Type.BOOLEAN: True,
    Type.DATE: MARCH,
}
"""What a column that may not be null holds where a row leaves it out; 0 for numbers."""
SEGMENTS = {1: ("Regulars", "常客", 15), 2: ("Big baskets", "大篮", 12), 3: ("Few", "少数", 3)}
CUSTOMERS = [
    (f"K{segment}{n:02d}", segment)
    for segment, (_, _, size) in SEGMENTS.items()
    for n in range(size)
]


def rows() -> dict[str, list[Row]]:
    """By table, the rows of the file; all are of April unless they say otherwise."""
    return {
        "tags.portrait_matrix": _matrix(),
        "features.feature_matrix": [
            {
                "customer_id": who,
                "spend_12m": (100, 400, 50)[segment - 1],
                "purchases_12m": 4 * segment,
                "recency_days": 10 * segment,
                "tenure_days": 300,
                "top_category": "tea",
                "contacts_12m": 2,
                "responses_12m": segment - 1,
            }
            for who, segment in CUSTOMERS
        ],
        "clusters.cluster_assignment": [
            {"customer_id": who, "segment_id": segment} for who, segment in CUSTOMERS
        ],
        "clusters.cluster_segment": [
            {
                "segment_id": segment,
                "name_en": en,
                "name_zh": zh,
                "customers": size,
                "share": size / 30,
                "value_share": (0.2375, 0.7375, 0.025)[segment - 1],
                "status": "kept",
                "rule": "spend_12m >= 250" if segment == 2 else None,
                "rule_recall": 0.93,
                "rule_precision": 0.88,
            }
            for segment, (en, zh, size) in SEGMENTS.items()
        ],
        "clusters.cluster_profile": [
            {
                "segment_id": segment,
                "element": "symbol",
                "feature": "spend_12m",
                "std_difference": difference,
            }
            for segment, difference in ((1, -0.84), (2, 1.37), (3, -1.2))
        ],
        "clusters.cluster_typical": [
            {"segment_id": 1, "position": 1, "customer_id": "K100"},
        ],
        "clusters.cluster_decision": [
            {
                "nature": "separate",
                "winner": "champion",
                "statement_en": "Three segments stand apart.",
                "statement_zh": "三个客群彼此分离。",
            }
        ],
        **_evidence(),
        **_quality(),
        **small_models.models([who for who, _ in CUSTOMERS]),
        **small_models.values([who for who, _ in CUSTOMERS]),
        **small_models.cards(),
        **small_models.stages(),
    }


def _matrix() -> list[Row]:
    return [
        {
            "as_of": as_of,
            "customer_id": who,
            "customer_no": number,
            "segment_id": segment,
            "lifecycle_stage": "introduction" if as_of == MARCH else "growth",
            "value_tier": "high" if segment == 2 else "low",
            "gender_recorded": "F" if segment == 1 else "M",
        }
        for as_of in (MARCH, APRIL)
        for number, (who, segment) in enumerate(CUSTOMERS, 1)
    ]


def _evidence() -> dict[str, list[Row]]:
    backtest = {
        "test": "lapse_risk / silence",
        "tag_code": "lapse_risk",
        "outcome": "silence",
        "horizon_months": 1,
    }
    bucket = {"horizon_months": 1, "customers": 10, "low": 0.1, "high": 0.6}
    return {
        "validation.backtest": [
            backtest
            | {
                "metric": metric,
                "customers": 30,
                "hits": 12,
                "value": value,
                "low": value - 0.1,
                "high": value + 0.1,
                "baseline_value": 0.61,
                "gain_low": 0.021,
                "gain_high": 0.187,
                "verdict": "pass",
            }
            for metric, value in (("auc", 0.734), ("lift of the top tenth", 2.345))
        ],
        "validation.fairness": [
            {
                "tag_code": "value_tier",
                "tag_value": "high",
                "attribute": "gender",
                "level": level,
                "measure": "selection rate",
                "customers": 15,
                "selected": selected,
                "rate": selected / 15,
                "rest_rate": rest / 15,
                "difference": (selected - rest) / 15,
                "low": (selected - rest) / 15 - 0.1,
                "high": (selected - rest) / 15 + 0.1,
                "ratio": selected / max(rest, 1),
                "verdict": verdict,
            }
            for level, selected, rest, verdict in (
                ("M", 12, 3, "differs"),
                ("F", 7, 8, "parity"),
            )
        ]
        + small_models.fairness(),
        "validation.backtest_bucket": [
            bucket
            | {
                "test": test,
                "bucket": name,
                "position": place,
                "hits": place,
                "rate": place / 10,
                "predicted": 0.1 * place,
                "gain": place / 3,
            }
            for test, names in (
                ("lapse_risk / silence", ("high", "medium", "low")),
                ("campaign_response / response", ("active", "passive")),
                ("purchase_probability_30d / purchase", ("0.1", "0.2")),
                ("segment_id / silence", ("1", "2")),
            )
            for place, name in enumerate(names, 1)
        ],
        "validation.drift": [
            {
                "kind": "feature",
                "subject": "spend_12m",
                "against": "month before",
                "psi": 0.31,
                "psi_p95": 0.08,
                "verdict": "fail",
            },
            small_models.DRIFT,
        ],
        "validation.migration": [
            {"dimension": dimension, "value_before": before, "value_after": after, "customers": n}
            for dimension, before, after, n in (
                ("segment", "1", "2", 11),
                ("segment", None, "1", 19),
                ("lifecycle_stage", "introduction", "growth", 30),
                ("value_tier", "low", "high", 12),
            )
        ],
        "validation.tag_proposal": [
            {
                "tag_code": "value_tier",
                "tag_version": 1,
                "draft_version": 2,
                "rule_before": "spend_12m >= 1000",
                "rule_after": "spend_12m >= 250",
                "auc_before": 0.512,
                "auc_after": 0.688,
                "customers_changing": 12,
                "draft": "- code: value_tier\n",
            }
        ],
        "validation.validation_report": [
            {
                "area": area,
                "subject": subject,
                "metric": metric,
                "value": value,
                "verdict": verdict,
                "advice_en": f"What to do about {metric}.",
                "advice_zh": f"关于{metric}的建议。",
            }
            for area, subject, metric, value, verdict in (
                ("drift", "feature spend_12m", "PSI", 0.31, "fail"),
                ("clusters", "2 Big baskets", "stability", 0.55, "warn"),
                ("tags", "tag value_tier", "coverage", 1, "pass"),
                ("backtest", "lapse_risk / silence", "AUC", None, "not judged"),
                ("predictions", "model silence", "calibration", 1.4, "warn"),
            )
        ],
    }


def _quality() -> dict[str, list[Row]]:
    received = {"rows_received": 1_234, "rows_in_file": 1_300, "rows_placed": 1_234}
    return {
        "raw.receipts": [
            received | {"table_name": "transactions", "rows_unplaced": 66},
            received | {"table_name": "contacts", "rows_unplaced": 0},
            {"table_name": "market", "is_provided": False},
        ],
        "cleaned.rejects": [
            {"table_name": "transactions", "column_name": "amount", "rule": "not a number",
             "severity": "value", "source_row": n}
            for n in range(7)
        ],
        "validation.uniqueness": [
            {"as_of": MARCH, "quasi_identifiers": ["age"], "k": 10, "customers": 28,
             "combinations": 3, "unique_customers": 1, "customers_below_k": 4},
            {"quasi_identifiers": ["age", "region"], "k": 10, "customers": 30,
             "combinations": 9, "unique_customers": 6, "customers_below_k": 21},
        ],
        "validation.check_results": [
            {"table_name": "tags.tag_table", "check_name": "one_value_per_tag", "severity": "ERROR",
             "passed": False, "detail": "2 customers have two"},
        ],
        "tags.tag_quality": [
            {"tag_code": "rfm_class", "tag_version": 1, "coverage": 0.456,
             "recommendation": "retire", "reason_en": "Nobody asks for it.", 
             "reason_zh": "无人使用。"},
        ],
    }  # fmt: skip


def write_small_file(folder: Path, late: Sequence[Row] = ()) -> Path:
    """Publish the rows into a new file; gives its path.

    Args:
        folder: where it goes.
        late: rows of `cleaned.completeness`.
    """
    catalogue = source_catalogue(PACKAGED_SOURCES / "corner_shop")
    context = context_of(Settings(data_dir=PACKAGED_SOURCES.parent, source="corner_shop"))
    tables = [*context.tables, CHECK_RESULTS]
    contracts = {table.full_name: table for table in tables}
    target = folder / "portrait.duckdb"
    warehouse = Warehouse(folder / "warehouse.duckdb", "corner_shop", "run-1")
    try:
        for name, given in rows().items():
            _write(warehouse, contracts[name], given)
        listed = pl.concat([catalogue_rows(catalogue, day) for day in (MARCH, APRIL)])
        _write(warehouse, contracts["tags.tag_catalogue"], listed.to_dicts())
        features = feature_rows(Scope("2024-04"))
        _write(warehouse, contracts["features.feature_catalogue"], features.to_dicts())
        _write(warehouse, contracts["cleaned.completeness"], late)
        publish(warehouse, tables, [NEWEST_MONTH_VIEW], target, "corner_shop")
    finally:
        warehouse.close()
    return target


def _write(warehouse: Warehouse, table: Table, rows: Sequence[Row]) -> None:
    by_month = table.partition_by is PartitionBy.MONTH
    april: Row = {"month": "2024-04"} if by_month else {"as_of": APRIL}
    defaults = {
        column.name: None if column.nullable else DEFAULTS.get(column.type, 0)
        for column in table.all_columns
    }
    frame = pl.DataFrame(
        [defaults | april | row for row in rows], schema=table.polars_schema, strict=False
    )
    months = ["2024-04"] if by_month else sorted({f"{day:%Y-%m}" for day in frame["as_of"]})
    warehouse.write(table, months, frame)
