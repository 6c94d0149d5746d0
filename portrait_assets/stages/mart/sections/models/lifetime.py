"""What customers are worth in the months ahead, by which method, and how far off that was."""

from __future__ import annotations

from typing import Any

from portrait_assets.stages.mart.charts import models as charts
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.words import METHODS
from portrait_assets.storage.published import Published, Row, Section

TENTHS = 10


def methods(published: Published) -> list[Row]:
    """The methods beside one another, the chosen one first, each with its names."""
    rows = published.newest(
        "predictions.value_model", "status = 'chosen' DESC, mean_absolute_error NULLS LAST, method"
    )
    return [
        row | dict(zip(("en", "zh"), METHODS.get(row["method"], (row["method"],) * 2), strict=True))
        for row in rows
    ]


def totals(published: Published) -> Row | None:
    """What is expected of all customers together; None where too few are valued."""
    if published.as_of is None:
        return None
    rows = published.rows(
        "predictions.customer_value",
        "SELECT count(*) AS customers, any_value(horizon) AS horizon, sum(expected_spend) AS spend,"
        " sum(expected_purchases::DECIMAL(18, 6)) AS purchases, avg(p_alive::DECIMAL(18, 6)) "
        "AS p_alive FROM {table} WHERE as_of = ?",
        [published.as_of],
    )
    return rows[0] if rows and rows[0]["customers"] >= max(published.smallest, 1) else None


def by_tenth(published: Published) -> list[Row]:
    """The share of all expected spend by tenth of the customers, those of most value first."""
    if published.as_of is None:
        return []
    rows = published.rows(
        "predictions.customer_value",
        "SELECT place, count(*) AS n, sum(expected_spend) AS spend FROM (SELECT expected_spend, "
        f"ntile({TENTHS}) OVER (ORDER BY expected_spend DESC, customer_id) AS place "
        "FROM {table} WHERE as_of = ? AND expected_spend IS NOT NULL) GROUP BY 1 ORDER BY 1",
        [published.as_of],
    )
    everything = float(sum(row["spend"] or 0 for row in rows))
    if everything <= 0 or min(row["n"] for row in rows) < published.smallest:
        return []
    return [{"tenth": row["place"], "share": float(row["spend"]) / everything} for row in rows]


def _charts(published: Published) -> dict[str, str]:
    drawn = {}
    judged = [row for row in published.of(methods) if row["total_bias"] is not None]
    if judged:
        drawn["total_bias"] = charts.biases(judged)
    if rows := published.of(by_tenth):
        drawn["value_by_tenth"] = charts.value_by_tenth(rows)
    return drawn


def _show(published: Published) -> dict[str, Any]:
    return {
        "methods": published.of(methods),
        "total": published.of(totals),
        "contracts": published.newest("predictions.contract_model", "category"),
        "charts": lambda: _charts(published),
    }


LIFETIME = Section("lifetime", "Lifetime value", "客户终身价值", TEMPLATES / "lifetime.html", _show)
