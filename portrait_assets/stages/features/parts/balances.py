"""What customers hold and owe: the last month with balances within three months, and the window."""

from __future__ import annotations

from portrait_assets.stages.features import aggregates
from portrait_assets.stages.features.contract import CUSTOMER_BALANCE_MONTH
from portrait_assets.stages.features.persons import added_up
from portrait_assets.stages.features.window import WINDOW_MONTHS
from portrait_assets.storage.steps import EVER, Step, window

EVER_HELD = added_up(
    CUSTOMER_BALANCE_MONTH,
    aggregates.CUSTOMER_BALANCE_MONTH,
    EVER,
    "customer_balance_month_ever",
)
_LATEST = ("accounts", "products", "balance", "owed", "credit_limit", "days_past_due")
HELD = Step(
    "held",
    (added_up(CUSTOMER_BALANCE_MONTH, aggregates.CUSTOMER_BALANCE_MONTH, window(WINDOW_MONTHS)),),
    f"""
    SELECT customer_id, {", ".join(f"arg_max({name}, place) AS {name}" for name in _LATEST)},
        sum(balance) AS balance_months, count(*) AS months,
        sum(CASE WHEN ago < 3 THEN balance END) AS balance_3m, count(place) AS months_3m,
        sum(CASE WHEN ago BETWEEN 3 AND 5 THEN balance END) AS balance_before,
        count(CASE WHEN ago BETWEEN 3 AND 5 THEN 1 END) AS months_before,
        count(CASE WHEN days_past_due > 0 THEN 1 END) AS months_past_due,
        sum(graded_accounts) AS graded_accounts, sum(graded_balance) AS graded_balance,
        sum(risk_points) AS risk_points
    FROM (SELECT *, CASE WHEN ago < 3 THEN -ago END AS place FROM customer_balance_month)
    GROUP BY customer_id
    """,
)
