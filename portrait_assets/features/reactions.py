"""Parts that compare a customer's spend of some months with that of others.

Seasons and trends move everyone: what is expected of a customer is the base's spend of the same
months times the customer's usual share of it.
"""

from __future__ import annotations

from portrait_assets.features.span import WINDOW_MONTHS, Span
from portrait_assets.months import next_month
from portrait_assets.warehouse.connection import literal, literals

AGO = range(WINDOW_MONTHS)
COMPARED_MONTHS = 3
"""Months before and after a withdrawal that are compared."""
LEAST_MONTHS = 6
"""Months with a change of the indicator that a correlation needs."""
NO_CORRELATION_MONTHS = 12
"""Months without any correlation that each customer's is mixed with."""


def reactions(span: Span) -> dict[str, str]:
    """The parts by name, in an order in which each needs only those before it."""
    return {
        "uplift": uplift(),
        "base_uplift": base_uplift(),
        "indicator": indicator(span),
        "followed": followed(),
        "withdrawn": withdrawn(span),
        "withdrawn_user": withdrawn_user(span),
        "withdrawal": withdrawal(),
    }


def uplift() -> str:
    """Spend in months with a campaign contact, and what the other months let expect.

    Months before the first purchase of the window do not count.
    """
    reached = [f"(contacted_months & {1 << ago}) > 0 AND oldest >= {ago}" for ago in AGO]
    other = [f"(contacted_months & {1 << ago}) = 0 AND oldest >= {ago}" for ago in AGO]

    def total(column: str, conditions: list[str]) -> str:
        return " + ".join(
            f"CASE WHEN {condition} THEN {column}_{ago} ELSE 0 END"
            for ago, condition in enumerate(conditions)
        )

    bases = ", ".join(f"base.spend_{ago} AS base_{ago}" for ago in AGO)
    months = " + ".join(f"CAST({condition} AS INTEGER)" for condition in reached)
    return f"""
    SELECT customer_id, months, actual,
        CAST(own AS DOUBLE) / CAST(own_base AS DOUBLE) * CAST(reached_base AS DOUBLE) AS expected
    FROM (
        SELECT customer_id, {months} AS months, {total("spend", reached)} AS actual,
            {total("spend", other)} AS own, {total("base", other)} AS own_base,
            {total("base", reached)} AS reached_base
        FROM (
            SELECT b.*, c.contacted_months, {bases}
            FROM bought AS b JOIN campaign AS c USING (customer_id) CROSS JOIN base
            WHERE c.contacted_months > 0
        )
    ) WHERE months > 0 AND own > 0 AND own_base > 0 AND reached_base > 0
    """


def base_uplift() -> str:
    """Actual and expected spend in contacted months of all customers.

    The expected amounts are rounded to cents so that their sum does not depend on its order.
    """
    return (
        "SELECT CAST(sum(actual) AS DOUBLE) "
        "/ CAST(sum(CAST(expected AS DECIMAL(18, 2))) AS DOUBLE) AS ratio FROM uplift"
    )


def indicator(span: Span) -> str:
    """Relative changes of each market-wide indicator against the month before.

    change_0 to change_11 are those of the months of the window, null where not known.
    """
    months = [*span.months, next_month(span.months[-1], -1)]
    values = ", ".join(
        f"max(value) FILTER (month = {literal(month)}) AS value_{ago}"
        for ago, month in enumerate(months)
    )
    changes = ", ".join(
        f"CASE WHEN value_{ago + 1} <> 0 THEN round(value_{ago} / value_{ago + 1} - 1, 9) END "
        f"AS change_{ago}"
        for ago in AGO
    )
    return f"""
    SELECT indicator, {changes} FROM (
        SELECT indicator, {values} FROM (
            SELECT indicator, month, arg_max(value, (observed_on, source_row)) AS value
            FROM cleaned.market
            WHERE month IN ({literals(months)}) AND product_id IS NULL AND store_id IS NULL
            GROUP BY indicator, month
        ) GROUP BY indicator
    )
    """


def followed() -> str:
    """The indicator whose changes the customer's share of the base's spend follows most closely.

    The correlation over the months since the first purchase is mixed with months without any:
    the strongest of several short correlations is strong by chance.
    """
    there = [f"change_{ago} IS NOT NULL AND oldest >= {ago} AND base_{ago} > 0" for ago in AGO]

    def total(of: str) -> str:
        return " + ".join(
            f"CASE WHEN {condition} THEN {of.format(ago=ago)} ELSE 0 END"
            for ago, condition in enumerate(there)
        )

    bases = ", ".join(f"CAST(base.spend_{ago} AS DOUBLE) AS base_{ago}" for ago in AGO)
    shares = ", ".join(
        f"CASE WHEN base.spend_{ago} > 0 THEN CAST(b.spend_{ago} AS DOUBLE) / base.spend_{ago} END "
        f"AS part_{ago}"
        for ago in AGO
    )
    changes = ", ".join(f"change_{ago}" for ago in AGO)
    return f"""
    SELECT customer_id, arg_max(months, {{'strength': abs(r), 'name': indicator}}) AS months,
        arg_max(r, {{'strength': abs(r), 'name': indicator}}) AS correlation,
        arg_max(indicator, {{'strength': abs(r), 'name': indicator}}) AS indicator
    FROM (
        SELECT customer_id, indicator, n AS months,
            round((n * xy - x * y) / sqrt((n * xx - x * x) * (n * yy - y * y))
                * n / (n + {NO_CORRELATION_MONTHS}), 6) AS r
        FROM (
            SELECT customer_id, indicator, {total("1")} AS n,
                {total("change_{ago}")} AS x, {total("part_{ago}")} AS y,
                {total("change_{ago} * change_{ago}")} AS xx,
                {total("part_{ago} * part_{ago}")} AS yy,
                {total("change_{ago} * part_{ago}")} AS xy
            FROM (
                SELECT b.customer_id, b.oldest, i.indicator, {bases}, {shares}, {changes}
                FROM bought AS b CROSS JOIN base CROSS JOIN indicator AS i
            )
        )
        WHERE n >= {LEAST_MONTHS} AND n * xx - x * x > 1e-12 * n * xx
            AND n * yy - y * y > 1e-9 * n * yy
    ) GROUP BY customer_id
    """


def withdrawn(span: Span) -> str:
    """Products withdrawn in the window before its last month, and how many months ago that was."""
    return f"""
    SELECT product_id, withdrawn_on, {span.ago("strftime(withdrawn_on, '%Y-%m')")} AS ago
    FROM product
    WHERE withdrawn_on BETWEEN {span.first_day} AND {span.day}
        AND strftime(withdrawn_on, '%Y-%m') <> {literal(span.month)}
    """


def withdrawn_user(span: Span) -> str:
    """Who bought or held a product in the three months before it was withdrawn."""
    return f"""
    SELECT t.customer_id, w.product_id, w.ago
    FROM cleaned.transactions AS t JOIN withdrawn AS w USING (product_id)
    WHERE t.{span.known} AND t.amount > 0 AND t.occurred_at < w.withdrawn_on
        AND t.occurred_at >= w.withdrawn_on - INTERVAL {COMPARED_MONTHS} MONTH
    UNION
    SELECT t.customer_id, w.product_id, w.ago
    FROM cleaned.balances AS t JOIN withdrawn AS w USING (product_id)
    WHERE t.{span.known} AND t.balance > 0 AND t.balance_on < w.withdrawn_on
        AND t.balance_on >= w.withdrawn_on - INTERVAL {COMPARED_MONTHS} MONTH
    """


def withdrawal() -> str:
    """Spend in up to three months after a withdrawal against as many months before it.

    The base's change over the same months is taken out of it.
    """

    def total(table: str, first: str, last: str) -> str:
        return " + ".join(
            f"CASE WHEN {ago} BETWEEN {first} AND {last} THEN {table}.spend_{ago} ELSE 0 END"
            for ago in AGO
        )

    after = (f"u.ago - least({COMPARED_MONTHS}, u.ago)", "u.ago - 1")
    before = ("u.ago + 1", f"u.ago + least({COMPARED_MONTHS}, u.ago)")
    return f"""
    SELECT customer_id, count(*) AS products,
        CAST(sum(CAST((after - expected) / (after + expected) AS DECIMAL(18, 6))) AS DOUBLE)
            AS reactions
    FROM (
        SELECT customer_id, CAST(after AS DOUBLE) AS after,
            CAST(before AS DOUBLE) * base_after / base_before AS expected
        FROM (
            SELECT u.customer_id, {total("b", *after)} AS after, {total("b", *before)} AS before,
                CAST({total("base", *after)} AS DOUBLE) AS base_after,
                CAST({total("base", *before)} AS DOUBLE) AS base_before
            FROM withdrawn_user AS u JOIN bought AS b USING (customer_id) CROSS JOIN base
        ) WHERE after >= 0 AND before > 0 AND base_after > 0 AND base_before > 0
    ) GROUP BY customer_id
    """
