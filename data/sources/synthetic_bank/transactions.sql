SELECT
    transaction_id,
    customer_id,
    occurred_at,
    amount,
    currency,
    discount_amount,
    quantity,
    product_id,
    category,
    basket_id,
    store_id,
    channel,
    source_file,
    source_row
FROM transactions
