"""What customers hold, since when, and what was known of them before windows that are over."""

from __future__ import annotations

from portrait_assets.core.months import last_day, next_month
from portrait_assets.schema.table import Type
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.declared.entity import STATED
from portrait_assets.stages.offers.affinity.contract import AHEAD
from portrait_assets.stages.offers.affinity.purchases import (
    ARTICLE,
    BOUGHT_MONTH,
    HELD,
    MEMBER,
    MONTHS,
    MOST_NEEDED,
    SOLD,
    of_window,
)
from portrait_assets.stages.predictions.learning.past.labels import INPUTS
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Step, if_empty, read, window

WINDOWS = tuple(range(AHEAD, MONTHS + 1, AHEAD))
"""How many months ago each window that is over began; the newest first, none into another."""
MOST_LEARNED = 60_000
"""Customers of a window that are learned from; of more every k-th."""
LAUNCH_MONTHS = 1
"""Months after that of the introduction whose takings say how a launch goes, and not how many take
the product later; and after that of a withdrawal, whose takings stand in for what was withdrawn."""
MOST_CATEGORIES = 20
"""Categories whose share is a feature; those that most customers buy."""
LASTING = tuple(name for name in STATED if name in INPUTS)
"""Attributes: what a customer is, whatever they hold."""
NUMBERS = (Type.NUMBER, Type.INTEGER, Type.MONEY, Type.QUANTITY, Type.SQUARE)
"""Types of features that are read with seven digits: trees need no more, and a million customers
take half the memory."""
_FEATURES = ", ".join(
    f"{quote(name)}::FLOAT AS {quote(name)}"
    if FEATURE_MATRIX.column(name).type in NUMBERS
    else quote(name)
    for name in INPUTS
)


_HAD = Step(
    "had",
    (HELD,),
    "SELECT customer_id, product_id, max(ago) AS since, min(ago) AS until FROM held_24m "
    "WHERE product_id IS NOT NULL GROUP BY customer_id, product_id",
)
_LOST = Step(
    "lost",
    (_HAD, SOLD),
    "SELECT customer_id, since, category, withdrawn_on FROM had JOIN sold USING (product_id) "
    "WHERE withdrawn_on IS NOT NULL",
)
"""What customers held that was withdrawn while they did, or before."""


def _holding_sql(scope: Scope) -> str:
    taken = f"date_trunc('month', {scope.day}) - to_months(CAST(h.since AS INTEGER))"
    return f"""
    SELECT m.customer, h.product_id, s.category, h.since, h.until,
        r.customer_id IS NULL AND coalesce(
            date_diff('month', s.introduced_on, {taken}) > {LAUNCH_MONTHS}, true)
        AND NOT EXISTS (SELECT 1 FROM lost WHERE lost.customer_id = h.customer_id
            AND lost.category = s.category AND lost.since > h.since AND date_diff(
                'month', lost.withdrawn_on, {taken}) BETWEEN 0 AND {LAUNCH_MONTHS}) AS is_own
    FROM had AS h JOIN member AS m USING (customer_id)
    JOIN sold AS s ON s.product_id = h.product_id AND s.is_on_sale
    LEFT JOIN (SELECT DISTINCT customer_id, ago AS since FROM answered_24m) AS r
        ON r.customer_id = h.customer_id AND r.since = h.since
    ORDER BY m.customer, h.product_id
    """


HOLDING = Step(
    "holding",
    (_HAD, _LOST, SOLD, MEMBER, of_window(CLEANED["responses"], 2 * MONTHS, "answered_24m")),
    _holding_sql,
    grain=Grain.ALL,
)
"""Products on sale that each customer has held: since how many months, until how many months ago,
and whether taken of the customer's own accord: no campaign was answered in the month, the launch of
the product was over, and nothing of its category that the customer held had just been withdrawn.
"""

DEALT = Step(
    "dealt",
    (BOUGHT_MONTH, ARTICLE, HOLDING),
    """
    SELECT b.customer::BIGINT AS customer, a.product_id, b.ago::BIGINT AS ago,
        bit_count(bit_or(b.days))::BIGINT AS days
    FROM bought_month AS b JOIN article AS a USING (article)
    WHERE a.product_id IN (SELECT product_id FROM holding) AND NOT EXISTS (
        SELECT 1 FROM holding AS h
        WHERE h.customer = b.customer AND h.product_id = a.product_id AND h.since >= b.ago)
    GROUP BY ALL ORDER BY customer, product_id, ago
    """,
    grain=Grain.ALL,
)
"""Days of each month with transactions of customers with products that others hold in accounts, and
they themselves did not have by then.
"""


def _learned_sql(scope: Scope) -> str:
    days = {ago: last_day(next_month(scope.month, -ago)) for ago in WINDOWS}
    whens = " ".join(f"WHEN DATE {literal(day)} THEN {ago}" for ago, day in days.items())
    listed = ", ".join(f"DATE {literal(day)}" for day in days.values())
    share = f"least(1, {MOST_LEARNED} / CAST(count(*) OVER (PARTITION BY as_of) AS DOUBLE))"
    return f"""
    SELECT CAST(CASE f.as_of {whens} END AS BIGINT) AS began, m.customer, {_FEATURES}
    FROM (
        SELECT *, row_number() OVER (PARTITION BY as_of ORDER BY customer_id) AS place,
            {share} AS share
        FROM feature_matrix WHERE as_of IN ({listed})
    ) AS f JOIN member AS m USING (customer_id)
    WHERE floor(place * share) > floor((place - 1) * share)
    ORDER BY began, m.customer
    """


_NOBODY = (
    f"SELECT 0::BIGINT AS began, 0::BIGINT AS customer, {_FEATURES} FROM feature_matrix LIMIT 0"
)
LEARNED = Step(
    "learned",
    (read(FEATURE_MATRIX, window(MONTHS + 1)), MEMBER, HOLDING),
    _learned_sql,
    grain=Grain.ALL,
    simpler=if_empty(HOLDING, _NOBODY),
)
"""Features as known before each window, of those who are customers still, by the same number; of
nobody where nothing is held.
"""


KNOWN = Step(
    "known",
    (read(FEATURE_MATRIX, THE_MONTH), MEMBER),
    f"SELECT m.customer, {_FEATURES} FROM feature_matrix JOIN member AS m USING (customer_id) "
    "ORDER BY m.customer",
    grain=Grain.ALL,
)
"""Features as known now."""


_CATEGORY_DAYS = Step(
    "category_days",
    (BOUGHT_MONTH, ARTICLE),
    "SELECT customer::BIGINT AS customer, ago, category, bit_count(bit_or(days)) AS days "
    "FROM bought_month JOIN article USING (article) WHERE category IS NOT NULL GROUP BY ALL",
    grain=Grain.ALL,
)
LEANING = Step(
    "leaning",
    (_CATEGORY_DAYS, ARTICLE, HOLDING, LEARNED, KNOWN),
    f"""
    SELECT began, customer, category, sum(days)::BIGINT AS days
    FROM category_days JOIN (
        SELECT began, customer FROM learned UNION ALL SELECT 0, customer FROM known
    ) USING (customer)
    WHERE ago >= began AND ago < began + {MONTHS} AND category IN (
        SELECT category FROM category_days
        GROUP BY category HAVING count(DISTINCT customer) >= {MOST_NEEDED}
        ORDER BY count(DISTINCT customer) DESC, category LIMIT {MOST_CATEGORIES})
    GROUP BY ALL ORDER BY began, customer, category
    """,
    grain=Grain.ALL,
    simpler=if_empty(
        HOLDING,
        "SELECT 0::BIGINT AS began, 0::BIGINT AS customer, category, 0::BIGINT AS days "
        "FROM article LIMIT 0",
    ),
)
"""Days with a purchase of each of the usual categories in the year before each window, as far as it
is known, and in the last (`began` 0 months ago); of nobody where nothing is held.
"""
