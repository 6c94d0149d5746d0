"""Steps that aggregate one month's events: windows of months are sums of these.

What is by customer comes in customers' order, so that the matrix finds some customers without
reading all.
"""

from __future__ import annotations

from portrait_assets.schema.table import MONEY_SCALE, Type
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features import contract
from portrait_assets.stages.features.monthly import aggregates
from portrait_assets.stages.features.monthly.aggregate import select
from portrait_assets.stages.features.monthly.products import PRODUCT, can_be_preferred, choice_id
from portrait_assets.stages.features.monthly.purchases import (
    BOUGHT,
    OF_LINE,
    baskets_sql,
    cancelling,
    deals,
    join_of_line,
    taken_off,
)
from portrait_assets.stages.identity.persons import of_persons
from portrait_assets.storage.duckdb.connection import literal, literals
from portrait_assets.storage.steps import BEFORE, EVER, THE_MONTH, Grain, Scope, Step, read, window

CHANNELS = {
    "digital": ("app", "web", "online", "mobile", "website", "wechat", "mini_program", "internet"),
    "branch": ("branch", "store", "shop", "counter"),
    "self_service": ("atm", "pos", "kiosk", "self_service"),
    "phone": ("phone", "telephone", "call_center", "cellular"),
}
"""Which channels, as sources name them, count as which kind."""
NEW_FOR_DAYS = 182
USUAL_PRICE_MONTHS = 12
MILLION = 1_000_000

TRANSACTIONS = read(CLEANED["transactions"], THE_MONTH)
DEAL = deals(TRANSACTIONS, "deal")
TAKEN_OFF = taken_off(DEAL, cancelling(DEAL, "cancelling"), "taken_off")
CONTACTS = read(CLEANED["contacts"], THE_MONTH)
RESPONSES = read(CLEANED["responses"], THE_MONTH)


def _month(scope: Scope) -> str:
    return f"{literal(scope.month)} AS month"


PRODUCT_MONTH = Step(
    "product_month",
    (TRANSACTIONS, PRODUCT),
    lambda scope: (
        f"""
    SELECT {_month(scope)}, s.*, p.category
    FROM (
        SELECT product_id, count(*) AS lines, sum(quantity) AS quantity, sum(amount) AS amount,
            count(DISTINCT customer_id) AS customers
        FROM transactions
        WHERE quantity > 0 AND amount > 0 AND product_id IS NOT NULL GROUP BY product_id
    ) AS s LEFT JOIN product AS p USING (product_id)
    """
    ),
    grain=Grain.ALL,
    writes=contract.PRODUCT_MONTH,
)
"""What was sold of each product in the month, where a unit price is known."""

_UNIT_PRICE = "CAST(sum(amount) AS DOUBLE) / CAST(sum(quantity) AS DOUBLE) AS price"
CATEGORY_PRICE = Step(
    "category_price",
    (read(contract.PRODUCT_MONTH, THE_MONTH, "sold"),),
    f"SELECT category, {_UNIT_PRICE} FROM sold WHERE category IS NOT NULL GROUP BY category",
    grain=Grain.ALL,
)
USUAL_PRICE = Step(
    "usual_price",
    (read(contract.PRODUCT_MONTH, window(USUAL_PRICE_MONTHS, ago=1), "sold_before"),),
    f"SELECT product_id, {_UNIT_PRICE} FROM sold_before GROUP BY product_id",
    grain=Grain.ALL,
)
"""Each product's price in the months before."""
SHOWN = Step(
    "shown",
    (read(CLEANED["promotions"], THE_MONTH),),
    "SELECT product_id, avg(display_share) AS display_share, avg(mailer_share) AS mailer_share "
    "FROM promotions WHERE product_id IS NOT NULL GROUP BY product_id",
    grain=Grain.ALL,
)
"""The share of stores and weeks in which a product was on display, and in the mailer."""


def _channel_kind() -> str:
    """The channel's place in CHANNELS, from 1; null for a channel that is not known."""
    whens = "".join(
        f" WHEN lower(t.channel) IN ({literals(names)}) THEN {number}"
        for number, names in enumerate(CHANNELS.values(), 1)
    )
    return f"CAST(CASE{whens} WHEN t.channel IS NOT NULL THEN 0 END AS TINYINT)"


PRODUCT_FACT = Step(
    "product_fact",
    (PRODUCT, CATEGORY_PRICE, USUAL_PRICE, SHOWN),
    """
    SELECT p.product_id, p.is_own_label, p.introduced_on, c.price AS category_price,
        u.price AS usual_price, s.display_share, s.mailer_share
    FROM product AS p
    LEFT JOIN category_price AS c USING (category)
    LEFT JOIN usual_price AS u USING (product_id)
    LEFT JOIN shown AS s USING (product_id)
    """,
)
LINE = Step(
    "line",
    (DEAL, TAKEN_OFF, PRODUCT_FACT),
    f"""
    SELECT t.customer_id, t.occurred_at, t.amount, t.discount_amount, t.gives_back, {OF_LINE},
        CAST(hour(t.occurred_at) AS TINYINT) AS hour_of_day,
        CAST(isodow(t.occurred_at) AS TINYINT) AS weekday,
        {_channel_kind()} AS channel_kind,
        p.is_own_label,
        CAST(t.occurred_at AS DATE) - p.introduced_on BETWEEN 0 AND {NEW_FOR_DAYS} AS is_new,
        CASE WHEN t.quantity > 0 AND t.amount > 0
            THEN CAST(t.quantity * p.category_price AS {Type.MONEY}) END AS usual_cost,
        CASE WHEN t.quantity > 0 AND t.amount > 0
            THEN t.amount / t.quantity / p.usual_price - 1 END AS price_difference,
        t.is_on_display, t.is_in_mailer,
        CASE WHEN t.is_on_display IS NOT NULL
            THEN CAST(round({MILLION} * p.display_share) AS INTEGER) END AS display_odds,
        CASE WHEN t.is_in_mailer IS NOT NULL
            THEN CAST(round({MILLION} * p.mailer_share) AS INTEGER) END AS mailer_odds
    FROM deal AS t LEFT JOIN product_fact AS p USING (product_id) {join_of_line("taken_off")}
    """,
)
"""Each transaction line, with the attributes of its product and its price."""

CUSTOMER_MONTH = Step(
    "customer_month",
    (LINE, DEAL, TAKEN_OFF, read(CLEANED["interactions"], THE_MONTH), CONTACTS, RESPONSES),
    lambda scope: (
        f"""
    SELECT {_month(scope)}, customer_id, {select(aggregates.CUSTOMER_MONTH)}
    FROM (
        FROM line
        UNION ALL BY NAME
        SELECT customer_id, {BOUGHT} FROM ({baskets_sql("deal", "taken_off")})
        UNION ALL BY NAME
        SELECT customer_id, kind, CAST(score AS {Type.QUANTITY}) AS score FROM interactions
        UNION ALL BY NAME
        SELECT customer_id, 'contact' AS of FROM contacts WHERE NOT coalesce(is_control, false)
        UNION ALL BY NAME
        SELECT customer_id, 'response' AS of FROM responses
    ) GROUP BY customer_id ORDER BY customer_id
    """
    ),
    writes=contract.CUSTOMER_MONTH,
)
"""What each customer bought and said in the month; a line without a basket is a purchase."""

CATEGORY_LINE = Step(
    "category_line",
    (DEAL, PRODUCT),
    "SELECT t.customer_id, t.amount, t.gives_back, "
    f"CASE WHEN {can_be_preferred('p')} THEN t.category END AS category, p.brand, p.choice_id "
    "FROM deal AS t LEFT JOIN product AS p USING (product_id)",
)
OWN_CHOICE = Step(
    "own_choice",
    (CATEGORY_LINE,),
    f"SELECT category, brand, {choice_id('category', 'brand')} AS choice_id "
    "FROM (SELECT DISTINCT category, brand FROM category_line WHERE category IS NOT NULL)",
)
"""Choices of lines that come with a category of their own."""
CHOSEN_LINE = Step(
    "chosen_line",
    (CATEGORY_LINE, OWN_CHOICE),
    """
    SELECT customer_id, amount, gives_back, choice_id FROM category_line WHERE category IS NULL
    UNION ALL
    SELECT l.customer_id, l.amount, l.gives_back, o.choice_id
    FROM category_line AS l JOIN own_choice AS o
        ON o.category = l.category AND o.brand IS NOT DISTINCT FROM l.brand
    """,
)
NAMED_CHOICE = Step(
    "named_choice",
    (PRODUCT, OWN_CHOICE),
    """
    SELECT DISTINCT choice_id, category, brand FROM product WHERE choice_id IS NOT NULL
    UNION
    SELECT choice_id, category, brand FROM own_choice
    """,
)
CUSTOMER_CATEGORY_MONTH = Step(
    "customer_category_month",
    (CHOSEN_LINE, NAMED_CHOICE),
    lambda scope: (
        f"""
    SELECT {_month(scope)}, c.*, n.category, n.brand
    FROM (
        SELECT customer_id, choice_id, count(CASE WHEN NOT gives_back THEN 1 END) AS lines,
            coalesce(sum(amount), 0) AS amount
        FROM chosen_line WHERE choice_id IS NOT NULL GROUP BY customer_id, choice_id
    ) AS c JOIN named_choice AS n USING (choice_id) ORDER BY customer_id
    """
    ),
    writes=contract.CUSTOMER_CATEGORY_MONTH,
)
"""What each customer bought by category and brand.

The category is the row's own, or else its product's; lines with neither category nor brand are left
out. Rows are counted by a number, which is cheaper than by two texts.
"""

CAMPAIGN = Step(
    "campaign",
    (read(CLEANED["campaigns"], EVER),),
    "SELECT campaign_id, arg_max(campaign_type, {'month': month, 'type': campaign_type}) "
    "AS campaign_type FROM campaigns GROUP BY campaign_id",
    grain=Grain.ALL,
)
"""Each campaign's kind as its newest row has it."""
ANSWERED = Step(
    "answered",
    (RESPONSES,),
    """
    SELECT customer_id, campaign_id, count(*) AS responses, min(responded_on) AS first_on,
        max(responded_on) AS last_on
    FROM responses GROUP BY ALL
    """,
)
ANSWERED_BEFORE = Step(
    "answered_before",
    (of_persons(CLEANED["responses"], BEFORE, "responses_before"), ANSWERED),
    "SELECT DISTINCT customer_id, campaign_id "
    "FROM responses_before SEMI JOIN answered USING (customer_id, campaign_id)",
)
REACHED = Step(
    "reached",
    (of_persons(CLEANED["contacts"], EVER, "contacts_so_far"), ANSWERED),
    """
    SELECT customer_id, campaign_id, min(contacted_on) AS contacted_on
    FROM contacts_so_far SEMI JOIN answered USING (customer_id, campaign_id)
    WHERE NOT coalesce(is_control, false) GROUP BY ALL
    """,
)
"""The first contact of those who answered in the month."""
CAMPAIGN_EVENT = Step(
    "campaign_event",
    (CONTACTS, ANSWERED, REACHED, ANSWERED_BEFORE),
    """
    SELECT customer_id, campaign_id, 1 AS contacts FROM contacts
    WHERE NOT coalesce(is_control, false)
    UNION ALL BY NAME
    SELECT a.customer_id, a.campaign_id, a.responses, a.last_on,
        CASE WHEN r.contacted_on IS NOT NULL AND e.customer_id IS NULL THEN 1 END AS responded,
        CASE WHEN e.customer_id IS NULL
            THEN greatest(a.first_on - r.contacted_on, 0) END AS lag_days
    FROM answered AS a
    LEFT JOIN reached AS r USING (customer_id, campaign_id)
    LEFT JOIN answered_before AS e USING (customer_id, campaign_id)
    """,
)
CUSTOMER_CAMPAIGN_MONTH = Step(
    "customer_campaign_month",
    (CAMPAIGN_EVENT, CAMPAIGN),
    lambda scope: (
        f"""
    SELECT {_month(scope)}, e.customer_id, coalesce(c.campaign_type, 'unknown') AS campaign_type,
        {select(aggregates.CUSTOMER_CAMPAIGN_MONTH)}
    FROM campaign_event AS e LEFT JOIN campaign AS c USING (campaign_id)
    GROUP BY ALL ORDER BY e.customer_id
    """
    ),
    writes=contract.CUSTOMER_CAMPAIGN_MONTH,
)
"""Contacts and responses by kind of campaign.

A contacted campaign is responded to once, in the month of the first response, which also gives the
days it took. The control group counts as not contacted: what it answers unasked is among the
responses only.
"""

_UNITS = f"CAST({{}} * {10**MONEY_SCALE} AS HUGEINT)"
ACCOUNT = Step(
    "account",
    (read(CLEANED["balances"], THE_MONTH),),
    f"""
    SELECT customer_id, account_id, product_id,
        arg_max_null(balance, place) AS balance,
        arg_max_null(credit_limit, place * {10**13}
            + least(coalesce({_UNITS.format("credit_limit")}, -1), {10**13 - 1})) AS credit_limit,
        arg_max_null(days_past_due, place * {10**13} + coalesce(days_past_due, -1))
            AS days_past_due
    FROM (
        SELECT *, CAST(balance_on - DATE '1900-01-01' AS HUGEINT) * {10**19}
            + coalesce({_UNITS.format("balance")}, -{10**18}) AS place
        FROM balances
    ) GROUP BY ALL
    """,
)
"""The last balance of each account: of several of one day the greatest, and of equal ones the
greatest credit limit and the most days past due.

Day and amounts are the digits of one number, which is found faster than the greatest of rows.
"""
_GRADE = "TRY_CAST(ltrim(upper(p.risk_grade), 'R') AS INTEGER)"
CUSTOMER_BALANCE_MONTH = Step(
    "customer_balance_month",
    (ACCOUNT, PRODUCT),
    lambda scope: (
        f"""
    SELECT {_month(scope)}, customer_id, {select(aggregates.CUSTOMER_BALANCE_MONTH)}
    FROM (
        SELECT a.*, CASE WHEN a.balance > 0 AND a.credit_limit IS NULL
            THEN {_GRADE} END AS grade,
            a.credit_limit IS NULL AND p.product_id IS NOT NULL AND p.term_days IS NULL
            AND coalesce({_GRADE}, 1) = 1 AS is_on_demand,
            a.credit_limit IS NOT NULL AND a.balance IS NOT NULL
                AND p.product_id IS NOT NULL AND p.term_days IS NULL AS is_revolving
        FROM account AS a LEFT JOIN product AS p USING (product_id)
    ) GROUP BY customer_id ORDER BY customer_id
    """
    ),
    writes=contract.CUSTOMER_BALANCE_MONTH,
)
"""The last balances of the month; an account with a credit limit is a debt."""

STEPS = (
    PRODUCT_MONTH,
    CUSTOMER_MONTH,
    CUSTOMER_CATEGORY_MONTH,
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_BALANCE_MONTH,
)
"""In the order of writing: usual prices come from earlier months of `product_month`."""
