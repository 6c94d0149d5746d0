"""What is known of products by a month."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from portrait_assets.storage.duckdb.connection import literal


class Products:
    """The temporary table `product` month by month, made anew only where more has been told.

    Most sources tell all of their products at once: nothing changes after that.

    Args:
        con: the connection that has it.
        told: rows of `cleaned.products` by month.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, told: Mapping[str, int]) -> None:
        self.con = con
        self._told = [month for month, rows in told.items() if rows]
        self._newest: str | None = None

    def know(self, month: str) -> None:
        """Make the table be what is known by the month."""
        newest = max((each for each in self._told if each <= month), default="")
        if newest != self._newest:
            know_products(self.con, month)
            self._newest = newest


def know_products(con: duckdb.DuckDBPyConnection, month: str) -> None:
    """Make the temporary table `product`: what is known of each product by the month.

    A later row about a product replaces the earlier one. `choice_id` numbers its category and
    brand and is null where neither is known.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE product AS
        SELECT product_id, category, brand, is_own_label, introduced_on, withdrawn_on, risk_grade,
            {choice_id("category", "brand")} AS choice_id
        FROM cleaned.products WHERE month <= {literal(month)} QUALIFY row_number() OVER
            (PARTITION BY product_id ORDER BY month DESC, source_row DESC) = 1
        """
    )


def choice_id(category: str, brand: str) -> str:
    """A number for a category and a brand, the same in every month and version of DuckDB."""
    text = f"concat(coalesce({category}, chr(1)), chr(0), coalesce({brand}, chr(1)))"
    return (
        f"CASE WHEN {category} IS NOT NULL OR {brand} IS NOT NULL "
        f"THEN CAST(md5_number_lower({text}) >> 1 AS BIGINT) END"
    )
