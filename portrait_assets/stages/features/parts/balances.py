"""What customers hold and owe: the last month with balances within three months, and the window."""

from __future__ import annotations

from portrait_assets.stages.features.contract import CUSTOMER_BALANCE_MONTH
from portrait_assets.stages.features.declared.credit import (
    CONDUCT_MONTHS,
    LATE_STAGES,
    USE_BANDS,
)
from portrait_assets.stages.features.declared.expressions import ratio
from portrait_assets.stages.features.declared.lately import DEMAND_LATELY
from portrait_assets.stages.features.monthly import aggregates
from portrait_assets.stages.features.persons import added_up
from portrait_assets.stages.features.window import WINDOW_MONTHS
from portrait_assets.storage.steps import EVER, Step, window

EVER_HELD = added_up(
    CUSTOMER_BALANCE_MONTH,
    aggregates.CUSTOMER_BALANCE_MONTH,
    EVER,
    "customer_balance_month_ever",
)
_LATEST = (
    *("accounts", "products", "balance", "owed", "credit_limit", "days_past_due"),
    *("highest_utilisation", "balance_at_risk"),
)
_MONTHS_COMPARED = ", ".join(
    f"sum({name}) FILTER (ago = {ago}) AS {name}_{ago}"
    for name in ("balance", "balance_at_risk")
    for ago in (0, 1)
)
_DEMAND_LATELY = ", ".join(
    f"sum(demand_balance) FILTER (ago < {months}) AS demand_balance_{months}m, "
    f"count(demand_balance) FILTER (ago < {months}) AS demand_months_{months}m"
    for months in DEMAND_LATELY
)
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
        sum(risk_points) AS risk_points, sum(balance_at_risk) AS balance_at_risk_months,
        sum(demand_balance) AS demand_balance, count(demand_balance) AS demand_months,
        {_DEMAND_LATELY}, {_MONTHS_COMPARED}
    FROM (
        SELECT *, CASE WHEN ago < 3 THEN -ago END AS place,
            risk_points - graded_balance AS balance_at_risk
        FROM customer_balance_month
    )
    GROUP BY customer_id
    """,
)

_CREDIT_MONTHS = added_up(
    CUSTOMER_BALANCE_MONTH,
    aggregates.CUSTOMER_BALANCE_MONTH,
    window(CONDUCT_MONTHS),
    "credit_month",
)


def _used(name: str, months: str) -> str:
    """SQL of what was owed of the limits in some months, and of these limits."""
    return (
        f"sum(owed) FILTER (credit_limit > 0 AND {months}) AS owed_{name}, "
        f"sum(credit_limit) FILTER (credit_limit > 0 AND {months}) AS limits_{name}"
    )


_REVOLVING = ", ".join(
    f"sum(revolving_{name}) FILTER (revolving_limit > 0 AND ago < 12) AS revolving_{name}_12m"
    for name in ("owed", "limit")
)
_USE = ratio("greatest(revolving_owed_12m, 0)", "revolving_limit_12m")
_BAND = (
    f"CASE WHEN revolving_limit_12m > 0 THEN least(CAST(floor({USE_BANDS} * {_USE}) AS INTEGER), "
    f"{USE_BANDS - 1}) ELSE {USE_BANDS} END"
)
# Months as bits, the month itself being the lowest: an earlier month is a higher bit.
_BIT = "1 << CAST(ago AS INTEGER)"
_LATE_BY_STAGE = ", ".join(
    f"coalesce(bit_or({_BIT}) FILTER ({stage.holds('days_past_due')}), 0) AS late_{at}"
    for at, stage in enumerate(LATE_STAGES)
)
_FOLLOWED = ", ".join(
    f"bit_count(late_{at} & (known << 1)) AS followed_{at}, "
    f"bit_count(late_{at} & (late << 1)) AS stayed_{at}"
    for at in range(len(LATE_STAGES))
)
CONDUCT = Step(
    "conduct",
    (_CREDIT_MONTHS,),
    f"""
    SELECT *, bit_count(known) AS months, bit_count(late & ~(late >> 1)) AS spells,
        bit_count(known & ~(late >> 1)) AS on_time, {_BAND} AS use_band, {_FOLLOWED}
    FROM (
        SELECT customer_id, {_used("12m", "ago < 12")}, {_used("3m", "ago < 3")},
            {_used("before", "ago BETWEEN 3 AND 5")}, {_REVOLVING}, {_LATE_BY_STAGE},
            max(days_past_due) AS worst, min(ago) FILTER (days_past_due > 0) AS since,
            bit_or({_BIT}) FILTER (days_past_due IS NOT NULL) AS known,
            CASE WHEN max(days_past_due) IS NOT NULL
                THEN coalesce(bit_or({_BIT}) FILTER (days_past_due > 0), 0) END AS late
        FROM credit_month WHERE credit_limit > 0 OR days_past_due IS NOT NULL GROUP BY customer_id
    )
    """,
)
"""How customers used their credit and paid it back: months past due, spells of them, and months
that could have begun one; by how late they were, months that are followed by a known one, and by
one past due. `use_band` is the tenth of the revolving limits in use, and 10 without any."""
