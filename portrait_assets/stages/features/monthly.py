"""SQL of one month's additive aggregates: windows of months are sums of these.

Each query reads the month's own events, what is known of campaigns by then, and for usual prices
the earlier months of `features.product_month`. What is known of products by then is looked up in
the temporary table `product`, which `products.know_products` makes, and what customers were
contacted about and responded to before in the views that `persons.know_persons` makes. What is by
customer comes in customers' order, so that the matrix finds some customers without reading all.
"""

from __future__ import annotations

from portrait_assets.core.months import next_month
from portrait_assets.stages.features.contract import DAY_PARTS, WEEKDAYS
from portrait_assets.stages.features.products import choice_id
from portrait_assets.storage.duckdb.connection import literal, literals

CHANNELS = {
    "digital": ("app", "web", "online", "mobile", "website", "wechat", "mini_program", "internet"),
    "branch": ("branch", "store", "shop", "counter"),
    "self_service": ("atm", "pos", "kiosk", "self_service"),
    "phone": ("phone", "telephone", "call_center", "cellular"),
}
"""Which channels, as sources name them, count as which kind."""
NEW_FOR_DAYS = 182
PRICE_MOVED = 0.05
"""A price is cheaper or dearer than usual from this relative difference on."""
USUAL_PRICE_MONTHS = 12
MILLION = 1_000_000


def product_month(month: str) -> str:
    """What was sold of each product in the month, where a unit price can be told."""
    return f"""
    SELECT {literal(month)} AS month, s.*, p.category
    FROM (
        SELECT product_id, count(*) AS lines, sum(quantity) AS quantity, sum(amount) AS amount
        FROM cleaned.transactions
        WHERE month = {literal(month)} AND quantity > 0 AND amount > 0 AND product_id IS NOT NULL
        GROUP BY product_id
    ) AS s LEFT JOIN temp.product AS p USING (product_id)
    """


def customer_month(month: str) -> str:
    """What each customer bought and said in the month; a line without a basket is a purchase."""
    here = f"WHERE month = {literal(month)}"
    return f"""
    WITH fact AS (
        SELECT p.product_id, p.is_own_label, p.introduced_on, c.price AS category_price,
            u.price AS usual_price, s.display_share, s.mailer_share
        FROM temp.product AS p
        LEFT JOIN ({_category_prices(month)}) AS c USING (category)
        LEFT JOIN ({_usual_prices(month)}) AS u USING (product_id)
        LEFT JOIN ({_shown(month)}) AS s USING (product_id)
    ),
    line AS (
        SELECT t.customer_id, t.occurred_at, t.amount, t.discount_amount,
            CASE WHEN t.basket_id IS NULL THEN t.amount END AS ticket,
            CAST(hour(t.occurred_at) AS TINYINT) AS hour_of_day,
            CAST(isodow(t.occurred_at) AS TINYINT) AS weekday,
            {_channel_kind()} AS channel_kind,
            p.is_own_label,
            CAST(t.occurred_at AS DATE) - p.introduced_on BETWEEN 0 AND {NEW_FOR_DAYS} AS is_new,
            CASE WHEN t.quantity > 0 AND t.amount > 0
                THEN CAST(t.quantity * p.category_price AS DECIMAL(18, 2)) END AS usual_cost,
            CASE WHEN t.quantity > 0 AND t.amount > 0
                THEN t.amount / t.quantity / p.usual_price - 1 END AS price_difference,
            t.is_on_display, t.is_in_mailer,
            CASE WHEN t.is_on_display IS NOT NULL
                THEN CAST(round({MILLION} * p.display_share) AS INTEGER) END AS display_odds,
            CASE WHEN t.is_in_mailer IS NOT NULL
                THEN CAST(round({MILLION} * p.mailer_share) AS INTEGER) END AS mailer_odds
        FROM cleaned.transactions AS t LEFT JOIN fact AS p USING (product_id)
        WHERE t.month = {literal(month)}
    ),
    event AS (
        FROM line
        UNION ALL BY NAME
        SELECT customer_id, sum(amount) AS ticket FROM cleaned.transactions
        {here} AND basket_id IS NOT NULL GROUP BY customer_id, basket_id
        UNION ALL BY NAME
        SELECT customer_id, kind, CAST(score AS DECIMAL(18, 3)) AS score
        FROM cleaned.interactions {here}
        UNION ALL BY NAME
        SELECT customer_id, 'contact' AS of FROM cleaned.contacts
        {here} AND NOT coalesce(is_control, false)
        UNION ALL BY NAME
        SELECT customer_id, 'response' AS of FROM cleaned.responses {here}
    )
    SELECT {literal(month)} AS month, customer_id, {", ".join(sums())}
    FROM event GROUP BY customer_id ORDER BY customer_id
    """


def sums() -> list[str]:
    """The columns of `features.customer_month` after the customer, by event."""
    day_parts = [
        _count(f"hour_of_day BETWEEN {first} AND {last}", f"{name}_lines")
        for name, (first, last) in DAY_PARTS.items()
    ]
    weekdays = [
        _count(f"weekday = {number}", f"{name}_lines") for number, name in enumerate(WEEKDAYS, 1)
    ]
    channels = [
        _count(f"channel_kind = {number}", f"{name}_lines")
        for number, name in enumerate(CHANNELS, 1)
    ]
    return [
        "count(ticket) AS purchases",
        "count(amount) AS lines",
        "coalesce(bit_count(bit_or(CAST(1 AS INTEGER) << CAST(day(occurred_at) - 1 AS INTEGER)))"
        ", 0) AS purchase_days",
        _sum("amount"),
        "coalesce(sum(CAST(ticket AS DECIMAL(20, 2)) * CAST(ticket AS DECIMAL(18, 2))), 0) "
        "AS ticket_squares",
        "min(ticket) AS smallest_ticket",
        "max(ticket) AS largest_ticket",
        "min(occurred_at) AS first_at",
        "max(occurred_at) AS last_at",
        _count("amount < 0", "returned_lines"),
        _sum("-amount", "amount < 0", "returned_amount"),
        _sum("discount_amount"),
        _count("discount_amount > 0", "discounted_lines"),
        _sum("amount", "discount_amount > 0", "discounted_amount"),
        "count(is_own_label) AS branded_lines",
        _sum("amount", "is_own_label IS NOT NULL", "branded_amount"),
        _sum("amount", "is_own_label", "own_label_amount"),
        _sum("amount", "weekday >= 6", "weekend_amount"),
        _sum("amount", "hour_of_day >= 18", "evening_amount"),
        *day_parts,
        # Hours lie on a circle; whole thousandths keep the sums exact.
        "coalesce(sum(CAST(round(1000 * cos(pi() * (hour_of_day + 0.5) / 12)) AS INTEGER)), 0) "
        "AS hour_x",
        "coalesce(sum(CAST(round(1000 * sin(pi() * (hour_of_day + 0.5) / 12)) AS INTEGER)), 0) "
        "AS hour_y",
        *weekdays,
        *channels,
        "count(usual_cost) AS priced_lines",
        _sum("amount", "usual_cost IS NOT NULL", "priced_amount"),
        _sum("usual_cost"),
        _count(f"price_difference <= -{PRICE_MOVED}", "cheaper_lines"),
        _count(f"price_difference >= {PRICE_MOVED}", "dearer_lines"),
        "count(is_new) AS dated_product_lines",
        _count("is_new", "new_product_lines"),
        _count("display_odds IS NOT NULL OR mailer_odds IS NOT NULL", "promotable_lines"),
        _count("display_odds IS NOT NULL AND is_on_display", "display_lines"),
        _count("mailer_odds IS NOT NULL AND is_in_mailer", "mailer_lines"),
        _sum("amount", "is_on_display OR is_in_mailer", "promoted_amount"),
        "coalesce(sum(display_odds), 0) AS display_odds",
        "coalesce(sum(mailer_odds), 0) AS mailer_odds",
        _count("kind = 'complaint'", "complaints"),
        _count("kind = 'survey' AND score IS NOT NULL", "surveys"),
        _sum("score", "kind = 'survey'", "survey_points"),
        _count("kind = 'visit'", "visits"),
        _count("of = 'contact'", "contacts"),
        _count("of = 'response'", "responses"),
    ]


def _count(where: str, name: str) -> str:
    return f"count(CASE WHEN {where} THEN 1 END) AS {name}"


def _sum(of: str, where: str | None = None, name: str | None = None) -> str:
    # FILTER would cut every column of the rows anew for each of so many aggregates.
    summed = f"CASE WHEN {where} THEN {of} END" if where else of
    return f"coalesce(sum({summed}), 0) AS {name or of}"


def _channel_kind() -> str:
    """The channel's place in CHANNELS, from 1; null for a channel that is not told."""
    whens = "".join(
        f" WHEN lower(t.channel) IN ({literals(names)}) THEN {number}"
        for number, names in enumerate(CHANNELS.values(), 1)
    )
    return f"CAST(CASE{whens} WHEN t.channel IS NOT NULL THEN 0 END AS TINYINT)"


def _category_prices(month: str) -> str:
    return (
        "SELECT category, CAST(sum(amount) AS DOUBLE) / CAST(sum(quantity) AS DOUBLE) AS price "
        f"FROM features.product_month WHERE month = {literal(month)} AND category IS NOT NULL "
        "GROUP BY category"
    )


def _usual_prices(month: str) -> str:
    first = next_month(month, -USUAL_PRICE_MONTHS)
    return (
        "SELECT product_id, CAST(sum(amount) AS DOUBLE) / CAST(sum(quantity) AS DOUBLE) AS price "
        f"FROM features.product_month WHERE month >= {literal(first)} "
        f"AND month < {literal(month)} GROUP BY product_id"
    )


def _shown(month: str) -> str:
    return (
        "SELECT product_id, avg(display_share) AS display_share, avg(mailer_share) AS mailer_share "
        f"FROM cleaned.promotions WHERE month = {literal(month)} AND product_id IS NOT NULL "
        "GROUP BY product_id"
    )


def customer_category_month(month: str) -> str:
    """What each customer bought by category and brand.

    The category is the row's own, or else its product's; lines with neither category nor brand
    are left out. Rows are counted by a number, which is cheaper than by two texts.
    """
    return f"""
    WITH line AS (
        SELECT t.customer_id, t.amount, t.category, p.brand, p.choice_id
        FROM cleaned.transactions AS t LEFT JOIN temp.product AS p USING (product_id)
        WHERE t.month = {literal(month)}
    ),
    own AS (
        SELECT category, brand, {choice_id("category", "brand")} AS choice_id
        FROM (SELECT DISTINCT category, brand FROM line WHERE category IS NOT NULL)
    ),
    name AS (
        SELECT DISTINCT choice_id, category, brand FROM temp.product WHERE choice_id IS NOT NULL
        UNION
        SELECT choice_id, category, brand FROM own
    ),
    chosen AS (
        SELECT customer_id, amount, choice_id FROM line WHERE category IS NULL
        UNION ALL
        SELECT l.customer_id, l.amount, o.choice_id
        FROM line AS l JOIN own AS o
            ON o.category = l.category AND o.brand IS NOT DISTINCT FROM l.brand
    )
    SELECT {literal(month)} AS month, c.*, n.category, n.brand
    FROM (
        SELECT customer_id, choice_id, count(*) AS lines, sum(amount) AS amount
        FROM chosen WHERE choice_id IS NOT NULL GROUP BY customer_id, choice_id
    ) AS c JOIN name AS n USING (choice_id) ORDER BY customer_id
    """


def customer_campaign_month(month: str) -> str:
    """Contacts and responses by kind of campaign.

    A contacted campaign is responded to once, in the month of the first response, which also
    tells the days it took. The control group counts as not contacted: what it answers unasked is
    among the responses only.
    """
    here = f"month = {literal(month)}"
    return f"""
    WITH answered AS (
        SELECT customer_id, campaign_id, count(*) AS responses, min(responded_on) AS first_on,
            max(responded_on) AS last_on
        FROM cleaned.responses WHERE {here} GROUP BY ALL
    ),
    earlier AS (
        SELECT DISTINCT customer_id, campaign_id
        FROM temp.responses SEMI JOIN answered USING (customer_id, campaign_id)
        WHERE month < {literal(month)}
    ),
    reached AS (
        SELECT customer_id, campaign_id, min(contacted_on) AS contacted_on
        FROM temp.contacts SEMI JOIN answered USING (customer_id, campaign_id)
        WHERE month <= {literal(month)} AND NOT coalesce(is_control, false) GROUP BY ALL
    ),
    event AS (
        SELECT customer_id, campaign_id, 1 AS contacts FROM cleaned.contacts
        WHERE {here} AND NOT coalesce(is_control, false)
        UNION ALL BY NAME
        SELECT a.customer_id, a.campaign_id, a.responses, a.last_on,
            CASE WHEN r.contacted_on IS NOT NULL AND e.customer_id IS NULL THEN 1 END AS responded,
            CASE WHEN e.customer_id IS NULL
                THEN greatest(a.first_on - r.contacted_on, 0) END AS lag_days
        FROM answered AS a
        LEFT JOIN reached AS r USING (customer_id, campaign_id)
        LEFT JOIN earlier AS e USING (customer_id, campaign_id)
    ),
    campaign AS (
        SELECT campaign_id, arg_max(campaign_type, source_row) AS campaign_type
        FROM cleaned.campaigns WHERE month <= {literal(month)} GROUP BY campaign_id
    )
    SELECT {literal(month)} AS month, e.customer_id,
        coalesce(c.campaign_type, 'unknown') AS campaign_type,
        coalesce(sum(contacts), 0) AS contacts, coalesce(sum(responses), 0) AS responses,
        coalesce(sum(responded), 0) AS responded_contacts,
        coalesce(sum(CASE WHEN responded = 1 THEN lag_days END), 0) AS lag_days,
        max(last_on) AS last_response_on
    FROM event AS e LEFT JOIN campaign AS c USING (campaign_id) GROUP BY ALL ORDER BY e.customer_id
    """


def customer_balance_month(month: str) -> str:
    """The last balances of the month; an account with a credit limit is a debt."""
    return f"""
    WITH account AS (
        SELECT customer_id, account_id, product_id,
            arg_max(balance, place) AS balance, arg_max_null(credit_limit, place) AS credit_limit,
            arg_max_null(days_past_due, place) AS days_past_due
        FROM (
            SELECT *, (balance_on - DATE '1900-01-01') * CAST(4294967296 AS BIGINT) + source_row
                AS place
            FROM cleaned.balances WHERE month = {literal(month)}
        ) GROUP BY ALL
    ),
    graded AS (
        SELECT a.*, CASE WHEN a.balance > 0 AND a.credit_limit IS NULL
            THEN TRY_CAST(ltrim(upper(p.risk_grade), 'R') AS INTEGER) END AS grade
        FROM account AS a LEFT JOIN temp.product AS p USING (product_id)
    )
    SELECT {literal(month)} AS month, customer_id, count(*) AS accounts,
        count(DISTINCT product_id) AS products,
        coalesce(sum(balance) FILTER (credit_limit IS NULL), 0) AS balance,
        coalesce(sum(balance) FILTER (credit_limit IS NOT NULL), 0) AS owed,
        coalesce(sum(credit_limit), 0) AS credit_limit,
        max(days_past_due) AS days_past_due,
        count(grade) AS graded_accounts,
        coalesce(sum(balance) FILTER (grade IS NOT NULL), 0) AS graded_balance,
        coalesce(sum(balance * grade), 0) AS risk_points
    FROM graded GROUP BY customer_id ORDER BY customer_id
    """
