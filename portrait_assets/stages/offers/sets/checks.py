"""Checks of product sets: what they offer suits, and their rules are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.offers.next_product.checks import ALL_SUIT
from portrait_assets.stages.offers.sets.contract import PRODUCT_SET, SET_OFFER
from portrait_assets.stages.offers.sets.declared import ProductSet
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.partitions import select_sql


def _newest_grades(subject: Subject) -> pl.DataFrame:
    """`product_id` and `risk_grade` by the newest row up to the month, where one was ever known."""
    warehouse, products = subject.warehouse, CLEANED["products"]
    months = [month for month in warehouse.materialized(products) if month <= subject.month]
    known = select_sql(products, months)
    return warehouse.select(
        f"SELECT product_id, risk_grade FROM ({known}) WHERE product_id IN "
        f"(SELECT product_id FROM ({known}) WHERE risk_grade IS NOT NULL) "
        "QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY month DESC) = 1"
    )


def _within_grade(subject: Subject) -> Finding:
    """No product of a set has a risk grade above the highest of the set, or none that is known."""
    grades = _newest_grades(subject)
    limited = subject.rows.drop_nulls("highest_grade").join(grades, on="product_id", how="left")
    written = pl.col("risk_grade").str.strip_chars().str.to_uppercase().str.strip_prefix("R")
    wrong = limited.filter(
        ~(written <= pl.col("highest_grade").str.strip_prefix("R")).fill_null(False)
    )
    named = ", ".join(sorted(set(wrong["set_code"])))
    return Finding(
        wrong.height, f"{limited.height} products" + (f"; not: {named}" if named else "")
    )


def sets_checks(sets: Sequence[ProductSet]) -> Mapping[Table, Sequence[TableCheck]]:
    """The checks of the tables of these sets."""

    def has_products(subject: Subject) -> Finding:
        if _newest_grades(subject)["risk_grade"].is_null().all():
            return Finding(0, "no product has a grade")
        empty = [each.code for each in sets if each.code not in set(subject.rows["set_code"])]
        return Finding(
            len(empty),
            f"{len(sets)} sets" + (f"; without a product: {', '.join(empty)}" if empty else ""),
        )

    return {
        PRODUCT_SET: (
            WITHIN_GRADE,
            TableCheck(
                "every_set_has_products",
                has_products,
                "Every product set has a product that is on sale.",
                severity=WARN,
            ),
        ),
        SET_OFFER: (ALL_SUIT,),
    }


WITHIN_GRADE = TableCheck("within_highest_grade", _within_grade, blocking=True)
