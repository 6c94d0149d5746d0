"""Parts that compare a customer's spend of some months with that of others.

Seasons and trends move everyone: what is expected of a customer is the base's spend of the same
months times the customer's usual share of it.
"""

from __future__ import annotations

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.monthly.products import PRODUCT
from portrait_assets.stages.features.parts.campaigns import CAMPAIGN
from portrait_assets.stages.features.parts.spend import BASE, BOUGHT
from portrait_assets.stages.features.persons import of_persons
from portrait_assets.stages.features.window import AGO, WINDOW_MONTHS, ago, array, months_of
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.steps import EVER, Grain, Scope, Step, read, window

COMPARED_MONTHS = 3
"""Months before and after a withdrawal that are compared."""
LEAST_MONTHS = 6
"""Months with a change of the indicator that a correlation needs."""
NO_CORRELATION_MONTHS = 12
"""Months without any correlation that each customer's is mixed with."""

MONTHS = Step(
    "months",
    (BOUGHT,),
    f"""
    SELECT customer_id, oldest, {array(f"spend_{n}" for n in AGO)} AS spends
    FROM bought WHERE oldest IS NOT NULL
    """,
)
"""Each customer's spend by month, the month itself first."""
BASE_MONTHS = Step(
    "base_months",
    (BASE,),
    f"SELECT {array(f'spend_{n}' for n in AGO)} AS spends, "
    f"{array(' + '.join(f'spend_{before}' for before in range(n + 1)) for n in AGO)} AS so_far "
    "FROM base",
    grain=Grain.ALL,
)
"""The base's spend by month, and its sums from the month itself back to each."""

_MASK = array(f"(contacted >> {n}) & 1" for n in AGO)
UPLIFT = Step(
    "uplift",
    (MONTHS, CAMPAIGN, BASE_MONTHS),
    f"""
    SELECT customer_id, contacted_months AS months, actual,
        (total - actual) / (so_far - reached) * reached AS expected
    FROM (
        SELECT m.customer_id, bit_count(contacted) AS contacted_months, b.so_far[oldest + 1]
                AS so_far, list_sum(CAST(m.spends AS DOUBLE[])) AS total,
            array_inner_product({_MASK}, m.spends) AS actual,
            array_inner_product({_MASK}, b.spends) AS reached
        FROM (
            SELECT m.*, c.contacted_months & ((1 << CAST(oldest + 1 AS INTEGER)) - 1) AS contacted
            FROM months AS m JOIN campaign AS c USING (customer_id)
        ) AS m CROSS JOIN base_months AS b WHERE contacted > 0
    ) WHERE total > actual AND so_far > reached AND reached > 0
    """,
)
"""Spend in months with a campaign contact, and what the other months let expect.

Months before the first purchase of the window do not count.
"""


def _indicator(scope: Scope) -> str:
    """Relative changes of each market-wide indicator against the month before.

    `changes` are those of the months of the window, 0 where not known, `known` marks which are;
    `sums` and `squares` add them up from the month itself back to each.
    """
    values = ", ".join(
        f"max(value) FILTER (month = {literal(month)}) AS value_{n}"
        for n, month in enumerate(months_of(scope.month, WINDOW_MONTHS + 1))
    )
    changes = ", ".join(
        f"CASE WHEN value_{n + 1} <> 0 THEN round(value_{n} / value_{n + 1} - 1, 9) END "
        f"AS change_{n}"
        for n in AGO
    )

    def so_far(of: str) -> str:
        parts = [of.format(n=n) for n in AGO]
        return array(" + ".join(parts[: n + 1]) for n in AGO)

    change = "coalesce(change_{n}, 0)"
    known = "CAST(change_{n} IS NOT NULL AS INTEGER)"
    return f"""
    SELECT indicator, {array(change.format(n=n) for n in AGO)} AS changes,
        {array(known.format(n=n) for n in AGO)} AS known,
        {so_far(known)} AS counts, {so_far(change)} AS sums,
        {so_far(f"{change} * {change}")} AS squares
    FROM (
        SELECT indicator, {changes} FROM (
            SELECT indicator, {values} FROM (
                SELECT indicator, month, arg_max(value, (observed_on, value)) AS value
                FROM market
                WHERE product_id IS NULL AND store_id IS NULL
                    AND competitor IS NULL AND product_class IS NULL
                GROUP BY indicator, month
            ) GROUP BY indicator
        )
    )
    """


INDICATOR = Step(
    "indicator",
    (read(CLEANED["market"], window(WINDOW_MONTHS + 1)),),
    _indicator,
    grain=Grain.ALL,
)
_PART = "CASE WHEN b.spends[{n}] > 0 THEN m.spends[{n}] / b.spends[{n}] ELSE 0 END"
_STRONGEST = "{'strength': abs(r), 'name': indicator}"
FOLLOWED = Step(
    "followed",
    (MONTHS, BASE_MONTHS, INDICATOR),
    f"""
    SELECT customer_id, arg_max(n, {_STRONGEST}) AS months,
        arg_max(r, {_STRONGEST}) AS correlation,
        arg_max(indicator, {_STRONGEST}) AS indicator
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
                    {array(f"parts[{n + 1}] * parts[{n + 1}]" for n in AGO)} AS part_squares
                FROM (
                    SELECT customer_id, oldest,
                        {array(_PART.format(n=n + 1) for n in AGO)} AS parts
                    FROM months AS m CROSS JOIN base_months AS b
                )
            ) CROSS JOIN indicator AS i
        )
        WHERE n >= {LEAST_MONTHS} AND n * xx - x * x > 1e-12 * n * xx
            AND n * yy - y * y > 1e-9 * n * yy
    ) GROUP BY customer_id
    """,
)
"""The indicator whose changes the customer's share of the base's spend follows most closely.

The correlation over the months since the first purchase is mixed with months without any: the
strongest of several short correlations is strong by chance. Shares are 0 before the first purchase,
so whole arrays can be multiplied.
"""

WITHDRAWN = Step(
    "withdrawn",
    (PRODUCT,),
    lambda scope: (
        f"""
    SELECT product_id, withdrawn_on,
        {ago(scope.month, column="strftime(withdrawn_on, '%Y-%m')")} AS ago
    FROM product
    WHERE withdrawn_on BETWEEN DATE {literal(months_of(scope.month)[-1] + "-01")} AND {scope.day}
        AND strftime(withdrawn_on, '%Y-%m') <> {literal(scope.month)}
    """
    ),
    grain=Grain.ALL,
)
"""Products withdrawn in the window before its last month, and how many months ago that was."""
_USED_BEFORE = (
    f"t.{{on}} < w.withdrawn_on AND t.{{on}} >= w.withdrawn_on - INTERVAL {COMPARED_MONTHS} MONTH"
)
WITHDRAWN_USER = Step(
    "withdrawn_user",
    (
        WITHDRAWN,
        of_persons(CLEANED["transactions"], EVER),
        of_persons(CLEANED["balances"], EVER),
    ),
    f"""
    SELECT t.customer_id, w.product_id, w.ago
    FROM transactions AS t JOIN withdrawn AS w USING (product_id)
    WHERE t.amount > 0 AND {_USED_BEFORE.format(on="occurred_at")}
    UNION
    SELECT t.customer_id, w.product_id, w.ago
    FROM balances AS t JOIN withdrawn AS w USING (product_id)
    WHERE t.balance > 0 AND {_USED_BEFORE.format(on="balance_on")}
    """,
    in_table=True,
)
"""Who bought or held a product in the three months before it was withdrawn."""


def _list_sum(of: str, slice_: str) -> str:
    return f"list_sum(CAST({of}.spends AS DOUBLE[])[{slice_}])"


_AFTER = f"u.ago - least({COMPARED_MONTHS}, u.ago) + 1 : u.ago"
_BEFORE = f"u.ago + 2 : u.ago + 1 + least({COMPARED_MONTHS}, u.ago)"
WITHDRAWAL = Step(
    "withdrawal",
    (WITHDRAWN_USER, MONTHS, BASE_MONTHS),
    f"""
    SELECT customer_id, count(*) AS products,
        CAST(sum(CAST((after - expected) / (after + expected) AS DECIMAL(18, 6))) AS DOUBLE)
            AS reactions
    FROM (
        SELECT customer_id, after, before * base_after / base_before AS expected
        FROM (
            SELECT u.customer_id, {_list_sum("m", _AFTER)} AS after,
                {_list_sum("m", _BEFORE)} AS before,
                {_list_sum("b", _AFTER)} AS base_after, {_list_sum("b", _BEFORE)} AS base_before
            FROM withdrawn_user AS u JOIN months AS m USING (customer_id)
            CROSS JOIN base_months AS b
        ) WHERE after >= 0 AND before > 0 AND base_after > 0 AND base_before > 0
    ) GROUP BY customer_id
    """,
)
"""Spend in up to three months after a withdrawal against as many months before it.

The base's change over the same months is taken out of it.
"""
