"""Parts that compare a customer's spend of some months with that of others.

Seasons and trends move everyone: what is expected of a customer is the base's spend of the same
months times the customer's usual share of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from portrait_assets.core.months import next_month
from portrait_assets.stages.features.span import AGO, WINDOW_MONTHS, Span
from portrait_assets.storage.duckdb.connection import literal, literals

COMPARED_MONTHS = 3
"""Months before and after a withdrawal that are compared."""
LEAST_MONTHS = 6
"""Months with a change of the indicator that a correlation needs."""
NO_CORRELATION_MONTHS = 12
"""Months without any correlation that each customer's is mixed with."""


def reactions(span: Span) -> dict[str, str]:
    """The parts by name, in an order in which each needs only those before it."""
    return {
        "months": months(),
        "base_months": base_months(),
        "uplift": uplift(),
        "base_uplift": base_uplift(),
        "indicator": indicator(span),
        "followed": followed(),
        "withdrawn": withdrawn(span),
        "withdrawn_user": withdrawn_user(span),
        "withdrawal": withdrawal(),
    }


def _array(values: Iterable[str]) -> str:
    """The twelve values, the month itself first, as an array that multiplies fast."""
    return f"CAST([{', '.join(values)}] AS DOUBLE[{WINDOW_MONTHS}])"


def months() -> str:
    """Each customer's spend by month, the month itself first."""
    return f"""
    SELECT customer_id, oldest, {_array(f"spend_{ago}" for ago in AGO)} AS spends
    FROM bought WHERE oldest IS NOT NULL
    """


def base_months() -> str:
    """The base's spend by month, and its sums from the month itself back to each."""
    so_far = (" + ".join(f"spend_{before}" for before in range(ago + 1)) for ago in AGO)
    return (
        f"SELECT {_array(f'spend_{ago}' for ago in AGO)} AS spends, "
        f"{_array(so_far)} AS so_far FROM base"
    )


def uplift() -> str:
    """Spend in months with a campaign contact, and what the other months let expect.

    Months before the first purchase of the window do not count.
    """
    mask = _array(f"(contacted >> {ago}) & 1" for ago in AGO)
    return f"""
    SELECT customer_id, contacted_months AS months, actual,
        (total - actual) / (so_far - reached) * reached AS expected
    FROM (
        SELECT m.customer_id, bit_count(contacted) AS contacted_months, b.so_far[oldest + 1]
                AS so_far, list_sum(CAST(m.spends AS DOUBLE[])) AS total,
            array_inner_product({mask}, m.spends) AS actual,
            array_inner_product({mask}, b.spends) AS reached
        FROM (
            SELECT m.*, c.contacted_months & ((1 << CAST(oldest + 1 AS INTEGER)) - 1) AS contacted
            FROM months AS m JOIN campaign AS c USING (customer_id)
        ) AS m CROSS JOIN base_months AS b WHERE contacted > 0
    ) WHERE total > actual AND so_far > reached AND reached > 0
    """


def base_uplift() -> str:
    """Actual and expected spend in contacted months of all customers.

    Amounts are rounded to cents so that their sums do not depend on their order.
    """
    cents = "CAST(sum(CAST({of} AS DECIMAL(18, 2))) AS DOUBLE)"
    return (
        f"SELECT {cents.format(of='actual')} / {cents.format(of='expected')} AS ratio FROM uplift"
    )


def indicator(span: Span) -> str:
    """Relative changes of each market-wide indicator against the month before.

    `changes` are those of the months of the window, 0 where not known, `known` tells which are;
    `sums` and `squares` add them up from the month itself back to each.
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

    def so_far(of: str) -> str:
        parts = [of.format(ago=ago) for ago in AGO]
        return _array(" + ".join(parts[: ago + 1]) for ago in AGO)

    change = "coalesce(change_{ago}, 0)"
    known = "CAST(change_{ago} IS NOT NULL AS INTEGER)"
    return f"""
    SELECT indicator, {_array(change.format(ago=ago) for ago in AGO)} AS changes,
        {_array(known.format(ago=ago) for ago in AGO)} AS known,
        {so_far(known)} AS counts, {so_far(change)} AS sums,
        {so_far(f"{change} * {change}")} AS squares
    FROM (
        SELECT indicator, {changes} FROM (
            SELECT indicator, {values} FROM (
                SELECT indicator, month, arg_max(value, (observed_on, source_row)) AS value
                FROM cleaned.market
                WHERE month IN ({literals(months)}) AND product_id IS NULL AND store_id IS NULL
                GROUP BY indicator, month
            ) GROUP BY indicator
        )
    )
    """


def followed() -> str:
    """The indicator whose changes the customer's share of the base's spend follows most closely.

    The correlation over the months since the first purchase is mixed with months without any:
    the strongest of several short correlations is strong by chance. Shares are 0 before the first
    purchase, so whole arrays can be multiplied.
    """
    part = "CASE WHEN b.spends[{n}] > 0 THEN m.spends[{n}] / b.spends[{n}] ELSE 0 END"
    strongest = "{'strength': abs(r), 'name': indicator}"
    return f"""
    SELECT customer_id, arg_max(n, {strongest}) AS months,
        arg_max(r, {strongest}) AS correlation,
        arg_max(indicator, {strongest}) AS indicator
    FROM (
        SELECT customer_id, indicator, n, round((n * xy - x * y)
            / sqrt((n * xx - x * x) * (n * yy - y * y)) * n / (n + {NO_CORRELATION_MONTHS}), 6) AS r
        FROM (
            SELECT customer_id, indicator, i.counts[oldest + 1] AS n, i.sums[oldest + 1] AS x,
                i.squares[oldest + 1] AS xx, array_inner_product(i.changes, parts) AS xy,
                array_inner_product(i.known, parts) AS y,
                array_inner_product(i.known, part_squares) AS yy
            FROM (
                SELECT customer_id, oldest, parts,
                    {_array(f"parts[{ago + 1}] * parts[{ago + 1}]" for ago in AGO)} AS part_squares
                FROM (
                    SELECT customer_id, oldest,
                        {_array(part.format(n=ago + 1) for ago in AGO)} AS parts
                    FROM months AS m CROSS JOIN base_months AS b
                )
            ) CROSS JOIN indicator AS i
        )
        WHERE n >= {LEAST_MONTHS} AND n * xx - x * x > 1e-12 * n * xx
            AND n * yy - y * y > 1e-9 * n * yy
    ) GROUP BY customer_id
    """


def withdrawn(span: Span) -> str:
    """Products withdrawn in the window before its last month, and how many months ago that was."""
    return f"""
    SELECT product_id, withdrawn_on, {span.ago("strftime(withdrawn_on, '%Y-%m')")} AS ago
    FROM temp.product
    WHERE withdrawn_on BETWEEN {span.first_day} AND {span.day}
        AND strftime(withdrawn_on, '%Y-%m') <> {literal(span.month)}
    """


def withdrawn_user(span: Span) -> str:
    """Who bought or held a product in the three months before it was withdrawn."""
    return f"""
    SELECT t.customer_id, w.product_id, w.ago
    FROM temp.transactions AS t JOIN withdrawn AS w USING (product_id)
    WHERE t.{span.known} AND t.amount > 0 AND t.occurred_at < w.withdrawn_on
        AND t.occurred_at >= w.withdrawn_on - INTERVAL {COMPARED_MONTHS} MONTH
    UNION
    SELECT t.customer_id, w.product_id, w.ago
    FROM temp.balances AS t JOIN withdrawn AS w USING (product_id)
    WHERE t.{span.known} AND t.balance > 0 AND t.balance_on < w.withdrawn_on
        AND t.balance_on >= w.withdrawn_on - INTERVAL {COMPARED_MONTHS} MONTH
    """


def withdrawal() -> str:
    """Spend in up to three months after a withdrawal against as many months before it.

    The base's change over the same months is taken out of it.
    """

    after = "{of}[u.ago - least({n}, u.ago) + 1 : u.ago]"
    before = "{of}[u.ago + 2 : u.ago + 1 + least({n}, u.ago)]"

    def total(of: str, span: str) -> str:
        whole = f"CAST({of}.spends AS DOUBLE[])"
        return f"list_sum({span.format(of=whole, n=COMPARED_MONTHS)})"

    return f"""
    SELECT customer_id, count(*) AS products,
        CAST(sum(CAST((after - expected) / (after + expected) AS DECIMAL(18, 6))) AS DOUBLE)
            AS reactions
    FROM (
        SELECT customer_id, after, before * base_after / base_before AS expected
        FROM (
            SELECT u.customer_id, {total("m", after)} AS after, {total("m", before)} AS before,
                {total("b", after)} AS base_after, {total("b", before)} AS base_before
            FROM withdrawn_user AS u JOIN months AS m USING (customer_id)
            CROSS JOIN base_months AS b
        ) WHERE after >= 0 AND before > 0 AND base_after > 0 AND base_before > 0
    ) GROUP BY customer_id
    """
