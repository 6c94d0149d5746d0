"""Generated customers for the tag benchmarks: no real data, only plausible distributions."""

from __future__ import annotations

import duckdb

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.contract import FEATURES

FEATURES_SQL = """
SELECT
    DATE '2017-06-30' AS as_of,
    'C' || lpad(c::VARCHAR, 8, '0') AS customer_id,
    ['F', 'M'][1 + (h(c, 1) * 2)::INT % 2] AS gender,
    ['19-24', '25-34', '35-44', '45-54', '55-64', '65+'][1 + (h(c, 2) * 5)::INT] AS age_band,
    ['clerk', 'engineer', 'teacher', 'retired', 'student'][1 + (h(c, 3) * 4)::INT] AS occupation,
    ['school', 'college', 'degree'][1 + (h(c, 4) * 2)::INT] AS education,
    ['Married', 'Unmarried'][1 + (h(c, 5))::INT] AS marital_status,
    ['very_low', 'low', 'medium', 'high', 'very_high'][1 + (h(c, 6) * 4)::INT] AS income_band,
    ((1 + h(c, 7) * 4)::INT)::VARCHAR AS household_size,
    ['couple_with_children', 'single_parent', 'couple', 'single']
        [1 + (h(c, 8) * 3)::INT] AS household_type,
    ['0', '1', '2', '3+'][1 + (h(c, 9) * 3)::INT] AS children,
    ['owner', 'renter', 'probable_renter'][1 + (h(c, 10) * 2)::INT] AS home_ownership,
    'region ' || (h(c, 11) * 30)::INT AS region,
    (18 + h(c, 12) * 70)::BIGINT AS age,
    (h(c, 13) * 1000)::BIGINT AS tenure_days,
    (-ln(1 - h(c, 14)) * 20)::BIGINT AS recency_days,
    round(5 + h(c, 15) * 60, 6) AS average_ticket_12m,
    round((1 + (h(c, 16) * 11)::INT) / 12.0, 6)::DOUBLE AS active_month_share_12m,
    round(h(c, 17) * 2 - 1, 6)::DOUBLE AS spend_trend_3m,
    round(h(c, 18), 6)::DOUBLE AS weekend_spend_share_12m,
    round(h(c, 19), 6)::DOUBLE AS evening_spend_share_12m,
    (h(c, 20) * 8)::BIGINT AS purchases_1m, (h(c, 21) * 200)::{money} AS spend_1m,
    (h(c, 20) * 24)::BIGINT AS purchases_3m, (h(c, 21) * 600)::{money} AS spend_3m,
    (h(c, 20) * 48)::BIGINT AS purchases_6m, (h(c, 21) * 1200)::{money} AS spend_6m,
    (h(c, 20) * 96)::BIGINT AS purchases_12m, (h(c, 21) * 2400)::{money} AS spend_12m,
    (h(c, 22) * 9000)::{money} AS total_balance,
    CASE WHEN h(c, 23) < 0.9 THEN 0 ELSE (h(c, 24) * 120)::BIGINT END AS max_days_past_due,
    'CATEGORY ' || (h(c, 25) * 80)::INT AS top_category,
    round(h(c, 26), 6)::DOUBLE AS top_category_share_12m,
    (h(c, 27) * 150)::BIGINT AS category_count_12m,
    round(h(c, 28), 6)::DOUBLE AS category_hhi_12m,
    round(h(c, 29), 6)::DOUBLE AS own_label_share_12m,
    round(h(c, 30), 6)::DOUBLE AS discounted_share_12m,
    round(h(c, 31) * 0.4, 6)::DOUBLE AS discount_depth_12m,
    (h(c, 32) * 9)::BIGINT AS contacts_12m,
    (greatest(h(c, 33) - 0.7, 0) * 10)::BIGINT AS responses_12m,
    round(h(c, 34) * 0.4, 6)::DOUBLE AS response_rate_12m,
    (h(c, 35) * 300)::BIGINT AS response_recency_days
FROM range({customers}) AS customers(c)
"""


BY_TYPE = {
    Type.NUMBER: "round(h(c, {salt}) * 2, 6)",
    Type.MONEY: f"(h(c, {{salt}}) * 1000)::{Type.MONEY}",
    Type.INTEGER: "(h(c, {salt}) * 12)::BIGINT",
    Type.TEXT: "'value ' || (h(c, {salt}) * 8)::INT",
    Type.TEXTS: "[]::VARCHAR[]",
    Type.BOOLEAN: "h(c, {salt}) > 0.5",
}
"""SQL of the values, by type, of features that FEATURES_SQL does not give itself."""


def make_features(con: duckdb.DuckDBPyConnection, customers: int) -> None:
    """Table `features` of that many customers, with the columns of the feature matrix."""
    con.execute("CREATE MACRO h(c, salt) AS (hash(c, salt) % 1000003) / 1000003.0")
    others = "".join(
        f", {BY_TYPE[feature.column.type].format(salt=salt)} AS {feature.name}"
        for salt, feature in enumerate(FEATURES, start=100)
        if f" AS {feature.name}" not in FEATURES_SQL
    )
    spread = FEATURES_SQL.replace("\nFROM range", f"{others}\nFROM range")
    con.execute(f"CREATE TABLE features AS {spread.format(customers=customers, money=Type.MONEY)}")
