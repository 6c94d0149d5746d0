"""What is known of products by a month."""

from __future__ import annotations

from portrait_assets.warehouse.connection import literal


def latest_products(month: str) -> str:
    """What is known of each product by the month."""
    return (
        "SELECT product_id, category, brand, is_own_label, introduced_on, withdrawn_on, "
        f"risk_grade FROM cleaned.products WHERE month <= {literal(month)} "
        "QUALIFY row_number() OVER "
        "(PARTITION BY product_id ORDER BY month DESC, source_row DESC) = 1"
    )
