"""All features of a month in one DuckDB query over the source's own rows: the benchmark.

It relies on properties of the bank's data, as a query written for it would: lines have no basket
and no quantity, so tickets are lines and unit prices do not exist; what gives back is negative and
names no purchase; balances come once a month. It aggregates each customer over all months at once
and stores nothing in between. From the sums of single customers on, features are the same
expressions as the pipeline's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared.credit import CONDUCT_MONTHS
from portrait_assets.stages.features.declared.entity import RECORDED
from portrait_assets.stages.features.given import GIVEN
from portrait_assets.stages.features.matrix import FEATURE_MATRIX
from portrait_assets.stages.features.monthly.products import can_be_preferred
from portrait_assets.stages.features.monthly.steps import CHANNELS, NEW_FOR_DAYS
from portrait_assets.stages.features.parts.spend import (
    LONGEST_WINDOW,
    NET,
    named_by_features,
    windowed,
)
from portrait_assets.stages.features.persons import PERSON
from portrait_assets.stages.features.window import AGO, WINDOW_MONTHS
from portrait_assets.storage.duckdb.connection import literals
from portrait_assets.storage.steps import Grain, Read, Scope, Source, Step, upstream

DAYS_IN_MASK = 120
OTHER = "over_"
"""Begins the names of queries over other windows than the usual one."""


def features_by_hand(month: str) -> str:
    """The query; it reads views named as the canonical tables and the table temp.product."""
    scope = Scope(month)
    others = _other_windows(scope)
    named = {
        "line": _line(scope, WINDOW_MONTHS),
        "event": _event(scope, WINDOW_MONTHS, "line"),
        "whole": _whole(scope),
        "credit_month": _balance_month(scope, CONDUCT_MONTHS),
        **others,
        **{step.name: _sql(step, scope) for step in upstream(FEATURE_MATRIX) if _is_shared(step)},
    }
    own = {
        "record": _record(),
        "history": "SELECT customer_id, first_on, last_on FROM whole WHERE lines_ever > 0",
        "bought": _bought(name for name in others if name.startswith(OTHER)),
        "base": _base(),
        "choice_name": _choice_name(),
        "choice": _choice(),
        "campaign_type": _campaign_type(scope),
        "base_campaign_type": """
            SELECT campaign_type, sum(responded) / sum(contacts) AS base_rate
            FROM campaign_type GROUP BY campaign_type HAVING sum(contacts) > 0
        """,
        "base_category": """
            SELECT category_no, sum(lines) / sum(sum(lines)) OVER () AS line_share,
                count(*) AS buyers
            FROM by_category GROUP BY category_no
        """,
        "held": _held(scope),
        "indicator": named["indicator"].replace(
            "FROM market",
            "FROM (SELECT *, strftime(observed_on, '%Y-%m') AS month FROM market)",
        ),
        "everyone": f"""
            SELECT customer_id FROM history UNION SELECT customer_id FROM balances
            UNION SELECT customer_id FROM customers WHERE joined_on <= {scope.day}
        """,
    }
    given = {read.name: f"FROM {read.table.name}" for read in upstream(GIVEN) if _is_read(read)}
    order = {**given, **named, **own}
    # Read three times: to read the files again is cheaper than to keep a hundred million rows.
    with_clause = ", ".join(
        f"{name} AS {'NOT MATERIALIZED ' if name in ('line', *given) else ''}({sql})"
        for name, sql in order.items()
    )
    return f"WITH {with_clause} {_sql(FEATURE_MATRIX, scope)}"


def _is_read(source: Source) -> TypeGuard[Read]:
    return isinstance(source, Read)


def _is_shared(source: Source) -> TypeGuard[Step]:
    """Whether it is a step between the customers' sums and the matrix."""
    left_out = (FEATURE_MATRIX, *upstream(NET, PERSON))
    if isinstance(source, Read) or source.in_table is False or source in left_out:
        return False
    return source.grain is not Grain.PARTIAL and source.name != "product"


def _sql(step: Step, scope: Scope) -> str:
    sql = step.sql if isinstance(step.sql, str) else step.sql(scope)
    parts = [part for part in step.reads if isinstance(part, Step) and part.name == "part"]
    return f"WITH part AS ({_sql(parts[0], scope)}) {sql}" if parts else sql


def _record() -> str:
    latest = ", ".join(f"arg_max({name}, place) AS {name}" for name in RECORDED)
    return (
        f"SELECT customer_id, {latest} FROM (SELECT *, row_number() OVER "
        "(ORDER BY recorded_on NULLS FIRST, source_row) AS place FROM customers) "
        "GROUP BY customer_id"
    )


def _line(scope: Scope, months: int) -> str:
    """The lines up to the month; what is summed over so many months is null before them."""
    kinds = "".join(
        f" WHEN lower(t.channel) IN ({literals(names)}) THEN {number}"
        for number, names in enumerate(CHANNELS.values(), 1)
    )
    return f"""
    SELECT t.customer_id, t.occurred_at AS happened_at, p.category AS of_product,
        CASE WHEN {can_be_preferred("p")} THEN t.category END AS category,
        p.brand, t.amount AS paid, {_ago(scope, "t.occurred_at")} AS ago,
        {_ago(scope, "t.occurred_at")} < {months} AS here,
        CASE WHEN here THEN t.amount END AS amount,
        here AND t.amount < 0 AS gives_back,
        CASE WHEN t.amount >= 0 THEN t.occurred_at END AS bought_at,
        CASE WHEN here AND t.amount >= 0 THEN t.amount END AS ticket,
        CASE WHEN here THEN t.occurred_at END AS occurred_at,
        CASE WHEN here THEN t.discount_amount END AS discount_amount,
        CASE WHEN here THEN CAST(hour(t.occurred_at) AS TINYINT) END AS hour_of_day,
        CASE WHEN here THEN CAST(isodow(t.occurred_at) AS TINYINT) END AS weekday,
        CASE WHEN here THEN CAST(CASE{kinds} WHEN t.channel IS NOT NULL THEN 0 END AS TINYINT) END
            AS channel_kind,
        CASE WHEN here THEN p.is_own_label END AS is_own_label,
        CASE WHEN here THEN CAST(t.occurred_at AS DATE) - p.introduced_on
            BETWEEN 0 AND {NEW_FOR_DAYS} END AS is_new,
        CAST(NULL AS {Type.MONEY}) AS usual_cost, CAST(NULL AS DOUBLE) AS price_difference,
        t.is_on_display, t.is_in_mailer,
        CAST(NULL AS INTEGER) AS display_odds, CAST(NULL AS INTEGER) AS mailer_odds
    FROM transactions AS t LEFT JOIN temp.product AS p USING (product_id)
    WHERE t.amount IS NOT NULL AND t.occurred_at < {scope.day} + 1
    """


def _ago(scope: Scope, column: str) -> str:
    return f"CAST(date_diff('month', {column}, {scope.day}) AS SMALLINT)"


def _event(scope: Scope, months: int, line: str) -> str:
    def here(column: str) -> str:
        return f"{_ago(scope, column)} BETWEEN 0 AND {months - 1}"

    return f"""
    SELECT *, CASE WHEN here THEN ago END AS line_ago,
        CASE WHEN here THEN bought_at END AS bought_here FROM {line}
    UNION ALL BY NAME
    SELECT customer_id, kind, CAST(score AS {Type.QUANTITY}) AS score, true AS here
    FROM interactions WHERE {here("occurred_at")}
    UNION ALL BY NAME
    SELECT customer_id, 'contact' AS of, true AS here FROM contacts
    WHERE NOT coalesce(is_control, false) AND {here("contacted_on")}
    UNION ALL BY NAME
    SELECT customer_id, 'response' AS of, true AS here FROM responses
    WHERE {here("responded_on")}
    """


AT_ONCE = {
    "purchases": "count(bought_at) FILTER (ago < {})",
    "amount": "coalesce(sum(paid) FILTER (ago < {}), 0)",
}
"""Aggregates over windows of so many months that are read off all lines at once."""


def _other_windows(scope: Scope) -> dict[str, str]:
    """The other aggregates over a window that is not the usual one, by its months."""
    found: dict[int, list[str]] = {}
    for name, (aggregate, months) in windowed(named_by_features("b")).items():
        if name != aggregate.name and aggregate.name not in AT_ONCE:
            found.setdefault(months, []).append(f"{aggregate.sql} AS {name}")
    return {
        name: sql
        for months, sums in found.items()
        for name, sql in (
            (f"line_{months}m", _line(scope, months)),
            (f"event_{months}m", _event(scope, months, f"line_{months}m")),
            (
                f"{OTHER}{months}m",
                f"SELECT customer_id, {', '.join(sums)} FROM event_{months}m GROUP BY customer_id",
            ),
        )
    }


def _bought(others: Iterable[str]) -> str:
    joins = " ".join(f"LEFT JOIN {other} USING (customer_id)" for other in others)
    return f"SELECT * EXCLUDE (first_on, last_on) FROM whole {joins} WHERE in_window > 0"


def _whole(scope: Scope) -> str:
    """The sums of the window and the first and last day of all time, by customer."""
    named = windowed(named_by_features("b"))
    sums = [
        f"{aggregate.sql} AS {name}"
        for name, (aggregate, months) in named.items()
        if name == aggregate.name and name not in ("purchases", "purchase_days")
    ]
    sums += [
        f"{AT_ONCE[aggregate.name].format(months)} AS {name}"
        for name, (aggregate, months) in named.items()
        if name != aggregate.name and aggregate.name in AT_ONCE
    ]
    spends = [f"coalesce(sum(paid) FILTER (ago = {ago}), 0) AS spend_{ago}" for ago in AGO]
    # A bit for each day: exact, and cheaper than counting distinct days.
    masks = [
        f"CAST(bit_count(bit_or(CASE WHEN bought_here IS NOT NULL AND days_ago BETWEEN {first} "
        f"AND {first + DAYS_IN_MASK - 1} "
        f"THEN CAST(1 AS HUGEINT) << CAST(days_ago - {first} AS INTEGER) "
        "ELSE CAST(0 AS HUGEINT) END)) AS BIGINT)"
        for first in range(0, 366, DAYS_IN_MASK)
    ]
    return f"""
    SELECT customer_id, {", ".join((*sums, *spends))},
        count(ticket) AS purchases, {" + ".join(masks)} AS purchase_days,
        CAST(min(bought_here) AS DATE) AS first_in_window,
        CAST(max(bought_here) AS DATE) AS last_in_window,
        bit_count(bit_or(CASE WHEN bought_here IS NOT NULL THEN CAST(1 AS INTEGER) << line_ago
            ELSE 0 END)) AS active_months,
        CAST(max(line_ago) AS BIGINT) AS oldest,
        count(*) FILTER (here OR ago < {LONGEST_WINDOW}) AS in_window,
        CAST(min(bought_at) AS DATE) AS first_on, CAST(max(bought_at) AS DATE) AS last_on,
        count(happened_at) AS lines_ever
    FROM (
        SELECT *, {scope.day} - CAST(happened_at AS DATE) AS days_ago FROM event
    ) GROUP BY customer_id
    """


def _base() -> str:
    names = {"amount", *windowed(named_by_features("base")), *(f"spend_{ago}" for ago in AGO)}
    return f"SELECT {', '.join(f'sum({name}) AS {name}' for name in names)} FROM bought"


def _choice_name() -> str:
    return """
    SELECT category, brand,
        CASE WHEN category IS NOT NULL
            THEN CAST(dense_rank() OVER (ORDER BY category) AS INTEGER) END AS category_no,
        CASE WHEN brand IS NOT NULL
            THEN CAST(dense_rank() OVER (ORDER BY brand) AS INTEGER) END AS brand_no
    FROM (SELECT DISTINCT coalesce(category, of_product) AS category, brand FROM line WHERE here)
    WHERE category IS NOT NULL OR brand IS NOT NULL
    """


def _choice() -> str:
    return """
    SELECT c.*, n.category_no, n.brand_no
    FROM (
        SELECT customer_id, coalesce(category, of_product) AS category, brand,
            count(bought_at) AS lines, CAST(sum(amount) AS DECIMAL(18, 2)) AS amount,
            bit_or(CASE WHEN gives_back THEN 0 ELSE CAST(1 AS INTEGER) << ago END) AS months
        FROM line WHERE here GROUP BY ALL
    ) AS c JOIN choice_name AS n
        ON n.category IS NOT DISTINCT FROM c.category AND n.brand IS NOT DISTINCT FROM c.brand
    """


def _campaign_type(scope: Scope) -> str:
    return f"""
    SELECT customer_id, coalesce(campaign_type, 'unknown') AS campaign_type,
        coalesce(sum(contacts), 0) AS contacts, coalesce(sum(responses), 0) AS responses,
        coalesce(sum(responded), 0) AS responded, coalesce(sum(lag_days), 0) AS lag_days,
        max(last_on) AS last_response_on, coalesce(bit_or(in_month), 0) AS contacted_months,
        coalesce(sum(contacts) FILTER (in_month < 1 << 1), 0) AS contacts_1m,
        coalesce(sum(contacts) FILTER (in_month < 1 << 3), 0) AS contacts_3m
    FROM (
        SELECT customer_id, campaign_id, 1 AS contacts,
            CAST(1 AS INTEGER) << {_ago(scope, "contacted_on")} AS in_month
        FROM contacts WHERE NOT coalesce(is_control, false)
            AND {_ago(scope, "contacted_on")} BETWEEN 0 AND 11
        UNION ALL BY NAME
        SELECT customer_id, campaign_id, count(*) FILTER (here) AS responses,
            max(responded_on) FILTER (here) AS last_on,
            CASE WHEN any_value(contacted_on) IS NOT NULL AND bool_and(here) THEN 1 END
                AS responded,
            CASE WHEN bool_and(here)
                THEN greatest(min(responded_on) - any_value(contacted_on), 0) END AS lag_days
        FROM (
            SELECT r.*, k.contacted_on, {_ago(scope, "responded_on")} < 12 AS here
            FROM responses AS r LEFT JOIN (
                SELECT customer_id, campaign_id, min(contacted_on) AS contacted_on FROM contacts
                WHERE NOT coalesce(is_control, false) GROUP BY ALL
            ) AS k USING (customer_id, campaign_id)
            WHERE responded_on <= {scope.day}
        ) GROUP BY customer_id, campaign_id HAVING bool_or(here)
    ) LEFT JOIN campaigns USING (campaign_id) GROUP BY ALL
    """


def _held(scope: Scope) -> str:
    latest = "arg_max({column}, -ago) FILTER (ago < 3) AS {column}"
    columns = (
        *("accounts", "products", "balance", "owed", "credit_limit", "days_past_due"),
        *("highest_utilisation", "balance_at_risk"),
    )
    on_demand = (
        f"sum(demand_balance) FILTER (ago < {months}) AS demand_balance_{months}m, "
        f"count(demand_balance) FILTER (ago < {months}) AS demand_months_{months}m"
        for months in (1, 2)
    )
    compared = (
        f"sum({name}) FILTER (ago = {ago}) AS {name}_{ago}"
        for name in ("balance", "balance_at_risk")
        for ago in (0, 1)
    )
    return f"""
    SELECT customer_id, {", ".join(latest.format(column=column) for column in columns)},
        sum(balance) AS balance_months, count(*) AS months,
        sum(balance) FILTER (ago < 3) AS balance_3m, count(*) FILTER (ago < 3) AS months_3m,
        sum(balance) FILTER (ago BETWEEN 3 AND 5) AS balance_before,
        count(*) FILTER (ago BETWEEN 3 AND 5) AS months_before,
        count(*) FILTER (days_past_due > 0) AS months_past_due,
        sum(graded_accounts) AS graded_accounts, sum(graded_balance) AS graded_balance,
        sum(risk_points) AS risk_points, sum(balance_at_risk) AS balance_at_risk_months,
        sum(demand_balance) AS demand_balance, count(demand_balance) AS demand_months,
        {", ".join((*on_demand, *compared))}
    FROM (
        SELECT *, risk_points - graded_balance AS balance_at_risk
        FROM ({_balance_month(scope, WINDOW_MONTHS)})
    ) GROUP BY customer_id
    """


def _balance_month(scope: Scope, months: int) -> str:
    """What each customer held at the end of each of so many months."""
    revolving = "credit_limit IS NOT NULL AND known AND term_days IS NULL"
    return f"""
    SELECT customer_id, ago, count(*) AS accounts, count(DISTINCT product_id) AS products,
        coalesce(sum(balance) FILTER (credit_limit IS NULL), 0) AS balance,
        coalesce(sum(balance) FILTER (credit_limit IS NOT NULL), 0) AS owed,
        coalesce(sum(credit_limit), 0) AS credit_limit, max(days_past_due) AS days_past_due,
        max(round(CAST(balance AS DOUBLE) / CAST(credit_limit AS DOUBLE), 6))
            FILTER (credit_limit > 0) AS highest_utilisation,
        count(grade) AS graded_accounts,
        coalesce(sum(balance) FILTER (grade IS NOT NULL), 0) AS graded_balance,
        coalesce(sum(balance * grade), 0) AS risk_points,
        sum(balance) FILTER (credit_limit IS NULL AND known AND term_days IS NULL
            AND coalesce(TRY_CAST(ltrim(upper(risk_grade), 'R') AS INTEGER), 1) = 1)
            AS demand_balance,
        sum(balance) FILTER ({revolving}) AS revolving_owed,
        sum(credit_limit) FILTER ({revolving}) AS revolving_limit
    FROM (
        SELECT b.*, {_ago(scope, "b.balance_on")} AS ago, p.product_id IS NOT NULL AS known,
            p.term_days, p.risk_grade, CASE WHEN b.balance > 0 AND b.credit_limit IS NULL
                THEN TRY_CAST(ltrim(upper(p.risk_grade), 'R') AS INTEGER) END AS grade
        FROM balances AS b LEFT JOIN temp.product AS p USING (product_id)
        WHERE {_ago(scope, "b.balance_on")} BETWEEN 0 AND {months - 1}
    ) GROUP BY customer_id, ago
    """
