"""The parts that features are computed from: SQL with one row per customer, as of a month.

Each part is a query over the monthly aggregates as `persons.know_persons` has them, so that merged
customers are one; `base_*` parts are of all customers. Nothing later than the month is read.
"""

from __future__ import annotations

from portrait_assets.stages.features.parts.reactions import reactions
from portrait_assets.stages.features.span import AGO, Span

WINDOWS = (1, 3, 6, 12)
RECENT = 0b111
"""The bits of the last three months."""
BASE_LINES = 20
"""Lines that the base's category shares count for, when few are known of a customer."""
BASE_CONTACTS = 5
"""Contacts that the base's response rate counts for."""
BEFOREHAND = (
    *("base", "base_months", "base_campaign_type", "choice_name", "category_name"),
    *("base_category", "indicator", "withdrawn"),
)
"""Parts of all customers that those of single ones need; they take no row per customer."""
AT_ONCE = ("history", "record", "withdrawn_user", "everyone")
"""Parts with a row per customer that take little room: one look over all months gives them."""
AFTERWARDS = (
    *("base_campaign", "base_brand", "base_loyal", "base_chosen", "base_held", "base_uplift"),
)
"""Parts of all customers that need those of single ones."""


def parts(span: Span) -> dict[str, str]:
    """All parts by name, in an order in which each needs only those before it."""
    return {
        "history": history(span),
        "bought": bought(span),
        "base": base(span),
        "campaign_type": campaign_type(span),
        "base_campaign_type": base_campaign_type(span),
        "campaign_response": campaign_response(),
        "campaign": campaign(),
        "base_campaign": base_campaign(),
        "choice_name": choice_name(span),
        "choice": choice(span),
        "category_name": "SELECT DISTINCT category_no, category FROM choice_name",
        "by_category": by_category(),
        "base_category": base_category(span),
        "category": category(),
        "by_brand": by_brand(),
        "brand": brand(),
        "base_brand": base_brand(),
        "base_loyal": base_loyal(),
        "chosen": chosen(),
        "base_chosen": base_chosen(),
        "held": held(span),
        "base_held": base_held(),
        **reactions(span),
    }


def history(span: Span) -> str:
    """First and last purchase of all time by then."""
    return (
        "SELECT customer_id, CAST(min(first_at) AS DATE) AS first_on, "
        "CAST(max(last_at) AS DATE) AS last_on FROM temp.customer_month "
        f"WHERE {span.known} AND lines > 0 GROUP BY customer_id"
    )


SUMMED = (
    *("lines", "purchase_days", "ticket_squares", "returned_lines", "returned_amount"),
    *("discount_amount", "discounted_lines", "discounted_amount", "branded_lines"),
    *("branded_amount", "own_label_amount", "weekend_amount", "evening_amount", "night_lines"),
    *("morning_lines", "afternoon_lines", "evening_lines", "hour_x", "hour_y", "monday_lines"),
    *("tuesday_lines", "wednesday_lines", "thursday_lines", "friday_lines", "saturday_lines"),
    *("sunday_lines", "digital_lines", "branch_lines", "self_service_lines", "phone_lines"),
    *("priced_lines", "priced_amount", "usual_cost", "cheaper_lines", "dearer_lines"),
    *("dated_product_lines", "new_product_lines", "promotable_lines", "display_lines"),
    *("mailer_lines", "promoted_amount", "display_odds", "mailer_odds", "complaints", "surveys"),
    *("survey_points", "visits"),
)
"""Columns of `features.customer_month` whose sum over the window the features need."""
BASE_SUMMED = (
    *("discount_amount", "discounted_amount", "branded_amount", "own_label_amount"),
    *("priced_amount", "usual_cost", "cheaper_lines", "dearer_lines", "dated_product_lines"),
    *("new_product_lines", "display_lines", "mailer_lines", "display_odds", "mailer_odds"),
)


def bought(span: Span) -> str:
    """Sums over the window; spend_0 to spend_11 are the amounts of the single months."""
    # FILTER would cut every column of the rows anew for each of so many aggregates.
    spends = [f"sum(CASE WHEN ago = {ago} THEN amount ELSE 0 END) AS spend_{ago}" for ago in AGO]
    purchases = [
        f"sum(CASE WHEN ago < {n} THEN purchases ELSE 0 END) AS purchases_{n}m"
        for n in WINDOWS[:-1]
    ]
    return f"""
    SELECT customer_id, sum(amount) AS amount, sum(purchases) AS purchases,
        {", ".join(f"sum({name}) AS {name}" for name in SUMMED)},
        {", ".join((*spends, *purchases))},
        max(largest_ticket) AS largest_ticket,
        CAST(min(first_at) AS DATE) AS first_in_window,
        CAST(max(last_at) AS DATE) AS last_in_window,
        count(*) FILTER (lines > 0) AS active_months,
        CAST(max(ago) FILTER (lines > 0) AS BIGINT) AS oldest
    FROM (SELECT *, {span.ago()} AS ago FROM temp.customer_month WHERE {span.within})
    GROUP BY customer_id
    """


def base(span: Span) -> str:
    """The same sums of all customers."""
    sums = [f"sum({name}) AS {name}" for name in ("amount", *BASE_SUMMED)]
    sums += [f"coalesce(sum(amount) FILTER (ago = {ago}), 0) AS spend_{ago}" for ago in AGO]
    return (
        f"SELECT {', '.join(sums)} FROM "
        f"(SELECT *, {span.ago()} AS ago FROM temp.customer_month WHERE {span.within})"
    )


def campaign_type(span: Span) -> str:
    """Contacts and responses over the window by kind of campaign."""
    return f"""
    SELECT customer_id, campaign_type, sum(contacts) AS contacts, sum(responses) AS responses,
        sum(responded_contacts) AS responded, sum(lag_days) AS lag_days,
        max(last_response_on) AS last_response_on,
        bit_or(CASE WHEN contacts > 0 THEN 1 << CAST({span.ago()} AS INTEGER) ELSE 0 END)
            AS contacted_months
    FROM temp.customer_campaign_month WHERE {span.within} GROUP BY ALL
    """


def base_campaign_type(span: Span) -> str:
    """The base's response rate by kind of campaign.

    Responses may be to contacts before the window, so that there can be more of them.
    """
    return (
        "SELECT campaign_type, least(sum(responded_contacts) / sum(contacts), 1) AS base_rate "
        f"FROM temp.customer_campaign_month WHERE {span.within} "
        "GROUP BY campaign_type HAVING sum(contacts) > 0"
    )


def campaign_response() -> str:
    """The response rate by kind of campaign, shrunk to the base's rate of that kind."""
    rate = (
        f"(least(responded, contacts) + {BASE_CONTACTS} * base_rate) / (contacts + {BASE_CONTACTS})"
    )
    return (
        f"SELECT *, round({rate}, 6) AS rate "
        "FROM campaign_type LEFT JOIN base_campaign_type USING (campaign_type)"
    )


def campaign() -> str:
    """The same over all kinds, and the kind with the best rate."""
    return """
    SELECT customer_id, sum(contacts) AS contacts, sum(responses) AS responses,
        sum(responded) AS responded, sum(lag_days) AS lag_days,
        max(last_response_on) AS last_response_on, bit_or(contacted_months) AS contacted_months,
        arg_max(campaign_type, {'rate': rate, 'type': campaign_type})
            FILTER (contacts > 0) AS best_type,
        max(rate) FILTER (contacts > 0) AS best_rate,
        arg_max(contacts, {'rate': rate, 'type': campaign_type})
            FILTER (contacts > 0) AS best_contacts
    FROM campaign_response GROUP BY customer_id
    """


def base_campaign() -> str:
    """Contacts, responses and lags of all customers."""
    return (
        "SELECT coalesce(sum(contacts), 0) AS contacts, coalesce(sum(responded), 0) AS responded, "
        "coalesce(sum(lag_days), 0) AS lag_days FROM campaign"
    )


def choice_name(span: Span) -> str:
    """Category and brand of each choice, numbered in the order of their names."""
    return f"""
    SELECT *, CASE WHEN category IS NOT NULL
            THEN CAST(dense_rank() OVER (ORDER BY category) AS INTEGER) END AS category_no,
        CASE WHEN brand IS NOT NULL
            THEN CAST(dense_rank() OVER (ORDER BY brand) AS INTEGER) END AS brand_no
    FROM (
        SELECT choice_id, any_value(category) AS category, any_value(brand) AS brand
        FROM temp.customer_category_month WHERE {span.within} GROUP BY choice_id
    )
    """


def choice(span: Span) -> str:
    """What was chosen over the window, by category and brand.

    `months` has a bit for each month in which it was chosen, the lowest for the month itself.
    """
    return f"""
    SELECT c.*, n.category_no, n.brand_no
    FROM (
        SELECT customer_id, choice_id, CAST(sum(lines) AS BIGINT) AS lines,
            CAST(sum(amount) AS DECIMAL(18, 2)) AS amount,
            bit_or(1 << CAST({span.ago()} AS INTEGER)) AS months
        FROM temp.customer_category_month
        WHERE {span.within} GROUP BY customer_id, choice_id
    ) AS c JOIN choice_name AS n USING (choice_id)
    """


def by_category() -> str:
    """What was chosen by category, and how much of it was of its first brand."""
    return """
    SELECT customer_id, category_no, CAST(sum(lines) AS BIGINT) AS lines,
        CAST(sum(amount) AS DECIMAL(18, 2)) AS amount,
        CAST(coalesce(sum(lines) FILTER (brand_no IS NOT NULL), 0) AS BIGINT) AS branded_lines,
        coalesce(max(lines) FILTER (brand_no IS NOT NULL), 0) AS first_brand_lines
    FROM choice WHERE category_no IS NOT NULL GROUP BY customer_id, category_no
    """


def base_category(span: Span) -> str:
    """The base's share of lines by category."""
    return (
        "SELECT category_no, sum(lines) / sum(sum(lines)) OVER () AS line_share "
        "FROM temp.customer_category_month JOIN choice_name USING (choice_id) "
        f"WHERE {span.within} AND category_no IS NOT NULL GROUP BY category_no"
    )


def category() -> str:
    """Preferences over categories: the first one, their spread, and what stands out.

    The target group index of a category is 100 x own share of lines / base's share, the own share
    being shrunk to the base's. Loyalty looks at categories with a second line only: one line has
    one brand.
    """
    return f"""
    SELECT c.*, f.category AS first_category, i.category AS index_category,
        round(100 * raw_index / (lines + {BASE_LINES}), 4) AS index
    FROM (
        SELECT customer_id, sum(lines) AS lines,
            sum(amount) FILTER (amount > 0) AS spend,
            max(amount) AS first_amount,
            arg_min(category_no, {{'less': -amount, 'no': category_no}}) FILTER (amount > 0)
                AS first_no,
            sum(CAST(amount AS DECIMAL(20, 2)) * amount) FILTER (amount > 0)
                AS squares,
            count(*) FILTER (amount > 0) AS categories,
            coalesce(sum(branded_lines) FILTER (branded_lines > 1), 0) AS loyal_of_lines,
            coalesce(sum(first_brand_lines) FILTER (branded_lines > 1), 0) AS loyal_lines,
            arg_min(category_no, {{'less': -raw_index, 'no': category_no}}) AS index_no,
            max(raw_index) AS raw_index
        FROM (
            SELECT c.*, round(c.lines / b.line_share + {BASE_LINES}, 6) AS raw_index
            FROM by_category AS c JOIN base_category AS b USING (category_no)
        ) GROUP BY customer_id
    ) AS c
    LEFT JOIN category_name AS f ON f.category_no = c.first_no
    LEFT JOIN category_name AS i ON i.category_no = c.index_no
    """


def base_loyal() -> str:
    """The base's loyalty to the first brand of a category."""
    return (
        "SELECT sum(loyal_lines) AS loyal_lines, sum(loyal_of_lines) AS loyal_of_lines "
        "FROM category"
    )


def by_brand() -> str:
    """What was chosen by brand."""
    return """
    SELECT customer_id, brand_no, sum(lines) AS lines,
        CAST(sum(amount) AS DECIMAL(18, 2)) AS amount
    FROM choice WHERE brand_no IS NOT NULL GROUP BY customer_id, brand_no
    """


def brand() -> str:
    """Preferences over brands: the first one and their spread."""
    return """
    SELECT b.*, n.brand AS first_brand
    FROM (
        SELECT customer_id, sum(lines) AS lines,
            sum(amount) FILTER (amount > 0) AS spend, max(amount) AS first_amount,
            arg_min(brand_no, {'less': -amount, 'no': brand_no}) FILTER (amount > 0) AS first_no,
            sum(CAST(amount AS DECIMAL(20, 2)) * amount) FILTER (amount > 0)
                AS squares
        FROM by_brand GROUP BY customer_id
    ) AS b
    LEFT JOIN (SELECT DISTINCT brand_no, brand FROM choice_name) AS n ON n.brand_no = b.first_no
    """


def base_brand() -> str:
    """The same of all customers: what they spent on their first brands, and squares of spend."""
    return (
        "SELECT sum(first_amount) FILTER (spend > 0) AS first_amount, sum(spend) AS spend, "
        "sum(squares) AS squares, "
        "sum(CAST(spend AS DECIMAL(18, 2)) * CAST(spend AS DECIMAL(20, 2))) AS spend_squares "
        "FROM brand"
    )


def chosen() -> str:
    """How often a choice of category and brand was repeated, and how many are new."""
    return f"""
    SELECT customer_id, count(*) AS choices,
        count(*) FILTER (bit_count(months) > 1) AS repeated,
        count(*) FILTER (months & {RECENT} > 0) AS recent,
        count(*) FILTER (months <= {RECENT}) AS novel,
        bit_or(months) > {RECENT} AS has_earlier
    FROM choice GROUP BY customer_id
    """


def base_chosen() -> str:
    """The same of all customers; novelty only of those with an earlier choice to compare with."""
    return (
        "SELECT sum(choices) AS choices, sum(repeated) AS repeated, "
        "sum(recent) FILTER (has_earlier) AS recent, sum(novel) FILTER (has_earlier) AS novel "
        "FROM chosen"
    )


def held(span: Span) -> str:
    """What is held and owed: the last month with balances within three months, and the window."""
    latest = "arg_max({column}, place) AS {column}"
    columns = ("accounts", "products", "balance", "owed", "credit_limit", "days_past_due")
    return f"""
    SELECT customer_id, {", ".join(latest.format(column=column) for column in columns)},
        sum(balance) AS balance_months, count(*) AS months,
        sum(CASE WHEN ago < 3 THEN balance END) AS balance_3m, count(place) AS months_3m,
        sum(CASE WHEN ago BETWEEN 3 AND 5 THEN balance END) AS balance_before,
        count(CASE WHEN ago BETWEEN 3 AND 5 THEN 1 END) AS months_before,
        count(CASE WHEN days_past_due > 0 THEN 1 END) AS months_past_due,
        sum(graded_accounts) AS graded_accounts, sum(graded_balance) AS graded_balance,
        sum(risk_points) AS risk_points
    FROM (
        SELECT *, CASE WHEN ago < 3 THEN -ago END AS place FROM (
            SELECT *, {span.ago()} AS ago FROM temp.customer_balance_month WHERE {span.within}
        )
    ) GROUP BY customer_id
    """


def base_held() -> str:
    """Risk of all that is held."""
    return "SELECT sum(graded_balance) AS graded_balance, sum(risk_points) AS risk_points FROM held"
