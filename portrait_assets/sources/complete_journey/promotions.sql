-- 20.9 million rows of product, store and week become one per product and month: the share of the
-- stores and weeks that end in the month in which it was on display or in the mailer. Week 1 ends
-- on 1 January; products that nobody bought tell nothing about customers.
WITH span AS (
    SELECT
        week,
        min(week) OVER each_month AS first_week,
        max(week) OVER each_month AS last_week,
        count(*) OVER each_month AS weeks
    FROM (SELECT DISTINCT week FROM transactions)
    WINDOW each_month AS (
        PARTITION BY date_trunc('month', DATE '2017-01-01' + CAST(7 * (week - 1) AS INTEGER))
    )
),

weekly AS (
    SELECT
        product_id,
        week,
        count(*) FILTER (display_location <> '0') AS display_stores,
        count(*) FILTER (mailer_location <> '0') AS mailer_stores
    FROM promotions
    GROUP BY product_id, week
),

stores AS (SELECT count(DISTINCT store_id) AS stores FROM promotions)

SELECT
    w.product_id,
    DATE '2017-01-01' + CAST(7 * (s.first_week - 1) - 6 AS INTEGER) AS started_on,
    DATE '2017-01-01' + CAST(7 * (s.last_week - 1) AS INTEGER) AS ended_on,
    least(sum(w.display_stores) / any_value(s.weeks * n.stores), 1) AS display_share,
    least(sum(w.mailer_stores) / any_value(s.weeks * n.stores), 1) AS mailer_share,
    'promotions.parquet' AS source_file,
    w.product_id * 100 + s.first_week AS source_row
FROM weekly AS w
-- Few weeks of products are asked after, where many rows of stores and weeks would be.
SEMI JOIN (SELECT DISTINCT product_id FROM transactions) AS bought USING (product_id)
INNER JOIN span AS s USING (week)
CROSS JOIN stores AS n
GROUP BY w.product_id, s.first_week, s.last_week
