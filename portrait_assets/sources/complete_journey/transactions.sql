-- The file's time stamps are in UTC and do not say so. Promotions are known for some stores only,
-- and of their 20.9 million rows those are kept whose product was bought in that store and week.
WITH promoted AS (
    SELECT
        product_id,
        store_id,
        week,
        bool_or(display_location <> '0') AS is_on_display,
        bool_or(mailer_location <> '0') AS is_in_mailer
    FROM promotions
    SEMI JOIN transactions USING (product_id, store_id, week)
    GROUP BY product_id, store_id, week
),

covered AS (SELECT DISTINCT store_id FROM promotions)

SELECT
    t.household_id AS customer_id,
    t.transaction_timestamp AT TIME ZONE 'UTC' AS occurred_at,
    t.sales_value AS amount,
    t.retail_disc + t.coupon_disc + t.coupon_match_disc AS discount_amount,
    t.quantity,
    t.product_id,
    t.basket_id,
    t.store_id,
    CASE WHEN c.store_id IS NOT NULL THEN coalesce(p.is_on_display, false) END AS is_on_display,
    CASE WHEN c.store_id IS NOT NULL THEN coalesce(p.is_in_mailer, false) END AS is_in_mailer,
    t.source_file,
    t.source_row
FROM transactions AS t
LEFT JOIN covered AS c ON c.store_id = t.store_id
LEFT JOIN promoted AS p
    ON p.product_id = t.product_id AND p.store_id = t.store_id AND p.week = t.week
