-- The file's time stamps are in UTC and do not say so.
SELECT
    household_id AS customer_id,
    transaction_timestamp AT TIME ZONE 'UTC' AS occurred_at,
    sales_value AS amount,
    retail_disc + coupon_disc + coupon_match_disc AS discount_amount,
    quantity,
    product_id,
    basket_id,
    store_id,
    source_file,
    source_row
FROM transactions
